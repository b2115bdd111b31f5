/** Updates rows whose keys match, inserts the others: one snapshot, out of core. */
import type { KeyBounds, KeyMatch, SpooledRows } from '../../engine/row-changes.ts'
import { CommitConflictError } from '../../errors.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { ManifestEntry } from '../../format/manifest/entry.ts'
import { currentSchema } from '../../format/metadata/views.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { fieldName, fieldPath, type Schema } from '../../format/schema.ts'
import type { Snapshot } from '../../format/snapshot.ts'
import { isPrimitive } from '../../format/types.ts'
import type { ManifestContext } from '../manifest-reader.ts'
import { planScan } from '../plan.ts'
import { mightTouch } from './conflict-scope.ts'
import { writeStrategy, type FileDecision, type WriteStrategy } from './file-action.ts'
import { deadDeletesOf, decideAll, referencedFiles, removedFiles } from './remove-matching.ts'
import type { Isolation, RowChange, RowComputation } from './row-change.ts'
import type { RowWriter } from './row-writer.ts'

export interface UpsertOptions {
  readonly isolation: Isolation
  readonly onConflict: 'redo' | 'fail'
  /** Id of the schema that the source was checked against. */
  readonly schemaId: number
  /** The source, read once, its keys checked. */
  readonly source: SpooledRows
  readonly keys: readonly number[]
  readonly bounds: KeyBounds
  readonly whenMatchedUpdateAll: boolean
  readonly whenNotMatchedInsertAll: boolean
  readonly deleteWhenOn: (base: TableMetadata) => BoundExpression | null
  /** Scope within which rows that no source row matches are deleted; null: none are. */
  readonly notMatchedBySourceOn: (base: TableMetadata) => BoundExpression | null
  readonly contextOf: (base: TableMetadata) => ManifestContext
}

/** How many rows an upsert came to. */
export interface UpsertCounts {
  readonly rowsUpdated: number
  readonly rowsInserted: number
  readonly rowsDeleted: number
  /** Matched, and equal in every column. */
  readonly rowsUnchanged: number
}

const NOTHING: UpsertCounts = { rowsUpdated: 0, rowsInserted: 0, rowsDeleted: 0, rowsUnchanged: 0 }

export class Upsert implements RowComputation {
  readonly operation = 'upsert'
  readonly restsOnKeptRows = true
  readonly isolation: Isolation
  readonly onConflict: 'redo' | 'fail'
  readonly #writer: RowWriter
  readonly #options: UpsertOptions
  #decisions: readonly FileDecision[] = []
  #counts: UpsertCounts = NOTHING

  constructor(writer: RowWriter, options: UpsertOptions) {
    this.isolation = options.isolation
    this.onConflict = options.onConflict
    this.#writer = writer
    this.#options = options
  }

  get decisions(): readonly FileDecision[] {
    return this.#decisions
  }

  get counts(): UpsertCounts {
    return this.#counts
  }

  async compute(base: TableMetadata, head: Snapshot | null): Promise<RowChange> {
    if (base['current-schema-id'] !== this.#options.schemaId) throw schemaMoved()
    const match = await this.#match(base, head)
    try {
      const decided = decideAll(match.matches, strategyOf(base))
      const decisions = decided.map(({ decision }) => decision)
      const removal = { decisions, decided, deadDeletes: deadDeletesOf(decided) }
      this.#decisions = removal.decisions
      this.#counts = countsOf(match)
      const written =
        match.rowsUpdated + match.rowsInserted === 0 ? [] : await this.#writer.writeRows(base, match.selected)
      const rewritten = await this.#writer.rewrite(base, decided)
      const deletes = await this.#writer.writeDeletes(base, decided)
      return {
        added: [...written, ...rewritten, ...deletes],
        removed: removedFiles(removal),
        removedDeletes: removal.deadDeletes,
        referenced: referencedFiles(removal),
      }
    } finally {
      await match.close()
    }
  }

  /** Which files would be hit; writes nothing, and leaves `counts` as an upsert would. */
  async plan(base: TableMetadata, head: Snapshot | null): Promise<readonly FileDecision[]> {
    const match = await this.#match(base, head)
    try {
      this.#counts = countsOf(match)
      return decideAll(match.matches, strategyOf(base)).map(({ decision }) => decision)
    } finally {
      await match.close()
    }
  }

  touches(base: TableMetadata, entry: ManifestEntry): boolean {
    return mightTouch(base, this.#scope(base), entry)
  }

  written(): readonly string[] {
    return this.#writer.written()
  }

  discard(): Promise<void> {
    return this.#writer.discard()
  }

  async #match(base: TableMetadata, head: Snapshot | null): Promise<KeyMatch> {
    const { keys, source, contextOf, whenMatchedUpdateAll, whenNotMatchedInsertAll } = this.#options
    const schema = currentSchema(base)
    const { tasks } = await planScan({
      context: contextOf(base),
      snapshot: head,
      schema,
      filter: this.#scope(base),
    })
    const plane = await this.#writer.plane()
    return plane.matchKeys({
      ...this.#writer.matchRequest(base, tasks),
      source,
      keys,
      compare: schema.fields.map((field) => field.id).filter((id) => !keys.includes(id)),
      updateMatched: whenMatchedUpdateAll,
      insertNotMatched: whenNotMatchedInsertAll,
      deleteWhen: this.#options.deleteWhenOn(base),
      notMatchedBySource: this.#options.notMatchedBySourceOn(base),
    })
  }

  /** Rows that can match a key of the source, or that the source is to be complete for. */
  #scope(base: TableMetadata): BoundExpression {
    const range = keyRange(currentSchema(base), this.#options.bounds)
    const scope = this.#options.notMatchedBySourceOn(base)
    if (scope === null) return range
    return range.op === 'false' ? scope : { op: 'or', left: range, right: scope }
  }
}

function countsOf({ rowsUpdated, rowsInserted, rowsDeleted, rowsUnchanged }: KeyMatch): UpsertCounts {
  return { rowsUpdated, rowsInserted, rowsDeleted, rowsUnchanged }
}

function strategyOf(base: TableMetadata): WriteStrategy {
  return writeStrategy(base['format-version'], base.properties, 'write.merge.mode')
}

function schemaMoved(): CommitConflictError {
  return new CommitConflictError("The table's schema changed while the upsert was under way", {
    hint: 'Nothing was changed. Refresh the table, look at its schema and repeat the upsert.',
  })
}

/** Every key column between the least and the greatest value of the source's. */
export function keyRange(schema: Schema, bounds: KeyBounds): BoundExpression {
  if (bounds === null) return { op: 'false' }
  let range: BoundExpression = { op: 'true' }
  for (const [id, { lower, upper }] of bounds) {
    const path = fieldPath(schema, id)
    const field = path.at(-1)
    if (field === undefined || !isPrimitive(field.type)) continue
    const ref = {
      fieldId: id,
      name: fieldName(schema, id) ?? field.name,
      type: field.type,
      required: path.every((level) => level.required),
      path,
    }
    const within: BoundExpression = {
      op: 'and',
      left: { op: 'gt-eq', ref, literal: lower },
      right: { op: 'lt-eq', ref, literal: upper },
    }
    range = range.op === 'true' ? within : { op: 'and', left: range, right: within }
  }
  return range
}
