/** What our own catalogs check of a commit beyond the protocol. */
import { CommitRejectedError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'

/**
 * CommitRejectedError when the commit removes a snapshot that a ref names once all of it is
 * applied: a reader of that ref would find nothing. Moving or removing the ref in the same commit
 * is fine.
 */
export function checkRemovedSnapshots(
  base: TableMetadata,
  updates: readonly TableUpdate[],
  table: string,
): void {
  const removed = new Set(
    updates.flatMap((update) => (update.action === 'remove-snapshots' ? update['snapshot-ids'] : [])),
  )
  if (removed.size === 0) return
  for (const [name, snapshotId] of refsAfter(base, updates)) {
    if (!removed.has(snapshotId)) continue
    throw new CommitRejectedError(`The commit removes snapshot ${snapshotId}, which ref '${name}' names`, {
      table,
      hint: 'Remove or move the ref in the same commit, or keep the snapshot.',
    })
  }
}

function refsAfter(base: TableMetadata, updates: readonly TableUpdate[]): ReadonlyMap<string, bigint> {
  const refs = new Map(Object.entries(base.refs).map(([name, ref]) => [name, ref['snapshot-id']]))
  for (const update of updates) {
    if (update.action === 'set-snapshot-ref') refs.set(update['ref-name'], update['snapshot-id'])
    if (update.action === 'remove-snapshot-ref') refs.delete(update['ref-name'])
  }
  return refs
}
