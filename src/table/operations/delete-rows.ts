/** Deletes the rows for which a filter is true: not those for which it is unknown. */
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { ManifestEntry } from '../../format/manifest/entry.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { Snapshot } from '../../format/snapshot.ts'
import type { ManifestContext } from '../manifest-reader.ts'
import { mightTouch } from './conflict-scope.ts'
import { writeStrategy, type FileDecision } from './file-action.ts'
import { planRemoval, referencedFiles, removedFiles, type Removal } from './remove-matching.ts'
import type { Isolation, RowChange, RowComputation } from './row-change.ts'
import type { RowWriter } from './row-writer.ts'

export interface DeleteRowsOptions {
  readonly isolation: Isolation
  readonly onConflict: 'redo' | 'fail'
  /** Binds the filter to the schema of the state that is computed on. */
  readonly filterOn: (base: TableMetadata) => BoundExpression
  readonly contextOf: (base: TableMetadata) => ManifestContext
}

export class DeleteRows implements RowComputation {
  readonly operation = 'delete'
  readonly isolation: Isolation
  readonly onConflict: 'redo' | 'fail'
  readonly #writer: RowWriter
  readonly #options: DeleteRowsOptions
  #decisions: readonly FileDecision[] = []

  constructor(writer: RowWriter, options: DeleteRowsOptions) {
    this.isolation = options.isolation
    this.onConflict = options.onConflict
    this.#writer = writer
    this.#options = options
  }

  /** What became of each file, by the last computation. */
  get decisions(): readonly FileDecision[] {
    return this.#decisions
  }

  /** Which files would be hit; writes nothing. */
  async plan(base: TableMetadata, head: Snapshot | null): Promise<Removal> {
    const strategy = writeStrategy(base['format-version'], base.properties, 'write.delete.mode')
    const { filterOn, contextOf } = this.#options
    return planRemoval(this.#writer, base, head, contextOf(base), filterOn(base), strategy)
  }

  async compute(base: TableMetadata, head: Snapshot | null): Promise<RowChange> {
    const removal = await this.plan(base, head)
    this.#decisions = removal.decisions
    const rewritten = await this.#writer.rewrite(base, removal.decided)
    const deletes = await this.#writer.writeDeletes(base, removal.decided)
    return {
      added: [...rewritten, ...deletes],
      removed: removedFiles(removal),
      removedDeletes: removal.deadDeletes,
      referenced: referencedFiles(removal),
    }
  }

  touches(base: TableMetadata, entry: ManifestEntry): boolean {
    return mightTouch(base, this.#options.filterOn(base), entry)
  }

  written(): readonly string[] {
    return this.#writer.written()
  }

  discard(): Promise<void> {
    return this.#writer.discard()
  }
}
