/** Incoming rows as something SQL can read: files in place, all else through column buffers. */
import type { DuckDBBitValue } from '@duckdb/node-api'
import type { Schema } from '../../format/schema.ts'
import type { Row } from '../../format/values/value.ts'
import { InvalidArgumentError, InvalidDataError } from '../../errors.ts'
import type { ArrowRecordBatch, RowSource, RunOptions } from '../data-plane.ts'
import { arrowBlock, arrowColumns, arrowFields, arrowReader, type ArrowReader } from './arrow-in.ts'
import { arrowIpcBatches } from './arrow-ipc.ts'
import type { SourceColumn } from './block-source.ts'
import type { Block } from './column-data.ts'
import type { DuckDbEngine } from './connection.ts'
import type { IncomingColumn } from './convert.ts'
import { duckType } from './duck-types.ts'
import { openFiles } from './files-in.ts'
import { checkRequired } from './null-checks.ts'
import { openBlocks, type BlockStream } from './open-blocks.ts'
import { rowBlocks, type RowBlocks } from './row-blocks.ts'

/** A source that is ready to be read by SQL. */
export interface OpenSource {
  /** What errors call it: a file's path, `rows` or `arrow`. */
  readonly name: string
  readonly columns: readonly IncomingColumn[]
  /** The FROM clause. Only a source with `locate` may be read twice. */
  readonly from: string
  /** Local files that the FROM clause reads. */
  readonly paths: readonly string[]
  /** Nulls in required columns have been refused already. */
  readonly nullsChecked: boolean
  /** null when it is not known before reading. */
  readonly rowCount: number | null
  /** About how many bytes the rows will take in a data file; null when nothing tells. */
  readonly sizeBytes: number | null
  /** What went wrong while rows were handed over: DuckDB knows it in words only. */
  failure(): { readonly thrown: unknown } | null
  /** SQL that must be true of every row; null when nothing but its columns is to be checked. */
  readonly rowCheck: string | null
  /** SQL of the file and the row within it; null when the source cannot be read again. */
  readonly position: { readonly from: string; readonly file: string; readonly row: string } | null
  /** For rows that the plane itself has stored or spooled; absent for what comes from outside. */
  readonly stored?: StoredRows
  close(): Promise<void>
}

/** Of a source that is read from files which the plane knows: its number of rows is exact. */
export interface StoredRows {
  /** Of the parameters `$1`, `$2` … in the FROM clause. */
  readonly values: readonly DuckDBBitValue[]
  /** Errors call a file by this. */
  readonly nameOf: (localPath: string) => string
  /** The error to throw for one that reading it met: it names the file at fault, where one is. */
  diagnose(error: unknown): Promise<unknown>
}

export interface OpenOptions extends RunOptions {
  readonly engine: DuckDbEngine
  /** What the rows are to fit; null to look at them only. */
  readonly schema: Schema | null
}

/** Opens a source. Throws what its files, batches or first rows already give away. */
export async function openSource(source: RowSource, options: OpenOptions): Promise<OpenSource> {
  if (source.kind === 'files') return openFiles(source, options)
  return openBlocks(await blocksOf(source, options.schema), options)
}

/** What is not in files, as blocks of columns. */
export async function blocksOf(
  source: Exclude<RowSource, { readonly kind: 'files' }>,
  schema: Schema | null,
): Promise<BlockStream> {
  switch (source.kind) {
    case 'rows':
      return rowStream(source.rows, schema)
    case 'arrow':
      return arrowBlocks(source.batches, schema)
    case 'arrow-ipc':
      return arrowBlocks(arrowIpcBatches(source.chunks), schema)
  }
}

/** Rows as a stream; `blocks` are theirs where some were asked for already. */
export function rowStream(
  rows: Iterable<Row> | AsyncIterable<Row>,
  schema: Schema | null,
  blocks: RowBlocks = rowBlocks(rows, schema),
): BlockStream {
  return {
    name: 'rows',
    columns: (schema?.fields ?? []).map((field) => ({ name: field.name, type: duckType(field.type) })),
    blocks,
    rowCount: Array.isArray(rows) ? rows.length : null,
    // Nothing is asked of the rows before the blocks are, and those close them.
    close: async () => {},
  }
}

