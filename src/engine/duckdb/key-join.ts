/** Table rows joined with source rows of equal keys. */
import duckdb from '@duckdb/node-bindings'
import { InvalidArgumentError } from '../../errors.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { Schema } from '../../format/schema.ts'
import { filterSql } from './filter-sql.ts'
import { ROW_IDS, rowsOfChunk, type ChunkRows } from './hits.ts'
import { leafSql, type FileColumns } from './projection.ts'
import { bigint64sOf, bytesOf, wholeVector } from './raw-vector.ts'
import type { ScanShape } from './scan-sql.ts'
import type { StreamChunk } from './session.ts'
import { SOURCE_ROW } from './source-rows.ts'

export interface KeyJoin {
  /** Queries of both sides: columns `t0`, `t1` … and `s0`, `s1` …, keys first. */
  readonly table: string
  readonly source: string
  readonly keys: number
  /** All columns of both sides; those that are no keys are compared. */
  readonly columns: number
  /** Table rows that meet nothing come out as well, where `SCOPE` is true. */
  readonly withOthers: boolean
}

/** Whether a table row lies within the scope of what the source is complete for. */
const SCOPE = '__floeberg_scope'

/** The column that a join `withOthers` wants of the table's side. */
export function scopeColumn(scope: BoundExpression): NonNullable<ScanShape['computed']> {
  const sql = (file: FileColumns): string => filterSql(scope, (ref) => leafSql(ref.path, file))
  return new Map([[SCOPE, { sqlType: 'BOOLEAN', sql }]])
}

/** Names for a scan's columns. */
export function tableNames(schema: Schema): readonly string[] {
  return schema.fields.map((_, at) => `t${at}`)
}

/** Pairs of rows whose keys are equal; null is equal to nothing. */
export function joinSql({ table, source, keys, columns, withOthers }: KeyJoin): string {
  const numbers = Array.from({ length: columns }, (_, at) => at)
  const on = numbers.slice(0, keys).map((at) => `t${at} = s${at}`)
  const differs = numbers.slice(keys).map((at) => `t${at} IS DISTINCT FROM s${at}`)
  const where = withOthers ? ` WHERE ${SOURCE_ROW} IS NOT NULL OR ${SCOPE}` : ''
  return (
    `SELECT ${ROW_IDS.task}, ${ROW_IDS.position}, ` +
    `CAST(coalesce(${SOURCE_ROW}, -1) AS BIGINT) AS source_row, ` +
    `(${differs.length === 0 ? 'FALSE' : differs.join(' OR ')}) AS differs ` +
    `FROM (${table}) ${withOthers ? 'LEFT JOIN' : 'JOIN'} (${source}) ON ${on.join(' AND ')}${where}`
  )
}

/** Pairs that differ in what is compared. */
export function differingSql(join: Omit<KeyJoin, 'withOthers'>): string {
  return `SELECT * FROM (${joinSql({ ...join, withOthers: false })}) WHERE differs`
}

/** Pairs by columns: bigints are made numbers where they are wanted. */
export interface Pairs extends ChunkRows {
  readonly count: number
  /** -1 for none. */
  readonly sourceRows: BigInt64Array
  /** 1 where any of what is compared differs. */
  readonly differs: Uint8Array
}

/** The pairs of a chunk; valid as long as it is. */
export function pairsOf(stream: StreamChunk): Pairs {
  const column = (at: number) =>
    wholeVector(duckdb.data_chunk_get_vector(stream.chunk.chunk, at), stream.rowCount)
  return {
    ...rowsOfChunk(stream),
    count: stream.rowCount,
    sourceRows: bigint64sOf(column(2)),
    differs: bytesOf(column(3), 1),
  }
}

/** Top-level columns by id; those that are always null are left out. InvalidArgumentError. */
export function columnsOf(schema: Schema, ids: readonly number[]): Schema {
  const fields = ids.map((id) => {
    const field = schema.fields.find((other) => other.id === id)
    if (field === undefined) throw new InvalidArgumentError(`no top-level column has the field id ${id}`)
    return field
  })
  return { ...schema, fields: fields.filter(({ type }) => type.kind !== 'unknown') }
}
