/** The filter over partitions that one partition passes: to find the manifests that may list its files. */
import type { PartitionTuple } from '../manifest/entry.ts'
import { partitionType, type PartitionSpec } from '../partition-spec.ts'
import type { Schema } from '../schema.ts'
import type { Datum } from '../types.ts'
import type { PartitionExpression, PartitionReference } from './expression.ts'

/** True of this tuple of the spec, and of no other that differs in a value with an order. */
export function tupleFilter(spec: PartitionSpec, schema: Schema, tuple: PartitionTuple): PartitionExpression {
  const columns = partitionType(spec, schema)
  return columns
    .map(({ fieldId, type }, position) =>
      type.kind === 'unknown' ? ANY : fieldFilter({ position, fieldId, type }, tuple[position] ?? null),
    )
    .reduce((left, right) => (left === ANY ? right : { over: 'partition', op: 'and', left, right }), ANY)
}

const ANY: PartitionExpression = { over: 'partition', op: 'true' }

function fieldFilter(ref: PartitionReference, value: Datum | null): PartitionExpression {
  if (value === null) return { over: 'partition', op: 'is-null', ref }
  if (Number.isNaN(value)) return { over: 'partition', op: 'is-nan', ref }
  return { over: 'partition', op: 'eq', ref, literal: value }
}
