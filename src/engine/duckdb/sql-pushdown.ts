/**
 * What a query needs of its tables, by the engine's own plan for it: the plan is made over sources
 * that have the tables' columns and no rows, and looked at instead of run. So whatever the optimizer
 * knows of joins, subqueries and clauses of WITH goes into our planning.
 */
import { randomUUID } from 'node:crypto'
import {
  allOf,
  alwaysFalse,
  alwaysTrue,
  anyOf,
  type Expression,
} from '../../format/expressions/expression.ts'
import type { Schema } from '../../format/schema.ts'
import type { NestedField } from '../../format/types.ts'
import { InvalidQueryError } from '../../errors.ts'
import type { TableNeeds } from '../sql.ts'
import type { Session, StatementOptions } from './session.ts'
import { child, children, isAst, parseSql, type Ast } from './sql-ast.ts'
import { filterOf } from './sql-filter.ts'

/** Nobody's own column is called so: in the plan a name is all that tells whose a column is. */
const PREFIX = `floeberg_${randomUUID().replaceAll('-', '')}`

/** Columns of the sources are called so: of which table, and which of its columns. */
export function columnName(table: number, column: number): string {
  return `${PREFIX}_t${table}_c${column}`
}

const COLUMN = new RegExp(`^${PREFIX}_t(\\d+)_c(\\d+)$`)

/** What a source reads: a whole column, or a member of one, whose name stands behind a dot. */
const READ = new RegExp(`^(${PREFIX}_t(\\d+)_c\\d+)(?=\\.|$)`)

const SOURCE = 'FLOEBERG_SOURCE'

/** The needs of each table, in order. `limit` is that of the whole query, and null when it has none. */
export async function tableNeeds(
  session: Session,
  sql: string,
  schemas: readonly Schema[],
  limit: number | null,
  options: StatementOptions,
): Promise<readonly TableNeeds[]> {
  const [row] = await session.rows(`EXPLAIN (FORMAT json) ${sql}`, options)
  const plan: unknown = JSON.parse(String(row?.['explain_value']))
  const roots = Array.isArray(plan) ? plan.filter(isAst) : []
  const reading = new PlanReading(session, schemas, options.signal)
  for (const root of roots) await reading.visit(root, null)
  const only = roots.length === 1 && roots[0] !== undefined ? limitedSource(roots[0]) : null
  return reading.needs(only === null || limit === null ? null : { table: only, rows: limit })
}

/** What is known of one occurrence of a table in the plan. */
interface Occurrence {
  readonly filter: Expression
  readonly columns: readonly number[]
}

class PlanReading {
  readonly #session: Session
  readonly #schemas: readonly Schema[]
  readonly #signal: AbortSignal | undefined
  readonly #found: Occurrence[][]
  /** Whether it is known of every source whose table it is. */
  #isClear = true

  constructor(session: Session, schemas: readonly Schema[], signal: AbortSignal | undefined) {
    this.#session = session
    this.#schemas = schemas
    this.#signal = signal
    this.#found = schemas.map(() => [])
  }

  /** `conditions`: those that stand between this node and the next one up that changes rows. */
  async visit(node: Ast, conditions: readonly string[] | null): Promise<void> {
    if (node['name'] === SOURCE) {
      const table = sourceOf(node)
      if (table === null) this.#isClear = false
      else await this.#note(node, table, conditions ?? [])
      return
    }
    const [first, ...others] = children(node)
    const info = child(node, 'extra_info')
    if (node['name'] === 'FILTER' && first !== undefined) {
      return this.visit(first, [...(conditions ?? []), ...textsOf(info['Expression'])])
    }
    // It marks rows, and drops none: conditions on the marked side's columns hold below it as well.
    const isMark = info['Join Type'] === 'MARK' && first !== undefined
    if (isMark) await this.visit(first, conditions)
    for (const other of isMark ? others : children(node)) await this.visit(other, null)
  }

