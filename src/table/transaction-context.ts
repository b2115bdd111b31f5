/** What a change must know of the transaction that it is a step of. */
import type { ContentFile, ManifestEntry } from '../format/manifest/entry.ts'
import type { ChangedFiles } from './commit.ts'
import type { InterveningChanges } from './intervening.ts'

/** Earlier steps of a transaction, as a later one sees them. */
export interface TransactionContext {
  /** Whether a snapshot is one that the transaction adds. */
  isOwn(snapshotId: bigint): boolean
  /** Last column id of the committed table: ids above it are the transaction's own. */
  readonly lastColumnId: number
  /** What the steps before the one with this snapshot add and remove, in order. */
  filesBefore(snapshotId: bigint): readonly ChangedFiles[]
}

/**
 * What became different about earlier steps, in the terms of what others commit: a step that was
 * done again has taken its old files away and added new ones.
 */
export function changesBetween(
  before: readonly ChangedFiles[],
  now: readonly ChangedFiles[],
): InterveningChanges {
  const gone = before.filter((files) => !now.includes(files))
  const come = now.filter((files) => !before.includes(files))
  const added = [...come.flatMap((files) => files.added), ...gone.flatMap((files) => files.removed)]
  const removed = [...gone.flatMap((files) => files.added), ...come.flatMap((files) => files.removed)]
  const removedData = removed.filter(isData).map((file) => entryOf('deleted', file))
  return {
    addedData: added.filter(isData).map((file) => entryOf('added', file)),
    removedData,
    removedRows: removedData,
    // Rows come back to life where a delete file goes, which is as much as their being deleted.
    addedDeletes: [...added, ...removed]
      .filter((file) => !isData(file))
      .map((file) => entryOf('added', file)),
  }
}

function isData({ content }: ContentFile): boolean {
  return content === 'data'
}

function entryOf(status: ManifestEntry['status'], file: ContentFile): ManifestEntry {
  return { status, snapshotId: 0n, sequenceNumber: 0, fileSequenceNumber: 0, file }
}
