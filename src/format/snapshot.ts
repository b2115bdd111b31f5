/**
 * Snapshots and snapshot references, in the JSON document's own shape
 * (Iceberg spec, "Snapshots" and "Snapshot References").
 */

export type SnapshotOperation = 'append' | 'replace' | 'overwrite' | 'delete'

/** Always string to string in the document; `operation` is one of {@link SnapshotOperation}. */
export type SnapshotSummary = { readonly operation: string } & Readonly<Record<string, string>>

/** A snapshot of a table, as the metadata document has it (Iceberg spec, "Snapshots"). */
export interface Snapshot {
  readonly 'snapshot-id': bigint
  readonly 'parent-snapshot-id'?: bigint
  /** 0 for snapshots written by v1. */
  readonly 'sequence-number'?: number
  readonly 'timestamp-ms': number
  /** Absent in v1 snapshots that list `manifests` inline. */
  readonly 'manifest-list'?: string
  /** v1 only: locations of the manifests, in place of a manifest list. */
  readonly manifests?: readonly string[]
  readonly summary?: SnapshotSummary
  readonly 'schema-id'?: number
  /** v3 row lineage. */
  readonly 'first-row-id'?: bigint
  readonly 'added-rows'?: bigint
  readonly [key: string]: unknown
}

/** A branch or tag, as the metadata document has it (Iceberg spec, "Snapshot References"). */
export interface SnapshotRef {
  readonly 'snapshot-id': bigint
  readonly type: 'branch' | 'tag'
  readonly 'min-snapshots-to-keep'?: number
  readonly 'max-snapshot-age-ms'?: bigint
  readonly 'max-ref-age-ms'?: bigint
  readonly [key: string]: unknown
}

export interface SnapshotLogEntry {
  readonly 'snapshot-id': bigint
  readonly 'timestamp-ms': number
}

export interface MetadataLogEntry {
  readonly 'metadata-file': string
  readonly 'timestamp-ms': number
}

/** The branch that every table has, and that is current. */
export const MAIN_BRANCH = 'main'