  async #note(node: Ast, table: number, conditions: readonly string[]): Promise<void> {
    const schema = this.#schemas[table]
    if (schema === undefined) return
    const fieldOf = (name: string): NestedField | null => {
      const [, of, column] = COLUMN.exec(name) ?? []
      return Number(of) === table ? (schema.fields[Number(column)] ?? null) : null
    }
    const filters: Expression[] = []
    for (const condition of conditions) {
      const parsed = await this.#parse(condition)
      if (parsed !== null) filters.push(filterOf(parsed, fieldOf, schema))
    }
    const columns = textsOf(child(node, 'extra_info')['Projections'], '\n').flatMap((name) => {
      const field = fieldOf(READ.exec(name)?.[1] ?? '')
      return field === null ? [] : [field.id]
    })
    this.#found[table]?.push({ filter: allOf(filters), columns })
  }

  /** The plan has conditions as text, which is SQL but for what has no text. */
  async #parse(condition: string): Promise<Ast | null> {
    // What a mark join found out; the other conditions beside it are as good as ever.
    const sql = condition.replaceAll(/'(?:[^']|'')*'|IN \(\.\.\.\)/g, (found) =>
      found.startsWith("'") ? found : 'TRUE',
    )
    try {
      const tree = await parseSql(this.#session, `SELECT ${sql}`, this.#signal)
      const [statement] = children(tree, 'statements')
      return children(child(statement ?? {}, 'node'), 'select_list')[0] ?? null
    } catch (error) {
      // Nothing can be said by it, and nothing is lost: every row is looked at.
      if (error instanceof InvalidQueryError) return null
      throw error
    }
  }

  needs(limit: { readonly table: number; readonly rows: number } | null): readonly TableNeeds[] {
    if (!this.#isClear) return this.#schemas.map(everything)
    return this.#found.map((found, table) => ({
      // A table that the plan does without is not read. Rows are needed that any occurrence needs.
      filter: found.length === 0 ? alwaysFalse() : anyOrAll(found.map(({ filter }) => filter)),
      columns: [...new Set(found.flatMap(({ columns }) => columns))],
      rows: limit?.table === table ? limit.rows : undefined,
    }))
  }
}

function everything({ fields }: Schema): TableNeeds {
  return { filter: alwaysTrue(), columns: fields.map(({ id }) => id), rows: undefined }
}

function anyOrAll(filters: readonly Expression[]): Expression {
  return filters.some((filter) => filter.op === 'true') ? alwaysTrue() : anyOf(filters)
}

/** Which table a scan of the plan reads; null for other nodes, and where it does not say. */
function sourceOf(node: Ast): number | null {
  if (node['name'] !== SOURCE) return null
  const [first] = textsOf(child(node, 'extra_info')['Projections'], '\n')
  const table = READ.exec(first ?? '')?.[2]
  return table === undefined ? null : Number(table)
}

/** The one table of a plan that does nothing but limit its rows and compute columns; else null. */
function limitedSource(root: Ast): number | null {
  let node: Ast | undefined = root
  let isLimited = false
  while (node !== undefined && sourceOf(node) === null) {
    const isLimit: boolean = node['name'] === 'STREAMING_LIMIT' || node['name'] === 'LIMIT'
    if (isLimit && isLimited) return null
    if (!isLimit && node['name'] !== 'PROJECTION') return null
    isLimited ||= isLimit
    const [first, ...others] = children(node)
    node = others.length === 0 ? first : undefined
  }
  return node === undefined || !isLimited ? null : sourceOf(node)
}

/** Texts of the plan's JSON, which splits those of several lines. */
function textsOf(value: unknown, separator?: string): readonly string[] {
  const whole = Array.isArray(value) ? value.map(String).join('\n') : typeof value === 'string' ? value : null
  if (whole === null) return []
  return separator === undefined ? [whole] : whole.split(separator)
}
