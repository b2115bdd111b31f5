/** The report of one file out of those of the files it was joined from. */
import { compareDatum } from '../../format/values/literal.ts'
import { extremesOf, type ColumnReport, type FileReport, type Leaf } from './write-stats.ts'

/** Counts added up, bounds widened. `sizeBytes` is the joined file's own. */
export function mergeReports(
  reports: readonly FileReport[],
  leaves: readonly Leaf[],
  file: { readonly path: string; readonly sizeBytes: number },
): FileReport {
  const columns = new Map<string, ColumnReport>()
  for (const leaf of leaves) {
    const parts = reports.flatMap((report) => report.columns.get(leaf.key) ?? [])
    if (parts.length === reports.length) columns.set(leaf.key, mergeColumn(parts, leaf))
  }
  const footerBytes = reports.reduce((sum, report) => sum + report.footerBytes, 0)
  const rows = reports.reduce((sum, report) => sum + report.rows, 0)
  return { ...file, rows, footerBytes, columns, partition: [] }
}

const COUNTS = ['column_size_bytes', 'num_values', 'null_count']

function mergeColumn(parts: readonly ColumnReport[], leaf: Leaf): ColumnReport {
  const merged = new Map<string, string>()
  for (const name of COUNTS) {
    const values = parts.flatMap((part) => part.get(name) ?? [])
    if (values.length !== parts.length) continue
    merged.set(name, String(values.reduce((sum, value) => sum + Number(value), 0)))
  }
  const nans = parts.flatMap((part) => part.get('has_nan') ?? [])
  if (nans.length === parts.length) merged.set('has_nan', String(nans.includes('true')))
  const bounded = parts.filter((part) => !isEmpty(part))
  if (bounded.length > 0 && bounded.every((part) => part.has('min') && part.has('max'))) {
    const min = outermost(bounded, leaf, 'lower')
    const max = outermost(bounded, leaf, 'upper')
    if (min !== null && max !== null) {
      merged.set('min', min)
      merged.set('max', max)
    }
  }
  return merged
}

/** Whether a part has no value that could be a bound: nothing, nulls alone, or NaN alone. */
function isEmpty(part: ColumnReport): boolean {
  if (part.has('min')) return false
  return part.get('num_values') === part.get('null_count') || part.get('has_nan') === 'true'
}

/** The text of the least or greatest bound; null when one cannot be read. */
function outermost(parts: readonly ColumnReport[], leaf: Leaf, side: 'lower' | 'upper'): string | null {
  let found: {
    readonly text: string
    readonly value: boolean | number | bigint | string | Uint8Array
  } | null = null
  for (const part of parts) {
    const extremes = extremesOf(leaf.type, part)
    const text = part.get(side === 'lower' ? 'min' : 'max')
    if (extremes === null || text === undefined) return null
    const value = extremes[side]
    const order = found === null ? 0 : compareDatum(leaf.type, value, found.value)
    if (found === null || (side === 'lower' ? order < 0 : order > 0)) found = { text, value }
  }
  return found?.text ?? null
}