async function arrowBlocks(
  batches: Iterable<ArrowRecordBatch> | AsyncIterable<ArrowRecordBatch>,
  schema: Schema | null,
): Promise<BlockStream> {
  const first = await firstOf(batches)
  const decoder = new ArrowDecoder(first.batch, schema)
  return {
    name: 'arrow',
    columns: decoder.columns,
    blocks:
      first.kind === 'sync' ? decoder.sync(first.batch, first.rest) : decoder.async(first.batch, first.rest),
    rowCount: first.batch === null ? 0 : rowsOf(batches),
    // The first batch was asked for already, whether the blocks are begun or not.
    close: async () => void (await first.rest.return?.()),
  }
}

type FirstBatch =
  | {
      readonly kind: 'sync'
      readonly batch: ArrowRecordBatch | null
      readonly rest: Iterator<ArrowRecordBatch>
    }
  | {
      readonly kind: 'async'
      readonly batch: ArrowRecordBatch | null
      readonly rest: AsyncIterator<ArrowRecordBatch>
    }

/** The first batch, whose schema all others must have. */
async function firstOf(
  batches: Iterable<ArrowRecordBatch> | AsyncIterable<ArrowRecordBatch>,
): Promise<FirstBatch> {
  if (Symbol.asyncIterator in batches) {
    const rest = batches[Symbol.asyncIterator]()
    const { done, value } = await rest.next()
    return { kind: 'async', batch: done === true ? null : value, rest }
  }
  const rest = batches[Symbol.iterator]()
  const { done, value } = rest.next()
  return { kind: 'sync', batch: done === true ? null : value, rest }
}

function rowsOf(batches: Iterable<ArrowRecordBatch> | AsyncIterable<ArrowRecordBatch>): number | null {
  if (!Array.isArray(batches)) return null
  return batches.reduce((sum: number, batch: ArrowRecordBatch) => sum + batch.numRows, 0)
}

/** Turns Arrow batches of one schema into blocks, refusing what a required column must not hold. */
class ArrowDecoder {
  readonly columns: readonly SourceColumn[]
  readonly #readers: readonly ArrowReader[]
  readonly #schema: Schema | null
  readonly #shape: string
  #rows = 0

  constructor(first: ArrowRecordBatch | null, schema: Schema | null) {
    const fields = first === null ? [] : arrowFields(first)
    if (first !== null && (fields.length === 0 || arrowColumns(first).length !== fields.length)) {
      throw new InvalidArgumentError('an Arrow batch has no columns')
    }
    this.#schema = schema
    this.#readers = fields.map((field) => {
      const target = schema?.fields.find((other) => other.name === field.name)
      return arrowReader(field.type, field.name, target?.type)
    })
    this.columns = fields.map((field, at) => ({
      name: field.name,
      type: this.#readers[at]?.type ?? duckType({ kind: 'unknown' }),
    }))
    this.#shape = shapeOf(fields)
  }

  *sync(first: ArrowRecordBatch | null, rest: Iterator<ArrowRecordBatch>): Generator<Block, void, undefined> {
    try {
      for (let batch = first; batch !== null;) {
        yield this.#block(batch)
        const next = rest.next()
        batch = next.done === true ? null : next.value
      }
    } finally {
      rest.return?.()
    }
  }

  async *async(
    first: ArrowRecordBatch | null,
    rest: AsyncIterator<ArrowRecordBatch>,
  ): AsyncGenerator<Block, void, undefined> {
    try {
      for (let batch = first; batch !== null;) {
        yield this.#block(batch)
        const next = await rest.next()
        batch = next.done === true ? null : next.value
      }
    } finally {
      await rest.return?.()
    }
  }

  #block(batch: ArrowRecordBatch): Block {
    if (shapeOf(arrowFields(batch)) !== this.#shape) {
      throw new InvalidDataError('the Arrow batches have different columns', {
        source: 'arrow',
        hint: 'Give batches of one schema.',
      })
    }
    try {
      const block = arrowBlock(batch, this.#readers)
      if (this.#schema !== null) checkRequired(block, this.columns, this.#schema)
      this.#rows += block.rows
      return block
    } catch (error) {
      if (!(error instanceof InvalidDataError)) throw error
      const row = error.row === undefined ? undefined : this.#rows + error.row
      const where = row === undefined ? 'in arrow' : `row ${row} of arrow`
      throw new InvalidDataError(`${error.message} (${where})`, {
        column: error.column,
        hint: error.hint,
        source: 'arrow',
        row,
      })
    }
  }
}

function shapeOf(fields: readonly { readonly name: string; readonly type: unknown }[]): string {
  return fields.map((field) => `${field.name}:${String(field.type)}`).join('\n')
}
