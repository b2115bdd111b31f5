/**
 * Blocks of columns as an open source. Blocks at hand are handed over while DuckDB asks for them.
 * Blocks that must be waited for cannot be: the table function is synchronous. They are held if
 * they are few, and spooled to Parquet files in the engine's scratch folder otherwise, so that
 * memory stays bounded and nothing is read faster than it can be put away.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../../abort.ts'
import { blockSource, type SourceColumn } from './block-source.ts'
import { sizeOfRows, type Block } from './column-data.ts'
import type { DuckDbEngine } from './connection.ts'
import { exposeSource } from './js-source.ts'
import { distinctNames, quoteName, quotePaths, quoteText } from './sql.ts'
import type { IncomingColumn } from './convert.ts'
import type { OpenOptions, OpenSource } from './sources.ts'

/** Up to this many bytes of blocks are held in memory; beyond, they are spooled. */
const HELD_BYTES = 48 * 1024 * 1024

/** Rows on their way, in blocks of columns. */
export interface BlockStream {
  /** What errors call it. */
  readonly name: string
  /** By the names of the table's columns. */
  readonly columns: readonly SourceColumn[]
  readonly blocks: Iterable<Block> | AsyncIterable<Block>
  /** null when it is not known before reading. */
  readonly rowCount: number | null
  /** Closes what the rows come from, begun or not. Idempotent. */
  close(): Promise<void>
}

export async function openBlocks(stream: BlockStream, options: OpenOptions): Promise<OpenSource> {
  if (Symbol.asyncIterator in stream.blocks) return openAsync(stream, stream.blocks, options)
  const held = openHeld(stream, stream.blocks, options, { rowCount: stream.rowCount, sizeBytes: null })
  return {
    ...held,
    close: async () => {
      await held.close()
      await stream.close()
    },
  }
}

/** Some blocks of a stream, at hand, as a source. Closing it leaves the stream open. */
export function openHeld(
  stream: BlockStream,
  blocks: Iterable<Block>,
  { signal, onProgress }: OpenOptions,
  { rowCount, sizeBytes }: { readonly rowCount: number | null; readonly sizeBytes: number | null },
): OpenSource {
  const iterator = blocks[Symbol.iterator]()
  let rows = 0
  const exposed = exposeSource(
    blockSource(distinctColumns(stream.columns), iterator, {
      cardinality: rowCount,
      onRows: (more) => {
        throwIfAborted(signal)
        rows += more
        onProgress?.({ rows, totalRows: rowCount })
      },
    }),
  )
  return {
    ...commonOf(stream),
    from: exposed.sql,
    paths: [],
    rowCount,
    sizeBytes,
    failure: exposed.failure,
    close: async () => {
      exposed.close()
      iterator.return?.()
    },
  }
}

async function openAsync(
  stream: BlockStream,
  blocks: AsyncIterable<Block>,
  options: OpenOptions,
): Promise<OpenSource> {
  const { signal, onProgress, engine } = options
  const iterator = blocks[Symbol.asyncIterator]()
  const held: Block[] = []
  let heldBytes = 0
  let rows = 0
  let spool: Spool | null = null
  try {
    for (;;) {
      const next = await iterator.next()
      throwIfAborted(signal)
      if (next.done === true) break
      held.push(next.value)
      heldBytes += sizeOfRows(next.value, 0, next.value.rows)
      rows += next.value.rows
      onProgress?.({ rows, totalRows: null })
      if (heldBytes < HELD_BYTES) continue
      spool ??= await Spool.create(engine, distinctColumns(stream.columns))
      await spool.write(held.splice(0), signal)
      heldBytes = 0
    }
    if (spool === null) return openHeld(stream, held, options, { rowCount: rows, sizeBytes: heldBytes })
    if (held.length > 0) await spool.write(held.splice(0), signal)
    return spooled(stream, spool, rows)
  } catch (error) {
    await spool?.remove()
    throw error
  } finally {
    await iterator.return?.()
    await stream.close()
  }
}

function spooled(stream: BlockStream, spool: Spool, rowCount: number): OpenSource {
  return {
    ...commonOf(stream),
    from: `read_parquet(${quotePaths(spool.files)}, hive_partitioning = false)`,
    paths: spool.files,
    rowCount,
    sizeBytes: spool.bytes,
    failure: () => null,
    close: () => spool.remove(),
  }
}

function commonOf(
  stream: BlockStream,
): Omit<OpenSource, 'from' | 'paths' | 'rowCount' | 'sizeBytes' | 'failure' | 'close'> {
  return {
    name: stream.name,
    columns: streamColumns(stream),
    rowCheck: null,
    nullsChecked: true,
    position: null,
  }
}

/** The columns of a stream as SQL sees them. */
export function streamColumns(stream: BlockStream): readonly IncomingColumn[] {
  const distinct = distinctColumns(stream.columns)
  return stream.columns.map((column, at) => ({
    ...column,
    sql: quoteName(distinct[at]?.name ?? column.name),
  }))
}

/** DuckDB tells names apart regardless of case. */
function distinctColumns(columns: readonly SourceColumn[]): readonly SourceColumn[] {
  const names = distinctNames(columns.map((column) => column.name))
  return columns.map((column, at) => ({ ...column, name: names[at] ?? column.name }))
}

/** Parquet files that hold rows until all have come. */
class Spool {
  readonly files: string[] = []
  bytes = 0
  readonly #engine: DuckDbEngine
  readonly #columns: readonly SourceColumn[]
  readonly #folder: string

  private constructor(engine: DuckDbEngine, columns: readonly SourceColumn[], folder: string) {
    this.#engine = engine
    this.#columns = columns
    this.#folder = folder
  }

  static async create(engine: DuckDbEngine, columns: readonly SourceColumn[]): Promise<Spool> {
    return new Spool(engine, columns, await mkdtemp(join(engine.scratchDir, 'spool-')))
  }

  async write(blocks: readonly Block[], signal: AbortSignal | undefined): Promise<void> {
    const path = join(this.#folder, `${this.files.length}.parquet`)
    const source = exposeSource(blockSource(this.#columns, blocks[Symbol.iterator](), { cardinality: null }))
    try {
      await this.#engine.withSession({}, (session) =>
        session.run(`COPY (FROM ${source.sql}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION lz4)`, {
          doing: 'spool the rows',
          signal,
        }),
      )
      this.files.push(path)
      this.bytes += (await stat(path)).size
    } finally {
      source.close()
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
