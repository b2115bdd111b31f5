/**
 * Open tasks as one query: files of the same layout, filter and constants are read by one
 * `read_parquet`, so that hundreds of small files cost no more than one; a file with deletes of its
 * own is a branch of its own.
 */
import type { DuckDBBitValue } from '@duckdb/node-api'
import { UnsupportedFeatureError } from '../../errors.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { NameMapping } from '../../format/name-mapping.ts'
import { leafFields, type Schema } from '../../format/schema.ts'
import type { Datum, NestedField } from '../../format/types.ts'
import { ALL_ROWS, filterSql } from './filter-sql.ts'
import { corrupt } from './open-parquet.ts'
import type { OpenTask } from './open-tasks.ts'
import { READ_OPTIONS } from './physical.ts'
import type { DeletedRows } from './position-deletes.ts'
import { columnSql, leafSql, refuseWithoutIds, type FileColumns } from './projection.ts'
import { quoteName, quotePaths, quoteTexts, sqlType } from './sql.ts'

/** Columns that every table has beside its own (Iceberg spec, "Reserved Field IDs"). */
const FILE_COLUMN_ID = 2147483646
const POSITION_COLUMN_ID = 2147483645

export interface ScanQuery {
  readonly sql: string
  readonly values: readonly DuckDBBitValue[]
}

export interface ScanShape {
  readonly projection: Schema
  readonly nameMapping: NameMapping | null
  /** What the columns are called in the query's result; one for each of the projection's. */
  readonly names: readonly string[]
  readonly deleted: ReadonlyMap<OpenTask, DeletedRows>
}

/** Files that one `read_parquet` reads. */
interface Branch {
  readonly columns: FileColumns
  readonly condition: string
  readonly tasks: OpenTask[]
}

