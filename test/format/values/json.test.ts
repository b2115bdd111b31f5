import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, InvalidDataError } from '../../../src/errors.ts'
import { datumFromJson, datumToJson } from '../../../src/format/values/json.ts'
import { valueFromJson, valueToJson } from '../../../src/format/values/nested-json.ts'
import type { Type } from '../../../src/format/types.ts'
import { typedValue } from './arbitraries.ts'
import { bytes, primitive } from './value-vectors.ts'

describe('single values as JSON', () => {
  // Iceberg spec, Appendix D.
  test.each([
    ['boolean', true, true],
    ['int', 34, 34],
    ['long', 34n, 34],
    ['long', 3051729675574597004n, 3051729675574597004n],
    ['float', 1, 1],
    ['double', 1, 1],
    ['double', Number.NaN, 'NaN'],
    ['double', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['decimal(9, 2)', 1420n, '14.20'],
    ['decimal(9, -20)', 2n, '2E+20'],
    ['date', 17486, '2017-11-16'],
    ['time', 81_068_123_456n, '22:31:08.123456'],
    ['timestamp', 1_510_871_468_123_456n, '2017-11-16T22:31:08.123456'],
    ['timestamptz', 1_510_871_468_123_456n, '2017-11-16T22:31:08.123456+00:00'],
    ['timestamp_ns', 1_510_871_468_123_456_789n, '2017-11-16T22:31:08.123456789'],
    ['timestamptz_ns', 1_510_871_468_123_456_789n, '2017-11-16T22:31:08.123456789+00:00'],
    ['string', 'iceberg', 'iceberg'],
    ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['fixed[4]', bytes('000102ff'), '000102ff'],
    ['binary', bytes('000102ff'), '000102ff'],
  ])('%s', (type, datum, json) => {
    expect(datumToJson(primitive(type), datum)).toEqual(json)
    expect(datumFromJson(primitive(type), json)).toEqual(datum)
  })

  test('give back every value', () => {
    fc.assert(
      fc.property(typedValue, ({ type, value }) => {
        expect(datumFromJson(type, datumToJson(type, value))).toEqual(
          type.kind === 'int' ? Number(value) + 0 : value,
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('are read as others may write them', () => {
    expect(datumFromJson(primitive('timestamptz'), '2017-11-16T22:31:08Z')).toBe(1_510_871_468_000_000n)
    expect(datumFromJson(primitive('uuid'), 'F79C3E09-677C-4BBD-A479-3F349CB785E7')).toBe(
      'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    )
    expect(datumFromJson(primitive('binary'), '000102FF')).toEqual(bytes('000102ff'))
    expect(datumFromJson(primitive('double'), 12345678901234567890n)).toBe(Number('12345678901234567890'))
  })

  test.each([
    ['boolean', 1],
    ['int', 1.5],
    ['int', 2 ** 31],
    ['int', '1'],
    ['long', 2 ** 53],
    ['long', 2n ** 63n],
    ['decimal(9, 2)', 14.2],
    ['decimal(9, 2)', '14.2'],
    ['decimal(3, 2)', '14.20'],
    ['date', 17486],
    ['date', '2017-02-30'],
    ['time', '24:00:00'],
    ['timestamp', '2017-11-16T22:31:08+00:00'],
    ['timestamp', '2017-11-16T22:31:08.1234567'],
    ['timestamptz', '2017-11-16T22:31:08'],
    ['timestamp', '2017-11-16'],
    ['uuid', 'x'],
    ['fixed[4]', '0001'],
    ['binary', '0'],
    ['string', null],
    ['string', {}],
    ['unknown', 1],
    ['geometry', 'POINT (30 10)'],
  ])('%s has no value %s', (type, json) => {
    expect(() => datumFromJson(primitive(type), json)).toThrow(InvalidArgumentError)
  })
})

describe('nested values as JSON', () => {
  const point: Type = {
    kind: 'struct',
    fields: [
      { id: 1, name: 'x', required: true, type: { kind: 'int' } },
      { id: 2, name: 'label', required: false, type: { kind: 'string' } },
    ],
  }
  const list: Type = { kind: 'list', elementId: 3, elementRequired: false, element: { kind: 'long' } }
  const map: Type = {
    kind: 'map',
    keyId: 4,
    key: { kind: 'string' },
    valueId: 5,
    valueRequired: false,
    value: point,
  }
  const structKeys: Type = { ...map, key: point, value: { kind: 'date' } }

  // Iceberg spec, Appendix D: by field id, arrays of keys and values.
  test.each<readonly [Type, unknown, unknown]>([
    [point, { x: 1, label: 'bar' }, { '1': 1, '2': 'bar' }],
    [list, [1n, null, 3n], [1, null, 3]],
    [map, new Map([['a', { x: 1, label: null }]]), { keys: ['a'], values: [{ '1': 1, '2': null }] }],
    [
      structKeys,
      [[{ x: 1, label: 'k' }, '2017-11-16']],
      { keys: [{ '1': 1, '2': 'k' }], values: ['2017-11-16'] },
    ],
  ])('%o', (type, value, json) => {
    expect(valueFromJson(type, json)).toEqual(value)
    expect(valueToJson(type, valueFromJson(type, json))).toEqual(json)
  })

  test('an empty object is a struct without values', () => {
    expect(valueFromJson(point, {})).toEqual({ x: null, label: null })
    expect(valueFromJson(point, null)).toBeNull()
  })

  test('of another shape are refused', () => {
    expect(() => valueFromJson(point, [])).toThrow(InvalidArgumentError)
    expect(() => valueFromJson(map, { keys: ['a'], values: [] })).toThrow(InvalidArgumentError)
    expect(() => valueFromJson({ kind: 'variant' }, {})).toThrow(InvalidArgumentError)
    expect(() => valueToJson(point, [1])).toThrow(InvalidDataError)
    expect(() => valueToJson(list, new Map())).toThrow(InvalidDataError)
    expect(() => valueToJson(map, [['a']])).toThrow(InvalidDataError)
  })
})
