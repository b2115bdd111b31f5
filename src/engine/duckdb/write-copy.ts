/** Running the COPY statements of a write, whatever its partitions, order and sizes. */
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EngineError } from '../../errors.ts'
import { partitionPath } from '../../format/partition-path.ts'
import { fieldPath, type Schema } from '../../format/schema.ts'
import type { Datum } from '../../format/types.ts'
import type { WriteRequest } from '../data-plane.ts'
import type { DuckDbEngine } from './connection.ts'
import type { OutgoingColumn } from './convert.ts'
import type { Extremes } from './file-metrics.ts'
import { filterSql } from './filter-sql.ts'
import { reportsOf } from './copy-report.ts'
import { longExtremes } from './long-extremes.ts'
import { inParallel } from './in-parallel.ts'
import type { Outputs } from './outputs.ts'
import { tupleOf } from './partition-tuple.ts'
import type { Session } from './session.ts'
import type { OpenSource } from './sources.ts'
import { splitOffsets } from './split-offsets.ts'
import { distinctNames, quoteName, quotePaths } from './sql.ts'
import { partitionKeys, type PartitionKey } from './transforms.ts'
import { copySql, MAX_ROW_GROUP_ROWS, orderBySql, parquetOptionsSql, rowGroupRows } from './write-sql.ts'
import { leavesOf, type FileReport } from './write-stats.ts'
import { rankSqls, spansSql, zOrderSql } from './z-order.ts'

/** A data file that is complete and not yet in place. */
export interface WrittenFile {
  readonly location: string
  readonly partition: readonly (Datum | null)[]
  readonly report: FileReport
  readonly splitOffsets: readonly number[]
  /** Bounds that the report does not have, by field id. */
  readonly extremes: ReadonlyMap<number, Extremes>
}

/** DuckDB closes and reopens files beyond this number, and makes new ones of them. */
const MAX_OPEN_FILES = 1000

/** A file is split when it is larger than this many times the target. */
const SPLIT_FACTOR = 1.5

interface Copy {
  readonly engine: DuckDbEngine
  readonly request: WriteRequest
  readonly source: OpenSource
  readonly columns: readonly OutgoingColumn[]
  readonly outputs: Outputs
  /** The rows, converted, in no particular order. */
  readonly rows: string
  readonly orderBy: string
}

/** Writes all rows of a source into data files that `outputs` owns. */
export async function copyRows(
  engine: DuckDbEngine,
  request: WriteRequest,
  source: OpenSource,
  columns: readonly OutgoingColumn[],
  outputs: Outputs,
): Promise<readonly WrittenFile[]> {
  const columnOf = columnReference(request.schema, columns)
  const rows = meantRows(rowsSql(columns, source.from), request, columnOf)
  const orderBy = await orderOf({ engine, request, source, rows }, columnOf)
  const copy: Copy = { engine, request, source, columns, outputs, rows, orderBy }
  const keys = partitionKeys(request.spec, request.schema, columnOf)
  if (keys.length > 0) return copyPartitioned(copy, keys)
  const isLarge = source.sizeBytes === null || source.sizeBytes > targetOf(copy) * SPLIT_FACTOR
  const hasFewRows = source.rowCount !== null && source.rowCount <= MAX_ROW_GROUP_ROWS
  // What is in data files already is known to be as large as it is: the others' size is a guess.
  if (hasFewRows && !(isLarge && source.stored !== undefined)) return copySmall(copy)
  const whole = { rows: copy.rows, paths: source.paths, sizeBytes: source.sizeBytes, isFirst: true }
  // By DuckDB's own splitting row groups may change places, which nobody asked to keep in theirs.
  if (copy.orderBy === '' && isLarge && !hasLargeRowGroups(copy)) return copySized(copy)
  return copyOrdered(copy, whole, '', [])
}

/** DuckDB ends a file between two row groups: with few of them in a file it cannot meet a size. */
function hasLargeRowGroups({ source, ...copy }: Copy): boolean {
  if (source.stored === undefined || source.sizeBytes === null || source.rowCount === null) return false
  const groups = Math.ceil(source.rowCount / MAX_ROW_GROUP_ROWS)
  return source.sizeBytes / groups > targetOf(copy) / MIN_ROW_GROUPS
}

const MIN_ROW_GROUPS = 4

