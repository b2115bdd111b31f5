/** Whether a file that others added or removed may hold rows that an operation depended on. */
import { evaluatePartition } from '../../format/expressions/evaluate-partition.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import { mightMatch } from '../../format/expressions/metrics.ts'
import { projectInclusive } from '../../format/expressions/project.ts'
import type { ManifestEntry } from '../../format/manifest/entry.ts'
import { currentSchema, specById } from '../../format/metadata/views.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'

/** By partition and, for data files, by metrics: the checks of scan planning, on one file. */
export function mightTouch(base: TableMetadata, filter: BoundExpression, { file }: ManifestEntry): boolean {
  if (filter.op === 'true') return true
  if (filter.op === 'false') return false
  const projected = projectInclusive(specById(base, file.specId), currentSchema(base), filter)
  if (!evaluatePartition(projected, file.partition)) return false
  return file.content !== 'data' || mightMatch(filter, file)
}
