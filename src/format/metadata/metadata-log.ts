/** The log of earlier metadata files, which every catalog that writes files keeps up. */
import type { MetadataLogEntry } from '../snapshot.ts'
import type { TableMetadata } from './table-metadata.ts'

export interface LoggedMetadata {
  readonly metadata: TableMetadata
  /**
   * Entries that left the log, oldest first. Their files may be deleted once the commit has
   * definitely succeeded and `write.metadata.delete-after-commit.enabled` is true; no others may.
   */
  readonly evicted: readonly MetadataLogEntry[]
}

/**
 * Metadata whose log ends with the file that it replaces. The log keeps at most `maxEntries`
 * (`write.metadata.previous-versions-max`; anything below 1 counts as 1).
 */
export function withMetadataLog(
  metadata: TableMetadata,
  previousFile: string,
  previousUpdatedMs: number,
  maxEntries: number,
): LoggedMetadata {
  const entry = { 'timestamp-ms': previousUpdatedMs, 'metadata-file': previousFile }
  const all = [...metadata['metadata-log'], entry]
  const excess = Math.max(0, all.length - Math.max(1, maxEntries))
  const kept = all.slice(excess)
  const files = new Set(kept.map((each) => each['metadata-file']))
  return {
    metadata: { ...metadata, 'metadata-log': kept },
    // A damaged log may name a file twice: what is still in the log has not left it.
    evicted: all.slice(0, excess).filter((each) => !files.has(each['metadata-file'])),
  }
}