/** ORDER BY of the order asked for. A z-order is made for the values that are there. */
async function orderOf(
  { engine, request, source, rows }: Pick<Copy, 'engine' | 'request' | 'source' | 'rows'>,
  columnOf: (fieldId: number) => string,
): Promise<string> {
  const { zOrder = [], schema, signal } = request
  if (zOrder.length === 0) return orderBySql(request.sortOrder, schema, columnOf)
  const ranks = rankSqls(zOrder, schema, columnOf)
  const [found = {}] = await engine.withSession({ paths: source.paths }, (session) =>
    session.rows(spansSql(ranks, rows), {
      doing: 'look at the columns to sort by',
      signal,
      reading: source.paths,
      nameOf: source.stored?.nameOf,
      values: source.stored?.values,
    }),
  )
  return zOrderSql(
    ranks,
    ranks.map((_, at) => {
      const [min, max] = [found[`min${at}`], found[`max${at}`]]
      return typeof min === 'string' && typeof max === 'string'
        ? { min: BigInt(min), max: BigInt(max) }
        : null
    }),
  )
}

/** The rows that are to be written. */
function meantRows(rows: string, request: WriteRequest, columnOf: (fieldId: number) => string): string {
  const { filter } = request
  if (filter === undefined || filter.op === 'true') return rows
  return `SELECT * FROM (${rows}) WHERE ${filterSql(filter, (ref) => columnOf(ref.fieldId))}`
}

/** The columns of the data files, out of a FROM clause. */
export function rowsSql(columns: readonly OutgoingColumn[], from: string): string {
  return `SELECT ${columns.map(({ sql, name }) => `${sql} AS ${quoteName(name)}`).join(', ')} FROM ${from}`
}

/** SQL of a field over the columns of the data file. */
export function columnReference(
  schema: Schema,
  columns: readonly OutgoingColumn[],
): (fieldId: number) => string {
  return (fieldId) => {
    const [top, ...rest] = fieldPath(schema, fieldId)
    const column = columns.find(({ field }) => field.id === top?.id)
    if (column === undefined) throw new EngineError(`no column has the field id ${fieldId}`)
    let sql = quoteName(column.name)
    let { type } = column.field
    for (const member of rest) {
      if (type.kind !== 'struct') throw new EngineError(`field ${fieldId} lies inside a list or map`)
      const names = distinctNames(type.fields.map((field) => field.name))
      const at = type.fields.findIndex((field) => field.id === member.id)
      sql = `(${sql}).${quoteName(names[at] ?? member.name)}`
      type = member.type
    }
    return sql
  }
}

async function copySmall(copy: Copy): Promise<readonly WrittenFile[]> {
  const { request, columns, outputs } = copy
  const output = await outputs.create('')
  const query = `SELECT * FROM (${copy.rows})${copy.orderBy}`
  const sql = copySql(query, output.localPath, parquetOptionsSql(request.parquet, columns))
  const [report] = await runCopy(copy, sql, [output.localPath, ...copy.source.paths], true)
  if (report === undefined) throw new EngineError('the engine wrote no file')
  if (report.rows === 0) {
    // Every row was filtered out.
    await outputs.drop(output)
    return []
  }
  return [{ location: output.location, partition: [], report, ...(await factsOf(copy, report)) }]
}

function targetOf(copy: Pick<Copy, 'request'>): number {
  return Math.max(1, Math.floor(copy.request.targetFileSizeBytes))
}

/** Files of about the target size, made in one pass. */
async function copySized(copy: Copy): Promise<readonly WrittenFile[]> {
  const { request, columns, outputs, source } = copy
  const folder = await outputs.unplaced()
  const sql = copySql(copy.rows, folder, [
    ...parquetOptionsSql(request.parquet, columns),
    `FILE_SIZE_BYTES ${targetOf(copy)}`,
    "FILENAME_PATTERN 'part-{i}'",
  ])
  const reports = await runCopy(copy, sql, [besides(folder), ...source.paths], true)
  const written: WrittenFile[] = []
  for (const report of reports) {
    if (report.rows > 0) written.push(await adopted(copy, report, '', []))
  }
  return written
}

