/** Column values as users see them; conversion to and from `Datum` lives here. */
import { InvalidDataError } from '../../errors.ts'
import { typeToString } from '../types-json.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { normalizeUuid, uuidOfBytes } from './bytes.ts'
import { NANOS_PER_DAY, NANOS_PER_MICRO } from './calendar.ts'
import { bigintOf, LONG_MAX, LONG_MIN, numberOf } from './datum-checks.ts'
import { fitsPrecision, formatDecimal, parseDecimal, rescale } from './decimal.ts'
import {
  formatDate,
  formatTimeOfDay,
  formatTimestamp,
  parseDate,
  parseTimeOfDay,
  parseTimestamp,
} from './iso.ts'

/**
 * A column value handed out:
 *
 * | type | value |
 * | --- | --- |
 * | boolean | boolean |
 * | int, float, double | number |
 * | long | bigint |
 * | decimal | string, exact, with the scale's digits |
 * | string; uuid (lower-case, dashed) | string |
 * | fixed, binary | Uint8Array |
 * | date | `YYYY-MM-DD` |
 * | time | `HH:MM:SS.ffffff` |
 * | timestamp, timestamp_ns | ISO 8601 without zone, `2026-01-31T12:00:00.000000` |
 * | timestamptz, timestamptz_ns | ISO 8601 in UTC, `2026-01-31T12:00:00.000000Z` |
 * | struct | object |
 * | list | array |
 * | map | Map; an array of [key, value] when keys are not primitive |
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | { readonly [field: string]: Value }

/** A row by column name. A missing key is null. */
export type Row = { readonly [column: string]: Value }

/** The value handed out for a stored one. */
export function datumToValue(type: PrimitiveType, datum: Datum): Value {
  switch (type.kind) {
    case 'decimal':
      return formatDecimal(bigintOf(datum, type), type.scale)
    case 'date':
      return formatDate(numberOf(datum, type))
    case 'time':
      return formatTimeOfDay(bigintOf(datum, type), 6)
    case 'timestamp':
      return formatTimestamp(bigintOf(datum, type), 6)
    case 'timestamptz':
      return `${formatTimestamp(bigintOf(datum, type), 6)}Z`
    case 'timestamp_ns':
      return formatTimestamp(bigintOf(datum, type), 9)
    case 'timestamptz_ns':
      return `${formatTimestamp(bigintOf(datum, type), 9)}Z`
    default:
      return datum
  }
}

/** A count since the epoch (timestamps) or midnight (times), for callers who have one. */
export type ExactTime = { readonly micros: bigint } | { readonly nanos: bigint }

/**
 * The stored value for one that a user gave, which must not be null. Anything that would lose
 * something is InvalidDataError, naming the type and the accepted forms, never the value; only a
 * float takes the nearest of its values, since few decimal fractions have an exact one.
 */
export function valueToDatum(type: PrimitiveType, value: Value | ExactTime): Datum {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse(type, 'true or false')
    case 'int':
      return intOf(type, value)
    case 'long':
      return longOf(type, value)
    case 'float':
    case 'double':
      return floatOf(type, value)
    case 'decimal':
      return decimalOf(type, value)
    case 'date':
      return dateOf(type, value)
    case 'time':
      return timeOf(type, value)
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return timestampOf(type, value)
    case 'string':
      return typeof value === 'string' && !LONE_SURROGATE.test(value)
        ? value
        : refuse(type, 'a well-formed string')
    case 'uuid':
      return uuidOf(type, value)
    case 'fixed':
      return value instanceof Uint8Array && value.length === type.length
        ? value
        : refuse(type, `a Uint8Array of ${type.length} bytes`)
    case 'binary':
      return value instanceof Uint8Array ? value : refuse(type, 'a Uint8Array')
    case 'unknown':
    case 'geometry':
    case 'geography':
      return refuse(type, 'null')
  }
}

/** Half of a surrogate pair has no UTF-8 form: encoders would store another character. */
const LONE_SURROGATE = /\p{Surrogate}/u

function refuse(type: PrimitiveType, forms: string): never {
  throw new InvalidDataError(`a value is not one of type ${typeToString(type)}`, { hint: `Give ${forms}.` })
}

function intOf(type: PrimitiveType, value: Value | ExactTime): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  // `| 0` alone would take -0 for 0, which it is here.
  return typeof number === 'number' && (number | 0) === number
    ? number | 0
    : refuse(type, 'a whole number within 32 bits')
}

