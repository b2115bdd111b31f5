/** Growing buffers of a column in the making. */
import { isValid } from './raw-vector.ts'

const FIRST_BYTES = 1024

/** Bytes at the end of which more are added. */
export class ByteBuffer {
  #bytes = new Uint8Array(0)
  /** Room that is made at first: what was taken last tells what the next will need. */
  #usual = FIRST_BYTES
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Adds bytes and answers them, to be filled; valid until the next call. */
  grow(count: number): Uint8Array {
    const needed = this.#length + count
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, needed, this.#usual))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    const added = this.#bytes.subarray(this.#length, needed)
    this.#length = needed
    return added
  }

  /** All bytes, without a copy. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** All bytes, without a copy; the buffer starts anew. */
  take(): Uint8Array {
    const taken = this.written()
    this.#usual = Math.max(FIRST_BYTES, taken.length + (taken.length >> 5))
    this.#bytes = new Uint8Array(0)
    this.#length = 0
    return taken
  }
}

/** A bit per row, least significant first. None are kept until one is needed. */
export class ValidityBuffer {
  readonly #bytes = new ByteBuffer()
  readonly #always: boolean
  #rows = 0
  #hasBits = false
  #nullCount = 0

  /** `always`: bits are kept from the start, not only from the first that is 0. */
  constructor(options: { readonly always: boolean } = { always: false }) {
    this.#always = options.always
    this.#hasBits = options.always
  }

  get nullCount(): number {
    return this.#nullCount
  }

  /** Adds rows by a vector's validity; null for all valid. */
  append(validity: Uint8Array | null, rows: Int32Array | null, count: number): void {
    if (validity === null) {
      if (this.#hasBits) this.#appendBits(count, () => true)
      else this.#rows += count
      return
    }
    this.#appendBits(count, (i) => isValid(validity, rows === null ? i : (rows[i] ?? 0)))
  }

  /** Adds rows by a byte each, 0 or 1. */
  appendFlags(flags: Uint8Array, rows: Int32Array | null, count: number): void {
    this.#appendBits(count, (i) => flags[rows === null ? i : (rows[i] ?? 0)] === 1)
  }

  /** undefined when every row is valid. Starts anew. */
  take(): Uint8Array | undefined {
    const bits = this.#bytes.take()
    const isNeeded = this.#always || this.#nullCount > 0
    this.#rows = 0
    this.#nullCount = 0
    this.#hasBits = this.#always
    return isNeeded ? bits : undefined
  }

  #appendBits(count: number, bitAt: (i: number) => boolean): void {
    const first = this.#hasBits ? this.#rows : 0
    this.#hasBits = true
    const needed = ((this.#rows + count + 7) >> 3) - this.#bytes.length
    this.#bytes.grow(needed).fill(0)
    const bits = this.#bytes.written()
    // Rows from before the first null, of which nothing was kept.
    for (let row = first; row < this.#rows; row++) setBit(bits, row)
    for (let i = 0; i < count; i++) {
      if (bitAt(i)) setBit(bits, this.#rows + i)
      else this.#nullCount += 1
    }
    this.#rows += count
  }
}

function setBit(bits: Uint8Array, row: number): void {
  bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
}
