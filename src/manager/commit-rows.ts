/** A prepared change of rows, committed in one snapshot or only looked at. */
import { refSnapshot, snapshotById } from '../format/metadata/views.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import { RowLevelChange } from '../table/operations/row-change.ts'
import type { TableHandle } from '../table/table.ts'
import type { PreparedChange } from './change-rows.ts'
import { commitWrite, keyOf } from './commit-once.ts'
import { snapshotTarget } from './snapshot-target.ts'
import type { RowChangeOptions, RowChangePlan, RowChangeResult } from './row-change-options.ts'

/** Carries a change out and frees it. */
export async function commitRows<In, Out>(
  table: TableHandle<In, Out>,
  prepared: PreparedChange,
  options: RowChangeOptions & { readonly commitStrategy: CommitStrategy },
): Promise<RowChangeResult> {
  const target = snapshotTarget(table, options, () => prepared.counts())
  const change = new RowLevelChange(target, prepared.computation, { strategy: options.commitStrategy })
  return commitWrite(
    table,
    change,
    { ...options.retry, ...keyOf(options), close: () => prepared.close() },
    ({ table: committed, attempts }) => ({
      ...writtenBy(change),
      ...prepared.counts(),
      // After a conflict there may have been nothing left to do.
      snapshotId: snapshotById(committed.metadata, change.snapshotId) === null ? null : change.snapshotId,
      attempts,
      fileChanges: prepared.decisions(),
    }),
  )
}

/** What a change would do to the table as the handle shows it; frees the change. */
export async function planRows<In, Out>(
  table: TableHandle<In, Out>,
  prepared: PreparedChange,
  options: RowChangeOptions,
): Promise<RowChangePlan> {
  try {
    const { metadata, metadataLocation } = table
    const head = refSnapshot(metadata, options.branch ?? MAIN_BRANCH)
    const decisions = await prepared.plan(metadata, head)
    return {
      version: 1,
      operation: prepared.computation.operation,
      tableUuid: table.uuid,
      metadataLocation,
      branch: options.branch ?? MAIN_BRANCH,
      snapshotId: head === null ? null : head['snapshot-id'].toString(),
      files: decisions.map(({ file, action, rows, reason }) => ({
        location: file.location,
        action,
        rows,
        reason,
      })),
    }
  } finally {
    await prepared.close()
  }
}

function writtenBy(change: RowLevelChange): { rows: number; files: number; bytes: number } {
  const data = (change.change?.added ?? []).filter((file) => file.content === 'data')
  return {
    rows: data.reduce((sum, file) => sum + file.recordCount, 0),
    files: data.length,
    bytes: data.reduce((sum, file) => sum + file.fileSizeInBytes, 0),
  }
}
