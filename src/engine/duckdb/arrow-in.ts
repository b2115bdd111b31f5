/**
 * Arrow batches seen as column buffers, without copying where the layouts agree.
 *
 * apache-arrow is recognised by shape (its classes come from whatever copy the caller has), so the
 * few of its properties that are read are declared here.
 */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBStructType,
  FLOAT,
  INTEGER,
  LIST,
  MAP,
  SMALLINT,
  SQLNULL,
  TIME,
  TIMESTAMP,
  TIMESTAMP_MS,
  TIMESTAMP_NS,
  TIMESTAMP_S,
  TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  UUID,
  VARCHAR,
  type DuckDBType,
} from '@duckdb/node-api'
import { InvalidArgumentError, InvalidDataError, SchemaMismatchError } from '../../errors.ts'
import type { Type } from '../../format/types.ts'
import type { ArrowRecordBatch } from '../data-plane.ts'
import type { Block, ColumnData, Validity } from './column-data.ts'

/** An Arrow data type, as far as it is looked at. */
export interface ArrowType {
  readonly typeId: number
  readonly bitWidth?: number
  readonly isSigned?: boolean
  readonly precision?: number
  readonly scale?: number
  readonly unit?: number
  readonly timezone?: string | null
  readonly byteWidth?: number
  readonly listSize?: number
  readonly children?: readonly ArrowField[] | null
  readonly dictionary?: ArrowType
}

export interface ArrowField {
  readonly name: string
  readonly nullable: boolean
  readonly type: ArrowType
}

/** One column of a batch, as far as it is looked at. */
export interface ArrowData {
  readonly type: ArrowType
  readonly length: number
  readonly offset: number
  readonly nullCount: number
  readonly nullBitmap?: Uint8Array | null
  readonly values?: ArrayBufferView | null
  readonly valueOffsets?: Int32Array | BigInt64Array | null
  readonly children: readonly ArrowData[]
  readonly dictionary?: { readonly data: readonly ArrowData[] } | null
}

/** How columns of an Arrow type come in. */
export interface ArrowReader {
  readonly type: DuckDBType
  /** InvalidDataError naming the column and the row of the batch when a value does not fit. */
  read(data: ArrowData): ColumnData
}

/** Arrow's type numbers, which are those of its format. */
const ID = {
  null: 1,
  int: 2,
  float: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  list: 12,
  struct: 13,
  fixedBinary: 15,
  fixedList: 16,
  map: 17,
  largeBinary: 19,
  largeUtf8: 20,
  dictionary: -1,
} as const

/** The fields of a batch's schema. InvalidArgumentError when it is no Arrow batch. */
export function arrowFields(batch: ArrowRecordBatch): readonly ArrowField[] {
  const fields: unknown = batch.schema.fields
  if (!Array.isArray(fields) || !fields.every(isArrowField)) throw noBatch()
  return fields
}

/** The columns of a batch. */
export function arrowColumns(batch: ArrowRecordBatch): readonly ArrowData[] {
  const data: unknown = 'data' in batch ? batch.data : undefined
  if (!isArrowData(data)) throw noBatch()
  return data.children
}

/** A batch as a block, by its columns' readers. */
export function arrowBlock(batch: ArrowRecordBatch, readers: readonly ArrowReader[]): Block {
  const columns = arrowColumns(batch)
  return {
    rows: batch.numRows,
    columns: readers.map((reader, at) => {
      const data = columns[at]
      if (data === undefined) throw noBatch()
      return reader.read(data)
    }),
  }
}

/**
 * How a column comes in. `target` is what the table's column is, where that is known: it decides
 * what sixteen bytes mean, and which values are checked. SchemaMismatchError for types that have
 * no counterpart.
 */
