/**
 * How far the engine reads ahead of a scan's reader. Threads work on row groups side by side, and what
 * comes out of turn waits in a buffer: where it holds less than a few row groups, all threads but one
 * stand still. DuckDB counts in it what rows have in vectors, but not their texts, which may be most of
 * them; so of rows with texts it is made large only when it is known how long these are, by the first
 * rows and by what the files' footers say of all.
 */
import { leafFields, type Schema } from '../../format/schema.ts'
import type { OpenTask } from './open-tasks.ts'
import { isText, textBytes, vectorBytes } from './row-width.ts'
import type { StreamChunk } from './session.ts'

/** Rows that are read with DuckDB's own small buffer, to look at them. */
const FIRST_ROWS = 32_768

/** Of fewer rows too few are left to make up for a second query. */
const MANY_ROWS = 500_000

/** Less than this is not worth setting. */
const LEAST_BYTES = 2_000_000

/** Chunks that are looked at: these first ones, and one in so many of the others. */
const LOOK_FIRST = 16
const LOOK_EVERY = 16

export class ReadAhead {
  readonly #projection: Schema
  readonly #textIds: ReadonlySet<number>
  readonly #vectorBytes: number
  readonly #maxBytes: number
  #chunks = 0
  /** Bytes of texts per row, in the chunk that had most; null while none was seen. */
  #seen: number | null = null

  /** `maxBytes`: of rows that may be ready, texts and all. */
  constructor(projection: Schema, maxBytes: number) {
    this.#projection = projection
    const texts = leafFields(projection).filter((field) => isText(field.type))
    this.#textIds = new Set(texts.map((field) => field.id))
    this.#vectorBytes = vectorBytes(projection)
    this.#maxBytes = maxBytes
  }

  /** Looks at rows as they come. */
  see({ chunk, rowCount }: StreamChunk): void {
    if (this.#textIds.size === 0) return
    const number = this.#chunks++
    if (number >= LOOK_FIRST && number % LOOK_EVERY !== 0) return
    this.#seen = Math.max(this.#seen ?? 0, textBytes(chunk, rowCount, this.#projection))
  }

  /** Tasks in the parts in which to read them. */
  stretches(tasks: readonly OpenTask[]): readonly (readonly OpenTask[])[] {
    const isKnown = this.#textIds.size === 0 || this.#seen !== null
    return isKnown || !areMany(tasks) ? [tasks] : withFirstApart(tasks)
  }

  /** The buffer to read the tasks with, as a stream wants to be told; undefined for DuckDB's own. */
  bufferBytes(tasks: readonly OpenTask[]): number | undefined {
    // Without columns there is nothing to wait.
    if (this.#vectorBytes === 0) return undefined
    if (this.#textIds.size === 0) return areMany(tasks) ? this.#maxBytes : undefined
    if (this.#seen === null) return undefined
    const longest = tasks.reduce((most, task) => Math.max(most, this.#textBytes(task)), this.#seen)
    const bytes = (this.#maxBytes * this.#vectorBytes) / (this.#vectorBytes + longest)
    return bytes < LEAST_BYTES ? undefined : bytes
  }

  /** Bytes of texts per row, as the file's footer has them. */
  #textBytes({ textBytes: widths, physical: { leafIds, isComplete } }: OpenTask): number {
    // Columns of a file without ids are found by their names: any of them may be read.
    const isRead = (id: number | null): boolean => !isComplete || (id !== null && this.#textIds.has(id))
    return sum(widths.filter((_, at) => isRead(leafIds[at] ?? null)))
  }
}

function areMany(tasks: readonly OpenTask[]): boolean {
  return sum(tasks.map(rowsToRead)) >= MANY_ROWS
}

/** How many rows of its file a task means before filters and deletes. */
export function rowsToRead({ file, rowRanges }: OpenTask): number {
  if (rowRanges === undefined) return file.recordCount
  return sum(rowRanges.map(({ first, last }) => last - first + 1))
}

/** The first rows, and all others. */
function withFirstApart(tasks: readonly OpenTask[]): readonly (readonly OpenTask[])[] {
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
