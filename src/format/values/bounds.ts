/** Lower and upper bounds of columns: reading those of any writer, and computing our own. */
import { CorruptFileError } from '../../errors.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { decodeBinary } from './binary.ts'
import { compareDatum } from './literal.ts'

/**
 * A stored bound, or null when it tells nothing: it is not there, is no value of the type, or is
 * NaN, which some writers let into bounds. An unknown bound proves nothing; the file is kept.
 */
export function decodeBound(type: PrimitiveType, bytes: Uint8Array | null | undefined): Datum | null {
  if (bytes === null || bytes === undefined || !hasBounds(type)) return null
  try {
    const datum = decodeBinary(type, bytes)
    return Number.isNaN(datum) ? null : datum
  } catch (error) {
    // A damaged statistic must not make the rows unreadable: without it the file is simply read.
    if (error instanceof CorruptFileError) return null
    throw error
  }
}

/** Whether values of the type have an order that bounds can use. */
export function hasBounds(type: PrimitiveType): boolean {
  return type.kind !== 'unknown' && type.kind !== 'geometry' && type.kind !== 'geography'
}

export interface ValueRange {
  /** null when there is no value that is neither null nor NaN. */
  readonly lower: Datum | null
  readonly upper: Datum | null
  readonly nullCount: number
  readonly nanCount: number
}

/**
 * What a column's metrics say of some values: bounds without NaN, -0.0 below 0.0; NaN and null
 * counted apart.
 */
export function rangeOf(type: PrimitiveType, values: Iterable<Datum | null>): ValueRange {
  let lower: Datum | null = null
  let upper: Datum | null = null
  let nullCount = 0
  let nanCount = 0
  for (const value of values) {
    if (value === null) nullCount += 1
    else if (Number.isNaN(value)) nanCount += 1
    else {
      if (lower === null || compareDatum(type, value, lower) < 0) lower = value
      if (upper === null || compareDatum(type, value, upper) > 0) upper = value
    }
  }
  return { lower, upper, nullCount, nanCount }
}
