/** Entries of summaries by which write-audit-publish knows its snapshots, by the names that Java gave them. */
import type { Snapshot } from '../snapshot.ts'

/** On a staged snapshot: the id under which it waits to be published. */
export const WAP_ID = 'wap.id'
/** On the snapshot that published it, where that is another one. */
export const PUBLISHED_WAP_ID = 'published-wap-id'
/** On a snapshot made by a cherry-pick: which one was picked. */
export const SOURCE_SNAPSHOT_ID = 'source-snapshot-id'
/** On an overwrite of just the partitions that its rows fall in. */
export const REPLACE_PARTITIONS = 'replace-partitions'

/** null when the snapshot was not written under one. */
export function wapIdOf(snapshot: Snapshot): string | null {
  return entryOf(snapshot, WAP_ID)
}

/** null when the snapshot is not the pick of a staged one. */
export function publishedWapIdOf(snapshot: Snapshot): string | null {
  return entryOf(snapshot, PUBLISHED_WAP_ID)
}

/** The snapshot that this one is the pick of, in decimal digits; null when it is none. */
export function sourceSnapshotIdOf(snapshot: Snapshot): string | null {
  return entryOf(snapshot, SOURCE_SNAPSHOT_ID)
}

/** Whether the snapshot replaced whole partitions, which may have been empty, and nothing else. */
export function replacesPartitions(snapshot: Snapshot): boolean {
  const { operation } = snapshot.summary ?? {}
  if (operation !== 'overwrite' && operation !== 'append') return false
  return entryOf(snapshot, REPLACE_PARTITIONS)?.toLowerCase() === 'true'
}

/** An empty text is none, as for Java. */
function entryOf({ summary }: Snapshot, key: string): string | null {
  const value = summary?.[key]
  return value === undefined || value === '' ? null : value
}
