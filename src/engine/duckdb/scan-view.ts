/**
 * A scan as a temporary view on a connection that is not ours: of another instance, perhaps another
 * version of DuckDB, with settings of its own and none of our functions.
 */
import type { DuckDBBitValue, DuckDBConnection } from '@duckdb/node-api'
import { throwIfAborted } from '../../abort.ts'
import {
  EngineError,
  type FloebergError,
  InvalidArgumentError,
  StorageDeniedError,
  UnsupportedFeatureError,
} from '../../errors.ts'
import type { Schema } from '../../format/schema.ts'
import type { ReadRequest } from '../data-plane.ts'
import type { EngineConnection, ScanView, ViewTarget } from '../scan-views.ts'
import { engineError, isDisconnected } from './errors.ts'
import { openTasks, refuseUnsupported, type OpenTasks, type Reader } from './open-tasks.ts'
import { readPositionDeletes, withoutDeleted } from './position-deletes.ts'
import { diagnosed } from './read-failure.ts'
import { scanQuery } from './scan-sql.ts'
import { distinctNames, quoteName, quoteText, sqlType } from './sql.ts'

/** ScanViews.createView by DuckDB. */
export async function createView(
  reader: Reader,
  request: ReadRequest,
  { connection, name }: ViewTarget,
): Promise<ScanView> {
  const host = new Host(checkedConnection(connection), checkedName(name))
  refuseUnsupported(request.tasks)
  await host.check().catch((error: unknown) => {
    throw hostError(error)
  })
  const open = await openTasks(reader, request, request.tasks)
  try {
    await host.create(await viewOf(reader, open, request, host.bitsTable), request.signal)
  } catch (error) {
    await host.cleanUp()
    await open.close()
    throw hostError(error, open)
  }
  // What is held from here on is the files, and none of our connections.
  open.session.release()
  return heldView(host, open)
}

function checkedConnection(connection: EngineConnection): DuckDBConnection {
  if (isConnection(connection)) return connection
  throw new InvalidArgumentError('This is no connection of @duckdb/node-api', {
    hint: 'Views are made on a DuckDBConnection: await (await DuckDBInstance.create()).connect().',
  })
}

function isConnection(value: unknown): value is DuckDBConnection {
  const methods = ['run', 'runAndReadAll']
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof Reflect.get(value, method) === 'function')
  )
}

function checkedName(name: string): string {
  if (typeof name === 'string' && name !== '' && !name.includes('\0')) return name
  throw new InvalidArgumentError('The name of a view is a text of one character at least, none of them NUL')
}

function hostError(error: unknown, open?: OpenTasks): FloebergError {
  return engineError(error, {
    doing: 'make a view on the connection',
    reading: open?.tasks.map((task) => task.localPath),
    nameOf: open?.nameOf,
    explain: accessFailure,
  })
}

/** How DuckDB begins when its own settings forbid it to open a file. */
function accessFailure(text: string): FloebergError | null {
  if (!text.startsWith('Permission Error')) return null
  return new StorageDeniedError('the connection may not read the files of the table', {
    hint: 'Open its DuckDB with enable_external_access, or allow the folders of the warehouse.',
  })
}

function heldView(host: Host, open: OpenTasks): ScanView {
  let releasing: Promise<void> | null = null
  const run = async (): Promise<void> => {
    try {
      await host.drop()
    } catch (error) {
      // It stands, and reads its files: another try may have more luck.
      releasing = null
      throw error
    }
    await open.close()
  }
  const release = (): Promise<void> => (releasing ??= run())
  return { name: host.name, release, [Symbol.asyncDispose]: release }
}

interface ViewQuery {
  readonly sql: string
  /** What the scan's columns are to be; the types that the view has to have. */
  readonly schema: Schema
  /** Which rows are deleted, by number. */
  readonly bits: readonly DuckDBBitValue[]
}

async function viewOf(
  reader: Reader,
  open: OpenTasks,
  request: ReadRequest,
  bitsTable: string,
): Promise<ViewQuery> {
  const { projection, nameMapping, limit, signal } = request
  if (projection.fields.length === 0) throw new UnsupportedFeatureError('a view needs one column at least')
  const names = distinctNames(projection.fields.map((field) => field.name))
  const rows = withoutDeleted(await diagnosed(reader, open, () => readPositionDeletes(open, signal)))
  // A view has no parameters.
  const bitsSql = (number: number): string => `(SELECT bits FROM ${bitsTable} WHERE number = ${number})`
  const scan = scanQuery(open.tasks, { projection, nameMapping, names, rows, foreign: { bitsSql } })
  const sql = limit === undefined ? scan.sql : `SELECT * FROM (${scan.sql}) LIMIT ${limit}`
  if (sql.includes('\0')) throw new UnsupportedFeatureError('names in a view hold no NUL characters')
  return { sql, schema: projection, bits: scan.values }
}

/** From this version on DuckDB has everything that scans are made of. */
const LEAST_VERSION = { major: 1, minor: 4 }

