/**
 * Which tables a query names, and what it may not do: it reaches its tables and nothing else.
 *
 * Every table and every WITH clause becomes a name that nobody else can have made, in the tree that goes
 * to the engine; so nothing in it names a view of the engine's own, or a file.
 */
import { InvalidQueryError } from '../../errors.ts'
import { childFields } from '../../format/nested-fields.ts'
import type { Schema } from '../../format/schema.ts'
import type { NestedField } from '../../format/types.ts'
import type { SqlTableName, SqlTablePoint } from '../sql.ts'
import { child, children, isAst, mapAst, type Ast } from './sql-ast.ts'
import { distinctNames } from './sql.ts'

export interface TableReference {
  readonly name: SqlTableName
  /** What the table is called in the tree. */
  readonly token: string
  /** Whether the query gives it a name of its own. */
  readonly hasAlias: boolean
}

export interface FoundTables {
  readonly tree: Ast
  readonly references: readonly TableReference[]
}

/** Replaces every table and WITH clause by a token. InvalidQueryError for what is not allowed. */
export function findTables(tree: Ast, unique: string): FoundTables {
  const finder = new TableFinder(unique)
  return { tree: finder.find(tree), references: finder.references }
}

/** Query nodes and what may stand in a FROM clause; everything that is not here is refused. */
const QUERY_NODES = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE'])
const FROM_NODES = new Set(['SUBQUERY', 'JOIN', 'EXPRESSION_LIST', 'EMPTY', 'PIVOT'])
const TABLE_FUNCTIONS = new Set(['range', 'generate_series', 'unnest', 'repeat'])

/** They tell of the engine and of what it runs, paths among it, or change something in it. */
const REFUSED_FUNCTIONS = new RegExp(
  `^(${[
    'current_(setting|query|query_id|connection_id|transaction_id)|txid_current',
    'set_config|setseed|getvariable|getenv|nextval|currval|write_log|pg_sleep|sleep_ms',
    String.raw`stats|get_block_size|format_type|pg_get_\w+|json_serialize_plan|floeberg_\w*`,
  ].join('|')})$`,
  'i',
)

/** Tokens of the WITH clauses that are seen, by name. */
type Scope = ReadonlyMap<string, string>

class TableFinder {
  readonly references: TableReference[] = []
  readonly #unique: string
  #clauses = 0

  constructor(unique: string) {
    this.#unique = unique
  }

  find(tree: Ast): Ast {
    return this.#members(tree, new Map())
  }

  #visit(value: unknown, scope: Scope): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#visit(each, scope))
    return isAst(value) ? this.#node(value, scope) : value
  }

  #node(node: Ast, scope: Scope): Ast {
    if ('cte_map' in node) return this.#query(node, scope)
    if ('class' in node) return this.#expression(node, scope)
    if ('sample' in node && 'alias' in node) return this.#from(node, scope)
    return this.#members(node, scope)
  }

  #members(node: Ast, scope: Scope): Record<string, unknown> {
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, this.#visit(value, scope)]))
  }

  /** A clause of WITH is seen by those behind it and by the query, and by itself where it is recursive. */
  #query(node: Ast, outer: Scope): Ast {
    if (!QUERY_NODES.has(String(node['type']))) throw notAllowed('this kind of query')
    const scope = new Map(outer)
    const { cte_map: map, ...rest } = node
    const clauses = isAst(map) ? children(map, 'map') : []
    const visited = clauses.map((clause) => {
      const name = folded(clause['key'])
      const key = `__floeberg_${this.#unique}_with_${this.#clauses++}`
      const body = child(child(clause, 'value'), 'query')
      const isRecursive = child(body, 'node')['type'] === 'RECURSIVE_CTE_NODE'
      const inside = isRecursive ? new Map(scope).set(name, key) : new Map(scope)
      const value = this.#visit(clause['value'], inside)
      scope.set(name, key)
      return { ...clause, key, value }
    })
    const members = this.#members(rest, scope)
    if (node['type'] === 'RECURSIVE_CTE_NODE') members['cte_name'] = outer.get(folded(node['cte_name']))
    // The order of the keys is the tree's own.
    return Object.fromEntries(
      Object.keys(node).map((key) => [
        key,
        key === 'cte_map' ? { ...child(node, key), map: visited } : members[key],
      ]),
    )
  }

  #expression(node: Ast, scope: Scope): Ast {
    if (node['class'] === 'FUNCTION' || node['class'] === 'WINDOW') checkFunction(node)
    return this.#members(node, scope)
  }

  #from(node: Ast, scope: Scope): Ast {
    switch (node['type']) {
      case 'BASE_TABLE':
        return this.#table(node, scope)
      case 'TABLE_FUNCTION': {
        const called = child(node, 'function')
        const name = String(called['function_name'])
        const isPlain = isIn(called['schema'], ['', 'main']) && isIn(called['catalog'], ['', undefined])
        if (!TABLE_FUNCTIONS.has(name.toLowerCase()) || !isPlain) {
          throw notAllowed(`the table function ${nameText(name)}`)
        }
        return this.#members(node, scope)
      }
      default:
        if (!FROM_NODES.has(String(node['type']))) throw notAllowed('this kind of FROM clause')
        return this.#members(node, scope)
    }
  }

  #table(node: Ast, scope: Scope): Ast {
    const parts = [node['catalog_name'], node['schema_name'], node['table_name']]
      .map(String)
      .filter((part) => part !== '')
    const table = parts.at(-1) ?? ''
    const at = isAst(node['at_clause']) ? pointOf(node['at_clause']) : null
    const clause = parts.length === 1 ? scope.get(folded(table)) : undefined
    if (clause !== undefined && at !== null) throw notAllowed('AT on a WITH clause')
    const token = clause ?? `__floeberg_${this.#unique}_${this.references.length}`
    const alias = String(node['alias'])
    if (clause === undefined) this.references.push({ name: { parts, at }, token, hasAlias: alias !== '' })
    return {
      ...node,
      catalog_name: '',
      schema_name: '',
      table_name: token,
      alias: alias === '' ? table : alias,
      at_clause: null,
    }
  }
}

