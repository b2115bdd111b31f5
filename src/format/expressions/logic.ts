/** Joining bound and partition expressions, with what is already decided folded away. */
import { balanced } from './expression.ts'
import type { BoundExpression, PartitionExpression } from './expression.ts'

/** `and` or `or` of a list of any length; for an empty one, true and false. */
export function joinBound(op: 'and' | 'or', operands: readonly BoundExpression[]): BoundExpression {
  const [neutral, decided] = op === 'and' ? (['true', 'false'] as const) : (['false', 'true'] as const)
  if (operands.some((operand) => operand.op === decided)) return { op: decided }
  const open = operands.filter((operand) => operand.op !== neutral)
  return balanced<BoundExpression>(open, (left, right) => ({ op, left, right })) ?? { op: neutral }
}

/** As `joinBound`, over partition tuples. */
export function joinPartition(
  op: 'and' | 'or',
  operands: readonly PartitionExpression[],
): PartitionExpression {
  const [neutral, decided] = op === 'and' ? (['true', 'false'] as const) : (['false', 'true'] as const)
  if (operands.some((operand) => operand.op === decided)) return { over: 'partition', op: decided }
  const open = operands.filter((operand) => operand.op !== neutral)
  return (
    balanced<PartitionExpression>(open, (left, right) => ({ over: 'partition', op, left, right })) ?? {
      over: 'partition',
      op: neutral,
    }
  )
}
