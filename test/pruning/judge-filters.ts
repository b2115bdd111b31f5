/**
 * Which files and manifests can hold a row that a filter matches, by looking for such a row: values
 * that a partition, or a range between two bounds, may hold are tried one after the other. Only
 * values next to a literal or to an end can tell partitions apart, so only those are tried.
 */
import type { Expression } from '../../src/format/expressions/expression.ts'
import type { Datum, PrimitiveType } from '../../src/format/types.ts'
import { oracle } from '../format/expressions/oracle.ts'
import { sameDatum } from './columns.ts'
import { judgeInterval, judgeOrder, judgeTransform } from './judge-values.ts'

export type Predicate = Extract<Expression, { readonly column: string }>

/** A predicate and its literals as values of the column. */
export interface JudgedPredicate {
  readonly expression: Predicate
  readonly literals: readonly Datum[]
}

export type JudgedFilter =
  JudgedPredicate | { readonly op: 'and' | 'or'; readonly left: JudgedFilter; readonly right: JudgedFilter }

const TOP = '\u{10ffff}'.repeat(8)
const TOP_BYTES = new Uint8Array(8).fill(255)

/** A field of the spec as the judge needs it. */
export interface JudgedField {
  readonly transform: string
  readonly type: PrimitiveType
}

/** Whether some row of the partition may match. */
export function partitionMayMatch(
  { expression, literals }: JudgedPredicate,
  { transform, type }: JudgedField,
  partition: Datum | null,
): boolean {
  if (transform === 'void') return true
  if (partition === null) return matches(expression, type, null)
  // A bucket holds values without end; only those that must be in another one are known not to be in it.
  const isListed = expression.op === 'eq' || expression.op === 'in'
  if (transform.startsWith('bucket') && !isListed) return expression.op !== 'is-null'
  const homes = homesOf(transform, type, partition)
  return candidates(transform, type, homes, literals).some(
    (value) =>
      homes.some((home) => sameDatum(judgeTransform(transform, type, value), home)) &&
      matches(expression, type, value),
  )
}

/**
 * Partition values whose rows may be stored under this one: old writers rounded times before 1970
 * up, to the hour (day, month, year) after theirs. There was nothing to round in days of dates.
 */
function homesOf(transform: string, type: PrimitiveType, partition: Datum): readonly Datum[] {
  const isRounded = /^(year|month|hour)$/.test(transform) || (transform === 'day' && type.kind !== 'date')
  return isRounded && typeof partition === 'number' && partition <= 0
    ? [partition, partition - 1]
    : [partition]
}

function candidates(
  transform: string,
  type: PrimitiveType,
  homes: readonly Datum[],
  literals: readonly Datum[],
): readonly Datum[] {
  // A bucket's number is no value of the column.
  const isBucket = transform.startsWith('bucket')
  const ends = isBucket
    ? []
    : homes.flatMap((home) => [...(judgeInterval(transform, type, home) ?? [home]), ...longest(home)])
  return [...ends, ...literals.flatMap((literal) => [literal, ...neighbours(literal)])]
}

/** The greatest of the texts or bytes that begin so, as far as tests go. */
function longest(value: Datum): readonly Datum[] {
  if (typeof value === 'string') return [value + TOP]
  return value instanceof Uint8Array ? [Uint8Array.from([...value, ...TOP_BYTES])] : []
}

function neighbours(value: Datum): readonly Datum[] {
  if (typeof value === 'bigint') return [value - 1n, value + 1n]
  if (typeof value === 'number') return [value - 1, value + 1]
  if (typeof value === 'string') return [`${value}\0`]
  return value instanceof Uint8Array ? [Uint8Array.from([...value, 0])] : []
}

/** What is known of a column in a file, or of a partition field in a manifest. */
export interface JudgedRange {
  readonly hasNull: boolean
  /** undefined: some may be NaN. */
  readonly hasNaN: boolean | undefined
  readonly hasValue: boolean
  readonly bounds: readonly [Datum, Datum] | null
}

/** Whether some row whose column lies in the range may match. */
export function rangeMayMatch(
  { expression, literals }: JudgedPredicate,
  type: PrimitiveType,
  range: JudgedRange,
): boolean {
  if (range.hasNull && matches(expression, type, null)) return true
  if (range.hasNaN !== false && matches(expression, type, NaN)) return true
  if (!range.hasValue) return false
  if (range.bounds === null) return true
  const [lower, upper] = range.bounds
  if (isNegative(expression))
    return !isRuledOut(type, range.bounds, (value) => matches(expression, type, value))
  const within = [lower, upper, ...literals.flatMap((literal) => [literal, ...neighbours(literal)])].filter(
    (value) => judgeOrder(type, lower, value) <= 0 && judgeOrder(type, value, upper) <= 0,
  )
  return within.some((value) => matches(expression, type, value))
}

/** Whether some partition between a manifest's bounds may hold a matching row. */
export function summaryMayMatch(
  predicate: JudgedPredicate,
  field: JudgedField,
  result: PrimitiveType,
  range: JudgedRange,
): boolean {
  const mayMatch = (partition: Datum | null): boolean => partitionMayMatch(predicate, field, partition)
  if (range.hasNull && mayMatch(null)) return true
  if (range.hasNaN === true && mayMatch(NaN)) return true
  if (range.bounds === null) return false
  const [lower, upper] = range.bounds
  if (isNegative(predicate.expression)) return !isRuledOut(result, range.bounds, mayMatch)
  const homes = predicate.literals.flatMap((literal) =>
    [literal, ...neighbours(literal)].flatMap((value): readonly Datum[] => {
      const home = judgeTransform(field.transform, field.type, value)
      return home === null ? [] : typeof home === 'number' ? [home, home + 1] : [home]
    }),
  )
  const within = [lower, upper, ...homes].filter(
    (value) => judgeOrder(result, lower, value) <= 0 && judgeOrder(result, value, upper) <= 0,
  )
  return within.some(mayMatch)
}

/** `!=` and `not in` rule out what is one value only, and not where bounds may have been cut. */
function isRuledOut(
  type: PrimitiveType,
  [lower, upper]: readonly [Datum, Datum],
  mayMatch: (value: Datum) => boolean,
): boolean {
  const isCut = type.kind === 'string' || type.kind === 'binary' || type.kind === 'uuid'
  return !isCut && judgeOrder(type, lower, upper) === 0 && !mayMatch(lower)
}

function isNegative({ op }: Predicate): boolean {
  return op === 'not-eq' || op === 'not-in'
}

function matches(expression: Predicate, type: PrimitiveType, value: Datum | null): boolean {
  const row = { [expression.column]: value }
  return oracle(expression, row, { [expression.column]: type }) === true
}

/** A filter is judged part by part: nobody looks for a row that matches two parts at once. */
export function judgeFilter(filter: JudgedFilter, judge: (predicate: JudgedPredicate) => boolean): boolean {
  if (!('op' in filter)) return judge(filter)
  const [left, right] = [judgeFilter(filter.left, judge), judgeFilter(filter.right, judge)]
  return filter.op === 'and' ? left && right : left || right
}

export function expressionOf(filter: JudgedFilter): Expression {
  if (!('op' in filter)) return filter.expression
  return { op: filter.op, left: expressionOf(filter.left), right: expressionOf(filter.right) }
}
