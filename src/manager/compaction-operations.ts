/** Operations that write a table's files anew without changing its rows. */
import {
  executeCompaction,
  type CompactionOutcome,
  type CompactionResult,
  type CompactOptions,
} from '../maintenance/compact.ts'
import type { CompactionChoices } from '../maintenance/compaction-options.ts'
import type { CompactionPlan } from '../maintenance/compaction-plan.ts'
import { freshState } from '../maintenance/live-files.ts'
import { prepareCompaction } from '../maintenance/plan-compaction.ts'
import { handleOf, type Table } from '../table/table.ts'
import type { OperationFields } from '../telemetry.ts'
import { checkCommitOptions } from './check-write-options.ts'
import type { CallOptions } from './manager-base.ts'
import { RetentionOperations } from './retention-operations.ts'

/** How `compactTable` chooses, rewrites and commits. */
export interface CompactionOptions extends CompactionChoices, CompactOptions {}

export abstract class CompactionOperations extends RetentionOperations {
  /**
   * Puts small data files together, splits large ones, leaves out rows that are deleted, and, where
   * asked, sorts: the same rows in fewer files. Reads and writes out of core, one partition at a
   * time, and commits a `replace` snapshot; none when there is nothing to do.
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
      const state = await freshState(handle.state)
      const { plan, ...prepared } = await prepareCompaction(state, choices, signal)
      const outcome = await executeCompaction(state, plan, { signal, onProgress, retry }, prepared)
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
      return (await prepareCompaction(await freshState(handle.state), choices, signal)).plan
    })
  }
}

function compactionFields({ result }: CompactionOutcome): OperationFields {
  const { rows, addedDataFiles: files, addedBytes: bytes, attempts, snapshotIds } = result
  return { rows, files, bytes, attempts, snapshotId: snapshotIds.at(-1) ?? null }
}
