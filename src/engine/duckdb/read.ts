/** Scan tasks into rows, Arrow batches, a file or a count. */
import { DuckDBLogicalType } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { CorruptFileError, EngineError, UnsupportedFeatureError } from '../../errors.ts'
import type { Schema } from '../../format/schema.ts'
import type { Type } from '../../format/types.ts'
import type { Row } from '../../format/values/value.ts'
import type { ArrowRecordBatch, FileScanTask, OutputPath, ReadRequest } from '../data-plane.ts'
import { saveArrowFile } from './arrow-file.ts'
import { batchReader } from './arrow-out.ts'
import { openTasks, refuseUnsupported, type OpenTask, type OpenTasks, type Reader } from './open-tasks.ts'
import { writeWhole } from './output-path.ts'
import { readPositionDeletes, withoutDeleted } from './position-deletes.ts'
import { ReadAhead, rowsToRead } from './read-ahead.ts'
import { diagnosed, failureOf } from './read-failure.ts'
import type { RowChoice } from './row-choice.ts'
import { rowReader } from './rows-out.ts'
import { numberedNames, scanQuery, type ScanQuery } from './scan-sql.ts'
import type { StatementOptions, StreamChunk } from './session.ts'
import { distinctNames, fieldIdsSql, quoteText, sqlType } from './sql.ts'
import { isWhole, openWindows } from './windows.ts'

export type { Reader } from './open-tasks.ts'
export { PhysicalSchemas } from './physical.ts'

/** Rows in batches. Leaving early or aborting frees everything. */
export async function* readRows(reader: Reader, request: ReadRequest): AsyncGenerator<readonly Row[]> {
  const read = rowReader(request.projection)
  for await (const { chunk, rowCount } of scan(reader, request)) yield read(chunk, rowCount)
}

/** Arrow record batches. Throws MissingDependencyError when apache-arrow is not installed. */
export async function* readArrow(reader: Reader, request: ReadRequest): AsyncGenerator<ArrowRecordBatch> {
  const { batches } = await arrowReader(reader, request)
  yield* batches
}

/** Batches, and their schema even if there are none. */
async function arrowReader(reader: Reader, request: ReadRequest) {
  const batches = await batchReader(request.projection, reader.engine.aheadBytes)
  return { schema: batches.schema, batches: batches.batches(scan(reader, request), mostRowsOf(request)) }
}

/** How many rows the request yields; files without filter and deletes are not read for it. */
export async function countRows(reader: Reader, request: ReadRequest): Promise<number> {
  refuseUnsupported(request.tasks)
  let total = 0
  const nothing = { ...request.projection, fields: [] }
  for await (const open of openWindows(reader, { ...request, limit: undefined })) {
    const others = open.tasks.filter(({ task }) => !isWhole(task))
    for (const { task, file } of open.tasks) if (isWhole(task)) total += file.recordCount
    if (others.length === 0) continue
    const read = { ...open, tasks: others }
    const query = queryOf(read, { ...request, projection: nothing }, [], await choicesOf(read, request))
    const sql = `SELECT count(*) AS n FROM (${query.sql})`
    const [row] = await diagnosed(reader, open, () => open.session.rows(sql, statement(open, query, request)))
    total += Number(row?.['n'])
  }
  return Math.min(total, request.limit ?? total)
}

/** Writes what the request yields into one file, which appears under its name only when whole. */
export async function readToFile(
  reader: Reader,
  request: ReadRequest,
  file: OutputPath,
): Promise<{ readonly rows: number }> {
  refuseUnsupported(request.tasks)
  const names = request.projection.fields.map((field) => field.name)
  if (names.length === 0 || !areDistinct({ kind: 'struct', fields: request.projection.fields })) {
    throw new UnsupportedFeatureError(
      'a file needs one column at least, and names that differ in more than case',
      { hint: 'Select other columns, or rename one.' },
    )
  }
  return writeWhole(file, (unfinished) =>
    file.format === 'arrow'
      ? writeArrowFile(reader, request, unfinished)
      : copyToFile(reader, request, unfinished, file.format),
  )
}

async function copyToFile(
  reader: Reader,
  request: ReadRequest,
  path: string,
  format: Exclude<OutputPath['format'], 'arrow'>,
): Promise<{ readonly rows: number }> {
  const names = request.projection.fields.map((field) => field.name)
  // One statement writes one file, so all inputs are open together.
  const open = await openTasks(reader, request, request.tasks, [path])
  try {
    const query = queryOf(open, request, names, await choicesOf(open, request))
    const options = copyOptions(request.projection, format)
    const sql = `COPY (${limited(query.sql, request.limit)}) TO ${quoteText(path)} (${options})`
    const context = { ...statement(open, query, request), onProgress: request.onProgress }
    const [row] = await diagnosed(reader, open, () => open.session.rows(sql, context))
    const rows = Number(row?.['Count'])
    expectAllRows(open, request.limit, rows)
    return { rows }
  } finally {
    await open.close()
  }
}

async function writeArrowFile(
  reader: Reader,
  request: ReadRequest,
  path: string,
): Promise<{ readonly rows: number }> {
  const { schema, batches } = await arrowReader(reader, request)
  return saveArrowFile(path, schema, batches)
}

