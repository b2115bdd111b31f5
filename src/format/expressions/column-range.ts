/**
 * What is known of a column in a set of rows (a data file, a manifest's partitions), and what that
 * says about predicates. Both questions are asked here, so that they cannot disagree: *can some row
 * match* (for leaving out files) and *must every row match* (for taking files whole).
 */
import { CorruptFileError } from '../../errors.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { decodeBinary } from '../values/binary.ts'
import { compareToPrefix, compareValues, includesValue, isNaNDatum, someWithin } from './compare.ts'
import type { TypedPredicate } from './evaluate.ts'
import type { LiteralOp, SetOp } from './expression.ts'

export interface ColumnRange {
  /** False only when no row is null. */
  readonly mayBeNull: boolean
  /** False only when no row is NaN. */
  readonly mayBeNaN: boolean
  /** False only when every row is null or NaN. */
  readonly mayHaveValue: boolean
  /** At most every value that is neither null nor NaN; null when not known. */
  readonly lower: Datum | null
  /** At least every such value; null when not known. */
  readonly upper: Datum | null
}

/**
 * Bounds as stored, with what proves nothing taken out: bytes that are no value of the type, NaN
 * (a writer that compared with it cannot be trusted on the other bound either), and a lower bound
 * above the upper one.
 */
export function trustedBounds(
  type: PrimitiveType,
  lowerBytes: Uint8Array | null | undefined,
  upperBytes: Uint8Array | null | undefined,
): Pick<ColumnRange, 'lower' | 'upper'> {
  const lower = decodeBound(type, lowerBytes ?? null)
  const upper = decodeBound(type, upperBytes ?? null)
  const isNaN = (lower !== null && isNaNDatum(lower)) || (upper !== null && isNaNDatum(upper))
  const isInverted = !isNaN && lower !== null && upper !== null && compareValues(type, lower, upper) > 0
  if (isNaN || isInverted) return UNKNOWN_BOUNDS
  return type.kind === 'uuid' ? uuidBounds(lower, upper) : { lower, upper }
}

const UNKNOWN_BOUNDS = { lower: null, upper: null }

/**
 * Some writers order uuids as two signed longs. Bounds that are not inverted hold for the first
 * half in either order, where both are there to tell.
 */
function uuidBounds(lower: Datum | null, upper: Datum | null): Pick<ColumnRange, 'lower' | 'upper'> {
  if (typeof lower !== 'string' || typeof upper !== 'string') return UNKNOWN_BOUNDS
  return {
    lower: `${lower.slice(0, 18)}-0000-000000000000`,
    upper: `${upper.slice(0, 18)}-ffff-ffffffffffff`,
  }
}

function decodeBound(type: PrimitiveType, bytes: Uint8Array | null): Datum | null {
  if (bytes === null || !hasBounds(type)) return null
  try {
    return decodeBinary(type, bytes)
  } catch (error) {
    // A bound only ever spares work: one that is no value of the type proves nothing, and the
    // rows themselves are still checked.
    if (error instanceof CorruptFileError) return null
    throw error
  }
}

function hasBounds({ kind }: PrimitiveType): boolean {
  return kind !== 'unknown' && kind !== 'geometry' && kind !== 'geography'
}

/** False only when no row within the range can match. */
export function someMayMatch(predicate: TypedPredicate, range: ColumnRange): boolean {
  switch (predicate.op) {
    case 'is-null':
      return range.mayBeNull
    case 'not-null':
      return range.mayBeNaN || range.mayHaveValue
    case 'is-nan':
      return range.mayBeNaN
    case 'not-nan':
      return range.mayBeNull || range.mayHaveValue
    case 'not-eq':
      return range.mayBeNaN || (range.mayHaveValue && !isOnlyValue(predicate, [predicate.literal], range))
    case 'not-in':
      return range.mayBeNaN || (range.mayHaveValue && !isOnlyValue(predicate, predicate.literals, range))
    case 'in':
      return (
        range.mayHaveValue && someWithin(predicate.ref.type, predicate.literals, range.lower, range.upper)
      )
    default:
      return range.mayHaveValue && someValueMayMatch(predicate, predicate.literal, range)
  }
}

