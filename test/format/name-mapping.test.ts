import { describe, expect, test } from 'vitest'
import { InvalidConfigError } from '../../src/errors.ts'
import {
  createNameMapping,
  mappedFieldById,
  mappedFieldByPath,
  nameMappingToJson,
  parseNameMapping,
} from '../../src/format/name-mapping.ts'
import { createSchema } from '../../src/format/schema.ts'

// Iceberg spec, Appendix C, "Name Mapping Serialization".
const SPEC_EXAMPLE = `[ { "field-id": 1, "names": ["id", "record_id"] },
   { "field-id": 2, "names": ["data"] },
   { "field-id": 3, "names": ["location"], "fields": [
       { "field-id": 4, "names": ["latitude", "lat"] },
       { "field-id": 5, "names": ["longitude", "long"] }
     ] } ]`

describe('a name mapping', () => {
  test('is read, looked up and written', () => {
    const mapping = parseNameMapping(SPEC_EXAMPLE)
    expect(mappedFieldByPath(mapping, ['record_id'])?.['field-id']).toBe(1)
    expect(mappedFieldByPath(mapping, ['location', 'lat'])?.['field-id']).toBe(4)
    expect(mappedFieldByPath(mapping, ['lat'])).toBeUndefined()
    expect(mappedFieldByPath(mapping, ['location.lat'])).toBeUndefined()
    expect(mappedFieldByPath(mapping, [])).toBeUndefined()
    expect(mappedFieldById(mapping, 5)?.names).toEqual(['longitude', 'long'])
    expect(mappedFieldById(mapping, 6)).toBeUndefined()
    expect(JSON.parse(nameMappingToJson(mapping))).toEqual(JSON.parse(SPEC_EXAMPLE))
  })

  test('may have names with dots, no names, and no id', () => {
    const mapping = parseNameMapping(
      '[{"field-id": 1, "names": ["a.b"]}, {"field-id": 2, "names": []}, {"names": ["c"]}]',
    )
    expect(mappedFieldByPath(mapping, ['a.b'])?.['field-id']).toBe(1)
    expect(mappedFieldByPath(mapping, ['c'])).toEqual({ names: ['c'] })
    expect(JSON.parse(nameMappingToJson(mapping))).toEqual([
      { 'field-id': 1, names: ['a.b'] },
      { 'field-id': 2, names: [] },
      { names: ['c'] },
    ])
  })

  test.each([
    '[{"field-id": 1, "names": ["a"]}, {"field-id": 2, "names": ["b", "a"]}]',
    '[{"field-id": 1, "names": ["a"]}, {"names": ["a"]}]',
    '[{"field-id": 1, "names": ["s"], "fields": [{"field-id": 2, "names": ["a"]}, {"field-id": 3, "names": ["a"]}]}]',
  ])('has no name twice at one level: %s', (json) => {
    expect(() => parseNameMapping(json)).toThrow(InvalidConfigError)
    expect(() => parseNameMapping(json)).toThrow(/'a' is mapped to more than one field/)
  })

  test('may have one name at two levels', () => {
    const mapping = parseNameMapping(
      '[{"field-id": 1, "names": ["a"], "fields": [{"field-id": 2, "names": ["a"]}]}]',
    )
    expect(mappedFieldByPath(mapping, ['a', 'a'])?.['field-id']).toBe(2)
  })

  test.each([
    '',
    '{}',
    'null',
    '[1]',
    '[{}]',
    '[{"names": "a"}]',
    '[{"names": [1]}]',
    '[{"names": [], "field-id": "1"}]',
    '[{"names": [], "fields": {}}]',
  ])("is not '%s'", (json) => {
    expect(() => parseNameMapping(json)).toThrow(InvalidConfigError)
  })

  test('of a schema has every field, lists and maps by their parts', () => {
    const schema = createSchema({
      fields: [
        { id: 1, name: 'a.b', required: true, type: { kind: 'int' } },
        {
          id: 2,
          name: 'tags',
          required: false,
          type: { kind: 'list', elementId: 3, elementRequired: false, element: { kind: 'string' } },
        },
        {
          id: 4,
          name: 'props',
          required: false,
          type: {
            kind: 'map',
            keyId: 5,
            key: { kind: 'string' },
            valueId: 6,
            valueRequired: false,
            value: { kind: 'struct', fields: [{ id: 7, name: 'x', required: false, type: { kind: 'int' } }] },
          },
        },
      ],
    })
    const mapping = createNameMapping(schema)
    const idAt = (...path: readonly string[]) => mappedFieldByPath(mapping, path)?.['field-id']
    expect([idAt('a.b'), idAt('tags', 'element'), idAt('props', 'key'), idAt('props', 'value', 'x')]).toEqual(
      [1, 3, 5, 7],
    )
    expect(parseNameMapping(nameMappingToJson(mapping))).toEqual(mapping)
  })
})
