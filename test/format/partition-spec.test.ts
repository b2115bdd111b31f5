import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import type { PartitionSpecJson } from '../../src/format/metadata/table-metadata.ts'
import {
  createSpec,
  highestPartitionFieldId,
  partitionFieldsFromJson,
  partitionType,
  sameFields,
  specFromJson,
  specProblems,
  specToJson,
  UNPARTITIONED,
} from '../../src/format/partition-spec.ts'
import type { PartitionFieldRequest } from '../../src/format/partition-spec.ts'
import { createSchema } from '../../src/format/schema.ts'
import type { NestedField, Type } from '../../src/format/types.ts'

function field(id: number, name: string, type: Type, required = false): NestedField {
  return { id, name, required, type }
}

const schema = createSchema({
  fields: [
    field(1, 'id', { kind: 'long' }, true),
    field(2, 'ts', { kind: 'timestamp' }),
    field(3, 'name', { kind: 'string' }),
    field(4, 'ratio', { kind: 'double' }),
    field(5, 's', { kind: 'struct', fields: [field(6, 'day', { kind: 'date' })] }),
    field(7, 'tags', { kind: 'list', elementId: 8, elementRequired: false, element: { kind: 'string' } }),
    field(9, 'ts_year', { kind: 'int' }),
  ],
})

describe('JSON', () => {
  // Iceberg spec, Appendix C, "Partition Specs".
  const json: PartitionSpecJson = {
    'spec-id': 4,
    fields: [
      { 'source-id': 4, 'field-id': 1000, name: 'ts_day', transform: 'day' },
      { 'source-id': 1, 'field-id': 1001, name: 'id_bucket', transform: 'bucket[16]' },
    ],
  }

  test('comes back as it was', () => {
    expect(specToJson(specFromJson(json))).toEqual(json)
    expect(specFromJson(json)).toBe(specFromJson(json))
    expect(highestPartitionFieldId(specFromJson(json))).toBe(1001)
    expect(highestPartitionFieldId(UNPARTITIONED)).toBe(999)
  })

  test('of v1 has no field ids: they count from 1000', () => {
    const fields = partitionFieldsFromJson([
      { 'source-id': 1, name: 'a', transform: 'identity' },
      { 'source-id': 2, name: 'b', transform: 'void' },
    ])
    expect(fields.map(({ fieldId }) => fieldId)).toEqual([1000, 1001])
  })

  test('with a transform that is not known is carried', () => {
    const unknown: PartitionSpecJson = {
      'spec-id': 1,
      fields: [{ 'source-id': 1, 'field-id': 1000, name: 'z', transform: 'zorder[3]' }],
    }
    expect(specToJson(specFromJson(unknown))).toEqual(unknown)
    expect(partitionType(specFromJson(unknown), schema)).toEqual([
      { fieldId: 1000, name: 'z', type: { kind: 'unknown' } },
    ])
  })

  test('with several sources is carried, never applied', () => {
    const field: unknown = { 'source-ids': [1, 2], 'field-id': 1000, name: 'b', transform: 'bucket[4]' }
    const [parsed] = partitionFieldsFromJson([field])
    expect(parsed).toMatchObject({
      sourceId: 1,
      sourceIds: [1, 2],
      transform: { kind: 'unknown', text: 'bucket[4]' },
    })
    const written = specToJson({ specId: 0, fields: parsed === undefined ? [] : [parsed] })
    expect(written.fields[0]?.['source-ids']).toEqual([1, 2])
    const one: unknown = { 'source-ids': [1], 'field-id': 1000, name: 'b', transform: 'bucket[4]' }
    expect(partitionFieldsFromJson([one])[0]?.transform).toEqual({ kind: 'bucket', buckets: 4 })
  })

  test.each([
    [null, 'partition-spec'],
    [[{ 'source-id': 1, transform: 'identity' }], 'partition-spec[0].name'],
    [[{ name: 'a', transform: 'identity' }], 'partition-spec[0].source-id'],
    [[{ 'source-ids': [], name: 'a', transform: 'identity' }], 'partition-spec[0].source-ids[0]'],
    [[{ 'source-id': 1, name: 'a', transform: 7 }], 'partition-spec[0].transform'],
  ])('%o is malformed at %s', (json_, path) => {
    expect(() => partitionFieldsFromJson(json_)).toThrow(`${path}: expected`)
  })
})

describe('the type of partitions', () => {
  const spec = (transform: string, sourceId: number) =>
    specFromJson({
      'spec-id': 1,
      fields: [{ 'source-id': sourceId, 'field-id': 1000, name: 'p', transform }],
    })

  test.each([
    ['identity', 3, { kind: 'string' }],
    ['void', 3, { kind: 'string' }],
    ['bucket[4]', 3, { kind: 'int' }],
    ['month', 2, { kind: 'int' }],
    ['day', 2, { kind: 'date' }],
    // Column 99 was dropped.
    ['identity', 99, { kind: 'unknown' }],
    ['void', 99, { kind: 'unknown' }],
    ['truncate[4]', 99, { kind: 'unknown' }],
    ['bucket[4]', 99, { kind: 'int' }],
    ['hour', 99, { kind: 'int' }],
    ['day', 99, { kind: 'date' }],
  ])('of %s over column %i', (transform, sourceId, type) => {
    expect(partitionType(spec(transform, sourceId), schema)).toEqual([{ fieldId: 1000, name: 'p', type }])
  })

  test('keeps a place for every field', () => {
    const fields = [99, 3].map((id, i) => ({
      'source-id': id,
      'field-id': 1000 + i,
      name: `p${i}`,
      transform: 'identity',
    }))
    expect(
      partitionType(specFromJson({ 'spec-id': 1, fields }), schema).map(({ type }) => type.kind),
    ).toEqual(['unknown', 'string'])
  })
})

