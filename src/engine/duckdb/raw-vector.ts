/** DuckDB's vectors as they lie in memory. Whatever is taken from one is gone with its chunk. */
import duckdb from '@duckdb/node-bindings'
import { EngineError } from '../../errors.ts'

/** Rows of a vector. */
export interface VectorRows {
  readonly vector: duckdb.Vector
  /** How many the vector holds. */
  readonly size: number
  /** Which of them are meant, in order; null for all. */
  readonly rows: Int32Array | null
}

/** All rows of a vector. */
export function wholeVector(vector: duckdb.Vector, size: number): VectorRows {
  return { vector, size, rows: null }
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
  return from.size === 0 ? EMPTY : duckdb.vector_get_data(from.vector, from.size * width)
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

/** Texts or byte strings of one chunk, one after the other. */
export interface PackedBytes<Target extends Uint8Array> {
  readonly bytes: Target
  /** Where each begins, and where the last ends. Nulls are empty. */
  readonly offsets: Int32Array
}

/** Up to this length DuckDB keeps a string's bytes in its 16-byte entry; longer ones lie elsewhere. */
const INLINE_BYTES = 12
const ENTRY_BYTES = 16

/** Strings close together are fetched at once, with the gap: a call costs more than a few bytes. */
const GAP_BYTES = 256

/** Up to this length copying byte by byte costs less than a view of the bytes. */
const SHORT_BYTES = 48

/** Gathers the texts or byte strings of a vector. */
export function packBytes(from: VectorRows, validity: Uint8Array | null): PackedBytes<Buffer> {
  return packBytesInto(from, validity, (bytes) => Buffer.allocUnsafe(bytes))
}

/** Gathers the texts or byte strings of a vector in memory that is asked for when their size is known. */
export function packBytesInto<Target extends Uint8Array>(
  from: VectorRows,
  validity: Uint8Array | null,
  allocate: (bytes: number) => Target,
): PackedBytes<Target> {
  const count = countOf(from)
  const entries = bytesOf(from, ENTRY_BYTES)
  const words = new Uint32Array(entries.buffer, entries.byteOffset, from.size * 4)
  const offsets = new Int32Array(count + 1)
  let end = 0
  for (let i = 0; i < count; i++) {
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    if (validity === null || isValid(validity, row)) end += words[row * 4] ?? 0
    offsets[i + 1] = end
  }
  if (end > MAX_PACKED) throw new EngineError('the texts of one batch are too large to be handed out')
  const bytes = allocate(end)
  if (end > 0) copyAll(from, entries, words, offsets, bytes)
  return { bytes, offsets }
}

/** Offsets of 32 bits reach so far. */
const MAX_PACKED = 2 ** 31 - 1

function copyAll(
  from: VectorRows,
  entries: Uint8Array,
  words: Uint32Array,
  offsets: Int32Array,
  target: Uint8Array,
): void {
  const count = offsets.length - 1
  const rowAt = (i: number): number => (from.rows === null ? i : (from.rows[i] ?? 0))
  for (let i = 0; i < count;) {
    const at = offsets[i] ?? 0
    const length = (offsets[i + 1] ?? 0) - at
    if (length === 0) i += 1
    else if (length <= INLINE_BYTES) {
      const inline = rowAt(i) * ENTRY_BYTES + 4
      for (let k = 0; k < length; k++) target[at + k] = entries[inline + k] ?? 0
      i += 1
    } else i = copyRun(i, rowAt, entries, words, offsets, target)
  }
}

/** Copies long strings from `first` on while they lie close together; answers where to go on. */
function copyRun(
  first: number,
  rowAt: (i: number) => number,
  entries: Uint8Array,
  words: Uint32Array,
  offsets: Int32Array,
  target: Uint8Array,
): number {
  const count = offsets.length - 1
  const lengthAt = (i: number): number => (offsets[i + 1] ?? 0) - (offsets[i] ?? 0)
  const start = words[rowAt(first) * 4 + 2] ?? 0
  const high = words[rowAt(first) * 4 + 3] ?? 0
  let end = start + lengthAt(first)
  let next = first + 1
  for (; next < count; next++) {
    const length = lengthAt(next)
    if (length <= INLINE_BYTES) continue
    const row = rowAt(next)
    const pointer = words[row * 4 + 2] ?? 0
    if (words[row * 4 + 3] !== high || pointer < end || pointer - end > GAP_BYTES) break
    end = pointer + length
  }
  const memory = duckdb.get_data_from_pointer(
    // The entries lie in native memory, never in a SharedArrayBuffer.
    entries.buffer as ArrayBuffer,
    entries.byteOffset + rowAt(first) * ENTRY_BYTES + 8,
    end - start,
  )
  for (let i = first; i < next; i++) {
    const length = lengthAt(i)
    const at = offsets[i] ?? 0
    const row = rowAt(i)
    if (length > INLINE_BYTES) {
      const offset = (words[row * 4 + 2] ?? 0) - start
      if (length > SHORT_BYTES) target.set(memory.subarray(offset, offset + length), at)
      else for (let k = 0; k < length; k++) target[at + k] = memory[offset + k] ?? 0
    } else {
      for (let k = 0; k < length; k++) target[at + k] = entries[row * ENTRY_BYTES + 4 + k] ?? 0
    }
  }
  return next
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
  if (inOrder && total === childSize) return { lengths, elements: wholeVector(child, childSize) }
  return { lengths, elements: { vector: child, size: childSize, rows: gather(from, words, lengths, total) } }
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
