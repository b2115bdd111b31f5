/** Carrying out a compaction: new files from the live rows of old ones, and one commit for all or for some. */
import type { LoadedTable } from '../catalog/catalog.ts'
import type { FileScanTask, Progress } from '../engine/data-plane.ts'
import { throwIfAborted } from '../abort.ts'
import { CommitConflictError } from '../errors.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import { currentSchema, snapshotById } from '../format/metadata/views.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import { commitChange } from '../table/commit.ts'
import { ManifestBytes } from '../table/manifest-bytes.ts'
import { RewriteFilesChange } from '../table/operations/rewrite-files.ts'
import { partitionKey } from '../table/partition-key.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import { refuseUnwritable } from '../table/snapshot-producer.ts'
import type { TableState } from '../table/table-state.ts'
import { writableHead } from '../table/write-branch.ts'
import { rewriteGroup, type GroupRewrite } from './compact-group.ts'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.ts'
import { compactionPlanSchema } from './compaction-plan.ts'
import { contextOf, liveDeletes, liveTasks, DeleteFileUse } from './live-files.ts'
import { parsePlan, type ExecuteOptions } from './plan.ts'
import type { PreparedCompaction } from './plan-compaction.ts'

/** What a compaction did. */
export interface CompactionResult {
  /** One for each commit; empty when there was nothing to do. */
  readonly snapshotIds: readonly bigint[]
  /** Groups that were rewritten. */
  readonly groups: number
  readonly rewrittenDataFiles: number
  readonly rewrittenBytes: number
  readonly addedDataFiles: number
  readonly addedBytes: number
  /** Rows of the added files. */
  readonly rows: number
  readonly removedDeleteFiles: number
  /** Files of the plan that were not in the table any more when it was executed. */
  readonly skippedFiles: readonly string[]
  /** Groups that others' commits were in the way of; only with partial progress. */
  readonly failedGroups: number
  /** The first of those conflicts. */
  readonly failure: CommitConflictError | null
  /** How often commits were sent. */
  readonly attempts: number
}

/** A result, and the table as the last commit left it. */
export interface CompactionOutcome {
  readonly result: CompactionResult
  readonly loaded: LoadedTable
}

/** How a compaction is carried out and committed. */
export interface CompactOptions extends ExecuteOptions {
  /** Overrides of the table's `commit.retry.*` for this call. */
  readonly retry?: CommitRetryOptions | undefined
}

/** Hears of every commit, also of those before one that fails. */
export interface CommitListener {
  readonly onCommitted: (loaded: LoadedTable) => void
}

/**
 * Rewrites what a plan names, as far as it is still there.
 *
 * CommitConflictError when rows of files that are being rewritten were deleted meanwhile: nothing was
 * changed. With partial progress that costs only the groups of one commit.
 */
export async function executeCompaction(
  state: TableState,
  given: CompactionPlan,
  options: CompactOptions = {},
  prepared: (Omit<PreparedCompaction, 'plan'> & CommitListener) | null = null,
): Promise<CompactionOutcome> {
  const plan = parsePlan(compactionPlanSchema, given)
  refuseUnwritable(state.metadata)
  const head = prepared?.head ?? writableHead(state.metadata, plan.branch)
  const hasWork = plan.groups.length > 0 || plan.removedDeletes.length > 0
  if (head === null || !hasWork) {
    const skippedFiles = plan.groups.flatMap(({ files }) => files.map(({ location }) => location))
    return { result: { ...NOTHING, skippedFiles }, loaded: state.loaded }
  }
  const kept = prepared?.kept ?? new ManifestBytes()
  const tasks = prepared?.tasks ?? (await liveTasks(contextOf(state, options.signal, kept), head))
  const onCommitted = prepared?.onCommitted ?? (() => undefined)
  return new Compaction(state, plan, options, { head, tasks, kept, onCommitted }).run()
}

const NOTHING: CompactionResult = {
  snapshotIds: [],
  groups: 0,
  rewrittenDataFiles: 0,
  rewrittenBytes: 0,
  addedDataFiles: 0,
  addedBytes: 0,
  rows: 0,
  removedDeleteFiles: 0,
  skippedFiles: [],
  failedGroups: 0,
  failure: null,
  attempts: 0,
}

/** A group of the plan with those of its files that are still there. */
interface LiveGroup {
  readonly group: CompactionGroup
  readonly tasks: readonly FileScanTask[]
}

