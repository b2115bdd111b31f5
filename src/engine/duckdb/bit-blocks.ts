/**
 * Rows that a query finds, as bitmaps: the engine sets the bits where it finds the rows, by all of its
 * threads, so that what it hands over is a few blocks of bits however many rows they stand for.
 */
import type { PositionSet } from '../../format/position-set.ts'
import { bigint64sOf, int32sOf, readColumns } from './raw-vector.ts'
import { reversed } from './row-choice.ts'
import type { StreamChunk } from './session.ts'
import { packBytes } from './string-vector.ts'

/** Rows of a block, as a power of two. Only blocks with a row in them take memory: 8 KB each. */
const BLOCK_POWER = 16
const BLOCK_ROWS = 2 ** BLOCK_POWER

/** Bitmaps of the rows of a query, by two of its columns: an INTEGER that groups them, and a BIGINT. */
export function bitBlocksSql(query: string, group: string, position: string): string {
  const bit = `${position} & ${BLOCK_ROWS - 1}`
  return (
    `SELECT ${group} AS of_group, ${position} >> ${BLOCK_POWER} AS of_block, ` +
    `bitstring_agg(${bit}, 0, ${BLOCK_ROWS - 1}) AS bits FROM (${query}) GROUP BY ALL`
  )
}

/** Adds the rows of a chunk of such a query to the sets of their groups. */
export function addBitBlocks({ chunk, rowCount }: StreamChunk, setOf: (group: number) => PositionSet): void {
  readColumns(chunk, rowCount, (columnAt) => {
    const [groups, blocks] = [int32sOf(columnAt(0)), bigint64sOf(columnAt(1))]
    const { bytes, offsets } = packBytes(columnAt(2), null)
    for (const [i, group] of groups.entries()) {
      // A byte before the bits says how many of them pad it: none.
      const bits = bytes.subarray((offsets[i] ?? 0) + 1, offsets[i + 1])
      setOf(group).addBytes(Number(blocks[i]) * BLOCK_ROWS, reversed(bits))
    }
  })
}
