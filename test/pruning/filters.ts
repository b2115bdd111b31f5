/** Filters of every kind on a column, with literals from among its values. */
import fc from 'fast-check'
import type { Datum, PrimitiveType } from '../../src/format/types.ts'
import { literalOf } from './columns.ts'
import type { JudgedFilter, JudgedPredicate } from './judge-filters.ts'

const COMPARISONS = ['lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq'] as const

/** Every kind of predicate, each with a few literals. */
export function predicatesOf(
  column: string,
  type: PrimitiveType,
  values: readonly (Datum | null)[],
): readonly JudgedPredicate[] {
  const literals = values.filter((value): value is Datum => value !== null && !Number.isNaN(value))
  const isFloat = type.kind === 'float' || type.kind === 'double'
  const unary = ['is-null', 'not-null', ...(isFloat ? (['is-nan', 'not-nan'] as const) : [])] as const
  const ops =
    type.kind === 'string' ? ([...COMPARISONS, 'starts-with', 'not-starts-with'] as const) : COMPARISONS
  // That everything starts with nothing is known when the filter is bound, and no predicate is left.
  const isKept = (op: string, literal: Datum): boolean => literal !== '' || !op.endsWith('starts-with')
  const pick = (n: number): readonly Datum[] =>
    fc.sample(fc.constantFrom(...literals), { numRuns: n, seed: n })
  return [
    ...unary.map((op): JudgedPredicate => ({ expression: { op, column }, literals: [] })),
    ...ops.flatMap((op, i) =>
      pick(3 + i)
        .slice(-3)
        .filter((literal) => isKept(op, literal))
        .map((literal): JudgedPredicate => ({
          expression: { op, column, value: literalOf(type, literal) },
          literals: [literal],
        })),
    ),
    ...(['in', 'not-in'] as const).flatMap((op, i) =>
      [pick(20 + i).slice(-2), pick(30 + i).slice(-10)].map((list): JudgedPredicate => ({
        expression: { op, column, values: list.map((literal) => literalOf(type, literal)) },
        literals: list,
      })),
    ),
  ]
}

/** Some predicates joined two by two. */
export function joinedOf(predicates: readonly JudgedPredicate[], count: number): readonly JudgedFilter[] {
  const joined = fc.record({
    op: fc.constantFrom('and' as const, 'or' as const),
    left: fc.constantFrom(...predicates),
    right: fc.constantFrom(...predicates),
  })
  return fc.sample(joined, { numRuns: count, seed: 5 })
}
