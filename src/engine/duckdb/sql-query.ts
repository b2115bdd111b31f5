/** SqlQueries by DuckDB: the query's tables become the scans that our planning makes of them. */
import type { DuckDBBitValue } from '@duckdb/node-api'
import { randomUUID } from 'node:crypto'
import type { Schema } from '../../format/schema.ts'
import type { Row } from '../../format/values/value.ts'
import type { ArrowRecordBatch, OutputPath, ReadRequest, RunOptions } from '../data-plane.ts'
import type { PreparedSql, QueriedTable, SqlRequest, TableNeeds } from '../sql.ts'
import { saveArrowFile } from './arrow-file.ts'
import { batchReader } from './arrow-out.ts'
import { duckType } from './duck-types.ts'
import { exposeSource, type ExposedSource } from './js-source.ts'
import { openTasks, refuseUnsupported, type OpenTasks, type Reader } from './open-tasks.ts'
import { writeWhole } from './output-path.ts'
import { readPositionDeletes, withoutDeleted } from './position-deletes.ts'
import { copyOptions } from './read.ts'
import { diagnosed, failureOf } from './read-failure.ts'
import { rowReader } from './rows-out.ts'
import { numberedNames, scanQuery } from './scan-sql.ts'
import type { Session, StatementOptions, StreamChunk } from './session.ts'
import { mapAst, parseSql, printSql, writeSql, type Ast } from './sql-ast.ts'
import { queryFailure, valueFailure } from './sql-failure.ts'
import { withParameters } from './sql-parameters.ts'
import { columnName, tableNeeds } from './sql-pushdown.ts'
import { limitOf, withLiteralCasts, withoutClock, withoutLists } from './sql-rewrite.ts'
import { resultSchema } from './sql-result.ts'
import { findTables, refuseTwins, shortColumns, type TableReference } from './sql-tables.ts'
import { normalizeTravel } from './sql-travel.ts'
import { distinctNames, quoteName, quoteText, sqlType } from './sql.ts'

/** Prepares a query. Errors as `SqlQueries.prepareSql`. */
export async function prepareSql(reader: Reader, request: SqlRequest): Promise<PreparedSql> {
  const { signal } = request
  const session = await reader.engine.session()
  try {
    const parsed = await parseSql(session, normalizeTravel(request.query), signal)
    const filled = withParameters(parsed, request.parameters)
    const found = findTables(filled, randomUUID().replaceAll('-', ''))
    const tables: QueriedTable[] = []
    for (const { name } of found.references) tables.push(await request.table(name))
    refuseTwins(
      found.tree,
      tables.map((table) => table.schema),
    )
    const tree = settled(found.tree, found.references, tables)
    const query = await writeSql(session, tree, signal)
    const looked = await printSql(session, withoutLists(tree), signal)
    const sources = tables.map(({ schema }, at) => exposeColumns(schema, at))
    try {
      const columns = tables.map(({ schema }, at) => emptyTable(schema, at, sources[at]))
      const options: StatementOptions = { doing: 'prepare the query', signal, explain: queryFailure }
      const empty = await session.run(
        `SELECT * FROM (${withTables(query, found.references, columns)}\n) AS q LIMIT 0`,
        options,
      )
      const schemas = tables.map((table) => table.schema)
      const sql = withTables(looked, found.references, columns)
      const needs = await tableNeeds(session, sql, schemas, limitOf(tree), options)
      const schema = resultSchema(empty.columnNames(), empty.columnTypes())
      return new PreparedQuery(reader, { query, schema, needs, tables, references: found.references })
    } finally {
      for (const source of sources) source.close()
    }
  } finally {
    session.release()
  }
}

/** The tree as it runs: its clock stopped, its columns named by their tables' last names. */
function settled(tree: Ast, references: readonly TableReference[], tables: readonly QueriedTable[]): Ast {
  const columns = new Set(tables.flatMap(({ schema }) => schema.fields.map(({ name }) => name.toLowerCase())))
  const stopped = withoutClock(tree, new Date(), columns)
  const plain = withLiteralCasts(stopped)
  return mapAst(plain, (node) => shortColumns(node, references)) as Ast
}

