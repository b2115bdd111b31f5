/** Writing rows as data files by DuckDB: checked against the table's schema, partitioned, sorted. */
import { CorruptFileError, EngineError } from '../../errors.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import type { WriteRequest, WriteResult } from '../data-plane.ts'
import type { DuckDbEngine } from './connection.ts'
import { convertColumns } from './convert.ts'
import { locateFault } from './locate-fault.ts'
import type { Reader } from './open-tasks.ts'
import { openBlocks, openHeld, streamColumns, type BlockStream } from './open-blocks.ts'
import type { Outputs } from './outputs.ts'
import { openScanned } from './scanned-source.ts'
import { openSelected } from './selected-source.ts'
import { segmentsOf } from './segments.ts'
import { blocksOf, openSource, rowStream, type OpenSource } from './sources.ts'
import { checkedColumns, refuseReported } from './checked-columns.ts'
import type { RowBlocks } from './row-blocks.ts'
import { dataFile, takesAll, writeFiles } from './write-files.ts'
import { copyRows, type WrittenFile } from './write-copy.ts'
import { copySegments } from './write-segments.ts'
import { MAX_ROW_GROUP_ROWS } from './write-sql.ts'
import { reportedMetrics, leavesOf, type Leaf } from './write-stats.ts'

/** DataPlane.write by DuckDB. `begun` are blocks of the rows of a source that were asked for already. */
export async function writeRows(
  reader: Reader,
  request: WriteRequest,
  begun?: RowBlocks,
): Promise<WriteResult> {
  return writeFiles(request, (outputs) => filesOf(reader, request, outputs, begun))
}

/** Data files that are whole, and not in place yet. */
async function filesOf(
  reader: Reader,
  request: WriteRequest,
  outputs: Outputs,
  begun: RowBlocks | undefined,
): Promise<readonly ContentFile[]> {
  const { engine } = reader
  const { source, signal, onProgress, schema } = request
  const write: Write = { engine, request, outputs }
  switch (source.kind) {
    case 'selected':
      return writeSource(write, openSelected(source, schema))
    case 'scan':
      return writeSource(write, await openScanned(reader, source, schema))
    case 'files':
      return writeSource(write, await openSource(source, { engine, schema, signal, onProgress }))
    default: {
      const blocks =
        source.kind === 'rows' ? rowStream(source.rows, schema, begun) : await blocksOf(source, schema)
      return isPlain(request)
        ? writeStream(write, blocks)
        : writeSource(write, await openBlocks(blocks, { engine, schema, signal, onProgress }))
    }
  }
}

interface Write {
  readonly engine: DuckDbEngine
  readonly request: WriteRequest
  readonly outputs: Outputs
}

/** Whether rows need neither be chosen, told apart nor sorted. */
function isPlain(request: WriteRequest): boolean {
  const { spec, sortOrder, zOrder = [] } = request
  return takesAll(request) && spec.fields.length === 0 && sortOrder.fields.length === 0 && zOrder.length === 0
}

/** Rows written as they come. */
async function writeStream(write: Write, stream: BlockStream): Promise<readonly ContentFile[]> {
  if (stream.rowCount === 0) return []
  const { request } = write
  const limits = { rows: MAX_ROW_GROUP_ROWS, bytes: SEGMENT_BYTES }
  const segments = segmentsOf(stream, limits, request)
  try {
    const origin = { name: stream.name, nullsChecked: true }
    const columns = convertColumns(streamColumns(stream), request.schema.fields, origin)
    const first = await segments.next()
    if (first.done === true) return []
    const second = await segments.next()
    if (second.done === true) {
      const { rows, bytes, blocks } = first.value
      const sizes = { rowCount: rows, sizeBytes: bytes }
      // What makes one row group is work for one thread.
      const engine = await write.engine.sequential()
      const options = { engine, schema: request.schema, signal: request.signal }
      return await writeSource({ ...write, engine }, openHeld(stream, blocks, options, sizes))
    }
    const all = chained([first.value, second.value], segments)
    const written = await copySegments({ ...write, stream, columns }, all)
    return written.map((file) => contentFile(request, leavesOf(columns), file))
  } finally {
    await segments.return()
    await stream.close()
  }
}

/** Rows of one segment hold at most about this many bytes, or are one row. */
const SEGMENT_BYTES = 32 * 1024 * 1024

async function* chained<T>(begin: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield* begin
  yield* rest
}

async function writeSource(
  { engine, request, outputs }: Write,
  source: OpenSource,
): Promise<readonly ContentFile[]> {
  try {
    // Not even the columns of a source without rows matter.
    if (source.rowCount === 0) return []
    const columns = checkedColumns(source, request.schema)
    try {
      const written = await copyRows(engine, request, source, columns, outputs)
      expectAllRows(written, request, source)
      refuseReported(written, columns, source)
      return written.map((file) => contentFile(request, leavesOf(columns), file))
    } catch (error) {
      const own = source.failure()
      if (own !== null && request.signal?.aborted !== true) throw own.thrown
      if (source.stored !== undefined) throw await source.stored.diagnose(error)
      throw await locateFault(engine, error, source, columns, request)
    }
  } finally {
    await source.close()
  }
}

/** What goes missing on the way without an error shows in the number of rows. */
function expectAllRows(written: readonly WrittenFile[], request: WriteRequest, source: OpenSource): void {
  const isFiltered = request.filter !== undefined && request.filter.op !== 'true'
  const rows = written.reduce((sum, { report }) => sum + report.rows, 0)
  if (source.rowCount === null || rows === source.rowCount || isFiltered) return
  if (source.stored === undefined) throw new EngineError('the engine did not write all rows')
  // Damage that the engine passes over.
  throw new CorruptFileError(`data files yielded ${rows} rows where their metadata says ${source.rowCount}`)
}

function contentFile(request: WriteRequest, leaves: readonly Leaf[], file: WrittenFile): ContentFile {
  const { report, extremes } = file
  return dataFile(request, {
    ...file,
    rows: report.rows,
    sizeBytes: report.sizeBytes,
    metrics: reportedMetrics(report, leaves, request.metrics, extremes),
  })
}
