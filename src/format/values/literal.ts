/** Comparing stored values, and converting the literals of filters to them. */
import { InvalidExpressionError } from '../../errors.ts'
import type { LiteralValue } from '../expressions/expression.ts'
import { typeToString } from '../types-json.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { compareBytes, normalizeUuid } from './bytes.ts'
import { NANOS_PER_MICRO } from './calendar.ts'
import {
  booleanOf,
  bytesOf,
  INT_MAX,
  INT_MIN,
  LONG_MAX,
  LONG_MIN,
  mismatch,
  numberOf,
  stringOf,
} from './datum-checks.ts'
import { fitsPrecision, parseDecimal, rescale } from './decimal.ts'
import { parseDate, parseTimeOfDay, parseTimestamp } from './iso.ts'
import { compareStrings } from './strings.ts'

/**
 * The format's total order, of sort orders and bounds: negative, zero or positive. -0.0 comes before
 * 0.0 and NaN after everything; strings go by code points, bytes and uuids by unsigned bytes.
 * Filters take the two zeros as equal: see expressions/.
 */
export function compareDatum(type: PrimitiveType, a: Datum, b: Datum): number {
  switch (type.kind) {
    case 'float':
    case 'double':
      return compareFloats(numberOf(a, type), numberOf(b, type))
    case 'string':
      return compareStrings(stringOf(a, type), stringOf(b, type))
    case 'fixed':
    case 'binary':
    case 'geometry':
    case 'geography':
      return compareBytes(bytesOf(a, type), bytesOf(b, type))
    case 'boolean':
      return Number(booleanOf(a, type)) - Number(booleanOf(b, type))
    default:
      // Numbers, bigints, and uuids, whose lower-case text sorts as their bytes do.
      if (typeof a !== typeof b) throw mismatch(b, type)
      return a < b ? -1 : a > b ? 1 : 0
  }
}

function compareFloats(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  // What is left: equal numbers, two zeros of any signs, or NaN somewhere.
  if (Object.is(a, b)) return 0
  if (Number.isNaN(a)) return 1
  if (Number.isNaN(b)) return -1
  return Object.is(a, -0) ? -1 : 1
}

/** Whether two values are one in the total order: NaN equals itself, -0.0 differs from 0.0. */
export function datumEquals(type: PrimitiveType, a: Datum, b: Datum): boolean {
  return compareDatum(type, a, b) === 0
}

/**
 * A filter's literal as a value of the column's type; 'above' or 'below' when it lies beyond every
 * value that the type has. InvalidExpressionError when the literal is of another kind, or finer than
 * the type (1.5 for an int, nanoseconds for a timestamp of microseconds).
 */
export function literalToDatum(type: PrimitiveType, value: LiteralValue): Datum | 'above' | 'below' {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse(type, 'true or false')
    case 'int':
      return toInt(type, value)
    case 'long':
      return toRange(wholeOf(type, value), LONG_MIN, LONG_MAX)
    case 'float':
    case 'double':
      return toFloat(type, value)
    case 'decimal':
      return toDecimal(type, value)
    case 'date':
      return toDate(type, value)
    case 'time':
      return toTime(type, value)
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return toTimestamp(type, value)
    case 'string':
      return typeof value === 'string' ? value : refuse(type, 'a string')
    case 'uuid':
      return (
        (typeof value === 'string' ? normalizeUuid(value) : null) ?? refuse(type, 'a UUID as dashed text')
      )
    case 'fixed':
      return value instanceof Uint8Array && value.length === type.length
        ? value
        : refuse(type, `a Uint8Array of ${type.length} bytes`)
    case 'binary':
      return value instanceof Uint8Array ? value : refuse(type, 'a Uint8Array')
    case 'unknown':
    case 'geometry':
    case 'geography':
      throw new InvalidExpressionError(
        `a column of type ${typeToString(type)} cannot be compared with a literal`,
        {
          hint: 'Only is null and is not null work on it.',
        },
      )
  }
}

function refuse(type: PrimitiveType, forms: string): never {
  throw new InvalidExpressionError(`the literal does not fit a column of type ${typeToString(type)}`, {
    hint: `Give ${forms}.`,
  })
}

/** A whole number, or an infinity. */
function wholeOf(type: PrimitiveType, value: LiteralValue): bigint | 'above' | 'below' {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return wholeOfNumber(type, value)
  const parsed = typeof value === 'string' ? parseDecimal(value) : null
  return (parsed === null ? null : rescale(parsed, 0)) ?? refuse(type, 'a whole number')
}

