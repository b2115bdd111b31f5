/**
 * Plain rows have no schema: it shows as they come. They are looked at in chunks; where a chunk needs
 * columns that those before it did not, a new segment begins, which is written by a schema of its
 * own. The rows are read once, and never more than a chunk of them is held.
 */
import { throwIfAborted } from '../abort.ts'
import type { DataPlane } from '../engine/data-plane.ts'
import { mergeEdits } from '../format/evolution/merge-edits.ts'
import { rowMisfits } from '../format/evolution/row-misfits.ts'
import type { SchemaEdit } from '../format/evolution/schema-edit.ts'
import type { FormatVersion } from '../format/metadata/table-metadata.ts'
import type { NestedField } from '../format/types.ts'
import type { Row } from '../format/values/value.ts'

/** As many as the plane looks at to infer a schema. */
const CHUNK_ROWS = 10_000

export interface RowSegment {
  /** What the table lacks for these rows. */
  readonly edits: readonly SchemaEdit[]
  /** The rows, given the columns that the table has after the edits. */
  rows(fields: readonly NestedField[]): AsyncIterable<Row>
}

interface Chunk {
  readonly rows: readonly Row[]
  readonly edits: readonly SchemaEdit[]
}

export class RowSegments {
  readonly #rows: AsyncIterator<Row> | Iterator<Row>
  readonly #plane: DataPlane
  readonly #version: FormatVersion
  readonly #signal: AbortSignal | undefined
  /** Looked at already, and for the next segment. */
  #pending: Chunk | null = null

  constructor(
    rows: Iterable<Row> | AsyncIterable<Row>,
    plane: DataPlane,
    version: FormatVersion,
    signal: AbortSignal | undefined,
  ) {
    this.#rows = Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]()
    this.#plane = plane
    this.#version = version
    this.#signal = signal
  }

  /** null when there are no more rows. */
  async next(fields: readonly NestedField[]): Promise<RowSegment | null> {
    const first = this.#pending ?? (await this.#chunk(fields))
    this.#pending = null
    if (first === null) return null
    return { edits: first.edits, rows: (known) => this.#segment(first, known) }
  }

  async *#segment(first: Chunk, fields: readonly NestedField[]): AsyncGenerator<Row> {
    let isDone = false
    try {
      for (let chunk: Chunk | null = first; chunk !== null; chunk = await this.#chunk(fields)) {
        if (chunk !== first && chunk.edits.length > 0) {
          this.#pending = chunk
          break
        }
        for (const row of chunk.rows) yield withoutEmptyExtras(row, fields)
      }
      isDone = true
    } finally {
      // Whoever reads the rows has stopped early: nobody will ask for the rest.
      if (!isDone) await this.#rows.return?.()
    }
  }

  async #chunk(fields: readonly NestedField[]): Promise<Chunk | null> {
    throwIfAborted(this.#signal)
    const rows: Row[] = []
    while (rows.length < CHUNK_ROWS) {
      const next = await this.#rows.next()
      if (next.done === true) break
      rows.push(next.value)
    }
    if (rows.length === 0) return null
    return { rows, edits: await this.#edits(fields, rows) }
  }

  async #edits(fields: readonly NestedField[], rows: readonly Row[]): Promise<readonly SchemaEdit[]> {
    const { hasNewColumns, widenings } = rowMisfits(fields, rows)
    if (!hasNewColumns) return widenings
    const known = rows.map((row) => withoutEmptyExtras(row, fields))
    const { schema, unsure } = await this.#plane.inferSchema(
      { kind: 'rows', rows: known },
      { signal: this.#signal },
    )
    const incoming = {
      fields: schema.fields,
      unsure: new Map(unsure.map(({ column, reason }) => [column, reason])),
      // A number is of no declared type: what is too great for a column is among the widenings.
      isTyped: false,
    }
    return [...widenings, ...mergeEdits(fields, incoming, this.#version)]
  }
}

/** Without keys of no column that hold nothing: there is nothing to make a column of, and nothing to lose. */
function withoutEmptyExtras(row: Row, fields: readonly NestedField[]): Row {
  const isEmptyExtra = ([name, value]: readonly [string, unknown]): boolean =>
    (value === null || value === undefined) && !fields.some((field) => field.name === name)
  const entries = Object.entries(row)
  return entries.some(isEmptyExtra)
    ? Object.fromEntries(entries.filter((entry) => !isEmptyExtra(entry)))
    : row
}
