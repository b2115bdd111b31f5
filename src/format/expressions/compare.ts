/** Comparing datums as filters do: numerically for floats, where -0.0 equals 0.0. */
import type { Datum, PrimitiveType } from '../types.ts'
import { bytesToHex } from '../values/bytes.ts'
import { compareDatum } from '../values/literal.ts'
import { compareStrings, truncateString } from '../values/strings.ts'

/** True for NaN, which no order and no bound includes. */
export function isNaNDatum(value: Datum): boolean {
  return typeof value === 'number' && Number.isNaN(value)
}

/** True for the types that have NaN. */
export function hasNaN(type: PrimitiveType): boolean {
  return type.kind === 'float' || type.kind === 'double'
}

/**
 * Negative, zero or positive. Unlike `compareDatum`, which sorts (bounds, sort orders) and puts
 * -0.0 before 0.0, a filter takes the two as equal. NaN must be ruled out before.
 */
export function compareValues(type: PrimitiveType, a: Datum, b: Datum): number {
  if (hasNaN(type) && typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0
  return compareDatum(type, a, b)
}

/** Ascending, none twice. */
export function sortedDistinct(type: PrimitiveType, values: readonly Datum[]): readonly Datum[] {
  const sorted = [...values].sort((a, b) => compareValues(type, a, b))
  return sorted.filter((value, i) => {
    const before = sorted[i - 1]
    return before === undefined || compareValues(type, before, value) !== 0
  })
}

/** Whether one of the values lies within the bounds; an unknown bound (null) excludes none. */
export function someWithin(
  type: PrimitiveType,
  values: readonly Datum[],
  lower: Datum | null,
  upper: Datum | null,
): boolean {
  const sorted = ascending(type, values)
  const next = sorted[lower === null ? 0 : firstNotBelow(type, sorted, lower)]
  return next !== undefined && (upper === null || compareValues(type, next, upper) <= 0)
}

function firstNotBelow(type: PrimitiveType, sorted: readonly Datum[], bound: Datum): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >> 1
    const value = sorted[middle]
    if (value !== undefined && compareValues(type, value, bound) < 0) from = middle + 1
    else to = middle
  }
  return from
}

const orders = new WeakMap<readonly Datum[], readonly Datum[]>()

/** Bound lists are sorted; one that somebody else made is sorted here, once, rather than trusted. */
function ascending(type: PrimitiveType, values: readonly Datum[]): readonly Datum[] {
  const known = orders.get(values)
  if (known !== undefined) return known
  const sorted = sortedDistinct(type, values)
  orders.set(values, sorted)
  return sorted
}

const lookups = new WeakMap<readonly Datum[], ReadonlySet<Datum>>()

/** Whether the list holds the value. A long list is indexed once. */
export function includesValue(type: PrimitiveType, values: readonly Datum[], value: Datum): boolean {
  if (values.length <= 8) return values.some((other) => compareValues(type, other, value) === 0)
  let lookup = lookups.get(values)
  if (lookup === undefined) {
    lookup = new Set(values.map(lookupKey))
    lookups.set(values, lookup)
  }
  return lookup.has(lookupKey(value))
}

/** Bytes have no identity in a Set; everything else is its own key (0 and -0 are one). */
function lookupKey(value: Datum): Datum {
  return value instanceof Uint8Array ? bytesToHex(value) : value
}

/** Negative, zero or positive: the value's first code points, as many as the prefix has, against it. */
export function compareToPrefix(value: string, prefix: string): number {
  return compareStrings(truncateString(value, codePointLength(prefix)), prefix)
}

export function codePointLength(text: string): number {
  let length = 0
  for (let at = 0; at < text.length; length += 1) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  return length
}
