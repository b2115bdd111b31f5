/** Operations on snapshots and on the refs that name them. */
import { handleOf, type Table } from '../table/table.ts'
import { commitSnapshotEdits, describeSnapshotEdit } from './commit-snapshots.ts'
import { EvolutionOperations } from './evolution-operations.ts'
import { ManageSnapshots } from './manage-snapshots.ts'
import { rollbackTable, type RollbackResult, type RollbackToSnapshotOptions } from './rollback.ts'

export abstract class SnapshotOperations extends EvolutionOperations {
  /**
   * Changes of branches, tags and the current snapshot: collected by the calls on what this returns,
   * made in one commit by its `commit`.
   */
  manageSnapshots<In, Out>(table: Table<In, Out>): ManageSnapshots {
    const handle = handleOf(table)
    return new ManageSnapshots(handle, (edits, options) =>
      this.run(
        'manageSnapshots',
        { table: handle.identifier, arguments: { changes: edits.map(describeSnapshotEdit) } },
        async (scope) => {
          const result = await commitSnapshotEdits(handle, edits, options)
          scope.record({ attempts: result.attempts })
          return result
        },
      ),
    )
  }

  /**
   * Makes an earlier snapshot of a branch its head again: the rows are exactly those it had. What came
   * after stays until it is expired. Schema, partition spec and sort order stay as they are; the result
   * says where that snapshot had others. Nothing is committed where it is the head already.
   *
   * NoSuchSnapshotError and NotAnAncestorError name the nearest snapshots that would do;
   * CommitConflictError when others have written to the branch; CommitStateUnknownError;
   * OperationAbortedError.
   */
  async rollbackToSnapshot<In, Out>(
    table: Table<In, Out>,
    snapshotId: bigint | string,
    options: RollbackToSnapshotOptions = {},
  ): Promise<RollbackResult> {
    const handle = handleOf(table)
    const about = { snapshotId: String(snapshotId), branch: options.branch, force: options.force }
    return this.run('rollbackToSnapshot', { table: handle.identifier, arguments: about }, async (scope) => {
      const result = await rollbackTable(handle, snapshotId, options)
      scope.record({ snapshotId: result.snapshotId, attempts: result.attempts })
      return result
    })
  }
}
