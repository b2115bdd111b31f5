/** Columns of an Arrow batch in the making, one kind per kind of type. */
import type * as ApacheArrow from 'apache-arrow'
import type { Data, DataType } from 'apache-arrow'
import { CorruptFileError, UnsupportedFeatureError } from '../../errors.ts'
import { isPrimitive, type NestedField, type PrimitiveType, type Type } from '../../format/types.ts'
import { ByteBuffer, ValidityBuffer } from './arrow-buffers.ts'
import {
  bytesOf,
  countOf,
  isValid,
  listsOf,
  memberOf,
  packBytes,
  validityOf,
  type VectorRows,
} from './raw-vector.ts'
import { writeUnscaled } from './unscaled.ts'

/** The optional package, loaded late. */
export type Arrow = typeof ApacheArrow

export interface ArrowColumn {
  readonly type: DataType
  /** Bytes gathered so far. */
  readonly byteLength: number
  append(from: VectorRows): void
  /** The column's data. Nothing may be appended afterwards. */
  finish(): Data
}

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
      return new ConvertedColumn(arrow, new arrow.FixedSizeBinary(16), 16, copyUuids)
    case 'fixed':
      return new ConvertedColumn(
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

interface ColumnBuffers {
  readonly offsets?: Int32Array
  readonly values?: ArrayLike<unknown>
}

/** Arrow's `BufferType`, which is a constant of its typings only. */
const OFFSETS = 0
const VALUES = 1
const VALIDITY = 2

/** What all columns share: how many rows, and which of them are null. */
abstract class Column implements ArrowColumn {
  protected readonly arrow: Arrow
  protected readonly validity = new ValidityBuffer()
  protected length = 0
  abstract readonly type: DataType
  abstract readonly byteLength: number

  constructor(arrow: Arrow) {
    this.arrow = arrow
  }

  append(from: VectorRows): void {
    const validity = validityOf(from)
    this.copy(from, validity)
    const count = countOf(from)
    this.validity.append(validity, from.rows, count)
    this.length += count
  }

  abstract finish(): Data
  protected abstract copy(from: VectorRows, validity: Uint8Array | null): void

  protected data(buffers: ColumnBuffers, children: readonly Data[] = []): Data {
    const { Data } = this.arrow
    const { offsets, values } = buffers
    const validity = this.validity.finish()
    const parts = {
      ...(offsets === undefined ? {} : { [OFFSETS]: offsets }),
      ...(values === undefined ? {} : { [VALUES]: values }),
      ...(validity === undefined ? {} : { [VALIDITY]: validity }),
    }
    return new Data(this.type, 0, this.length, this.validity.nullCount, parts, [...children])
  }
}

class FixedWidthColumn extends Column {
  readonly type: DataType
  readonly #width: number
  readonly #values = new ByteBuffer()

  constructor(arrow: Arrow, type: DataType, width: number) {
    super(arrow)
    this.type = type
    this.#width = width
  }

  get byteLength(): number {
    return this.#values.length
  }

  protected copy(from: VectorRows, validity: Uint8Array | null): void {
    const width = this.#width
    const source = bytesOf(from, width)
    const target = this.#values.grow(countOf(from) * width)
    if (from.rows === null) target.set(source)
    else {
      for (const [i, row] of from.rows.entries()) {
        target.set(source.subarray(row * width, row * width + width), i * width)
      }
    }
    if (validity !== null) clearNulls(target, width, from, validity)
  }

  finish(): Data {
    return this.data({ values: typedView(this.type, this.#values.finish()) })
  }
}

/** Under a null the engine's memory holds whatever was there before. */
function clearNulls(target: Uint8Array, width: number, from: VectorRows, validity: Uint8Array): void {
  for (let i = 0; i < countOf(from); i++) {
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    if (!isValid(validity, row)) target.fill(0, i * width, i * width + width)
  }
}

function typedView(type: DataType, bytes: Uint8Array) {
  const View = type.ArrayType
  return new View(bytes.buffer, bytes.byteOffset, bytes.byteLength / View.BYTES_PER_ELEMENT)
}

class BooleanColumn extends Column {
  readonly type: DataType
  readonly #bits = new ValidityBuffer({ always: true })

  constructor(arrow: Arrow) {
    super(arrow)
    this.type = new arrow.Bool()
  }

  get byteLength(): number {
    return this.length >> 3
  }

  protected copy(from: VectorRows): void {
    this.#bits.appendFlags(bytesOf(from, 1), from.rows, countOf(from))
  }

  finish(): Data {
    return this.data({ values: this.#bits.finish() ?? new Uint8Array(0) })
  }
}

/** Copies a vector's values to where they stand in Arrow, `width` bytes each; nulls may be left out. */
type CopyValues = (from: VectorRows, validity: Uint8Array | null, target: Uint8Array) => void

class ConvertedColumn extends Column {
  readonly type: DataType
  readonly #width: number
  readonly #copyValues: CopyValues
  readonly #values = new ByteBuffer()

  constructor(arrow: Arrow, type: DataType, width: number, copyValues: CopyValues) {
    super(arrow)
    this.type = type
    this.#width = width
    this.#copyValues = copyValues
  }

  get byteLength(): number {
    return this.#values.length
  }

  protected copy(from: VectorRows, validity: Uint8Array | null): void {
    const target = this.#values.grow(countOf(from) * this.#width)
    this.#copyValues(from, validity, target)
    if (validity !== null) clearNulls(target, this.#width, from, validity)
  }

  finish(): Data {
    return this.data({ values: typedView(this.type, this.#values.finish()) })
  }
}

function decimalColumn(arrow: Arrow, type: PrimitiveType & { readonly kind: 'decimal' }): ArrowColumn {
  const arrowType = new arrow.Decimal(type.scale, type.precision, 128)
  return new ConvertedColumn(arrow, arrowType, 16, (from, _, target) =>
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

class BytesColumn extends Column {
  readonly type: DataType
  readonly #values = new ByteBuffer()
  readonly #offsets = new ByteBuffer()

  constructor(arrow: Arrow, type: DataType) {
    super(arrow)
    this.type = type
    this.#offsets.grow(4).fill(0)
  }

  get byteLength(): number {
    return this.#values.length + this.#offsets.length
  }

  protected copy(from: VectorRows, validity: Uint8Array | null): void {
    const { bytes, offsets } = packBytes(from, validity)
    appendOffsets(this.#offsets, offsets, this.#values.length)
    this.#values.grow(bytes.length).set(bytes)
  }

  finish(): Data {
    return this.data({ offsets: int32View(this.#offsets.finish()), values: this.#values.finish() })
  }
}

/** Ends of the values, moved by what came before. */
function appendOffsets(target: ByteBuffer, offsets: Int32Array, before: number): void {
  const ends = int32View(target.grow((offsets.length - 1) * 4))
  for (let i = 0; i < ends.length; i++) ends[i] = before + (offsets[i + 1] ?? 0)
}

function int32View(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

class ListColumn extends Column {
  readonly type: DataType
  readonly #elements: ArrowColumn
  readonly #offsets = new ByteBuffer()
  #end = 0

  constructor(arrow: Arrow, type: DataType, elements: ArrowColumn) {
    super(arrow)
    this.type = type
    this.#elements = elements
    this.#offsets.grow(4).fill(0)
  }

  get byteLength(): number {
    return this.#elements.byteLength + this.#offsets.length
  }

  protected copy(from: VectorRows, validity: Uint8Array | null): void {
    const { lengths, elements } = listsOf(from, validity)
    const ends = int32View(this.#offsets.grow(lengths.length * 4))
    for (let i = 0; i < lengths.length; i++) ends[i] = this.#end += lengths[i] ?? 0
    this.#elements.append(elements)
  }

  finish(): Data {
    return this.data({ offsets: int32View(this.#offsets.finish()) }, [this.#elements.finish()])
  }
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

class NullColumn implements ArrowColumn {
  readonly type: DataType
  readonly byteLength = 0
  readonly #arrow: Arrow
  #length = 0

  constructor(arrow: Arrow) {
    this.#arrow = arrow
    this.type = new arrow.Null()
  }

  append(from: VectorRows): void {
    this.#length += countOf(from)
  }

  finish(): Data {
    return new this.#arrow.Data(this.type, 0, this.#length, this.#length)
  }
}
