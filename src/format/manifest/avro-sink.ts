/** Collects Avro's binary encoding. */

const encoder = new TextEncoder()

/** A growing run of bytes. */
export class Sink {
  private bytesSoFar = new Uint8Array(1024)
  private view = new DataView(this.bytesSoFar.buffer)
  length = 0

  clear(): void {
    this.length = 0
  }

  /** What was written; shares memory with the sink until the next write. */
  written(): Uint8Array {
    return this.bytesSoFar.subarray(0, this.length)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytesSoFar[this.length] = value
    this.length += 1
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytesSoFar.set(bytes, this.length)
    this.length += bytes.length
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0)
  }

  /** An int or a long that is a safe integer. */
  long(value: number): void {
    if (value < -0x40000000 || value >= 0x40000000) return this.bigLong(BigInt(value))
    this.reserve(5)
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest >= 0x80) {
      this.bytesSoFar[this.length] = (rest & 0x7f) | 0x80
      this.length += 1
      rest >>>= 7
    }
    this.bytesSoFar[this.length] = rest
    this.length += 1
  }

  bigLong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    this.reserve(10)
    while (rest >= 0x80n) {
      this.bytesSoFar[this.length] = Number(rest & 0x7fn) | 0x80
      this.length += 1
      rest >>= 7n
    }
    this.bytesSoFar[this.length] = Number(rest)
    this.length += 1
  }

  float(value: number): void {
    this.reserve(4)
    this.view.setFloat32(this.length, value, true)
    this.length += 4
  }

  double(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.length, value, true)
    this.length += 8
  }

  bytes(value: Uint8Array): void {
    this.long(value.length)
    this.raw(value)
  }

  string(value: string): void {
    this.bytes(encoder.encode(value))
  }

  /** A union of null and a type, in this order: what every optional field is. */
  optional<T>(value: T | null, write: (value: T) => void): void {
    this.byte(value === null ? 0 : 2)
    if (value !== null) write(value)
  }

  private reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytesSoFar.length) return
    const larger = new Uint8Array(Math.max(needed, this.bytesSoFar.length * 2))
    larger.set(this.written())
    this.bytesSoFar = larger
    this.view = new DataView(larger.buffer)
  }
}
