/** Commits changes of snapshots and refs, and moves the handle on. */
import { CommitRejectedError } from '../errors.ts'
import { newestState } from '../maintenance/newest-state.ts'
import { commitTable } from '../table/commit-table.ts'
import { commitChange, type CommitResult } from '../table/commit.ts'
import {
  ManageSnapshotsChange,
  refuseMissing,
  type SnapshotEdit,
} from '../table/operations/manage-snapshots.ts'
import type { TableHandle } from '../table/table.ts'
import type { ManageSnapshotsCommitOptions, ManageSnapshotsResult } from './manage-snapshots.ts'
import type { JsonValue } from './operation.ts'

/** Carries `manageSnapshots(…).commit` out. */
export async function commitSnapshotEdits<In, Out>(
  table: TableHandle<In, Out>,
  edits: readonly SnapshotEdit[],
  options: ManageSnapshotsCommitOptions,
): Promise<ManageSnapshotsResult> {
  const { runtime, storage, transaction } = table.state
  const site = { runtime, storage, transaction: transaction?.change }
  const change = new ManageSnapshotsChange(site, edits)
  return commitEdits(table, edits, change, options)
}

/** A handle may show snapshots that are gone: what is wrong with them is told by the newest state. */
async function commitEdits<In, Out>(
  table: TableHandle<In, Out>,
  edits: readonly SnapshotEdit[],
  change: ManageSnapshotsChange,
  { retry, signal }: ManageSnapshotsCommitOptions,
): Promise<ManageSnapshotsResult> {
  const { runtime, id, loaded, transaction } = table.state
  const outcome = ({ attempts }: CommitResult): ManageSnapshotsResult => {
    const { refs, picks } = change.outcome
    return { refs, picks, attempts }
  }
  try {
    const result = await commitTable(table, change, { ...retry, signal }, outcome)
    if (result.attempts > 0 || transaction !== undefined) return result
    // Nothing to do on what the handle shows: what it does not show yet may say otherwise.
    const { loaded: newest } = await newestState(table.state, signal)
    if (newest.metadataLocation !== null && newest.metadataLocation === loaded.metadataLocation) return result
    const looked = await commitChange(runtime, id, newest, change, { ...retry, signal })
    table.advance(looked.table)
    return outcome(looked)
  } catch (error) {
    if (!(error instanceof CommitRejectedError)) throw error
    const newest = await runtime.catalog.loadTable(id, { snapshots: 'all' }).catch(() => null)
    // Where the look fails too, the rejection is what the caller must hear.
    if (newest !== null) refuseMissing(edits, newest.metadata)
    throw error
  }
}

/** For the request of the operation: ids as decimal strings. */
export function describeSnapshotEdit(edit: SnapshotEdit): JsonValue {
  return JSON.parse(
    JSON.stringify(edit, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
  )
}
