/** Partition filters on partition tuples. */
import type { PartitionTuple } from '../manifest/entry.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { bothTrue, eitherTrue, evaluatePredicate } from './evaluate.ts'
import type { PartitionExpression } from './expression.ts'

/**
 * Whether the filter is true for the tuple, which is one of the spec that the filter was projected
 * by. Unknown (a comparison with the null partition) is not true.
 */
export function evaluatePartition(expression: PartitionExpression, tuple: PartitionTuple): boolean {
  return evaluateTuple(expression, tuple) === true
}

function evaluateTuple(expression: PartitionExpression, tuple: PartitionTuple): boolean | null {
  switch (expression.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and':
      return bothTrue(evaluateTuple(expression.left, tuple), evaluateTuple(expression.right, tuple))
    case 'or':
      return eitherTrue(evaluateTuple(expression.left, tuple), evaluateTuple(expression.right, tuple))
    default:
      return evaluatePredicate(
        expression,
        promoted(expression.ref.type, tuple[expression.ref.position] ?? null),
      )
  }
}

/** A value that was stored as an int, of a column that is a long by now. */
function promoted(type: PrimitiveType, value: Datum | null): Datum | null {
  return typeof value === 'number' && type.kind === 'long' ? BigInt(value) : value
}
