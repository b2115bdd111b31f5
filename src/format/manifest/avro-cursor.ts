/** Reads Avro's binary encoding from a block of bytes. Nothing is trusted: every length is checked. */
import { CorruptFileError } from '../../errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A place in a block. Methods read the next value and move on; each throws CorruptFileError,
 * naming the file, when the bytes end or cannot mean such a value.
 */
export class Cursor {
  readonly file: string
  readonly bytes: Uint8Array
  readonly view: DataView
  position = 0

  // The three parts of the last variable-length integer, as an unsigned 64-bit number.
  private low = 0
  private middle = 0
  private high = 0

  // Most entries of a manifest carry the same snapshot id: the last one made is kept.
  private lastLow = 0
  private lastMiddle = 0
  private lastHigh = 0
  private lastBig = 0n

  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes
    this.file = file
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get remaining(): number {
    return this.bytes.length - this.position
  }

  fail(what: string): never {
    throw new CorruptFileError(what, {
      file: this.file,
      hint: 'The file is damaged; restore it, or roll back to a snapshot that does not list it.',
    })
  }

  /** Advances by `count` bytes. */
  skip(count: number): void {
    if (count < 0 || count > this.remaining) this.fail('the data ends in the middle of a value')
    this.position += count
  }

  skipVarint(): void {
    const { bytes } = this
    for (let count = 0; count < 10; count += 1) {
      const byte = bytes[this.position]
      if (byte === undefined) this.fail('the data ends in the middle of a value')
      this.position += 1
      if (byte < 0x80) return
    }
    this.fail('an integer has more than 64 bits')
  }

  boolean(): boolean {
    const byte = this.bytes[this.position]
    if (byte === undefined) this.fail('the data ends in the middle of a value')
    if (byte > 1) this.fail('a boolean is neither true nor false')
    this.position += 1
    return byte === 1
  }

  int(): number {
    const value = this.long()
    if (value !== (value | 0)) this.fail('an int has more than 32 bits')
    return value
  }

  /** A long within the safe integers; counts, sizes and sequence numbers always are. */
  long(): number {
    const first = this.bytes[this.position]
    // Most integers of a manifest fit one or two bytes.
    if (first !== undefined && first < 0x80) {
      this.position += 1
      return (first >>> 1) ^ -(first & 1)
    }
    this.varint()
    const { low, middle, high } = this
    if (high !== 0 || middle >= 0x4000000) this.fail('a number is larger than any that can stand there')
    const half = middle * 0x8000000 + (low >>> 1)
    return (low & 1) === 0 ? half : -half - 1
  }

  /** A long of all 64 bits. */
  bigLong(): bigint {
    this.varint()
    const { low, middle, high } = this
    if (low === this.lastLow && middle === this.lastMiddle && high === this.lastHigh) return this.lastBig
    const half = (BigInt(high) << 55n) | (BigInt(middle) << 27n) | BigInt(low >>> 1)
    const value = (low & 1) === 0 ? half : -half - 1n
    this.lastLow = low
    this.lastMiddle = middle
    this.lastHigh = high
    this.lastBig = value
    return value
  }

  float(): number {
    const at = this.position
    this.skip(4)
    return this.view.getFloat32(at, true)
  }

  double(): number {
    const at = this.position
    this.skip(8)
    return this.view.getFloat64(at, true)
  }

  /** Bytes of a length-prefixed value; a view that shares memory with the block. */
  bytesView(): Uint8Array {
    return this.fixedView(this.length())
  }

  /** A view that shares memory with the block. */
  fixedView(size: number): Uint8Array {
    const at = this.position
    this.skip(size)
    return this.bytes.subarray(at, at + size)
  }

  string(): string {
    const view = this.bytesView()
    try {
      return utf8.decode(view)
    } catch {
      // The decoder's own error is a bare TypeError; what it means here is that the file is damaged.
      return this.fail('a string is not valid UTF-8')
    }
  }

  /** The length of a string or of bytes. */
  length(): number {
    const length = this.long()
    if (length < 0 || length > this.remaining) this.fail('a length is larger than the data')
    return length
  }

  skipBytes(): void {
    this.skip(this.length())
  }

  /**
   * The head of an array's or map's next block: how many items follow; 0 ends it. Items take at
   * least `minSize` bytes each, which bounds what a damaged count can ask for.
   */
  blockCount(minSize: number): number {
    const count = this.long()
    if (count < 0) {
      this.length()
      return this.boundedCount(-count, minSize)
    }
    return this.boundedCount(count, minSize)
  }

  /** Skips an array or map whose items `skipItem` knows how to skip. */
  skipBlocks(minSize: number, skipItem: (cursor: Cursor) => void): void {
    for (;;) {
      const count = this.long()
      if (count === 0) return
      if (count < 0) {
        this.skipBytes()
        continue
      }
      const bounded = this.boundedCount(count, minSize)
      for (let item = 0; item < bounded; item += 1) skipItem(this)
    }
  }

  private boundedCount(count: number, minSize: number): number {
    // Items without any bytes do not occur; 1 for them keeps their count bounded too.
    if (count * Math.max(minSize, 1) > this.remaining) this.fail('a count is larger than the data')
    return count
  }

  /** Reads a variable-length integer into `low` (28 bits), `middle` (28) and `high` (8). */
  private varint(): void {
    this.low = this.varintPart(4)
    this.middle = 0
    this.high = 0
    if (!this.more) return
    this.middle = this.varintPart(4)
    if (!this.more) return
    this.high = this.varintPart(2)
    if (this.more || this.high > 0xff) this.fail('an integer has more than 64 bits')
  }

  private more = false

  private varintPart(maxBytes: number): number {
    const { bytes } = this
    let value = 0
    for (let index = 0; index < maxBytes; index += 1) {
      const byte = bytes[this.position]
      if (byte === undefined) this.fail('the data ends in the middle of a value')
      this.position += 1
      value |= (byte & 0x7f) << (7 * index)
      if (byte < 0x80) {
        this.more = false
        return value
      }
    }
    this.more = true
    return value
  }
}
