/**
 * Predicates through truncate of strings (by code points) and binary (by bytes). A partition value
 * shorter than the width stands for itself alone, one of the full width for all that start with it.
 */
import { truncateString } from '../values/strings.ts'
import type { Datum } from '../types.ts'
import { codePointLength } from './compare.ts'
import type { PartitionExpression } from './expression.ts'
import { literal, literalsOf, set } from './projection.ts'
import type { LiteralPredicate, Projection } from './projection.ts'

export function projectCut(
  predicate: LiteralPredicate,
  projection: Projection,
  width: number,
): PartitionExpression | null {
  return projection.mode === 'inclusive'
    ? inclusive(predicate, projection, width)
    : strict(predicate, projection, width)
}

function inclusive(
  predicate: LiteralPredicate,
  { target }: Projection,
  width: number,
): PartitionExpression | null {
  const { op } = predicate
  switch (op) {
    case 'eq':
    case 'in':
      return set(
        'in',
        target,
        literalsOf(predicate).map((value) => cut(value, width)),
      )
    case 'not-eq':
    case 'not-in': {
      // Only where the partition value is the value itself can it rule all its rows out.
      const whole = literalsOf(predicate).filter((value) => lengthOf(value) < width)
      return whole.length === 0 ? null : set('not-in', target, whole)
    }
    case 'lt':
      return literal(
        lengthOf(predicate.literal) <= width ? 'lt' : 'lt-eq',
        target,
        cut(predicate.literal, width),
      )
    case 'gt':
      return literal(
        lengthOf(predicate.literal) < width ? 'gt' : 'gt-eq',
        target,
        cut(predicate.literal, width),
      )
    case 'lt-eq':
    case 'gt-eq':
      return literal(op, target, cut(predicate.literal, width))
    case 'starts-with':
      if (lengthOf(predicate.literal) < width) return literal(op, target, predicate.literal)
      return literal('eq', target, cut(predicate.literal, width))
    case 'not-starts-with':
      return notStartsWith(predicate.literal, { target, width, isLongPrefixDecisive: false })
  }
}

function strict(
  predicate: LiteralPredicate,
  { target }: Projection,
  width: number,
): PartitionExpression | null {
  const { op } = predicate
  switch (op) {
    case 'eq':
    case 'in': {
      const whole = literalsOf(predicate).filter((value) => lengthOf(value) < width)
      return whole.length === 0 ? null : set('in', target, whole)
    }
    case 'not-eq':
    case 'not-in':
      return set(
        'not-in',
        target,
        literalsOf(predicate).map((value) => cut(value, width)),
      )
    case 'lt':
    case 'gt':
      return literal(op, target, cut(predicate.literal, width))
    case 'lt-eq':
      return literal(
        lengthOf(predicate.literal) < width ? 'lt-eq' : 'lt',
        target,
        cut(predicate.literal, width),
      )
    case 'gt-eq':
      return literal(
        lengthOf(predicate.literal) <= width ? 'gt-eq' : 'gt',
        target,
        cut(predicate.literal, width),
      )
    case 'starts-with':
      if (lengthOf(predicate.literal) < width) return literal(op, target, predicate.literal)
      return lengthOf(predicate.literal) === width ? literal('eq', target, predicate.literal) : null
    case 'not-starts-with':
      return notStartsWith(predicate.literal, { target, width, isLongPrefixDecisive: true })
  }
}

/**
 * A prefix longer than the width: partitions with another beginning hold no such value (strict),
 * and the one with this beginning may hold any (so nothing inclusive).
 */
function notStartsWith(
  prefix: Datum,
  options: {
    readonly target: Projection['target']
    readonly width: number
    readonly isLongPrefixDecisive: boolean
  },
): PartitionExpression | null {
  const { target, width, isLongPrefixDecisive } = options
  const length = lengthOf(prefix)
  if (length < width) return literal('not-starts-with', target, prefix)
  if (length > width && !isLongPrefixDecisive) return null
  return literal('not-eq', target, cut(prefix, width))
}

function cut(value: Datum, width: number): Datum {
  if (typeof value === 'string') return truncateString(value, width)
  return value instanceof Uint8Array ? value.slice(0, width) : value
}

/** In the transform's unit: code points or bytes. */
function lengthOf(value: Datum): number {
  if (typeof value === 'string') return codePointLength(value)
  return value instanceof Uint8Array ? value.length : 0
}