/** Whether names of members differ even without regard to case, at every depth. */
function areDistinct(type: Type): boolean {
  switch (type.kind) {
    case 'struct': {
      const names = type.fields.map((field) => field.name)
      const isTold = distinctNames(names).every((name, at) => name === names[at])
      return isTold && type.fields.every((field) => areDistinct(field.type))
    }
    case 'list':
      return areDistinct(type.element)
    case 'map':
      return areDistinct(type.key) && areDistinct(type.value)
    default:
      return true
  }
}

/** The options of a COPY into one file for people and other programs. */
export function copyOptions({ fields }: Schema, format: Exclude<OutputPath['format'], 'arrow'>): string {
  if (format === 'csv') return 'FORMAT csv, HEADER true'
  if (format === 'json') return 'FORMAT json'
  return `FORMAT parquet, COMPRESSION zstd, FIELD_IDS ${fieldIdsSql(fields)}`
}

/** Rows of the request, as chunks that hold its columns in order. */
async function* scan(reader: Reader, request: ReadRequest): AsyncGenerator<StreamChunk> {
  refuseUnsupported(request.tasks)
  const names = numberedNames(request.projection)
  const totalRows = totalRowsOf(request)
  const ahead = new ReadAhead(request.projection, reader.engine.aheadBytes)
  let rows = 0
  for await (const window of openWindows(reader, request)) {
    try {
      const choices = await choicesOf(window, request)
      for (const tasks of ahead.stretches(window.tasks)) {
        const open = { ...window, tasks }
        const query = queryOf(open, request, names, choices)
        const left = request.limit === undefined ? undefined : request.limit - rows
        const before = rows
        const chunks = open.session.stream(limited(query.sql, left), {
          ...statement(open, query, request),
          rowCount: knownRows(open, left),
          bufferBytes: ahead.bufferBytes(tasks),
        })
        for await (const chunk of chunks) {
          if (rows === before) expectTypes(chunk, request.projection)
          ahead.see(chunk)
          rows += chunk.rowCount
          request.onProgress?.({ rows, totalRows })
          yield chunk
        }
        expectAllRows(open, left, rows - before)
        if (request.limit !== undefined && rows >= request.limit) return
      }
    } catch (error) {
      throw await failureOf(reader, window, error)
    }
  }
}

/** Which rows of files deletes leave. Tasks of several stretches have theirs read once. */
type Choices = ReadonlyMap<FileScanTask, RowChoice>

async function choicesOf(open: OpenTasks, { signal }: ReadRequest): Promise<Choices> {
  const choices = withoutDeleted(await readPositionDeletes(open, signal))
  return new Map([...choices].map(([{ task }, choice]) => [task, choice]))
}

function queryOf(
  open: OpenTasks,
  { projection, nameMapping }: ReadRequest,
  names: readonly string[],
  choices: Choices,
): ScanQuery {
  const rows = new Map<OpenTask, RowChoice>()
  for (const task of open.tasks) {
    const choice = choices.get(task.task)
    if (choice !== undefined) rows.set(task, choice)
  }
  return scanQuery(open.tasks, { projection, nameMapping, names, rows })
}

/** Vectors are read as the memory they are: of another type they would be rubbish, or worse. */
function expectTypes({ chunk }: StreamChunk, { fields }: Schema): void {
  for (const [at, field] of fields.entries()) {
    const type = duckdb.vector_get_column_type(duckdb.data_chunk_get_vector(chunk.chunk, at))
    const delivered = DuckDBLogicalType.create(type).asType().toString()
    if (delivered !== sqlType(field.type)) {
      throw new EngineError(
        `the engine delivered column '${field.name}' as another type than it was asked for`,
      )
    }
  }
}

/** Where every row comes out their number is known, and damage that the engine passes over shows. */
function expectAllRows(open: OpenTasks, limit: number | undefined, rows: number): void {
  const expected = knownRows(open, limit)
  if (expected === undefined || rows === expected) return
  throw new CorruptFileError(`data files yielded ${rows} rows where their manifest entries say ${expected}`, {
    file: open.tasks.length === 1 ? open.tasks[0]?.name : undefined,
  })
}

/** How many rows come out; undefined when filters or deletes leave it open. */
function knownRows({ tasks }: OpenTasks, limit: number | undefined): number | undefined {
  if (!tasks.every(({ task }) => isWhole(task))) return undefined
  const all = tasks.reduce((sum, task) => sum + rowsToRead(task), 0)
  return Math.min(all, limit ?? all)
}

function limited(sql: string, limit: number | undefined): string {
  return limit === undefined ? sql : `SELECT * FROM (${sql}) LIMIT ${limit}`
}

function statement(open: OpenTasks, query: ScanQuery, request: ReadRequest): StatementOptions {
  return {
    doing: 'read data files',
    signal: request.signal,
    reading: open.tasks.map((task) => task.localPath),
    nameOf: open.nameOf,
    values: query.values,
  }
}

/** null when filters or deletes leave open how many rows there will be. */
function totalRowsOf(request: ReadRequest): number | null {
  return request.tasks.every(isWhole) ? mostRowsOf(request) : null
}

function mostRowsOf({ tasks, limit }: ReadRequest): number {
  const rows = tasks.reduce((sum, { entry }) => sum + entry.file.recordCount, 0)
  return Math.min(rows, limit ?? rows)
}
