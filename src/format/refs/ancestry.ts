/** Who descends from whom among a table's snapshots, as far as they are kept. */
import type { TableMetadata } from '../metadata/table-metadata.ts'
import { ancestorsOf, refSnapshot } from '../metadata/views.ts'
import type { Snapshot } from '../snapshot.ts'

/** Whether `id` is `of` or one of its ancestors. */
export function isAncestor(metadata: TableMetadata, id: bigint, of: bigint): boolean {
  return ancestorsOf(metadata, of).some((snapshot) => snapshot['snapshot-id'] === id)
}

/** A branch's history, newest first; empty for a branch that is not there, or has no snapshot. */
export function historyOf(metadata: TableMetadata, branch: string): readonly Snapshot[] {
  const head = refSnapshot(metadata, branch)
  return head === null ? [] : ancestorsOf(metadata, head['snapshot-id'])
}

/** Enough to choose from, and to read in a message. */
const NEAREST = 3

/**
 * Of a branch's history, the snapshots nearest to a time (ms since 1970), nearest first; the newest
 * ones where the time is null.
 */
export function nearestAncestors(
  metadata: TableMetadata,
  branch: string,
  timestampMs: number | null,
): readonly bigint[] {
  const history = historyOf(metadata, branch)
  const distance = (snapshot: Snapshot): number =>
    timestampMs === null ? 0 : Math.abs(snapshot['timestamp-ms'] - timestampMs)
  return history
    .toSorted((a, b) => distance(a) - distance(b))
    .slice(0, NEAREST)
    .map((snapshot) => snapshot['snapshot-id'])
}

/**
 * The newest snapshot of a branch's history that is older than a time (ms since 1970), by the
 * snapshots' own times, as Java rolls back to a time. null when there is none.
 */
export function latestAncestorBefore(
  metadata: TableMetadata,
  branch: string,
  timestampMs: number,
): Snapshot | null {
  let latest: Snapshot | null = null
  for (const snapshot of historyOf(metadata, branch)) {
    const time = snapshot['timestamp-ms']
    if (time < timestampMs && (latest === null || time > latest['timestamp-ms'])) latest = snapshot
  }
  return latest
}
