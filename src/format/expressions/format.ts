/** Filters as text, in the language that `parseExpression` reads. */
import { bytesToHex } from '../values/bytes.ts'
import type { BoundExpression, BoundPredicate, Expression, LiteralOp, LiteralValue } from './expression.ts'
import { RESERVED } from './parse.ts'

const SYMBOLS: Readonly<Record<Exclude<LiteralOp, 'starts-with' | 'not-starts-with'>, string>> = {
  lt: '<',
  'lt-eq': '<=',
  gt: '>',
  'gt-eq': '>=',
  eq: '=',
  'not-eq': '!=',
}

/**
 * The filter's text, literals included: for the person who wrote it, never for logs.
 * `parseExpression` reads it back as a filter of the same meaning; a `Date` with a time of day only
 * for columns with zones, since its text has one.
 */
export function expressionToString(expression: Expression): string {
  switch (expression.op) {
    case 'true':
    case 'false':
      return expression.op
    case 'and':
    case 'or': {
      const sides = [expression.left, expression.right]
      return sides
        .map((side) => within(expression.op, side.op, expressionToString(side)))
        .join(` ${expression.op} `)
    }
    case 'not':
      return `not ${within('not', expression.child.op, expressionToString(expression.child))}`
    default:
      if ('value' in expression) {
        return comparisonText(expression.op, nameText(expression.column), literalText(expression.value))
      }
      return 'values' in expression
        ? setText(expression.op, nameText(expression.column), expression.values.map(literalText))
        : unaryText(expression.op, nameText(expression.column))
  }
}

/** The filter's text with `?` for every literal: fit for logs, reports and spans. */
export function boundToString(bound: BoundExpression): string {
  switch (bound.op) {
    case 'true':
    case 'false':
      return bound.op
    case 'and':
    case 'or':
      return [bound.left, bound.right]
        .map((side) => within(bound.op, side.op, boundToString(side)))
        .join(` ${bound.op} `)
    default:
      return predicateText(bound)
  }
}

function predicateText(predicate: BoundPredicate): string {
  const name = nameText(predicate.ref.name)
  if ('literal' in predicate) return comparisonText(predicate.op, name, '?')
  return 'literals' in predicate ? setText(predicate.op, name, ['?']) : unaryText(predicate.op, name)
}

/** In parentheses where the text inside would otherwise be read as part of what is around it. */
function within(outer: 'and' | 'or' | 'not', inner: string, text: string): string {
  const isJunction = inner === 'and' || inner === 'or'
  return isJunction && inner !== outer ? `(${text})` : text
}

function unaryText(op: 'is-null' | 'not-null' | 'is-nan' | 'not-nan', name: string): string {
  const [polarity, what] = op.split('-')
  return `${name} is ${polarity === 'not' ? 'not ' : ''}${what}`
}

function comparisonText(op: LiteralOp, name: string, literal: string): string {
  if (op === 'starts-with') return `starts_with(${name}, ${literal})`
  if (op === 'not-starts-with') return `not starts_with(${name}, ${literal})`
  return `${name} ${SYMBOLS[op]} ${literal}`
}

function setText(op: 'in' | 'not-in', name: string, literals: readonly string[]): string {
  return `${name} ${op === 'in' ? 'in' : 'not in'} (${literals.join(', ')})`
}

function literalText(value: LiteralValue): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
  if (value instanceof Uint8Array) return `x'${bytesToHex(value)}'`
  if (typeof value === 'object') return `timestamp '${value.toISOString()}'`
  return Object.is(value, -0) ? '-0.0' : String(value).toLowerCase()
}

/** Quoted where the bare name would be read as something else. */
function nameText(name: string): string {
  const isBare = name.split('.').every((part) => /^[\p{L}_][\p{L}\p{N}\p{M}_$]*$/u.test(part))
  const hasKeyword = name.split('.').some((part) => RESERVED.has(part.toLowerCase()))
  return isBare && !hasKeyword ? name : `"${name.replaceAll('"', '""')}"`
}
