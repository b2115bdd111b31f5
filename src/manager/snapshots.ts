/** Snapshots as people look at them. */
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { SnapshotInfo } from './models.ts'

/** Newest first: by time, and among equals the later one in the metadata first. */
export function listSnapshotInfos(metadata: TableMetadata): readonly SnapshotInfo[] {
  const refs = Map.groupBy(Object.entries(metadata.refs), ([, ref]) => ref['snapshot-id'])
  return metadata.snapshots
    .map((snapshot): SnapshotInfo => ({
      snapshotId: snapshot['snapshot-id'],
      parentId: snapshot['parent-snapshot-id'] ?? null,
      sequenceNumber: snapshot['sequence-number'] ?? 0,
      timestampMs: snapshot['timestamp-ms'],
      operation: snapshot.summary?.operation ?? null,
      summary: snapshot.summary ?? {},
      schemaId: snapshot['schema-id'] ?? null,
      refs: (refs.get(snapshot['snapshot-id']) ?? []).map(([name]) => name),
    }))
    .toReversed()
    .toSorted((a, b) => b.timestampMs - a.timestampMs)
}