class Compaction {
  readonly #state: TableState
  readonly #plan: CompactionPlan
  readonly #options: CompactOptions
  readonly #head: Snapshot
  readonly #tasks: readonly FileScanTask[]
  readonly #kept: ManifestBytes
  readonly #onCommitted: CommitListener['onCommitted']
  #deletes = new DeleteFileUse([], [])
  #loaded: LoadedTable
  #result: CompactionResult = NOTHING
  /** Rows of each group that are through. */
  readonly #rowsDone = new Map<CompactionGroup, number>()

  constructor(
    state: TableState,
    plan: CompactionPlan,
    options: CompactOptions,
    {
      head,
      tasks,
      kept,
      onCommitted,
    }: CommitListener & {
      readonly head: Snapshot
      readonly tasks: readonly FileScanTask[]
      readonly kept: ManifestBytes
    },
  ) {
    this.#state = state
    this.#plan = plan
    this.#options = options
    this.#head = head
    this.#tasks = tasks
    this.#kept = kept
    this.#onCommitted = onCommitted
    this.#loaded = state.loaded
  }

  async run(): Promise<CompactionOutcome> {
    const groups = this.#liveGroups()
    await this.#lookAtDeletes()
    const batches = this.#batches(groups)
    for (const batch of batches) await this.#rewriteAndCommit(batch)
    // Delete files alone may have to go.
    if (batches.length === 0 && this.#unused(new Set()).length > 0) await this.#commit([], [])
    const { failure, groups: done } = this.#result
    if (failure !== null && done === 0) throw failure
    return { result: this.#result, loaded: this.#loaded }
  }

  #liveGroups(): readonly LiveGroup[] {
    const byLocation = Map.groupBy(this.#tasks, (task) => task.entry.file.location)
    const skippedFiles: string[] = []
    const taken = new Set<string>()
    const groups = this.#plan.groups.flatMap((group): readonly LiveGroup[] => {
      const found = group.files.flatMap(({ location }) => {
        // Whatever was made of the plan: rows are written anew once.
        if (taken.has(location)) return []
        taken.add(location)
        const tasks = (byLocation.get(location) ?? []).filter(({ spec }) => spec.specId === group.specId)
        if (tasks.length === 0) skippedFiles.push(location)
        return tasks
      })
      return apart(group, found).map((tasks) => ({ group, tasks }))
    })
    this.#result = { ...this.#result, skippedFiles }
    return groups
  }

  async #lookAtDeletes(): Promise<void> {
    if (this.#plan.removedDeletes.length === 0) return
    const context = contextOf(this.#state, this.#options.signal, this.#kept)
    this.#deletes = new DeleteFileUse(await liveDeletes(context, this.#head), this.#tasks)
  }

  #batches(groups: readonly LiveGroup[]): readonly (readonly LiveGroup[])[] {
    if (groups.length === 0) return []
    const { partialProgressEnabled, partialProgressMaxCommits } = this.#plan.settings
    if (!partialProgressEnabled) return [groups]
    const size = Math.ceil(groups.length / partialProgressMaxCommits)
    return Array.from({ length: Math.ceil(groups.length / size) }, (_, at) =>
      groups.slice(at * size, (at + 1) * size),
    )
  }

  async #rewriteAndCommit(batch: readonly LiveGroup[]): Promise<void> {
    const { signal } = this.#options
    throwIfAborted(signal)
    const rewrites: GroupRewrite[] = []
    try {
      await mapConcurrently(
        batch,
        async ({ group, tasks }) => {
          throwIfAborted(signal)
          const onProgress = ({ rows }: Progress): void => this.#report(group, rows)
          const target = { state: this.#state, plan: this.#plan, signal, onProgress }
          rewrites.push(await rewriteGroup(target, group, tasks))
          this.#report(group, group.rows)
        },
        this.#plan.settings.maxConcurrentFileGroupRewrites,
      )
    } catch (error) {
      // The failure is what the caller must hear; what cannot be removed is an orphan.
      await Promise.allSettled(rewrites.map((rewrite) => rewrite.discard()))
      throw error
    }
    try {
      await this.#commit(batch, rewrites)
    } catch (error) {
      if (!this.#plan.settings.partialProgressEnabled || !(error instanceof CommitConflictError)) throw error
      const { failedGroups, failure } = this.#result
      this.#result = {
        ...this.#result,
        failedGroups: failedGroups + batch.length,
        failure: failure ?? error,
      }
    }
  }

