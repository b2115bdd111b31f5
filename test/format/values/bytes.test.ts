import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bytesToHex,
  compareBytes,
  hexToBytes,
  minimalBigEndian,
  normalizeUuid,
  readBigEndian,
  uuidOfBytes,
  writeBigEndian,
  writeUuid,
} from '../../../src/format/values/bytes.ts'

describe('bytes', () => {
  test('compare unsigned, a prefix first, as Buffer does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
        expect(compareBytes(a, b)).toBe(Buffer.compare(a, b))
      }),
    )
  })

  test('have hexadecimal text in both directions', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(bytesToHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
        expect(hexToBytes(bytesToHex(bytes).toUpperCase())).toEqual(bytes)
      }),
    )
    expect(hexToBytes('0')).toBeNull()
    expect(hexToBytes('0g')).toBeNull()
  })

  test('of whole numbers are the shortest two’s complement', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 130n), max: 1n << 130n }), (value) => {
        const bytes = minimalBigEndian(value)
        expect(readBigEndian(bytes)).toBe(value)
        // One byte fewer would not hold it.
        const bits = BigInt(8 * (bytes.length - 1))
        if (bits > 0n) expect(value >= -(1n << (bits - 1n)) && value < 1n << (bits - 1n)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  test('of fixed length are sign-extended', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
        fc.integer({ min: 8, max: 20 }),
        (value, length) => {
          const target = new Uint8Array(length).fill(0xaa)
          writeBigEndian(value, target, length)
          expect(readBigEndian(target)).toBe(value)
        },
      ),
    )
  })

  test('of a uuid are big-endian', () => {
    const target = new Uint8Array(16)
    writeUuid('f79c3e09-677c-4bbd-a479-3f349cb785e7', target)
    expect(bytesToHex(target)).toBe('f79c3e09677c4bbda4793f349cb785e7')
    expect(uuidOfBytes(target)).toBe('f79c3e09-677c-4bbd-a479-3f349cb785e7')
  })

  test('a uuid in upper case is the same value', () => {
    expect(normalizeUuid('F79C3E09-677C-4BBD-A479-3F349CB785E7')).toBe('f79c3e09-677c-4bbd-a479-3f349cb785e7')
    expect(normalizeUuid('f79c3e09677c4bbda4793f349cb785e7')).toBeNull()
    expect(normalizeUuid('f79c3e09-677c-4bbd-a479-3f349cb785e')).toBeNull()
  })
})
