import { describe, expect, test } from 'vitest'
import { InvalidTableConfigError } from '../../../src/errors.ts'
import { newTableMetadata, type NewTable } from '../../../src/format/metadata/create.ts'
import { parseTableMetadata } from '../../../src/format/metadata/parse.ts'
import { serializeTableMetadata } from '../../../src/format/metadata/serialize.ts'
import type { SchemaJson } from '../../../src/format/metadata/table-metadata.ts'
import { FILE, SCHEMA, UUID } from './support.ts'

const NEW: NewTable = { schema: SCHEMA, location: 's3://bucket/db/t', properties: {}, uuid: UUID, nowMs: 5 }

const NESTED: SchemaJson = {
  type: 'struct',
  'schema-id': 3,
  'identifier-field-ids': [10],
  fields: [
    { id: 10, name: 'id', required: true, type: 'long' },
    {
      id: 20,
      name: 'tags',
      required: false,
      type: { type: 'list', 'element-id': 30, element: 'string', 'element-required': false },
    },
    {
      id: 40,
      name: 'm',
      required: false,
      type: {
        type: 'map',
        'key-id': 50,
        key: 'string',
        'value-id': 60,
        value: {
          type: 'struct',
          fields: [
            { id: 70, name: 'a', required: false, type: 'int' },
            { id: 80, name: 'b', required: false, type: 'int' },
          ],
        },
        'value-required': false,
      },
    },
    { id: 90, name: 'z', required: false, type: 'string' },
  ],
}

describe('a new table', () => {
  test('has ids of its own, level by level, and spec, order and identifiers follow', () => {
    const metadata = newTableMetadata({
      ...NEW,
      schema: NESTED,
      spec: { 'spec-id': 7, fields: [{ 'source-id': 90, 'field-id': 5, name: 'z', transform: 'identity' }] },
      sortOrder: {
        'order-id': 4,
        fields: [{ 'source-id': 10, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' }],
      },
    })
    const [schema] = metadata.schemas
    expect(schema?.fields.map((field) => [field.name, field.id])).toEqual([
      ['id', 1],
      ['tags', 2],
      ['m', 3],
      ['z', 4],
    ])
    expect(schema?.fields[1]?.type).toMatchObject({ 'element-id': 5 })
    expect(schema?.fields[2]?.type).toMatchObject({
      'key-id': 6,
      'value-id': 7,
      value: { fields: [{ id: 8 }, { id: 9 }] },
    })
    expect(schema?.['schema-id']).toBe(0)
    expect(schema?.['identifier-field-ids']).toEqual([1])
    expect(metadata['last-column-id']).toBe(9)
    expect(metadata['partition-specs']).toEqual([
      { 'spec-id': 0, fields: [{ 'source-id': 4, 'field-id': 1000, name: 'z', transform: 'identity' }] },
    ])
    expect(metadata['last-partition-id']).toBe(1000)
    expect(metadata['sort-orders']).toEqual([
      {
        'order-id': 1,
        fields: [{ 'source-id': 1, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' }],
      },
    ])
    expect(metadata['default-sort-order-id']).toBe(1)
  })

  test('is unpartitioned and unsorted without a word about it', () => {
    const metadata = newTableMetadata(NEW)
    expect(metadata['partition-specs']).toEqual([{ 'spec-id': 0, fields: [] }])
    expect(metadata['last-partition-id']).toBe(999)
    expect(metadata['sort-orders']).toEqual([{ 'order-id': 0, fields: [] }])
    expect(metadata['default-sort-order-id']).toBe(0)
    expect(metadata['current-snapshot-id']).toBe(null)
    expect(metadata['last-updated-ms']).toBe(5)
  })

  test.each([
    ['1', 1],
    ['2', 2],
    ['3', 3],
    [undefined, 2],
  ] as const)('of format version %s comes back equal from its file', (text, version) => {
    const properties = { owner: 'me', ...(text === undefined ? {} : { 'format-version': text }) }
    const metadata = newTableMetadata({ ...NEW, schema: NESTED, properties })
    expect(metadata['format-version']).toBe(version)
    expect(metadata.properties).toEqual({ owner: 'me' })
    expect(parseTableMetadata(serializeTableMetadata(metadata), FILE)).toEqual(metadata)
  })
})

describe('refused, naming the part', () => {
  const specBy = (id: number, transform = 'identity', name = 'p') => ({
    spec: { 'spec-id': 0, fields: [{ 'source-id': id, 'field-id': 1000, name, transform }] },
  })
  test.each<[string, string, Partial<NewTable>]>([
    ['properties.format-version', 'an unknown version', { properties: { 'format-version': '4' } }],
    ['properties.format-version', 'no version', { properties: { 'format-version': '' } }],
    [
      'schema',
      'duplicate names',
      {
        schema: {
          ...SCHEMA,
          fields: [...SCHEMA.fields, { id: 4, name: 'id', required: false, type: 'int' }],
        },
      },
    ],
    [
      'schema',
      'duplicate ids',
      {
        schema: { ...SCHEMA, fields: [...SCHEMA.fields, { id: 1, name: 'x', required: false, type: 'int' }] },
      },
    ],
    [
      'schema',
      'an unknown type',
      { schema: { ...SCHEMA, fields: [{ id: 1, name: 'x', required: false, type: 'strnig' }] } },
    ],
    [
      'schema',
      'a type of v3',
      { schema: { ...SCHEMA, fields: [{ id: 1, name: 'x', required: false, type: 'timestamp_ns' }] } },
    ],
    ['schema', 'an optional identifier', { schema: { ...SCHEMA, 'identifier-field-ids': [2] } }],
    ['partitionSpec', 'an unknown column', specBy(77)],
    ['partitionSpec', 'a transform that the type has not', specBy(3, 'day')],
    ['partitionSpec', 'the name of another column', specBy(1, 'bucket[4]', 'name')],
    [
      'sortOrder',
      'an unknown column',
      {
        sortOrder: {
          'order-id': 1,
          fields: [{ 'source-id': 77, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
        },
      },
    ],
  ])('%s: %s', (path, _, part) => {
    let error: unknown
    try {
      newTableMetadata({ ...NEW, ...part })
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(InvalidTableConfigError)
    expect(error).toMatchObject({ path })
  })

  test('ids of the request never hit fresh ones by chance', () => {
    // 1 is an id in the table, but not in the request.
    expect(() => newTableMetadata({ ...NEW, schema: NESTED, ...specBy(1) })).toThrow(InvalidTableConfigError)
  })
})
