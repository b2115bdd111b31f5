/** Rows that a query found, by task, as bitmaps. */
import duckdb from '@duckdb/node-bindings'
import { PositionSet } from '../../format/position-set.ts'
import type { FileMatch } from '../row-changes.ts'
import type { OpenTask } from './open-tasks.ts'
import { bigint64sOf, int32sOf, wholeVector } from './raw-vector.ts'
import type { StreamChunk } from './session.ts'

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

export class Hits {
  readonly #tasks: readonly OpenTask[]
  readonly #found = new Map<number, PositionSet>()

  /** Tasks in the order in which rows number them. */
  constructor(tasks: readonly OpenTask[]) {
    this.#tasks = tasks
  }

  add(task: number, position: number): void {
    let positions = this.#found.get(task)
    if (positions === undefined) {
      positions = new PositionSet(this.#tasks[task]?.file.recordCount)
      this.#found.set(task, positions)
    }
    positions.add(position)
  }

  /** Tasks with a hit, by number. */
  get found(): ReadonlyMap<number, PositionSet> {
    return this.#found
  }

  addChunk(stream: StreamChunk): void {
    const { tasks, positions } = rowsOfChunk(stream)
    for (let i = 0; i < stream.rowCount; i++) this.add(tasks[i] ?? 0, Number(positions[i]))
  }

  /** By task; `deleted` are rows that were gone before. */
  matches(deleted: ReadonlyMap<OpenTask, PositionSet>): readonly FileMatch[] {
    return this.#tasks.flatMap((open, at) => {
      const positions = this.#found.get(at)
      return positions === undefined ? [] : [fileMatch(open, positions, deleted.get(open))]
    })
  }
}

export function fileMatch(
  { task, file }: Pick<OpenTask, 'task' | 'file'>,
  positions: PositionSet,
  deleted: PositionSet | undefined,
): FileMatch {
  return { task, positions, liveRows: file.recordCount - (deleted?.size ?? 0) }
}
