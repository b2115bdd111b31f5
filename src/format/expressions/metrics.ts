/** What a data file's column metrics say about a filter (Iceberg spec, "Scan Planning"). */
import type { ContentFile } from '../manifest/entry.ts'
import { hasNaN } from './compare.ts'
import { allMustMatch, someMayMatch, trustedBounds } from './column-range.ts'
import type { ColumnRange } from './column-range.ts'
import type { BoundExpression, BoundReference } from './expression.ts'

/**
 * False only when no row of the file matches. Metrics that are missing or cannot be trusted count
 * as unknown, which keeps the file.
 */
export function mightMatch(expression: BoundExpression, file: ContentFile): boolean {
  if (file.recordCount === 0) return false
  switch (expression.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and':
      return mightMatch(expression.left, file) && mightMatch(expression.right, file)
    case 'or':
      return mightMatch(expression.left, file) || mightMatch(expression.right, file)
    default:
      return someMayMatch(expression, rangeOf(expression.ref, file))
  }
}

/**
 * True only when every row of the file matches, by its metrics alone; also for a file without rows.
 * Deletes that apply to the file are not looked at.
 */
export function allMatch(expression: BoundExpression, file: ContentFile): boolean {
  if (file.recordCount === 0) return true
  switch (expression.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and':
      return allMatch(expression.left, file) && allMatch(expression.right, file)
    case 'or':
      return allMatch(expression.left, file) || allMatch(expression.right, file)
    default:
      return allMustMatch(expression, rangeOf(expression.ref, file))
  }
}

/**
 * The column in this file. Columns inside lists and maps cannot be bound, so a column has one value
 * for each row; a writer that counts fewer left out those whose struct is null.
 */
function rangeOf(ref: BoundReference, file: ContentFile): ColumnRange {
  const rows = known(file.recordCount)
  const values = known(file.valueCounts?.get(ref.fieldId))
  const nulls = known(file.nullValueCounts?.get(ref.fieldId))
  const nans = hasNaN(ref.type) ? known(file.nanValueCounts?.get(ref.fieldId)) : 0
  const total = values ?? rows ?? Infinity
  const isNested = ref.path.length > 1
  const isWhole = values === null ? !isNested : rows !== null && values >= rows
  const isAllNaN = nans !== null && nans >= total
  return {
    mayBeNull: !(isWhole && (nulls === 0 || isAllNaN)),
    mayBeNaN: nans !== 0 && !(nulls !== null && nulls >= total),
    mayHaveValue: (nulls ?? 0) + (nans ?? 0) < total,
    ...trustedBounds(ref.type, file.lowerBounds?.get(ref.fieldId), file.upperBounds?.get(ref.fieldId)),
  }
}

/** Old writers put -1 for what they did not count. */
function known(count: number | undefined): number | null {
  return count === undefined || count < 0 ? null : count
}
