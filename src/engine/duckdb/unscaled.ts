/** Decimals as DuckDB holds them: the unscaled value, as wide as the precision needs. */
import { bigint64sOf, bytesOf, countOf, int32sOf, type VectorRows } from './raw-vector.ts'

/** Reads unscaled values, row by row of the vector. */
export function unscaledReader(from: VectorRows, precision: number): (row: number) => bigint {
  if (precision <= 9) {
    const small = smallUnscaled(from, precision)
    return (row) => BigInt(small[row] ?? 0)
  }
  if (precision <= 18) {
    const values = bigint64sOf(from)
    return (row) => values[row] ?? 0n
  }
  const bytes = bytesOf(from, 16)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (row) => (view.getBigInt64(row * 16 + 8, true) << 64n) | view.getBigUint64(row * 16, true)
}

/** Writes the rows meant as 16 little-endian bytes each, which is Arrow's decimal128. */
export function writeUnscaled(from: VectorRows, precision: number, target: Uint8Array): void {
  const words = new Int32Array(target.buffer, target.byteOffset, target.length / 4)
  const source = wordReader(from, precision)
  for (let i = 0; i < countOf(from); i++) source(from.rows === null ? i : (from.rows[i] ?? 0), words, i * 4)
}

type WriteWords = (row: number, target: Int32Array, at: number) => void

function wordReader(from: VectorRows, precision: number): WriteWords {
  if (precision <= 9) {
    const small = smallUnscaled(from, precision)
    return (row, target, at) => {
      const value = small[row] ?? 0
      target[at] = value
      target.fill(value >> 31, at + 1, at + 4)
    }
  }
  const width = precision <= 18 ? 2 : 4
  const bytes = bytesOf(from, width * 4)
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, from.size * width)
  return (row, target, at) => {
    for (let k = 0; k < width; k++) target[at + k] = words[row * width + k] ?? 0
    // The sign fills what the value does not.
    if (width === 2) target.fill((words[row * 2 + 1] ?? 0) >> 31, at + 2, at + 4)
  }
}

function smallUnscaled(from: VectorRows, precision: number): Int16Array | Int32Array {
  if (precision > 4) return int32sOf(from)
  const bytes = bytesOf(from, 2)
  return new Int16Array(bytes.buffer, bytes.byteOffset, from.size)
}