export function arrowReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const typeId = plainTypeId(type)
  switch (typeId) {
    case ID.null:
      return { type: SQLNULL, read: (data) => allNull(data.length) }
    case ID.bool:
      return { type: BOOLEAN, read: readBits }
    case ID.int:
      return fixedReader(integerType(type, path), (type.bitWidth ?? 0) / 8)
    case ID.float:
      return floatReader(type, path)
    case ID.decimal:
      return decimalReader(type, path)
    case ID.date:
      return dateReader(type, path)
    case ID.time:
      return timeReader(type, path)
    case ID.timestamp:
      return timestampReader(type, path, target)
    case ID.utf8:
    case ID.largeUtf8:
      return { type: VARCHAR, read: (data) => readBytes(data, path) }
    case ID.binary:
    case ID.largeBinary:
      return { type: BLOB, read: (data) => readBytes(data, path) }
    case ID.fixedBinary:
      return fixedBinaryReader(type, target)
    case ID.list:
    case ID.fixedList:
      return listReader(type, path, target)
    case ID.map:
      return mapReader(type, path, target)
    case ID.struct:
      return structReader(type, path, target)
    case ID.dictionary:
      return dictionaryReader(type, path, target)
    default:
      throw unsupported(path)
  }
}

function plainTypeId(type: ArrowType): number {
  return type.typeId
}

function unsupported(path: string): SchemaMismatchError {
  return new SchemaMismatchError(`column ${path} is of an Arrow type that has no counterpart in a table`, {
    column: path,
    hint: 'cast the column before it is written',
  })
}

function validityOf(data: ArrowData): Validity | null {
  const bits = data.nullBitmap
  if (bits === null || bits === undefined || bits.length === 0 || data.nullCount === 0) return null
  return { bits, offset: data.offset }
}

function viewOf(data: ArrowData): Uint8Array {
  const values = data.values
  if (values === null || values === undefined) return new Uint8Array(0)
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

function allNull(length: number): ColumnData {
  return {
    kind: 'fixed',
    width: 4,
    bytes: new Uint8Array(length * 4),
    validity: { bits: new Uint8Array((length + 7) >> 3), offset: 0 },
  }
}

function fixedReader(type: DuckDBType, width: number): ArrowReader {
  return {
    type,
    read: (data) => ({ kind: 'fixed', width, bytes: viewOf(data), validity: validityOf(data) }),
  }
}

/** Values of another layout, made new one by one. */
function mappedReader(
  type: DuckDBType,
  width: number,
  map: (data: ArrowData) => ArrayBufferView,
): ArrowReader {
  return {
    type,
    read: (data) => {
      const values = map(data)
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      return { kind: 'fixed', width, bytes, validity: validityOf(data) }
    },
  }
}

function readBits(data: ArrowData): ColumnData {
  const bits = viewOf(data)
  const bytes = new Uint8Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const bit = data.offset + i
    bytes[i] = ((bits[bit >> 3] ?? 0) >> (bit & 7)) & 1
  }
  return { kind: 'fixed', width: 1, bytes, validity: validityOf(data) }
}

function integerType(type: ArrowType, path: string): DuckDBType {
  const types: Readonly<Record<number, readonly [DuckDBType, DuckDBType]>> = {
    8: [TINYINT, UTINYINT],
    16: [SMALLINT, USMALLINT],
    32: [INTEGER, UINTEGER],
    64: [BIGINT, UBIGINT],
  }
  const pair = types[type.bitWidth ?? 0]
  if (pair === undefined) throw unsupported(path)
  return type.isSigned === false ? pair[1] : pair[0]
}

function floatReader(type: ArrowType, path: string): ArrowReader {
  switch (type.precision) {
    case 0:
      return mappedReader(FLOAT, 4, (data) => Float32Array.from(uint16s(data), halfToNumber))
    case 1:
      return fixedReader(FLOAT, 4)
    case 2:
      return fixedReader(DOUBLE, 8)
    default:
      throw unsupported(path)
  }
}

function uint16s(data: ArrowData): Uint16Array {
  const bytes = viewOf(data)
  return new Uint16Array(bytes.buffer, bytes.byteOffset, data.length)
}

