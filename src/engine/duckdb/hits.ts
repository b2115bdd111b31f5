/** Rows that a query found, by task, as bitmaps. */
import duckdb from '@duckdb/node-bindings'
import { EngineError } from '../../errors.ts'
import { PositionSet } from '../../format/position-set.ts'
import type { FileMatch } from '../row-changes.ts'
import { addBitBlocks, bitBlocksSql } from './bit-blocks.ts'
import type { OpenTask } from './open-tasks.ts'
import { bigint64sOf, int32sOf, wholeVector } from './raw-vector.ts'
import type { ScanQuery } from './scan-sql.ts'
import type { StreamChunk } from './session.ts'
import { quoteName } from './sql.ts'

/** The two columns that say which row of which task it is. */
export const ROW_IDS = { task: '__floeberg_task', position: '__floeberg_position' } as const

/** Which rows a chunk's first two columns name: numbers of tasks, positions in their files. */
export interface ChunkRows {
  readonly tasks: Int32Array
  readonly positions: BigInt64Array
}

/** Valid as long as the chunk is. */
export function rowsOfChunk({ chunk, rowCount }: StreamChunk): ChunkRows {
  const column = (at: number) => wholeVector(duckdb.data_chunk_get_vector(chunk.chunk, at), rowCount)
  return { tasks: int32sOf(column(0)), positions: bigint64sOf(column(1)) }
}

/** All rows of a query with row ids, as bitmaps for `Hits.addBlocks`. */
export function hitBlocksSql(query: string): string {
  return bitBlocksSql(query, quoteName(ROW_IDS.task), quoteName(ROW_IDS.position))
}

/** Adds a row, by the number that a query gives its task. */
export type AddHit = (task: number, position: number) => void

export class Hits {
  readonly #found = new Map<OpenTask, PositionSet>()

  /** Tasks with a hit. */
  get found(): ReadonlyMap<OpenTask, PositionSet> {
    return this.#found
  }

  /** Adds rows of a query, by the numbers that it gives its tasks. */
  of(query: ScanQuery): AddHit {
    const setOf = this.#setsOf(query)
    return (task, position) => setOf(task).add(position)
  }

  /** Adds the rows of a chunk of `hitBlocksSql` around a query. */
  addBlocks(query: ScanQuery, chunk: StreamChunk): void {
    addBitBlocks(chunk, this.#setsOf(query))
  }

  /** By task, in order of the tasks; `deleted` are rows that were gone before. */
  matches(tasks: readonly OpenTask[], deleted: ReadonlyMap<OpenTask, PositionSet>): readonly FileMatch[] {
    return tasks.flatMap((open) => {
      const positions = this.#found.get(open)
      return positions === undefined ? [] : [fileMatch(open, positions, deleted.get(open))]
    })
  }

  #setsOf({ tasks }: ScanQuery): (task: number) => PositionSet {
    const sets: PositionSet[] = []
    return (task) => (sets[task] ??= this.#rowsOf(tasks[task]))
  }

  #rowsOf(task: OpenTask | undefined): PositionSet {
    if (task === undefined) throw new EngineError('the engine delivered a row of no file')
    const known = this.#found.get(task)
    if (known !== undefined) return known
    const positions = new PositionSet(task.file.recordCount)
    this.#found.set(task, positions)
    return positions
  }
}

export function fileMatch(
  { task, file }: Pick<OpenTask, 'task' | 'file'>,
  positions: PositionSet,
  deleted: PositionSet | undefined,
): FileMatch {
  return { task, positions, liveRows: file.recordCount - (deleted?.size ?? 0) }
}
