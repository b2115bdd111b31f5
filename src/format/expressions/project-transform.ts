/** One predicate through one partition transform (Iceberg spec, "Scan Planning"). */
import { canTransform } from '../transforms/transform.ts'
import type { Transform } from '../transforms/transform.ts'
import type { PrimitiveType } from '../types.ts'
import type { BoundPredicate, PartitionExpression, PartitionReference } from './expression.ts'
import { projectCut } from './project-cut.ts'
import { projectFloor } from './project-floor.ts'
import { literal, literalsOf, set, transformed, unary } from './projection.ts'
import type { LiteralPredicate, Projection } from './projection.ts'

/** null: nothing can be said through this transform. */
export function projectPredicate(
  predicate: BoundPredicate,
  projection: Projection,
): PartitionExpression | null {
  const { transform, sourceType, target } = projection
  // A void or unknown field says nothing about its source: not even that it is null.
  if (transform.kind === 'void' || !canTransform(transform, sourceType)) return null
  if (isOneToOne(transform, sourceType)) return retarget(predicate, target)
  switch (predicate.op) {
    case 'is-null':
    case 'not-null':
      // Every transform keeps null, and makes null of nothing else.
      return unary(predicate.op, target)
    case 'is-nan':
    case 'not-nan':
      return null
    default:
      return projectLiterals(predicate, projection) ?? withoutNulls(projection)
  }
}

function projectLiterals(predicate: LiteralPredicate, projection: Projection): PartitionExpression | null {
  const { transform, sourceType } = projection
  if (transform.kind === 'bucket') return projectBucket(predicate, projection)
  const isCut = sourceType.kind === 'string' || sourceType.kind === 'binary'
  if (transform.kind === 'truncate' && isCut) return projectCut(predicate, projection, transform.width)
  return projectFloor(predicate, projection)
}

/** A comparison says one thing through any transform: null does not match. */
function withoutNulls({ mode, target }: Projection): PartitionExpression | null {
  return mode === 'inclusive' ? unary('not-null', target) : null
}

/** Transforms that keep every value apart, so that a predicate needs no change. */
function isOneToOne(transform: Transform, { kind }: PrimitiveType): boolean {
  if (transform.kind === 'identity') return true
  if (transform.kind === 'day') return kind === 'date'
  return transform.kind === 'truncate' && transform.width === 1 && kind !== 'string' && kind !== 'binary'
}

function retarget(predicate: BoundPredicate, target: PartitionReference): PartitionExpression {
  if ('literal' in predicate) return literal(predicate.op, target, predicate.literal)
  if ('literals' in predicate) return set(predicate.op, target, predicate.literals)
  return unary(predicate.op, target)
}

/** Equal values share a bucket; different ones may. */
function projectBucket(predicate: LiteralPredicate, projection: Projection): PartitionExpression | null {
  const { mode, target } = projection
  const positive = predicate.op === 'eq' || predicate.op === 'in'
  const negative = predicate.op === 'not-eq' || predicate.op === 'not-in'
  if (mode === 'inclusive' ? !positive : !negative) return null
  return set(positive ? 'in' : 'not-in', target, transformed(literalsOf(predicate), projection))
}
