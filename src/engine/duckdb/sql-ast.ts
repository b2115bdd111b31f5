/** SQL as the tree that DuckDB's parser makes of it, and back. */
import { NumberToken, parseLossless, stringifyLossless } from '../../format/metadata/lossless-json.ts'
import { CorruptFileError, EngineError, InvalidQueryError } from '../../errors.ts'
import type { Session } from './session.ts'

/** A node of the tree: JSON, whose long integers are bigint. */
export type Ast = { readonly [key: string]: unknown }

export function isAst(value: unknown): value is Ast {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof NumberToken)
}

/** What stands under a key; an empty node when nothing does. */
export function child(node: Ast, key: string): Ast {
  const value = node[key]
  return isAst(value) ? value : {}
}

/** The nodes of a list. */
export function children(node: Ast, key = 'children'): readonly Ast[] {
  const value = node[key]
  return Array.isArray(value) ? value.filter(isAst) : []
}

/** Parses one query. InvalidQueryError with the place of the mistake; for more than one statement; for others. */
export async function parseSql(session: Session, sql: string, signal?: AbortSignal): Promise<Ast> {
  const [row] = await session.rows('SELECT json_serialize_sql($1::VARCHAR)::VARCHAR AS tree', {
    doing: 'parse the query',
    signal,
    values: [sql],
  })
  const answer = treeOf(String(row?.['tree']))
  if (answer['error'] === true) throw syntaxError(sql, answer)
  const [statement, ...others] = children(answer, 'statements')
  if (statement === undefined || others.length > 0) {
    throw new InvalidQueryError('A query is one statement', { hint: 'Send one after the other.' })
  }
  return answer
}

function treeOf(json: string): Ast {
  let tree: unknown
  try {
    tree = parseLossless(json)
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    throw new InvalidQueryError('The query is nested too deeply, or holds a number that is beyond all others')
  }
  if (isAst(tree)) return tree
  throw new InvalidQueryError('The query cannot be parsed')
}

function syntaxError(sql: string, answer: Ast): InvalidQueryError {
  if (answer['error_type'] !== 'parser') {
    return new InvalidQueryError('Only queries can be run: SELECT, WITH, VALUES, FROM', {
      hint: 'Tables are changed by the methods and commands for it: write, update, delete, evolve.',
    })
  }
  const position = Number(answer['position'])
  if (!Number.isSafeInteger(position)) return new InvalidQueryError('The query cannot be parsed')
  // The parser counts bytes.
  const before = new TextDecoder().decode(new TextEncoder().encode(sql).subarray(0, position))
  const lines = before.split('\n')
  const place = `line ${lines.length}, column ${[...(lines.at(-1) ?? '')].length + 1}`
  const word = /^[a-z_]\w*/i.exec(sql.slice(before.length))?.[0]
  const near = word === undefined ? '' : `, near ${word}`
  return new InvalidQueryError(`The query cannot be parsed: syntax error at ${place}${near}`, {
    position: before.length,
  })
}

/** The tree as text. InvalidQueryError for what does not come through unchanged. */
export async function writeSql(session: Session, tree: Ast, signal?: AbortSignal): Promise<string> {
  const sql = await printSql(session, tree, signal)
  if (essence(await parseSql(session, sql, signal)) !== essence(tree)) throw unwritable()
  return sql
}

/** The tree as text, of the same meaning, whatever tree would come of it. */
export async function printSql(session: Session, tree: Ast, signal?: AbortSignal): Promise<string> {
  try {
    const [row] = await session.rows('SELECT json_deserialize_sql($1::JSON) AS sql', {
      doing: 'write the query',
      signal,
      values: [stringifyLossless(tree)],
    })
    return String(row?.['sql'])
  } catch (error) {
    throw error instanceof EngineError ? unwritable() : error
  }
}

function unwritable(): InvalidQueryError {
  return new InvalidQueryError('The query uses something that cannot be carried to the engine', {
    hint: 'PIVOT as a statement and infinite numbers are such; write it in another way.',
  })
}

/** A tree without the places in the text, and without what the parser puts around lists of values. */
function essence(tree: Ast): string {
  return stringifyLossless(mapAst(tree, bareValues)).replaceAll(/"query_location":\d+/g, '')
}

/** `SELECT * FROM (VALUES …)` as just the values: where they have a name, every parse adds one more such. */
function bareValues(node: Ast): Ast {
  const select = child(child(node, 'subquery'), 'node')
  const [star, ...others] = children(select, 'select_list')
  const values = child(select, 'from_table')
  const isBare =
    node['type'] === 'SUBQUERY' &&
    (values['type'] === 'EXPRESSION_LIST' || values['type'] === 'SUBQUERY') &&
    node['alias'] === values['alias'] &&
    hasOnly(node, ['type', 'alias', 'query_location', 'subquery']) &&
    hasOnly(select, ['type', 'select_list', 'from_table', 'aggregate_handling']) &&
    star?.['class'] === 'STAR' &&
    others.length === 0 &&
    hasOnly(star, ['class', 'type', 'query_location'])
  return isBare ? bareValues(values) : node
}

function hasOnly(node: Ast, keys: readonly string[]): boolean {
  return Object.entries(node).every(([key, value]) => keys.includes(key) || isEmpty(value))
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return isAst(value)
    ? Object.values(value).every(isEmpty)
    : value === null || value === false || value === ''
}

/** Maps every node of a tree, the outer ones first; `map` answers the node to go on with. */
export function mapAst(value: unknown, map: (node: Ast) => Ast): unknown {
  if (Array.isArray(value)) return value.map((each) => mapAst(each, map))
  if (!isAst(value)) return value
  const entries = Object.entries(map(value)).map(([key, each]) => [key, mapAst(each, map)] as const)
  return Object.fromEntries(entries)
}
