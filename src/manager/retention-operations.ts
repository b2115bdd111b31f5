/** Operations that let go of what a table no longer needs. */
import { executeExpire, type ExecuteExpireOptions, type ExpireResult } from '../maintenance/expire.ts'
import type { ExpirePlan } from '../maintenance/expire-plan.ts'
import { newestState } from '../maintenance/newest-state.ts'
import { emptyTotals } from '../maintenance/file-totals.ts'
import { planExpire, type PlanExpireOptions } from '../maintenance/plan-expire.ts'
import { handleOf, type Table } from '../table/table.ts'
import type { TableHandle } from '../table/table.ts'
import { SnapshotOperations } from './snapshot-operations.ts'

/** Which snapshots go, and with what. */
export interface ExpireSnapshotsOptions extends PlanExpireOptions, ExecuteExpireOptions {
  /** Default false. True changes nothing: the result says what would be done, its plan names it. */
  readonly dryRun?: boolean | undefined
}

export abstract class RetentionOperations extends SnapshotOperations {
  /**
   * What `expireSnapshots` would do, as a plan for `execute`: which snapshots and refs go and why,
   * which limits hold for each branch, and how many files of what size would be deleted. Changes
   * nothing. The table is looked at as it is now, whatever the handle shows. Errors as there.
   */
  planExpireSnapshots<In, Out>(table: Table<In, Out>, options: PlanExpireOptions = {}): Promise<ExpirePlan> {
    const handle = handleOf(table)
    return this.run(
      'planExpireSnapshots',
      { table: handle.identifier, arguments: choiceOf(options) },
      async () => planExpire(await newestState(handle.state, options.signal), options),
    )
  }

  /**
   * Lets go of snapshots that are too old, of refs that are too old, and of every file that only they
   * reached. What a branch or tag names always stays.
   *
   * How old is too old says the call, else the branch, else the table
   * (`history.expire.max-snapshot-age-ms`), else the manager (7 days); how many of a branch stay in any
   * case is the largest of what call, branch, table and manager (10) ask for.
   *
   * InvalidArgumentError, also when the table's `gc.enabled` is false; NoSuchSnapshotError for a named
   * snapshot that is not there; PolicyViolationError for what the manager's bounds do not allow;
   * MissingFileError and CorruptFileError, before anything is changed, when a snapshot that goes cannot
   * be read; CommitConflictError; CommitStateUnknownError. Once the snapshots are gone, a store that
   * fails does not make it fail: the result names the files that stay, and why.
   */
  async expireSnapshots<In, Out>(
    table: Table<In, Out>,
    options: ExpireSnapshotsOptions = {},
  ): Promise<ExpireResult> {
    const handle = handleOf(table)
    const { dryRun = false } = options
    return this.run(
      'expireSnapshots',
      { table: handle.identifier, arguments: { dryRun, ...choiceOf(options) } },
      async (scope) => {
        const result = dryRun ? await tryExpire(handle, options) : await expire(handle, options)
        scope.record({ files: fileCount(result), attempts: result.attempts })
        return result
      },
    )
  }
}

function choiceOf({ olderThanDays, olderThan, keepLast, snapshotIds }: PlanExpireOptions) {
  return {
    olderThanDays,
    olderThan: olderThan instanceof Date ? olderThan.toJSON() : olderThan,
    keepLast,
    snapshotIds: snapshotIds?.map(String),
  }
}

async function expire<In, Out>(
  handle: TableHandle<In, Out>,
  options: ExpireSnapshotsOptions,
): Promise<ExpireResult> {
  // What is deleted is found when it is listed, and need not be counted before.
  const state = await newestState(handle.state, options.signal)
  const plan = await planExpire(state, { ...options, countFiles: false, listFiles: false })
  const { result, table } = await executeExpire(state, plan, options)
  handle.advance(table)
  return result
}

/** As the expiry itself would answer, if nothing came in between. */
async function tryExpire<In, Out>(
  handle: TableHandle<In, Out>,
  options: ExpireSnapshotsOptions,
): Promise<ExpireResult> {
  const plan = await planExpire(await newestState(handle.state, options.signal), options)
  return {
    expiredSnapshotIds: plan.snapshots.map(({ snapshotId }) => BigInt(snapshotId)),
    expiredRefs: plan.expiredRefs.map(({ name }) => name),
    removedSchemaIds: plan.unusedMetadata?.schemaIds ?? [],
    removedSpecIds: plan.unusedMetadata?.specIds ?? [],
    deletedFiles: plan.files?.totals ?? emptyTotals(),
    keptFiles: [],
    keptFileCount: 0,
    skipped: [],
    failure: null,
    attempts: 0,
    plan,
  }
}

function fileCount({ deletedFiles }: ExpireResult): number {
  return Object.values(deletedFiles).reduce((sum, { count }) => sum + count, 0)
}
