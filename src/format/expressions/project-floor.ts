/**
 * Predicates through the transforms that round down: truncate of numbers and the temporal ones. A
 * partition value p stands for the values from p up to, but not including, the next one.
 *
 * Old writers rounded temporal values before 1970 up (towards zero), so a stored value of 0 or less
 * may hold rows that belong one below it. Inclusive projections let such a file in; strict ones
 * prove nothing by a value that could be meant either way.
 */
import type { Datum } from '../types.ts'
import type { PartitionExpression } from './expression.ts'
import { literal, literalsOf, set, transformed } from './projection.ts'
import type { LiteralPredicate, Projection } from './projection.ts'

export function projectFloor(
  predicate: LiteralPredicate,
  projection: Projection,
): PartitionExpression | null {
  return projection.mode === 'inclusive' ? inclusive(predicate, projection) : strict(predicate, projection)
}

function inclusive(predicate: LiteralPredicate, projection: Projection): PartitionExpression | null {
  const { target } = projection
  switch (predicate.op) {
    case 'lt':
      return literal('lt-eq', target, slackUp(floorOf(before(predicate.literal), projection), projection))
    case 'lt-eq':
      return literal('lt-eq', target, slackUp(floorOf(predicate.literal, projection), projection))
    case 'gt':
      return literal('gt-eq', target, floorOf(after(predicate.literal), projection))
    case 'gt-eq':
      return literal('gt-eq', target, floorOf(predicate.literal, projection))
    case 'eq':
    case 'in':
      return set('in', target, withSlack(transformed(literalsOf(predicate), projection), projection))
    default:
      return null
  }
}

function strict(predicate: LiteralPredicate, projection: Projection): PartitionExpression | null {
  const { target } = projection
  switch (predicate.op) {
    case 'lt':
      return literal('lt', target, floorOf(predicate.literal, projection))
    case 'lt-eq':
      return literal('lt', target, floorOf(after(predicate.literal), projection))
    case 'gt':
      return literal('gt', target, slackUp(floorOf(predicate.literal, projection), projection))
    case 'gt-eq':
      return literal('gt', target, slackUp(floorOf(before(predicate.literal), projection), projection))
    case 'not-eq':
    case 'not-in':
      return set('not-in', target, withSlack(transformed(literalsOf(predicate), projection), projection))
    default:
      return null
  }
}

/** The partition value of a literal; transforms of this file make null of nothing. */
function floorOf(value: Datum, projection: Projection): Datum {
  return transformed([value], projection)[0] ?? value
}

/** The value next below, in the type's own unit (1, one microsecond, one unit of the scale). */
function before(value: Datum): Datum {
  return typeof value === 'bigint' ? value - 1n : typeof value === 'number' ? value - 1 : value
}

function after(value: Datum): Datum {
  return typeof value === 'bigint' ? value + 1n : typeof value === 'number' ? value + 1 : value
}

/** Where rows of this partition value may be stored at most. Temporal results are numbers. */
function slackUp(value: Datum, { transform }: Projection): Datum {
  return transform.kind !== 'truncate' && typeof value === 'number' && value < 0 ? value + 1 : value
}

function withSlack(values: readonly Datum[], projection: Projection): readonly Datum[] {
  return values.flatMap((value) => [value, slackUp(value, projection)])
}
