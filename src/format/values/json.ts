/**
 * Single values as JSON (Iceberg spec, Appendix D, "JSON single-value serialization"). Longs beyond
 * the safe integers are bigints in the JSON value: write it with `stringifyLossless`.
 */
import { InvalidArgumentError } from '../../errors.ts'
import { typeToString } from '../types-json.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { bytesToHex, hexToBytes, normalizeUuid } from './bytes.ts'
import { NANOS_PER_MICRO } from './calendar.ts'
import {
  bigintOf,
  booleanOf,
  bytesOf,
  int32Of,
  int64Of,
  LONG_MAX,
  LONG_MIN,
  noSingleValue,
  numberOf,
  stringOf,
} from './datum-checks.ts'
import { fitsPrecision, formatDecimal, parseDecimal } from './decimal.ts'
import {
  formatDate,
  formatTimeOfDay,
  formatTimestamp,
  parseDate,
  parseTimeOfDay,
  parseTimestamp,
} from './iso.ts'

/** Encodes a value. Floats that JSON has no number for are the strings `NaN`, `Infinity`, `-Infinity`. */
export function datumToJson(type: PrimitiveType, datum: Datum): unknown {
  switch (type.kind) {
    case 'boolean':
      return booleanOf(datum, type)
    case 'int':
      return int32Of(datum, type)
    case 'long': {
      const whole = int64Of(datum, type)
      return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole
    }
    case 'float':
    case 'double': {
      const number = numberOf(datum, type)
      return Number.isFinite(number) ? number : String(number)
    }
    case 'decimal':
      return formatDecimal(bigintOf(datum, type), type.scale)
    case 'date':
      return formatDate(int32Of(datum, type))
    case 'time':
      return formatTimeOfDay(bigintOf(datum, type), 6)
    case 'timestamp':
      return formatTimestamp(bigintOf(datum, type), 6)
    case 'timestamptz':
      return `${formatTimestamp(bigintOf(datum, type), 6)}+00:00`
    case 'timestamp_ns':
      return formatTimestamp(bigintOf(datum, type), 9)
    case 'timestamptz_ns':
      return `${formatTimestamp(bigintOf(datum, type), 9)}+00:00`
    case 'string':
    case 'uuid':
      return stringOf(datum, type)
    case 'fixed':
    case 'binary':
      return bytesToHex(bytesOf(datum, type))
    case 'unknown':
    case 'geometry':
    case 'geography':
      throw noSingleValue(type)
  }
}

/** Decodes a value. InvalidArgumentError when the JSON is no value of the type. */
export function datumFromJson(type: PrimitiveType, json: unknown): Datum {
  const datum = decode(type, json)
  if (datum === null) throw new InvalidArgumentError(`the JSON value is none of type ${typeToString(type)}`)
  return datum
}

function decode(type: PrimitiveType, json: unknown): Datum | null {
  if (typeof json === 'boolean') return type.kind === 'boolean' ? json : null
  if (typeof json === 'number' || typeof json === 'bigint') return decodeNumber(type, json)
  return typeof json === 'string' ? decodeText(type, json) : null
}

function decodeNumber(type: PrimitiveType, json: number | bigint): Datum | null {
  switch (type.kind) {
    case 'int':
      return typeof json === 'number' && (json | 0) === json ? json | 0 : null
    case 'long': {
      if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : null
      return json >= LONG_MIN && json <= LONG_MAX ? json : null
    }
    case 'float':
      return Math.fround(Number(json))
    case 'double':
      return Number(json)
    default:
      return null
  }
}

function decodeText(type: PrimitiveType, json: string): Datum | null {
  switch (type.kind) {
    case 'float':
    case 'double':
      return json === 'NaN' || json === 'Infinity' || json === '-Infinity' ? Number(json) : null
    case 'decimal': {
      const parsed = parseDecimal(json)
      // The number of digits after the point is the scale; another one is another type's value.
      const fits =
        parsed !== null && parsed.scale === type.scale && fitsPrecision(parsed.unscaled, type.precision)
      return fits ? parsed.unscaled : null
    }
    case 'date': {
      const days = parseDate(json)
      return days === null || (days | 0) !== days ? null : days | 0
    }
    case 'time':
      return toMicros(parseTimeOfDay(json))
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return decodeTimestamp(type, json)
    case 'string':
      return json
    case 'uuid':
      return normalizeUuid(json)
    case 'fixed': {
      const bytes = hexToBytes(json)
      return bytes?.length === type.length ? bytes : null
    }
    case 'binary':
      return hexToBytes(json)
    default:
      return null
  }
}

function toMicros(nanos: bigint | null): bigint | null {
  return nanos === null || nanos % NANOS_PER_MICRO !== 0n ? null : nanos / NANOS_PER_MICRO
}

function decodeTimestamp(type: PrimitiveType, json: string): bigint | null {
  const isZoned = type.kind === 'timestamptz' || type.kind === 'timestamptz_ns'
  const isNanos = type.kind === 'timestamp_ns' || type.kind === 'timestamptz_ns'
  const parsed = parseTimestamp(json)
  if (parsed === null || parsed.zone !== (isZoned ? 'offset' : 'none')) return null
  const stored = isNanos ? parsed.nanos : toMicros(parsed.nanos)
  return stored !== null && stored >= LONG_MIN && stored <= LONG_MAX ? stored : null
}
