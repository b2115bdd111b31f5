/** Which files of a scan can be read by one `read_parquet`: those of the same layout, filter and constants. */
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { NameMapping } from '../../format/name-mapping.ts'
import { leafFields, type Schema } from '../../format/schema.ts'
import type { Datum } from '../../format/types.ts'
import { filterSql } from './filter-sql.ts'
import { corrupt } from './open-parquet.ts'
import type { OpenTask } from './open-tasks.ts'
import { leafSql, refuseWithoutIds, type FileColumns } from './projection.ts'
import type { RowChoice } from './row-choice.ts'

/** Files that one `read_parquet` reads. */
export interface Branch {
  readonly layout: SharedLayout
  readonly condition: string
  /** How rows are chosen by position; null when all are meant. */
  readonly take: RowChoice['take'] | null
  readonly tasks: OpenTask[]
  /** Rows of all the files. */
  rowCount: number
}

export interface BranchOptions {
  readonly projection: Schema
  readonly nameMapping: NameMapping | null
  readonly rows: ReadonlyMap<OpenTask, RowChoice>
  /** Set where another's connection runs the query, which may compare texts in a way of its own. */
  readonly foreign?: object | undefined
}

/** Rows of files whose choices share a bitmap: DuckDB numbers bits by 32-bit integers. */
const MAX_BITMAP_ROWS = 2 ** 30

/** The files that are to be read at all, grouped. */
export function branchesOf(tasks: readonly OpenTask[], options: BranchOptions): readonly Branch[] {
  const leafIds = leafFields(options.projection).map((field) => field.id)
  const branches: Branch[] = []
  const shared = new Map<string, Branch>()
  const layouts = new Map<string, SharedLayout>()
  for (const open of tasks) {
    if (open.task.residual.op === 'false') continue
    const choice = options.rows.get(open)
    if (choice?.take === 'only' && choice.positions.size === 0) continue
    refuseLostColumns(open, leafIds)
    const constants = constantsOf(open)
    const literals = [...constants].map(([id, datum]) => [id, keyOfDatum(datum)])
    const key = JSON.stringify([open.physical.number, literals])
    let layout = layouts.get(key)
    if (layout === undefined) {
      layouts.set(key, (layout = new SharedLayout(open, constants, options)))
    }
    const condition = layout.condition(open.task.residual)
    if (condition === 'FALSE') continue
    const take = choice?.take ?? null
    const branchKey = `${key}\n${take}\n${condition}`
    const standsAlone = open.rowRanges !== undefined
    const branch = standsAlone ? undefined : shared.get(branchKey)
    const { recordCount } = open.file
    if (branch !== undefined && (take === null || branch.rowCount + recordCount <= MAX_BITMAP_ROWS)) {
      branch.tasks.push(open)
      branch.rowCount += recordCount
    } else {
      const started = { layout, condition, take, tasks: [open], rowCount: recordCount }
      branches.push(started)
      if (!standsAlone) shared.set(branchKey, started)
    }
  }
  return branches
}

/** Files of one layout and the same constants. */
export class SharedLayout {
  readonly columns: FileColumns
  readonly #conditions = new Map<BoundExpression, string>()
  readonly #isForeign: boolean

  constructor(
    open: OpenTask,
    constants: ReadonlyMap<number, Datum | null>,
    { nameMapping, foreign }: Pick<BranchOptions, 'nameMapping' | 'foreign'>,
  ) {
    this.#isForeign = foreign !== undefined
    this.columns = {
      name: open.name,
      physical: open.physical,
      nameMapping,
      constants,
      columns: open.physical.columns.map((_, at) => `p${at}`),
    }
    refuseWithoutIds(this.columns)
  }

  condition(expression: BoundExpression): string {
    const known = this.#conditions.get(expression)
    if (known !== undefined) return known
    const condition = filterSql(expression, ({ path, type }) => {
      const leaf = leafSql(path, this.columns)
      return this.#isForeign && type.kind === 'string' ? `(${leaf} COLLATE "binary")` : leaf
    })
    this.#conditions.set(expression, condition)
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
