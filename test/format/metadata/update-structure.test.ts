import { describe, expect, test } from 'vitest'
import { CommitRejectedError } from '../../../src/errors.ts'
import type {
  FieldJson,
  PartitionSpecJson,
  SchemaJson,
  SortOrderJson,
  TableMetadata,
} from '../../../src/format/metadata/table-metadata.ts'
import {
  LAST_ADDED,
  type NewPartitionSpecJson,
  type TableUpdate,
} from '../../../src/format/metadata/updates.ts'
import { defaultSortOrder, defaultSpec } from '../../../src/format/metadata/views.ts'
import { append, apply, edited, emptyTable, parse, SCHEMA, V2 } from './support.ts'

const field = (id: number, name: string, type: FieldJson['type'] = 'int', more: object = {}): FieldJson => ({
  id,
  name,
  required: false,
  type,
  ...more,
})
const schemaOf = (...fields: readonly FieldJson[]): SchemaJson => ({ type: 'struct', 'schema-id': 0, fields })
const add = (schema: SchemaJson, lastColumnId?: number): TableUpdate => ({
  action: 'add-schema',
  schema,
  ...(lastColumnId === undefined ? {} : { 'last-column-id': lastColumnId }),
})
const current: TableUpdate = { action: 'set-current-schema', 'schema-id': LAST_ADDED }
const addSpec = (...fields: NewPartitionSpecJson['fields']): TableUpdate => ({
  action: 'add-spec',
  spec: { fields },
})
const defaultLast: TableUpdate = { action: 'set-default-spec', 'spec-id': LAST_ADDED }
const order = (...fields: SortOrderJson['fields']): TableUpdate => ({
  action: 'add-sort-order',
  'sort-order': { 'order-id': 9, fields },
})
const by = (id: number, transform = 'identity') =>
  ({ 'source-id': id, transform, direction: 'asc', 'null-order': 'nulls-first' }) as const
const specs = (metadata: TableMetadata): readonly PartitionSpecJson[] => metadata['partition-specs']

describe('add-schema', () => {
  const base = emptyTable()
  const wider = schemaOf(...SCHEMA.fields, field(4, 'more'))

  test('gets the next id, and -1 means it', () => {
    const metadata = apply(base, 1, add(wider), current)
    expect(metadata.schemas.map((schema) => schema['schema-id'])).toEqual([0, 1])
    expect(metadata['current-schema-id']).toBe(1)
    expect(metadata['last-column-id']).toBe(4)
  })

  test('equal to one that is there takes its id and adds nothing', () => {
    const metadata = apply(base, 1, add(wider), current)
    expect(apply(metadata, 2, add({ ...SCHEMA, 'schema-id': 77 }))).toBe(metadata)
    const back = apply(metadata, 2, add(SCHEMA), current)
    expect(back['current-schema-id']).toBe(0)
    expect(back.schemas).toEqual(metadata.schemas)
  })

  test('may reserve ids beyond its own', () => {
    expect(apply(base, 1, add(wider, 10))['last-column-id']).toBe(10)
    const reserved = apply(base, 1, add(SCHEMA, 12))
    expect(reserved['last-column-id']).toBe(12)
    expect(reserved.schemas).toHaveLength(1)
  })

  test.each<[string, TableUpdate]>([
    ['last-column-id going down', add(SCHEMA, 2)],
    ['last-column-id below the schema’s own ids', add(wider, 3)],
    ['an id in the reserved range', add(schemaOf(...SCHEMA.fields, field(2147483448, 'r')))],
    ['two fields with one id', add(schemaOf(field(5, 'a'), field(5, 'b')))],
    ['two fields with one name', add(schemaOf(field(5, 'a'), field(6, 'a')))],
    ['a type that nobody knows', add(schemaOf(field(5, 'a', 'strnig')))],
    ['a malformed type', add(schemaOf(field(5, 'a', 'decimal(99,2)')))],
    ['an unknown id as current', { action: 'set-current-schema', 'schema-id': 5 }],
    ['-1 before anything was added', current],
  ])('%s is rejected', (_, update) => {
    expect(() => apply(base, 1, update)).toThrow(CommitRejectedError)
  })

  test('no version gets what only v3 has, at any depth', () => {
    const nested = (type: FieldJson['type'], more: object = {}): readonly FieldJson['type'][] => [
      type,
      { type: 'list', 'element-id': 11, element: type, 'element-required': false },
      { type: 'map', 'key-id': 11, key: 'string', 'value-id': 12, value: type, 'value-required': false },
      { type: 'struct', fields: [field(11, 's', type, more)] },
    ]
    for (const version of ['1', '2', '3']) {
      const table = emptyTable({ 'format-version': version })
      for (const type of ['variant', 'timestamp_ns', 'timestamptz_ns', 'geometry', 'geography', 'unknown']) {
        for (const shape of nested(type)) {
          const run = () => apply(table, 1, add(schemaOf(field(10, 'f', shape))))
          if (version === '3') expect(run().schemas).toHaveLength(2)
          else expect(run).toThrow(/version 3/)
        }
      }
      for (const key of ['initial-default', 'write-default']) {
        const shapes = [
          field(10, 'f', 'int', { [key]: 0 }),
          field(10, 'f', { type: 'struct', fields: [field(11, 's', 'boolean', { [key]: false })] }),
        ]
        for (const each of shapes) {
          const run = () => apply(table, 1, add(schemaOf(each)))
          if (version === '3') expect(run().schemas).toHaveLength(2)
          else expect(run).toThrow(/version 3/)
        }
      }
    }
  })
})