/** True only when every row within the range matches. */
export function allMustMatch(predicate: TypedPredicate, range: ColumnRange): boolean {
  switch (predicate.op) {
    case 'is-null':
      return !range.mayBeNaN && !range.mayHaveValue
    case 'not-null':
      return !range.mayBeNull
    case 'is-nan':
      return !range.mayBeNull && !range.mayHaveValue
    case 'not-nan':
      return !range.mayBeNaN
    case 'not-eq':
      return !range.mayBeNull && (!range.mayHaveValue || !isWithin(predicate, predicate.literal, range))
    case 'not-in':
      return (
        !range.mayBeNull &&
        (!range.mayHaveValue || !someWithin(predicate.ref.type, predicate.literals, range.lower, range.upper))
      )
    case 'in':
      return isPlain(range) && (!range.mayHaveValue || isSingleOf(predicate, predicate.literals, range))
    default:
      return isPlain(range) && (!range.mayHaveValue || everyValueMatches(predicate, predicate.literal, range))
  }
}

function isPlain(range: ColumnRange): boolean {
  return !range.mayBeNull && !range.mayBeNaN
}

type ValuePredicate = { readonly op: LiteralOp | SetOp; readonly ref: { readonly type: PrimitiveType } }

/** Whether a value equal to the literal may lie within the bounds. */
function isWithin({ ref: { type } }: ValuePredicate, literal: Datum, { lower, upper }: ColumnRange): boolean {
  return (
    (lower === null || compareValues(type, lower, literal) <= 0) &&
    (upper === null || compareValues(type, upper, literal) >= 0)
  )
}

/** Whether both bounds are one value, and the list holds it. */
function isSingleOf(
  { ref: { type } }: ValuePredicate,
  literals: readonly Datum[],
  range: ColumnRange,
): boolean {
  const { lower, upper } = range
  if (lower === null || upper === null || compareValues(type, lower, upper) !== 0) return false
  return includesValue(type, literals, lower)
}

/**
 * As `isSingleOf`, for leaving out: not for types whose bounds are cut, since a writer that forgets
 * to raise a cut upper bound makes many values look like one.
 */
function isOnlyValue(predicate: ValuePredicate, literals: readonly Datum[], range: ColumnRange): boolean {
  const { kind } = predicate.ref.type
  const isCut = kind === 'string' || kind === 'binary' || kind === 'fixed'
  return !isCut && isSingleOf(predicate, literals, range)
}

function someValueMayMatch(predicate: ValuePredicate, literal: Datum, range: ColumnRange): boolean {
  const { lower, upper } = range
  const { op, ref } = predicate
  switch (op) {
    case 'lt':
      return lower === null || compareValues(ref.type, lower, literal) < 0
    case 'lt-eq':
      return lower === null || compareValues(ref.type, lower, literal) <= 0
    case 'gt':
      return upper === null || compareValues(ref.type, upper, literal) > 0
    case 'gt-eq':
      return upper === null || compareValues(ref.type, upper, literal) >= 0
    case 'starts-with':
      return prefixSide(lower, literal) <= 0 && prefixSide(upper, literal, 'upper') >= 0
    case 'not-starts-with':
      return !haveOnePrefix(range, literal)
    default:
      return isWithin(predicate, literal, range)
  }
}

function everyValueMatches(predicate: ValuePredicate, literal: Datum, range: ColumnRange): boolean {
  const { lower, upper } = range
  const { op, ref } = predicate
  switch (op) {
    case 'lt':
      return upper !== null && compareValues(ref.type, upper, literal) < 0
    case 'lt-eq':
      return upper !== null && compareValues(ref.type, upper, literal) <= 0
    case 'gt':
      return lower !== null && compareValues(ref.type, lower, literal) > 0
    case 'gt-eq':
      return lower !== null && compareValues(ref.type, lower, literal) >= 0
    case 'starts-with':
      return haveOnePrefix(range, literal)
    case 'not-starts-with':
      return prefixSide(lower, literal) > 0 || prefixSide(upper, literal, 'upper') < 0
    default:
      return isSingleOf(predicate, [literal], range)
  }
}

/** Where a bound's first code points lie against a prefix; an unknown bound decides nothing. */
function prefixSide(bound: Datum | null, prefix: Datum, which: 'lower' | 'upper' = 'lower'): number {
  if (typeof bound !== 'string' || typeof prefix !== 'string') return which === 'lower' ? -1 : 1
  return compareToPrefix(bound, prefix)
}

/** Whether both bounds start with the prefix, and so every value between them. */
function haveOnePrefix({ lower, upper }: ColumnRange, prefix: Datum): boolean {
  if (typeof lower !== 'string' || typeof upper !== 'string' || typeof prefix !== 'string') return false
  return lower.startsWith(prefix) && upper.startsWith(prefix)
}
