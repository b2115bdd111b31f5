/** The texts or byte strings of a vector, gathered in one piece of memory. */
import { EngineError } from '../../errors.ts'
import { bytesOf, countOf, isValid, memoryAt, type VectorRows } from './raw-vector.ts'

/** Texts or byte strings of one chunk, one after the other. */
export interface PackedBytes {
  readonly bytes: Buffer
  /** Where each begins, and where the last ends. Nulls are empty. */
  readonly offsets: Int32Array
}

/** Gathers the texts or byte strings of a vector. */
export function packBytes(from: VectorRows, validity: Uint8Array | null): PackedBytes {
  const offsets = new Int32Array(countOf(from) + 1)
  let bytes = EMPTY
  packBytesInto(from, validity, offsets, (size) => (bytes = Buffer.allocUnsafe(size)))
  return { bytes, offsets }
}

const EMPTY = Buffer.alloc(0)

/**
 * Gathers the texts or byte strings of a vector in memory that is asked for when their size is known.
 * The first offset is given, the others are filled in: one more than there are rows.
 */
export function packBytesInto(
  from: VectorRows,
  validity: Uint8Array | null,
  offsets: Int32Array,
  allocate: (bytes: number) => Uint8Array,
): void {
  const strings = entriesOf(from)
  const size = fillOffsets(strings, validity, offsets)
  const target = allocate(size)
  if (size > 0) copyStrings(strings, offsets, target)
}

/** The engine's entry for each string: its length, then its bytes, or the first four and an address. */
interface StringEntries {
  readonly from: VectorRows
  readonly bytes: Uint8Array
  /** The same memory. */
  readonly words: Uint32Array
  /** As `VectorRows` has them. */
  readonly rows: Int32Array | null
}

const ENTRY_BYTES = 16
const ENTRY_WORDS = 4

/** Words of an entry. */
const LENGTH = 0
const ADDRESS_LOW = 2
const ADDRESS_HIGH = 3

/** Where in an entry the bytes of a string stand that is no longer than `INLINE_BYTES`. */
const INLINE_AT = 4
const INLINE_BYTES = 12

/** Strings close together are fetched at once, with the gap: a call costs more than a few bytes. */
const GAP_BYTES = 256

/** Up to this length copying byte by byte costs less than a view of the bytes. */
const SHORT_BYTES = 48

/** Offsets of 32 bits reach so far. */
const MAX_PACKED = 2 ** 31 - 1

function entriesOf(from: VectorRows): StringEntries {
  const bytes = bytesOf(from, ENTRY_BYTES)
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, from.size * ENTRY_WORDS)
  return { from, bytes, words, rows: from.rows }
}

/** Answers how many bytes the strings have together. */
function fillOffsets(
  { words, rows }: StringEntries,
  validity: Uint8Array | null,
  offsets: Int32Array,
): number {
  const start = offsets[0] ?? 0
  let end = start
  for (let i = 1; i < offsets.length; i++) {
    const row = rows === null ? i - 1 : (rows[i - 1] ?? 0)
    if (validity === null || isValid(validity, row)) end += words[row * ENTRY_WORDS + LENGTH] ?? 0
    offsets[i] = end
  }
  if (end > MAX_PACKED) throw new EngineError('the texts of one batch are too large to be handed out')
  return end - start
}

/** Bytes of the strings that do not lie in the vector itself. */
export function longBytes(from: VectorRows, validity: Uint8Array | null): number {
  const { words, rows } = entriesOf(from)
  const count = countOf(from)
  let sum = 0
  for (let i = 0; i < count; i++) {
    const row = rows === null ? i : (rows[i] ?? 0)
    const length = words[row * ENTRY_WORDS + LENGTH] ?? 0
    if (length > INLINE_BYTES && (validity === null || isValid(validity, row))) sum += length
  }
  return sum
}

