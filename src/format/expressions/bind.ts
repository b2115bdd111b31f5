/** Filters bound to a schema: names to field ids, negations into the predicates. */
import { InvalidExpressionError } from '../../errors.ts'
import { columnHint, fieldName, fieldPath, findFieldByName } from '../schema.ts'
import type { NameLookup, Schema } from '../schema.ts'
import { isPrimitive } from '../types.ts'
import { bindPredicate } from './bind-predicate.ts'
import type { Predicate } from './bind-predicate.ts'
import type { BoundExpression, BoundReference, Expression, LiteralOp, SetOp, UnaryOp } from './expression.ts'
import { joinBound } from './logic.ts'

/** `and` within `or` within `and` …: lists of operands need no depth, however they were nested. */
const MAX_DEPTH = 500

/**
 * Binds a filter to a schema.
 *
 * Columns are found by full dotted name; fields inside lists and maps have many values per row and
 * are refused. Literals are converted to the column's type without changing what the predicate
 * means: one out of the type's range, or between two of its values, is folded.
 *
 * Throws InvalidExpressionError naming the column: unknown, ambiguous, not primitive, or compared
 * with what its type cannot be compared with.
 */
export function bindExpression(
  schema: Schema,
  expression: Expression,
  lookup: NameLookup = {},
): BoundExpression {
  const columns = new Map<string, BoundReference>()
  const find = (name: string): BoundReference => {
    const known = columns.get(name)
    if (known !== undefined) return known
    const found = findColumn(schema, name, lookup)
    columns.set(name, found)
    return found
  }
  return bind({ expression, isNegated: false }, find, 0)
}

/** A part of the filter, and whether an odd number of `not`s stands before it. */
interface Part {
  readonly expression: Expression
  readonly isNegated: boolean
}

function bind(part: Part, find: (name: string) => BoundReference, depth: number): BoundExpression {
  if (depth > MAX_DEPTH) {
    throw new InvalidExpressionError(`The filter is nested more than ${MAX_DEPTH} levels deep`, {
      hint: 'Join long lists with one and(…), or(…) or isIn(…).',
    })
  }
  const { expression, isNegated } = withoutNot(part)
  switch (expression.op) {
    case 'true':
    case 'false':
      return { op: (expression.op === 'true') === isNegated ? 'false' : 'true' }
    case 'and':
    case 'or': {
      const op = junctionOf(expression.op, isNegated)
      return joinBound(
        op,
        operandsOf({ expression, isNegated }, op).map((operand) => bind(operand, find, depth + 1)),
      )
    }
    case 'not':
      // withoutNot leaves none.
      return bind({ expression: expression.child, isNegated: !isNegated }, find, depth + 1)
    default:
      return bindPredicate(isNegated ? negated(expression) : expression, find(expression.column))
  }
}

function withoutNot(part: Part): Part {
  let { expression, isNegated } = part
  while (expression.op === 'not') {
    expression = expression.child
    isNegated = !isNegated
  }
  return { expression, isNegated }
}

/** De Morgan: not (a and b) is (not a) or (not b). */
function junctionOf(op: 'and' | 'or', isNegated: boolean): 'and' | 'or' {
  return (op === 'and') === isNegated ? 'or' : 'and'
}

/** All operands of a chain of one junction, however it leans, in order and without recursion. */
function operandsOf(part: Part, junction: 'and' | 'or'): readonly Part[] {
  const operands: Part[] = []
  const open: Part[] = [part]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { expression, isNegated } = withoutNot(next)
    const isJunction = expression.op === 'and' || expression.op === 'or'
    if (isJunction && junctionOf(expression.op, isNegated) === junction) {
      open.push({ expression: expression.right, isNegated }, { expression: expression.left, isNegated })
    } else {
      operands.push({ expression, isNegated })
    }
  }
  return operands
}

/** Every predicate has its opposite, so that unknown stays unknown on both sides. */
function negated(predicate: Predicate): Predicate {
  if ('value' in predicate) return { ...predicate, op: LITERAL_OPPOSITES[predicate.op] }
  if ('values' in predicate) return { ...predicate, op: SET_OPPOSITES[predicate.op] }
  return { ...predicate, op: UNARY_OPPOSITES[predicate.op] }
}

const UNARY_OPPOSITES: Readonly<Record<UnaryOp, UnaryOp>> = {
  'is-null': 'not-null',
  'not-null': 'is-null',
  'is-nan': 'not-nan',
  'not-nan': 'is-nan',
}

const LITERAL_OPPOSITES: Readonly<Record<LiteralOp, LiteralOp>> = {
  lt: 'gt-eq',
  'gt-eq': 'lt',
  gt: 'lt-eq',
  'lt-eq': 'gt',
  eq: 'not-eq',
  'not-eq': 'eq',
  'starts-with': 'not-starts-with',
  'not-starts-with': 'starts-with',
}

const SET_OPPOSITES: Readonly<Record<SetOp, SetOp>> = { in: 'not-in', 'not-in': 'in' }

function findColumn(schema: Schema, name: string, lookup: NameLookup): BoundReference {
  const field = findFieldByName(schema, name, lookup)
  if (field === undefined) throw unknownColumn(schema, name)
  const path = fieldPath(schema, field.id)
  if (path.slice(0, -1).some(({ type }) => type.kind !== 'struct')) {
    throw new InvalidExpressionError(
      `Filter on ${name}: a field inside a list or map has many values per row`,
      {
        hint: 'Filter by a column with one value per row, and the rows you get by this field.',
      },
    )
  }
  if (!isPrimitive(field.type)) {
    throw new InvalidExpressionError(`Filter on ${name}: a ${field.type.kind} cannot be compared`, {
      hint: field.type.kind === 'struct' ? `Name one of its fields: ${name}.field.` : undefined,
    })
  }
  return {
    fieldId: field.id,
    name: fieldName(schema, field.id) ?? name,
    type: field.type,
    required: path.every(({ required }) => required),
    path,
  }
}

function unknownColumn(schema: Schema, name: string): InvalidExpressionError {
  const similar = schema.fields.find((field) => field.name.toLowerCase() === name.toLowerCase())
  return new InvalidExpressionError(`Filter on ${name}: the table has no such column`, {
    hint:
      similar === undefined
        ? columnHint(schema, name)
        : `Write ${similar.name}, or look columns up with caseSensitive: false.`,
  })
}