/** IEEE 754 half precision. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Arrow keeps 128 bits, little-endian; DuckDB the narrowest width that the precision fits. */
function decimalReader(type: ArrowType, path: string): ArrowReader {
  const precision = type.precision ?? 0
  const scale = type.scale ?? 0
  const isPlain = (type.bitWidth ?? 128) === 128
  if (!isPlain || precision < 1 || precision > 38 || scale < 0 || scale > precision) throw unsupported(path)
  const target = DECIMAL(precision, scale)
  if (precision > 18) return fixedReader(target, 16)
  const lows = (data: ArrowData): BigInt64Array => {
    const bytes = viewOf(data)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return BigInt64Array.from({ length: data.length }, (_, i) => view.getBigInt64(i * 16, true))
  }
  if (precision > 9) return mappedReader(target, 8, lows)
  if (precision > 4) return mappedReader(target, 4, (data) => Int32Array.from(lows(data), Number))
  return mappedReader(target, 2, (data) => Int16Array.from(lows(data), Number))
}

const MILLIS_PER_DAY = 86_400_000

function dateReader(type: ArrowType, path: string): ArrowReader {
  if (type.unit === 0) return fixedReader(DATE, 4)
  return mappedReader(DATE, 4, (data) => {
    const millis = int64s(data)
    return Int32Array.from(millis, (value, row) => {
      const days = Number(value) / MILLIS_PER_DAY
      if (!Number.isInteger(days)) throw lossy(path, row)
      return days
    })
  })
}

function int64s(data: ArrowData): BigInt64Array {
  const bytes = viewOf(data)
  return new BigInt64Array(bytes.buffer, bytes.byteOffset, data.length)
}

function int32s(data: ArrowData): Int32Array {
  const bytes = viewOf(data)
  return new Int32Array(bytes.buffer, bytes.byteOffset, data.length)
}

function lossy(path: string, row: number): InvalidDataError {
  return new InvalidDataError(`column ${path}: a value is finer than the column's type`, {
    column: path,
    row,
  })
}

