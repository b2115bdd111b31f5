/** Operations that write a table's files anew without changing its rows. */
import {
  executeCompaction,
  type CompactionOutcome,
  type CompactionResult,
  type CompactOptions,
} from '../maintenance/compact.ts'
import type { CompactionChoices } from '../maintenance/compaction-options.ts'
import type { CompactionPlan } from '../maintenance/compaction-plan.ts'
import {
  executeManifests,
  planManifests,
  type RewriteManifestsChoices,
  type RewriteManifestsPlan,
  type RewriteManifestsResult,
} from '../maintenance/manifests-plan.ts'
import { newestState } from '../maintenance/newest-state.ts'
import {
  planPositionDeletes,
  type RewritePositionDeletesChoices,
  type RewritePositionDeletesPlan,
} from '../maintenance/position-deletes-plan.ts'
import {
  executePositionDeletes,
  type RewritePositionDeletesResult,
} from '../maintenance/rewrite-position-deletes.ts'
import { prepareCompaction } from '../maintenance/plan-compaction.ts'
import { handleOf, type Table } from '../table/table.ts'
import type { OperationFields } from '../telemetry.ts'
import { checkCommitOptions } from './check-write-options.ts'
import type { CallOptions } from './manager-base.ts'
import { RetentionOperations } from './retention-operations.ts'

/** How `compactTable` chooses, rewrites and commits. */
export interface CompactionOptions extends CompactionChoices, CompactOptions {}

/** How `rewriteManifests` chooses and commits. */
export interface RewriteManifestsOptions extends RewriteManifestsChoices, CompactOptions {}

/** How `rewritePositionDeletes` chooses and commits. */
export interface RewritePositionDeletesOptions extends RewritePositionDeletesChoices, CompactOptions {}

export abstract class CompactionOperations extends RetentionOperations {
  /**
   * Puts small data files together, splits large ones, leaves out rows that are deleted, and, where
   * asked, sorts: the same rows in fewer files. Reads and writes out of core, partition by partition,
   * and commits a `replace` snapshot; none when there is nothing to do.
   *
   * Rows that others add meanwhile are not touched. CommitConflictError when others deleted rows of a
   * file that is being rewritten: no row is lost, and nothing is changed. InvalidArgumentError and
   * InvalidExpressionError for options that are wrong; UnsupportedFeatureError for tables of format
   * version 3 and files with equality deletes; CommitStateUnknownError; OperationAbortedError.
   */
  async compactTable<In, Out>(
    table: Table<In, Out>,
    options: CompactionOptions = {},
  ): Promise<CompactionResult> {
    const handle = handleOf(table)
    const { signal, onProgress, retry, ...choices } = options
    const args = { strategy: options.strategy ?? 'bin_pack' }
    return this.run('compactTable', { table: handle.identifier, arguments: args }, async (scope) => {
      checkCommitOptions(handle, options)
      const state = await newestState(handle.state, signal)
      const { plan, ...prepared } = await prepareCompaction(state, choices, signal)
      const outcome = await executeCompaction(
        state,
        plan,
        { signal, onProgress, retry },
        { ...prepared, onCommitted: (loaded) => handle.advance(loaded) },
      )
      handle.advance(outcome.loaded)
      scope.record(compactionFields(outcome))
      return outcome.result
    })
  }

  /**
   * What `compactTable` would rewrite, group by group, and why; for `execute`. Writes nothing.
   *
   * Errors as there, but for those of committing.
   */
  async planCompaction<In, Out>(
    table: Table<In, Out>,
    options: CompactionChoices & CallOptions = {},
  ): Promise<CompactionPlan> {
    const handle = handleOf(table)
    const { signal, ...choices } = options
    return this.run('planCompaction', { table: handle.identifier }, async () => {
      checkCommitOptions(handle, options)
      return (await prepareCompaction(await newestState(handle.state, signal), choices, signal)).plan
    })
  }

  /**
   * Puts small manifests together and orders what they list by partition, so that planning a scan
   * opens few of them. No data or delete file is touched; a `replace` snapshot, or none when there is
   * nothing to do.
   *
   * InvalidArgumentError; UnsupportedFeatureError for tables of format version 3; CommitConflictError
   * when retries are used up; CommitStateUnknownError; OperationAbortedError.
   */
  async rewriteManifests<In, Out>(
    table: Table<In, Out>,
    options: RewriteManifestsOptions = {},
  ): Promise<RewriteManifestsResult> {
    const handle = handleOf(table)
    const { signal, onProgress, retry, ...choices } = options
    return this.run('rewriteManifests', { table: handle.identifier }, async (scope) => {
      checkCommitOptions(handle, options)
      const state = await newestState(handle.state, signal)
      const plan = await planManifests(state, choices, signal)
      const { result, loaded } = await executeManifests(state, plan, { signal, onProgress, retry })
      handle.advance(loaded)
      scope.record({ snapshotId: result.snapshotId, attempts: result.attempts })
      return result
    })
  }

  /** Which manifests `rewriteManifests` would replace; for `execute`. Writes nothing. */
  async planRewriteManifests<In, Out>(
    table: Table<In, Out>,
    options: RewriteManifestsChoices & CallOptions = {},
  ): Promise<RewriteManifestsPlan> {
    const handle = handleOf(table)
    const { signal, ...choices } = options
    return this.run('planRewriteManifests', { table: handle.identifier }, async () => {
      checkCommitOptions(handle, options)
      return planManifests(await newestState(handle.state, signal), choices, signal)
    })
  }

  /**
   * Puts small position delete files of each partition together, as `write.delete.granularity` says,
   * and drops those about data files that are gone. The rows of the table stay as they are; a
   * `replace` snapshot, or none when there is nothing to do.
   *
   * InvalidArgumentError; UnsupportedFeatureError for tables of format version 3 and delete files
   * that cannot be read; CommitConflictError when others removed a file that is being rewritten;
   * CommitStateUnknownError; OperationAbortedError.
   */
  async rewritePositionDeletes<In, Out>(
    table: Table<In, Out>,
    options: RewritePositionDeletesOptions = {},
  ): Promise<RewritePositionDeletesResult> {
    const handle = handleOf(table)
    const { signal, onProgress, retry, ...choices } = options
    return this.run('rewritePositionDeletes', { table: handle.identifier }, async (scope) => {
      checkCommitOptions(handle, options)
      const state = await newestState(handle.state, signal)
      const plan = await planPositionDeletes(state, choices, signal)
      const { result, loaded } = await executePositionDeletes(state, plan, { signal, onProgress, retry })
      handle.advance(loaded)
      const { snapshotId, attempts, addedDeleteFiles: files, addedBytes: bytes } = result
      scope.record({ snapshotId, attempts, files, bytes })
      return result
    })
  }

  /** Which files `rewritePositionDeletes` would replace; for `execute`. Writes nothing. */
  async planRewritePositionDeletes<In, Out>(
    table: Table<In, Out>,
    options: RewritePositionDeletesChoices & CallOptions = {},
  ): Promise<RewritePositionDeletesPlan> {
    const handle = handleOf(table)
    const { signal, ...choices } = options
    return this.run('planRewritePositionDeletes', { table: handle.identifier }, async () => {
      checkCommitOptions(handle, options)
      return planPositionDeletes(await newestState(handle.state, signal), choices, signal)
    })
  }
}

function compactionFields({ result }: CompactionOutcome): OperationFields {
  const { rows, addedDataFiles: files, addedBytes: bytes, attempts, snapshotIds } = result
  return { rows, files, bytes, attempts, snapshotId: snapshotIds.at(-1) ?? null }
}
