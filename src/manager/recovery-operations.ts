/** Operations for tables that are broken, or have to move; and whatever was planned before. */
import { executeOrphanFiles, type OrphanFilesResult } from '../maintenance/execute-orphans.ts'
import { planOrphanFiles, type OrphanFilesOptions } from '../maintenance/orphan-files.ts'
import type { OrphanFilesPlan } from '../maintenance/orphan-plan.ts'
import { parsePlanHead, type ExecuteOptions } from '../maintenance/plan.ts'
import { executeRelocate, type RelocateResult } from '../maintenance/execute-relocate.ts'
import { planRelocate, type RelocateOptions } from '../maintenance/relocate.ts'
import type { RelocatePlan } from '../maintenance/relocate-plan.ts'
import { planRepair, executeRepair, type RepairOptions, type RepairResult } from '../maintenance/repair.ts'
import type { RepairPlan } from '../maintenance/repair-plan.ts'
import { toIdentifier, type TableReference } from '../table/identifier.ts'
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

  /**
   * To which version a table whose current metadata file is missing or damaged would go back, and
   * which other versions there are, as a plan for `execute`. Changes nothing.
   *
   * InvalidArgumentError for a table that can be read; UnsupportedFeatureError for catalogs that keep
   * their pointers to themselves (drop and register instead); NoSuchTableError; MissingFileError,
   * CorruptFileError and CommitRejectedError for a `metadataLocation` that does not serve.
   */
  planRepair(reference: TableReference, options: RepairOptions = {}): Promise<RepairPlan> {
    const id = toIdentifier(reference)
    return this.run('planRepair', { table: id }, () => planRepair(this.runtime, id, options))
  }

  /**
   * Points the catalog back to an earlier version of a broken table. What was committed since that
   * version is lost to readers; no file is deleted.
   *
   * As `planRepair`; InvalidArgumentError when no version is certain and none was named;
   * CommitConflictError when somebody else moved the table meanwhile; CommitStateUnknownError.
   */
  async repairTable(reference: TableReference, options: RepairOptions = {}): Promise<RepairResult> {
    const id = toIdentifier(reference)
    return this.run('repairTable', { table: id }, async () =>
      executeRepair(this.runtime, await planRepair(this.runtime, id, options), options),
    )
  }

  /**
   * What it takes to move a table's files to another location or store, as a plan for `execute`. Only
   * counts.
   *
   * InvalidArgumentError for a place that is not free; TableAlreadyExistsError and
   * NoSuchNamespaceError for `as`; UnsupportedFeatureError for tables whose manifests cannot be
   * written, and for catalogs that let nobody move a table's pointer (see `register`).
   */
  async planRelocate<In, Out>(table: Table<In, Out>, options: RelocateOptions): Promise<RelocatePlan> {
    const handle = handleOf(table)
    return this.run('planRelocate', { table: handle.identifier }, () => planRelocate(handle.state, options))
  }

  /**
   * Copies all files of a table's snapshots to another location or store, with every location in them
   * rewritten, verifies the copy, and then points the catalog to it; the handle moves along. The old
   * files stay as they are, for you to delete.
   *
   * As `planRelocate`; CommitConflictError when the table was changed meanwhile (do it again: what was
   * copied is used again); CorruptFileError; OperationAbortedError; CommitStateUnknownError.
   */
  async relocateTable<In, Out>(
    table: Table<In, Out>,
    options: RelocateOptions & ExecuteOptions,
  ): Promise<RelocateResult> {
    const handle = handleOf(table)
    return this.run('relocateTable', { table: handle.identifier }, async (scope) => {
      const plan = await planRelocate(handle.state, options)
      const { result, table: moved } = await executeRelocate(this.runtime, plan, options)
      scope.record({ files: result.copiedFiles, bytes: result.copiedBytes })
      if (plan.registration === 'replace' && moved !== null) await handle.moveTo(moved)
      return result
    })
  }
}