function isNull(data: ArrowData, row: number): boolean {
  const validity = validityOf(data)
  if (validity === null) return false
  const bit = validity.offset + row
  return (((validity.bits[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 0
}

/** Units: 0 seconds, 1 milliseconds, 2 microseconds, 3 nanoseconds. */
function timeReader(type: ArrowType, path: string): ArrowReader {
  switch (type.unit) {
    case 0:
      return mappedReader(TIME, 8, (data) =>
        BigInt64Array.from(int32s(data), (value) => BigInt(value) * 1_000_000n),
      )
    case 1:
      return mappedReader(TIME, 8, (data) =>
        BigInt64Array.from(int32s(data), (value) => BigInt(value) * 1000n),
      )
    case 2:
      return fixedReader(TIME, 8)
    case 3:
      return mappedReader(TIME, 8, (data) => thousandths(data, path))
    default:
      throw unsupported(path)
  }
}

function thousandths(data: ArrowData, path: string): BigInt64Array {
  return BigInt64Array.from(int64s(data), (value, row) => {
    // What stands in a null's place means nothing.
    if (value % 1000n !== 0n && !isNull(data, row)) throw lossy(path, row)
    return value / 1000n
  })
}

function timestampReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const isZoned = type.timezone !== null && type.timezone !== undefined && type.timezone !== ''
  if (isZoned) {
    const factor = [1_000_000n, 1000n, 1n][type.unit ?? -1]
    if (type.unit === 3) return mappedReader(TIMESTAMPTZ, 8, (data) => thousandths(data, path))
    if (factor === undefined) throw unsupported(path)
    if (factor === 1n) return fixedReader(TIMESTAMPTZ, 8)
    return mappedReader(TIMESTAMPTZ, 8, (data) =>
      BigInt64Array.from(int64s(data), (value) => BigInt.asIntN(64, value * factor)),
    )
  }
  if (type.unit === 3 && target?.kind === 'timestamp') {
    return mappedReader(TIMESTAMP, 8, (data) => thousandths(data, path))
  }
  const plain = [TIMESTAMP_S, TIMESTAMP_MS, TIMESTAMP, TIMESTAMP_NS][type.unit ?? -1]
  if (plain === undefined) throw unsupported(path)
  return fixedReader(plain, 8)
}

function readBytes(data: ArrowData, path: string): ColumnData {
  const source = data.valueOffsets ?? new Int32Array(data.length + 1)
  const offsets = source instanceof Int32Array ? source : narrowed(source, path)
  return { kind: 'bytes', offsets, bytes: viewOf(data), validity: validityOf(data) }
}

function narrowed(offsets: BigInt64Array, path: string): Int32Array {
  const last = offsets[offsets.length - 1] ?? 0n
  if (last > 0x7fffffffn) {
    throw new InvalidDataError(`column ${path}: one batch holds more than two gigabytes of text`, {
      column: path,
      hint: 'give smaller batches',
    })
  }
  return Int32Array.from(offsets, Number)
}

function fixedBinaryReader(type: ArrowType, target: Type | undefined): ArrowReader {
  const width = type.byteWidth ?? 0
  if (target?.kind === 'uuid' && width === 16) return mappedReader(UUID, 16, uuids)
  return {
    type: BLOB,
    read: (data) => ({
      kind: 'bytes',
      offsets: Int32Array.from({ length: data.length + 1 }, (_, i) => i * width),
      bytes: viewOf(data),
      validity: validityOf(data),
    }),
  }
}

/** DuckDB keeps a UUID as a signed 128-bit number, its first bit flipped so that order is kept. */
function uuids(data: ArrowData): BigUint64Array {
  const bytes = viewOf(data)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const halves = new BigUint64Array(data.length * 2)
  for (let i = 0; i < data.length; i++) {
    halves[i * 2] = view.getBigUint64(i * 16 + 8)
    halves[i * 2 + 1] = view.getBigUint64(i * 16) ^ (1n << 63n)
  }
  return halves
}

function childOf(data: ArrowData, at: number): ArrowData {
  const child = data.children[at]
  if (child === undefined) throw noBatch()
  return child
}

function fieldOf(type: ArrowType, at: number, path: string): ArrowField {
  const field = type.children?.[at]
  if (field === undefined) throw unsupported(path)
  return field
}

function listReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const inner = target?.kind === 'list' ? target.element : undefined
  const element = arrowReader(fieldOf(type, 0, path).type, `${path}.element`, inner)
  const size = type.listSize ?? 0
  return {
    type: LIST(element.type),
    read: (data) => ({
      kind: 'list',
      offsets:
        type.typeId === ID.fixedList
          ? Int32Array.from({ length: data.length + 1 }, (_, i) => i * size)
          : listOffsets(data),
      child: element.read(childOf(data, 0)),
      validity: validityOf(data),
    }),
  }
}

function listOffsets(data: ArrowData): Int32Array {
  const offsets = data.valueOffsets
  return offsets instanceof Int32Array ? offsets : new Int32Array(data.length + 1)
}

function mapReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const entries = fieldOf(type, 0, path).type
  const isMap = target?.kind === 'map'
  const key = arrowReader(fieldOf(entries, 0, path).type, `${path}.key`, isMap ? target.key : undefined)
  const value = arrowReader(fieldOf(entries, 1, path).type, `${path}.value`, isMap ? target.value : undefined)
  return {
    type: MAP(key.type, value.type),
    read: (data) => {
      const pairs = childOf(data, 0)
      const children = [key.read(childOf(pairs, 0)), value.read(childOf(pairs, 1))]
      return {
        kind: 'list',
        offsets: listOffsets(data),
        child: { kind: 'struct', children, validity: null },
        validity: validityOf(data),
      }
    },
  }
}

function structReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const fields = type.children ?? []
  const members = fields.map((field) => {
    const inner =
      target?.kind === 'struct' ? target.fields.find((other) => other.name === field.name) : undefined
    return arrowReader(field.type, `${path}.${field.name}`, inner?.type)
  })
  return {
    type: new DuckDBStructType(
      fields.map((field) => field.name),
      members.map((member) => member.type),
    ),
    read: (data) => ({
      kind: 'struct',
      children: members.map((member, at) => member.read(childOf(data, at))),
      validity: validityOf(data),
    }),
  }
}

