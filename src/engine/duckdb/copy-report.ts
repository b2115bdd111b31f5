/** What COPY answers with RETURN_STATS, read into values. */
import { DuckDBMapValue } from '@duckdb/node-api'
import type { ColumnReport, FileReport } from './write-stats.ts'

/** The report of one file; `keys` are the columns that were partitioned by. */
export function reportOf(
  row: Readonly<Record<string, unknown>>,
  keys: readonly { readonly name: string }[],
): FileReport {
  const columns = new Map<string, ColumnReport>()
  for (const [name, stats] of entriesOf(row['column_statistics'])) {
    columns.set(name, new Map(entriesOf(stats).map(([key, value]) => [key, String(value)])))
  }
  const partition = new Map(entriesOf(row['partition_keys']))
  return {
    path: String(row['filename']),
    rows: Number(row['count']),
    sizeBytes: Number(row['file_size_bytes']),
    footerBytes: Number(row['footer_size_bytes']),
    columns,
    partition: keys.map((key) => {
      const value = partition.get(key.name)
      return value === null || value === undefined ? null : String(value)
    }),
  }
}

function entriesOf(map: unknown): readonly (readonly [string, unknown])[] {
  if (!(map instanceof DuckDBMapValue)) return []
  return map.entries.map(({ key, value }) => [String(key), value] as const)
}
