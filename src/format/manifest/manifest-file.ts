/** The entry of a manifest in a manifest list (Iceberg spec, "Manifest Lists"). */

/**
 * In place of the sequence number of a manifest that is written but not committed: the manifest
 * list that first names it gives it that commit's number.
 */
export const UNASSIGNED_SEQUENCE_NUMBER = -1

/** `field_summary`: what a manifest's partition values span, for one field of its spec. */
export interface PartitionFieldSummary {
  readonly containsNull: boolean
  /** null = unknown (may contain NaN). */
  readonly containsNaN: boolean | null
  readonly lowerBound: Uint8Array | null
  readonly upperBound: Uint8Array | null
}

/** A `manifest_file` struct. Counts are null where an old writer left them out: not skippable. */
export interface ManifestFile {
  readonly location: string
  readonly length: number
  readonly specId: number
  readonly content: 'data' | 'deletes'
  /** 0 for manifests of v1; UNASSIGNED_SEQUENCE_NUMBER before its first commit. */
  readonly sequenceNumber: number
  /** Smallest data sequence number of its live files; UNASSIGNED_SEQUENCE_NUMBER as above. */
  readonly minSequenceNumber: number
  readonly addedSnapshotId: bigint
  readonly addedFilesCount: number | null
  readonly existingFilesCount: number | null
  readonly deletedFilesCount: number | null
  readonly addedRowsCount: number | null
  readonly existingRowsCount: number | null
  readonly deletedRowsCount: number | null
  /** By position in the manifest's own spec; null = unknown. */
  readonly partitions: readonly PartitionFieldSummary[] | null
  readonly keyMetadata: Uint8Array | null
  /** v3. */
  readonly firstRowId: bigint | null
  /** Not a field of the struct: what else is known of the manifest. undefined = nothing. */
  readonly vouched?: VouchedCounts | undefined
}

/** What a manifest must hold: its list counts so, and so does its snapshot. null = they do not agree, or do not say. */
export interface VouchedCounts {
  readonly liveFiles: number | null
  readonly liveRows: number | null
}

/** Added and existing files together; null = the list does not say. */
export function liveFilesOf({
  addedFilesCount,
  existingFilesCount,
}: Pick<ManifestFile, 'addedFilesCount' | 'existingFilesCount'>): number | null {
  return addedFilesCount === null || existingFilesCount === null ? null : addedFilesCount + existingFilesCount
}

/** The rows of the live files, those that deletes hide included; null = the list does not say. */
export function liveRowsOf({
  addedRowsCount,
  existingRowsCount,
}: Pick<ManifestFile, 'addedRowsCount' | 'existingRowsCount'>): number | null {
  return addedRowsCount === null || existingRowsCount === null ? null : addedRowsCount + existingRowsCount
}
