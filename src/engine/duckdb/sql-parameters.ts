/** Values in the place of `?`, `$1` and `$name`: part of the tree, never of the text. */
import { InvalidQueryError } from '../../errors.ts'
import type { SqlParameter, SqlParameters } from '../sql.ts'
import { mapAst, type Ast } from './sql-ast.ts'

/** InvalidQueryError when one is missing, of no known kind, or given and not used. */
export function withParameters(tree: Ast, parameters: SqlParameters = []): Ast {
  const given = new Map<string, SqlParameter>(
    Array.isArray(parameters)
      ? parameters.map((value: SqlParameter, at) => [String(at + 1), value])
      : Object.entries(parameters),
  )
  const used = new Set<string>()
  const filled = mapAst(tree, (node) => {
    if (node['class'] === 'PARAMETER') {
      const name = String(node['identifier'])
      const value = given.get(name)
      if (value === undefined)
        throw new InvalidQueryError(`The query's parameter ${label(name)} has no value`)
      used.add(name)
      return constantOf(value, node, name)
    }
    return 'named_param_map' in node ? { ...node, named_param_map: [] } : node
  }) as Ast
  const idle = [...given.keys()].find((name) => !used.has(name))
  if (idle !== undefined) throw new InvalidQueryError(`The query has no parameter ${label(idle)}`)
  return filled
}

function label(name: string): string {
  return /^\w{1,64}$/.test(name) ? `$${name}` : 'of this name'
}

function constantOf(value: SqlParameter, node: Ast, name: string): Ast {
  const constant = (id: string, of: unknown, alias = node['alias']): Ast => ({
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias,
    query_location: node['query_location'],
    value:
      of === null
        ? { type: { id, type_info: null }, is_null: true }
        : { type: { id, type_info: null }, is_null: false, value: of },
  })
  const cast = (id: string, text: string): Ast => ({
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: node['alias'],
    query_location: node['query_location'],
    child: constant('VARCHAR', text, ''),
    cast_type: { id, type_info: null },
    try_cast: false,
  })
  if (value === null) return constant('NULL', null)
  if (typeof value === 'string') return constant('VARCHAR', value)
  if (typeof value === 'boolean') return cast('BOOLEAN', value ? 't' : 'f')
  if (typeof value === 'bigint') return cast(isLong(value) ? 'BIGINT' : 'HUGEINT', String(value))
  if (typeof value === 'number') {
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return constant('INTEGER', value)
    return cast(Number.isSafeInteger(value) ? 'BIGINT' : 'DOUBLE', numberText(value))
  }
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    return cast('TIMESTAMP WITH TIME ZONE', value.toISOString().replace('T', ' ').replace('Z', '+00'))
  }
  throw new InvalidQueryError(`The value of parameter ${label(name)} is of no kind that a query takes`, {
    hint: 'Texts, numbers, bigints, booleans, Dates and null are.',
  })
}

function isLong(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  return Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf'
}
