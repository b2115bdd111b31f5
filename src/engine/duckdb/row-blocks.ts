/** Plain rows as blocks of columns, each value checked on the way. */
import type { Schema } from '../../format/schema.ts'
import type { Row } from '../../format/values/value.ts'
import type { Block } from './column-data.ts'
import { RowBuilder } from './nested-builder.ts'

/** Rows are gathered into blocks of about this many bytes, or one vector for iterables in memory. */
const BLOCK_BYTES = 16 * 1024 * 1024
const SYNC_BLOCK_ROWS = 2048

/** What the blocks of a source of rows come as: nothing is asked of the rows before they are. */
export type RowBlocks = Generator<Block, void, undefined> | AsyncGenerator<Block, void, undefined>

/** The columns are the schema's fields, in their order. Ending the blocks ends the rows. */
export function rowBlocks(rows: Iterable<Row> | AsyncIterable<Row>, schema: Schema | null): RowBlocks {
  // Columns of type unknown are never stored, and must be null: the builder sees to it.
  const builder = new RowBuilder(schema?.fields ?? [], 'rows')
  return Symbol.asyncIterator in rows ? asyncBlocks(rows, builder) : syncBlocks(rows, builder)
}

function* syncBlocks(rows: Iterable<Row>, builder: RowBuilder): Generator<Block, void, undefined> {
  for (const row of rows) {
    builder.append(row)
    if (builder.held === SYNC_BLOCK_ROWS || isFull(builder)) yield builder.take()
  }
  if (builder.held > 0) yield builder.take()
}

/** How often the size of what is held is looked at, in rows. */
const LOOK_EVERY = 32

function isFull(builder: RowBuilder): boolean {
  return builder.held % LOOK_EVERY === 0 && builder.size() >= BLOCK_BYTES
}

async function* asyncBlocks(
  rows: AsyncIterable<Row>,
  builder: RowBuilder,
): AsyncGenerator<Block, void, undefined> {
  for await (const row of rows) {
    builder.append(row)
    if (isFull(builder)) yield builder.take()
  }
  if (builder.held > 0) yield builder.take()
}
