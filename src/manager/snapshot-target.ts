/** Where the snapshot of an operation goes. */
import { MAIN_BRANCH } from '../format/snapshot.ts'
import type { SnapshotTarget } from '../table/snapshot-producer.ts'
import type { TableHandle } from '../table/table.ts'
import type { WriteDataOptions } from './write-data.ts'

/** The branch of a table that options name, with what the caller wants in the snapshot's summary. */
export function snapshotTarget<In, Out>(
  table: TableHandle<In, Out>,
  options: Pick<WriteDataOptions, 'branch' | 'snapshotProperties' | 'stageOnly'>,
): SnapshotTarget {
  const { runtime, storage, transaction } = table.state
  return {
    runtime,
    storage,
    branch: options.branch ?? MAIN_BRANCH,
    snapshotProperties: options.snapshotProperties ?? {},
    transaction: transaction?.change,
    isStaged: options.stageOnly,
  }
}