/** A source that has a table's columns. One whose type cannot be read is there by name. */
function exposeColumns({ fields }: Schema, table: number): ExposedSource {
  return exposeSource({
    columns: fields.map(({ type }, at) => ({
      name: columnName(table, at),
      type: duckType(canBeRead(type) ? type : { kind: 'int' }),
    })),
    cardinality: null,
    fill: () => 0,
  })
}

function canBeRead(type: Schema['fields'][number]['type']): boolean {
  try {
    sqlType(type)
    return true
  } catch {
    // Refused, by name, as soon as a query needs it.
    return false
  }
}

function emptyTable({ fields }: Schema, table: number, source: ExposedSource | undefined): string {
  const names = distinctNames(fields.map(({ name }) => name))
  const columns = fields.map((_, at) => `${columnName(table, at)} AS ${quoteName(names[at] ?? '')}`)
  return `(SELECT ${columns.join(', ')} FROM ${source?.sql ?? ''})`
}

/** The query's text with every table in its place. */
function withTables(query: string, references: readonly TableReference[], tables: readonly string[]): string {
  const byToken = new Map(references.map(({ token }, at) => [token, tables[at] ?? '']))
  return query.replaceAll(/__floeberg_[0-9a-f]{32}_\d+/g, (token) => byToken.get(token) ?? token)
}

interface Prepared {
  readonly query: string
  readonly schema: Schema
  readonly needs: readonly TableNeeds[]
  readonly tables: readonly QueriedTable[]
  readonly references: readonly TableReference[]
}

/** A query that is about to run: its files are open. */
interface OpenQuery {
  readonly sql: string
  readonly values: readonly DuckDBBitValue[]
  readonly tables: readonly OpenTasks[]
  readonly session: Session
  close(): Promise<void>
}

class PreparedQuery implements PreparedSql {
  readonly schema: Schema
  readonly needs: readonly TableNeeds[]
  readonly #reader: Reader
  readonly #prepared: Prepared

  constructor(reader: Reader, prepared: Prepared) {
    this.schema = prepared.schema
    this.needs = prepared.needs
    this.#reader = reader
    this.#prepared = prepared
  }

