/** Operations for tables that are broken, or have to move; and whatever was planned before. */
import { executeOrphanFiles, type OrphanFilesResult } from '../maintenance/execute-orphans.ts'
import { planOrphanFiles, type OrphanFilesOptions } from '../maintenance/orphan-files.ts'
import type { OrphanFilesPlan } from '../maintenance/orphan-plan.ts'
import { parsePlanHead, type ExecuteOptions } from '../maintenance/plan.ts'
import { handleOf, type Table } from '../table/table.ts'
import { CompactionOperations } from './compaction-operations.ts'
import { executePlan, type Plan, type PlanResult } from './execute-plan.ts'

export abstract class RecoveryOperations extends CompactionOperations {
  /**
   * Carries out what a `plan…` method planned: at most what the plan names, on the table as it is by
   * then. A plan may be stored as JSON in between, and executed again after it was interrupted.
   *
   * InvalidArgumentError for what is no plan; CommitRejectedError when the table is another one than
   * it was made for; NoSuchTableError; otherwise as the operation itself.
   */
  execute<P extends Plan>(plan: P, options?: ExecuteOptions): Promise<PlanResult<P>>
  async execute(plan: Plan, options: ExecuteOptions = {}): Promise<unknown> {
    const { kind, table } = parsePlanHead(plan)
    return this.run('execute', { table, arguments: { kind } }, () => executePlan(this.runtime, plan, options))
  }

  /**
   * Which files below the table's folders nothing reaches, as a plan for `execute`. Of the store,
   * only a probe is written, which tells its time.
   *
   * InvalidArgumentError when the table forbids the deletion of its files, or `olderThan` is too
   * recent; InvalidLocationError for files that seem reachable under another scheme or authority;
   * CorruptFileError and MissingFileError when it cannot be told what a table reaches.
   */
  async planOrphanFiles<In, Out>(
    table: Table<In, Out>,
    options: OrphanFilesOptions = {},
  ): Promise<OrphanFilesPlan> {
    const handle = handleOf(table)
    return this.run('planOrphanFiles', { table: handle.identifier }, () =>
      planOrphanFiles(handle.state, options),
    )
  }

  /**
   * Deletes files below the table's folders that nothing reaches and that are older than the limit.
   *
   * As `planOrphanFiles`; OperationAbortedError between batches of deletions. Files that could not be
   * deleted are told in the result.
   */
  async removeOrphanFiles<In, Out>(
    table: Table<In, Out>,
    options: OrphanFilesOptions & ExecuteOptions = {},
  ): Promise<OrphanFilesResult> {
    const handle = handleOf(table)
    return this.run('removeOrphanFiles', { table: handle.identifier }, async (scope) => {
      const plan = await planOrphanFiles(handle.state, options)
      const result = await executeOrphanFiles(handle.state, plan, options)
      scope.record({ files: result.deletedFiles, bytes: result.deletedBytes })
      return result
    })
  }
}
