/** A JsSource over blocks of columns. */
import type { DuckDBType } from '@duckdb/node-api'
import type { Block } from './column-data.ts'
import { sizeOfRows } from './column-data.ts'
import { VECTOR_SIZE, type JsSource } from './js-source.ts'
import { fillVector } from './vectors-in.ts'

export interface SourceColumn {
  readonly name: string
  readonly type: DuckDBType
}

/** A vector's worth of rows is handed over in pieces when it holds more bytes than this. */
const MAX_VECTOR_BYTES = 64 * 1024 * 1024

/** Hands the blocks' rows over one vector at a time, pulling a block when the last one is used up. */
export function blockSource(
  columns: readonly SourceColumn[],
  blocks: Iterator<Block>,
  options: {
    readonly cardinality: number | null
    readonly onRows?: ((rows: number) => void) | undefined
  },
): JsSource {
  let block: Block = { rows: 0, columns: [] }
  let done = 0
  return {
    columns,
    cardinality: options.cardinality,
    fill: (vectors, wanted) => {
      while (done === block.rows) {
        const next = blocks.next()
        if (next.done === true) return 0
        block = next.value
        done = 0
      }
      const count = rowsThatFit(block, done)
      for (const [at, vector] of vectors.entries()) {
        const column = block.columns[wanted[at] ?? -1]
        if (column !== undefined) fillVector(vector, column, (block.start ?? 0) + done, count)
      }
      done += count
      options.onRows?.(count)
      return count
    },
  }
}

function rowsThatFit(block: Block, start: number): number {
  let count = Math.min(VECTOR_SIZE, block.rows - start)
  while (count > 1 && sizeOfRows(block, start, count) > MAX_VECTOR_BYTES) count = count >> 1
  return count
}
