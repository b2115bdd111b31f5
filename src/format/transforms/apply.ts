/** Applying transforms to values (Iceberg spec, "Partition Transforms"). */
import { InvalidArgumentError, UnsupportedFeatureError } from '../../errors.ts'
import { typeToString } from '../types-json.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import {
  daysOfMicros,
  daysOfNanos,
  floorMod,
  hoursOfMicros,
  hoursOfNanos,
  monthsOfDays,
  yearsOfDays,
} from '../values/calendar.ts'
import { bigintOf, bytesOf, numberOf, stringOf } from '../values/datum-checks.ts'
import { truncateString } from '../values/strings.ts'
import { hasherOf } from './hash.ts'
import { canTransform, transformToString } from './transform.ts'
import type { Transform } from './transform.ts'

/** A transform made ready for one source type; null goes in and out only with `void` or null. */
export type TransformFunction = (value: Datum) => Datum | null

/**
 * The transformed value; null for null.
 *
 * Results are exact: truncating the least int gives a number below the int range, which the
 * encoders refuse. UnsupportedFeatureError for an unknown transform, InvalidArgumentError for one
 * that the format does not allow on the type.
 */
export function applyTransform(
  transform: Transform,
  sourceType: PrimitiveType,
  datum: Datum | null,
): Datum | null {
  return datum === null ? null : transformFunction(transform, sourceType)(datum)
}

const compiled = new WeakMap<Transform, { readonly type: PrimitiveType; readonly apply: TransformFunction }>()

/** The transform as a function of non-null values, for use on many. Errors as `applyTransform`. */
export function transformFunction(transform: Transform, sourceType: PrimitiveType): TransformFunction {
  // A spec's transform object meets the same type object again and again.
  const known = compiled.get(transform)
  if (known !== undefined && known.type === sourceType) return known.apply
  const apply = compile(transform, sourceType)
  compiled.set(transform, { type: sourceType, apply })
  return apply
}

function compile(transform: Transform, type: PrimitiveType): TransformFunction {
  if (transform.kind === 'unknown') {
    throw new UnsupportedFeatureError(
      `partition transform '${transform.text}' is not known to this version`,
      {
        hint: 'Rows cannot be written with this partition spec; upgrade floeberg or change the spec.',
      },
    )
  }
  if (!canTransform(transform, type)) {
    throw new InvalidArgumentError(
      `transform ${transformToString(transform)} is not allowed on type ${typeToString(type)}`,
    )
  }
  switch (transform.kind) {
    case 'identity':
      return (value) => value
    case 'void':
      return () => null
    case 'bucket': {
      const hash = hasherOf(type)
      const { buckets } = transform
      return (value) => (hash(value) & 0x7fffffff) % buckets
    }
    case 'truncate':
      return compileTruncate(transform.width, type)
    case 'year':
      return compileDays(type, yearsOfDays)
    case 'month':
      return compileDays(type, monthsOfDays)
    case 'day':
      return compileDays(type, (days) => days)
    case 'hour':
      return isNanos(type)
        ? (value) => hoursOfNanos(bigintOf(value, type))
        : (value) => hoursOfMicros(bigintOf(value, type))
  }
}

function compileDays(type: PrimitiveType, ofDays: (days: number) => number): TransformFunction {
  if (type.kind === 'date') return (value) => ofDays(numberOf(value, type))
  if (isNanos(type)) return (value) => ofDays(daysOfNanos(bigintOf(value, type)))
  return (value) => ofDays(daysOfMicros(bigintOf(value, type)))
}

function isNanos(type: PrimitiveType): boolean {
  return type.kind === 'timestamp_ns' || type.kind === 'timestamptz_ns'
}

function compileTruncate(width: number, type: PrimitiveType): TransformFunction {
  const wide = BigInt(width)
  switch (type.kind) {
    case 'int':
      return (value) => {
        const whole = numberOf(value, type)
        // The remainder must not be negative: -1 in tens belongs to -10.
        return whole - (((whole % width) + width) % width)
      }
    case 'long':
    case 'decimal':
      return (value) => {
        const whole = bigintOf(value, type)
        return whole - floorMod(whole, wide)
      }
    case 'string':
      return (value) => truncateString(stringOf(value, type), width)
    default:
      return (value) => {
        const bytes = bytesOf(value, type)
        return bytes.length <= width ? bytes : bytes.slice(0, width)
      }
  }
}
