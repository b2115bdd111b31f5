/** Writing position delete files (Iceberg spec, "Position Delete Files"). */
import { throwIfAborted } from '../../abort.ts'
import { EngineError } from '../../errors.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import type { MetricsConfig } from '../../format/metrics-config.ts'
import { partitionPath } from '../../format/partition-path.ts'
import type { Datum } from '../../format/types.ts'
import type { ParquetWriteOptions } from '../data-plane.ts'
import type { FileMatch, PositionDeleteRequest } from '../row-changes.ts'
import { blockSource } from './block-source.ts'
import type { Block } from './column-data.ts'
import type { DuckDbEngine } from './connection.ts'
import type { OutgoingColumn } from './convert.ts'
import { onlyReportOf } from './copy-report.ts'
import { duckType } from './duck-types.ts'
import { exposeSource } from './js-source.ts'
import { inParallel } from './in-parallel.ts'
import { Outputs } from './outputs.ts'
import { LOCATION, POSITION } from './position-deletes.ts'
import { splitOffsets } from './split-offsets.ts'
import { quoteTexts } from './sql.ts'
import { copySql, parquetOptionsSql, rowGroupRows } from './write-sql.ts'
import { reportedMetrics, leavesOf, type FileReport } from './write-stats.ts'

/** Files written at the same time. */
const AT_ONCE = 3

/** RowChanges.writePositionDeletes by DuckDB. */
export async function writePositionDeletes(
  engine: DuckDbEngine,
  request: PositionDeleteRequest,
): Promise<readonly ContentFile[]> {
  throwIfAborted(request.signal)
  const wanted = request.deletes.filter(({ positions }) => positions.size > 0)
  const outputs = new Outputs({ ...request, operationId: `${request.operationId}-deletes` })
  try {
    const files = await inParallel(groupsOf(wanted, request.granularity), AT_ONCE, (group) =>
      writeFile(engine, request, outputs, group),
    )
    // Nothing is put in place before everything is known to be right.
    await outputs.commit()
    return files
  } catch (error) {
    // What cannot be removed bears the operation's id, by which orphan removal finds it; the failure
    // of the write is what the caller must hear.
    await outputs.discard().catch(() => undefined)
    throw error
  } finally {
    await outputs.close()
  }
}

/** The data files of each delete file, in the order of their locations, as the spec wants its rows. */
function groupsOf(
  deletes: readonly FileMatch[],
  granularity: PositionDeleteRequest['granularity'],
): readonly (readonly FileMatch[])[] {
  if (granularity === 'file') return deletes.map((each) => [each])
  const groups = Map.groupBy(deletes, ({ task }) => JSON.stringify(task.entry.file.partition.map(keyOf)))
  return [...groups.values()].map((group) =>
    // Bytes, as readers compare texts: JavaScript's own order is another one beyond U+FFFF.
    group.toSorted((a, b) => Buffer.compare(Buffer.from(locationOf(a)), Buffer.from(locationOf(b)))),
  )
}

function keyOf(datum: Datum | null): string | null {
  if (datum instanceof Uint8Array) return Buffer.from(datum).toString('hex')
  if (datum === null) return null
  return Object.is(datum, -0) ? '-0' : String(datum)
}

function locationOf({ task }: FileMatch): string {
  return task.entry.file.location
}

/** The columns of every position delete file. */
const COLUMNS: readonly OutgoingColumn[] = [LOCATION, POSITION].map((field) => ({
  field,
  name: field.name,
  sql: field.name,
  checked: false,
  isMissing: null,
}))

async function writeFile(
  engine: DuckDbEngine,
  request: PositionDeleteRequest,
  outputs: Outputs,
  group: readonly FileMatch[],
): Promise<ContentFile> {
  const partition = group[0]?.task.entry.file.partition ?? []
  const output = await outputs.create(partitionPath(request.spec, request.schema, partition))
  const parquet = { ...request.parquet, bloomFilterColumns: [] }
  const report = await copyPositions(engine, request, group, output.localPath, parquet)
  const rows = group.reduce((sum, { positions }) => sum + positions.size, 0)
  if (report.rows !== rows) throw new EngineError('the engine lost positions on the way into a delete file')
  return {
    content: 'position-deletes',
    location: output.location,
    format: 'parquet',
    specId: request.spec.specId,
    partition,
    recordCount: report.rows,
    fileSizeInBytes: report.sizeBytes,
    ...reportedMetrics(report, leavesOf(COLUMNS), FULL_METRICS, extremesOf(group)),
    keyMetadata: null,
    splitOffsets: await splitOffsets(
      output.localPath,
      report.footerBytes,
      report.rows <= rowGroupRows(parquet, COLUMNS),
    ),
    equalityIds: null,
    sortOrderId: null, // Iceberg spec: null for position deletes, which have an order of their own
    firstRowId: null,
    referencedDataFile: group.length === 1 && group[0] !== undefined ? locationOf(group[0]) : null,
    contentOffset: null,
    contentSizeInBytes: null,
  }
}

