/**
 * Filters as SQL that keeps exactly the rows for which `evaluate` (format/expressions) is true.
 *
 * Null is left to SQL, whose three-valued logic is the same. NaN is not: for DuckDB it is equal to
 * itself and above all numbers, where a filter's comparison with it never holds and its `!=` and
 * `not in` always do. What a file says of its least and greatest number may leave NaNs out, and
 * DuckDB takes it to be of all of them: whatever is compared, NaNs are asked for besides. And 0.0
 * equals -0.0, also for DuckDB, but not for the Bloom filters by which it skips row groups: zero is
 * asked for as a range. Of bytes it looks up another form than was hashed, unless all are printable:
 * equality of bytes is asked for by their digits.
 */
import type { BoundExpression, BoundPredicate, BoundReference } from '../../format/expressions/expression.ts'
import type { Datum, PrimitiveType } from '../../format/types.ts'
import { datumSql, hexOf, numberOf } from './sql.ts'

/** Every row passes. */
export const ALL_ROWS = 'TRUE'

/** A condition over expressions that `column` gives for the filter's references. */
export function filterSql(filter: BoundExpression, column: (ref: BoundReference) => string): string {
  switch (filter.op) {
    case 'true':
      return ALL_ROWS
    case 'false':
      return 'FALSE'
    case 'and':
    case 'or': {
      const sides = chain(filter, filter.op).map((side) => filterSql(side, column))
      return `(${sides.join(filter.op === 'and' ? ' AND ' : ' OR ')})`
    }
    default:
      return predicateSql(filter, column(filter.ref))
  }
}

/** The operands of a run of the same connective, without recursion: lists of thousands are fine. */
function chain(filter: BoundExpression, op: 'and' | 'or'): readonly BoundExpression[] {
  const operands: BoundExpression[] = []
  const pending: BoundExpression[] = [filter]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.op === op && (next.op === 'and' || next.op === 'or')) pending.push(next.right, next.left)
    else operands.push(next)
  }
  return operands
}

function predicateSql(predicate: BoundPredicate, column: string): string {
  const type = predicate.ref.type
  switch (predicate.op) {
    case 'is-null':
      return `${column} IS NULL`
    case 'not-null':
      return `${column} IS NOT NULL`
    case 'is-nan':
      return isFloating(type) ? `isnan(${column})` : 'FALSE'
    case 'not-nan':
      return isFloating(type) ? `isnan(${column}) IS DISTINCT FROM TRUE` : ALL_ROWS // null is no NaN
    case 'in':
    case 'not-in':
      return membershipSql(predicate.op, type, column, predicate.literals)
    case 'starts-with':
      return prefixSql(column, predicate.literal, type)
    case 'not-starts-with':
      return `NOT ${prefixSql(column, predicate.literal, type)}`
    default:
      return comparisonSql(predicate.op, type, column, predicate.literal)
  }
}

const OPERATORS = { lt: '<', 'lt-eq': '<=', gt: '>', 'gt-eq': '>=', eq: '=', 'not-eq': '!=' } as const

function comparisonSql(
  op: keyof typeof OPERATORS,
  type: PrimitiveType,
  column: string,
  literal: Datum,
): string {
  if (op === 'eq' && isZero(type, literal)) return withoutNaN(type, column, zeroSql(column))
  if (op === 'eq' && isBytes(type)) return bytesSql(column, 'IN', [literal])
  const compared = `${comparable(type, column, [literal])} ${OPERATORS[op]} ${literalSql(type, literal)}`
  return op === 'not-eq' ? withNaN(type, column, compared) : withoutNaN(type, column, compared)
}

function withoutNaN(type: PrimitiveType, column: string, compared: string): string {
  return isFloating(type) ? `(${compared} AND NOT isnan(${column}))` : compared
}

function withNaN(type: PrimitiveType, column: string, compared: string): string {
  return isFloating(type) ? `(${compared} OR isnan(${column}))` : compared
}

function membershipSql(
  op: 'in' | 'not-in',
  type: PrimitiveType,
  column: string,
  literals: readonly Datum[],
): string {
  if (literals.length === 0) return op === 'in' ? 'FALSE' : ALL_ROWS
  if (isBytes(type)) return bytesSql(column, op === 'in' ? 'IN' : 'NOT IN', literals)
  if (op === 'not-in') return withNaN(type, column, listedSql(type, column, 'NOT IN', literals))
  const others = literals.filter((literal) => !isZero(type, literal))
  const member = others.length === 0 ? [] : [listedSql(type, column, 'IN', others)]
  const zero = others.length === literals.length ? [] : [zeroSql(column)]
  return withoutNaN(type, column, `(${[...member, ...zero].join(' OR ')})`)
}

function listedSql(
  type: PrimitiveType,
  column: string,
  operator: 'IN' | 'NOT IN',
  literals: readonly Datum[],
): string {
  const list = literals.map((literal) => literalSql(type, literal)).join(', ')
  return `${comparable(type, column, literals)} ${operator} (${list})`
}

function isZero(type: PrimitiveType, literal: Datum): boolean {
  return isFloating(type) && literal === 0
}

function zeroSql(column: string): string {
  return `(${column} >= CAST('-0.0' AS FLOAT) AND ${column} <= CAST('0.0' AS FLOAT))`
}

function isBytes(type: PrimitiveType): boolean {
  return type.kind === 'binary' || type.kind === 'fixed'
}

/** Bytes are equal just when their hexadecimal digits are. */
function bytesSql(column: string, operator: 'IN' | 'NOT IN', literals: readonly Datum[]): string {
  return `lower(hex(${column})) ${operator} (${literals.map((literal) => `'${hexOf(literal)}'`).join(', ')})`
}

/** A float column is compared as double where a literal is no float: 0.1 is not the float next to it. */
function comparable(type: PrimitiveType, column: string, literals: readonly Datum[]): string {
  return type.kind === 'float' && !literals.every(isFloat) ? `CAST(${column} AS DOUBLE)` : column
}

function literalSql(type: PrimitiveType, literal: Datum): string {
  return type.kind === 'float' && !isFloat(literal)
    ? datumSql({ kind: 'double' }, literal)
    : datumSql(type, literal)
}

function isFloat(literal: Datum): boolean {
  const value = numberOf(literal)
  return Object.is(Math.fround(value), value)
}

function isFloating(type: PrimitiveType): boolean {
  return type.kind === 'float' || type.kind === 'double'
}

function prefixSql(column: string, literal: Datum, type: PrimitiveType): string {
  // Bytes begin alike just when their hexadecimal digits do.
  if (literal instanceof Uint8Array) return `prefix(lower(hex(${column})), '${hexOf(literal)}')`
  return `prefix(${column}, ${datumSql(type, literal)})`
}
