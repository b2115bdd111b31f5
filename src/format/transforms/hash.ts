/** Hashes of values by type (Iceberg spec, Appendix B). */
import type { Datum, PrimitiveType } from '../types.ts'
import { writeMinimalBigEndian, writeUuid } from '../values/bytes.ts'
import { floorDiv, NANOS_PER_MICRO } from '../values/calendar.ts'
import { bigintOf, booleanOf, bytesOf, noSingleValue, numberOf, stringOf } from '../values/datum-checks.ts'
import { murmur3, murmur3Long } from './murmur3.ts'

const encoder = new TextEncoder()
// Work space for one hash at a time; nothing here is kept between calls.
const scratch = new Uint8Array(4096)
const doubleView = new DataView(new ArrayBuffer(8))

/** The hash function of a type: signed 32-bit integers. InvalidArgumentError where none is defined. */
export function hasherOf(type: PrimitiveType): (value: Datum) => number {
  switch (type.kind) {
    case 'boolean':
      return (value) => hashInt(booleanOf(value, type) ? 1 : 0)
    case 'int':
    case 'date':
      return (value) => hashInt(numberOf(value, type))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return (value) => hashLong(bigintOf(value, type))
    case 'timestamp_ns':
    case 'timestamptz_ns':
      // As microseconds, so that a column keeps its buckets whatever its precision.
      return (value) => hashLong(floorDiv(bigintOf(value, type), NANOS_PER_MICRO))
    case 'decimal':
      return (value) => murmur3(scratch, writeMinimalBigEndian(bigintOf(value, type), scratch))
    case 'float':
    case 'double':
      return (value) => hashDouble(numberOf(value, type))
    case 'string':
      return (value) => hashString(stringOf(value, type))
    case 'uuid':
      return (value) => {
        writeUuid(stringOf(value, type), scratch)
        return murmur3(scratch, 16)
      }
    case 'fixed':
    case 'binary':
      return (value) => murmur3(bytesOf(value, type))
    case 'unknown':
    case 'geometry':
    case 'geography':
      throw noSingleValue(type)
  }
}

/** An int hashes as the long of the same value, so that promotion keeps its bucket. */
function hashInt(value: number): number {
  return murmur3Long(value, value < 0 ? -1 : 0)
}

function hashLong(value: bigint): number {
  return murmur3Long(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
}

function hashDouble(value: number): number {
  // One bit pattern for all NaNs, one for both zeros; adding zero turns -0 into 0.
  doubleView.setFloat64(0, Number.isNaN(value) ? Number.NaN : value + 0, true)
  if (Number.isNaN(value)) doubleView.setBigUint64(0, 0x7ff8000000000000n, true)
  return murmur3Long(doubleView.getInt32(0, true), doubleView.getInt32(4, true))
}

function hashString(text: string): number {
  // A UTF-16 unit is three bytes of UTF-8 at most.
  if (text.length * 3 > scratch.length) return murmur3(encoder.encode(text))
  let at = 0
  for (; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit > 0x7f) break
    scratch[at] = unit
  }
  if (at === text.length) return murmur3(scratch, at)
  return murmur3(scratch, encoder.encodeInto(text, scratch).written)
}