/** Rows of one partition, and where they come from. */
interface Part {
  readonly rows: string
  readonly paths: readonly string[]
  /** About how many bytes they will take; null when nobody knows. */
  readonly sizeBytes: number | null
  /** Whether the rows are read from the source itself. */
  readonly isFirst: boolean
}

/**
 * Files of about the target size, all of them in order. One COPY keeps order within one file only,
 * so what is too large for one is written once as a whole, and then by ranges of its rows.
 */
async function copyOrdered(
  copy: Copy,
  part: Part,
  path: string,
  partition: readonly (Datum | null)[],
): Promise<readonly WrittenFile[]> {
  const { request, columns, outputs } = copy
  const tooLarge = targetOf(copy) * SPLIT_FACTOR
  // Rows out of data files take about as many bytes again, but in order they may take far less: only
  // written as they will stay do they tell.
  const isInterim = !isStoredPart(copy, part) && part.sizeBytes !== null && part.sizeBytes > tooLarge
  const parquet = isInterim ? { ...request.parquet, ...INTERIM } : request.parquet
  const whole = isInterim ? join(await outputs.scratch(), 'whole') : await outputs.unplaced()
  const query = `SELECT * FROM (${part.rows})${copy.orderBy}`
  const sql = copySql(query, whole, parquetOptionsSql(parquet, columns))
  const [report] = await runCopy(copy, sql, [besides(whole), ...part.paths], part.isFirst)
  if (report === undefined || report.rows === 0) return []
  if (!isInterim && report.sizeBytes <= tooLarge) return [await adopted(copy, report, path, partition)]
  const parts = report.sizeBytes / targetOf(copy)
  const count = isStoredPart(copy, part) ? Math.round(parts) : Math.ceil(parts)
  const written = await copyRanges(copy, report, path, partition, count)
  await rm(whole)
  return written
}

function isStoredPart({ source }: Copy, part: Part): boolean {
  return part.isFirst && source.stored !== undefined
}

/** Of files that are read once more and then removed. */
const INTERIM = { compression: 'lz4', compressionLevel: null } as const

/** A file's rows as several files, each with as many of them. */
async function copyRanges(
  copy: Copy,
  whole: FileReport,
  path: string,
  partition: readonly (Datum | null)[],
  count = Math.ceil(whole.sizeBytes / targetOf(copy)),
): Promise<readonly WrittenFile[]> {
  const { request, columns, outputs } = copy
  const rowsEach = Math.ceil(whole.rows / count)
  const rows = numberedRows(whole.path, columns)
  const written: WrittenFile[] = []
  for (let first = 0; first < whole.rows; first += rowsEach) {
    const part = await outputs.unplaced()
    const query = `${rows} WHERE file_row_number BETWEEN ${first} AND ${first + rowsEach - 1}`
    const sql = copySql(query, part, parquetOptionsSql(request.parquet, columns))
    const [report] = await runCopy(copy, sql, [whole.path, besides(part)], false)
    if (report?.rows !== Math.min(rowsEach, whole.rows - first)) {
      throw new EngineError('the engine did not write all rows')
    }
    written.push(await adopted(copy, report, path, partition))
  }
  return written
}

/** The rows of a file of ours, under aliases: a column may be called like the engine's `file_row_number`. */
function numberedRows(path: string, columns: readonly OutgoingColumn[]): string {
  const aliases = columns.map((_, at) => `p${at}`)
  const list = columns.map(({ name }, at) => `${aliases[at]} AS ${quoteName(name)}`)
  const from = `read_parquet(${quotePaths([path])}, hive_partitioning = false)`
  return `SELECT ${list.join(', ')} FROM ${from} AS f(${aliases.join(', ')})`
}

/**
 * One pass writes a file per partition into a private folder. DuckDB keeps no order on that way and
 * knows no file size, so files that must be sorted or are too large are written once more.
 */
