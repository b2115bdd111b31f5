import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeCodecs as codecs } from '../src/compression.ts'
import { CorruptFileError } from '../src/errors.ts'

const text = new TextEncoder().encode('iceberg '.repeat(1000))
const options = { maxBytes: 10_000, file: 'file:///t/x' }

describe.each([
  ['deflate', codecs.deflateRaw(text), codecs.inflateRaw],
  ['gzip', codecs.gzip(text), codecs.gunzip],
  ['zstd', codecs.zstd(text), codecs.unzstd],
] as const)('%s', (_name, packed, unpack) => {
  test('unpacks what was packed', () => {
    expect(packed.length).toBeLessThan(200)
    expect(unpack(packed, options)).toEqual(text)
  })

  test('one byte more than allowed is an error that names the file', () => {
    expect(unpack(packed, { maxBytes: 8000 })).toHaveLength(8000)
    expect(() => unpack(packed, { ...options, maxBytes: 7999 })).toThrow(CorruptFileError)
    expect(() => unpack(packed, { ...options, maxBytes: 7999 })).toThrow(/more than 7999 bytes/)
  })

  test('a cut is an error', () => {
    expect(() => unpack(packed.slice(0, -5), options)).toThrow(
      expect.objectContaining({ code: 'FLOEBERG_CORRUPT_FILE', file: 'file:///t/x' }),
    )
  })

  test('gives arrays whose slices are copies', () => {
    const unpacked = unpack(packed, options)
    const slice = unpacked.slice(0, 4)
    unpacked.fill(0)
    expect(slice).toEqual(text.subarray(0, 4))
  })

  test('random bytes: an error or some data, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          unpack(bytes, options)
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptFileError)
        }
      }),
    )
  })
})

test('any length packs and unpacks, around every size of the window too', () => {
  const noise = Uint8Array.from({ length: 70_000 }, (_, i) => Math.imul(i, 2654435761) >>> ((i % 13) << 1))
  const around = [512, 1024, 8192, 32_768, 65_536].flatMap((size) => [size - 1, size, size + 1])
  for (const length of [0, 1, 2, 300, ...around]) {
    const bytes = noise.slice(0, length)
    expect(codecs.inflateRaw(codecs.deflateRaw(bytes), { maxBytes: 70_000 })).toEqual(bytes)
  }
})

test('gzip of several members is one text', () => {
  const members = [gzipSync('ice'), gzipSync('berg')]
  expect(codecs.gunzip(Buffer.concat(members), options)).toEqual(new TextEncoder().encode('iceberg'))
})

test('CRC-32: the check value of its definition', () => {
  expect(codecs.crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
})

describe('snappy', () => {
  const unpack = (...bytes: readonly number[]) => codecs.unsnappy(Uint8Array.from(bytes), options)
  const ascii = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

  // By the format description: length, then literals (tag 0) and copies (tags 1, 2 and 3).
  test('a literal', () => {
    expect(ascii(unpack(3, 2 << 2, 0x69, 0x63, 0x65))).toBe('ice')
  })

  test('a literal with its length in a byte of its own', () => {
    const letters = Array.from({ length: 70 }, () => 0x61)
    expect(ascii(unpack(70, 60 << 2, 69, ...letters))).toBe('a'.repeat(70))
  })

  test('a copy that overlaps itself repeats a pattern', () => {
    expect(ascii(unpack(9, 1 << 2, 0x61, 0x62, 1, 2, (2 << 2) | 2, 2, 0))).toBe('ababababa')
  })

  test('a copy from far away', () => {
    const filler = Array.from({ length: 70 }, () => 0x62)
    const bytes = unpack(76, 60 << 2, 71, 0x78, 0x79, ...filler, (3 << 2) | 3, 72, 0, 0, 0)
    expect(ascii(bytes)).toBe(`xy${'b'.repeat(70)}xybb`)
  })

  test('nothing', () => {
    expect(unpack(0)).toHaveLength(0)
  })

  test.each([
    ['no bytes', []],
    ['a length that never ends', [0xff, 0xff, 0xff, 0xff, 0xff]],
    ['a length that the bytes cannot give', [0xff, 0xff, 0xff, 0x7f, 0]],
    ['a literal that is cut off', [5, 4 << 2, 0x61]],
    ['a copy from before the start', [6, 0, 0x61, (1 << 2) | 1, 2]],
    ['a copy of offset 0', [6, 0, 0x61, (1 << 2) | 1, 0]],
    ['more than the length says', [1, 2 << 2, 0x61, 0x62, 0x63]],
    ['less than the length says', [5, 2 << 2, 0x61, 0x62, 0x63]],
  ])('%s', (_name, bytes) => {
    expect(() => unpack(...bytes)).toThrow(CorruptFileError)
  })

  test('random bytes: an error or some data, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          codecs.unsnappy(bytes, options)
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptFileError)
        }
      }),
    )
  })
})
