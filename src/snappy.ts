/** Decoder of raw Snappy blocks, as Avro files carry them. (Nothing here writes Snappy.) */
import { CorruptFileError } from './errors.ts'

interface SnappyOptions {
  readonly maxBytes: number
  readonly file?: string | undefined
}

/** Unpacks one block; CorruptFileError when it is damaged or larger than `maxBytes`. */
export function unpackSnappy(bytes: Uint8Array, options: SnappyOptions): Uint8Array {
  const { length, start } = readLength(bytes, options)
  const out = new Uint8Array(length)
  let from = start
  let to = 0
  while (from < bytes.length) {
    const tag = byteAt(bytes, from, options)
    from += 1
    const element =
      (tag & 3) === 0 ? readLiteral(bytes, from, tag, options) : readCopy(bytes, from, tag, options)
    if (to + element.length > length) throw damaged(options)
    if (element.kind === 'literal') {
      out.set(bytes.subarray(element.next, element.next + element.length), to)
      from = element.next + element.length
    } else {
      if (element.offset === 0 || element.offset > to) throw damaged(options)
      copyWithin(out, to - element.offset, to, element.length)
      from = element.next
    }
    to += element.length
  }
  if (to !== length) throw damaged(options)
  return out
}

type Element =
  | { readonly kind: 'literal'; readonly length: number; readonly next: number }
  | { readonly kind: 'copy'; readonly length: number; readonly offset: number; readonly next: number }

function readLength(bytes: Uint8Array, options: SnappyOptions): { length: number; start: number } {
  let length = 0
  for (let index = 0; index < 5; index += 1) {
    const byte = byteAt(bytes, index, options)
    length += (byte & 0x7f) * 2 ** (7 * index)
    if (byte >= 0x80) continue
    // A copy of 3 bytes makes 64: what claims more than that ratio is not worth an allocation.
    if (length > options.maxBytes || length > bytes.length * 64) {
      throw new CorruptFileError('the snappy data claims an impossible size', { file: options.file })
    }
    return { length, start: index + 1 }
  }
  throw damaged(options)
}

function readLiteral(bytes: Uint8Array, at: number, tag: number, options: SnappyOptions): Element {
  const short = tag >>> 2
  const extra = short < 60 ? 0 : short - 59
  const length = (extra === 0 ? short : littleEndian(bytes, at, extra, options)) + 1
  const next = at + extra
  if (next + length > bytes.length) throw damaged(options)
  return { kind: 'literal', length, next }
}

function readCopy(bytes: Uint8Array, at: number, tag: number, options: SnappyOptions): Element {
  if ((tag & 3) === 1) {
    const offset = ((tag & 0xe0) << 3) | byteAt(bytes, at, options)
    return { kind: 'copy', length: ((tag >>> 2) & 7) + 4, offset, next: at + 1 }
  }
  const width = (tag & 3) === 2 ? 2 : 4
  const offset = littleEndian(bytes, at, width, options)
  return { kind: 'copy', length: (tag >>> 2) + 1, offset, next: at + width }
}

/** Source and target may overlap: that is how Snappy repeats a pattern. */
function copyWithin(out: Uint8Array, from: number, to: number, length: number): void {
  if (to - from >= length) {
    out.copyWithin(to, from, from + length)
    return
  }
  for (let index = 0; index < length; index += 1) out[to + index] = out[from + index] ?? 0
}

function littleEndian(bytes: Uint8Array, at: number, width: number, options: SnappyOptions): number {
  let value = 0
  for (let index = 0; index < width; index += 1) {
    value += byteAt(bytes, at + index, options) * 2 ** (8 * index)
  }
  return value
}

function byteAt(bytes: Uint8Array, at: number, options: SnappyOptions): number {
  const byte = bytes[at]
  if (byte === undefined) throw damaged(options)
  return byte
}

function damaged(options: SnappyOptions): CorruptFileError {
  return new CorruptFileError('the snappy data is damaged', { file: options.file })
}
