/** A whole Parquet file of one row group, encoded in this process. */
import type { CompressionCodec } from 'hyparquet'
import { ByteWriter, ParquetWriter, type ColumnSource } from 'hyparquet-writer'
import { EngineError } from '../../errors.ts'
import { hasZstd, nodeCodecs, packZstd } from '../../compression.ts'
import { ENGINE_NAME, ENGINE_VERSION } from '../../version.ts'
import type { ParquetWriteOptions } from '../data-plane.ts'
import type { Block } from './column-data.ts'
import type { SmallColumn, SmallLayout } from './small-layout.ts'
import type { EncodedLeaf } from './small-metrics.ts'
import { smallValues, type LeafValues, type StoredValue } from './small-values.ts'

/** Bytes of a small file, and what its leaf columns hold, in their order. */
export interface SmallFile {
  readonly bytes: Uint8Array
  readonly leaves: readonly EncodedLeaf[]
}

/** How pages are compressed; no function where the encoder has its own. */
export interface PageCompression {
  readonly codec: CompressionCodec
  readonly compress?: (bytes: Uint8Array) => Uint8Array
}

/** null for what only the engine can do. */
export function pageCompression(options: ParquetWriteOptions): PageCompression | null {
  const { compression, compressionLevel: level } = options
  switch (compression) {
    case 'zstd':
      if (!hasZstd() || (level !== null && (level < 1 || level > 22))) return null
      return { codec: 'ZSTD', compress: (bytes) => packZstd(bytes, level) }
    case 'gzip':
      return { codec: 'GZIP', compress: (bytes) => nodeCodecs.gzip(bytes) }
    case 'snappy':
      return { codec: 'SNAPPY' }
    case 'uncompressed':
      return { codec: 'UNCOMPRESSED' }
    default:
      return null
  }
}

/** The rows of a block, from its beginning, as a file. */
export function encodeSmallFile(
  { elements, columns }: SmallLayout,
  block: Block,
  {
    codec,
    compress,
    dictionarySizeBytes,
  }: PageCompression & Pick<ParquetWriteOptions, 'dictionarySizeBytes'>,
): SmallFile {
  const writer = new ByteWriter()
  const parquet = new ParquetWriter({
    writer,
    schema: elements,
    codec,
    ...(compress === undefined ? {} : { compressors: { [codec]: compress } }),
    statisticsTruncateLength: Infinity,
    createdBy: `${ENGINE_NAME} version ${ENGINE_VERSION}`,
  })
  const leaves: LeafValues[] = []
  const columnData = columns.map((column) => columnSource(column, block, leaves))
  // Into memory nothing is waited for.
  void parquet.write({
    columnData,
    rowGroupSize: block.rows,
    // No limit at all is what the encoder takes 0 for.
    dictionarySize: Math.max(1, dictionarySizeBytes),
  })
  void parquet.finish()
  const chunks = parquet.row_groups.flatMap((group) => group.columns)
  return {
    bytes: writer.getBytes(),
    leaves: leaves.map((leaf, at) => ({ ...leaf, sizeBytes: sizeOf(chunks[at]) })),
  }
}

function sizeOf(chunk: ParquetWriter['row_groups'][number]['columns'][number] | undefined): number {
  if (chunk?.meta_data === undefined) throw new EngineError('a column is missing in a file that was written')
  return Number(chunk.meta_data.total_compressed_size)
}

function columnSource({ at, name, node }: SmallColumn, block: Block, leaves: LeafValues[]): ColumnSource {
  const column = block.columns[at]
  if (column === undefined) throw new EngineError('a column of rows is missing')
  const first = leaves.length
  const data = [...smallValues(node, column, block.rows, leaves)]
  const own = leaves.slice(first)
  return {
    name,
    data,
    ...(own.some(isPlainOnly) ? { encoding: 'PLAIN' } : {}),
    ...(own.some(isWorthCompressing) && own.every(hasValues) ? {} : { codec: 'UNCOMPRESSED' }),
    ...(own.some(isNotForStatistics) ? { statistics: false } : {}),
  }
}

/**
 * The encoder's dictionaries take both zeros for one. Booleans longer than a few have an encoding by
 * default that older readers do not know.
 */
function isPlainOnly({ leaf: { type } }: LeafValues): boolean {
  return type.kind === 'float' || type.kind === 'double' || type.kind === 'boolean'
}

/** Not all readers can unpack nothing. */
function hasValues({ values }: LeafValues): boolean {
  return values.some((value) => value !== null)
}

/** Fewer bytes than this come out no smaller, by much, for what it costs to try. */
const COMPRESSED_FROM_BYTES = 256

function isWorthCompressing({ values }: LeafValues): boolean {
  let bytes = 0
  for (const value of values) {
    bytes += storedBytes(value)
    if (bytes >= COMPRESSED_FROM_BYTES) return true
  }
  return false
}

/** About; a boolean is a bit, and a null nothing. */
function storedBytes(value: StoredValue | null): number {
  if (value === null) return 0
  if (value instanceof Uint8Array) return value.length + 4
  return typeof value === 'boolean' ? 1 / 8 : typeof value === 'bigint' ? 8 : 4
}

/** As the engine: rather no least and greatest value than long ones, or such as are none. */
const MAX_STATISTICS_BYTES = 256

/**
 * Nor any beside NaNs, which are greater than the greatest, or no number at all, by whom one asks:
 * DuckDB takes what a file says of its values to be of all of them.
 */
function isNotForStatistics({ values }: LeafValues): boolean {
  return values.some((value) =>
    value instanceof Uint8Array ? value.length > MAX_STATISTICS_BYTES : Number.isNaN(value),
  )
}
