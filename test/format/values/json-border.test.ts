import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NestedField, Type } from '../../../src/format/types.ts'
import { rowToJson, toJson, valueToJson } from '../../../src/format/values/json-border.ts'
import type { Value } from '../../../src/format/values/value.ts'

const map = (key: Type, value: Type): Type => ({
  kind: 'map',
  keyId: 1,
  key,
  valueId: 2,
  valueRequired: false,
  value,
})
const list = (element: Type): Type => ({ kind: 'list', elementId: 1, elementRequired: false, element })
const field = (name: string, type: Type): NestedField => ({ id: 1, name, required: false, type })
const struct = (...fields: readonly NestedField[]): Type => ({ kind: 'struct', fields })

test.each<[Type, Value, unknown]>([
  [{ kind: 'boolean' }, false, false],
  [{ kind: 'int' }, -1, -1],
  [{ kind: 'long' }, 3051729675574597004n, '3051729675574597004'],
  [{ kind: 'long' }, 0n, '0'],
  [{ kind: 'double' }, 0.1, 0.1],
  [{ kind: 'double' }, NaN, 'NaN'],
  [{ kind: 'float' }, -Infinity, '-Infinity'],
  [{ kind: 'decimal', precision: 4, scale: 2 }, '-0.10', '-0.10'],
  [{ kind: 'date' }, '1969-12-31', '1969-12-31'],
  [{ kind: 'binary' }, new Uint8Array([0, 255]), '00ff'],
  [{ kind: 'string' }, '', ''],
  [list({ kind: 'long' }), [1n, null], ['1', null]],
  [struct(field('a', { kind: 'long' }), field('b', { kind: 'int' })), { a: 1n }, { a: '1', b: null }],
  [map({ kind: 'string' }, { kind: 'long' }), new Map([['k', 1n]]), { k: '1' }],
  [map({ kind: 'long' }, { kind: 'string' }), new Map([[-1n, 'v']]), { '-1': 'v' }],
  [map({ kind: 'string' }, { kind: 'int' }), new Map(), {}],
  [map(struct(field('a', { kind: 'int' })), { kind: 'int' }), [[{ a: 1 }, 2]], [[{ a: 1 }, 2]]],
])('%j %s', (type, value, json) => {
  expect(valueToJson(type, value)).toEqual(json)
  expect(valueToJson(type, null)).toBeNull()
})

test('a column or key called __proto__ is one like any other', () => {
  const row = JSON.parse('{"__proto__": 1}') as { readonly [column: string]: Value }
  expect(JSON.stringify(rowToJson([field('__proto__', { kind: 'int' })], row))).toBe('{"__proto__":1}')
  const keys = valueToJson(map({ kind: 'string' }, { kind: 'int' }), new Map([['__proto__', 1]]))
  expect(JSON.stringify(keys)).toBe('{"__proto__":1}')
})

test('plain values: 64-bit numbers as strings, undefined left out', () => {
  expect(
    toJson({
      id: 2n ** 63n - 1n,
      none: null,
      gone: undefined,
      list: [1n],
      at: new Date(0),
      map: new Map([[1n, 2]]),
    }),
  ).toEqual({
    id: '9223372036854775807',
    none: null,
    list: ['1'],
    at: '1970-01-01T00:00:00.000Z',
    map: { '1': 2 },
  })
})

test('a date that is none is null, as JSON.stringify has it', () => {
  expect(toJson({ at: new Date(Number.NaN) })).toEqual({ at: null })
})

test('minus zero is zero, as JSON.stringify has it', () => {
  expect(Object.is(toJson(-0), 0)).toBe(true)
})

test('JSON can hold whatever comes out', () => {
  fc.assert(
    fc.property(
      fc.object({ withBigInt: true, withMap: true, withDate: true, withTypedArray: false }),
      (value) => {
        const json = toJson(value)
        expect(JSON.parse(JSON.stringify(json))).toEqual(json)
      },
    ),
  )
})
