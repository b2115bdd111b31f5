import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptFileError, InvalidArgumentError } from '../../../src/errors.ts'
import { decodeBinary, encodeBinary } from '../../../src/format/values/binary.ts'
import { typedValue } from './arbitraries.ts'
import { bytes, primitive, valueVectors } from './value-vectors.ts'

describe('the binary form of single values', () => {
  // Iceberg spec, Appendix D, and the values of its Appendix B.
  test.each([
    ['boolean', false, '00'],
    ['boolean', true, '01'],
    ['int', 34, '22000000'],
    ['int', -1, 'ffffffff'],
    ['long', 34n, '2200000000000000'],
    ['float', 1, '0000803f'],
    ['double', 1, '000000000000f03f'],
    ['date', 17486, '4e440000'],
    ['time', 81_068_000_000n, '008307e012000000'],
    ['timestamp', -1n, 'ffffffffffffffff'],
    ['timestamptz_ns', 1n, '0100000000000000'],
    ['string', 'iceberg', '69636562657267'],
    ['string', '', ''],
    ['string', '\ufeffa', 'efbbbf61'],
    ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09677c4bbda4793f349cb785e7'],
    ['decimal(9, 2)', 1420n, '058c'],
    ['decimal(9, 2)', 0n, '00'],
    ['decimal(9, 2)', 127n, '7f'],
    ['decimal(9, 2)', 128n, '0080'],
    ['decimal(9, 2)', -128n, '80'],
    ['decimal(9, 2)', -129n, 'ff7f'],
    ['decimal(9, 2)', -32768n, '8000'],
    ['decimal(38, 0)', 10n ** 38n - 1n, '4b3b4ca85a86c47a098a223fffffffff'],
    ['decimal(38, 0)', -(10n ** 38n) + 1n, 'b4c4b357a5793b85f675ddc000000001'],
  ])('%s %s is %s', (type, value, hex) => {
    expect(encodeBinary(primitive(type), value)).toEqual(bytes(hex))
    expect(decodeBinary(primitive(type), bytes(hex))).toEqual(value)
  })

  test('is that of PyIceberg', () => {
    expect(valueVectors.length).toBeGreaterThan(200)
    for (const { type, value, binary } of valueVectors) {
      expect(encodeBinary(type, value)).toEqual(binary)
      expect(decodeBinary(type, binary)).toEqual(value)
    }
  })

  test('gives back every value', () => {
    fc.assert(
      fc.property(typedValue, ({ type, value }) => {
        expect(decodeBinary(type, encodeBinary(type, value))).toEqual(value)
      }),
      { numRuns: 1000 },
    )
  })

  test('reads bytes that lie within a larger buffer', () => {
    const around = bytes('ffffffff2200000000000000ffff')
    expect(decodeBinary({ kind: 'long' }, around.subarray(4, 12))).toBe(34n)
    expect(decodeBinary({ kind: 'double' }, bytes('ff000000000000f03f').subarray(1))).toBe(1)
  })

  test('any non-zero byte is true', () => {
    expect(decodeBinary({ kind: 'boolean' }, bytes('ff'))).toBe(true)
  })

  // Iceberg spec, "Schema Evolution": the length tells the type at write time.
  test.each([
    ['long', 'ffffffff', -1n],
    ['double', '0000803f', 1],
    ['timestamp', '4e440000', 17_486n * 86_400_000_000n],
    ['timestamp', 'ffffffff', -86_400_000_000n],
    ['timestamp_ns', '4e440000', 17_486n * 86_400_000_000_000n],
    ['decimal(20, 2)', '80', -128n],
    ['decimal(4, 2)', '000000000000000080', 128n],
  ])('a %s reads %s, written before a promotion', (type, hex, value) => {
    expect(decodeBinary(primitive(type), bytes(hex))).toBe(value)
  })

  test.each([
    ['boolean', ''],
    ['int', '220000'],
    ['int', '2200000000000000'],
    ['long', '22'],
    ['float', '000000000000f03f'],
    ['double', ''],
    ['time', '00000000'],
    ['timestamptz', '4e440000'],
    ['timestamptz_ns', '4e440000'],
    ['decimal(9, 2)', ''],
    ['uuid', '00'],
    ['string', 'ff'],
    ['string', 'eda080'],
  ])('a %s does not take %s for a value', (type, hex) => {
    expect(() => decodeBinary(primitive(type), bytes(hex))).toThrow(CorruptFileError)
  })

  test.each([
    ['int', 2 ** 31],
    ['int', 1.5],
    ['date', -(2 ** 31) - 1],
    ['long', 1n << 63n],
    ['timestamp', -(1n << 63n) - 1n],
    ['int', 1n],
    ['long', 1],
    ['string', 1],
    ['boolean', 0],
    ['fixed[2]', new Uint8Array(3)],
    ['unknown', 1],
    ['geometry', new Uint8Array(1)],
  ])('a %s refuses what it cannot hold', (type, value) => {
    expect(() => encodeBinary(primitive(type), value)).toThrow(InvalidArgumentError)
  })
})
