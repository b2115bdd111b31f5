/** Where the snapshot of an operation goes. */
import { MAIN_BRANCH } from '../format/snapshot.ts'
import type { SnapshotTarget } from '../table/snapshot-producer.ts'
import type { TableHandle } from '../table/table.ts'
import type { UpsertCounts } from '../table/operations/upsert.ts'
import { keyEntries } from './commit-once.ts'
import type { WriteDataOptions } from './write-data.ts'

/**
 * The branch of a table that options name, with what the caller wants in the snapshot's summary.
 * `counts` tells what the write came to, once it has come to it.
 */
export function snapshotTarget<In, Out>(
  table: TableHandle<In, Out>,
  options: Pick<WriteDataOptions, 'branch' | 'snapshotProperties' | 'stageOnly' | 'commitKey'>,
  counts: () => UpsertCounts,
): SnapshotTarget {
  const { runtime, storage, transaction } = table.state
  const key = options.commitKey ?? transaction?.commitKey
  return {
    runtime,
    storage,
    branch: options.branch ?? MAIN_BRANCH,
    snapshotProperties: options.snapshotProperties ?? {},
    outcomeProperties: () => (key === undefined ? {} : keyEntries(key, counts())),
    transaction: transaction?.change,
    isStaged: options.stageOnly,
  }
}