function copyStrings(strings: StringEntries, offsets: Int32Array, target: Uint8Array): void {
  const count = offsets.length - 1
  const start = offsets[0] ?? 0
  for (let i = 0; i < count;) {
    const at = (offsets[i] ?? 0) - start
    const length = (offsets[i + 1] ?? 0) - start - at
    if (length > INLINE_BYTES) i = copyRun(strings, i, offsets, target)
    else {
      copyInline(strings, i, length, target, at)
      i += 1
    }
  }
}

function copyInline(
  { bytes, rows }: StringEntries,
  i: number,
  length: number,
  target: Uint8Array,
  at: number,
): void {
  const row = rows === null ? i : (rows[i] ?? 0)
  const inline = row * ENTRY_BYTES + INLINE_AT
  for (let k = 0; k < length; k++) target[at + k] = bytes[inline + k] ?? 0
}

/**
 * Copies strings from the long one at `first` on while the long ones among them lie close together;
 * answers where to go on.
 */
function copyRun(strings: StringEntries, first: number, offsets: Int32Array, target: Uint8Array): number {
  const { words, rows } = strings
  const count = offsets.length - 1
  const firstRow = rows === null ? first : (rows[first] ?? 0)
  const start = words[firstRow * ENTRY_WORDS + ADDRESS_LOW] ?? 0
  const high = words[firstRow * ENTRY_WORDS + ADDRESS_HIGH] ?? 0
  let end = start
  let isOnePiece = true
  let next = first
  for (; next < count; next++) {
    const length = (offsets[next + 1] ?? 0) - (offsets[next] ?? 0)
    if (length <= INLINE_BYTES) {
      isOnePiece &&= length === 0
      continue
    }
    const entry = (rows === null ? next : (rows[next] ?? 0)) * ENTRY_WORDS
    const address = words[entry + ADDRESS_LOW] ?? 0
    if (address !== end || words[entry + ADDRESS_HIGH] !== high) {
      if (words[entry + ADDRESS_HIGH] !== high || address < end || address - end > GAP_BYTES) break
      isOnePiece = false
    }
    end = address + length
  }
  const address = strings.bytes.subarray(firstRow * ENTRY_BYTES + ADDRESS_LOW * 4)
  const memory = memoryAt(strings.from, address, end - start)
  if (isOnePiece) target.set(memory, (offsets[first] ?? 0) - (offsets[0] ?? 0))
  else copyPieces(strings, { first, next, start, memory }, offsets, target)
  return next
}

/** Strings of which the long ones lie in one piece of memory, with gaps or short ones in between. */
interface Run {
  readonly first: number
  readonly next: number
  /** The address at which the memory begins, its lower half. */
  readonly start: number
  readonly memory: Uint8Array
}

/** Long strings without anything between them are copied together. */
function copyPieces(strings: StringEntries, run: Run, offsets: Int32Array, target: Uint8Array): void {
  const { words, rows } = strings
  const { start, memory } = run
  const before = offsets[0] ?? 0
  let from = 0
  let to = 0
  let at = 0
  for (let i = run.first; i < run.next; i++) {
    const here = (offsets[i] ?? 0) - before
    const length = (offsets[i + 1] ?? 0) - before - here
    if (length === 0) continue
    if (length <= INLINE_BYTES) {
      copyBytes(memory, from, to, target, at)
      from = to
      copyInline(strings, i, length, target, here)
      continue
    }
    const entry = (rows === null ? i : (rows[i] ?? 0)) * ENTRY_WORDS
    const source = (words[entry + ADDRESS_LOW] ?? 0) - start
    if (source !== to || from === to) {
      copyBytes(memory, from, to, target, at)
      from = source
      at = here
    }
    to = source + length
  }
  copyBytes(memory, from, to, target, at)
}

function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from > SHORT_BYTES) target.set(source.subarray(from, to), at)
  else for (let k = from; k < to; k++) target[at + k - from] = source[k] ?? 0
}