/** The rows of the tasks, of exactly the projection's types. */
export function scanQuery(tasks: readonly OpenTask[], shape: ScanShape): ScanQuery {
  const branches = branchesOf(tasks, shape)
  const values: DuckDBBitValue[] = []
  const selects = branches.flatMap((branch) => branchSql(branch, shape, values))
  return { sql: selects.length === 0 ? emptySql(shape) : unionAll(selects), values }
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

function branchesOf(tasks: readonly OpenTask[], { projection, nameMapping }: ScanShape): readonly Branch[] {
  const leafIds = leafFields(projection).map((field) => field.id)
  const branches: Branch[] = []
  const shared = new Map<string, Branch>()
  const layouts = new Map<string, SharedLayout>()
  for (const open of tasks) {
    if (open.task.residual.op === 'false') continue
    refuseLostColumns(open, leafIds)
    const constants = constantsOf(open)
    const literals = [...constants].map(([id, datum]) => [id, keyOfDatum(datum)])
    const key = JSON.stringify([open.physical.number, literals])
    let layout = layouts.get(key)
    if (layout === undefined) layouts.set(key, (layout = new SharedLayout(open, nameMapping, constants)))
    const condition = layout.condition(open.task.residual)
    if (condition === 'FALSE') continue
    const branchKey = `${key}\n${condition}`
    const standsAlone = open.deletes.length > 0 || open.rowRanges !== undefined
    const branch = standsAlone ? undefined : shared.get(branchKey)
    if (branch !== undefined) branch.tasks.push(open)
    else {
      const started = { columns: layout.columns, condition, tasks: [open] }
      branches.push(started)
      if (!standsAlone) shared.set(branchKey, started)
    }
  }
  return branches
}

/** Files of one layout and the same constants. */
class SharedLayout {
  readonly columns: FileColumns
  readonly #conditions = new Map<BoundExpression, string>()

  constructor(open: OpenTask, nameMapping: NameMapping | null, constants: ReadonlyMap<number, Datum | null>) {
    this.columns = {
      name: open.name,
      physical: open.physical,
      nameMapping,
      constants,
      columns: open.physical.columns.map((_, at) => `p${at}`),
    }
    refuseWithoutIds(this.columns)
  }

  condition(residual: BoundExpression): string {
    const known = this.#conditions.get(residual)
    if (known !== undefined) return known
    const condition = filterSql(residual, (ref) => leafSql(ref.path, this.columns))
    this.#conditions.set(residual, condition)
    return condition
  }
}

/** Identity partition values of source fields that the file does not hold by id. */
function constantsOf(open: OpenTask): ReadonlyMap<number, Datum | null> {
  const constants = new Map<number, Datum | null>()
  for (const [at, field] of open.task.spec.fields.entries()) {
    if (field.transform.kind !== 'identity' || open.physical.ids.has(field.sourceId)) continue
    const datum = open.file.partition[at]
    if (datum !== undefined) constants.set(field.sourceId, datum)
  }
  return constants
}

/**
 * A file whose manifest entry counts values of a column that the file does not have is damaged: its
 * column must not come out as null. Files that are read through a name mapping have other ids.
 */
function refuseLostColumns(open: OpenTask, leafIds: readonly number[]): void {
  const { file, physical } = open
  if (!physical.isComplete) return
  for (const id of leafIds) {
    const isCounted = file.columnSizes?.has(id) === true || file.valueCounts?.has(id) === true
    if (isCounted && !physical.ids.has(id)) throw corrupt(open, `it has lost the column with field id ${id}`)
  }
}

function keyOfDatum(datum: Datum | null): string {
  if (datum instanceof Uint8Array) return Buffer.from(datum).toString('hex')
  return Object.is(datum, -0) ? '-0' : String(datum)
}

/** One SELECT, or one for each run of rows where a file is only partly at hand. */
function branchSql(branch: Branch, shape: ScanShape, values: DuckDBBitValue[]): readonly string[] {
  const { columns, tasks } = branch
  const conditions = branch.condition === ALL_ROWS ? [] : [branch.condition]
  const [first] = tasks
  const deleted = first === undefined ? undefined : shape.deleted.get(first)
  if (deleted !== undefined) {
    values.push(deleted.toValue())
    conditions.push(`get_bit($${values.length}::BIT, file_row_number::INTEGER) = 0`)
  }
  const outputs = shape.projection.fields.map(
    (field, at) => `${outputSql(field, branch)} AS ${quoteName(shape.names[at] ?? '')}`,
  )
  const select = `SELECT ${outputs.length === 0 ? 'TRUE' : outputs.join(', ')}`
  const paths = quotePaths(tasks.map((task) => task.localPath))
  // Numbered aliases: a file's own column may be called like a column that the engine adds.
  const from = `FROM read_parquet(${paths}, ${READ_OPTIONS}) AS f(${columns.columns.join(', ')})`
  const where = (extra: readonly string[]): string => {
    const all = [...conditions, ...extra]
    return all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`
  }
  const ranges = first?.rowRanges
  if (ranges === undefined) return [`${select} ${from}${where([])}`]
  return ranges.map((range) => {
    // The engine skips row groups by this condition whatever else stands in the filter.
    const rows = `file_row_number BETWEEN ${range.first} AND ${range.last}`
    return `${select} ${from}${where([rows])}`
  })
}

function outputSql(field: NestedField, branch: Branch): string {
  if (field.id === POSITION_COLUMN_ID) return 'file_row_number'
  if (field.id === FILE_COLUMN_ID) {
    return `list_extract(${quoteTexts(branch.tasks.map((task) => task.file.location))}, CAST(file_index AS BIGINT) + 1)`
  }
  if (field.id > HIGHEST_TABLE_FIELD_ID) {
    throw new UnsupportedFeatureError(`the metadata column '${field.name}' cannot be read yet`)
  }
  return columnSql(field, branch.columns)
}

const HIGHEST_TABLE_FIELD_ID = 2147483447

function emptySql({ projection, names }: ScanShape): string {
  const outputs = projection.fields.map(
    (field, at) => `CAST(NULL AS ${sqlType(field.type)}) AS ${quoteName(names[at] ?? '')}`,
  )
  return `SELECT ${outputs.length === 0 ? 'TRUE' : outputs.join(', ')} WHERE FALSE`
}
