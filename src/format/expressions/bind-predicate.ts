/** One predicate bound to a schema: its literals in the column's type, its meaning kept. */
import { InvalidExpressionError } from '../../errors.ts'
import { typeToString } from '../types-json.ts'
import type { Datum } from '../types.ts'
import { hasNaN, sortedDistinct } from './compare.ts'
import { refuseNull } from './expression.ts'
import type {
  BoundExpression,
  BoundReference,
  Expression,
  LiteralOp,
  LiteralValue,
  SetOp,
  UnaryOp,
} from './expression.ts'
import { joinBound } from './logic.ts'
import { placeLiteral } from './place-literal.ts'
import type { Place } from './place-literal.ts'

/** The predicates among unbound expressions. */
export type Predicate = Extract<Expression, { readonly column: string }>

const ALWAYS: BoundExpression = { op: 'true' }
const NEVER: BoundExpression = { op: 'false' }

/** Binds a predicate whose column was found. InvalidExpressionError where it does not fit its type. */
export function bindPredicate(predicate: Predicate, ref: BoundReference): BoundExpression {
  if ('value' in predicate) return bindComparison(predicate.op, ref, predicate.value)
  if ('values' in predicate) return bindSet(predicate.op, ref, predicate.values)
  return bindUnary(predicate.op, ref)
}

function bindUnary(op: UnaryOp, ref: BoundReference): BoundExpression {
  switch (op) {
    case 'is-null':
      // A column of the type unknown holds nothing but nulls.
      return ref.type.kind === 'unknown' ? ALWAYS : ref.required ? NEVER : { op, ref }
    case 'not-null':
      return notNull(ref)
    case 'is-nan':
    case 'not-nan':
      if (hasNaN(ref.type)) return { op, ref }
      throw new InvalidExpressionError(
        `Filter on ${ref.name}: a column of type ${typeToString(ref.type)} has no NaN`,
        { hint: 'Only float and double columns can be asked for NaN.' },
      )
  }
}

function notNull(ref: BoundReference): BoundExpression {
  if (ref.type.kind === 'unknown') return NEVER
  return ref.required ? ALWAYS : { op: 'not-null', ref }
}

function bindComparison(op: LiteralOp, ref: BoundReference, value: LiteralValue): BoundExpression {
  if (op === 'starts-with' || op === 'not-starts-with') return bindPrefix(op, ref, value)
  const place = placeOf(ref, value)
  switch (place.at) {
    case 'value':
      return { op, ref, literal: place.datum }
    case 'nan':
      return compareWithNaN(op, ref)
    case 'between':
      return compareWithGap(op, ref, place.floor)
    // Every value that is there lies on one side; a null still does not match.
    case 'above':
      return op === 'lt' || op === 'lt-eq' || op === 'not-eq' ? notNull(ref) : NEVER
    case 'below':
      return op === 'gt' || op === 'gt-eq' || op === 'not-eq' ? notNull(ref) : NEVER
  }
}

/** No value of the type equals the literal; the nearest below it is `floor`. */
function compareWithGap(
  op: Exclude<LiteralOp, 'starts-with' | 'not-starts-with'>,
  ref: BoundReference,
  floor: Datum,
): BoundExpression {
  switch (op) {
    case 'lt':
    case 'lt-eq':
      return { op: 'lt-eq', ref, literal: floor }
    case 'gt':
    case 'gt-eq':
      return { op: 'gt', ref, literal: floor }
    case 'eq':
      return NEVER
    case 'not-eq':
      return notNull(ref)
  }
}

/** NaN is asked for, or not; it has no order. */
function compareWithNaN(op: LiteralOp, ref: BoundReference): BoundExpression {
  if (op === 'eq') return { op: 'is-nan', ref }
  return op === 'not-eq' ? joinBound('and', [{ op: 'not-nan', ref }, notNull(ref)]) : NEVER
}

function bindPrefix(
  op: 'starts-with' | 'not-starts-with',
  ref: BoundReference,
  value: LiteralValue,
): BoundExpression {
  if (ref.type.kind !== 'string') {
    throw new InvalidExpressionError(
      `Filter on ${ref.name}: a column of type ${typeToString(ref.type)} has no prefixes`,
      { hint: 'Only string columns can be asked what they start with.' },
    )
  }
  const place = placeOf(ref, value)
  if (place.at !== 'value') return NEVER
  if (place.datum === '') return op === 'starts-with' ? notNull(ref) : NEVER
  return { op, ref, literal: place.datum }
}

function bindSet(op: SetOp, ref: BoundReference, values: readonly LiteralValue[]): BoundExpression {
  // Nothing to compare with, so not even a null is unknown.
  if (values.length === 0) return op === 'in' ? NEVER : ALWAYS
  const places = values.map((value) => placeOf(ref, value))
  // What the type does not hold equals no value.
  const literals = sortedDistinct(
    ref.type,
    places.flatMap((place) => (place.at === 'value' ? [place.datum] : [])),
  )
  const hasNaNLiteral = places.some((place) => place.at === 'nan')
  if (op === 'in') {
    const nan: readonly BoundExpression[] = hasNaNLiteral ? [{ op: 'is-nan', ref }] : []
    return joinBound('or', [bindMembers('in', ref, literals), ...nan])
  }
  const nan: readonly BoundExpression[] = hasNaNLiteral ? [{ op: 'not-nan', ref }] : []
  return joinBound('and', [bindMembers('not-in', ref, literals), ...nan])
}

function bindMembers(op: SetOp, ref: BoundReference, literals: readonly Datum[]): BoundExpression {
  const [only] = literals
  if (only === undefined) return op === 'in' ? NEVER : notNull(ref)
  if (literals.length === 1) return { op: op === 'in' ? 'eq' : 'not-eq', ref, literal: only }
  return { op, ref, literals }
}

/** `placeLiteral`, its errors told with the column. */
function placeOf(ref: BoundReference, value: LiteralValue): Place {
  refuseNull(ref.name, value)
  try {
    return placeLiteral(ref.type, value)
  } catch (error) {
    if (!(error instanceof InvalidExpressionError)) throw error
    throw new InvalidExpressionError(`Filter on ${ref.name}: ${error.message}`, {
      hint: error.hint,
      cause: error.cause,
    })
  }
}
