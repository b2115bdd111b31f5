/**
 * Open tasks as one query: files of the same layout, filter and constants are read by one
 * `read_parquet`, so that hundreds of small files cost no more than one, with or without deletes.
 */
import type { DuckDBBitValue } from '@duckdb/node-api'
import { UnsupportedFeatureError } from '../../errors.ts'
import type { NameMapping } from '../../format/name-mapping.ts'
import type { Schema } from '../../format/schema.ts'
import type { NestedField } from '../../format/types.ts'
import { ALL_ROWS } from './filter-sql.ts'
import type { OpenTask } from './open-tasks.ts'
import { READ_OPTIONS } from './physical.ts'
import { LOCATION, POSITION } from './position-deletes.ts'
import { columnSql, type FileColumns } from './projection.ts'
import { joinedBits, type RowChoice } from './row-choice.ts'
import { branchesOf, type Branch } from './scan-branches.ts'
import { quoteName, quotePaths, quoteTexts, sqlType } from './sql.ts'

/** Columns that every table has beside its own (Iceberg spec, "Reserved Field IDs"). */
const FILE_COLUMN_ID = 2147483646
const POSITION_COLUMN_ID = 2147483645

export interface ScanQuery {
  readonly sql: string
  /** The tasks that are read, by their numbers in the rows' ids. */
  readonly tasks: readonly OpenTask[]
  /** Of the parameters `$1`, `$2` … */
  readonly values: readonly DuckDBBitValue[]
}

export interface ScanShape {
  readonly projection: Schema
  readonly nameMapping: NameMapping | null
  /** What the columns are called in the query's result; one for each of the projection's. */
  readonly names: readonly string[]
  /** Which rows are meant; all of files that are not in it. */
  readonly rows: ReadonlyMap<OpenTask, RowChoice>
  /**
   * Two columns in front of the others: the number of the row's task among those of the query
   * (INTEGER), and the row's position in its file (BIGINT).
   */
  readonly rowIds?: { readonly task: string; readonly position: string }
  /** Further columns, behind the others, by name. */
  readonly computed?: ReadonlyMap<string, ComputedColumn>
  /** For a query that another's connection will run, without parameters. */
  readonly foreign?: ForeignQuery | undefined
}

export interface ForeignQuery {
  /** Where the query finds what would be the parameter of that number. */
  readonly bitsSql: (number: number) => string
}

/** A column that is computed from those of a file. */
export interface ComputedColumn {
  readonly sqlType: string
  readonly sql: (file: FileColumns) => string
}

/** The rows of the tasks, of exactly the projection's types. Parameters go behind those of `values`. */
export function scanQuery(
  tasks: readonly OpenTask[],
  shape: ScanShape,
  values: DuckDBBitValue[] = [],
): ScanQuery {
  const numbered: OpenTask[] = []
  const selects = branchesOf(tasks, shape).flatMap((branch) => {
    const first = numbered.length
    numbered.push(...branch.tasks)
    return branchSql(branch, shape, first, values)
  })
  const sql = selects.length === 0 ? emptySql(shape) : unionAll(selects)
  return { sql, values, tasks: numbered }
}

/**
 * Halves of halves, since the engine's planner descends into a union as deep as its branches are
 * many when they stand in a row.
 */
function unionAll(selects: readonly string[]): string {
  const [only] = selects
  if (selects.length === 1 && only !== undefined) return only
  const middle = selects.length >> 1
  return `(${unionAll(selects.slice(0, middle))}) UNION ALL (${unionAll(selects.slice(middle))})`
}

/** What the columns of a scan are called when nobody sees their names. */
export function numberedNames(schema: Schema): readonly string[] {
  return schema.fields.map((_, at) => `c${at}`)
}

