/** Spooled rows as columns of the table, to be matched with its rows. */
import { EngineError } from '../../errors.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import { PositionSet } from '../../format/position-set.ts'
import type { Schema } from '../../format/schema.ts'
import { addBitBlocks, bitBlocksSql } from './bit-blocks.ts'
import type { DuckDbEngine } from './connection.ts'
import { convertColumns, type OutgoingColumn } from './convert.ts'
import { filterSql } from './filter-sql.ts'
import type { Spool } from './spool.ts'
import { quoteName } from './sql.ts'
import { columnReference } from './write-copy.ts'

/** The column of a source row's number. */
export const SOURCE_ROW = '__floeberg_row'

export class SourceRows {
  readonly spool: Spool
  readonly #schema: Schema
  readonly #columns: readonly OutgoingColumn[]

  constructor(spool: Spool, schema: Schema) {
    this.spool = spool
    this.#schema = schema
    const source = { name: 'the source', nullsChecked: true }
    this.#columns = convertColumns(spool.columnsFor(schema), schema.fields, source)
  }

  /** A query of rows with their numbers and some columns, called `s0`, `s1` … in order of the ids. */
  query(ids: readonly number[], condition = 'TRUE'): string {
    const list = ids.map((id, at) => {
      const column = this.#columns.find(({ field }) => field.id === id)
      if (column === undefined) throw new EngineError(`no column of the source has the field id ${id}`)
      return `, ${column.sql} AS s${at}`
    })
    return `SELECT file_row_number AS ${SOURCE_ROW}${list.join('')} FROM ${this.spool.from} WHERE ${condition}`
  }

  /** Numbers of the rows for which a condition is true. */
  async matching(
    engine: DuckDbEngine,
    condition: BoundExpression,
    signal: AbortSignal | undefined,
  ): Promise<PositionSet> {
    const columnOf = columnReference(this.#schema, this.#columns)
    const columns = this.#columns.map(({ sql, name }) => `${sql} AS ${quoteName(name)}`)
    const rows = `SELECT ${[`file_row_number AS ${SOURCE_ROW}`, ...columns].join(', ')} FROM ${this.spool.from}`
    const where = filterSql(condition, ({ fieldId }) => columnOf(fieldId))
    const found = new PositionSet(this.spool.rows)
    await engine.withSession({ paths: [this.spool.path] }, async (session) => {
      const matching = `SELECT CAST(${SOURCE_ROW} AS BIGINT) AS found FROM (${rows}) WHERE ${where}`
      const sql = bitBlocksSql(matching, 'CAST(0 AS INTEGER)', 'found')
      const options = { doing: 'read the source', signal, reading: [this.spool.path] }
      for await (const chunk of session.stream(sql, options)) addBitBlocks(chunk, () => found)
    })
    return found
  }
}
