/** What a manifest's partition summaries say about a filter (Iceberg spec, "Manifest Lists"). */
import { InvalidArgumentError } from '../../errors.ts'
import type { ManifestFile, PartitionFieldSummary } from '../manifest/list.ts'
import type { PartitionSpec } from '../partition-spec.ts'
import type { Schema } from '../schema.ts'
import { hasNaN } from './compare.ts'
import { someMayMatch, trustedBounds } from './column-range.ts'
import type { ColumnRange } from './column-range.ts'
import type { PartitionExpression, PartitionReference } from './expression.ts'

/**
 * False only when no file of the manifest can match. `spec` is the manifest's own, and the filter
 * was projected by it: summaries go by position in that spec, also where a source column is gone.
 */
export function manifestMightMatch(
  spec: PartitionSpec,
  _schema: Schema,
  expression: PartitionExpression,
  manifest: ManifestFile,
): boolean {
  if (manifest.specId !== spec.specId) {
    throw new InvalidArgumentError(
      `A filter projected by partition spec ${spec.specId} cannot judge a manifest of spec ${manifest.specId}`,
      { file: manifest.location },
    )
  }
  return manifest.partitions === null || someFileMayMatch(expression, manifest.partitions)
}

function someFileMayMatch(
  expression: PartitionExpression,
  summaries: readonly PartitionFieldSummary[],
): boolean {
  switch (expression.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and':
      return someFileMayMatch(expression.left, summaries) && someFileMayMatch(expression.right, summaries)
    case 'or':
      return someFileMayMatch(expression.left, summaries) || someFileMayMatch(expression.right, summaries)
    default: {
      const summary = summaries[expression.ref.position]
      // Fewer summaries than fields: what is not there proves nothing.
      return summary === undefined || someMayMatch(expression, rangeOf(expression.ref, summary))
    }
  }
}

function rangeOf({ type }: PartitionReference, summary: PartitionFieldSummary): ColumnRange {
  const { containsNull, containsNaN, lowerBound, upperBound } = summary
  const mayBeNaN = hasNaN(type) && containsNaN !== false
  // No bounds means that all values are null or NaN; believed only where there are some.
  const isExplained = containsNull || (hasNaN(type) && containsNaN === true)
  return {
    mayBeNull: containsNull,
    mayBeNaN,
    mayHaveValue: lowerBound !== null || upperBound !== null || !isExplained,
    ...trustedBounds(type, lowerBound, upperBound),
  }
}
