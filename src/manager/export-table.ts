/** Rows of a table into one file. */
import type { Progress } from '../engine/data-plane.ts'
import { fileFormatOf, readRequestOf, type FileFormat, type ScanOptions } from '../table/scan.ts'
import type { TableHandle } from '../table/table.ts'

/** Which rows are exported, and how. */
export interface ExportOptions extends ScanOptions {
  /** Default: by the file's extension: .parquet, .csv, .json (one object a line), .arrow. */
  readonly format?: FileFormat | undefined
  /** Default: false. True puts the new file in the place of one that is there, in one step. */
  readonly replace?: boolean | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What an export wrote. */
export interface ExportResult {
  readonly path: string
  readonly format: FileFormat
  readonly rows: number
  /** The snapshot that was read; null when the table is empty. */
  readonly snapshotId: bigint | null
}

/** Writes the file. */
export async function exportRows<In, Out>(
  table: TableHandle<In, Out>,
  path: string,
  options: ExportOptions,
): Promise<ExportResult> {
  const { format = fileFormatOf(path), replace = false, onProgress, ...scanOptions } = options
  const scan = table.scan(scanOptions)
  const plane = await table.state.runtime.dataPlane()
  const request = { ...(await readRequestOf(scan)), onProgress }
  const { rows } = await plane.readToFile(request, { path, format, replace })
  return { path, format, rows, snapshotId: scan.snapshot?.['snapshot-id'] ?? null }
}