/** One SELECT, or one for each run of rows where a file is only partly at hand. */
function branchSql(
  branch: Branch,
  shape: ScanShape,
  firstNumber: number,
  values: DuckDBBitValue[],
): readonly string[] {
  const { layout, tasks } = branch
  const conditions = branch.condition === ALL_ROWS ? [] : [branch.condition]
  if (branch.take !== null) conditions.push(...choiceSql(branch, branch.take, shape, values))
  const select = `SELECT ${outputsSql(branch, shape, firstNumber)}`
  const paths = quotePaths(tasks.map((task) => task.localPath))
  // Numbered aliases: a file's own column may be called like a column that the engine adds.
  const from = `FROM read_parquet(${paths}, ${READ_OPTIONS}) AS f(${layout.columns.columns.join(', ')})`
  const where = (extra: readonly string[]): string => {
    const all = [...conditions, ...extra]
    return all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`
  }
  const ranges = tasks[0]?.rowRanges
  if (ranges === undefined) return [`${select} ${from}${where([])}`]
  // The engine skips row groups by this condition whatever else stands in the filter.
  return ranges.map((range) => `${select} ${from}${where([betweenSql(range.first, range.last)])}`)
}

/** Conditions that choose rows by their bits. */
function choiceSql(
  { tasks }: Branch,
  take: RowChoice['take'],
  { rows, foreign }: ScanShape,
  values: DuckDBBitValue[],
): readonly string[] {
  const chosen = tasks.flatMap((task) => {
    const choice = rows.get(task)
    return choice === undefined ? [] : [{ rowCount: task.file.recordCount, positions: choice.positions }]
  })
  const { value, offsets } = joinedBits(chosen)
  values.push(value)
  const position =
    offsets.length === 1 ? 'file_row_number' : `${byFileSql(`[${offsets.join(', ')}]`)} + file_row_number`
  const bits = foreign?.bitsSql(values.length) ?? `$${values.length}::BIT`
  const bit = `get_bit(${bits}, (${position})::INTEGER) = ${take === 'only' ? 1 : 0}`
  const only = chosen[0]?.positions
  if (take !== 'only' || chosen.length !== 1 || only === undefined) return [bit]
  return [bit, betweenSql(only.first ?? 0, only.last ?? 0)]
}

function betweenSql(first: number, last: number): string {
  return `file_row_number BETWEEN ${first} AND ${last}`
}

/** The item of a list that belongs to the row's file. */
function byFileSql(list: string): string {
  return `list_extract(${list}, CAST(file_index AS BIGINT) + 1)`
}

function outputsSql(branch: Branch, shape: ScanShape, firstNumber: number): string {
  const { projection, names, rowIds, computed } = shape
  const outputs: string[] = []
  if (rowIds !== undefined) {
    const task = `CAST(file_index AS INTEGER) + ${firstNumber}`
    outputs.push(`${task} AS ${quoteName(rowIds.task)}`)
    outputs.push(`CAST(file_row_number AS BIGINT) AS ${quoteName(rowIds.position)}`)
  }
  for (const [at, field] of projection.fields.entries()) {
    outputs.push(`${outputSql(field, branch)} AS ${quoteName(names[at] ?? '')}`)
  }
  for (const [name, column] of computed ?? []) {
    outputs.push(`(${column.sql(branch.layout.columns)}) AS ${quoteName(name)}`)
  }
  return outputs.length === 0 ? 'TRUE' : outputs.join(', ')
}

function outputSql(field: NestedField, branch: Branch): string {
  if (field.id === POSITION_COLUMN_ID) return 'file_row_number'
  if (field.id === FILE_COLUMN_ID) {
    return byFileSql(quoteTexts(branch.tasks.map((task) => task.file.location)))
  }
  // A position delete file read for its own rows does hold these two.
  const isHeld = field.id === LOCATION.id || field.id === POSITION.id
  if (field.id > HIGHEST_TABLE_FIELD_ID && !isHeld) {
    throw new UnsupportedFeatureError(`the metadata column '${field.name}' cannot be read yet`)
  }
  return columnSql(field, branch.layout.columns)
}

const HIGHEST_TABLE_FIELD_ID = 2147483447

function emptySql({ projection, names, rowIds, computed }: ScanShape): string {
  const columns = [
    ...(rowIds === undefined
      ? []
      : [[rowIds.task, 'INTEGER'] as const, [rowIds.position, 'BIGINT'] as const]),
    ...projection.fields.map((field, at) => [names[at] ?? '', sqlType(field.type)] as const),
    ...[...(computed ?? [])].map(([name, column]) => [name, column.sqlType] as const),
  ]
  const outputs = columns.map(([name, type]) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`)
  return `SELECT ${outputs.length === 0 ? 'TRUE' : outputs.join(', ')} WHERE FALSE`
}
