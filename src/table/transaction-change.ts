/**
 * Several changes of one table as one: each is applied to what the ones before have made of the
 * metadata, and all of them are committed together, or none.
 *
 * Steps are applied once while the transaction is put together, so that later ones (and whoever looks)
 * see what earlier ones did; what they came to then is the first attempt. After a conflict every step
 * is applied again, in order, on top of what others committed.
 */
import type { LoadedTable } from '../catalog/catalog.ts'
import { applyUpdates, type TableUpdate } from '../format/metadata/updates.ts'
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { ChangedFiles, CommitAttempt, CommitChange } from './commit.ts'
import type { Clock } from './runtime.ts'
import type { TransactionContext } from './transaction-context.ts'
import { requirementsOn } from './transaction-requirements.ts'
import { checkWrittenLayout, type WrittenLayout } from './written-layout.ts'

interface Step {
  readonly change: CommitChange
  /** What it added and removed when it was last applied. */
  files: ChangedFiles | null
  /** The table that those files were written for. */
  layout: WrittenLayout
}

export class TransactionChange implements CommitChange, TransactionContext {
  readonly operation: string
  readonly #start: LoadedTable
  readonly #clock: Clock
  readonly #steps: Step[] = []
  readonly #snapshotIds: bigint[] = []
  /** The committed state that the steps are on. */
  #base: TableMetadata
  /** The table as the steps so far leave it. */
  #staged: TableMetadata
  #updates: TableUpdate[] = []
  #requirements: TableRequirement[] = []
  /** Steps that found something to do in the last attempt. */
  #applied: CommitChange[] = []

  constructor(start: LoadedTable, clock: Clock, operation = 'transaction') {
    this.operation = operation
    this.#start = start
    this.#clock = clock
    this.#base = start.metadata
    this.#staged = start.metadata
  }

  get lastColumnId(): number {
    return this.#base['last-column-id']
  }

  /** The last of the snapshots; all of them come with the commit. */
  get snapshotId(): bigint | null {
    return this.#snapshotIds.at(-1) ?? null
  }

  get snapshotIds(): readonly bigint[] {
    return this.#snapshotIds
  }

  /** Whether no step has found anything to do. */
  get isEmpty(): boolean {
    return this.#updates.length === 0
  }

  /** The table as the steps so far would leave it, as far as a reader can tell. */
  get staged(): LoadedTable {
    return { ...this.#start, metadata: this.#staged }
  }

  isOwn(snapshotId: bigint): boolean {
    return this.#snapshotIds.includes(snapshotId)
  }

  filesBefore(snapshotId: bigint): readonly ChangedFiles[] {
    const at = this.#steps.findIndex(({ change }) => change.snapshotId === snapshotId)
    const before = at === -1 ? this.#steps : this.#steps.slice(0, at)
    return before.flatMap(({ files }) => files ?? [])
  }

  /** Adds a step. One that fails leaves the transaction as it was, and nothing behind. */
  async stage(change: CommitChange): Promise<void> {
    try {
      const attempt = await change.apply(this.#staged, 1, true)
      this.#take(change, attempt)
      const layout = { metadata: this.#staged, lastColumnId: this.lastColumnId }
      this.#steps.push({ change, files: change.files?.() ?? null, layout })
    } catch (error) {
      await ignoreFailure(() => change.discardAll())
      throw error
    }
  }

  async apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<CommitAttempt | null> {
    if (attempt > 1) await this.#applyAgain(base, attempt, mayDiscard)
    if (this.#updates.length === 0) return null
    return { updates: this.#updates, requirements: requirementsOn(base, this.#requirements) }
  }

  isApplied(metadata: TableMetadata): boolean {
    return this.#applied.every((change) => change.isApplied?.(metadata) === true)
  }

  isOutdated(base: TableMetadata, now: TableMetadata): boolean {
    return this.#steps.some(({ change }) => change.isOutdated?.(base, now) === true)
  }

  async tidy(): Promise<void> {
    for (const { change } of this.#steps) await change.tidy?.()
  }

  discardAttempt(): Promise<void> {
    return this.#ofEach((change) => change.discardAttempt())
  }

  discardAll(): Promise<void> {
    return this.#ofEach((change) => change.discardAll())
  }

  writtenFiles(): readonly string[] {
    return this.#steps.flatMap(({ change }) => change.writtenFiles())
  }

  async #applyAgain(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<void> {
    this.#base = base
    this.#staged = base
    this.#updates = []
    this.#requirements = []
    this.#applied = []
    for (const step of this.#steps) {
      this.#take(step.change, await step.change.apply(this.#staged, attempt, mayDiscard))
      const files = step.change.files?.() ?? null
      if (files !== null && files === step.files) {
        checkWrittenLayout(this.#staged, step.layout, files.added)
      } else {
        step.layout = { metadata: this.#staged, lastColumnId: this.lastColumnId }
      }
      step.files = files
    }
  }

  #take(change: CommitChange, attempt: CommitAttempt | null): void {
    if (attempt === null) return
    const nowMs = this.#clock.now()
    this.#staged = applyUpdates(this.#staged, attempt.updates, { nowMs })
    this.#updates.push(...attempt.updates)
    this.#requirements.push(...attempt.requirements)
    this.#applied.push(change)
    for (const id of change.snapshotIds ?? (change.snapshotId === null ? [] : [change.snapshotId])) {
      if (!this.#snapshotIds.includes(id)) this.#snapshotIds.push(id)
    }
  }

  /** Every step gets its turn, also after one that failed; the first failure is the one that is told. */
  async #ofEach(act: (change: CommitChange) => Promise<void>): Promise<void> {
    const failures: unknown[] = []
    for (const { change } of this.#steps) {
      try {
        await act(change)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

/** The failure that led here is the one that counts: what stays behind is an orphan file. */
async function ignoreFailure(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch {
    // See above.
  }
}
