/** Rows chosen by position, as a bitmap that is bound to a query: never as text of it. */
import { DuckDBBitValue } from '@duckdb/node-api'
import type { PositionSet } from '../../format/position-set.ts'

/** Rows of one file: all but these, or these alone. */
export interface RowChoice {
  readonly take: 'except' | 'only'
  readonly positions: PositionSet
}

/** How many of a file's rows a choice leaves. */
export function chosenRows(rowCount: number, choice: RowChoice | undefined): number {
  if (choice === undefined) return rowCount
  const { take, positions } = choice
  return take === 'only' ? positions.size : rowCount - positions.size
}

/** Choices of several files in one bitmap. */
export interface JoinedBits {
  readonly value: DuckDBBitValue
  /** By file: the number of its first row's bit. */
  readonly offsets: readonly number[]
}

/** A bit per row, file after file, each from a byte of its own on. */
export function joinedBits(
  files: readonly { readonly rowCount: number; readonly positions: PositionSet }[],
): JoinedBits {
  const offsets: number[] = []
  let bytes = 0
  for (const { rowCount } of files) {
    offsets.push(bytes * 8)
    bytes += Math.ceil(rowCount / 8)
  }
  // As DuckDB has a BIT: a byte that says how many bits pad it, then bits from the highest down.
  const bits = new Uint8Array(1 + bytes)
  for (const [at, { rowCount, positions }] of files.entries()) {
    bits.set(reversed(positions.toBytes(rowCount)), 1 + (offsets[at] ?? 0) / 8)
  }
  return { value: new DuckDBBitValue(bits), offsets }
}

/** Each byte with its bits in reverse, in place: DuckDB counts a byte's bits from the highest down. */
export function reversed(bytes: Uint8Array): Uint8Array {
  for (let at = 0; at < bytes.length; at++) bytes[at] = REVERSED[bytes[at] ?? 0] ?? 0
  return bytes
}

const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let reversed = 0
  for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) reversed |= 128 >> bit
  return reversed
})
