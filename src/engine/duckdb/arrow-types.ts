/** Which Arrow column an Iceberg type becomes. */
import type { Data, DataType } from 'apache-arrow'
import { CorruptFileError, UnsupportedFeatureError } from '../../errors.ts'
import { isPrimitive, type NestedField, type PrimitiveType, type Type } from '../../format/types.ts'
import {
  BooleanColumn,
  BytesColumn,
  Column,
  FixedWidthColumn,
  ListColumn,
  NullColumn,
  type Arrow,
  type ArrowColumn,
  type CopyValues,
} from './arrow-columns.ts'
import { bytesOf, countOf, isValid, memberOf, type VectorRows } from './raw-vector.ts'
import { packBytes } from './string-vector.ts'
import { writeUnscaled } from './unscaled.ts'

/** An empty column of the type that PyIceberg, too, gives an Iceberg type in Arrow. */
export function arrowColumn(arrow: Arrow, type: Type): ArrowColumn {
  if (isPrimitive(type)) return primitiveColumn(arrow, type)
  switch (type.kind) {
    case 'struct':
      return new StructColumn(arrow, type.fields)
    case 'list': {
      const element = arrowColumn(arrow, type.element)
      const field = childField(arrow, 'element', element.type, type.elementId, type.elementRequired)
      return new ListColumn(arrow, new arrow.List(field), element)
    }
    case 'map':
      return mapColumn(arrow, type)
    case 'variant':
      throw new UnsupportedFeatureError('columns of type variant cannot be read yet')
  }
}

function primitiveColumn(arrow: Arrow, type: PrimitiveType): ArrowColumn {
  switch (type.kind) {
    case 'boolean':
      return new BooleanColumn(arrow)
    case 'int':
      return new FixedWidthColumn(arrow, new arrow.Int32(), 4)
    case 'long':
      return new FixedWidthColumn(arrow, new arrow.Int64(), 8)
    case 'float':
      return new FixedWidthColumn(arrow, new arrow.Float32(), 4)
    case 'double':
      return new FixedWidthColumn(arrow, new arrow.Float64(), 8)
    case 'date':
      return new FixedWidthColumn(arrow, new arrow.DateDay(), 4)
    case 'time':
      return new FixedWidthColumn(arrow, new arrow.TimeMicrosecond(), 8)
    case 'timestamp':
      return new FixedWidthColumn(arrow, new arrow.TimestampMicrosecond(), 8)
    case 'timestamptz':
      return new FixedWidthColumn(arrow, new arrow.TimestampMicrosecond('UTC'), 8)
    case 'timestamp_ns':
      return new FixedWidthColumn(arrow, new arrow.TimestampNanosecond(), 8)
    case 'decimal':
      return decimalColumn(arrow, type)
    case 'uuid':
      return new FixedWidthColumn(arrow, new arrow.FixedSizeBinary(16), 16, copyUuids)
    case 'fixed':
      return new FixedWidthColumn(
        arrow,
        new arrow.FixedSizeBinary(type.length),
        type.length,
        fixedCopier(type.length),
      )
    case 'string':
      return new BytesColumn(arrow, new arrow.Utf8())
    case 'binary':
      return new BytesColumn(arrow, new arrow.Binary())
    case 'unknown':
      return new NullColumn(arrow)
    default:
      throw new UnsupportedFeatureError(`columns of type ${type.kind} cannot be read yet`)
  }
}

function childField(arrow: Arrow, name: string, type: DataType, id: number, required: boolean) {
  return new arrow.Field(name, type, !required, new Map([['PARQUET:field_id', String(id)]]))
}

class StructColumn extends Column {
  readonly type: DataType
  readonly #members: readonly ArrowColumn[]

  constructor(arrow: Arrow, fields: readonly NestedField[]) {
    super(arrow)
    this.#members = fields.map((field) => arrowColumn(arrow, field.type))
    const children = fields.map((field, at) =>
      childField(arrow, field.name, this.#members[at]?.type ?? new arrow.Null(), field.id, field.required),
    )
    this.type = new arrow.Struct(children)
  }

  get byteLength(): number {
    return this.#members.reduce((sum, member) => sum + member.byteLength, 0)
  }

  protected copy(from: VectorRows): void {
    for (const [at, member] of this.#members.entries()) member.append(memberOf(from, at))
  }

  finish(): Data {
    return this.data(
      {},
      this.#members.map((member) => member.finish()),
    )
  }
}

function mapColumn(arrow: Arrow, type: Type & { readonly kind: 'map' }): ArrowColumn {
  const entries = new StructColumn(arrow, [
    { id: type.keyId, name: 'key', required: true, type: type.key },
    { id: type.valueId, name: 'value', required: type.valueRequired, type: type.value },
  ])
  return new ListColumn(arrow, mapTypeOf(arrow, entries.type), entries)
}

function mapTypeOf(arrow: Arrow, entries: DataType): DataType {
  // Typed by its own key and value, which are known at run time only.
  return new arrow.Map_(new arrow.Field('entries', entries, false) as ConstructorParameters<Arrow['Map_']>[0])
}

function decimalColumn(arrow: Arrow, type: PrimitiveType & { readonly kind: 'decimal' }): ArrowColumn {
  const arrowType = new arrow.Decimal(type.scale, type.precision, 128)
  return new FixedWidthColumn(arrow, arrowType, 16, (from, _, target) =>
    writeUnscaled(from, type.precision, target),
  )
}

/** DuckDB keeps a UUID as a little-endian number with its sign turned round. */
function copyUuids(from: VectorRows, _: Uint8Array | null, target: Uint8Array): void {
  const source = bytesOf(from, 16)
  for (let i = 0; i < countOf(from); i++) {
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    for (let k = 0; k < 16; k++) target[i * 16 + k] = source[row * 16 + 15 - k] ?? 0
    target[i * 16] = (target[i * 16] ?? 0) ^ 0x80
  }
}

function fixedCopier(width: number): CopyValues {
  return (from, validity, target) => {
    const { bytes, offsets } = packBytes(from, validity)
    for (let i = 0; i < offsets.length - 1; i++) {
      const start = offsets[i] ?? 0
      const end = offsets[i + 1] ?? 0
      const row = from.rows === null ? i : (from.rows[i] ?? 0)
      if (validity !== null && !isValid(validity, row)) continue
      if (end - start !== width) {
        throw new CorruptFileError(`a fixed[${width}] column holds a value of another length`)
      }
      target.set(bytes.subarray(start, end), i * width)
    }
  }
}
