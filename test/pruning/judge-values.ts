/**
 * The judge's own knowledge of partition transforms and single values, by plain formulas from the
 * Iceberg spec and none of the library's code. PyIceberg's vectors judge the judge.
 */
import type { Datum, PrimitiveType } from '../../src/format/types.ts'

const MICROS = { hour: 3_600_000_000n, day: 86_400_000_000n } as const

/** A partition value by the transform's text; of a null always null. */
export function judgeTransform(transform: string, type: PrimitiveType, value: Datum | null): Datum | null {
  if (value === null || transform === 'void') return null
  const parameter = Number(/\[(\d+)\]/.exec(transform)?.[1] ?? 0)
  switch (transform.replace(/\[.*/, '')) {
    case 'identity':
      return value
    case 'bucket':
      return (judgeHash(type, value) & 0x7fffffff) % parameter
    case 'truncate':
      return truncate(parameter, value)
    case 'year':
      return dateOf(type, value).getUTCFullYear() - 1970
    case 'month': {
      const date = dateOf(type, value)
      return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
    }
    case 'day':
      return typeof value === 'number' ? value : Number(floorDiv(BigInt(Number(value)), MICROS.day))
    case 'hour':
      return Number(floorDiv(BigInt(String(value)), MICROS.hour))
    default:
      throw new Error(`the judge knows no ${transform}`)
  }
}

/** What an interval transform's partition holds: the least and the greatest value; null for others. */
export function judgeInterval(
  transform: string,
  type: PrimitiveType,
  partition: Datum,
): readonly [Datum, Datum] | null {
  const width = /^truncate\[(\d+)\]$/.exec(transform)?.[1]
  if (width !== undefined) {
    if (typeof partition === 'bigint') return [partition, partition + BigInt(width) - 1n]
    return typeof partition === 'number' ? [partition, partition + Number(width) - 1] : null
  }
  if (typeof partition !== 'number') return null
  const startOf: Readonly<Record<string, (n: number) => number>> = {
    year: (n) => startOfMonth(12 * n),
    month: startOfMonth,
    day: (n) => n * 86_400_000,
    hour: (n) => n * 3_600_000,
  }
  const start = startOf[transform]
  if (start === undefined) return null
  const [first, next] = [start(partition), start(partition + 1)]
  if (type.kind === 'date') return [first / 86_400_000, next / 86_400_000 - 1]
  return [BigInt(first) * 1000n, BigInt(next) * 1000n - 1n]
}

/** Milliseconds; not by Date.UTC, which takes the years 0 to 99 for those of the 20th century. */
function startOfMonth(months: number): number {
  return new Date(0).setUTCFullYear(1970, months)
}

function truncate(width: number, value: Datum): Datum {
  if (typeof value === 'bigint') return floorDiv(value, BigInt(width)) * BigInt(width)
  if (typeof value === 'number') return Math.floor(value / width) * width
  if (typeof value === 'string') return [...value].slice(0, width).join('')
  if (value instanceof Uint8Array) return value.slice(0, width)
  throw new Error('a boolean is not truncated')
}

function dateOf(type: PrimitiveType, value: Datum): Date {
  return new Date(
    type.kind === 'date' ? Number(value) * 86_400_000 : Number(floorDiv(BigInt(String(value)), 1000n)),
  )
}

function floorDiv(a: bigint, b: bigint): bigint {
  const rest = ((a % b) + b) % b
  return (a - rest) / b
}

/** Appendix B, "32-bit Hash Requirements". */
function judgeHash(type: PrimitiveType, value: Datum): number {
  switch (type.kind) {
    case 'int':
    case 'date':
      return murmur3(int64(BigInt(Number(value))))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return murmur3(int64(BigInt(String(value))))
    default:
      return murmur3(judgeBytes(type, value))
  }
}

/** Appendix D, "Binary single-value serialization". */
export function judgeBytes(type: PrimitiveType, value: Datum): Buffer {
  switch (type.kind) {
    case 'boolean':
      return Buffer.of(value === true ? 1 : 0)
    case 'int':
    case 'date': {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32LE(Number(value))
      return bytes
    }
    case 'float': {
      const bytes = Buffer.alloc(4)
      bytes.writeFloatLE(Number(value))
      return bytes
    }
    case 'double': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleLE(Number(value))
      return bytes
    }
    case 'decimal':
      return minimalTwosComplement(BigInt(String(value)))
    case 'string':
      return Buffer.from(String(value), 'utf8')
    case 'uuid':
      return Buffer.from(String(value).replaceAll('-', ''), 'hex')
    case 'fixed':
    case 'binary':
      if (value instanceof Uint8Array) return Buffer.from(value)
      throw new Error('not bytes')
    default:
      return int64(BigInt(String(value)))
  }
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(value)
  return bytes
}

/** Big-endian, as few bytes as the sign allows. */
function minimalTwosComplement(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(8 * length, value) !== value) length += 1
  const hex = BigInt.asUintN(8 * length, value).toString(16)
  return Buffer.from(hex.padStart(2 * length, '0'), 'hex')
}

/** Murmur3, x86, 32 bit, seed 0, as its author's reference has it. */
function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const mixed = (k: number): number => Math.imul(rotate(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593)
  const whole = bytes.length - (bytes.length % 4)
  let hash = 0
  for (let at = 0; at < whole; at += 4) {
    hash = (Math.imul(rotate(hash ^ mixed(view.getInt32(at, true)), 13), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | (bytes[at] ?? 0)
  if (whole < bytes.length) hash ^= mixed(tail)
  hash ^= bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}

/** Negative, zero or positive, in the order of bounds: -0.0 before 0.0; NaN must be out. */
export function judgeOrder(type: PrimitiveType, a: Datum, b: Datum): number {
  if (typeof a === 'string' || a instanceof Uint8Array) {
    return Buffer.compare(judgeBytes(type, a), judgeBytes(type, b))
  }
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0))
  return a < b ? -1 : a > b ? 1 : 0
}

/** A value's text in a partition's folder, where all writers agree on it; null where they do not. */
export function judgePathText(
  transform: string,
  type: PrimitiveType,
  partition: Datum | null,
): string | null {
  if (partition === null) return 'null'
  const n = Number(partition)
  switch (transform) {
    case 'year':
      return new Date(startOfMonth(12 * n)).toISOString().slice(0, 4)
    case 'month':
      return new Date(startOfMonth(n)).toISOString().slice(0, 7)
    case 'day':
      return new Date(n * 86_400_000).toISOString().slice(0, 10)
    case 'hour':
      return new Date(n * 3_600_000).toISOString().slice(0, 13).replace('T', '-')
  }
  if (transform.startsWith('bucket')) return String(partition)
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'string':
    case 'uuid':
      return String(partition)
    case 'date':
      return new Date(n * 86_400_000).toISOString().slice(0, 10)
    case 'decimal':
      return decimalText(BigInt(String(partition)), type.scale)
    default:
      return null
  }
}

export function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** application/x-www-form-urlencoded, byte by byte. */
export function judgeFormEncode(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      if (/[A-Za-z0-9*._-]/.test(char)) return char
      return char === ' ' ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}
