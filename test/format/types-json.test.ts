import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, UnsupportedFeatureError } from '../../src/errors.ts'
import type { TypeJson } from '../../src/format/metadata/table-metadata.ts'
import { sameJson, sameType, typeFromJson, typeToJson, typeToString } from '../../src/format/types-json.ts'

// Iceberg spec, Appendix C, "Schemas".
const SIMPLE = [
  'unknown',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'fixed[16]',
  'binary',
  'decimal(9, 2)',
  'variant',
  'geometry',
  'geometry(srid:4326)',
  'geography',
  'geography(srid:4326)',
  'geography(srid:4326, spherical)',
]

const NESTED: TypeJson = {
  type: 'struct',
  fields: [
    {
      id: 1,
      name: 'id',
      required: true,
      type: 'uuid',
      doc: 'who',
      'initial-default': 'a',
      'write-default': 'b',
    },
    {
      id: 2,
      name: 'tags',
      required: false,
      type: { type: 'list', 'element-id': 3, element: 'string', 'element-required': true },
    },
    {
      id: 4,
      name: 'props',
      required: false,
      type: {
        type: 'map',
        'key-id': 5,
        key: 'string',
        'value-id': 6,
        value: 'double',
        'value-required': false,
      },
    },
  ],
}

describe('types in JSON', () => {
  test.each(SIMPLE)('%s', (text) => {
    expect(typeToJson(typeFromJson(text))).toBe(text)
  })

  test('nested', () => {
    expect(typeToJson(typeFromJson(NESTED))).toEqual(NESTED)
    expect(typeToString(typeFromJson(NESTED))).toBe(
      'struct<id: uuid, tags: list<string>, props: map<string, double>>',
    )
  })

  test.each([
    ['decimal(9,2)', 'decimal(9, 2)'],
    ['decimal( 9 , 2 )', 'decimal(9, 2)'],
    ['decimal(9,-20)', 'decimal(9, -20)'],
    ['fixed[ 16 ]', 'fixed[16]'],
    ['STRING', 'string'],
    ['geography(srid:4326,SPHERICAL)', 'geography(srid:4326, spherical)'],
  ])('%s as others write it', (text, written) => {
    expect(typeToJson(typeFromJson(text))).toBe(written)
  })

  test('a null default is none', () => {
    const type = typeFromJson({
      type: 'struct',
      fields: [
        { id: 1, name: 'a', required: false, type: 'int', 'initial-default': null, 'write-default': null },
      ],
    })
    expect(typeToJson(type)).toEqual({
      type: 'struct',
      fields: [{ id: 1, name: 'a', required: false, type: 'int' }],
    })
  })

  test.each(['interval', 'int8', 'decimal', 'decimal(9)', 'fixed', 'fixed[x]', '', 'list<int>'])(
    "'%s' is refused by name",
    (text) => {
      expect(() => typeFromJson(text)).toThrow(UnsupportedFeatureError)
      expect(() => typeFromJson(text)).toThrow(text)
    },
  )

  test('a nested type that is not known is refused by name', () => {
    const json: unknown = JSON.parse('{"type": "union", "options": []}')
    expect(() => typeFromJson(json as TypeJson)).toThrow(/'union'/)
  })

  test.each(['decimal(0, 0)', 'decimal(39, 0)', 'fixed[0]', 'fixed[99999999999]'])(
    '%s is out of range',
    (text) => {
      expect(() => typeFromJson(text)).toThrow(InvalidArgumentError)
    },
  )

  test.each([
    ['null', 'type'],
    ['[]', 'type'],
    ['{}', 'type.type'],
    ['{"type": "struct"}', 'type.fields'],
    ['{"type": "struct", "fields": [{"name": "a", "required": true, "type": "int"}]}', 'type.fields[0].id'],
    [
      '{"type": "struct", "fields": [{"id": 1.5, "name": "a", "required": true, "type": "int"}]}',
      'type.fields[0].id',
    ],
    ['{"type": "struct", "fields": [{"id": 1, "required": true, "type": "int"}]}', 'type.fields[0].name'],
    ['{"type": "struct", "fields": [{"id": 1, "name": "a", "type": "int"}]}', 'type.fields[0].required'],
    ['{"type": "list", "element-id": 1, "element-required": true}', 'type.element'],
    ['{"type": "map", "key-id": 1, "key": "int", "value-id": "2"}', 'type.value-id'],
  ])('%s is malformed at %s', (text, path) => {
    const json: unknown = JSON.parse(text)
    expect(() => typeFromJson(json as TypeJson)).toThrow(InvalidArgumentError)
    expect(() => typeFromJson(json as TypeJson)).toThrow(`${path}: expected`)
  })
})

test('types are the same with everything inside', () => {
  expect(sameType(typeFromJson('decimal(9,2)'), typeFromJson('decimal(9, 2)'))).toBe(true)
  expect(sameType(typeFromJson('decimal(9,2)'), typeFromJson('decimal(9,3)'))).toBe(false)
  expect(sameType(typeFromJson(NESTED), typeFromJson(structuredClone(NESTED)))).toBe(true)
  const renumbered: unknown = JSON.parse(JSON.stringify(NESTED).replace('"element-id":3', '"element-id":7'))
  expect(sameType(typeFromJson(NESTED), typeFromJson(renumbered as TypeJson))).toBe(false)
})

test('JSON documents are the same whatever the order of keys', () => {
  expect(sameJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true)
  expect(sameJson({ a: 1 }, { a: 1, b: 2 })).toBe(false)
  expect(sameJson({ a: undefined }, { b: undefined })).toBe(false)
  expect(sameJson([1, 2], [2, 1])).toBe(false)
  expect(sameJson(1n, 1)).toBe(false)
  expect(sameJson(null, {})).toBe(false)
})
