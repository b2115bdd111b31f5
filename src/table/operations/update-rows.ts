/** Gives columns new values in the rows for which a filter is true. */
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { ManifestEntry } from '../../format/manifest/entry.ts'
import { currentSchema } from '../../format/metadata/views.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { Snapshot } from '../../format/snapshot.ts'
import type { Datum } from '../../format/types.ts'
import type { ManifestContext } from '../manifest-reader.ts'
import { planScan } from '../plan.ts'
import { mightTouch } from './conflict-scope.ts'
import { writeStrategy, type FileDecision } from './file-action.ts'
import { deadDeletesOf, decideAll, referencedFiles, removedFiles, type Removal } from './remove-matching.ts'
import type { Isolation, RowChange, RowComputation } from './row-change.ts'
import type { RowWriter } from './row-writer.ts'

export interface UpdateRowsOptions {
  readonly isolation: Isolation
  readonly onConflict: 'redo' | 'fail'
  readonly filterOn: (base: TableMetadata) => BoundExpression
  /** New values by id of top-level column. */
  readonly assignOn: (base: TableMetadata) => ReadonlyMap<number, Datum | null>
  readonly contextOf: (base: TableMetadata) => ManifestContext
}

export class UpdateRows implements RowComputation {
  readonly operation = 'update'
  readonly isolation: Isolation
  readonly onConflict: 'redo' | 'fail'
  readonly #writer: RowWriter
  readonly #options: UpdateRowsOptions
  #decisions: readonly FileDecision[] = []

  constructor(writer: RowWriter, options: UpdateRowsOptions) {
    this.isolation = options.isolation
    this.onConflict = options.onConflict
    this.#writer = writer
    this.#options = options
  }

  get decisions(): readonly FileDecision[] {
    return this.#decisions
  }

  async plan(base: TableMetadata, head: Snapshot | null): Promise<Removal> {
    const strategy = writeStrategy(base['format-version'], base.properties, 'write.update.mode')
    const { filterOn, contextOf } = this.#options
    const schema = currentSchema(base)
    const { tasks } = await planScan({
      context: contextOf(base),
      snapshot: head,
      schema,
      filter: filterOn(base),
    })
    const decided = decideAll(await this.#writer.match(base, tasks), strategy)
    return {
      decisions: decided.map(({ decision }) => decision),
      decided,
      deadDeletes: deadDeletesOf(decided),
    }
  }

  async compute(base: TableMetadata, head: Snapshot | null): Promise<RowChange> {
    const removal = await this.plan(base, head)
    this.#decisions = removal.decisions
    if (removal.decided.length === 0) return { added: [], removed: [], removedDeletes: [], referenced: [] }
    const matches = removal.decided.map(({ match }) => match)
    const assign = this.#options.assignOn(base)
    const updated = await this.#writer.writeRows(
      base,
      this.#writer.scannedRows(base, matches, 'only', assign),
    )
    const rewritten = await this.#writer.rewrite(base, removal.decided)
    const deletes = await this.#writer.writeDeletes(base, removal.decided)
    return {
      added: [...updated, ...rewritten, ...deletes],
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
