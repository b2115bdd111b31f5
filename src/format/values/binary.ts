/** Single values as bytes (Iceberg spec, Appendix D, "Binary single-value serialization"). */
import { CorruptFileError } from '../../errors.ts'
import { typeToString } from '../types-json.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { minimalBigEndian, readBigEndian, uuidOfBytes, writeUuid } from './bytes.ts'
import { MICROS_PER_DAY, NANOS_PER_DAY } from './calendar.ts'
import {
  bigintOf,
  booleanOf,
  bytesOf,
  int32Of,
  int64Of,
  noSingleValue,
  numberOf,
  outOfRange,
  stringOf,
} from './datum-checks.ts'

const encoder = new TextEncoder()
// A byte-order mark is part of the string, and bytes that are not UTF-8 must not turn into others.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Encodes a value. InvalidArgumentError for a value that the type cannot hold. */
export function encodeBinary(type: PrimitiveType, datum: Datum): Uint8Array {
  switch (type.kind) {
    case 'boolean':
      return Uint8Array.of(booleanOf(datum, type) ? 1 : 0)
    case 'int':
    case 'date':
      return write(4, (view) => view.setInt32(0, int32Of(datum, type), true))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return write(8, (view) => view.setBigInt64(0, int64Of(datum, type), true))
    case 'float':
      return write(4, (view) => view.setFloat32(0, numberOf(datum, type), true))
    case 'double':
      return write(8, (view) => view.setFloat64(0, numberOf(datum, type), true))
    case 'decimal':
      return minimalBigEndian(bigintOf(datum, type))
    case 'string':
      return encoder.encode(stringOf(datum, type))
    case 'uuid': {
      const bytes = new Uint8Array(16)
      writeUuid(stringOf(datum, type), bytes)
      return bytes
    }
    case 'fixed':
      // Shorter than the type's length is fine: bounds of fixed columns may be cut.
      if (bytesOf(datum, type).length > type.length) throw outOfRange(type)
      return bytesOf(datum, type).slice()
    case 'binary':
      return bytesOf(datum, type).slice()
    case 'unknown':
    case 'geometry':
    case 'geography':
      throw noSingleValue(type)
  }
}

function write(length: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length)
  set(new DataView(bytes.buffer))
  return bytes
}

/**
 * Decodes a value that was written as this type, or as one that was since promoted to it: four
 * bytes of a long are an int, of a double a float, of a timestamp a date; decimals have any length
 * (Iceberg spec, "Schema Evolution").
 *
 * CorruptFileError, without a file's name, when the bytes are no value of the type.
 */
export function decodeBinary(type: PrimitiveType, bytes: Uint8Array): Datum {
  switch (type.kind) {
    case 'boolean':
      return expectLength(type, bytes, 1)[0] !== 0
    case 'int':
    case 'date':
      return readInt32(expectLength(type, bytes, 4))
    case 'long':
      return bytes.length === 4 ? BigInt(readInt32(bytes)) : readInt64(expectLength(type, bytes, 8))
    case 'time':
    case 'timestamptz':
    case 'timestamptz_ns':
      return readInt64(expectLength(type, bytes, 8))
    case 'timestamp':
      return readTimestamp(type, bytes, MICROS_PER_DAY)
    case 'timestamp_ns':
      return readTimestamp(type, bytes, NANOS_PER_DAY)
    case 'float':
      return viewOf(expectLength(type, bytes, 4)).getFloat32(0, true)
    case 'double':
      return bytes.length === 4
        ? viewOf(bytes).getFloat32(0, true)
        : viewOf(expectLength(type, bytes, 8)).getFloat64(0, true)
    case 'decimal':
      if (bytes.length === 0) throw wrongLength(type, bytes)
      return readBigEndian(bytes)
    case 'string':
      return decodeUtf8(type, bytes)
    case 'uuid':
      return uuidOfBytes(expectLength(type, bytes, 16))
    case 'fixed':
    case 'binary':
      return bytes
    case 'unknown':
    case 'geometry':
    case 'geography':
      throw noSingleValue(type)
  }
}

function readInt32(bytes: Uint8Array): number {
  return (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 24)
}

// One view for all reads: making one for each is most of their cost. Nothing here is kept between calls.
const scratch = new Uint8Array(8)
const scratchView = new DataView(scratch.buffer)

function viewOf(bytes: Uint8Array): DataView {
  for (let i = 0; i < bytes.length; i += 1) scratch[i] = bytes[i] ?? 0
  return scratchView
}

function readInt64(bytes: Uint8Array): bigint {
  return viewOf(bytes).getBigInt64(0, true)
}

function readTimestamp(type: PrimitiveType, bytes: Uint8Array, perDay: bigint): bigint {
  return bytes.length === 4 ? BigInt(readInt32(bytes)) * perDay : readInt64(expectLength(type, bytes, 8))
}

function decodeUtf8(type: PrimitiveType, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new CorruptFileError(`a stored ${typeToString(type)} value is not UTF-8`, { cause })
  }
}

function expectLength(type: PrimitiveType, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw wrongLength(type, bytes)
  return bytes
}

function wrongLength(type: PrimitiveType, bytes: Uint8Array): CorruptFileError {
  return new CorruptFileError(`a stored ${typeToString(type)} value has ${bytes.length} bytes`)
}
