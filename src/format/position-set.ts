/** Positions of rows within one data file: dense, since files have few enough rows for a bit each. */

const INITIAL_BYTES = 128

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

  addAll(other: PositionSet): void {
    for (const position of other) this.add(position)
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (const [at, byte] of this.#bits.entries()) {
      if (byte === 0) continue
      for (let bit = 0; bit < 8; bit += 1) if ((byte & (1 << bit)) !== 0) yield at * 8 + bit
    }
  }

  #grow(bytes: number): void {
    const bits = new Uint8Array(Math.max(bytes, this.#bits.length * 2))
    bits.set(this.#bits)
    this.#bits = bits
  }
}
