import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidDataError } from '../../../src/errors.ts'
import { datumToValue, valueToDatum } from '../../../src/format/values/value.ts'
import type { ExactTime, Value } from '../../../src/format/values/value.ts'
import { typedValue } from './arbitraries.ts'
import { bytes, primitive } from './value-vectors.ts'

describe('values handed out', () => {
  test.each([
    ['boolean', false, false],
    ['int', 0, 0],
    ['long', 1n, 1n],
    ['decimal(9, 2)', -5n, '-0.05'],
    ['string', '', ''],
    ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['binary', bytes('00'), bytes('00')],
    ['date', -1, '1969-12-31'],
    ['time', 0n, '00:00:00.000000'],
    ['timestamp', -1n, '1969-12-31T23:59:59.999999'],
    ['timestamptz', -1n, '1969-12-31T23:59:59.999999Z'],
    ['timestamp_ns', -1n, '1969-12-31T23:59:59.999999999'],
    ['timestamptz_ns', -1n, '1969-12-31T23:59:59.999999999Z'],
  ])('%s', (type, datum, value) => {
    expect(datumToValue(primitive(type), datum)).toEqual(value)
  })

  test('come back as they were', () => {
    fc.assert(
      fc.property(typedValue, ({ type, value }) => {
        const back = valueToDatum(type, datumToValue(type, value))
        expect(back).toEqual(type.kind === 'int' ? Number(value) + 0 : value)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('values taken in', () => {
  test.each<readonly [string, Value | ExactTime, unknown]>([
    ['int', 5n, 5],
    ['int', -0, 0],
    ['long', 5, 5n],
    ['float', 0.1, Math.fround(0.1)],
    ['float', Number.NaN, Number.NaN],
    ['float', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ['double', 5n, 5],
    ['decimal(5, 2)', 0.1, 10n],
    ['decimal(5, 2)', '-999.99', -99999n],
    ['decimal(5, 2)', 7n, 700n],
    ['decimal(5, 2)', '1.500', 150n],
    ['decimal(38, 10)', '0.0000000001', 1n],
    ['decimal(38, 10)', 1e-10, 1n],
    ['date', new Date('1969-12-31T00:00:00Z'), -1],
    ['time', { micros: 1n }, 1n],
    ['timestamp', new Date('1969-12-31T23:59:59.999Z'), -1000n],
    ['timestamptz', { micros: -1n }, -1n],
    ['timestamp', { nanos: 1000n }, 1n],
    ['timestamp_ns', { micros: 1n }, 1000n],
    ['timestamp', '2026-01-01', 1_767_225_600_000_000n],
    ['uuid', bytes('f79c3e09677c4bbda4793f349cb785e7'), 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['uuid', 'F79C3E09-677C-4BBD-A479-3F349CB785E7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['string', '\u{1f600}', '\u{1f600}'],
  ])('%s takes %o', (type, value, datum) => {
    expect(valueToDatum(primitive(type), value)).toEqual(datum)
  })

  test.each<readonly [string, Value | ExactTime]>([
    ['boolean', 0],
    ['boolean', 'true'],
    ['int', 1.5],
    ['int', '1'],
    ['int', 2 ** 31],
    ['int', 2n ** 64n],
    ['long', 2 ** 53],
    ['long', 1.5],
    ['long', 2n ** 63n],
    ['long', '1'],
    ['float', 1e39],
    ['double', 2n ** 53n + 1n],
    ['double', '1'],
    ['decimal(5, 2)', 0.001],
    ['decimal(5, 2)', '1000'],
    ['decimal(5, 2)', Number.NaN],
    ['decimal(5, 2)', ''],
    ['date', 17486],
    ['date', new Date('1969-12-31T00:00:01Z')],
    ['date', new Date(Number.NaN)],
    ['date', '2023-02-29'],
    ['time', '24:00:00'],
    ['time', { micros: 86_400_000_000n }],
    ['time', { micros: -1n }],
    ['time', { nanos: 1n }],
    ['timestamp', 0],
    ['timestamp', 0n],
    ['timestamp', '2026-01-01T00:00:00Z'],
    ['timestamptz', '2026-01-01T00:00:00'],
    ['timestamp', '2026-01-01T00:00:00.0000001'],
    ['timestamp', { nanos: 1n }],
    ['timestamp', { micros: 2n ** 63n }],
    ['timestamp', new Date(Number.NaN)],
    ['timestamp', { micros: 1n, nanos: 1n }],
    ['timestamp_ns', '2300-01-01'],
    ['string', 1],
    ['string', '\ud800'],
    ['uuid', 'f79c3e09677c4bbda4793f349cb785e7'],
    ['uuid', bytes('00')],
    ['fixed[2]', bytes('00')],
    ['fixed[2]', bytes('000000')],
    ['binary', '00'],
    ['string', null],
    ['int', null],
    ['unknown', 1],
  ])('%s refuses %o', (type, value) => {
    expect(() => valueToDatum(primitive(type), value)).toThrow(InvalidDataError)
  })

  test('a refusal names the type and the forms, never the value', () => {
    try {
      valueToDatum(primitive('timestamp'), 20260101)
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof InvalidDataError)) throw error
      expect(error.message).toContain('timestamp')
      expect(error.hint).toContain('{ micros: bigint }')
      expect(`${error.message} ${error.hint}`).not.toContain('20260101')
    }
  })
})
