/** Filter expressions over the rows of a table, before and after binding to a schema. */
import { InvalidExpressionError } from '../../errors.ts'
import type { Datum, NestedField, PrimitiveType } from '../types.ts'

export type UnaryOp = 'is-null' | 'not-null' | 'is-nan' | 'not-nan'
export type LiteralOp = 'lt' | 'lt-eq' | 'gt' | 'gt-eq' | 'eq' | 'not-eq' | 'starts-with' | 'not-starts-with'
export type SetOp = 'in' | 'not-in'

/** What a user may write as a literal; converted to the column's type when bound. */
export type LiteralValue = boolean | number | bigint | string | Uint8Array | Date

/** An unbound filter: columns by name, literals as the user gave them. JSON-safe but for its literals. */
export type Expression =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'not'; readonly child: Expression }
  | { readonly op: UnaryOp; readonly column: string }
  | { readonly op: LiteralOp; readonly column: string; readonly value: LiteralValue }
  | { readonly op: SetOp; readonly column: string; readonly values: readonly LiteralValue[] }

/** A column of a schema, found by name once. */
export interface BoundReference {
  readonly fieldId: number
  /** Full dotted name in the schema it was bound to. */
  readonly name: string
  readonly type: PrimitiveType
  /** True when the column and every struct above it are required. */
  readonly required: boolean
  /** From the top-level column down to the field; length 1 for a top-level column. */
  readonly path: readonly NestedField[]
}

/**
 * A filter bound to a schema: negations pushed into the predicates, literals in the column's own
 * type (see `Datum`), literals out of the type's range folded to true or false. Under SQL's
 * three-valued logic: a comparison with null is unknown, and unknown rows do not match.
 */
export type BoundExpression =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'and' | 'or'; readonly left: BoundExpression; readonly right: BoundExpression }
  | BoundPredicate

export type BoundPredicate =
  | { readonly op: UnaryOp; readonly ref: BoundReference }
  | { readonly op: LiteralOp; readonly ref: BoundReference; readonly literal: Datum }
  /** Two literals or more, ascending, none twice. */
  | { readonly op: SetOp; readonly ref: BoundReference; readonly literals: readonly Datum[] }

/** A column of a partition tuple: its position in the spec's fields, and its (result) type. */
export interface PartitionReference {
  /** Position in the spec's fields, and so in every tuple of that spec. */
  readonly position: number
  readonly fieldId: number
  readonly type: PrimitiveType
}

/**
 * A filter over partition tuples. A type of its own: stored partition values are already
 * transformed and must never meet a predicate over source columns, or the reverse.
 */
export type PartitionExpression =
  | { readonly over: 'partition'; readonly op: 'true' | 'false' }
  | {
      readonly over: 'partition'
      readonly op: 'and' | 'or'
      readonly left: PartitionExpression
      readonly right: PartitionExpression
    }
  | { readonly over: 'partition'; readonly op: UnaryOp; readonly ref: PartitionReference }
  | {
      readonly over: 'partition'
      readonly op: LiteralOp
      readonly ref: PartitionReference
      readonly literal: Datum
    }
  | {
      readonly over: 'partition'
      readonly op: SetOp
      readonly ref: PartitionReference
      readonly literals: readonly Datum[]
    }

// --- builders ------------------------------------------------------------------------------------

/** Matches every row. */
export function alwaysTrue(): Expression {
  return { op: 'true' }
}

/** Matches no row. */
export function alwaysFalse(): Expression {
  return { op: 'false' }
}

/** Every operand must match; without operands, true. Long lists become a balanced tree. */
export function and(...operands: readonly Expression[]): Expression {
  return allOf(operands)
}

/** One operand must match; without operands, false. Long lists become a balanced tree. */
export function or(...operands: readonly Expression[]): Expression {
  return anyOf(operands)
}

/** `and` of a list of any length. */
export function allOf(operands: readonly Expression[]): Expression {
  return balanced(operands, (left, right) => ({ op: 'and', left, right })) ?? alwaysTrue()
}

/** `or` of a list of any length. */
export function anyOf(operands: readonly Expression[]): Expression {
  return balanced(operands, (left, right) => ({ op: 'or', left, right })) ?? alwaysFalse()
}

/** SQL's negation: what is unknown stays unknown, and so does not match. */
export function not(child: Expression): Expression {
  return { op: 'not', child }
}

/** Rows whose column is null. */
export const isNull = unary('is-null')
/** Rows whose column is not null. */
export const notNull = unary('not-null')
/** Float and double columns; a null is not NaN. */
export const isNaN = unary('is-nan')
/** Float and double columns; a null is not NaN, so it matches. */
export const notNaN = unary('not-nan')
/** Rows whose column equals the value. */
export const eq = comparison('eq')
/** Does not match nulls; matches NaN. */
export const notEq = comparison('not-eq')
/** Rows whose column is less than the value. */
export const lt = comparison('lt')
/** Rows whose column is less than or equal to the value. */
export const lte = comparison('lt-eq')
/** Rows whose column is greater than the value. */
export const gt = comparison('gt')
/** Rows whose column is greater than or equal to the value. */
export const gte = comparison('gt-eq')
/** String columns. */
export const startsWith = comparison('starts-with')
/** String columns; does not match nulls. */
export const notStartsWith = comparison('not-starts-with')
/** An empty list matches nothing. */
export const isIn = membership('in')
/** Does not match nulls; an empty list matches every row. */
export const notIn = membership('not-in')

/**
 * Joins a list pairwise, so that a thousand operands nest ten levels and not a thousand.
 * Undefined for an empty list.
 */
export function balanced<T>(items: readonly T[], join: (left: T, right: T) => T): T | undefined {
  const first = items[0]
  if (first === undefined || items.length === 1) return first
  let level = items
  while (level.length > 1) {
    const next: T[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = level.slice(i, i + 2)
      // `left` exists: i is below the length.
      if (left !== undefined) next.push(right === undefined ? left : join(left, right))
    }
    level = next
  }
  return level[0]
}

function unary(op: UnaryOp): (column: string) => Expression {
  return (column) => ({ op, column })
}

function comparison(op: LiteralOp): (column: string, value: LiteralValue) => Expression {
  return (column, value) => {
    refuseNull(column, value)
    return { op, column, value }
  }
}

function membership(op: SetOp): (column: string, values: Iterable<LiteralValue>) => Expression {
  return (column, values) => {
    const list = [...values]
    for (const value of list) refuseNull(column, value)
    return { op, column, values: list }
  }
}

/** The type forbids null; callers in plain JavaScript, or with parsed JSON, still pass it. */
export function refuseNull(column: string, value: unknown): void {
  if (value !== null && value !== undefined) return
  throw new InvalidExpressionError(`Filter on ${column}: null cannot be compared with`, {
    hint: `Ask for nulls with isNull('${column}'), or \`${column} is null\` in a text filter.`,
  })
}