function wholeOfNumber(type: PrimitiveType, value: number): bigint | 'above' | 'below' {
  if (value === Number.POSITIVE_INFINITY) return 'above'
  if (value === Number.NEGATIVE_INFINITY) return 'below'
  if (!Number.isInteger(value)) return refuse(type, 'a whole number')
  const whole = BigInt(value)
  // Between 2^53 and 2^63 the number may be a neighbour of what its author wrote.
  if (!Number.isSafeInteger(value) && whole >= LONG_MIN && whole <= LONG_MAX && type.kind === 'long') {
    return refuse(type, 'a bigint: the number is beyond what numbers hold exactly')
  }
  return whole
}

function toRange(
  value: bigint | 'above' | 'below',
  least: bigint,
  greatest: bigint,
): bigint | 'above' | 'below' {
  if (typeof value === 'string') return value
  return value > greatest ? 'above' : value < least ? 'below' : value
}

function toInt(type: PrimitiveType, value: LiteralValue): number | 'above' | 'below' {
  const whole = toRange(wholeOf(type, value), BigInt(INT_MIN), BigInt(INT_MAX))
  return typeof whole === 'string' ? whole : Number(whole)
}

function toFloat(type: PrimitiveType, value: LiteralValue): number | 'above' | 'below' {
  const number = doubleOf(type, value)
  if (type.kind === 'double' || !Number.isFinite(number)) return number
  const rounded = Math.fround(number)
  if (Number.isFinite(rounded)) return rounded
  return number > 0 ? 'above' : 'below'
}

function doubleOf(type: PrimitiveType, value: LiteralValue): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isFinite(number) && BigInt(number) === value
      ? number
      : refuse(type, 'a number that a double holds')
  }
  const isNumeric =
    typeof value === 'string' && (parseDecimal(value) !== null || /^([+-]?Infinity|NaN)$/.test(value))
  return isNumeric ? Number(value) : refuse(type, 'a number')
}

function toDecimal(
  type: PrimitiveType & { readonly kind: 'decimal' },
  value: LiteralValue,
): bigint | 'above' | 'below' {
  if (value === Number.POSITIVE_INFINITY) return 'above'
  if (value === Number.NEGATIVE_INFINITY) return 'below'
  const isText = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
  const parsed = isText ? parseDecimal(String(value)) : null
  const unscaled = parsed === null ? null : rescale(parsed, type.scale)
  if (unscaled === null) return refuse(type, `a number with at most ${type.scale} digits after the point`)
  if (fitsPrecision(unscaled, type.precision)) return unscaled
  return unscaled > 0n ? 'above' : 'below'
}

function toDate(type: PrimitiveType, value: LiteralValue): number | 'above' | 'below' {
  const days =
    typeof value === 'string' ? parseDate(value) : value instanceof Date ? value.getTime() / 86_400_000 : null
  if (days === null || !Number.isInteger(days)) return refuse(type, "'YYYY-MM-DD', or a Date at midnight UTC")
  return days > INT_MAX ? 'above' : days < INT_MIN ? 'below' : days
}

function toTime(type: PrimitiveType, value: LiteralValue): bigint {
  const nanos = typeof value === 'string' ? parseTimeOfDay(value) : null
  if (nanos === null || nanos % NANOS_PER_MICRO !== 0n) return refuse(type, "'HH:MM:SS.ffffff'")
  return nanos / NANOS_PER_MICRO
}

function toTimestamp(type: PrimitiveType, value: LiteralValue): bigint | 'above' | 'below' {
  const isNanos = type.kind === 'timestamp_ns' || type.kind === 'timestamptz_ns'
  const nanos = nanosOf(type, value)
  if (isNanos) return toRange(nanos, LONG_MIN, LONG_MAX)
  if (nanos % NANOS_PER_MICRO !== 0n) return refuse(type, 'a time no finer than microseconds')
  return toRange(nanos / NANOS_PER_MICRO, LONG_MIN, LONG_MAX)
}

function nanosOf(type: PrimitiveType, value: LiteralValue): bigint {
  const isZoned = type.kind === 'timestamptz' || type.kind === 'timestamptz_ns'
  const form = isZoned ? 'ISO 8601 text with a zone (end it with Z for UTC)' : 'ISO 8601 text without a zone'
  if (value instanceof Date && !Number.isNaN(value.getTime())) return BigInt(value.getTime()) * 1_000_000n
  const parsed = typeof value === 'string' ? parseTimestamp(value) : null
  // A date alone is its midnight, in UTC where the column has zones.
  const fits = parsed !== null && (parsed.zone === 'date' || (parsed.zone === 'offset') === isZoned)
  return fits ? parsed.nanos : refuse(type, `${form}, or a Date; not a bare number`)
}
