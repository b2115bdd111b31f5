/** Kysely on the SQLite that comes with Node.js. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely'

export function nodeSqliteDialect(database: DatabaseSync): SqliteDialect {
  return new SqliteDialect({ database: new PreparedDatabase(database) })
}

/** Keeps prepared statements: a catalog sends the same dozen again and again. */
class PreparedDatabase implements SqliteDatabase {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, SqliteStatement>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  prepare(text: string): SqliteStatement {
    const known = this.#prepared.get(text)
    if (known !== undefined) return known
    const statement = adapt(this.#database.prepare(text), text)
    this.#prepared.set(text, statement)
    return statement
  }

  close(): void {
    this.#prepared.clear()
    this.#database.close()
  }
}

// Node.js 22.13 cannot yet tell whether a statement has columns; Kysely's texts can.
const GIVES_ROWS = /^\s*(select|with|pragma)\b|\breturning\b/i

function adapt(statement: StatementSync, text: string): SqliteStatement {
  return {
    reader: GIVES_ROWS.test(text),
    all: (parameters) => statement.all(...parameters.map(inputValue)),
    run: (parameters) => statement.run(...parameters.map(inputValue)),
    iterate: (parameters) => statement.iterate(...parameters.map(inputValue)),
  }
}

function inputValue(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return value
  }
  throw new TypeError(`No SQL parameter: ${typeof value}`)
}
