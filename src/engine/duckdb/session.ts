/**
 * One connection to DuckDB, for one task at a time: statements that an AbortSignal can stop, and
 * streams that cannot end early unnoticed.
 */
import type {
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBMaterializedResult,
  DuckDBValue,
} from '@duckdb/node-api'
import { throwIfAborted } from '../../abort.ts'
import { EngineError, EngineMemoryError, StorageQuotaError, type FloebergError } from '../../errors.ts'
import type { Progress } from '../data-plane.ts'
import { engineError, type FailureContext } from './errors.ts'
import { bytesOf, readColumns } from './raw-vector.ts'

export interface StatementOptions extends FailureContext {
  /** Of the parameters `$1`, `$2` … */
  readonly values?: readonly DuckDBValue[] | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface StreamOptions extends StatementOptions {
  /**
   * How many rows come when all goes well, where that is known. They are counted then, and the end
   * needs no mark, which costs a sixth of a large scan.
   */
  readonly rowCount?: number | undefined
  /**
   * Bytes that the engine makes ahead of the reader, not counting those of texts and byte strings
   * longer than 12; DuckDB's own 1 MB when absent.
   */
  readonly bufferBytes?: number | undefined
}

export interface GatherOptions extends StatementOptions {
  /** No more rows than this come. */
  readonly atMost: number
}

/** Rows of a stream. The chunk is valid until the next one is asked for. */
export interface StreamChunk {
  readonly chunk: DuckDBDataChunk
  /** Rows to take: the chunk's own count may include the end mark. */
  readonly rowCount: number
}

/** Name of the column that marks the end of a guarded stream; it is always the last one. */
export const END_COLUMN = '__floeberg_end'

/** Gathered rows up to so many are held as they come: they are narrow. */
const MAX_HELD_ROWS = 2 ** 19

/** The table of more rows, of which a session has one at a time. */
const KEPT = '__floeberg_kept'

/** An interrupt sent before DuckDB has begun the statement is lost, so it is repeated. */
const INTERRUPT_EVERY_MS = 20

const PROGRESS_EVERY_MS = 200

/** What a session leaves of its connection, or of the whole instance. */
export interface SessionEnd {
  /** The connection is as it was. */
  readonly reusable: boolean
  /**
   * A disk was full: what DuckDB then has not managed to write it still counts as written, and its
   * temporary file stays as long as the instance does.
   */
  readonly diskWasFull: boolean
}

export class Session {
  readonly #connection: DuckDBConnection
  readonly #giveBack: (end: SessionEnd) => void
  #reusable = true
  #diskWasFull = false
  #released = false
  #progressOn = false

  constructor(connection: DuckDBConnection, giveBack: (end: SessionEnd) => void) {
    this.#connection = connection
    this.#giveBack = giveBack
  }

  /** The next task gets another connection: this one holds temporary tables, or an open stream. */
  discard(): void {
    this.#reusable = false
  }

  /** Gives the connection back. Idempotent. */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#giveBack({ reusable: this.#reusable, diskWasFull: this.#diskWasFull })
  }

  /** Runs a statement to its end; its result is held in memory. */
  async run(sql: string, options: StatementOptions): Promise<DuckDBMaterializedResult> {
    throwIfAborted(options.signal)
    if (options.onProgress !== undefined) await this.#showProgress()
    const stop = this.#watch(options)
    try {
      const result = await this.#connection.run(sql, options.values?.slice())
      // Interrupted just as it ended: the caller asked to stop, and that is what is answered.
      throwIfAborted(options.signal)
      return result
    } catch (error) {
      throw this.#failure(error, options)
    } finally {
      stop()
    }
  }

  /** Rows of a statement by column name, for small results. */
  async rows(sql: string, options: StatementOptions): Promise<readonly Record<string, unknown>[]> {
    return rowsOf(await this.run(sql, options))
  }

