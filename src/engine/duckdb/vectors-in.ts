/**
 * Filling DuckDB's vectors from column buffers, in bulk.
 *
 * Texts longer than twelve bytes cost one native call each by the documented way. Here all texts of
 * a vector are handed over in one call, as the text of its first element; the address that DuckDB
 * gave it then serves to write all entries at once. This rests on the layout of DuckDB's strings
 * (length, prefix, address), which is why its version is pinned.
 */
import duckdb from '@duckdb/node-bindings'
import type { BytesColumn, ColumnData, ListColumn, Validity } from './column-data.ts'
import { VECTOR_SIZE } from './js-source.ts'

const ENTRY_BYTES = 16
const INLINE_BYTES = 12

/** Writes elements [start, start + count) of a column to the beginning of a vector. */
export function fillVector(vector: duckdb.Vector, column: ColumnData, start: number, count: number): void {
  if (count === 0) return
  switch (column.kind) {
    case 'fixed':
      copyIn(vector, column.bytes, start * column.width, count * column.width)
      break
    case 'bytes':
      fillStrings(vector, column, start, count)
      break
    case 'list':
      fillLists(vector, column, start, count)
      break
    case 'struct':
      for (const [at, child] of column.children.entries()) {
        fillVector(duckdb.struct_vector_get_child(vector, at), child, start, count)
      }
      break
  }
  if (column.validity !== null) fillValidity(vector, column.validity, start, count)
}

function copyIn(vector: duckdb.Vector, bytes: Uint8Array, from: number, length: number): void {
  duckdb.copy_data_to_vector(vector, 0, plainBuffer(bytes), bytes.byteOffset + from, length)
}

/** Shared memory is not accepted by the binding; none of our own buffers is shared. */
function plainBuffer(bytes: Uint8Array): ArrayBuffer {
  if (bytes.buffer instanceof ArrayBuffer) return bytes.buffer
  const whole = new Uint8Array(bytes.buffer)
  return whole.slice().buffer
}

function fillValidity(vector: duckdb.Vector, validity: Validity, start: number, count: number): void {
  const words = Math.ceil(count / 64) * 8
  const bits = new Uint8Array(words)
  const first = validity.offset + start
  const shift = first & 7
  const source = validity.bits
  const bytes = (count + 7) >> 3
  if (shift === 0) {
    bits.set(source.subarray(first >> 3, (first >> 3) + bytes))
  } else {
    for (let i = 0, at = first >> 3; i < bytes; i++, at++) {
      bits[i] = ((source[at] ?? 0) >> shift) | ((source[at + 1] ?? 0) << (8 - shift))
    }
  }
  duckdb.vector_ensure_validity_writable(vector)
  duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, words)
}

/** Entries of a vector's texts, and the same memory by bytes. */
interface Entries {
  readonly words: Uint32Array<ArrayBuffer>
  readonly inline: Uint8Array
}

/** Of one vector, used again for the next: a new buffer each time is work for the garbage collector. */
const spare = newEntries(VECTOR_SIZE)

function newEntries(count: number): Entries {
  const words = new Uint32Array(count * 4)
  return { words, inline: new Uint8Array(words.buffer) }
}

/** All zero: DuckDB compares short texts with the bytes behind them. Valid until the next call. */
function entriesFor(count: number): Entries {
  // Lists' elements are more than a vector holds otherwise.
  if (count > VECTOR_SIZE) return newEntries(count)
  spare.words.fill(0, 0, count * 4)
  return spare
}

function fillStrings(vector: duckdb.Vector, column: BytesColumn, start: number, count: number): void {
  const { offsets, bytes } = column
  const begin = offsets[start] ?? 0
  const end = offsets[start + count] ?? begin
  const { words, inline } = entriesFor(count)
  let low = 0
  let high = 0
  if (end - begin > INLINE_BYTES) {
    duckdb.vector_assign_string_element_len(vector, 0, bytes.subarray(begin, end))
    const first = duckdb.vector_get_data(vector, ENTRY_BYTES)
    const view = new DataView(first.buffer, first.byteOffset, ENTRY_BYTES)
    low = view.getUint32(8, true)
    high = view.getUint32(12, true)
  }
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let from = begin
  for (let i = 0; i < count; i++) {
    const next = offsets[start + i + 1] ?? 0
    const length = next - from
    const word = i * 4
    words[word] = length
    if (length > INLINE_BYTES) {
      const address = low + (from - begin)
      words[word + 1] = source.getUint32(from, true)
      words[word + 2] = address
      words[word + 3] = address > 0xffffffff ? high + 1 : high
    } else {
      const at = word * 4 + 4
      for (let k = 0; k < length; k++) inline[at + k] = bytes[from + k] ?? 0
    }
    from = next
  }
  duckdb.copy_data_to_vector(vector, 0, words.buffer, 0, count * ENTRY_BYTES)
}

function fillLists(vector: duckdb.Vector, column: ListColumn, start: number, count: number): void {
  const { offsets } = column
  const begin = offsets[start] ?? 0
  const total = (offsets[start + count] ?? begin) - begin
  // Entries are {offset, length}, 64 bits each; both fit in the low halves.
  const entries = new Uint32Array(count * 4)
  for (let i = 0; i < count; i++) {
    const from = offsets[start + i] ?? 0
    entries[i * 4] = from - begin
    entries[i * 4 + 2] = (offsets[start + i + 1] ?? 0) - from
  }
  duckdb.list_vector_reserve(vector, total)
  duckdb.list_vector_set_size(vector, total)
  duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, entries.byteLength)
  fillVector(duckdb.list_vector_get_child(vector), column.child, begin, total)
}
