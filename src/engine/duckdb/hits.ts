/** Rows that a query found, by task, as bitmaps. */
import duckdb from '@duckdb/node-bindings'
import { EngineError } from '../../errors.ts'
import { PositionSet } from '../../format/position-set.ts'
import type { FileMatch } from '../row-changes.ts'
import type { OpenTask } from './open-tasks.ts'
import { bigint64sOf, int32sOf, wholeVector } from './raw-vector.ts'
import type { ScanQuery } from './scan-sql.ts'
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
  readonly #found = new Map<OpenTask, PositionSet>()

  /** Tasks with a hit. */
  get found(): ReadonlyMap<OpenTask, PositionSet> {
    return this.#found
  }

  /** Adds rows of a query, by the numbers that it gives its tasks. */
  of({ tasks }: ScanQuery): (task: number, position: number) => void {
    const sets: PositionSet[] = []
    return (number, position) => {
      const set = (sets[number] ??= this.#rowsOf(tasks[number]))
      set.add(position)
    }
  }

  /** By task; `deleted` are rows that were gone before. */
  matches(deleted: ReadonlyMap<OpenTask, PositionSet>): readonly FileMatch[] {
    return [...this.#found].map(([open, positions]) => fileMatch(open, positions, deleted.get(open)))
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
