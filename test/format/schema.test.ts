import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, InvalidExpressionError } from '../../src/errors.ts'
import type { SchemaJson } from '../../src/format/metadata/table-metadata.ts'
import {
  assignFreshIds,
  createSchema,
  fieldName,
  fieldPath,
  findField,
  findFieldByName,
  highestFieldId,
  leafFields,
  MAX_FIELD_ID,
  parentFieldIds,
  sameSchema,
  schemaFromJson,
  schemaProblems,
  schemaToJson,
  selectFields,
} from '../../src/format/schema.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { NestedField, Type } from '../../src/format/types.ts'

const int: Type = { kind: 'int' }
const string: Type = { kind: 'string' }

function field(id: number, name: string, type: Type = int, required = false): NestedField {
  return { id, name, required, type }
}

/** id, point{x, y}, tags[{label, weight}], props{string → {a}} */
const nested = createSchema({
  schemaId: 3,
  fields: [
    field(1, 'id', int, true),
    field(2, 'point', { kind: 'struct', fields: [field(3, 'x', int, true), field(4, 'y')] }, true),
    field(5, 'tags', {
      kind: 'list',
      elementId: 6,
      elementRequired: false,
      element: { kind: 'struct', fields: [field(7, 'label', string), field(8, 'weight')] },
    }),
    field(9, 'props', {
      kind: 'map',
      keyId: 10,
      key: string,
      valueId: 11,
      valueRequired: false,
      value: { kind: 'struct', fields: [field(12, 'a')] },
    }),
  ],
  identifierFieldIds: [1, 3],
})

const names = (schema: Schema) => leafFields(schema).map(({ id }) => fieldName(schema, id))

describe('look-up', () => {
  test.each([
    [1, 'id'],
    [3, 'point.x'],
    [6, 'tags.element'],
    [7, 'tags.element.label'],
    [10, 'props.key'],
    [11, 'props.value'],
    [12, 'props.value.a'],
  ])('by id and name: %i is %s', (id, name) => {
    expect(fieldName(nested, id)).toBe(name)
    expect(findField(nested, id)?.id).toBe(id)
    expect(findFieldByName(nested, name)?.id).toBe(id)
    expect(findFieldByName(nested, name.toUpperCase())).toBeUndefined()
    expect(findFieldByName(nested, name.toUpperCase(), { caseSensitive: false })?.id).toBe(id)
  })

  test('of what is not there', () => {
    expect(findField(nested, 99)).toBeUndefined()
    expect(fieldName(nested, 99)).toBeUndefined()
    expect(findFieldByName(nested, 'nope')).toBeUndefined()
    expect(findFieldByName(nested, 'constructor')).toBeUndefined()
    expect(() => fieldPath(nested, 99)).toThrow(InvalidArgumentError)
  })

  test('a list’s or map’s struct may be passed over in a name', () => {
    expect(findFieldByName(nested, 'tags.label')?.id).toBe(7)
    expect(findFieldByName(nested, 'props.a')?.id).toBe(12)
    expect(findFieldByName(nested, 'TAGS.Label', { caseSensitive: false })?.id).toBe(7)
    expect(fieldName(nested, 7)).toBe('tags.element.label')
  })

  test('paths go from the column down', () => {
    expect(fieldPath(nested, 7).map(({ name }) => name)).toEqual(['tags', 'element', 'label'])
    expect(parentFieldIds(nested, 7)).toEqual([5, 6])
    expect(parentFieldIds(nested, 1)).toEqual([])
  })

  test('leaves come in stored order', () => {
    expect(names(nested)).toEqual([
      'id',
      'point.x',
      'point.y',
      'tags.element.label',
      'tags.element.weight',
      'props.key',
      'props.value.a',
    ])
    expect(highestFieldId(nested)).toBe(12)
    expect(highestFieldId(createSchema({ fields: [] }))).toBe(0)
  })

  test('names that differ in case only are never picked from', () => {
    const schema = createSchema({ fields: [field(1, 'data'), field(2, 'DATA')] })
    expect(findFieldByName(schema, 'data')?.id).toBe(1)
    expect(findFieldByName(schema, 'DATA')?.id).toBe(2)
    for (const name of ['data', 'DATA', 'Data']) {
      expect(() => findFieldByName(schema, name, { caseSensitive: false })).toThrow(InvalidExpressionError)
    }
  })

  test('a dotted name beside a nested one of the same text is ambiguous', () => {
    const json: SchemaJson = {
      type: 'struct',
      'schema-id': 0,
      fields: [
        { id: 1, name: 'a.b', required: false, type: 'int' },
        {
          id: 2,
          name: 'a',
          required: false,
          type: { type: 'struct', fields: [{ id: 3, name: 'b', required: false, type: 'int' }] },
        },
      ],
    }
    expect(() => findFieldByName(schemaFromJson(json), 'a.b')).toThrow(InvalidExpressionError)
    expect(findFieldByName(schemaFromJson(json), 'a')?.id).toBe(2)
  })
})