  async *readRows(options: RunOptions = {}): AsyncGenerator<readonly Row[]> {
    const read = rowReader(this.schema)
    for await (const { chunk, rowCount } of this.#stream(options)) yield read(chunk, rowCount)
  }

  async *readArrow(options: RunOptions = {}): AsyncGenerator<ArrowRecordBatch> {
    const reader = await batchReader(this.schema, this.#reader.engine.aheadBytes)
    yield* reader.batches(this.#stream(options))
  }

  readToFile(file: OutputPath, options: RunOptions = {}): Promise<{ readonly rows: number }> {
    return writeWhole(file, async (unfinished) => {
      const { format } = file
      if (format === 'arrow') {
        const reader = await batchReader(this.schema, this.#reader.engine.aheadBytes)
        return saveArrowFile(unfinished, reader.schema, reader.batches(this.#stream(options)))
      }
      const open = await this.#open(options, [unfinished])
      try {
        const names = this.schema.fields.map(({ name }) => name)
        const result = this.#resultSql(open.sql, names)
        const sql = `COPY (${result}) TO ${quoteText(unfinished)} (${copyOptions(this.schema, format)})`
        const [row] = await this.#diagnosed(open, () => open.session.rows(sql, statement(open, options)))
        return { rows: Number(row?.['Count']) }
      } finally {
        await open.close()
      }
    })
  }

  async *#stream(options: RunOptions): AsyncGenerator<StreamChunk> {
    const open = await this.#open(options)
    let rows = 0
    try {
      const sql = this.#resultSql(open.sql, numberedNames(this.schema))
      for await (const chunk of open.session.stream(sql, statement(open, options))) {
        rows += chunk.rowCount
        options.onProgress?.({ rows, totalRows: null })
        yield chunk
      }
    } catch (error) {
      throw await this.#failure(open, error)
    } finally {
      await open.close()
    }
  }

  /** The query's rows in the types of its schema. */
  #resultSql(sql: string, names: readonly string[]): string {
    const { fields } = this.schema
    const columns = fields.map(
      ({ type }, at) => `CAST(q.c${at} AS ${sqlType(type)}) AS ${quoteName(names[at] ?? '')}`,
    )
    const aliases = fields.map((_, at) => `c${at}`)
    return `SELECT ${columns.join(', ')} FROM (${sql}\n) AS q(${aliases.join(', ')})`
  }

  async #open(options: RunOptions, alsoReachable: readonly string[] = []): Promise<OpenQuery> {
    const { tables, needs, query, references } = this.#prepared
    const opened: OpenTasks[] = []
    const values: DuckDBBitValue[] = []
    const close = async (session?: Session): Promise<void> => {
      session?.release()
      await Promise.all(opened.map((open) => open.close()))
    }
    try {
      const scans: string[] = []
      for (const [at, table] of tables.entries()) {
        const of = needs[at] ?? EVERYTHING
        const request = await table.plan(of, options)
        refuseUnsupported(request.tasks)
        const open = await openTasks(this.#reader, { ...request, signal: options.signal }, request.tasks)
        opened.push(open)
        scans.push(await scanSql(open, request, table.schema, values, options.signal))
      }
      const paths = opened.flatMap(({ tasks }) => tasks.map((task) => task.localPath))
      const session = await this.#reader.engine.session({ paths: [...paths, ...alsoReachable] })
      const sql = withTables(query, references, scans)
      return { sql, values, tables: opened, session, close: () => close(session) }
    } catch (error) {
      await close()
      throw error
    }
  }

  #diagnosed<T>(open: OpenQuery, run: () => Promise<T>): Promise<T> {
    const [first] = open.tables
    return first === undefined ? run() : diagnosed(this.#reader, joined(first, open.tables), run)
  }

  async #failure(open: OpenQuery, error: unknown): Promise<unknown> {
    const [first] = open.tables
    return first === undefined ? error : failureOf(this.#reader, joined(first, open.tables), error)
  }
}

const EVERYTHING: TableNeeds = { filter: { op: 'true' }, columns: [], rows: undefined }

/** A table's rows; columns that the query does without are null and not read. */
async function scanSql(
  open: OpenTasks,
  request: ReadRequest,
  schema: Schema,
  values: DuckDBBitValue[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const { projection, nameMapping } = request
  const rows = withoutDeleted(await readPositionDeletes(open, signal))
  const { sql } = scanQuery(
    open.tasks,
    { projection, nameMapping, names: numberedNames(projection), rows },
    values,
  )
  const names = distinctNames(schema.fields.map(({ name }) => name))
  const columns = schema.fields.map(({ id, type }, at) => {
    const read = projection.fields.findIndex((field) => field.id === id)
    const value = read === -1 ? `CAST(NULL AS ${canBeRead(type) ? sqlType(type) : 'INTEGER'})` : `c${read}`
    return `${value} AS ${quoteName(names[at] ?? '')}`
  })
  return `(SELECT ${columns.join(', ')} FROM (${sql}))`
}

function statement(open: OpenQuery, { signal }: RunOptions): StatementOptions {
  return {
    doing: 'run the query',
    signal,
    values: open.values,
    explain: valueFailure,
    reading: open.tables.flatMap(({ tasks }) => tasks.map((task) => task.localPath)),
    nameOf: (path) =>
      open.tables.map((table) => table.nameOf(path)).find((name) => name !== 'a data file') ?? 'a data file',
  }
}

/** All files of a query, to find the one at fault among them. */
function joined(first: OpenTasks, tables: readonly OpenTasks[]): OpenTasks {
  return { ...first, tasks: tables.flatMap(({ tasks }) => tasks) }
}
