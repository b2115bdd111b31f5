import { describe, expect, test } from 'vitest'
import { hasherOf } from '../../../src/format/transforms/hash.ts'
import { murmur3, murmur3Long } from '../../../src/format/transforms/murmur3.ts'
import { valueToDatum } from '../../../src/format/values/value.ts'
import { bytes, primitive } from '../values/value-vectors.ts'

describe('hashes', () => {
  // Iceberg spec, Appendix B.
  test.each([
    ['int', 34, 2017239379],
    ['long', 34n, 2017239379],
    ['decimal(9, 2)', '14.20', -500754589],
    ['date', '2017-11-16', -653330422],
    ['time', '22:31:08', -662762989],
    ['timestamp', '2017-11-16T22:31:08', -2047944441],
    ['timestamp', '2017-11-16T22:31:08.000001', -1207196810],
    ['timestamptz', '2017-11-16T14:31:08-08:00', -2047944441],
    ['timestamptz', '2017-11-16T14:31:08.000001-08:00', -1207196810],
    ['timestamp_ns', '2017-11-16T22:31:08', -2047944441],
    ['timestamp_ns', '2017-11-16T22:31:08.000001001', -1207196810],
    ['timestamptz_ns', '2017-11-16T14:31:08-08:00', -2047944441],
    ['timestamptz_ns', '2017-11-16T14:31:08.000001001-08:00', -1207196810],
    ['string', 'iceberg', 1210000089],
    ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 1488055340],
    ['uuid', 'F79C3E09-677C-4BBD-A479-3F349CB785E7', 1488055340],
    ['fixed[4]', bytes('00010203'), -188683207],
    ['binary', bytes('00010203'), -188683207],
    ['boolean', true, 1392991556],
    ['float', 1, -142385009],
    ['float', 0, 1669671676],
    ['float', -0, 1669671676],
    ['double', 1, -142385009],
    ['double', 0, 1669671676],
    ['double', -0, 1669671676],
  ])('of %s %s are those of the spec', (type, value, hash) => {
    expect(hasherOf(primitive(type))(valueToDatum(primitive(type), value))).toBe(hash)
  })

  test('of nanoseconds before 1970 are those of the microsecond they fall in', () => {
    const [nanos, micros] = [hasherOf(primitive('timestamp_ns')), hasherOf(primitive('timestamp'))]
    expect(nanos(-1n)).toBe(micros(-1n))
    expect(nanos(-1000n)).toBe(micros(-1n))
    expect(nanos(-1001n)).toBe(micros(-2n))
  })

  // Public vectors of Murmur3 x86 32 with seed 0, of every tail length.
  test.each([
    ['', 0],
    ['00', 0x514e28b7],
    ['0000', 0x30f4c306],
    ['000000', 0x85f0b427],
    ['00000000', 0x2362f9de],
    ['ffffffff', 0x76293b50],
    ['21436587', 0xf55b516b],
    ['214365', 0x7e4a8634],
    ['2143', 0xa0f7b07a],
    ['21', 0x72661cf4],
  ])('of the bytes %s', (hex, hash) => {
    expect(murmur3(bytes(hex)) >>> 0).toBe(hash)
  })

  test('of halves are those of the eight little-endian bytes', () => {
    for (const value of [0n, 1n, -1n, 34n, (1n << 63n) - 1n, -(1n << 63n), 0x1234_5678_9abc_def0n]) {
      const encoded = new Uint8Array(8)
      new DataView(encoded.buffer).setBigInt64(0, value, true)
      const halves = murmur3Long(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
      expect(halves).toBe(murmur3(encoded))
    }
  })

  test('of strings do not depend on how long they are or where they leave ASCII', () => {
    const hash = hasherOf({ kind: 'string' })
    for (const text of [
      '',
      'a',
      'aé',
      'éa',
      '\u{1f600}',
      'x'.repeat(1365),
      'x'.repeat(1366),
      'é'.repeat(5000),
    ]) {
      expect(hash(text)).toBe(murmur3(new TextEncoder().encode(text)))
    }
  })
})
