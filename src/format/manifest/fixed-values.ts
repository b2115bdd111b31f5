/** Values that Avro keeps in a fixed number of bytes: decimals and uuids. */
import { InvalidArgumentError } from '../../errors.ts'
import type { Sink } from './avro-sink.ts'

/** Fewest bytes whose two's complement holds every decimal of this precision. */
export function decimalBytes(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n
  return Math.floor(largest.toString(2).length / 8) + 1
}

/** Two's complement, most significant byte first, as long as the bytes are; no bytes mean 0. */
export function signedBigEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN(bytes.length * 8, value)
}

/** The reverse, with the sign in every leading byte. */
export function writeSignExtended(sink: Sink, value: bigint, size: number): void {
  if (BigInt.asIntN(size * 8, value) !== value) {
    throw new InvalidArgumentError('a decimal partition value has more digits than its type')
  }
  for (let shift = BigInt(size - 1) * 8n; shift >= 0n; shift -= 8n) {
    sink.byte(Number((value >> shift) & 0xffn))
  }
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export function uuidBytes(text: string): Uint8Array {
  const hex = text.replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new InvalidArgumentError('a uuid partition value is not valid')
  return Uint8Array.from({ length: 16 }, (_, index) =>
    Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16),
  )
}
