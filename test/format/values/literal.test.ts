import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidExpressionError } from '../../../src/errors.ts'
import { encodeBinary } from '../../../src/format/values/binary.ts'
import { compareDatum, datumEquals, literalToDatum } from '../../../src/format/values/literal.ts'
import { typedPair, typedValue } from './arbitraries.ts'
import { bytes, primitive } from './value-vectors.ts'

describe('the order of values', () => {
  // Iceberg spec, "Sorting"; NaN of either sign is one value here.
  test('of floats', () => {
    const ordered = [Number.NEGATIVE_INFINITY, -1, -0, 0, 1, Number.POSITIVE_INFINITY, Number.NaN]
    for (const type of [primitive('float'), primitive('double')]) {
      ordered.forEach((a, i) =>
        ordered.forEach((b, j) => expect(Math.sign(compareDatum(type, a, b))).toBe(Math.sign(i - j))),
      )
    }
  })

  test('is total: antisymmetric, and equal only to itself', () => {
    fc.assert(
      fc.property(typedPair, ({ type, a, b }) => {
        expect(Math.sign(compareDatum(type, a, b))).toBe(-Math.sign(compareDatum(type, b, a)) + 0)
        expect(datumEquals(type, a, a)).toBe(true)
        expect(datumEquals(type, a, b)).toBe(
          Buffer.compare(encodeBinary(type, a), encodeBinary(type, b)) === 0,
        )
      }),
      { numRuns: 500 },
    )
  })

  test('of strings, bytes and uuids is that of their encoded bytes', () => {
    fc.assert(
      fc.property(typedPair, ({ type, a, b }) => {
        if (!['string', 'binary', 'fixed', 'uuid'].includes(type.kind)) return
        expect(Math.sign(compareDatum(type, a, b))).toBe(
          Buffer.compare(encodeBinary(type, a), encodeBinary(type, b)),
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('literals', () => {
  test.each([
    ['boolean', true, true],
    ['int', 5, 5],
    ['int', 5n, 5],
    ['int', '-5', -5],
    ['int', -0, 0],
    ['int', 2 ** 31, 'above'],
    ['int', -(2n ** 31n) - 1n, 'below'],
    ['int', Number.POSITIVE_INFINITY, 'above'],
    ['int', 1e300, 'above'],
    ['long', 60, 60n],
    ['long', '9007199254740993', 9007199254740993n],
    ['long', 2n ** 63n, 'above'],
    ['long', -(2n ** 63n), -(2n ** 63n)],
    ['long', 1e19, 'above'],
    ['long', -1e19, 'below'],
    ['float', 0.1, Math.fround(0.1)],
    ['float', 1e39, 'above'],
    ['float', -1e39, 'below'],
    ['float', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ['double', '1.5', 1.5],
    ['double', 'NaN', Number.NaN],
    ['double', 2n ** 60n, 2 ** 60],
    ['decimal(5, 2)', '1.5', 150n],
    ['decimal(5, 2)', '1.500', 150n],
    ['decimal(5, 2)', 0.1, 10n],
    ['decimal(5, 2)', 1e-7 * 1e7, 100n],
    ['decimal(5, 2)', 3n, 300n],
    ['decimal(5, 2)', '1000', 'above'],
    ['decimal(5, 2)', '-1000', 'below'],
    ['decimal(5, 2)', Number.NEGATIVE_INFINITY, 'below'],
    ['date', '2017-11-16', 17486],
    ['date', new Date('2017-11-16T00:00:00Z'), 17486],
    ['date', '+999999999-01-01', 'above'],
    ['time', '22:31:08', 81_068_000_000n],
    ['timestamp', '1969-12-31T23:59:59.999999', -1n],
    ['timestamp', '1970-01-02', 86_400_000_000n],
    ['timestamp', new Date(1), 1000n],
    ['timestamptz', '1970-01-01T01:00:00+01:00', 0n],
    ['timestamptz', '1970-01-02', 86_400_000_000n],
    ['timestamp_ns', '1970-01-01T00:00:00.000000001', 1n],
    ['timestamp_ns', '2500-01-01', 'above'],
    ['timestamptz_ns', '1500-01-01T00:00:00Z', 'below'],
    ['string', '', ''],
    ['uuid', 'F79C3E09-677C-4BBD-A479-3F349CB785E7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['fixed[2]', bytes('0001'), bytes('0001')],
    ['binary', bytes(''), bytes('')],
  ])('%s takes %s', (type, literal, datum) => {
    expect(literalToDatum(primitive(type), literal)).toEqual(datum)
  })

  test.each([
    ['boolean', 1],
    ['boolean', 'true'],
    ['int', 1.5],
    ['int', Number.NaN],
    ['int', 'x'],
    ['int', ''],
    ['int', true],
    ['int', new Date(0)],
    // A number that may be a rounded neighbour of what was meant.
    ['long', 2 ** 53 + 2],
    ['double', 2n ** 53n + 1n],
    ['double', 'one'],
    ['decimal(5, 2)', '1.005'],
    ['decimal(5, 2)', Number.NaN],
    ['date', 17486],
    ['date', '2017-11-16T00:00:00'],
    ['date', new Date(1)],
    ['date', new Date(Number.NaN)],
    ['time', '25:00'],
    ['time', '00:00:00.0000001'],
    ['timestamp', 0],
    ['timestamp', 0n],
    ['timestamp', '1970-01-01T00:00:00Z'],
    ['timestamp', '1970-01-01T00:00:00.0000001'],
    ['timestamptz', '1970-01-01T00:00:00'],
    ['timestamp', new Date(Number.NaN)],
    ['string', 1],
    ['uuid', 'f79c3e09'],
    ['fixed[2]', bytes('00')],
    ['fixed[2]', '0001'],
    ['binary', '00'],
    ['unknown', 1],
    ['geometry', bytes('00')],
  ])('%s refuses %s', (type, literal) => {
    expect(() => literalToDatum(primitive(type), literal)).toThrow(InvalidExpressionError)
  })

  test('of the column’s own values are those values', () => {
    fc.assert(
      fc.property(typedValue, ({ type, value }) => {
        if (
          !['boolean', 'int', 'long', 'float', 'double', 'string', 'uuid', 'binary', 'fixed'].includes(
            type.kind,
          )
        )
          return
        expect(literalToDatum(type, value)).toEqual(type.kind === 'int' ? Number(value) + 0 : value)
      }),
    )
  })
})
