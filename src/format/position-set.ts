/** Positions of rows within one data file: dense, since files have few enough rows for a bit each. */

const INITIAL_BYTES = 128

const ITERATED_AT_ONCE = 1024

export class PositionSet {
  /** Bit `p & 7` of byte `p >> 3` is row `p`. */
  #bits: Uint8Array
  #size = 0

  constructor(capacity = INITIAL_BYTES * 8) {
    this.#bits = new Uint8Array(Math.ceil(capacity / 8))
  }

  static of(positions: Iterable<number>): PositionSet {
    const set = new PositionSet()
    for (const position of positions) set.add(position)
    return set
  }

  /** Positions from 0 up to, and without, `count`. */
  static upTo(count: number): PositionSet {
    const set = new PositionSet(count)
    const whole = Math.floor(count / 8)
    set.#bits.fill(255, 0, whole)
    if (count % 8 > 0) set.#bits[whole] = (1 << (count % 8)) - 1
    set.#size = count
    return set
  }

  /** How many rows are in it. */
  get size(): number {
    return this.#size
  }

  add(position: number): void {
    const byte = Math.floor(position / 8)
    if (byte >= this.#bits.length) this.#grow(byte + 1)
    const mask = 1 << (position % 8)
    const before = this.#bits[byte] ?? 0
    if ((before & mask) !== 0) return
    this.#bits[byte] = before | mask
    this.#size += 1
  }

  has(position: number): boolean {
    return ((this.#bits[Math.floor(position / 8)] ?? 0) & (1 << (position % 8))) !== 0
  }

  /** Positions from `first` on, a multiple of 8: bit `p & 7` of byte `p >> 3` for `first + p`. */
  addBytes(first: number, bytes: Uint8Array): void {
    const start = first / 8
    if (!Number.isInteger(start) || start < 0)
      throw new RangeError('bytes of positions begin at a multiple of 8')
    const used = bytes.findLastIndex((byte) => byte !== 0) + 1
    if (start + used > this.#bits.length) this.#grow(start + used)
    for (let at = 0; at < used; at += 1) {
      const before = this.#bits[start + at] ?? 0
      const added = (bytes[at] ?? 0) & ~before
      if (added === 0) continue
      this.#bits[start + at] = before | added
      this.#size += countBits(added)
    }
  }

  addAll(other: PositionSet): void {
    if (other.#bits.length > this.#bits.length) this.#grow(other.#bits.length)
    this.#combine(other, (mine, theirs) => mine | theirs)
  }

  removeAll(other: PositionSet): void {
    this.#combine(other, (mine, theirs) => mine & ~theirs)
  }

  /** The least position; null when there is none. */
  get first(): number | null {
    const at = this.#bits.findIndex((byte) => byte !== 0)
    return at === -1 ? null : at * 8 + 31 - Math.clz32(lowestBit(this.#bits[at] ?? 0))
  }

  /** The greatest position; null when there is none. */
  get last(): number | null {
    const at = this.#bits.findLastIndex((byte) => byte !== 0)
    return at === -1 ? null : at * 8 + 31 - Math.clz32(this.#bits[at] ?? 0)
  }

  /** Positions below `count` as bits, bit `p & 7` of byte `p >> 3` for `p`: `ceil(count / 8)` bytes, a copy. */
  toBytes(count: number): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(count / 8))
    bytes.set(this.#bits.subarray(0, bytes.length))
    const last = bytes.length - 1
    if (count % 8 > 0) bytes[last] = (bytes[last] ?? 0) & ((1 << (count % 8)) - 1)
    return bytes
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (const run of this.runs(ITERATED_AT_ONCE)) yield* run
  }

  /** Ascending, so many at a time, which takes far less than one by one. Each is valid until the next. */
  *runs(length: number): Generator<Float64Array, void, undefined> {
    const run = new Float64Array(Math.min(length, this.#size))
    const bits = this.#bits
    let held = 0
    for (let at = 0; at < bits.length; at += 1) {
      for (let left = bits[at] ?? 0; left !== 0; left &= left - 1) {
        run[held] = at * 8 + 31 - Math.clz32(lowestBit(left))
        held += 1
        if (held < run.length) continue
        yield run
        held = 0
      }
    }
    if (held > 0) yield run.subarray(0, held)
  }

  #combine(other: PositionSet, combine: (mine: number, theirs: number) => number): void {
    const bytes = Math.min(this.#bits.length, other.#bits.length)
    for (let at = 0; at < bytes; at += 1) {
      const before = this.#bits[at] ?? 0
      const after = combine(before, other.#bits[at] ?? 0) & 255
      if (after === before) continue
      this.#bits[at] = after
      this.#size += countBits(after) - countBits(before)
    }
  }

  #grow(bytes: number): void {
    const bits = new Uint8Array(Math.max(bytes, this.#bits.length * 2))
    bits.set(this.#bits)
    this.#bits = bits
  }
}

function lowestBit(byte: number): number {
  return byte & -byte
}

function countBits(byte: number): number {
  const pairs = byte - ((byte >> 1) & 0x55)
  const nibbles = (pairs & 0x33) + ((pairs >> 2) & 0x33)
  return (nibbles + (nibbles >> 4)) & 15
}
