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
}
