/**
 * Keys that make a write safe to repeat: the snapshot that it makes carries its key, and a history
 * that has the key already gets no second one.
 */
import { ancestorsOf } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { AheadAttempt, ChangedFiles, CommitAttempt, CommitChange } from './commit.ts'

/** The entry of a snapshot's summary that has the key. */
export const COMMIT_KEY = 'floeberg.commit-key'

/** A key, and the branch in whose history it is looked for; null: in that of any. */
export interface KeyScope {
  readonly key: string
  readonly branch: string | null
}

/** The newest snapshot with the key among those that lead to the branch's head; null: there is none. */
export function snapshotOfKey(metadata: TableMetadata, { key, branch }: KeyScope): Snapshot | null {
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (ref.type !== 'branch' || (branch !== null && name !== branch)) continue
    const found = ancestorsOf(metadata, ref['snapshot-id']).find(
      (snapshot) => snapshot.summary?.[COMMIT_KEY] === key,
    )
    if (found !== undefined) return found
  }
  return null
}

/** A change that has nothing to do where its key is in the history already, whoever put it there. */
export class KeyedChange implements CommitChange {
  readonly operation: string
  readonly #change: CommitChange
  readonly #scope: KeyScope
  #found: Snapshot | null = null

  constructor(change: CommitChange, scope: KeyScope) {
    this.operation = change.operation
    this.#change = change
    this.#scope = scope
  }

  /** Somebody else's snapshot with the key; null when this change was the first. */
  get found(): Snapshot | null {
    return this.#found
  }

  get snapshotId(): bigint | null {
    return this.#change.snapshotId
  }

  get snapshotIds(): readonly bigint[] | undefined {
    return this.#change.snapshotIds
  }

  async apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<CommitAttempt | null> {
    this.#found = snapshotOfKey(base, this.#scope)
    return this.#found === null ? this.#change.apply(base, attempt, mayDiscard) : null
  }

  async applyAhead(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<AheadAttempt | null> {
    this.#found = snapshotOfKey(base, this.#scope)
    if (this.#found !== null) return null
    if (this.#change.applyAhead !== undefined) return this.#change.applyAhead(base, attempt, mayDiscard)
    const applied = await this.#change.apply(base, attempt, mayDiscard)
    return applied === null ? null : { ...applied, durable: Promise.resolve() }
  }

  /** After a lost answer the key decides, whether or not it came with our own snapshot. */
  isApplied(metadata: TableMetadata): boolean {
    this.#found = snapshotOfKey(metadata, this.#scope)
    return this.#found !== null || this.#change.isApplied?.(metadata) === true
  }

  files(): ChangedFiles | null {
    return this.#change.files?.() ?? null
  }

  isOutdated(base: TableMetadata, now: TableMetadata): boolean {
    return this.#change.isOutdated?.(base, now) === true
  }

  async tidy(): Promise<void> {
    await (this.#found === null ? this.#change.tidy?.() : this.#change.discardAll())
  }

  discardAttempt(): Promise<void> {
    return this.#change.discardAttempt()
  }

  discardAll(): Promise<void> {
    return this.#change.discardAll()
  }

  writtenFiles(): readonly string[] {
    return this.#change.writtenFiles()
  }
}
