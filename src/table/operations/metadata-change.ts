/** What changes have in common that write no file but the metadata, and depend on what others made. */
import { CommitConflictError, IncompatibleChangeError } from '../../errors.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { CommitAttempt, CommitChange } from '../commit.ts'

/** One way to bring a change about, and what it took the table to be. */
export interface MetadataAttempt extends CommitAttempt {
  /** Equal on two bases exactly where the change means the same on both. */
  readonly witness: readonly string[]
}

/**
 * A change that is applied again to whatever others made of the table meanwhile. Where it would then
 * mean something else, replace what somebody else has just written, or break a rule, the result is
 * CommitConflictError; on the table that the caller knew, the rule itself.
 */
export abstract class MetadataChange implements CommitChange {
  abstract readonly operation: string
  readonly snapshotId = null
  #first: readonly string[] | null = null

  /** null: nothing to do on this base. IncompatibleChangeError when a rule forbids it. */
  protected abstract attempt(base: TableMetadata): Promise<MetadataAttempt | null>

  abstract isApplied(metadata: TableMetadata): boolean

  async apply(base: TableMetadata): Promise<CommitAttempt | null> {
    const isFirst = this.#first === null
    try {
      const attempt = await this.attempt(base)
      if (attempt === null) return null
      const { witness, ...rest } = attempt
      this.#first ??= witness
      if (witness.join('\n') !== this.#first.join('\n')) throw this.#clash(null)
      return rest
    } catch (error) {
      if (isFirst || !(error instanceof IncompatibleChangeError)) throw error
      throw this.#clash(error)
    }
  }

  async discardAttempt(): Promise<void> {}

  async discardAll(): Promise<void> {}

  writtenFiles(): readonly string[] {
    return []
  }

  #clash(cause: IncompatibleChangeError | null): CommitConflictError {
    const why = cause?.message ?? 'what it is about was changed in another way'
    return new CommitConflictError(`The ${this.operation} clashes with a change that came first: ${why}`, {
      hint: 'Load the table again, look at what it is now, and decide anew.',
      cause: cause ?? undefined,
    })
  }
}