async function copyPartitioned(copy: Copy, keys: readonly PartitionKey[]): Promise<readonly WrittenFile[]> {
  const { request, columns, outputs } = copy
  const list = keys.map((key) => `${key.sql} AS ${quoteName(key.name)}`).join(', ')
  const isSorted = copy.orderBy !== ''
  const folder = isSorted ? join(await outputs.scratch(), 'partitions') : await outputs.unplaced()
  const parquet = isSorted ? { ...request.parquet, ...INTERIM } : request.parquet
  const sql = copySql(`SELECT *, ${list} FROM (${copy.rows})`, folder, [
    ...parquetOptionsSql(parquet, columns),
    `PARTITION_BY (${keys.map((key) => quoteName(key.name)).join(', ')})`,
    // All files in one folder: making and removing one for each partition costs as much as they do.
    'HIVE_FILE_PATTERN false',
    "FILENAME_PATTERN 'part-{i}'",
  ])
  const reports = await runCopy(copy, sql, [besides(folder), ...copy.source.paths], true, keys)
  const parts: PartitionReport[] = []
  for (const report of reports) {
    if (report.rows === 0) continue
    const partition = await tupleOf(copy, keys, report)
    parts.push({ report, partition, path: partitionPath(request.spec, request.schema, partition) })
  }
  // What is finished is only looked at; what is written once more takes the engine to itself.
  const isFinished = ({ report }: PartitionReport): boolean =>
    !isSorted && report.sizeBytes <= targetOf(copy) * SPLIT_FACTOR
  const written = await inParallel(parts, outputs.atOnce, async (part) =>
    isFinished(part) ? [await adopted(copy, part.report, part.path, part.partition)] : null,
  )
  const files: WrittenFile[] = []
  for (const [at, part] of parts.entries()) {
    files.push(...(written[at] ?? (await rewritten(copy, part, isSorted))))
  }
  return files
}

/** A file of one partition as DuckDB has left it. */
interface PartitionReport {
  readonly report: FileReport
  readonly partition: readonly (Datum | null)[]
  readonly path: string
}

/** The rows of a partition in order, or in files of about the target size. */
async function rewritten(
  copy: Copy,
  { report, partition, path }: PartitionReport,
  isSorted: boolean,
): Promise<readonly WrittenFile[]> {
  const rows = `SELECT * FROM read_parquet(${quotePaths([report.path])}, hive_partitioning = false)`
  const part = { rows, paths: [report.path], sizeBytes: report.sizeBytes, isFirst: false }
  const files = isSorted
    ? await copyOrdered(copy, part, path, partition)
    : await copyRanges(copy, report, path, partition)
  await rm(report.path)
  return files
}

/** A finished file as a data file. */
async function adopted(
  copy: Copy,
  report: FileReport,
  path: string,
  partition: readonly (Datum | null)[],
): Promise<WrittenFile> {
  // Looked at where it is, before it is moved to a folder that the engine may not know.
  const facts = await factsOf(copy, report)
  const { location } = await copy.outputs.adopt(path, report.path)
  return { location, partition, report, ...facts }
}

/** What is looked up in a finished file. */
async function factsOf(
  { engine, request, columns }: Copy,
  report: FileReport,
): Promise<Pick<WrittenFile, 'splitOffsets' | 'extremes'>> {
  const isOneGroup = report.rows <= rowGroupRows(request.parquet, columns)
  return {
    splitOffsets: await splitOffsets(report.path, report.footerBytes, isOneGroup),
    extremes: await longExtremes(engine, report, leavesOf(columns), request),
  }
}

/**
 * What to let the engine into for it to write a path: not its private folder, which is another for
 * each write, but the one above, where the next write's will be as well.
 */
function besides(path: string): string {
  return dirname(path)
}

async function runCopy(
  copy: Copy,
  sql: string,
  paths: readonly string[],
  isFirst: boolean,
  keys: readonly PartitionKey[] = [],
): Promise<readonly FileReport[]> {
  const { signal, onProgress } = copy.request
  return copy.engine.withSession({ paths }, async (session: Session) => {
    if (keys.length > 0) {
      await session.run(`SET partitioned_write_max_open_files = ${MAX_OPEN_FILES}`, {
        doing: 'write data files',
      })
    }
    const result = await session.run(sql, {
      doing: 'write data files',
      signal,
      // Other sources count for themselves what they hand over.
      onProgress: isFirst && isReadByEngine(copy.source) ? onProgress : undefined,
      reading: isFirst ? copy.source.paths : undefined,
      nameOf: copy.source.stored?.nameOf,
      values: isFirst ? copy.source.stored?.values : undefined,
    })
    return reportsOf(result, keys)
  })
}

function isReadByEngine(source: OpenSource): boolean {
  return source.position !== null || source.stored !== undefined
}
