/** Data files, delete files and manifest entries (Iceberg spec, "Manifests"). */
import type { Datum } from '../types.ts'

/** `data_file.content`: 0, 1 and 2 in the file. */
export type FileContent = 'data' | 'position-deletes' | 'equality-deletes'

/** Formats of data and delete files. */
export type FileFormat = 'parquet' | 'avro' | 'orc' | 'puffin'

/**
 * A partition tuple: one value per field of the spec, in the spec's order, already transformed.
 * null is the null partition. Never comparable with a source column's value.
 */
export type PartitionTuple = readonly (Datum | null)[]

/** A `data_file` struct: a data file or a delete file, with its metrics. Absent metrics are null. */
export interface ContentFile {
  readonly content: FileContent
  readonly location: string
  readonly format: FileFormat
  /** Spec the tuple belongs to: that of the manifest which lists the file. */
  readonly specId: number
  readonly partition: PartitionTuple
  readonly recordCount: number
  readonly fileSizeInBytes: number
  /** By field id of leaf columns. */
  readonly columnSizes: ReadonlyMap<number, number> | null
  readonly valueCounts: ReadonlyMap<number, number> | null
  readonly nullValueCounts: ReadonlyMap<number, number> | null
  readonly nanValueCounts: ReadonlyMap<number, number> | null
  /** Single-value binary form; decoded by their own length when a type was promoted since. */
  readonly lowerBounds: ReadonlyMap<number, Uint8Array> | null
  readonly upperBounds: ReadonlyMap<number, Uint8Array> | null
  readonly keyMetadata: Uint8Array | null
  readonly splitOffsets: readonly number[] | null
  /** Equality deletes only. */
  readonly equalityIds: readonly number[] | null
  readonly sortOrderId: number | null
  /** v3. */
  readonly firstRowId: bigint | null
  /** Deletion vectors, and position deletes of a single data file. */
  readonly referencedDataFile: string | null
  /** Deletion vectors: the blob within the Puffin file. */
  readonly contentOffset: number | null
  readonly contentSizeInBytes: number | null
}

/** 0, 1 and 2 in the file. */
export type EntryStatus = 'existing' | 'added' | 'deleted'

export interface ManifestEntry {
  readonly status: EntryStatus
  /** null only in a manifest that has not been committed: inherited from its manifest list entry. */
  readonly snapshotId: bigint | null
  /** Data sequence number; null only as above. */
  readonly sequenceNumber: number | null
  /** File sequence number; null only as above, or where an old writer left it out. */
  readonly fileSequenceNumber: number | null
  readonly file: ContentFile
}

/**
 * What makes a content file itself and no other: its path, and offset and size inside a Puffin
 * file (several deletion vectors share one path).
 */
export function contentFileKey(file: ContentFile): string {
  return file.contentOffset === null
    ? file.location
    : `${file.location}#${file.contentOffset}+${file.contentSizeInBytes ?? ''}`
}
