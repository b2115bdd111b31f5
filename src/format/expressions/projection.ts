/** The parts of projecting a predicate that all transforms share. */
import { applyTransform } from '../transforms/apply.ts'
import type { Transform } from '../transforms/transform.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { sortedDistinct } from './compare.ts'
import type {
  BoundPredicate,
  LiteralOp,
  PartitionExpression,
  PartitionReference,
  SetOp,
  UnaryOp,
} from './expression.ts'

/**
 * *Inclusive*: if a row matches the predicate, its partition value matches the result. *Strict*:
 * if a partition value matches the result, every row of that partition matches the predicate.
 */
export type ProjectionMode = 'inclusive' | 'strict'

/** A predicate over source values, the transform in its way, and the partition column it goes to. */
export interface Projection {
  readonly transform: Transform
  readonly sourceType: PrimitiveType
  readonly target: PartitionReference
  readonly mode: ProjectionMode
}

/** A predicate that compares with something. */
export type LiteralPredicate = Exclude<BoundPredicate, { readonly op: UnaryOp }>

export function literalsOf(predicate: LiteralPredicate): readonly Datum[] {
  return 'literal' in predicate ? [predicate.literal] : predicate.literals
}

/** The literals' own partition values. */
export function transformed(
  literals: readonly Datum[],
  { transform, sourceType }: Projection,
): readonly Datum[] {
  return literals.flatMap((value) => applyTransform(transform, sourceType, value) ?? [])
}

export function unary(op: UnaryOp, ref: PartitionReference): PartitionExpression {
  return { over: 'partition', op, ref }
}

export function literal(op: LiteralOp, ref: PartitionReference, value: Datum): PartitionExpression {
  return { over: 'partition', op, ref, literal: value }
}

/** `in` and `not-in`, as a comparison where one value is left. */
export function set(op: SetOp, ref: PartitionReference, values: readonly Datum[]): PartitionExpression {
  const literals = sortedDistinct(ref.type, values)
  const [only] = literals
  if (only === undefined) return { over: 'partition', op: op === 'in' ? 'false' : 'true' }
  if (literals.length === 1) return literal(op === 'in' ? 'eq' : 'not-eq', ref, only)
  return { over: 'partition', op, ref, literals }
}
