/** Byte strings: comparison, hexadecimal text, big-endian integers, UUIDs. */

/** By unsigned bytes; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return Math.sign(a.length - b.length)
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal text. */
export function bytesToHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte] ?? ''
  return text
}

/** null when the text is not hexadecimal, two digits to a byte. */
export function hexToBytes(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return null
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The UUID in its one form, lower-case and dashed; null when the text is none. */
export function normalizeUuid(text: string): string | null {
  return UUID.test(text) ? text.toLowerCase() : null
}

/** Writes the 16 big-endian bytes of a dashed UUID to the start of `target`. */
export function writeUuid(uuid: string, target: Uint8Array): void {
  let at = 0
  for (let i = 0; i < uuid.length && at < 16; i += 1) {
    if (uuid.charCodeAt(i) === 0x2d) continue
    target[at] = (nibble(uuid.charCodeAt(i)) << 4) | nibble(uuid.charCodeAt(i + 1))
    at += 1
    i += 1
  }
}

/** Value of a hexadecimal digit's character code. */
function nibble(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57
}

/** The lower-case dashed form of 16 bytes. */
export function uuidOfBytes(bytes: Uint8Array): string {
  const hex = bytesToHex(bytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Whole numbers between are worked on as numbers, which is much the faster way. */
const SMALL = 1n << 47n

/** How many bytes the shortest two's complement form of a whole number takes; at least one. */
export function minimalLength(value: bigint): number {
  if (value < SMALL && value >= -SMALL) return minimalLengthOfNumber(Number(value))
  let length = 6
  // Bits of the value without its sign, shifted out byte by byte; the sign takes one bit more.
  for (let rest = (value < 0n ? ~value : value) >> 47n; rest > 0n; rest >>= 8n) length += 1
  return length
}

function minimalLengthOfNumber(value: number): number {
  let length = 1
  for (let limit = 0x80; value >= limit || value < -limit; limit *= 0x100) length += 1
  return length
}

/**
 * Writes the shortest big-endian two's complement form of a whole number to the start of `target`
 * and answers its length: -128 is the one byte 80, 128 is 00 80.
 */
export function writeMinimalBigEndian(value: bigint, target: Uint8Array): number {
  const length = minimalLength(value)
  writeBigEndian(value, target, length)
  return length
}

/** Writes a whole number as `length` big-endian bytes, sign-extended. */
export function writeBigEndian(value: bigint, target: Uint8Array, length: number): void {
  let at = length
  let rest = value
  // Six bytes at a time: what a number holds exactly.
  for (; at > 6; at -= 6, rest >>= 48n) writeSmall(Number(BigInt.asUintN(48, rest)), target, at - 6, at)
  writeSmall(Number(BigInt.asIntN(48, rest)), target, 0, at)
}

/** Writes the low bytes of a number to [start, end). */
function writeSmall(value: number, target: Uint8Array, start: number, end: number): void {
  let rest = value
  for (let at = end - 1; at >= start; at -= 1) {
    const next = Math.floor(rest / 256)
    target[at] = rest - next * 256
    rest = next
  }
}

/** The shortest big-endian two's complement form. */
export function minimalBigEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(minimalLength(value))
  writeBigEndian(value, bytes, bytes.length)
  return bytes
}

/** Reads a big-endian two's complement number of any length above zero. */
export function readBigEndian(bytes: Uint8Array): bigint {
  const first = bytes.length % 6 === 0 ? 6 : bytes.length % 6
  // Up to six bytes fit a number exactly, which is much the faster way.
  let small = ((bytes[0] ?? 0) << 24) >> 24
  for (let at = 1; at < first; at += 1) small = small * 256 + (bytes[at] ?? 0)
  let value = BigInt(small)
  for (let start = first; start < bytes.length; start += 6) {
    let chunk = 0
    for (let at = start; at < start + 6; at += 1) chunk = chunk * 256 + (bytes[at] ?? 0)
    value = (value << 48n) | BigInt(chunk)
  }
  return value
}
