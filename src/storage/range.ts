/** Byte ranges as every store reads them. */
import { InvalidArgumentError } from '../errors.ts'
import type { GetOptions } from './object-store.ts'

/** Start and end (exclusive) within an object of `size` bytes; empty when the range lies past its end. */
export function rangeOf(
  range: GetOptions['range'],
  size: number,
): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: size }
  const { start, end = size } = range
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || end < 0 || (start >= 0 && end < start)) {
    throw new InvalidArgumentError('A byte range needs whole numbers, the end not before the start')
  }
  const first = start < 0 ? Math.max(0, size + start) : Math.min(start, size)
  return { start: first, end: Math.max(first, Math.min(end, size)) }
}
