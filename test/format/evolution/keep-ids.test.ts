/** Ids of columns when a table takes another's place. */
import { expect, test } from 'vitest'
import { keepFieldIds } from '../../../src/format/evolution/keep-ids.ts'
import { replacingFields } from '../../../src/format/evolution/replace-spec.ts'
import { parseType } from '../../../src/format/type-text.ts'
import { assignFreshIds } from '../../../src/format/schema-ids.ts'
import { childFields } from '../../../src/format/nested-fields.ts'
import type { PartitionField } from '../../../src/format/partition-spec.ts'
import type { Schema } from '../../../src/format/schema.ts'
import type { NestedField } from '../../../src/format/types.ts'

function schemaOf(columns: string): Schema {
  const type = parseType(`struct<${columns}>`)
  const fields = type.kind === 'struct' ? type.fields : []
  return assignFreshIds({ schemaId: 0, fields, identifierFieldIds: [] }).schema
}

/** Full names and ids, top down. */
function idsOf(fields: readonly NestedField[], prefix = ''): Record<string, number> {
  return Object.assign(
    {},
    ...fields.map((field) => ({
      [prefix + field.name]: field.id,
      ...idsOf(childFields(field.type), `${prefix}${field.name}.`),
    })),
  )
}

function keep(before: string, wanted: string, last?: number) {
  const schema = schemaOf(before)
  const lastColumnId = last ?? Math.max(...Object.values(idsOf(schema.fields)))
  return keepFieldIds(schemaOf(wanted), {
    schema,
    lastColumnId,
    formatVersion: 2,
    specs: [],
    defaultSpec: { specId: 0, fields: [] },
    sortOrder: { orderId: 0, fields: [] },
  })
}

test.each<[string, string, string, Record<string, number>, number]>([
  ['the same columns, in another order', 'a: int, b: string', 'b: string, a: int', { b: 2, a: 1 }, 2],
  ['new ones get new ids', 'a: int, b: string', 'c: int, a: int', { c: 3, a: 1 }, 3],
  ['a wider type keeps the id', 'a: int, d: decimal(5, 2)', 'a: long, d: decimal(9, 2)', { a: 1, d: 2 }, 2],
  ['a narrower one does not', 'a: long', 'a: int', { a: 2 }, 2],
  ['nor another', 'a: long, b: string', 'a: string, b: binary', { a: 3, b: 4 }, 4],
  ['nor a column that has become a struct', 'a: long', 'a: struct<x: int>', { a: 2, 'a.x': 3 }, 3],
  [
    'inside structs by place and name',
    's: struct<x: int, y: int>, t: struct<x: int>',
    't: struct<x: int, y: int>, s: struct<y: int>',
    { t: 2, 't.x': 5, 't.y': 6, s: 1, 's.y': 4 },
    6,
  ],
  [
    'elements, keys and values',
    'l: list<int>, m: map<string, struct<x: int>>',
    'l: list<long>, m: map<string, struct<x: int, z: int>>',
    { l: 1, 'l.element': 3, m: 2, 'm.key': 4, 'm.value': 5, 'm.value.x': 6, 'm.value.z': 7 },
    7,
  ],
  ['an element of another type', 'l: list<int>', 'l: list<string>', { l: 1, 'l.element': 3 }, 3],
])('%s', (_, before, wanted, ids, last) => {
  const kept = keep(before, wanted)
  expect(idsOf(kept.schema.fields)).toEqual(ids)
  expect(kept.lastColumnId).toBe(last)
})

test('an id that was ever given is never given again', () => {
  expect(keep('a: int', 'a: int, b: int', 9).schema.fields.map(({ id }) => id)).toEqual([1, 10])
})

const field = (sourceId: number, fieldId: number, name: string): PartitionField => ({
  sourceId,
  fieldId,
  name,
  transform: { kind: 'identity' },
})

test('format version 2: the fields as wanted, without ids', () => {
  const before = { specId: 0, fields: [field(1, 1000, 'a')] }
  expect(replacingFields([field(2, 1000, 'b')], before, 2)).toEqual([
    { 'source-id': 2, name: 'b', transform: 'identity' },
  ])
})

test('format version 1: what is not wanted any more becomes void in its place', () => {
  const before = { specId: 0, fields: [field(1, 1000, 'a'), field(2, 1001, 'b'), field(3, 1002, 'c')] }
  expect(replacingFields([field(4, 1000, 'a'), field(2, 1001, 'b')], before, 1)).toEqual([
    { 'source-id': 1, name: 'a_1000', transform: 'void' },
    { 'source-id': 2, name: 'b', transform: 'identity' },
    { 'source-id': 3, name: 'c', transform: 'void' },
    { 'source-id': 4, name: 'a', transform: 'identity' },
  ])
})
