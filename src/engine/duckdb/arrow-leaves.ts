/** Arrow columns of plain values, as columns of the layout that DuckDB has for them. */
import {
  BIGINT,
  BLOB,
  DATE,
  DECIMAL,
  DOUBLE,
  FLOAT,
  INTEGER,
  SMALLINT,
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
  type DuckDBType,
} from '@duckdb/node-api'
import { InvalidDataError } from '../../errors.ts'
import type { Type } from '../../format/types.ts'
import {
  isNull,
  unsupported,
  validityOf,
  viewOf,
  type ArrowData,
  type ArrowReader,
  type ArrowType,
} from './arrow-shape.ts'
import type { ColumnData } from './column-data.ts'
import { farTime } from './far-times.ts'

export function allNull(length: number): ColumnData {
  return {
    kind: 'fixed',
    width: 4,
    bytes: new Uint8Array(length * 4),
    validity: { bits: new Uint8Array((length + 7) >> 3), offset: 0 },
  }
}

export function fixedReader(type: DuckDBType, width: number): ArrowReader {
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

export function readBits(data: ArrowData): ColumnData {
  const bits = viewOf(data)
  const bytes = new Uint8Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const bit = data.offset + i
    bytes[i] = ((bits[bit >> 3] ?? 0) >> (bit & 7)) & 1
  }
  return { kind: 'fixed', width: 1, bytes, validity: validityOf(data) }
}

export function integerType(type: ArrowType, path: string): DuckDBType {
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

export function floatReader(type: ArrowType, path: string): ArrowReader {
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
export function decimalReader(type: ArrowType, path: string): ArrowReader {
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

export function dateReader(type: ArrowType, path: string): ArrowReader {
  if (type.unit === 0) return fixedReader(DATE, 4)
  return mappedReader(DATE, 4, (data) => {
    const millis = int64s(data)
    return Int32Array.from(millis, (value, row) => {
      const days = Number(value) / MILLIS_PER_DAY
      if (isNull(data, row)) return 0
      if (!Number.isInteger(days)) throw lossy(path, row)
      if (days !== (days | 0)) throw farTime(path, { row })
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

/** Units: 0 seconds, 1 milliseconds, 2 microseconds, 3 nanoseconds. */
export function timeReader(type: ArrowType, path: string): ArrowReader {
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

export function timestampReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const isZoned = type.timezone !== null && type.timezone !== undefined && type.timezone !== ''
  if (isZoned) {
    const factor = [1_000_000n, 1000n, 1n][type.unit ?? -1]
    if (type.unit === 3) return mappedReader(TIMESTAMPTZ, 8, (data) => thousandths(data, path))
    if (factor === undefined) throw unsupported(path)
    if (factor === 1n) return fixedReader(TIMESTAMPTZ, 8)
    return mappedReader(TIMESTAMPTZ, 8, (data) =>
      BigInt64Array.from(int64s(data), (value, row) => {
        const micros = value * factor
        // What stands in a null's place means nothing.
        if (micros === BigInt.asIntN(64, micros) || isNull(data, row)) return micros
        throw farTime(path, { row })
      }),
    )
  }
  if (type.unit === 3 && target?.kind === 'timestamp') {
    return mappedReader(TIMESTAMP, 8, (data) => thousandths(data, path))
  }
  const plain = [TIMESTAMP_S, TIMESTAMP_MS, TIMESTAMP, TIMESTAMP_NS][type.unit ?? -1]
  if (plain === undefined) throw unsupported(path)
  return fixedReader(plain, 8)
}

export function readBytes(data: ArrowData, path: string): ColumnData {
  const source = data.valueOffsets ?? new Int32Array(data.length + 1)
  const offsets = source instanceof Int32Array ? source : narrowed(source, path)
  return { kind: 'bytes', offsets, bytes: viewOf(data), validity: validityOf(data) }
}

function narrowed(offsets: BigInt64Array, path: string): Int32Array {
  const last = offsets[offsets.length - 1] ?? 0n
  if (last > 0x7fffffffn) {
    throw new InvalidDataError(`column ${path}: one batch holds more than two gigabytes of text`, {
      column: path,
      hint: 'Give smaller batches.',
    })
  }
  return Int32Array.from(offsets, Number)
}

export function fixedBinaryReader(type: ArrowType, target: Type | undefined): ArrowReader {
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
