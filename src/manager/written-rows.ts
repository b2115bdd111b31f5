/** What an append came to. */
import type { ContentFile } from '../format/manifest/entry.ts'
import type { UpsertCounts } from '../table/operations/upsert.ts'
import type { RowChangeResult } from './row-change-options.ts'

/** The result of adding files; no files and no snapshot where there were no rows. */
export function appendResult(
  files: readonly ContentFile[],
  snapshotId: bigint | null,
  attempts: number,
): RowChangeResult {
  const counts = appendCounts(files)
  return {
    snapshotId,
    rows: counts.rowsInserted,
    files: files.length,
    bytes: files.reduce((bytes, file) => bytes + file.fileSizeInBytes, 0),
    attempts,
    ...counts,
    fileChanges: [],
  }
}

/** Every row of the files is new. */
export function appendCounts(files: readonly ContentFile[]): UpsertCounts {
  const rowsInserted = files.reduce((sum, file) => sum + file.recordCount, 0)
  return { rowsInserted, rowsUpdated: 0, rowsDeleted: 0, rowsUnchanged: 0 }
}
