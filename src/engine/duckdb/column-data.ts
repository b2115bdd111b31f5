/**
 * Columns in plain buffers: what rows are transposed into and Arrow batches are seen as, on their
 * way into DuckDB's vectors. Element 0 of a column is at the beginning of its buffers.
 */

/** One bit per element, least significant first, 1 for a value. Element 0 is at bit `offset`. */
export interface Validity {
  readonly bits: Uint8Array
  readonly offset: number
}

export type ColumnData = FixedColumn | BytesColumn | ListColumn | StructColumn

/** Values of equal width, laid out as DuckDB lays them out. */
export interface FixedColumn {
  readonly kind: 'fixed'
  /** Bytes per value. */
  readonly width: number
  readonly bytes: Uint8Array
  /** null when every element has a value. */
  readonly validity: Validity | null
}

/** Texts or byte strings: element i is bytes [offsets[i], offsets[i + 1]). */
export interface BytesColumn {
  readonly kind: 'bytes'
  readonly offsets: Int32Array
  readonly bytes: Uint8Array
  readonly validity: Validity | null
}

/** Lists, and maps as lists of structs of key and value. */
export interface ListColumn {
  readonly kind: 'list'
  readonly offsets: Int32Array
  readonly child: ColumnData
  readonly validity: Validity | null
}

export interface StructColumn {
  readonly kind: 'struct'
  readonly children: readonly ColumnData[]
  readonly validity: Validity | null
}

/** Some rows, in columns. */
export interface Block {
  readonly rows: number
  /** Element of the columns that is the first row; 0 when absent. */
  readonly start?: number
  readonly columns: readonly ColumnData[]
}

/** Whether an element has a value. */
export function hasValue(column: ColumnData, index: number): boolean {
  const { validity } = column
  if (validity === null) return true
  const bit = validity.offset + index
  return (((validity.bits[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1
}

/** Bytes that the elements [start, start + count) of a column hold, roughly. */
export function sizeOf(column: ColumnData, start: number, count: number): number {
  switch (column.kind) {
    case 'fixed':
      return column.width * count
    case 'bytes':
      return 16 * count + (column.offsets[start + count] ?? 0) - (column.offsets[start] ?? 0)
    case 'list': {
      const first = column.offsets[start] ?? 0
      return 16 * count + sizeOf(column.child, first, (column.offsets[start + count] ?? 0) - first)
    }
    case 'struct':
      return column.children.reduce((sum, child) => sum + sizeOf(child, start, count), 0)
  }
}

/** Some of a block's rows, nothing copied. */
export function sliceBlock(block: Block, from: number, rows: number): Block {
  return { rows, start: (block.start ?? 0) + from, columns: block.columns }
}

/** Bytes that some of a block's rows hold, roughly. */
export function sizeOfRows(block: Block, from: number, rows: number): number {
  const start = (block.start ?? 0) + from
  return block.columns.reduce((sum, column) => sum + sizeOf(column, start, rows), 0)
}