/** A bound that was cut would not tell readers that the file is about one data file alone. */
const FULL_METRICS: MetricsConfig = { modeOf: () => ({ kind: 'full' }) }

function extremesOf(
  group: readonly FileMatch[],
): ReadonlyMap<number, { readonly lower: Datum; readonly upper: Datum }> {
  const [first, last] = [group[0], group.at(-1)]
  if (first === undefined || last === undefined) return new Map()
  const lowest = group.reduce((least, { positions }) => Math.min(least, positions.first ?? least), Infinity)
  const highest = group.reduce((most, { positions }) => Math.max(most, positions.last ?? most), 0)
  return new Map([
    [LOCATION.id, { lower: locationOf(first), upper: locationOf(last) }],
    [POSITION.id, { lower: BigInt(lowest), upper: BigInt(highest) }],
  ])
}

async function copyPositions(
  engine: DuckDbEngine,
  { signal }: PositionDeleteRequest,
  group: readonly FileMatch[],
  path: string,
  parquet: ParquetWriteOptions,
): Promise<FileReport> {
  const columns = [
    { name: 'file', type: duckType({ kind: 'int' }) },
    { name: 'pos', type: duckType({ kind: 'long' }) },
  ]
  const source = exposeSource(blockSource(columns, blocksOf(group), { cardinality: null }))
  try {
    const location = `list_extract(${quoteTexts(group.map(locationOf))}, file + 1)`
    const query = `SELECT ${location} AS ${LOCATION.name}, pos AS ${POSITION.name} FROM ${source.sql}`
    const sql = copySql(query, path, parquetOptionsSql(parquet, COLUMNS))
    const result = await engine.withSession({ paths: [path] }, (session) =>
      session.run(sql, { doing: 'write position deletes', signal }),
    )
    return onlyReportOf(result)
  } finally {
    source.close()
  }
}

/** Larger buffers gain nothing, and for a few rows they would be mostly garbage. */
const BLOCK_ROWS = 16_384

function* blocksOf(group: readonly FileMatch[]): Generator<Block, void, undefined> {
  let left = group.reduce((sum, { positions }) => sum + positions.size, 0)
  let block = new PositionBlock(Math.min(left, BLOCK_ROWS))
  for (const [file, match] of group.entries()) {
    for (const run of match.positions.runs(BLOCK_ROWS)) {
      for (let at = 0; at < run.length;) {
        at += block.add(file, run.subarray(at))
        if (!block.isFull) continue
        yield block.take()
        left -= block.rows
        block = new PositionBlock(Math.min(left, BLOCK_ROWS))
      }
    }
  }
}

/** Rows of a delete file, by the number of the data file. */
class PositionBlock {
  rows = 0
  readonly #files: Int32Array
  /** Two halves of each position, the lower first, as the engine has them: a bigint is far more work. */
  readonly #halves: Uint32Array

  constructor(capacity: number) {
    this.#files = new Int32Array(capacity)
    this.#halves = new Uint32Array(capacity * 2)
  }

  get isFull(): boolean {
    return this.rows === this.#files.length
  }

  /** Adds as many as there is room for; answers how many. */
  add(file: number, positions: Float64Array): number {
    const [first, halves] = [this.rows, this.#halves]
    const count = Math.min(positions.length, this.#files.length - first)
    this.#files.fill(file, first, first + count)
    for (let i = 0; i < count; i++) {
      const position = positions[i] ?? 0
      halves[(first + i) * 2] = position
      halves[(first + i) * 2 + 1] = position / 2 ** 32
    }
    this.rows += count
    return count
  }

  take(): Block {
    return {
      rows: this.rows,
      columns: [
        { kind: 'fixed', width: 4, bytes: new Uint8Array(this.#files.buffer), validity: null },
        { kind: 'fixed', width: 8, bytes: new Uint8Array(this.#halves.buffer), validity: null },
      ],
    }
  }
}
