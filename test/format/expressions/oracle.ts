/**
 * What a filter means, said a second time and independently of the code under test: a naive
 * interpreter of unbound expressions over one row, three-valued, comparing by the simplest means.
 */
import type { Expression, LiteralValue } from '../../../src/format/expressions/expression.ts'
import type { Datum, PrimitiveType } from '../../../src/format/types.ts'

export type OracleRow = Readonly<Record<string, Datum | null>>
export type OracleTypes = Readonly<Record<string, PrimitiveType>>
type Truth = boolean | null

/** true, false, or null for unknown. */
export function oracle(expression: Expression, row: OracleRow, types: OracleTypes): Truth {
  switch (expression.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and':
      return kleeneAnd(oracle(expression.left, row, types), oracle(expression.right, row, types))
    case 'or':
      return kleeneNot(
        kleeneAnd(
          kleeneNot(oracle(expression.left, row, types)),
          kleeneNot(oracle(expression.right, row, types)),
        ),
      )
    case 'not':
      return kleeneNot(oracle(expression.child, row, types))
    default: {
      const type = types[expression.column]
      const value = row[expression.column]
      if (type === undefined || value === undefined) throw new Error(`no column ${expression.column}`)
      return predicate(expression, type, value)
    }
  }
}

function kleeneAnd(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false
  return a === null || b === null ? null : true
}

function kleeneNot(a: Truth): Truth {
  return a === null ? null : !a
}

function predicate(
  expression: Extract<Expression, { readonly column: string }>,
  type: PrimitiveType,
  value: Datum | null,
): Truth {
  switch (expression.op) {
    case 'is-null':
      return value === null
    case 'not-null':
      return value !== null
    case 'is-nan':
      return Number.isNaN(value)
    case 'not-nan':
      return !Number.isNaN(value)
    case 'in':
      if (expression.values.length === 0) return false
      return value === null ? null : expression.values.some((literal) => same(type, value, literal))
    case 'not-in':
      if (expression.values.length === 0) return true
      return value === null ? null : !expression.values.some((literal) => same(type, value, literal))
    default:
      return value === null ? null : compare(expression.op, type, value, expression.value)
  }
}

function same(type: PrimitiveType, value: Datum, literal: LiteralValue): boolean {
  if (Number.isNaN(value) || Number.isNaN(literal)) return Number.isNaN(value) && Number.isNaN(literal)
  return order(type, value, literal) === 0
}

function compare(op: string, type: PrimitiveType, value: Datum, literal: LiteralValue): Truth {
  if (op === 'eq') return same(type, value, literal)
  if (op === 'not-eq') return !same(type, value, literal)
  if (op === 'starts-with') return utf8(value).subarray(0, utf8(literal).length).equals(utf8(literal))
  if (op === 'not-starts-with') return kleeneNot(compare('starts-with', type, value, literal))
  // NaN has no order: neither the comparison nor its opposite is true.
  if (Number.isNaN(value) || Number.isNaN(literal)) return null
  const side = order(type, value, literal)
  if (op === 'lt') return side < 0
  if (op === 'lt-eq') return side <= 0
  return op === 'gt' ? side > 0 : side >= 0
}

function order(type: PrimitiveType, value: Datum, literal: LiteralValue): number {
  if (type.kind === 'string' || type.kind === 'uuid') {
    return Buffer.compare(utf8(value), utf8(literal))
  }
  if (value instanceof Uint8Array && literal instanceof Uint8Array) return Buffer.compare(value, literal)
  const right = readLiteral(type, literal)
  // Mixed comparison of bigint and number is exact in JavaScript.
  return value < right ? -1 : value > right ? 1 : 0
}

/** Literals of temporal types and decimals are text; everything else compares as it is. */
function readLiteral(type: PrimitiveType, literal: LiteralValue): Datum {
  if (typeof literal === 'object') throw new Error('not a literal of this oracle')
  switch (type.kind) {
    case 'decimal':
      // Units of the scale; three digits more are exact enough for the small numbers of the tests.
      return Math.round(Number(literal) * 10 ** (type.scale + 3)) / 1000
    case 'date':
      return Date.parse(`${String(literal)}T00:00:00Z`) / 86_400_000
    case 'timestamp':
    case 'timestamptz':
      return readMicros(String(literal))
    case 'timestamp_ns':
      return readMicros(String(literal)) * 1000n
    case 'time':
      return readMicros(`1970-01-01T${String(literal)}Z`)
    default:
      return literal
  }
}

/** `…:SS.ffffff`: Date.parse takes the milliseconds, the rest is added. */
function readMicros(text: string): bigint {
  const [, upToMillis = '', micros = ''] = /^(.*\.\d{3})(\d{3})Z?$/.exec(text) ?? []
  return BigInt(Date.parse(`${upToMillis}Z`)) * 1000n + BigInt(micros)
}

function utf8(value: Datum | LiteralValue): Buffer {
  return Buffer.from(String(value), 'utf8')
}
