/** Some rows of a block as a block of their own. */
import { hasValue, type BytesColumn, type Block, type ColumnData, type Validity } from './column-data.ts'

/** The rows with these numbers, in this order. */
export function takeRows(block: Block, rows: readonly number[]): Block {
  const start = block.start ?? 0
  const indices = start === 0 ? rows : rows.map((row) => start + row)
  return { rows: rows.length, columns: block.columns.map((column) => taken(column, indices)) }
}

function taken(column: ColumnData, indices: readonly number[]): ColumnData {
  const validity = takenValidity(column, indices)
  switch (column.kind) {
    case 'fixed': {
      const { width } = column
      const bytes = new Uint8Array(indices.length * width)
      for (const [to, from] of indices.entries()) {
        bytes.set(column.bytes.subarray(from * width, (from + 1) * width), to * width)
      }
      return { kind: 'fixed', width, bytes, validity }
    }
    case 'bytes':
      return { kind: 'bytes', ...takenBytes(column, indices), validity }
    case 'list': {
      const offsets = takenOffsets(column.offsets, indices)
      const elements = indices.flatMap((index) => rangeOf(column.offsets, index))
      return { kind: 'list', offsets, child: taken(column.child, elements), validity }
    }
    case 'struct':
      return { kind: 'struct', children: column.children.map((child) => taken(child, indices)), validity }
  }
}

function takenValidity(column: ColumnData, indices: readonly number[]): Validity | null {
  if (column.validity === null) return null
  const bits = new Uint8Array((indices.length + 7) >> 3)
  for (const [to, from] of indices.entries()) {
    if (hasValue(column, from)) bits[to >> 3] = (bits[to >> 3] ?? 0) | (1 << (to & 7))
  }
  return { bits, offset: 0 }
}

function takenBytes(
  column: BytesColumn,
  indices: readonly number[],
): { readonly offsets: Int32Array; readonly bytes: Uint8Array } {
  const offsets = takenOffsets(column.offsets, indices)
  const bytes = new Uint8Array(offsets[indices.length] ?? 0)
  for (const [to, from] of indices.entries()) {
    bytes.set(column.bytes.subarray(column.offsets[from], column.offsets[from + 1]), offsets[to])
  }
  return { offsets, bytes }
}

function takenOffsets(from: Int32Array, indices: readonly number[]): Int32Array {
  const offsets = new Int32Array(indices.length + 1)
  let end = 0
  for (const [to, index] of indices.entries()) {
    end += (from[index + 1] ?? 0) - (from[index] ?? 0)
    offsets[to + 1] = end
  }
  return offsets
}

function rangeOf(offsets: Int32Array, index: number): readonly number[] {
  const first = offsets[index] ?? 0
  return Array.from({ length: (offsets[index + 1] ?? 0) - first }, (_, at) => first + at)
}