describe('JSON', () => {
  test('comes back as it was', () => {
    const json = schemaToJson(nested)
    expect(sameSchema(schemaFromJson(json), nested)).toBe(true)
    expect(schemaToJson(schemaFromJson(json))).toEqual(json)
    expect(json['schema-id']).toBe(3)
    expect(json['identifier-field-ids']).toEqual([1, 3])
  })

  test('is parsed once', () => {
    const json = schemaToJson(nested)
    expect(schemaFromJson(json)).toBe(schemaFromJson(json))
  })

  test('of v1 has no schema id, and no identifiers are none', () => {
    const json: unknown = { type: 'struct', fields: [{ id: 1, name: 'a', required: false, type: 'int' }] }
    const schema = schemaFromJson(json as SchemaJson)
    expect(schema).toMatchObject({ schemaId: 0, identifierFieldIds: [] })
    expect('identifier-field-ids' in schemaToJson(schema)).toBe(false)
  })

  test('with one id twice is refused', () => {
    const fields = ['a', 'b'].map((name) => ({ id: 1, name, required: false, type: 'int' }))
    expect(() => schemaFromJson({ type: 'struct', 'schema-id': 0, fields })).toThrow(InvalidArgumentError)
  })

  test('of odd names that others wrote is read', () => {
    const fields = ['', 'a', 'a'].map((name, i) => ({ id: i + 1, name, required: false, type: 'int' }))
    expect(schemaFromJson({ type: 'struct', 'schema-id': 0, fields }).fields).toHaveLength(3)
  })
})

test('sameSchema ignores the schema id and nothing else', () => {
  expect(sameSchema(nested, { ...nested, schemaId: 9 })).toBe(true)
  expect(sameSchema(nested, { ...nested, identifierFieldIds: [3, 1] })).toBe(true)
  expect(sameSchema(nested, { ...nested, identifierFieldIds: [1] })).toBe(false)
  const [first, ...others] = nested.fields
  if (first === undefined) throw new Error('no fields')
  const changed = (change: Partial<NestedField>): Schema => ({
    ...nested,
    fields: [{ ...first, ...change }, ...others],
  })
  expect(sameSchema(nested, changed({}))).toBe(true)
  expect(sameSchema(nested, changed({ name: 'ID' }))).toBe(false)
  expect(sameSchema(nested, changed({ doc: 'x' }))).toBe(false)
  expect(sameSchema(nested, changed({ required: false }))).toBe(false)
  expect(sameSchema(nested, changed({ writeDefault: 0 }))).toBe(false)
  expect(sameSchema(nested, { ...nested, fields: [...others, first] })).toBe(false)
})