test('an old schema with a type of the future keeps nothing from changing', () => {
  const table = parse(
    edited(V2, {
      schemas: `[${JSON.stringify({ ...SCHEMA, 'schema-id': 4, fields: [field(3, 'name', 'hologram')] })},${JSON.stringify(SCHEMA)}]`,
    }),
  )
  expect(apply(table, 1, add(schemaOf(...SCHEMA.fields, field(4, 'x'))), current)['current-schema-id']).toBe(
    5,
  )
})

describe('a field id', () => {
  const start = emptyTable()
  const dropped = apply(start, 1, add(schemaOf(...SCHEMA.fields.slice(0, 2))), current)

  test('is never used again, not even that of the highest column after it was dropped', () => {
    expect(dropped['last-column-id']).toBe(3)
    expect(() => apply(dropped, 2, add(schemaOf(...SCHEMA.fields.slice(0, 2), field(3, 'other'))))).toThrow(
      /field id 3/,
    )
    expect(() =>
      apply(dropped, 2, add(schemaOf(...SCHEMA.fields.slice(0, 2), field(3, 'name', 'int')))),
    ).toThrow(/field id 3/)
    const next = apply(dropped, 2, add(schemaOf(...SCHEMA.fields.slice(0, 2), field(4, 'other'))), current)
    expect(next['last-column-id']).toBe(4)
  })

  test('stays with the very same column, which may come back', () => {
    const back = apply(dropped, 2, add(schemaOf(...SCHEMA.fields, field(4, 'more'))), current)
    expect(back['current-schema-id']).toBe(2)
  })

  test('within the range but never seen is refused too: somebody may have used and removed it', () => {
    const reserved = apply(start, 1, add(SCHEMA, 9))
    expect(() => apply(reserved, 2, add(schemaOf(...SCHEMA.fields, field(7, 'x'))))).toThrow(/field id 7/)
  })

  test('of a nested field is none the less one', () => {
    const nested = apply(
      start,
      1,
      add(schemaOf(...SCHEMA.fields, field(4, 's', { type: 'struct', fields: [field(5, 'x')] }))),
      current,
    )
    const without = apply(nested, 2, add(SCHEMA), current)
    expect(without['last-column-id']).toBe(5)
    expect(() =>
      apply(
        without,
        3,
        add(schemaOf(...SCHEMA.fields, field(6, 't', { type: 'struct', fields: [field(5, 'x')] }))),
      ),
    ).toThrow(/field id 5/)
  })

  test('survives replacing the table', () => {
    const replaced = apply(
      dropped,
      2,
      { action: 'remove-snapshot-ref', 'ref-name': 'main' },
      add(schemaOf(field(4, 'all')), 4),
      current,
    )
    expect(replaced['last-column-id']).toBe(4)
  })
})

describe('remove-schemas', () => {
  const base = apply(
    append(emptyTable(), 1n, 2000),
    2001,
    add(schemaOf(...SCHEMA.fields, field(4, 'more'))),
    current,
  )

  test('removes what nothing needs', () => {
    const unused = apply(base, 3000, add(schemaOf(...SCHEMA.fields, field(5, 'x'))))
    expect(apply(unused, 3001, { action: 'remove-schemas', 'schema-ids': [2, 88] }).schemas).toHaveLength(2)
    expect(apply(base, 3001, { action: 'remove-schemas', 'schema-ids': [88] })).toBe(base)
  })

  test.each([
    [1, 'the current one'],
    [0, 'one that a snapshot is read with'],
  ])('not schema %i, %s', (id) => {
    expect(() => apply(base, 3000, { action: 'remove-schemas', 'schema-ids': [id] })).toThrow(
      CommitRejectedError,
    )
  })
})

