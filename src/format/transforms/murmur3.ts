/** 32-bit Murmur3, x86 variant, seed 0 (Iceberg spec, Appendix B). */

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

function mixKey(key: number): number {
  const mixed = Math.imul(key, C1)
  return Math.imul((mixed << 15) | (mixed >>> 17), C2)
}

function mixHash(hash: number, key: number): number {
  const mixed = hash ^ mixKey(key)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number, length: number): number {
  let mixed = hash ^ length
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** Hash of the first `length` bytes, as a signed 32-bit integer. */
export function murmur3(bytes: Uint8Array, length = bytes.length): number {
  let hash = 0
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    // In range by the loop's bound; `?? 0` only satisfies the type.
    const key =
      (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24)
    hash = mixHash(hash, key)
  }
  if (whole < length) {
    let tail = bytes[whole] ?? 0
    if (length - whole > 1) tail |= (bytes[whole + 1] ?? 0) << 8
    if (length - whole > 2) tail |= (bytes[whole + 2] ?? 0) << 16
    hash ^= mixKey(tail)
  }
  return finish(hash, length)
}

/** Hash of a 64-bit integer's little-endian bytes, given as its two halves; no bytes are made. */
export function murmur3Long(low: number, high: number): number {
  return finish(mixHash(mixHash(0, low | 0), high | 0), 8)
}