/** A name as the engine compares it: only the letters of ASCII are the same in either case. */
function folded(name: unknown): string {
  return String(name).replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}

function checkFunction(node: Ast): void {
  const name = String(node['function_name'])
  if (REFUSED_FUNCTIONS.test(name)) throw notAllowed(`the function ${nameText(name)}`)
}

/** `AT (VERSION => …)` or `AT (TIMESTAMP => …)`, with a literal. */
function pointOf(clause: Ast): SqlTablePoint {
  const given = child(clause, 'expr')
  const constant = given['class'] === 'CAST' ? child(given, 'child') : given
  const value = child(constant, 'value')['value']
  const isVersion = String(clause['unit']).toUpperCase() === 'VERSION'
  if (constant['class'] === 'CONSTANT') {
    if (isVersion && typeof value === 'bigint') return { version: value }
    if (isVersion && typeof value === 'number' && Number.isInteger(value)) return { version: BigInt(value) }
    if (isVersion && typeof value === 'string') return { version: value }
    if (!isVersion && typeof value === 'string') return { time: value }
  }
  throw new InvalidQueryError('AT takes the id of a snapshot, the name of a branch or tag, or a time', {
    hint: "Write AT (VERSION => 123), AT (VERSION => 'audit'), or AT (TIMESTAMP => '2026-01-31 12:00:00').",
  })
}

function isIn(value: unknown, allowed: readonly unknown[]): boolean {
  return allowed.includes(value)
}

/** Names are part of the query, and no data; but only what looks like one is shown. */
function nameText(name: string): string {
  return /^\w{1,64}$/.test(name) ? name : 'of this name'
}

function notAllowed(what: string): InvalidQueryError {
  return new InvalidQueryError(`Not allowed in a query: ${what}`, {
    hint: 'A query reads tables of the catalog, and nothing else: no files, no settings.',
  })
}

/** A column named with its table's whole name (`demo.flights.delay`) goes by the table's last name. */
export function shortColumns(node: Ast, references: readonly TableReference[]): Ast {
  const names = node['column_names']
  if (node['class'] !== 'COLUMN_REF' || !Array.isArray(names)) return node
  const given = names.map((name) => String(name).toLowerCase())
  const whole = references.find(
    ({ name: { parts }, hasAlias }) =>
      !hasAlias &&
      parts.length > 1 &&
      given.length > parts.length &&
      parts.every((part, at) => part.toLowerCase() === given[at]),
  )
  return whole === undefined ? node : { ...node, column_names: names.slice(whole.name.parts.length - 1) }
}

/**
 * Columns whose names differ in case alone are one name to the engine, so that the later ones are numbered.
 * Only a spelling that some column has there is sure to mean it; InvalidQueryError for every other one.
 */
export function refuseTwins(tree: Ast, schemas: readonly Schema[]): void {
  const known = new Set<string>()
  const twins = new Map<string, string>()
  for (const names of schemas.flatMap(({ fields }) => levelsOf(fields))) {
    for (const [at, name] of distinctNames(names).entries()) {
      known.add(name)
      const own = names[at] ?? name
      if (name !== own) twins.set(folded(own), name)
    }
  }
  if (twins.size === 0) return
  mapAst(tree, (node) => {
    const names: unknown = node['class'] === 'COLUMN_REF' ? node['column_names'] : []
    const unclear = (Array.isArray(names) ? names : [])
      .map(String)
      .find((name) => twins.has(folded(name)) && !known.has(name))
    if (unclear === undefined) return node
    throw new InvalidQueryError(`There are columns whose names differ from '${unclear}' in case at most`, {
      hint: `SQL takes them for one name. A later one has a number: ${twins.get(folded(unclear))}.`,
    })
  })
}

/** Names that stand beside each other, at every depth. */
function levelsOf(fields: readonly NestedField[]): readonly (readonly string[])[] {
  if (fields.length === 0) return []
  return [fields.map(({ name }) => name), ...fields.flatMap(({ type }) => levelsOf(childFields(type)))]
}