/** Dictionaries are resolved: their values are copied for every row. */
function dictionaryReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const values = arrowReader(type.dictionary ?? { typeId: 0 }, path, target)
  return {
    type: values.type,
    read: (data) => {
      const chunks = (data.dictionary?.data ?? []).map((chunk) => values.read(chunk))
      const starts: number[] = []
      let total = 0
      for (const chunk of data.dictionary?.data ?? []) {
        starts.push(total)
        total += chunk.length
      }
      return resolve(indexesOf(data), chunks, starts, data, path)
    },
  }
}

function indexesOf(data: ArrowData): ArrayLike<number | bigint> {
  const values = data.values
  if (
    values instanceof Int8Array ||
    values instanceof Uint8Array ||
    values instanceof Int16Array ||
    values instanceof Uint16Array ||
    values instanceof Int32Array ||
    values instanceof Uint32Array ||
    values instanceof BigInt64Array ||
    values instanceof BigUint64Array
  ) {
    return values
  }
  throw noBatch()
}

function resolve(
  indexes: ArrayLike<number | bigint>,
  chunks: readonly ColumnData[],
  starts: readonly number[],
  data: ArrowData,
  path: string,
): ColumnData {
  const bits = new Uint8Array((data.length + 7) >> 3)
  const parts: Uint8Array[] = []
  const offsets = new Int32Array(data.length + 1)
  const isText = chunks[0]?.kind === 'bytes'
  const width = chunks[0]?.kind === 'fixed' ? chunks[0].width : 0
  for (let row = 0; row < data.length; row++) {
    const found = isNull(data, row) ? null : elementOf(Number(indexes[row] ?? 0), chunks, starts, path)
    if (found !== null) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
    const part = found ?? new Uint8Array(width)
    parts.push(part)
    offsets[row + 1] = (offsets[row] ?? 0) + part.length
  }
  const bytes = new Uint8Array(offsets[data.length] ?? 0)
  for (const [row, part] of parts.entries()) bytes.set(part, offsets[row])
  const validity = { bits, offset: 0 }
  return isText || width === 0
    ? { kind: 'bytes', offsets, bytes, validity }
    : { kind: 'fixed', width, bytes, validity }
}

/** Bytes of an element of a dictionary; null when the dictionary has a null there. */
function elementOf(
  index: number,
  chunks: readonly ColumnData[],
  starts: readonly number[],
  path: string,
): Uint8Array | null {
  const at = starts.findLastIndex((start) => start <= index)
  const chunk = chunks[at]
  const local = index - (starts[at] ?? 0)
  if (chunk === undefined || chunk.kind === 'list' || chunk.kind === 'struct') throw unsupported(path)
  if (chunk.validity !== null) {
    const bit = chunk.validity.offset + local
    if ((((chunk.validity.bits[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 0) return null
  }
  return chunk.kind === 'fixed'
    ? chunk.bytes.subarray(local * chunk.width, (local + 1) * chunk.width)
    : chunk.bytes.subarray(chunk.offsets[local], chunk.offsets[local + 1])
}

function isArrowField(value: unknown): value is ArrowField {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'type' in value &&
    typeof value.type === 'object' &&
    value.type !== null &&
    'typeId' in value.type &&
    typeof value.type.typeId === 'number'
  )
}

function isArrowData(value: unknown): value is ArrowData {
  return typeof value === 'object' && value !== null && 'children' in value && Array.isArray(value.children)
}

function noBatch(): InvalidArgumentError {
  return new InvalidArgumentError('a batch is not an Arrow RecordBatch', {
    hint: 'give RecordBatches of apache-arrow, or an Arrow IPC stream',
  })
}
