/** Changes of a query's tree that leave its result as it is. */
import { NumberToken } from '../../format/metadata/lossless-json.ts'
import { child, children, isAst, mapAst, type Ast } from './sql-ast.ts'

/** Types of what tells the time, as functions and as words. */
const CLOCK: ReadonlyMap<string, string> = new Map([
  ['now', 'TIMESTAMP WITH TIME ZONE'],
  ['get_current_timestamp', 'TIMESTAMP WITH TIME ZONE'],
  ['transaction_timestamp', 'TIMESTAMP WITH TIME ZONE'],
  ['current_timestamp', 'TIMESTAMP WITH TIME ZONE'],
  ['today', 'DATE'],
  ['current_date', 'DATE'],
  ['localtimestamp', 'TIMESTAMP'],
  ['current_localtimestamp', 'TIMESTAMP'],
  ['current_time', 'TIME WITH TIME ZONE'],
  ['get_current_time', 'TIME WITH TIME ZONE'],
  ['localtime', 'TIME'],
  ['current_localtime', 'TIME'],
])

/** Those of them that need no parentheses. */
const CLOCK_WORDS: ReadonlySet<string> = new Set([
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
])

/**
 * The query at one moment: it is planned once and may run many times, and both have to mean the same.
 * A word is a time where no column is called so, of a table or of the query's own.
 */
export function withoutClock(tree: Ast, now: Date, tableColumns: ReadonlySet<string>): Ast {
  const columns = new Set([...tableColumns, ...givenNames(tree)])
  return mapAst(tree, (given) => {
    const node = withColumnNames(given, columns)
    const name = clockName(node, columns)
    const type = name === null ? undefined : CLOCK.get(name)
    if (type === undefined) return node
    const value = clockText(now, type)
    return {
      class: 'CAST',
      type: 'OPERATOR_CAST',
      alias: node['alias'],
      query_location: node['query_location'],
      child: {
        class: 'CONSTANT',
        type: 'VALUE_CONSTANT',
        alias: '',
        query_location: node['query_location'],
        value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value },
      },
      cast_type: { id: type, type_info: null },
      try_cast: false,
    }
  }) as Ast
}

function clockText(now: Date, type: string): string {
  const [date = '', time = ''] = now.toISOString().replace('Z', '').split('T')
  if (type === 'DATE') return date
  const local = type.startsWith('TIMESTAMP') ? `${date} ${time}` : time
  return type.endsWith('ZONE') ? `${local}+00` : local
}

/** A time that is selected as it is keeps its name. */
function withColumnNames(node: Ast, columns: ReadonlySet<string>): Ast {
  if (!Array.isArray(node['select_list'])) return node
  const list = node['select_list'].map((item: unknown) => {
    const name = isAst(item) && item['alias'] === '' ? clockName(item, columns) : null
    return isAst(item) && name !== null && CLOCK.has(name) ? { ...item, alias: name } : item
  })
  return { ...node, select_list: list }
}

function clockName(node: Ast, columns: ReadonlySet<string>): string | null {
  if (node['class'] === 'FUNCTION' && children(node).length === 0) {
    return String(node['function_name']).toLowerCase()
  }
  const names = node['column_names']
  if (node['class'] !== 'COLUMN_REF' || !Array.isArray(names) || names.length !== 1) return null
  const name = String(names[0]).toLowerCase()
  return CLOCK_WORDS.has(name) && !columns.has(name) ? name : null
}

/** Names that a query gives to columns, in lower case; not those that a time has anyway. */
function givenNames(tree: Ast): ReadonlySet<string> {
  const names = new Set<string>()
  const note = (name: unknown): void => void names.add(String(name).toLowerCase())
  mapAst(tree, (node) => {
    for (const item of children(node, 'select_list')) {
      if (String(item['alias']).toLowerCase() !== clockName(item, NOTHING)) note(item['alias'])
    }
    for (const key of ['column_name_alias', 'aliases']) {
      const list = node[key]
      if (Array.isArray(list)) list.forEach(note)
    }
    return node
  })
  return names
}

