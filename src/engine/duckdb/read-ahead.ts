/**
 * How far the engine reads ahead of a scan's reader. Threads work on row groups side by side, and what
 * comes out of turn waits in a buffer: where it holds less than a few row groups, all threads but one
 * stand still. DuckDB counts in it what rows have in vectors, but not their texts, which may be most of
 * them; so it is made large only when it is known how wide rows are, by the first of them and by what
 * the files' footers say of all.
 */
import { leafFields, type Schema } from '../../format/schema.ts'
import type { OpenTask } from './open-tasks.ts'
import { rowWidth, type RowWidth } from './row-width.ts'
import type { StreamChunk } from './session.ts'

/** Rows that are read with DuckDB's own small buffer, to look at them. */
const FIRST_ROWS = 32_768

/** Of fewer rows too few are left to make up for a second query. */
const ROWS_WORTH_IT = 500_000

/** Less than this is not worth setting. */
const LEAST_BYTES = 2_000_000

/** Chunks that are looked at: these first ones, and one in so many of the others. */
const LOOK_FIRST = 16
const LOOK_EVERY = 16

export class ReadAhead {
  readonly #projection: Schema
  readonly #leafIds: readonly number[]
  readonly #maxBytes: number
  #chunks = 0
  /** The widest seen; null while no row was. */
  #width: RowWidth | null = null

  /** `maxBytes`: of rows that may be ready, texts and all. */
  constructor(projection: Schema, maxBytes: number) {
    this.#projection = projection
    this.#leafIds = leafFields(projection).map((field) => field.id)
    this.#maxBytes = maxBytes
  }

  /** Looks at rows as they come. */
  see({ chunk, rowCount }: StreamChunk): void {
    const number = this.#chunks++
    if (number >= LOOK_FIRST && number % LOOK_EVERY !== 0) return
    const { vectors, texts } = rowWidth(chunk, rowCount, this.#projection)
    this.#width = { vectors, texts: Math.max(texts, this.#width?.texts ?? 0) }
  }

  /** Tasks in the parts in which to read them. */
  stretches(tasks: readonly OpenTask[]): readonly (readonly OpenTask[])[] {
    return this.#width === null ? withFirstApart(tasks) : [tasks]
  }

  /** The buffer to read the tasks with, as a stream wants to be told; undefined for DuckDB's own. */
  bufferBytes(tasks: readonly OpenTask[]): number | undefined {
    // Without columns there is nothing to wait.
    if (this.#width === null || this.#width.vectors === 0) return undefined
    const { vectors, texts } = this.#width
    const widest = tasks.reduce((most, task) => Math.max(most, this.#textBytes(task)), texts)
    const bytes = (this.#maxBytes * vectors) / (vectors + widest)
    return bytes < LEAST_BYTES ? undefined : bytes
  }

  /**
   * What the columns that are read have in the file, before compression: no less than their texts,
   * unless the file keeps a dictionary of these. Those are seen in the first rows.
   */
  #textBytes({ file, rowBytes }: OpenTask): number {
    const sizes = file.columnSizes
    if (sizes === null) return rowBytes
    const all = sum([...sizes.values()])
    const read = sum(this.#leafIds.map((id) => sizes.get(id) ?? 0))
    return all === 0 ? rowBytes : (rowBytes * read) / all
  }
}

/** How many rows of its file a task means before filters and deletes. */
export function rowsToRead({ file, rowRanges }: OpenTask): number {
  if (rowRanges === undefined) return file.recordCount
  return sum(rowRanges.map(({ first, last }) => last - first + 1))
}

/** The first rows, and all others, where these are many. */
function withFirstApart(tasks: readonly OpenTask[]): readonly (readonly OpenTask[])[] {
  if (sum(tasks.map(rowsToRead)) < ROWS_WORTH_IT) return [tasks]
  const first: OpenTask[] = []
  let missing = FIRST_ROWS
  for (const [at, task] of tasks.entries()) {
    const rows = rowsToRead(task)
    const others = tasks.slice(at + 1)
    // Of a file that is only partly at hand the parts are not divided once more.
    if (rows >= 2 * missing && task.rowRanges === undefined) {
      const [beginning, rest] = dividedAt(task, missing)
      return [
        [...first, beginning],
        [rest, ...others],
      ]
    }
    first.push(task)
    missing -= rows
    if (missing <= 0) return others.length === 0 ? [first] : [first, others]
  }
  return [tasks]
}

function dividedAt(task: OpenTask, row: number): readonly [OpenTask, OpenTask] {
  return [
    { ...task, rowRanges: [{ first: 0, last: row - 1 }] },
    { ...task, rowRanges: [{ first: row, last: task.file.recordCount - 1 }] },
  ]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((before, number) => before + number, 0)
}
