/** Row filters as partition filters (Iceberg spec, "Scan Planning"). */
import type { PartitionSpec } from '../partition-spec.ts'
import { partitionType } from '../partition-spec.ts'
import type { Schema } from '../schema.ts'
import type { BoundExpression, BoundPredicate, PartitionExpression } from './expression.ts'
import { joinPartition } from './logic.ts'
import { projectPredicate } from './project-transform.ts'
import type { ProjectionMode } from './projection.ts'

/**
 * A filter over the spec's tuples that matches the partition of every row that `bound` matches. Use
 * it to leave out files; what it lets in must still be filtered. The spec is that of the files,
 * which need not be the table's current one.
 */
export function projectInclusive(
  spec: PartitionSpec,
  schema: Schema,
  bound: BoundExpression,
): PartitionExpression {
  return project(bound, (predicate) => projectOne(spec, schema, predicate, 'inclusive'))
}

/**
 * A filter over the spec's tuples that matches a partition only if `bound` matches every row that
 * may be in it.
 */
export function projectStrict(
  spec: PartitionSpec,
  schema: Schema,
  bound: BoundExpression,
): PartitionExpression {
  return project(bound, (predicate) => projectOne(spec, schema, predicate, 'strict'))
}

/**
 * The predicates of a filter that no partition field can prune by, but for the null partition: what
 * stood in the way when a scan opened more files than expected. All of them for an unpartitioned spec.
 */
export function unprojectable(
  spec: PartitionSpec,
  schema: Schema,
  bound: BoundExpression,
): readonly BoundPredicate[] {
  switch (bound.op) {
    case 'true':
    case 'false':
      return []
    case 'and':
    case 'or':
      return [...unprojectable(spec, schema, bound.left), ...unprojectable(spec, schema, bound.right)]
    default:
      return canPrune(bound, projectOne(spec, schema, bound, 'inclusive')) ? [] : [bound]
  }
}

/** Leaving out the null partition is not what a comparison was written for. */
function canPrune(predicate: BoundPredicate, projected: PartitionExpression): boolean {
  if (projected.op === 'and') {
    return canPrune(predicate, projected.left) || canPrune(predicate, projected.right)
  }
  return projected.op !== 'true' && (projected.op !== 'not-null' || predicate.op === 'not-null')
}

/** Carries a filter over predicate by predicate. */
export function project(
  bound: BoundExpression,
  projectPredicate: (predicate: BoundPredicate) => PartitionExpression,
): PartitionExpression {
  switch (bound.op) {
    case 'true':
    case 'false':
      return { over: 'partition', op: bound.op }
    case 'and':
    case 'or':
      return joinPartition(bound.op, [
        project(bound.left, projectPredicate),
        project(bound.right, projectPredicate),
      ])
    default:
      return projectPredicate(bound)
  }
}

/**
 * One predicate through every field of its column. Each field speaks of all rows of the file: what
 * one rules out is out (inclusive), what one proves is proven (strict).
 */
export function projectOne(
  spec: PartitionSpec,
  schema: Schema,
  predicate: BoundPredicate,
  mode: ProjectionMode,
): PartitionExpression {
  const columns = partitionType(spec, schema)
  const parts = spec.fields.flatMap((field, position) => {
    const column = columns[position]
    if (field.sourceId !== predicate.ref.fieldId || column === undefined) return []
    const target = { position, fieldId: field.fieldId, type: column.type }
    return (
      projectPredicate(predicate, {
        transform: field.transform,
        sourceType: predicate.ref.type,
        target,
        mode,
      }) ?? []
    )
  })
  return joinPartition(mode === 'inclusive' ? 'and' : 'or', parts)
}
