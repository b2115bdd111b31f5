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
import { sizeOf, type Block } from './column-data.ts'
import type { DuckDbEngine } from './connection.ts'
import { exposeSource } from './js-source.ts'
import { distinctNames, quoteName, quotePaths, quoteText } from './sql.ts'
import type { OpenOptions, OpenSource } from './sources.ts'

/** Up to this many bytes of blocks are held in memory; beyond, they are spooled. */
const HELD_BYTES = 48 * 1024 * 1024

interface BlocksRequest {
  readonly name: string
  /** By the names of the table's columns. */
  readonly columns: readonly SourceColumn[]
  readonly blocks: Iterable<Block> | AsyncIterable<Block>
  readonly rowCount: number | null
  readonly options: OpenOptions
}

export async function openBlocks(request: BlocksRequest): Promise<OpenSource> {
  if (Symbol.asyncIterator in request.blocks) return openAsync(request, request.blocks)
  return openSync(request, request.blocks, request.rowCount)
}

function openSync(
  request: BlocksRequest,
  blocks: Iterable<Block>,
  rowCount: number | null,
  sizeBytes: number | null = null,
): OpenSource {
  const { signal, onProgress } = request.options
  const iterator = blocks[Symbol.iterator]()
  let rows = 0
  const exposed = exposeSource(
    blockSource(distinctColumns(request.columns), iterator, {
      cardinality: rowCount,
      onRows: (more) => {
        throwIfAborted(signal)
        rows += more
        onProgress?.({ rows, totalRows: rowCount })
      },
    }),
  )
  return {
    ...commonOf(request),
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

async function openAsync(request: BlocksRequest, blocks: AsyncIterable<Block>): Promise<OpenSource> {
  const { signal, onProgress, engine } = request.options
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
      heldBytes += bytesOf(next.value)
      rows += next.value.rows
      onProgress?.({ rows, totalRows: null })
      if (heldBytes < HELD_BYTES) continue
      spool ??= await Spool.create(engine, distinctColumns(request.columns))
      await spool.write(held.splice(0), signal)
      heldBytes = 0
    }
    if (spool === null) return openSync(request, held, rows, heldBytes)
    if (held.length > 0) await spool.write(held.splice(0), signal)
    return spooled(request, spool, rows)
  } catch (error) {
    await spool?.remove()
    throw error
  } finally {
    await iterator.return?.()
  }
}

function spooled(request: BlocksRequest, spool: Spool, rowCount: number): OpenSource {
  return {
    ...commonOf(request),
    from: `read_parquet(${quotePaths(spool.files)}, hive_partitioning = false)`,
    paths: spool.files,
    rowCount,
    sizeBytes: spool.bytes,
    failure: () => null,
    close: () => spool.remove(),
  }
}

function commonOf(
  request: BlocksRequest,
): Omit<OpenSource, 'from' | 'paths' | 'rowCount' | 'sizeBytes' | 'failure' | 'close'> {
  const distinct = distinctColumns(request.columns)
  return {
    name: request.name,
    columns: request.columns.map((column, at) => ({
      ...column,
      sql: quoteName(distinct[at]?.name ?? column.name),
    })),
    rowCheck: null,
    nullsChecked: true,
    position: null,
  }
}

/** DuckDB tells names apart regardless of case. */
function distinctColumns(columns: readonly SourceColumn[]): readonly SourceColumn[] {
  const names = distinctNames(columns.map((column) => column.name))
  return columns.map((column, at) => ({ ...column, name: names[at] ?? column.name }))
}

function bytesOf(block: Block): number {
  return block.columns.reduce((sum, column) => sum + sizeOf(column, 0, block.rows), 0)
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