describe('a spec of our own', () => {
  test('names its fields after source and transform', () => {
    const requests = [
      { source: 'id', transform: 'bucket[16]' },
      { source: 'id', transform: 'truncate[10]' },
      { source: 'name', transform: 'identity' },
      { source: 'ts', transform: 'month' },
      { source: 's.day', transform: 'day' },
      { source: 'ts', transform: 'void' },
    ]
    const spec = createSpec(schema, requests, { specId: 2, firstFieldId: 1005 })
    expect(spec.specId).toBe(2)
    expect(spec.fields.map(({ name }) => name)).toEqual([
      'id_bucket',
      'id_trunc',
      'name',
      'ts_month',
      's.day_day',
      'ts_null',
    ])
    expect(spec.fields.map(({ fieldId }) => fieldId)).toEqual([1005, 1006, 1007, 1008, 1009, 1010])
    expect(spec.fields.map(({ sourceId }) => sourceId)).toEqual([1, 1, 3, 2, 6, 2])
    expect(createSpec(schema, [])).toEqual(UNPARTITIONED)
  })

  test.each<readonly [string, readonly PartitionFieldRequest[]]>([
    ['an identity field named as its own column', [{ source: 'name', transform: 'identity' }]],
    ['an identity field under another name', [{ source: 'name', transform: 'identity', name: 'who' }]],
    ['a void field named as its own column', [{ source: 'name', transform: 'void', name: 'name' }]],
    ['an identity field of a nested column', [{ source: 's.day', transform: 'identity' }]],
  ])('may have %s', (_, requests) => {
    expect(specProblems(schema, requests)).toEqual([])
  })

  test.each<readonly [string, readonly PartitionFieldRequest[], string]>([
    ['a column that is not there', [{ source: 'nope', transform: 'identity' }], "no column 'nope'"],
    ['a transform that is not known', [{ source: 'id', transform: 'zorder' }], "'zorder' is not known"],
    ['a bucket count of zero', [{ source: 'id', transform: 'bucket[0]' }], 'is not known'],
    [
      'a transform that the type does not allow',
      [{ source: 'ratio', transform: 'bucket[4]' }],
      'not allowed',
    ],
    ['hours of a date', [{ source: 's.day', transform: 'hour' }], 'not allowed'],
    ['a struct', [{ source: 's', transform: 'identity', name: 'p' }], 'not primitive'],
    ['an element of a list', [{ source: 'tags.element', transform: 'identity', name: 'p' }], 'list or map'],
    [
      'a void field named as another column',
      [{ source: 'name', transform: 'void', name: 'id' }],
      'that of a column',
    ],
    [
      'an identity field named as another column',
      [{ source: 'name', transform: 'identity', name: 'id' }],
      'that of a column',
    ],
    [
      'another transform named as its own column',
      [{ source: 'ts', transform: 'day', name: 'ts' }],
      'that of a column',
    ],
    [
      'a derived name that is a column',
      [{ source: 'ts', transform: 'year' }],
      "'ts_year' is that of a column",
    ],
    [
      'a name of a nested column',
      [{ source: 'id', transform: 'identity', name: 's.day' }],
      'that of a column',
    ],
    ['an empty name', [{ source: 'id', transform: 'identity', name: '' }], 'empty'],
    [
      'a name twice',
      [
        { source: 'id', transform: 'bucket[4]' },
        { source: 'id', transform: 'bucket[8]' },
      ],
      "'id_bucket' is used more than once",
    ],
    [
      'a field twice',
      [
        { source: 'id', transform: 'bucket[4]' },
        { source: 'id', transform: 'bucket[4]', name: 'again' },
      ],
      'already partitioned',
    ],
    [
      'two parts of one time',
      [
        { source: 'ts', transform: 'month' },
        { source: 'ts', transform: 'day' },
      ],
      'already partitioned',
    ],
  ])('has not %s', (_, requests, reason) => {
    expect(specProblems(schema, requests).map((problem) => problem.reason)).toEqual([
      expect.stringContaining(reason),
    ])
    expect(() => createSpec(schema, requests)).toThrow(InvalidArgumentError)
  })

  test('says which field is at fault', () => {
    const requests = [
      { source: 'id', transform: 'identity' },
      { source: 'nope', transform: 'identity' },
    ]
    expect(specProblems(schema, requests).map(({ position }) => position)).toEqual([1])
    expect(() => createSpec(schema, requests)).toThrow(/field 2/)
  })
})

describe('specs of others', () => {
  test('load with names that we would not give', () => {
    const fields = [
      { 'source-id': 3, 'field-id': 1000, name: 'name', transform: 'void' },
      { 'source-id': 3, 'field-id': 1001, name: 'id', transform: 'void' },
      { 'source-id': 2, 'field-id': 1002, name: 'ts', transform: 'day' },
    ]
    expect(specFromJson({ 'spec-id': 1, fields }).fields.map(({ name }) => name)).toEqual([
      'name',
      'id',
      'ts',
    ])
  })
})

test('specs are equivalent whatever their ids', () => {
  const a = createSpec(schema, [{ source: 'ts', transform: 'month' }])
  expect(
    sameFields(
      a,
      createSpec(schema, [{ source: 'ts', transform: 'month' }], { specId: 7, firstFieldId: 1009 }),
    ),
  ).toBe(true)
  expect(sameFields(a, createSpec(schema, [{ source: 'ts', transform: 'month', name: 'm' }]))).toBe(false)
  expect(sameFields(a, createSpec(schema, [{ source: 'ts', transform: 'day' }]))).toBe(false)
  expect(sameFields(a, UNPARTITIONED)).toBe(false)
})
