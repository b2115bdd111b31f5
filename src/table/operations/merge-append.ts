/**
 * An append that brings columns with it: the schema that its rows need and the rows become visible
 * in one commit.
 *
 * The files are written with the ids that the new columns have on the state that the caller knew.
 * Where others have given these ids away meanwhile, the rows are copied to files with other ids.
 */
import { CommitConflictError, IncompatibleChangeError } from '../../errors.ts'
import { applyMerge, type MergedSchema } from '../../format/evolution/merge-edits.ts'
import type { SchemaEdit } from '../../format/evolution/schema-edit.ts'
import type { TableRequirement } from '../../format/metadata/requirements.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { applyUpdates, type TableUpdate } from '../../format/metadata/updates.ts'
import { currentSchema } from '../../format/metadata/views.ts'
import { sameSchema } from '../../format/schema.ts'
import type { ChangedFiles, CommitAttempt, CommitChange } from '../commit.ts'
import type { SnapshotTarget } from '../snapshot-producer.ts'
import { AppendChange, type AppendOptions, type RewriteOptions } from './append.ts'
import { evolutionBase, schemaCommit } from './evolve-schema.ts'
import type { WrittenFiles } from './row-files.ts'

/** A state of a table after its schema has come to hold what a merge needs; nothing is committed. */
export interface StagedMerge {
  /** The base itself where nothing was lacking. */
  readonly metadata: TableMetadata
  readonly updates: readonly TableUpdate[]
  readonly requirements: readonly TableRequirement[]
}

/** IncompatibleChangeError when something is in the way. */
export function stageMerge(base: TableMetadata, edits: readonly SchemaEdit[]): StagedMerge {
  const merged: MergedSchema = applyMerge(evolutionBase(base), edits)
  if (sameSchema(merged.schema, currentSchema(base))) return { metadata: base, updates: [], requirements: [] }
  const { updates, requirements } = schemaCommit(base, merged)
  const metadata = applyUpdates(base, updates, { nowMs: base['last-updated-ms'] })
  return { metadata, updates, requirements }
}

export interface MergeAppendOptions extends Pick<AppendOptions, 'strategy' | 'discardData' | 'placed'> {
  readonly edits: readonly SchemaEdit[]
  /** As in `RewriteOptions`. */
  readonly copy: RewriteOptions['copy']
}

export class MergeAppendChange implements CommitChange {
  readonly operation = 'append'
  readonly snapshotId: bigint
  readonly #append: AppendChange
  readonly #options: MergeAppendOptions
  #lastColumnId: number
  #isFirst = true

  constructor(target: SnapshotTarget, written: WrittenFiles, options: MergeAppendOptions) {
    this.#options = options
    this.#lastColumnId = written.lastColumnId
    this.#append = new AppendChange(target, written.files, {
      strategy: options.strategy,
      schema: currentSchema(written.metadata),
      discardData: options.discardData,
      placed: options.placed,
      rewrite: {
        layout: written,
        copy: options.copy,
        lastColumnId: () => target.transaction?.lastColumnId ?? this.#lastColumnId,
      },
    })
    this.snapshotId = this.#append.snapshotId
  }

  async apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<CommitAttempt> {
    const staged = this.#stage(base)
    this.#lastColumnId = base['last-column-id']
    const append = await this.#append.apply(staged.metadata, attempt, mayDiscard)
    // Until this commit the table's schema is the base's.
    const others = append.requirements.filter(({ type }) => type !== 'assert-current-schema-id')
    const current: TableRequirement = {
      type: 'assert-current-schema-id',
      'current-schema-id': base['current-schema-id'],
    }
    const ours = staged.requirements.filter(({ type }) => type !== 'assert-current-schema-id')
    return { updates: [...staged.updates, ...append.updates], requirements: [current, ...ours, ...others] }
  }

  files(): ChangedFiles {
    return this.#append.files()
  }

  tidy(): Promise<void> {
    return this.#append.tidy()
  }

  discardAttempt(): Promise<void> {
    return this.#append.discardAttempt()
  }

  discardAll(): Promise<void> {
    return this.#append.discardAll()
  }

  writtenFiles(): readonly string[] {
    return this.#append.writtenFiles()
  }

  #stage(base: TableMetadata): StagedMerge {
    try {
      const staged = stageMerge(base, this.#options.edits)
      this.#isFirst = false
      return staged
    } catch (error) {
      if (this.#isFirst || !(error instanceof IncompatibleChangeError)) throw error
      throw new CommitConflictError(
        `The columns of the rows clash with a change that came first: ${error.message}`,
        { hint: 'Nothing was written. Load the table again and look at its schema.', cause: error },
      )
    }
  }
}
