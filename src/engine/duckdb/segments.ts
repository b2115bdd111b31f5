/** Cutting a stream of blocks into segments: as many rows as make a row group, or fewer wide ones. */
import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '../../abort.ts'
import type { RunOptions } from '../data-plane.ts'
import { sizeOfRows, sliceBlock, type Block } from './column-data.ts'
import type { BlockStream } from './open-blocks.ts'

export interface Segment {
  readonly blocks: readonly Block[]
  readonly rows: number
  readonly bytes: number
}

export interface SegmentLimits {
  readonly rows: number
  readonly bytes: number
}

/** Between two blocks at hand others get their turn when this many rows have been taken. */
const YIELD_EVERY_ROWS = 8192

/** The stream's rows in segments, in order. Ending early closes the stream. */
export async function* segmentsOf(
  stream: BlockStream,
  limits: SegmentLimits,
  { signal, onProgress }: RunOptions,
): AsyncGenerator<Segment, void, undefined> {
  const gathered = new Gathered()
  let taken = 0
  let rested = 0
  const isAtHand = Symbol.iterator in stream.blocks
  for await (const block of stream.blocks) {
    throwIfAborted(signal)
    for (let from = 0; from < block.rows;) {
      const rows = Math.min(block.rows - from, limits.rows - gathered.rows)
      gathered.add(sliceBlock(block, from, rows))
      from += rows
      if (gathered.rows >= limits.rows || gathered.bytes >= limits.bytes) yield gathered.take()
    }
    taken += block.rows
    onProgress?.({ rows: taken, totalRows: stream.rowCount })
    if (isAtHand && taken - rested >= YIELD_EVERY_ROWS) {
      rested = taken
      await setImmediate()
    }
  }
  if (gathered.rows > 0) yield gathered.take()
}

class Gathered {
  #blocks: Block[] = []
  rows = 0
  bytes = 0

  add(block: Block): void {
    this.#blocks.push(block)
    this.rows += block.rows
    this.bytes += sizeOfRows(block, 0, block.rows)
  }

  take(): Segment {
    const segment = { blocks: this.#blocks, rows: this.rows, bytes: this.bytes }
    this.#blocks = []
    this.rows = 0
    this.bytes = 0
    return segment
  }
}