describe('fresh ids', () => {
  const wanted: Schema = {
    schemaId: 0,
    fields: [
      field(1, 'id', int, true),
      field(2, 'tags', { kind: 'list', elementId: 3, elementRequired: true, element: string }),
      field(4, 'm', {
        kind: 'map',
        keyId: 5,
        key: string,
        valueId: 6,
        valueRequired: true,
        value: { kind: 'struct', fields: [field(7, 'p'), field(8, 'q')] },
      }),
      field(9, 'z', string),
    ],
    identifierFieldIds: [1],
  }

  test('are given out level by level', () => {
    const { schema, lastColumnId, idMap } = assignFreshIds(wanted)
    const ids = Object.fromEntries([...idMap.values()].map((id) => [fieldName(schema, id), id]))
    expect(ids).toEqual({
      id: 1,
      tags: 2,
      m: 3,
      z: 4,
      'tags.element': 5,
      'm.key': 6,
      'm.value': 7,
      'm.value.p': 8,
      'm.value.q': 9,
    })
    expect(lastColumnId).toBe(9)
    expect(idMap.get(9)).toBe(4)
    expect(schemaProblems(schema)).toEqual([])
  })

  test('go to a map’s key and value before what is inside the key', () => {
    const key: Type = { kind: 'struct', fields: [field(7, 'k', int, true)] }
    const map: Type = { kind: 'map', keyId: 5, key, valueId: 6, valueRequired: true, value: int }
    const { schema } = assignFreshIds({ schemaId: 0, fields: [field(1, 'm', map)], identifierFieldIds: [] })
    const ids = ['m', 'm.key', 'm.value', 'm.key.k'].map((name) => findFieldByName(schema, name)?.id)
    expect(ids).toEqual([1, 2, 3, 4])
  })

  test('take identifiers along', () => {
    const { schema } = assignFreshIds({ ...wanted, fields: wanted.fields.toReversed() })
    expect(schema.identifierFieldIds.map((id) => fieldName(schema, id))).toEqual(['id'])
    expect(schema.identifierFieldIds).toEqual([4])
  })

  test('may go on from another id', () => {
    const { schema, lastColumnId } = assignFreshIds(wanted, 21)
    expect(schema.fields.map(({ id }) => id)).toEqual([21, 22, 23, 24])
    expect(lastColumnId).toBe(29)
  })

  test('of an equal schema are equal', () => {
    const once = assignFreshIds(wanted).schema
    expect(sameSchema(assignFreshIds(once).schema, once)).toBe(true)
  })
})

describe('selecting', () => {
  test.each([
    [['id'], ['id']],
    [['point'], ['point.x', 'point.y']],
    [['point.y'], ['point.y']],
    [
      ['point.y', 'point.x'],
      ['point.x', 'point.y'],
    ],
    [
      ['props', 'id'],
      ['props.key', 'props.value.a', 'id'],
    ],
    [['tags.element.weight'], ['tags.element.weight']],
    [['tags.element'], ['tags.element.label', 'tags.element.weight']],
    [['props.value.a'], ['props.key', 'props.value.a']],
    [['props.key'], ['props.key', 'props.value.a']],
    [
      ['point.x', 'point'],
      ['point.x', 'point.y'],
    ],
    [
      [8, 1],
      ['tags.element.weight', 'id'],
    ],
    [[], []],
  ])('%o gives %o', (columns, leaves) => {
    expect(names(selectFields(nested, columns))).toEqual(leaves)
  })

  test('keeps the identifiers that are left', () => {
    expect(selectFields(nested, ['point.x']).identifierFieldIds).toEqual([3])
    expect(selectFields(nested, ['tags']).identifierFieldIds).toEqual([])
  })

  test('honours the case option, and refuses what is not there', () => {
    expect(names(selectFields(nested, ['POINT.Y'], { caseSensitive: false }))).toEqual(['point.y'])
    expect(() => selectFields(nested, ['POINT.Y'])).toThrow(InvalidExpressionError)
    expect(() => selectFields(nested, [99])).toThrow(InvalidExpressionError)
  })
})

