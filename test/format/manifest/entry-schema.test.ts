import { describe, expect, test } from 'vitest'
import { readAvroHeader } from '../../../src/format/manifest/avro.ts'
import type { PartitionSpec } from '../../../src/format/partition-spec.ts'
import type { PrimitiveType } from '../../../src/format/types.ts'
import { addedEntry, identitySpec, readBack, schemaOf, writeRegions } from './fixtures.ts'

function avroSchemaOf(bytes: Uint8Array) {
  return JSON.parse(readAvroHeader(bytes, 'm.avro').schemaText)
}

/** Every field of an Avro schema, at every depth, by its field id. */
function fieldsById(type: unknown, found = new Map<number, Record<string, unknown>>()) {
  if (Array.isArray(type)) for (const branch of type) fieldsById(branch, found)
  if (typeof type !== 'object' || type === null) return found
  const node = { ...type } as Record<string, unknown>
  if (Array.isArray(node['fields'])) {
    for (const field of node['fields']) {
      expect(field['field-id'], `${field.name} has a field id`).toBeTypeOf('number')
      found.set(field['field-id'], field)
      fieldsById(field.type, found)
    }
  }
  fieldsById(node['items'], found)
  fieldsById(node['type'], found)
  return found
}

describe('the Avro schema', () => {
  const required = { 1: [0, 1, 2, 100, 101, 102, 103, 104, 105], 2: [0, 2, 134, 100, 101, 102, 103, 104] }

  test.each([1, 2] as const)(
    'v%i: required fields are plain, optional ones are [null, T] with default null',
    (version) => {
      const fields = fieldsById(avroSchemaOf(writeRegions({ formatVersion: version }).bytes))
      for (const [id, field] of fields) {
        const isMapEntry = id >= 117 && id <= 139 && ['key', 'value'].includes(String(field['name']))
        if (required[version].includes(id) || isMapEntry) {
          expect(field['type'], String(field['name'])).not.toBeInstanceOf(Array)
          expect(field).not.toHaveProperty('default')
        } else {
          expect(field['type'], String(field['name'])).toHaveLength(2)
          expect(field['type']).toHaveProperty('0', 'null')
          expect(field).toHaveProperty('default', null)
        }
      }
      expect(required[version].filter((id) => !fields.has(id))).toEqual([])
    },
  )

  test('maps are arrays of key and value records with the ids of the spec', () => {
    const fields = fieldsById(avroSchemaOf(writeRegions({}).bytes))
    const map = (name: string, key: number, value: number, type: string) => ({
      name,
      type: [
        'null',
        {
          type: 'array',
          logicalType: 'map',
          items: {
            type: 'record',
            name: `k${key}_v${value}`,
            fields: [
              { name: 'key', type: 'int', 'field-id': key },
              { name: 'value', type, 'field-id': value },
            ],
          },
        },
      ],
    })
    expect(fields.get(108)).toMatchObject(map('column_sizes', 117, 118, 'long'))
    expect(fields.get(109)).toMatchObject(map('value_counts', 119, 120, 'long'))
    expect(fields.get(110)).toMatchObject(map('null_value_counts', 121, 122, 'long'))
    expect(fields.get(137)).toMatchObject(map('nan_value_counts', 138, 139, 'long'))
    expect(fields.get(125)).toMatchObject(map('lower_bounds', 126, 127, 'bytes'))
    expect(fields.get(128)).toMatchObject(map('upper_bounds', 129, 130, 'bytes'))
  })

  test('lists carry the id of their element', () => {
    const fields = fieldsById(avroSchemaOf(writeRegions({}).bytes))
    expect(fields.get(132)?.['type']).toEqual(['null', { type: 'array', items: 'long', 'element-id': 133 }])
    expect(fields.get(135)?.['type']).toEqual(['null', { type: 'array', items: 'int', 'element-id': 136 }])
  })

  test.each<[PrimitiveType, unknown]>([
    [{ kind: 'boolean' }, 'boolean'],
    [{ kind: 'int' }, 'int'],
    [{ kind: 'long' }, 'long'],
    [{ kind: 'float' }, 'float'],
    [{ kind: 'double' }, 'double'],
    [{ kind: 'string' }, 'string'],
    [{ kind: 'binary' }, 'bytes'],
    [{ kind: 'date' }, { type: 'int', logicalType: 'date' }],
    [{ kind: 'time' }, { type: 'long', logicalType: 'time-micros' }],
    [{ kind: 'timestamp' }, { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false }],
    [{ kind: 'timestamptz' }, { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }],
    [{ kind: 'uuid' }, { type: 'fixed', name: 'uuid_fixed', size: 16, logicalType: 'uuid' }],
    [
      { kind: 'fixed', length: 3 },
      { type: 'fixed', name: 'fixed_3', size: 3 },
    ],
    [
      { kind: 'decimal', precision: 9, scale: 2 },
      { type: 'fixed', name: 'decimal_9_2', size: 4, logicalType: 'decimal', precision: 9, scale: 2 },
    ],
  ])('the partition type of %o', (type, avro) => {
    const schema = schemaOf({ c: type })
    const { bytes } = writeRegions({
      schema,
      spec: identitySpec(schema),
      entries: [addedEntry({ partition: [null] })],
    })
    expect(fieldsById(avroSchemaOf(bytes)).get(1000)).toEqual({
      name: 'c',
      'field-id': 1000,
      type: ['null', avro],
      default: null,
    })
  })

  // The spec: the fewest bytes that hold the precision.
  test.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 2],
    [9, 4],
    [10, 5],
    [18, 8],
    [19, 9],
    [20, 9],
    [38, 16],
  ])('a decimal of precision %i takes %i bytes', (precision, size) => {
    const schema = schemaOf({ c: { kind: 'decimal', precision, scale: 0 } })
    const { bytes } = writeRegions({
      schema,
      spec: identitySpec(schema),
      entries: [addedEntry({ partition: [null] })],
    })
    const type = fieldsById(avroSchemaOf(bytes)).get(1000)?.['type']
    expect(type).toMatchObject(['null', { size }])
  })

  test('a bucket of a uuid is an int, its identity 16 bytes', () => {
    const schema = schemaOf({ u: { kind: 'uuid' } })
    const spec: PartitionSpec = {
      specId: 0,
      fields: [
        { sourceId: 1, fieldId: 1000, name: 'u_bucket', transform: { kind: 'bucket', buckets: 4 } },
        { sourceId: 1, fieldId: 1001, name: 'u', transform: { kind: 'identity' } },
      ],
    }
    const partition = [3, 'f79c3e09-677c-4bbd-a479-3f349cb785e7']
    const written = writeRegions({ schema, spec, entries: [addedEntry({ partition })] })
    const fields = fieldsById(avroSchemaOf(written.bytes))
    expect(fields.get(1000)?.['type']).toEqual(['null', 'int'])
    expect(fields.get(1001)?.['type']).toMatchObject([
      'null',
      { type: 'fixed', size: 16, logicalType: 'uuid' },
    ])
    expect(readBack(written, schema, spec)[0]?.file.partition).toEqual(partition)
    // One less in the first half, which holds however a reader orders uuids: values/uuid-bounds.ts.
    expect(written.partitions?.[1]?.lowerBound).toEqual(
      Uint8Array.from([0xf7, 0x9c, 0x3e, 0x09, 0x67, 0x7c, 0x4b, 0xbc, 0, 0, 0, 0, 0, 0, 0, 0]),
    )
  })

  test('names that Avro does not allow are escaped, keep their id and the real name beside', () => {
    const schema = schemaOf({
      'my#str%x': { kind: 'int' },
      '9lives': { kind: 'int' },
      'é😀': { kind: 'int' },
    })
    const { bytes } = writeRegions({
      schema,
      spec: identitySpec(schema),
      entries: [addedEntry({ partition: [null, null, null] })],
    })
    const fields = fieldsById(avroSchemaOf(bytes))
    expect(fields.get(1000)).toMatchObject({ name: 'my_x23str_x25x', 'iceberg-field-name': 'my#str%x' })
    expect(fields.get(1001)).toMatchObject({ name: '_9lives', 'iceberg-field-name': '9lives' })
    expect(fields.get(1002)).toMatchObject({ name: '_xE9_xD83D_xDE00', 'iceberg-field-name': 'é😀' })
  })

  test('no two fields and no two named types get one name', () => {
    const decimal = { kind: 'decimal', precision: 9, scale: 2 } as const
    const schema = schemaOf({ 'a b': decimal, a_x20b: decimal })
    const { bytes } = writeRegions({
      schema,
      spec: identitySpec(schema),
      entries: [addedEntry({ partition: [1n, 2n] })],
    })
    const fields = fieldsById(avroSchemaOf(bytes))
    expect(fields.get(1000)?.['name']).not.toBe(fields.get(1001)?.['name'])
    expect(fields.get(1000)?.['type']).toMatchObject(['null', { name: 'decimal_9_2' }])
    expect(fields.get(1001)?.['type']).toMatchObject(['null', { name: 'decimal_9_2_1001' }])
  })
})
