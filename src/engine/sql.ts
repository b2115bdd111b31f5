/** Contract: SQL over tables that somebody else finds and plans. Only queries: nothing is ever changed. */
import type { Expression } from '../format/expressions/expression.ts'
import type { Schema } from '../format/schema.ts'
import type { Row } from '../format/values/value.ts'
import type { ArrowRecordBatch, OutputPath, ReadRequest, RunOptions } from './data-plane.ts'

/** A table as a query names it. */
export interface SqlTableName {
  /** As written, from the outermost in, without quotes. */
  readonly parts: readonly string[]
  /** Which state of it, where the query says so. */
  readonly at: SqlTablePoint | null
}

/** What stands behind `AT` or `FOR … AS OF`: a snapshot's id or a ref's name, or a time as text. */
export type SqlTablePoint =
  | { readonly version: bigint | string; readonly time?: never }
  | { readonly time: string; readonly version?: never }

/** What of a table a query needs. */
export interface TableNeeds {
  /** Holds for every row that can matter to the query; always true where nothing can be said. */
  readonly filter: Expression
  /** Ids of top-level columns. */
  readonly columns: readonly number[]
  /** So many rows are enough, whichever they are; undefined: all. */
  readonly rows: number | undefined
}

/** A table that a query names, pinned to one state. */
export interface QueriedTable {
  readonly schema: Schema
  /** Plans what is to be read. Called for every run of the query. */
  plan(needs: TableNeeds, options: RunOptions): Promise<ReadRequest>
}

/** A value that a query takes from outside; a Date is a timestamptz. */
export type SqlParameter = string | number | bigint | boolean | Date | null

/** By their order (`?`, `$1`) or by name (`$name`). */
export type SqlParameters = readonly SqlParameter[] | Readonly<Record<string, SqlParameter>>

/** A query to be prepared. */
export interface SqlRequest extends RunOptions {
  /** One SELECT, or whatever else only reads. */
  readonly query: string
  /** Values for its parameters: each is used, and none is missing. */
  readonly parameters?: SqlParameters | undefined
  /** Finds a table by its name; whatever it throws ends the preparation. */
  readonly table: (name: SqlTableName) => Promise<QueriedTable>
}

/** A query whose tables are found and whose columns are known. Holds nothing open. */
export interface PreparedSql {
  /** Of the result. All columns are optional; names that occur twice are numbered. */
  readonly schema: Schema
  /** What the query needs of each table that it names, in the order of the text; for those that look on. */
  readonly needs: readonly TableNeeds[]
  readRows(options?: RunOptions): AsyncIterable<readonly Row[]>
  readArrow(options?: RunOptions): AsyncIterable<ArrowRecordBatch>
  readToFile(file: OutputPath, options?: RunOptions): Promise<{ readonly rows: number }>
}

/** Running SQL. */
export interface SqlQueries {
  /**
   * Throws InvalidQueryError for what is no query, uses functions that reach beyond its tables, or does
   * not fit their columns; UnsupportedFeatureError.
   */
  prepareSql(request: SqlRequest): Promise<PreparedSql>
}