  /**
   * Streams a query's rows; no column name may occur twice in it. DuckDB ends a stream that fails
   * after its first chunk as if it were complete, so a last row of our own says that all went well,
   * and a stream without it throws. Where the number of rows is known they are counted instead; the
   * caller then meets another number only if the query truly yields it. Nothing else may run on this
   * session meanwhile.
   */
  async *stream(query: string, options: StreamOptions): AsyncGenerator<StreamChunk, void, undefined> {
    throwIfAborted(options.signal)
    const isMarked = options.rowCount === undefined
    const sql = isMarked ? markedSql(query) : query
    let rows = 0
    // Until it has ended by itself an open stream makes the connection useless for anybody else.
    const wasReusable = this.#reusable
    this.#reusable = false
    const stop = this.#watch(options)
    let ended = false
    let ahead: Promise<DuckDBDataChunk | null> = Promise.resolve(null)
    try {
      if (options.bufferBytes !== undefined) {
        await this.#connection.run(`SET streaming_buffer_size = '${Math.floor(options.bufferBytes)}B'`)
      }
      const result = await this.#connection.stream(sql, options.values?.slice())
      ahead = result.fetchChunk()
      for (;;) {
        const chunk = await ahead
        throwIfAborted(options.signal)
        if (chunk === null || chunk.rowCount === 0) break
        // The engine makes the next chunk while this one is being read.
        ahead = result.fetchChunk()
        // Whoever waits for it hears of its failure; nobody may be left to.
        ahead.catch(() => undefined)
        if (ended) throw new EngineError(`the engine could not ${options.doing}: rows came after the end`)
        ended = isMarked && endsWithMark(chunk)
        const rowCount = ended ? chunk.rowCount - 1 : chunk.rowCount
        rows += rowCount
        if (rowCount > 0) yield { chunk, rowCount }
        // Without it the native memory of every chunk stays until the garbage collector runs.
        chunk.reset()
      }
      ended ||= rows === options.rowCount
      if (!ended) await this.#explainEnd(query, options, rows)
      ended = true
      if (options.bufferBytes !== undefined) await this.#connection.run('RESET streaming_buffer_size')
      this.#reusable = wasReusable
    } catch (error) {
      throw this.#failure(error, options)
    } finally {
      stop()
      await this.#settle(ahead, ended)
    }
  }

  /**
   * Rows of a query that runs to its end before the first of them is handed over. For rows that are few
   * beside what is read for them: a stream has next to one thread only, and a chunk for every chunk
   * read, however few of its rows are left.
   *
   * Memory is bounded as a stream's is: where there may be many rows the engine keeps them, within its
   * limit and its folder for what does not fit, until the last is taken.
   */
  async *gather(query: string, options: GatherOptions): AsyncGenerator<StreamChunk, void, undefined> {
    if (options.atMost > MAX_HELD_ROWS) {
      yield* this.#gatherMany(query, options)
      return
    }
    const result = await this.run(query, options)
    for (let at = 0; at < result.chunkCount; at++) {
      throwIfAborted(options.signal)
      const chunk = result.getChunk(at)
      yield { chunk, rowCount: chunk.rowCount }
      chunk.reset()
    }
  }