function longOf(type: PrimitiveType, value: Value | ExactTime): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (typeof value === 'bigint' && value >= LONG_MIN && value <= LONG_MAX) return value
  return refuse(type, 'a bigint within 64 bits, or a safe integer')
}

function floatOf(type: PrimitiveType, value: Value | ExactTime): number {
  const number = typeof value === 'bigint' ? exactNumber(value) : value
  if (typeof number !== 'number') return refuse(type, 'a number')
  if (type.kind === 'double') return number
  const rounded = Math.fround(number)
  return Number.isFinite(rounded) === Number.isFinite(number)
    ? rounded
    : refuse(type, "a number within a float's range")
}

/** null when a double has no such whole number. */
function exactNumber(value: bigint): number | null {
  const number = Number(value)
  return Number.isFinite(number) && BigInt(number) === value ? number : null
}

function decimalOf(type: PrimitiveType & { readonly kind: 'decimal' }, value: Value | ExactTime): bigint {
  const text =
    typeof value === 'string'
      ? value
      : typeof value === 'number' || typeof value === 'bigint'
        ? String(value)
        : ''
  const parsed = parseDecimal(text)
  const unscaled = parsed === null ? null : rescale(parsed, type.scale)
  if (unscaled !== null && fitsPrecision(unscaled, type.precision)) return unscaled
  return refuse(
    type,
    `an exact decimal string of at most ${type.precision} digits, ${type.scale} of them after the point`,
  )
}

function dateOf(type: PrimitiveType, value: Value | ExactTime): number {
  const days =
    typeof value === 'string'
      ? parseDate(value)
      : value instanceof Date
        ? value.getTime() / 86_400_000
        : Number.NaN
  return days !== null && (days | 0) === days
    ? days | 0
    : refuse(type, "'YYYY-MM-DD', or a Date at midnight UTC")
}

function timeOf(type: PrimitiveType, value: Value | ExactTime): bigint {
  const exact = exactNanos(value)
  const nanos = typeof value === 'string' ? parseTimeOfDay(value) : exact
  const isWithinDay = nanos !== null && nanos >= 0n && nanos < NANOS_PER_DAY && nanos % NANOS_PER_MICRO === 0n
  return isWithinDay ? nanos / NANOS_PER_MICRO : refuse(type, "'HH:MM:SS.ffffff', or { micros: bigint }")
}

function timestampOf(type: PrimitiveType, value: Value | ExactTime): bigint {
  const isZoned = type.kind === 'timestamptz' || type.kind === 'timestamptz_ns'
  const isNanos = type.kind === 'timestamp_ns' || type.kind === 'timestamptz_ns'
  const nanos = nanosOf(value, isZoned)
  const stored =
    nanos === null || isNanos ? nanos : nanos % NANOS_PER_MICRO === 0n ? nanos / NANOS_PER_MICRO : null
  if (stored !== null && stored >= LONG_MIN && stored <= LONG_MAX) return stored
  const text = isZoned ? 'ISO 8601 text with a zone' : 'ISO 8601 text without a zone'
  return refuse(
    type,
    `${text}, a Date, { micros: bigint } or { nanos: bigint }, no finer than the type; not a bare number`,
  )
}

function nanosOf(value: Value | ExactTime, isZoned: boolean): bigint | null {
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? null : BigInt(value.getTime()) * 1_000_000n
  }
  if (typeof value !== 'string') return exactNanos(value)
  const parsed = parseTimestamp(value)
  if (parsed === null) return null
  return parsed.zone === 'date' || (parsed.zone === 'offset') === isZoned ? parsed.nanos : null
}

/** `{ micros }` or `{ nanos }`, and nothing beside it. */
function exactNanos(value: Value | ExactTime): bigint | null {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return null
  if ('micros' in value && typeof value.micros === 'bigint') return value.micros * NANOS_PER_MICRO
  if ('nanos' in value && typeof value.nanos === 'bigint') return value.nanos
  return null
}

function uuidOf(type: PrimitiveType, value: Value | ExactTime): string {
  if (value instanceof Uint8Array && value.length === 16) return uuidOfBytes(value)
  const uuid = typeof value === 'string' ? normalizeUuid(value) : null
  return uuid ?? refuse(type, 'a UUID as dashed text, or its 16 bytes')
}
