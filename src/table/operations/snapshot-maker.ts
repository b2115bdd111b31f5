/** Snapshots that come to be beside changes of refs, in the same commit. */
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { Snapshot } from '../../format/snapshot.ts'
import type { CommitChange } from '../commit.ts'
import type { SnapshotTarget } from '../snapshot-producer.ts'

/** Where snapshots are written. */
export type SnapshotSite = Pick<SnapshotTarget, 'runtime' | 'storage' | 'transaction'>

/** What came of it on one state of the table. */
export interface MadeSnapshot {
  /** What the branch is to name. */
  readonly head: bigint
  /** A snapshot to be added first; null when it is there already. */
  readonly added: Snapshot | null
}

/** Makes one snapshot, with the same id in every attempt of its commit. */
export interface SnapshotMaker extends Required<
  Pick<CommitChange, 'tidy' | 'discardAttempt' | 'discardAll' | 'writtenFiles'>
> {
  /** As CommitChange's: files of an earlier attempt may be removed only with `mayDiscard`. */
  apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<MadeSnapshot>
}