  #report(group: CompactionGroup, rows: number): void {
    this.#rowsDone.set(group, Math.min(rows, group.rows))
    const done = [...this.#rowsDone.values()].reduce((sum, each) => sum + each, 0)
    const total = this.#plan.groups.reduce((sum, each) => sum + each.rows, 0)
    this.#options.onProgress?.({ unit: 'rows', done, total })
  }

  async #commit(batch: readonly LiveGroup[], rewrites: readonly GroupRewrite[]): Promise<void> {
    const { runtime, storage, id } = this.#state
    const { branch, settings } = this.#plan
    const leaving = locationsOf(batch)
    const removedDeletes = this.#unused(leaving)
    const added = rewrites.flatMap(({ files }) => files)
    const number = this.#startingSequenceNumber()
    const change = new RewriteFilesChange(
      { runtime, storage, branch, snapshotProperties: settings.snapshotProperties },
      {
        operation: 'compaction',
        start: this.#head,
        schema: currentSchema(this.#state.metadata),
        added,
        sequenceNumberOf: () => number,
        removedData: batch.flatMap(({ tasks }) => tasks.map(({ entry }) => entry)),
        moved: locationsOf(batch.filter(({ group }) => isMoved(group))),
        removedDeletes,
        kept: this.#kept,
        discard: async () => void (await Promise.all(rewrites.map((rewrite) => rewrite.discard()))),
      },
    )
    const { retry, signal } = this.#options
    const { table, attempts } = await commitChange(runtime, id, this.#loaded, change, { ...retry, signal })
    this.#loaded = table
    this.#onCommitted(table)
    this.#deletes.forget(leaving)
    if (snapshotById(table.metadata, change.snapshotId) === null) return
    this.#count(change, added, rewrites.length, attempts)
  }

  /**
   * New files count as old as what they were made from: equality deletes that come meanwhile apply to
   * them, and those that were there do not, since their rows are left out already.
   */
  #startingSequenceNumber(): number | null {
    if (!this.#plan.settings.useStartingSequenceNumber) return null
    return this.#state.metadata['format-version'] === 1 ? null : (this.#head['sequence-number'] ?? 0)
  }

  /** Delete files of the plan that no data file needs once these are gone. */
  #unused(leaving: ReadonlySet<string>): readonly ContentFile[] {
    const planned = new Set(this.#plan.removedDeletes.map(({ location }) => location))
    return this.#deletes.unusedWithout(leaving).filter(({ location }) => planned.has(location))
  }

  #count(change: RewriteFilesChange, added: readonly ContentFile[], groups: number, attempts: number): void {
    const before = this.#result
    const removed = change.removed.filter((file) => file.content === 'data')
    this.#result = {
      ...before,
      snapshotIds: [...before.snapshotIds, change.snapshotId],
      groups: before.groups + groups,
      rewrittenDataFiles: before.rewrittenDataFiles + removed.length,
      rewrittenBytes: before.rewrittenBytes + bytesOf(removed),
      addedDataFiles: before.addedDataFiles + added.length,
      addedBytes: before.addedBytes + bytesOf(added),
      rows: before.rows + added.reduce((rows, file) => rows + file.recordCount, 0),
      removedDeleteFiles: before.removedDeleteFiles + change.removed.length - removed.length,
      attempts: before.attempts + attempts,
    }
  }
}

/** Whether the group's rows get another spec, and each the partition that its values say. */
function isMoved({ specId, outputSpecId }: CompactionGroup): boolean {
  return outputSpecId !== specId
}

/** What of a group is rewritten together: rows that stay in their partition never meet those of another. */
function apart(group: CompactionGroup, tasks: readonly FileScanTask[]): readonly (readonly FileScanTask[])[] {
  if (tasks.length === 0) return []
  if (isMoved(group)) return [tasks]
  return [...Map.groupBy(tasks, ({ entry }) => partitionKey(group.specId, entry.file.partition)).values()]
}

function locationsOf(groups: readonly LiveGroup[]): ReadonlySet<string> {
  return new Set(groups.flatMap(({ tasks }) => tasks.map(({ entry }) => entry.file.location)))
}

function bytesOf(files: readonly ContentFile[]): number {
  return files.reduce((bytes, file) => bytes + file.fileSizeInBytes, 0)
}