  async *#gatherMany(query: string, options: StatementOptions): AsyncGenerator<StreamChunk, void, undefined> {
    const { doing, signal } = options
    const wasReusable = this.#reusable
    // Whoever leaves early closes the connection, and the table goes with it.
    this.#reusable = false
    const rowCount = await this.#keep(query, options)
    if (rowCount === null) {
      yield* this.stream(query, options)
    } else {
      yield* this.stream(`FROM ${KEPT}`, { doing, signal, rowCount })
      await this.run(`DROP TABLE ${KEPT}`, { doing, signal })
    }
    this.#reusable = wasReusable
  }

  /** Makes a table of a query's rows; answers how many they are, null when memory does not suffice. */
  async #keep(query: string, options: StatementOptions): Promise<number | null> {
    try {
      const [made] = await this.rows(`CREATE TEMP TABLE ${KEPT} AS ${query}`, options)
      return Number(made?.['Count'])
    } catch (error) {
      // Making a table takes memory of its own, beside the query's: a stream may still do without.
      if (error instanceof EngineMemoryError) return null
      throw error
    }
  }

  #failure(thrown: unknown, context: FailureContext): FloebergError {
    const error = engineError(thrown, context)
    if (error instanceof StorageQuotaError) this.#diskWasFull = true
    return error
  }

  /** What is under way must not outlive the session. */
  async #settle(ahead: Promise<unknown>, isComplete: boolean): Promise<void> {
    const interrupt = (): void => this.#connection.interrupt()
    if (!isComplete) interrupt()
    const repeat = isComplete ? undefined : setInterval(interrupt, INTERRUPT_EVERY_MS)
    // Its failure has been heard, or concerns rows that nobody wants any more.
    await ahead.catch(() => undefined)
    clearInterval(repeat)
  }

  /**
   * A stream that breaks off says nothing; the same query run to its end does, if it fails again.
   * Returns only when rows were counted and the query yields no more than came.
   */
  async #explainEnd(query: string, options: StreamOptions, rows: number): Promise<void> {
    const sql = `SELECT bit_xor(hash(q)), count(*) AS n FROM (${query}\n) AS q`
    const result = await this.#connection.run(sql, options.values?.slice())
    const [row] = await result.getRowObjects()
    if (options.rowCount !== undefined && Number(row?.['n']) === rows) return
    throw new EngineError(`the engine could not ${options.doing}: its rows ended early`)
  }

  async #showProgress(): Promise<void> {
    if (this.#progressOn) return
    await this.#connection.run('SET enable_progress_bar_print = false')
    await this.#connection.run('SET progress_bar_time = 0')
    await this.#connection.run('SET enable_progress_bar = true')
    this.#progressOn = true
  }

  /** Interrupts on abort and reports progress until the returned function is called. */
  #watch(options: StatementOptions): () => void {
    const { signal, onProgress } = options
    let repeat: NodeJS.Timeout | undefined
    const interrupt = (): void => {
      this.#connection.interrupt()
      repeat ??= setInterval(() => this.#connection.interrupt(), INTERRUPT_EVERY_MS)
    }
    signal?.addEventListener('abort', interrupt, { once: true })
    const timer =
      onProgress === undefined ? undefined : setInterval(() => this.#report(onProgress), PROGRESS_EVERY_MS)
    return () => {
      signal?.removeEventListener('abort', interrupt)
      clearInterval(repeat)
      clearInterval(timer)
    }
  }

  #report(onProgress: (progress: Progress) => void): void {
    const { percentage, rows_processed, total_rows_to_process } = this.#connection.progress
    if (percentage < 0) return
    const total = Number(total_rows_to_process)
    onProgress({ rows: Number(rows_processed), totalRows: total > 0 ? total : null })
  }
}

/** Rows of a result that is in memory: taken from there, with no turn of the thread pool for each chunk. */
export function rowsOf(result: DuckDBMaterializedResult): readonly Record<string, DuckDBValue>[] {
  const names = result.deduplicatedColumnNames()
  return Array.from({ length: result.chunkCount }, (_, at) => result.getChunk(at).getRowObjects(names)).flat()
}

function markedSql(query: string): string {
  return (
    `SELECT *, false AS ${END_COLUMN} FROM (${query}\n) ` + `UNION ALL BY NAME SELECT true AS ${END_COLUMN}`
  )
}

/** Whether the last row of a chunk is the end mark of a guarded stream. */
function endsWithMark(chunk: DuckDBDataChunk): boolean {
  const first = readColumns(chunk, chunk.rowCount, (columnAt) =>
    bytesOf(columnAt(chunk.columnCount - 1), 1).indexOf(1),
  )
  if (first === -1) return false
  if (first !== chunk.rowCount - 1) throw new EngineError('the engine delivered rows after the end mark')
  return true
}
