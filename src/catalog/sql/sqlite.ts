/** The SQL catalog in a SQLite file (or in memory), through the SQLite of Node.js. */
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { sleep, throwIfAborted } from '../../abort.ts'
import { CommitStateUnknownError, InvalidConfigError } from '../../errors.ts'
import type { CallOptions } from '../../storage/object-store.ts'
import type { Catalog } from '../catalog.ts'
import type { PointerCatalogOptions } from '../pointer-catalog.ts'
import { nodeSqliteDialect } from './node-sqlite-dialect.ts'
import { openSqlCatalog } from './sql-catalog.ts'
import type { CatalogDb, SqlEngine } from './sql-engine.ts'
import { isBusy, sqliteError } from './sqlite-errors.ts'
import type { CatalogTables } from './tables.ts'

export interface SqliteCatalogOptions extends PointerCatalogOptions {
  /** `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite:///:memory:`. */
  readonly uri: string
  /** How long to wait in all while other processes hold the database, in milliseconds. Default 60,000. */
  readonly busyTimeoutMs?: number
}

/** Opens, and where need be makes, the catalog in a SQLite database. */
export async function openSqliteCatalog(options: SqliteCatalogOptions): Promise<Catalog> {
  const engine = openSqliteEngine(options.uri, options.busyTimeoutMs ?? 60_000)
  try {
    await engine.read(keepJournalFile)
    return await openSqlCatalog(engine, options)
  } catch (error) {
    await engine.close()
    throw error
  }
}

/**
 * Emptying the rollback journal instead of deleting it halves the cost of a transaction. It is this
 * connection's own affair: other programs go on as they like, and a database in WAL mode stays so.
 */
async function keepJournalFile(db: CatalogDb): Promise<void> {
  const { rows } = await sql<{ readonly journal_mode: string }>`pragma journal_mode`.execute(db)
  if (rows[0]?.journal_mode === 'delete') await sql`pragma journal_mode = persist`.execute(db)
}

/**
 * The file's path of a URI as SQLAlchemy has them: what follows the third slash, verbatim. Relative
 * paths are taken from the working folder. InvalidConfigError for anything else.
 */
export function sqlitePath(uri: string): string {
  const path = /^sqlite(?:\+[a-z0-9_]+)?:\/\/(?:\/(.*))?$/s.exec(uri)
  if (path === null) throw badUri('This is no URI of a SQLite database')
  const file = path[1] ?? ''
  if (file === '' || file === ':memory:') return ':memory:'
  if (/[?#\0]/.test(file))
    throw badUri("Options ('?', '#') in the URI of a SQLite database are not supported")
  return resolve(file)
}

function badUri(message: string): InvalidConfigError {
  return new InvalidConfigError(message, {
    path: 'uri',
    hint: 'Write sqlite:///relative.db or sqlite:////absolute/path.db.',
  })
}

/** The database of a URI; made when it is not there. */
export function openSqliteEngine(uri: string, busyTimeoutMs: number): SqlEngine {
  const path = sqlitePath(uri)
  try {
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA busy_timeout = ${BLOCKING_WAIT_MS}`)
    return new SqliteEngine(database, path, busyTimeoutMs)
  } catch (error) {
    throw sqliteError(error, path)
  }
}

/** node:sqlite waits with the event loop blocked: no longer than a writer's usual moment. */
const BLOCKING_WAIT_MS = 10
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 200

class SqliteEngine implements SqlEngine {
  readonly #db: Kysely<CatalogTables>
  readonly #path: string
  readonly #busyTimeoutMs: number

  constructor(database: DatabaseSync, path: string, busyTimeoutMs: number) {
    this.#db = new Kysely<CatalogTables>({ dialect: nodeSqliteDialect(database) })
    this.#path = path
    this.#busyTimeoutMs = busyTimeoutMs
  }

  read<T>(work: (db: CatalogDb) => Promise<T>, options: CallOptions = {}): Promise<T> {
    return this.#patiently(options.signal, () => work(this.#db))
  }

  write<T>(work: (db: CatalogDb) => Promise<T>, options: CallOptions = {}): Promise<T> {
    return this.#patiently(options.signal, () =>
      this.#db.connection().execute((connection) => inTransaction(connection, work)),
    )
  }

  async close(): Promise<void> {
    await this.#db.destroy()
  }

  /** Waits between attempts without the event loop, and with jitter: several processes wait alike. */
  async #patiently<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#busyTimeoutMs
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      throwIfAborted(signal)
      try {
        return await attempt()
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw sqliteError(error, this.#path)
      }
      await sleep(pause * (0.5 + Math.random()), signal)
    }
  }
}

async function inTransaction<T>(connection: CatalogDb, work: (db: CatalogDb) => Promise<T>): Promise<T> {
  // IMMEDIATE takes the write lock at once; a transaction that began by reading could only fail later.
  await sql`begin immediate`.execute(connection)
  let result: T
  try {
    result = await work(connection)
  } catch (error) {
    await rollback(connection)
    throw error
  }
  await commit(connection)
  return result
}

async function commit(connection: CatalogDb): Promise<void> {
  try {
    await sql`commit`.execute(connection)
  } catch (error) {
    const rolledBack = await rollback(connection)
    // A reader held the file: SQLite left the transaction open, and now it is rolled back.
    if (isBusy(error) && rolledBack) throw error
    throw new CommitStateUnknownError('The catalog database failed at the end of a transaction', {
      cause: error,
    })
  }
}

async function rollback(connection: CatalogDb): Promise<boolean> {
  try {
    await sql`rollback`.execute(connection)
    return true
  } catch {
    // After some errors SQLite has rolled back by itself, and says so with an error here.
    return false
  }
}
