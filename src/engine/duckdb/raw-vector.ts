/** DuckDB's vectors as they lie in memory. Whatever is taken from one is gone with its chunk. */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'

/** Rows of a vector. */
export interface VectorRows {
  readonly vector: duckdb.Vector
  /** How many the vector holds. */
  readonly size: number
  /** Which of them are meant, in order; null for all. */
  readonly rows: Int32Array | null
  /** null where what is taken from the vector is left to the garbage collector. */
  readonly views: Views | null
}

/** All rows of a vector. */
export function wholeVector(vector: duckdb.Vector, size: number, views: Views | null = null): VectorRows {
  return { vector, size, rows: null, views }
}

/**
 * Hands a chunk's columns to `read`, which must be done with their memory when it returns. To the
 * garbage collector every view of it weighs as much as memory of its own: left to it, the views of a
 * large scan set it going every few chunks.
 */
export function readColumns<T>(
  { chunk }: DuckDBDataChunk,
  rowCount: number,
  read: (columnAt: (at: number) => VectorRows) => T,
): T {
  const views = new Views()
  try {
    return read((at) => wholeVector(duckdb.data_chunk_get_vector(chunk, at), rowCount, views))
  } finally {
    views.end()
  }
}

/** Views of native memory that end together. */
class Views {
  readonly #buffers: ArrayBuffer[] = []

  add({ buffer, byteLength }: Uint8Array): void {
    // Native memory is handed out as buffers of its own, never as a part of another's.
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) this.#buffers.push(buffer)
  }

  /** From here on whoever still has one sees nothing in it. */
  end(): void {
    for (const buffer of this.#buffers) buffer.transfer(0)
  }
}

function seen(from: VectorRows, view: Uint8Array): Uint8Array {
  from.views?.add(view)
  return view
}

/** How many rows are meant. */
export function countOf(from: VectorRows): number {
  return from.rows === null ? from.size : from.rows.length
}

/** A bit per row of the vector, least significant first, 1 for a value; null when no row is null. */
export function validityOf(from: VectorRows): Uint8Array | null {
  if (from.size === 0) return null
  const validity: Uint8Array | null = duckdb.vector_get_validity(from.vector, Math.ceil(from.size / 64) * 8)
  if (validity === null || validity === undefined) return null
  seen(from, validity)
  return allSet(validity, from.size) ? null : validity
}

function allSet(bits: Uint8Array, count: number): boolean {
  const whole = count >> 3
  for (let i = 0; i < whole; i++) if (bits[i] !== 255) return false
  const rest = (1 << (count & 7)) - 1
  return ((bits[whole] ?? 0) & rest) === rest
}

export function isValid(validity: Uint8Array, row: number): boolean {
  return (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 1
}

/** The bytes of a vector of values of equal width. */
export function bytesOf(from: VectorRows, width: number): Uint8Array {
  return from.size === 0 ? EMPTY : seen(from, duckdb.vector_get_data(from.vector, from.size * width))
}

/** The memory that an address within a vector's own memory points to. */
export function memoryAt(from: VectorRows, address: Uint8Array, size: number): Uint8Array {
  // The vector lies in native memory, never in a SharedArrayBuffer.
  const buffer = address.buffer as ArrayBuffer
  return seen(from, duckdb.get_data_from_pointer(buffer, address.byteOffset, size))
}

const EMPTY = new Uint8Array(0)

export function int32sOf(from: VectorRows): Int32Array {
  const bytes = bytesOf(from, 4)
  return new Int32Array(bytes.buffer, bytes.byteOffset, from.size)
}

export function bigint64sOf(from: VectorRows): BigInt64Array {
  const bytes = bytesOf(from, 8)
  return new BigInt64Array(bytes.buffer, bytes.byteOffset, from.size)
}

/** Lists (or maps) of a vector: where each begins and how long it is, and all their elements. */
export interface RawLists {
  /** Elements per list; 0 for nulls. */
  readonly lengths: Int32Array
  /** The elements of all lists, one list after the other. */
  readonly elements: VectorRows
}

export function listsOf(from: VectorRows, validity: Uint8Array | null): RawLists {
  const count = countOf(from)
  const child = duckdb.list_vector_get_child(from.vector)
  const childSize = count === 0 ? 0 : duckdb.list_vector_get_size(from.vector)
  const entries = bytesOf(from, 16)
  const words = new Uint32Array(entries.buffer, entries.byteOffset, from.size * 4)
  const lengths = new Int32Array(count)
  let total = 0
  let inOrder = true
  for (let i = 0; i < count; i++) {
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    if (validity !== null && !isValid(validity, row)) continue
    const length = words[row * 4 + 2] ?? 0
    if (length > 0 && words[row * 4] !== total) inOrder = false
    lengths[i] = length
    total += length
  }
  if (inOrder && total === childSize) return { lengths, elements: wholeVector(child, childSize, from.views) }
  return {
    lengths,
    elements: { ...from, vector: child, size: childSize, rows: gather(from, words, lengths, total) },
  }
}

/** After a filter lists point here and there into their elements, with gaps. */
function gather(from: VectorRows, words: Uint32Array, lengths: Int32Array, total: number): Int32Array {
  const rows = new Int32Array(total)
  let at = 0
  for (let i = 0; i < lengths.length; i++) {
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    const start = words[row * 4] ?? 0
    for (let k = 0; k < (lengths[i] ?? 0); k++) rows[at++] = start + k
  }
  return rows
}

/** A member of a vector of structs, or of a map's entries. */
export function memberOf(from: VectorRows, index: number): VectorRows {
  return { ...from, vector: duckdb.struct_vector_get_child(from.vector, index) }
}
