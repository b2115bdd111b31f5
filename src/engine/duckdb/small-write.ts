/**
 * Few rows of this process as a data file, without the engine: opening it takes longer than a hundred
 * such writes, and one of its statements longer than encoding them here.
 */
import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '../../abort.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import { partitionPath } from '../../format/partition-path.ts'
import type { WriteRequest, WriteResult } from '../data-plane.ts'
import { sizeOfRows, type Block, type ColumnData } from './column-data.ts'
import type { Outputs } from './outputs.ts'
import { rowBlocks, type RowBlocks } from './row-blocks.ts'
import { encodeSmallFile, pageCompression, type PageCompression } from './small-file.ts'
import { smallLayout, type SmallLayout } from './small-layout.ts'
import { smallMetrics } from './small-metrics.ts'
import { refuseUnwritable } from './writable.ts'
import { smallParting, smallParts, type SmallPart, type SmallParting } from './small-parts.ts'
import { dataFile, takesAll, writeFiles } from './write-files.ts'

/** Encoding this much keeps the process from all else for a dozen milliseconds at most. */
const MAX_ROWS = 1000
const MAX_BYTES = 128 * 1024
const MAX_ELEMENTS = 64 * 1024
const MAX_COLUMNS = 1000

/** The engine makes many files in one pass. */
const MAX_PARTS = 8

/** A write that may turn out to be small, and how it would be done. */
export interface SmallWrite {
  readonly request: WriteRequest
  readonly blocks: RowBlocks
  readonly totalRows: number | null
  readonly layout: SmallLayout
  readonly parting: SmallParting
  readonly compression: PageCompression
}

/** What came of it: all is written, or there are more rows than that, of which some were taken. */
export type SmallOutcome =
  | { readonly kind: 'written'; readonly result: WriteResult }
  | { readonly kind: 'large'; readonly taken: readonly Block[] }

/** null for a write that is the engine's, of however few rows. Nothing is asked of the rows yet. */
export function smallWrite(request: WriteRequest): SmallWrite | null {
  const { source, schema, parquet, spec, sortOrder } = request
  if (source.kind !== 'rows' || !takesAll(request) || parquet.bloomFilterColumns.length > 0) return null
  const { rows } = source
  const totalRows = Array.isArray(rows) ? rows.length : null
  if (totalRows !== null && totalRows > MAX_ROWS) return null
  // To be split, perhaps.
  const isRewritten = spec.fields.length > 0 || sortOrder.fields.length > 0
  if (request.targetFileSizeBytes < MAX_BYTES && isRewritten) return null
  throwIfAborted(request.signal)
  refuseUnwritable(schema)
  const layout = smallLayout(schema)
  if (layout === null || layout.elements.length > MAX_COLUMNS) return null
  const parting = smallParting(request, layout)
  const compression = pageCompression(parquet)
  if (parting === null || compression === null) return null
  return { request, blocks: rowBlocks(rows, schema), totalRows, layout, parting, compression }
}

/** Writes all rows if they are few. Whoever calls closes the blocks. */
export async function writeSmall(write: SmallWrite): Promise<SmallOutcome> {
  const { request, blocks, totalRows } = write
  const taken: Block[] = []
  for (;;) {
    const next = await blocks.next()
    throwIfAborted(request.signal)
    if (next.done === true) break
    taken.push(next.value)
    // What is few enough comes in one block.
    if (taken.length > 1 || !isSmall(next.value)) return { kind: 'large', taken }
  }
  const [block] = taken
  if (block === undefined) return { kind: 'written', result: { files: [], rows: 0 } }
  const parts = smallParts(request, write.parting, block, MAX_PARTS)
  if (parts === null) return { kind: 'large', taken }
  request.onProgress?.({ rows: block.rows, totalRows })
  return { kind: 'written', result: await writeParts(write, parts) }
}

function isSmall(block: Block): boolean {
  if (block.rows > MAX_ROWS || sizeOfRows(block, 0, block.rows) > MAX_BYTES) return false
  return block.columns.reduce((sum, column) => sum + elementsIn(column, block.rows), 0) <= MAX_ELEMENTS
}

/** How many structs, lists and values there are in the first elements of a column, at all depths. */
function elementsIn(column: ColumnData, count: number): number {
  switch (column.kind) {
    case 'list':
      return count + elementsIn(column.child, column.offsets[count] ?? 0)
    case 'struct':
      return column.children.reduce((sum, child) => sum + elementsIn(child, count), count)
    default:
      return count
  }
}

function writeParts(write: SmallWrite, parts: readonly SmallPart[]): Promise<WriteResult> {
  const { signal } = write.request
  return writeFiles(write.request, async (outputs) => {
    const files: ContentFile[] = []
    for (const part of parts) {
      // Between two files others get their turn.
      if (files.length > 0) await setImmediate()
      throwIfAborted(signal)
      files.push(await writePart(write, part, outputs))
    }
    return files
  })
}

/** The first row group follows the magic bytes. */
const SPLIT_OFFSETS = [4]

async function writePart(
  { request, layout, compression }: SmallWrite,
  { partition, block }: SmallPart,
  outputs: Outputs,
): Promise<ContentFile> {
  const { dictionarySizeBytes } = request.parquet
  const { bytes, leaves } = encodeSmallFile(layout, block, { ...compression, dictionarySizeBytes })
  const path = partitionPath(request.spec, request.schema, partition)
  const { location } = await outputs.write(path, bytes)
  return dataFile(request, {
    location,
    partition,
    rows: block.rows,
    sizeBytes: bytes.length,
    metrics: smallMetrics(leaves, request.metrics),
    splitOffsets: SPLIT_OFFSETS,
  })
}