describe('a schema of our own', () => {
  const problems = (fields: readonly NestedField[], identifierFieldIds: readonly number[] = []) =>
    schemaProblems({ schemaId: 0, fields, identifierFieldIds }).map(
      ({ column, reason }) => `${column}: ${reason}`,
    )

  test('has no id twice, at any depth', () => {
    const inner = field(1, 'x')
    expect(problems([field(1, 'a'), field(2, 'b', { kind: 'struct', fields: [inner] })])).toEqual([
      expect.stringContaining('b.x: has the field id 1'),
    ])
  })

  test('has no name twice, at one level', () => {
    expect(problems([field(1, 'a'), field(2, 'a')])).toEqual([
      expect.stringContaining('a: is there more than once'),
    ])
    expect(
      problems([field(1, 'a.b'), field(2, 'a', { kind: 'struct', fields: [field(3, 'b')] })]),
    ).toHaveLength(1)
    expect(
      problems([field(1, 'a'), field(2, 'A'), field(3, 'b', { kind: 'struct', fields: [field(4, 'a')] })]),
    ).toEqual([])
    expect(problems([field(1, '')])).toHaveLength(1)
  })

  // Iceberg spec, "Reserved Field IDs": ids greater than 2147483447.
  test('has no id of the reserved range', () => {
    expect(MAX_FIELD_ID).toBe(2147483447)
    expect(problems([field(2147483447, 'a')])).toEqual([])
    expect(problems([field(2147483448, 'a')])).toHaveLength(1)
    expect(() => createSchema({ fields: [field(2147483546, 'file_path', string)] })).toThrow(
      InvalidArgumentError,
    )
    expect(
      createSchema({ fields: [field(2147483546, 'file_path', string)], allowReservedIds: true }).fields,
    ).toHaveLength(1)
  })

  test('has optional columns where the type is not known yet', () => {
    expect(problems([field(1, 'a', { kind: 'unknown' }, true)])).toHaveLength(1)
    expect(problems([field(1, 'a', { kind: 'unknown' })])).toEqual([])
  })

  // Iceberg spec, "Identifier Field IDs".
  test.each([
    ['that is optional', field(1, 'a'), 1, 'optional'],
    ['of floats', field(1, 'a', { kind: 'float' }, true), 1, 'float'],
    ['of doubles', field(1, 'a', { kind: 'double' }, true), 1, 'double'],
    ['that is a struct', field(1, 'a', { kind: 'struct', fields: [] }, true), 1, 'not primitive'],
    ['that does not exist', field(1, 'a'), 7, 'does not exist'],
    [
      'within an optional struct',
      field(1, 's', { kind: 'struct', fields: [field(2, 'id', int, true)] }),
      2,
      "optional 's'",
    ],
    [
      'within a list',
      field(1, 'l', { kind: 'list', elementId: 2, elementRequired: true, element: int }, true),
      2,
      'list or map',
    ],
    [
      'that is a map’s key',
      field(1, 'm', { kind: 'map', keyId: 2, key: int, valueId: 3, valueRequired: true, value: int }, true),
      2,
      'list or map',
    ],
  ])('has no identifier %s', (_, column, identifier, reason) => {
    expect(problems([column], [identifier])).toEqual([expect.stringContaining(reason)])
  })

  // Iceberg spec, "Default values".
  test.each<readonly [string, Type, unknown, string | null]>([
    ['of its type', { kind: 'date' }, '2017-11-16', null],
    ['that are falsy', { kind: 'boolean' }, false, null],
    ['that is a list', { kind: 'list', elementId: 2, elementRequired: true, element: int }, [1, 2], null],
    ['that is the empty struct', { kind: 'struct', fields: [] }, {}, null],
    ['of another type', { kind: 'date' }, 17486, 'no value of type date'],
    [
      'of another scale',
      { kind: 'decimal', precision: 9, scale: 2 },
      '1.5',
      'no value of type decimal(9, 2)',
    ],
    [
      'with wrong elements',
      { kind: 'list', elementId: 2, elementRequired: true, element: int },
      ['1'],
      'no value',
    ],
    ['that fills a struct', { kind: 'struct', fields: [field(2, 'x')] }, { '2': 1 }, 'empty struct'],
    ['of a geometry', { kind: 'geometry', crs: null }, 'POINT (30 10)', 'no geometry can have'],
    ['of a variant', { kind: 'variant' }, {}, 'no variant can have'],
  ])('has a default %s, or not', (_, type, value, reason) => {
    const found = problems([{ ...field(1, 'a', type), writeDefault: value }])
    expect(found).toEqual(reason === null ? [] : [expect.stringContaining(reason)])
    expect(problems([{ ...field(1, 'a', type), initialDefault: value }])).toEqual(found)
  })

  test('may have identifiers within required structs', () => {
    expect(
      problems([field(1, 's', { kind: 'struct', fields: [field(2, 'id', int, true)] }, true)], [2]),
    ).toEqual([])
  })

  test('lists every problem, and throws the first', () => {
    const fields = [field(1, 'a'), field(2, 'a'), field(MAX_FIELD_ID + 1, 'c')]
    expect(problems(fields)).toHaveLength(2)
    expect(() => createSchema({ fields })).toThrow(/'a' is there more than once/)
  })
})