describe('add-spec', () => {
  const base = emptyTable()
  const byDay = { 'source-id': 2, name: 'ts_day', transform: 'day' }
  const byName = { 'source-id': 3, name: 'name', transform: 'identity' }

  test('gets ids where it has none, and those of the same fields in other specs', () => {
    const one = apply(base, 1, addSpec(byDay), defaultLast)
    expect(specs(one)[1]).toEqual({ 'spec-id': 1, fields: [{ ...byDay, 'field-id': 1000 }] })
    expect(one['default-spec-id']).toBe(1)
    expect(one['last-partition-id']).toBe(1000)
    const two = apply(one, 2, addSpec(byName, byDay), defaultLast)
    expect(specs(two)[2]?.fields.map((each) => each['field-id'])).toEqual([1001, 1000])
    expect(two['last-partition-id']).toBe(1001)
    expect(defaultSpec(two).specId).toBe(2)
  })

  test('equal to one that is there takes its id', () => {
    const one = apply(base, 1, addSpec(byDay), defaultLast)
    expect(apply(one, 2, addSpec({ ...byDay, 'field-id': 1050 }))).toBe(one)
    expect(apply(one, 2, addSpec(), defaultLast)['default-spec-id']).toBe(0)
  })

  const one = apply(base, 1, addSpec(byDay, byName), defaultLast)
  test.each<[string, TableUpdate]>([
    [
      'an id of another field',
      addSpec({ 'source-id': 1, name: 'id_b', transform: 'bucket[4]', 'field-id': 1000 }),
    ],
    [
      'an id below the last',
      addSpec({ 'source-id': 1, name: 'id_b', transform: 'bucket[4]', 'field-id': 999 }),
    ],
    [
      'one id twice',
      addSpec(
        { ...byDay, 'field-id': 1002 },
        { 'source-id': 1, name: 'id', transform: 'identity', 'field-id': 1002 },
      ),
    ],
    ['one name twice', addSpec({ ...byDay, name: 'x' }, { ...byName, name: 'x' })],
    ['a column that is not there', addSpec({ ...byDay, 'source-id': 99 })],
    ['a transform that its type has not', addSpec({ ...byName, transform: 'month' })],
    ['a transform that nobody knows', addSpec({ ...byName, transform: 'zorder[2]' })],
    ['the name of another column', addSpec({ ...byDay, name: 'name' })],
    ['an unknown id as default', { action: 'set-default-spec', 'spec-id': 9 }],
    ['-1 before anything was added', defaultLast],
    ['removing the default one', { action: 'remove-partition-specs', 'spec-ids': [1] }],
  ])('%s is rejected', (_, update) => {
    expect(() => apply(one, 2, update)).toThrow(CommitRejectedError)
  })

  test('of v1 counts up from 1000 in every spec', () => {
    const v1 = apply(emptyTable({ 'format-version': '1' }), 1, addSpec(byDay), defaultLast)
    const two = apply(v1, 2, addSpec({ ...byDay, transform: 'void' }, byName), defaultLast)
    expect(specs(two)[2]?.fields.map((each) => each['field-id'])).toEqual([1000, 1001])
    expect(() => apply(v1, 2, addSpec({ ...byName, 'field-id': 1001 }))).toThrow(CommitRejectedError)
  })

  test('is removed when nothing needs it', () => {
    expect(specs(apply(one, 2, { action: 'remove-partition-specs', 'spec-ids': [0, 7] }))).toHaveLength(1)
    expect(apply(one, 2, { action: 'remove-partition-specs', 'spec-ids': [7] })).toBe(one)
  })
})

describe('add-sort-order', () => {
  const base = emptyTable()
  const useLast: TableUpdate = { action: 'set-default-sort-order', 'sort-order-id': LAST_ADDED }

  test('gets the next id, and 0 is unsorted', () => {
    const one = apply(base, 1, order(by(3), by(2, 'day')), useLast)
    expect(one['default-sort-order-id']).toBe(1)
    expect(defaultSortOrder(one).fields.map((each) => each.sourceId)).toEqual([3, 2])
    expect(apply(one, 2, order(by(3), by(2, 'day')))).toBe(one)
    expect(apply(one, 2, order(by(1)), useLast)['default-sort-order-id']).toBe(2)
    expect(apply(one, 2, order(), useLast)['default-sort-order-id']).toBe(0)
  })

  test.each<[string, TableUpdate]>([
    ['a column that is not there', order(by(99))],
    ['a transform that its type has not', order(by(3, 'month'))],
    ['an unknown id as default', { action: 'set-default-sort-order', 'sort-order-id': 9 }],
    ['-1 before anything was added', useLast],
  ])('%s is rejected', (_, update) => {
    expect(() => apply(base, 2, update)).toThrow(CommitRejectedError)
  })
})

describe('what writers use together must fit', () => {
  const base = apply(
    emptyTable(),
    1,
    addSpec({ 'source-id': 2, name: 'ts_day', transform: 'day' }),
    defaultLast,
    order(by(3)),
    { action: 'set-default-sort-order', 'sort-order-id': LAST_ADDED },
  )
  const without = (id: number) => add(schemaOf(...SCHEMA.fields.filter((each) => each.id !== id)))

  test('a column of the default spec or order cannot go', () => {
    expect(() => apply(base, 2, without(2), current)).toThrow(/ts_day/)
    expect(() => apply(base, 2, without(3), current)).toThrow(/sorted/)
    expect(apply(base, 2, without(2), current, addSpec(), defaultLast)['default-spec-id']).toBe(0)
  })

  test('a foreign table where they do not can still be changed in other ways', () => {
    const broken = parse(
      edited(V2, {
        'partition-specs':
          '[{"spec-id":0,"fields":[{"source-id":77,"field-id":1000,"name":"x","transform":"day"}]}]',
      }),
    )
    expect(apply(broken, 1, { action: 'set-properties', updates: { a: 'b' } }).properties['a']).toBe('b')
  })
})
