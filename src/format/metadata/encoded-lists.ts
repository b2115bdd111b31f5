/**
 * The JSON bytes of metadata's long lists, kept from one commit to the next: a commit onto 50,000
 * snapshots must cost the copying of their bytes and no more.
 *
 * Elements are encoded in chunks, and a chunk is remembered by its first element. A list derived
 * from an earlier one (appended to, filtered) finds its chunks again without being told, because the
 * elements are the same objects; elements are immutable, so what was encoded once stays true.
 */
import { stringifyLossless } from './lossless-json.ts'

interface Chunk {
  readonly items: readonly object[]
  /** The elements, joined by commas. */
  readonly bytes: Uint8Array
}

/** Elements in a full chunk. Smaller ones are joined with what follows when met again. */
const FULL = 64

const known = new WeakMap<object, Chunk>()
const COMMA = new TextEncoder().encode(',')

/** Appends the elements of a list, joined by commas, to `out`. */
export function encodeList(list: readonly object[], out: Uint8Array[]): void {
  const chunks = chunksOf(list)
  chunks.forEach((chunk, index) => {
    if (index > 0) out.push(COMMA)
    out.push(chunk.bytes)
  })
}

function chunksOf(list: readonly object[]): readonly Chunk[] {
  const chunks: Chunk[] = []
  let loose: Chunk[] = []
  let count = 0
  const settle = () => {
    if (count > 0) chunks.push(remember(join(loose)))
    loose = []
    count = 0
  }
  for (let at = 0; at < list.length;) {
    const chunk = knownChunk(list, at) ?? newChunk(list, at, FULL - count)
    at += chunk.items.length
    if (chunk.items.length === FULL) {
      settle()
      chunks.push(remember(chunk))
      continue
    }
    if (count + chunk.items.length > FULL) settle()
    loose.push(chunk)
    count += chunk.items.length
    if (count === FULL) settle()
  }
  settle()
  return chunks
}

/** The chunk that begins with the element at `at`, if all its elements follow there. */
function knownChunk(list: readonly object[], at: number): Chunk | undefined {
  const first = list[at]
  const chunk = first === undefined ? undefined : known.get(first)
  return chunk?.items.every((item, offset) => item === list[at + offset]) === true ? chunk : undefined
}

/** Encodes elements from `at` on, up to `most`, or until a known chunk begins. */
function newChunk(list: readonly object[], at: number, most: number): Chunk {
  let end = at + 1
  while (end < list.length && end - at < most && knownChunk(list, end) === undefined) end++
  const items = list.slice(at, end)
  return { items, bytes: new TextEncoder().encode(items.map(stringifyLossless).join(',')) }
}

function join(chunks: readonly Chunk[]): Chunk {
  const [only] = chunks
  if (chunks.length === 1 && only !== undefined) return only
  const parts = chunks.flatMap((chunk, index) => (index === 0 ? [chunk.bytes] : [COMMA, chunk.bytes]))
  return { items: chunks.flatMap((chunk) => chunk.items), bytes: concatBytes(parts) }
}

function remember(chunk: Chunk): Chunk {
  const [first] = chunk.items
  if (first !== undefined) known.set(first, chunk)
  return chunk
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
