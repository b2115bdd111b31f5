/** Headers that the files of a table repeat: longer than what stands behind them in a small manifest. */
import { plainBytes, readAvroHeader, SYNC_SIZE, type AvroHeader } from './avro.ts'

interface KnownHeader {
  /** The header without its sync marker, which alone is each file's own. */
  readonly bytes: Uint8Array
  readonly header: AvroHeader
}

/** The last ones that were read, the newest first. */
const known: KnownHeader[] = []
const MAX_KNOWN = 8
const MAX_BYTES = 256 * 1024

/** As readAvroHeader; one that is byte for byte the same as a file's before is not taken apart again. */
export function readKnownHeader(source: Uint8Array, file: string): AvroHeader {
  const bytes = plainBytes(source)
  const match = known.find((candidate) => startsWith(bytes, candidate.bytes))
  if (match !== undefined && bytes.length >= match.header.length) {
    const { header } = match
    return { ...header, sync: bytes.slice(header.length - SYNC_SIZE, header.length) }
  }
  const header = readAvroHeader(bytes, file)
  if (header.length <= MAX_BYTES) {
    known.unshift({ bytes: bytes.slice(0, header.length - SYNC_SIZE), header })
    known.length = Math.min(known.length, MAX_KNOWN)
  }
  return header
}

/** Four bytes at a time where they lie so that it can be done. */
function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  if (bytes.length < start.length) return false
  const words = bytes.byteOffset % 4 === 0 ? start.length >> 2 : 0
  const ours = new Int32Array(start.buffer, start.byteOffset, words)
  const theirs = new Int32Array(bytes.buffer, words === 0 ? 0 : bytes.byteOffset, words)
  for (let word = 0; word < words; word += 1) if (ours[word] !== theirs[word]) return false
  for (let at = words * 4; at < start.length; at += 1) if (start[at] !== bytes[at]) return false
  return true
}
