/**
 * Filters on rows, under SQL's three-valued logic. This is the meaning that pruning, residuals and
 * every engine's translation have to keep:
 *
 * | predicate | on null | on NaN | otherwise |
 * | --- | --- | --- | --- |
 * | `is-null`, `not-null` | true, false | false, true | false, true |
 * | `is-nan`, `not-nan` | false, true | true, false | false, true |
 * | `<` `<=` `>` `>=` | unknown | unknown | by the type's order |
 * | `=`, `in` | unknown | false | by the type's order |
 * | `!=`, `not in` | unknown | true | by the type's order |
 * | `starts-with`, `not-starts-with` | unknown | | by code points |
 *
 * - A row matches where the whole filter is true; unknown does not match, and neither does its
 *   negation: `x < 5` and `not x < 5` both leave out null and NaN.
 * - NaN never satisfies a comparison, so that bounds (which exclude it) decide about files exactly
 *   as rows decide about themselves. Engines that order NaN above all numbers must guard for it.
 * - `= NaN` in a filter is bound as `is-nan`, `!= NaN` as `not-nan` and `not-null`.
 * - `not-nan` includes nulls, as in PyIceberg and Iceberg Java.
 * - -0.0 equals 0.0. Strings compare by code points, uuids, fixed and binary by unsigned bytes.
 * - Bound filters hold no negation: it was pushed into the predicates by binding.
 */
import type { BoundExpression, BoundReference, LiteralOp, SetOp, UnaryOp } from './expression.ts'
import { compareValues, includesValue, isNaNDatum } from './compare.ts'
import type { Datum, PrimitiveType } from '../types.ts'

/** A predicate over a value of a known type: what row and partition predicates have in common. */
export type TypedPredicate =
  | { readonly op: UnaryOp; readonly ref: { readonly type: PrimitiveType } }
  | { readonly op: LiteralOp; readonly ref: { readonly type: PrimitiveType }; readonly literal: Datum }
  | {
      readonly op: SetOp
      readonly ref: { readonly type: PrimitiveType }
      readonly literals: readonly Datum[]
    }

/** True, false, or null for unknown. `get` answers a column's value in the row. */
export function evaluate(
  expression: BoundExpression,
  get: (ref: BoundReference) => Datum | null,
): boolean | null {
  switch (expression.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and': {
      const left = evaluate(expression.left, get)
      return left === false ? false : bothTrue(left, evaluate(expression.right, get))
    }
    case 'or': {
      const left = evaluate(expression.left, get)
      return left === true ? true : eitherTrue(left, evaluate(expression.right, get))
    }
    default:
      return evaluatePredicate(expression, get(expression.ref))
  }
}

/** `and` of SQL: false wins, then unknown. */
export function bothTrue(left: boolean | null, right: boolean | null): boolean | null {
  if (left === false || right === false) return false
  return left === null || right === null ? null : true
}

/** `or` of SQL: true wins, then unknown. */
export function eitherTrue(left: boolean | null, right: boolean | null): boolean | null {
  if (left === true || right === true) return true
  return left === null || right === null ? null : false
}

/** One predicate on one value, by the table above. */
export function evaluatePredicate(predicate: TypedPredicate, value: Datum | null): boolean | null {
  switch (predicate.op) {
    case 'is-null':
      return value === null
    case 'not-null':
      return value !== null
    case 'is-nan':
      return value !== null && isNaNDatum(value)
    case 'not-nan':
      return value === null || !isNaNDatum(value)
    case 'in':
    case 'not-in': {
      if (value === null) return null
      const included = !isNaNDatum(value) && includesValue(predicate.ref.type, predicate.literals, value)
      return included === (predicate.op === 'in')
    }
    default:
      return value === null ? null : compareWith(predicate, predicate.literal, value)
  }
}

function compareWith(
  { op, ref }: { readonly op: LiteralOp; readonly ref: { readonly type: PrimitiveType } },
  literal: Datum,
  value: Datum,
): boolean | null {
  if (isNaNDatum(value)) return op === 'eq' ? false : op === 'not-eq' ? true : null
  switch (op) {
    case 'lt':
      return compareValues(ref.type, value, literal) < 0
    case 'lt-eq':
      return compareValues(ref.type, value, literal) <= 0
    case 'gt':
      return compareValues(ref.type, value, literal) > 0
    case 'gt-eq':
      return compareValues(ref.type, value, literal) >= 0
    case 'eq':
      return compareValues(ref.type, value, literal) === 0
    case 'not-eq':
      return compareValues(ref.type, value, literal) !== 0
    case 'starts-with':
      return startsWithText(value, literal)
    case 'not-starts-with':
      return !startsWithText(value, literal)
  }
}

/** Binding admits the operator for strings only; anything else has no prefix. */
function startsWithText(value: Datum, prefix: Datum): boolean {
  return typeof value === 'string' && typeof prefix === 'string' && value.startsWith(prefix)
}