const NOTHING: ReadonlySet<string> = new Set()

/**
 * Floating and boolean literals as casts of texts: written plainly, `1e3` would be read again as a decimal,
 * and the `true` of `IS TRUE` as such a cast. One that is selected as it is keeps the name that it would have.
 */
export function withLiteralCasts(tree: Ast): Ast {
  return mapAst(tree, (given) => {
    const node = Array.isArray(given['select_list'])
      ? { ...given, select_list: given['select_list'].map(named) }
      : given
    const text = literalText(node)
    if (text === null) return node
    const constant = child(node, 'value')
    return {
      class: 'CAST',
      type: 'OPERATOR_CAST',
      alias: node['alias'],
      query_location: node['query_location'],
      child: { ...node, alias: '', value: { type: VARCHAR, is_null: false, value: text } },
      cast_type: { id: child(constant, 'type')['id'], type_info: null },
      try_cast: false,
    }
  }) as Ast
}

function named(item: unknown): unknown {
  const text = isAst(item) && item['alias'] === '' ? literalText(item) : null
  return isAst(item) && text !== null ? { ...item, alias: text } : item
}

/** null for everything that is neither a floating nor a boolean literal. */
function literalText(node: Ast): string | null {
  const constant = node['class'] === 'CONSTANT' ? child(node, 'value') : {}
  const { value, type } = constant
  if (constant['is_null'] !== false || !isAst(type)) return null
  if (type['id'] === 'BOOLEAN') return value === true ? 't' : 'f'
  if (type['id'] !== 'DOUBLE' && type['id'] !== 'FLOAT') return null
  return value instanceof NumberToken ? value.text : String(value)
}

const VARCHAR = { id: 'VARCHAR', type_info: null }

/** Longer lists become joins in the engine's plan, and no condition that could be read. */
const MAX_LIST = 200

/** The same query for looking at its plan: `x IN (1, 2)` as `x = 1 OR x = 2`. */
export function withoutLists(tree: Ast): Ast {
  return mapAst(tree, (node) => {
    const [column, ...values] = children(node)
    const isList =
      node['type'] === 'COMPARE_IN' &&
      column?.['class'] === 'COLUMN_REF' &&
      values.length <= MAX_LIST &&
      values.every((value) => value['class'] === 'CONSTANT' || value['class'] === 'CAST')
    if (!isList || values.length < 2) return node
    const equal = (value: Ast): Ast => ({
      class: 'COMPARISON',
      type: 'COMPARE_EQUAL',
      alias: '',
      query_location: node['query_location'],
      left: column,
      right: value,
    })
    return {
      class: 'CONJUNCTION',
      type: 'CONJUNCTION_OR',
      alias: node['alias'],
      query_location: node['query_location'],
      children: values.map(equal),
    }
  }) as Ast
}

/** How many rows the whole query takes at most, its offset included; null when it does not say. */
export function limitOf(tree: Ast): number | null {
  const [statement] = children(tree, 'statements')
  const modifiers = children(child(statement ?? {}, 'node'), 'modifiers')
  const limit = modifiers.find((modifier) => modifier['type'] === 'LIMIT_MODIFIER')
  if (limit === undefined || countOf(tree, 'LIMIT_MODIFIER') > 1) return null
  const rows = constantOf(limit['limit'])
  const offset = limit['offset'] === null || limit['offset'] === undefined ? 0 : constantOf(limit['offset'])
  return rows === null || offset === null ? null : rows + offset
}

function countOf(tree: Ast, type: string): number {
  let count = 0
  mapAst(tree, (node) => {
    if (node['type'] === type) count += 1
    return node
  })
  return count
}

function constantOf(node: unknown): number | null {
  if (!isAst(node) || node['class'] !== 'CONSTANT') return null
  const value = child(node, 'value')['value']
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}
