/** Dates and times that the engine cannot compute with: infinite to it, or before its first. */
import { InvalidDataError } from '../../errors.ts'
import type { PrimitiveType } from '../../format/types.ts'
import { INT_MAX, LONG_MAX } from '../../format/values/datum-checks.ts'
import { datumSql } from './sql.ts'
import type { FileReport, Leaf } from './write-stats.ts'

/** What is said of such a value. */
export const FAR_TIME = {
  message: 'a time is too far from now to be computed with',
  hint: 'Give null where no time is meant.',
} as const

/** The error for a column that has one. */
export function farTime(
  column: string,
  where: { readonly source?: string; readonly row?: number },
): InvalidDataError {
  return new InvalidDataError(`column ${column}: ${FAR_TIME.message}`, {
    column,
    ...where,
    hint: FAR_TIME.hint,
  })
}

/**
 * The first times that DuckDB can write: the midnights after what 64 bits hold. The greatest number is
 * no time to it but infinity, which is in no year; so are the greatest day and its opposite.
 */
const FIRST_MICROS = -9_223_372_022_400_000_000n
const FIRST_NANOS = -9_223_286_400_000_000_000n

function firstOf(kind: PrimitiveType['kind']): bigint | null {
  switch (kind) {
    case 'timestamp':
    case 'timestamptz':
      return FIRST_MICROS
    case 'timestamp_ns':
      return FIRST_NANOS
    default:
      return null
  }
}

/** A check of the type's values; null for types that are no times. InvalidDataError for one too far. */
export function farTimeCheck({ kind }: PrimitiveType): ((time: bigint) => bigint) | null {
  const first = firstOf(kind)
  if (first === null) return null
  return (time) => {
    if (time >= first && time < LONG_MAX) return time
    throw new InvalidDataError(FAR_TIME.message, { hint: FAR_TIME.hint })
  }
}

/** InvalidDataError for a date that is infinite to DuckDB. */
export function finiteDate(days: number): number {
  if (Math.abs(days) !== INT_MAX) return days
  throw new InvalidDataError(FAR_TIME.message, { hint: FAR_TIME.hint })
}

/** SQL of whether a value of the type is too far; null for types that are no times. */
export function farTimeSql(type: PrimitiveType, sql: string): string | null {
  if (type.kind === 'date') return `coalesce(TRY(NOT isfinite(${sql})), false)`
  const first = firstOf(type.kind)
  if (first === null) return null
  return `coalesce(TRY(NOT isfinite(${sql}) OR (${sql}) < ${datumSql(type, first)}), false)`
}

const INFINITE: ReadonlySet<string | undefined> = new Set(['infinity', '-infinity'])

/** DuckDB has the bounds of what it wrote, so that no row is looked at twice. */
export function hasFarTime({ columns }: FileReport, { type, key }: Leaf): boolean {
  if (type.kind !== 'date' && firstOf(type.kind) === null) return false
  const stats = columns.get(key)
  return INFINITE.has(stats?.get('min')) || INFINITE.has(stats?.get('max'))
}