/** The caller's connection, with what is made there for one view. Throws what DuckDB throws. */
class Host {
  readonly name: string
  /** Holds the deleted rows as bits: a bit a row, however many are deleted. */
  readonly bitsTable: string
  readonly #connection: DuckDBConnection
  #hasTable = false
  #hasView = false
  /** DuckDB's own number of the view that is ours; null until it is known. */
  #viewId: unknown = null

  constructor(connection: DuckDBConnection, name: string) {
    this.#connection = connection
    this.name = name
    this.bitsTable = `temp.main.${quoteName(`__floeberg_deleted_${crypto.randomUUID()}`)}`
  }

  /** UnsupportedFeatureError for an old version, InvalidArgumentError for a name that is taken. */
  async check(): Promise<void> {
    const [row] = await this.#rows('SELECT version() AS version')
    const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(String(row?.['version'])) ?? []
    const least = LEAST_VERSION
    if (Number(major) < least.major || (Number(major) === least.major && Number(minor) < least.minor)) {
      throw new UnsupportedFeatureError(`views need DuckDB ${least.major}.${least.minor} or later`, {
        hint: 'Update @duckdb/node-api where the connection comes from.',
      })
    }
    // A temporary view goes before everything else of its name, which it would hide without a word.
    const name = `lower(${quoteText(this.name)})`
    const taken = await this.#rows(
      `SELECT 1 FROM duckdb_tables() WHERE NOT internal AND lower(table_name) = ${name} ` +
        `UNION ALL SELECT 1 FROM duckdb_views() WHERE NOT internal AND lower(view_name) = ${name}`,
    )
    if (taken.length === 0) return
    throw new InvalidArgumentError('The connection has a table or view of that name already', {
      hint: 'Choose another name, or drop what has it.',
    })
  }

  async create({ sql, schema, bits }: ViewQuery, signal: AbortSignal | undefined): Promise<void> {
    if (bits.length > 0) {
      await this.#connection.run(`CREATE TEMP TABLE ${this.bitsTable} (number INTEGER, bits BIT)`)
      this.#hasTable = true
    }
    for (const [at, { data }] of bits.entries()) {
      throwIfAborted(signal)
      // As a text: values of our version of the package would be strangers to another. The first byte
      // counts bits of padding, of which there are none.
      const text = Buffer.from(data.buffer, data.byteOffset + 1, data.byteLength - 1).toString('base64')
      const insert = `INSERT INTO ${this.bitsTable} VALUES (${at + 1}, CAST(from_base64($1) AS BIT))`
      await this.#connection.run(insert, [text])
    }
    throwIfAborted(signal)
    await this.#connection.run(`CREATE TEMP VIEW ${quoteName(this.name)} AS ${sql}`)
    this.#hasView = true
    this.#viewId = await this.#findView()
    await this.#expectTypes(schema)
  }

  /** Drops what was made, but no view of somebody else that has the name by now. */
  async drop(): Promise<void> {
    try {
      const isOurs = this.#viewId === null || (await this.#findView()) === this.#viewId
      if (this.#hasView && isOurs) {
        await this.#connection.run(`DROP VIEW IF EXISTS temp.main.${quoteName(this.name)}`)
      }
      this.#hasView = false
      if (this.#hasTable) await this.#connection.run(`DROP TABLE IF EXISTS ${this.bitsTable}`)
      this.#hasTable = false
    } catch (error) {
      // What is temporary has gone with its connection.
      if (isDisconnected(error)) return
      throw new EngineError('the connection could not drop a view', {
        hint: 'If its transaction has failed, roll that back, and release the view again.',
      })
    }
  }

  /** As `drop`, after a failure. */
  async cleanUp(): Promise<void> {
    // Where nothing can be dropped, the statement that failed has failed the caller's transaction, whose
    // end takes along what was made in it; the failure itself is what the caller is to hear of.
    await this.drop().catch(() => undefined)
  }

  async #findView(): Promise<unknown> {
    const [row] = await this.#rows(
      `SELECT view_oid AS id FROM duckdb_views() WHERE database_name = 'temp' AND schema_name = 'main' ` +
        `AND view_name = ${quoteText(this.name)}`,
    )
    return row?.['id'] ?? null
  }

  /** The view's columns are of just the scan's types, whatever the connection is set to. */
  async #expectTypes({ fields }: Schema): Promise<void> {
    const nulls = fields.map((field) => `CAST(NULL AS ${sqlType(field.type)})`)
    const expected = await this.#typesOf(`SELECT ${nulls.join(', ')}`)
    const delivered = await this.#typesOf(`SELECT * FROM temp.main.${quoteName(this.name)} LIMIT 0`)
    const at = expected.findIndex((type, column) => type !== delivered[column])
    if (at === -1) return
    throw new EngineError(`the connection reads column '${fields[at]?.name ?? ''}' as another type`, {
      hint: 'Look at the settings of the connection.',
    })
  }

  async #typesOf(sql: string): Promise<readonly string[]> {
    return (await this.#connection.runAndReadAll(sql)).columnTypes().map(String)
  }

  async #rows(sql: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjects()
  }
}
