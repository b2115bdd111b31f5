/** What of a filter is left to check on the rows of one partition (Iceberg spec, "Scan Planning"). */
import type { PartitionTuple } from '../manifest/entry.ts'
import type { PartitionSpec } from '../partition-spec.ts'
import type { Schema } from '../schema.ts'
import { evaluatePartition } from './evaluate-partition.ts'
import type { BoundExpression, BoundPredicate, PartitionExpression } from './expression.ts'
import { joinBound } from './logic.ts'
import { projectOne } from './project.ts'

/**
 * The filter for rows of files with this partition tuple: predicates that the tuple proves are
 * gone, those it rules out make their part false. `true`: every row matches; `false`: none does.
 *
 * The projections are made once for a filter and a spec, however many files are asked about.
 */
export function residualFor(
  spec: PartitionSpec,
  schema: Schema,
  bound: BoundExpression,
  tuple: PartitionTuple,
): BoundExpression {
  return spec.fields.length === 0 ? bound : residual(bound, tuple, projectionsFor(spec, schema, bound))
}

interface PredicateProjections {
  readonly inclusive: PartitionExpression
  readonly strict: PartitionExpression
}

/** The projections of a filter's predicates by one spec. */
interface SpecProjections {
  readonly spec: PartitionSpec
  readonly schema: Schema
  readonly known: Map<BoundPredicate, PredicateProjections>
}

const caches = new WeakMap<BoundExpression, WeakMap<PartitionSpec, SpecProjections>>()

function projectionsFor(spec: PartitionSpec, schema: Schema, bound: BoundExpression): SpecProjections {
  let bySpec = caches.get(bound)
  if (bySpec === undefined) caches.set(bound, (bySpec = new WeakMap()))
  const cached = bySpec.get(spec)
  if (cached?.schema === schema) return cached
  const made: SpecProjections = { spec, schema, known: new Map() }
  bySpec.set(spec, made)
  return made
}

function residual(
  bound: BoundExpression,
  tuple: PartitionTuple,
  projections: SpecProjections,
): BoundExpression {
  switch (bound.op) {
    case 'true':
    case 'false':
      return bound
    case 'and':
    case 'or': {
      const left = residual(bound.left, tuple, projections)
      const right = residual(bound.right, tuple, projections)
      return left === bound.left && right === bound.right ? bound : joinBound(bound.op, [left, right])
    }
    default: {
      const { inclusive, strict } = projectionsOf(bound, projections)
      if (evaluatePartition(strict, tuple)) return { op: 'true' }
      return evaluatePartition(inclusive, tuple) ? bound : { op: 'false' }
    }
  }
}

function projectionsOf(predicate: BoundPredicate, projections: SpecProjections): PredicateProjections {
  const { spec, schema, known } = projections
  const cached = known.get(predicate)
  if (cached !== undefined) return cached
  const made: PredicateProjections = {
    inclusive: projectOne(spec, schema, predicate, 'inclusive'),
    strict: projectOne(spec, schema, predicate, 'strict'),
  }
  known.set(predicate, made)
  return made
}
