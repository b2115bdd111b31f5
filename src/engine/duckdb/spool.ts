/**
 * Incoming rows, read once and kept in a Parquet file of the engine's scratch folder: they can be
 * read many times, whatever they came from, and what a file held that somebody changes meanwhile
 * stays what was checked. A row's number is its position in that file.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../../abort.ts'
import { InvalidArgumentError } from '../../errors.ts'
import type { Schema } from '../../format/schema.ts'
import { isPrimitive, type PrimitiveType } from '../../format/types.ts'
import type { SpooledRows, SpoolRequest } from '../row-changes.ts'
import { checkedColumns, refuseReported } from './checked-columns.ts'
import type { DuckDbEngine } from './connection.ts'
import type { IncomingColumn, OutgoingColumn } from './convert.ts'
import { onlyReportOf } from './copy-report.ts'
import { duckType } from './duck-types.ts'
import { locateFault } from './locate-fault.ts'
import { openSource, type OpenSource } from './sources.ts'
import { quoteName, quotePaths, sqlType } from './sql.ts'
import { copySql } from './write-sql.ts'
import { refuseUnwritable } from './writable.ts'
import type { FileReport } from './write-stats.ts'

/** Spooled rows of this plane. */
export class Spool implements SpooledRows {
  readonly rows: number
  readonly sizeBytes: number
  /** The file that holds them. */
  readonly path: string
  readonly #schema: Schema
  readonly #folder: string
  #closed = false

  constructor(schema: Schema, folder: string, path: string, report: FileReport) {
    this.rows = report.rows
    this.sizeBytes = report.sizeBytes
    this.path = path
    this.#schema = schema
    this.#folder = folder
  }

  /** The table function that reads them; row numbers are `file_row_number`. */
  get from(): string {
    return `read_parquet(${quotePaths([this.path])}, hive_partitioning = false)`
  }

  /** A column of a primitive type by its field id. InvalidArgumentError when there is none. */
  column(fieldId: number): { readonly type: PrimitiveType; readonly sql: string } {
    const at = this.#schema.fields.findIndex(({ id }) => id === fieldId)
    const type = this.#schema.fields[at]?.type
    if (type !== undefined && isPrimitive(type)) return { type, sql: quoteName(storedName(at)) }
    throw new InvalidArgumentError(`the source has no top-level primitive column of field id ${fieldId}`)
  }

  /** Its columns, by the names that another schema of the same table has for them. */
  columnsFor(schema: Schema): readonly IncomingColumn[] {
    return this.#schema.fields.map((field, at) => {
      const { name } = schema.fields.find(({ id }) => id === field.id) ?? field
      const isStored = field.type.kind !== 'unknown'
      const sql = isStored ? quoteName(storedName(at)) : `CAST(NULL AS ${sqlType(field.type)})`
      return { name, type: duckType(field.type), sql }
    })
  }

  /** The spool behind the contract's face. InvalidArgumentError when it is closed, or not of this plane. */
  static of(rows: SpooledRows): Spool {
    if (!(rows instanceof Spool))
      throw new InvalidArgumentError('the source was spooled by another data plane')
    if (rows.#closed) throw new InvalidArgumentError('the spooled source is closed')
    return rows
  }

  async close(): Promise<void> {
    this.#closed = true
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function storedName(at: number): string {
  return `c${at}`
}

/** RowChanges.spool by DuckDB. */
export async function spool(engine: DuckDbEngine, request: SpoolRequest): Promise<Spool> {
  const { schema, signal, onProgress } = request
  throwIfAborted(signal)
  refuseUnwritable(schema)
  const source = await openSource(request.source, { engine, schema, signal, onProgress })
  try {
    const folder = await mkdtemp(join(engine.scratchDir, 'source-'))
    try {
      const path = join(folder, 'rows.parquet')
      return new Spool(schema, folder, path, await fill(engine, request, source, path))
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  } finally {
    await source.close()
  }
}

async function fill(
  engine: DuckDbEngine,
  request: SpoolRequest,
  source: OpenSource,
  path: string,
): Promise<FileReport> {
  const { schema, signal, onProgress } = request
  // Not even the columns of a source without rows matter.
  const columns = source.rowCount === 0 ? [] : checkedColumns(source, schema)
  const numbers = new Map(schema.fields.map(({ id }, at) => [id, at]))
  const named = columns.map((column) => ({
    ...column,
    name: storedName(numbers.get(column.field.id) ?? 0),
  }))
  const sql = copySql(querySql(source, named, schema), path, OPTIONS)
  try {
    const result = await engine.withSession({ paths: [path, ...source.paths] }, (session) =>
      session.run(sql, {
        doing: 'read the source',
        signal,
        // Other sources count for themselves what they hand over.
        onProgress: source.position === null ? undefined : onProgress,
        reading: source.paths,
      }),
    )
    const report = onlyReportOf(result)
    refuseReported([{ report }], named, source)
    // What one row is worth in a data file is guessed by it.
    return { ...report, sizeBytes: (await stat(path)).size }
  } catch (error) {
    const own = source.failure()
    if (own !== null && signal?.aborted !== true) throw own.thrown
    throw await locateFault(engine, error, source, columns, request)
  }
}

/** Read soon, once or twice, and then gone: quick to write above all, by encodings without dictionaries. */
const OPTIONS = [
  'FORMAT parquet',
  'COMPRESSION lz4_raw',
  'PARQUET_VERSION v2',
  'DICTIONARY_SIZE_LIMIT 1',
  'ROW_GROUP_SIZE 122880',
  'RETURN_STATS',
]

function querySql(source: OpenSource, columns: readonly OutgoingColumn[], schema: Schema): string {
  if (columns.length > 0) {
    return `SELECT ${columns.map(({ sql, name }) => `${sql} AS ${quoteName(name)}`).join(', ')} FROM ${source.from}`
  }
  const empty = schema.fields.map((field, at) => `CAST(NULL AS ${sqlType(field.type)}) AS ${storedName(at)}`)
  return `SELECT ${empty.join(', ')} WHERE FALSE`
}
