/** Ids by which the snapshots of a commit name what else it adds. */
import { expect, test } from 'vitest'
import { hasStatedIds } from '../../../src/format/metadata/added-ids.ts'
import type { TableMetadata } from '../../../src/format/metadata/table-metadata.ts'
import { applyUpdates, type TableUpdate } from '../../../src/format/metadata/updates.ts'
import { emptyTable, nextSnapshot, SCHEMA } from './support.ts'

/** The schema with its last column under another name. */
const schemaUpdate = (id: number, name: string): TableUpdate => ({
  action: 'add-schema',
  schema: {
    ...SCHEMA,
    'schema-id': id,
    fields: SCHEMA.fields.map((field) => (field.id === 3 ? { ...field, name } : field)),
  },
})
const specUpdate = (id: number | undefined, transform: string): TableUpdate => ({
  action: 'add-spec',
  spec: {
    ...(id === undefined ? {} : { 'spec-id': id }),
    fields: [{ 'source-id': 1, name: 'part', transform }],
  },
})
const orderUpdate = (id: number, column: number): TableUpdate => ({
  action: 'add-sort-order',
  'sort-order': {
    'order-id': id,
    fields: [{ 'source-id': column, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
  },
})
const snapshotUpdate = (base: TableMetadata, schemaId: number): TableUpdate => ({
  action: 'add-snapshot',
  snapshot: { ...nextSnapshot(base, 7n, 1), 'schema-id': schemaId },
})

const hasIds = (base: TableMetadata, updates: readonly TableUpdate[]): boolean =>
  hasStatedIds(applyUpdates(base, updates, { nowMs: 2 }), updates)

const table = emptyTable()
/** The table after somebody else has added one of each. */
const taken = applyUpdates(
  table,
  [schemaUpdate(1, 'theirs'), specUpdate(1, 'bucket[4]'), orderUpdate(1, 1)],
  { nowMs: 1 },
)

test.each<[string, number, TableUpdate, TableUpdate]>([
  ['a schema', 1, schemaUpdate(1, 'ours'), schemaUpdate(1, 'theirs')],
  ['a partition spec', 0, specUpdate(1, 'bucket[8]'), specUpdate(1, 'bucket[4]')],
  ['a sort order', 0, orderUpdate(1, 2), orderUpdate(1, 1)],
])('%s has the id that was next, unless others took it for another', (_, schemaId, ours, theirs) => {
  expect(hasIds(table, [ours, snapshotUpdate(table, schemaId)])).toBe(true)
  expect(hasIds(taken, [ours, snapshotUpdate(taken, schemaId)])).toBe(false)
  // The very same is as good.
  expect(hasIds(taken, [theirs, snapshotUpdate(taken, schemaId)])).toBe(true)
})

test('what no snapshot can have been written by may get any id', () => {
  expect(hasIds(taken, [schemaUpdate(1, 'ours'), specUpdate(1, 'bucket[8]'), orderUpdate(1, 2)])).toBe(true)
  expect(hasIds(taken, [schemaUpdate(0, 'ours'), snapshotUpdate(taken, 1)])).toBe(true)
  expect(hasIds(taken, [specUpdate(undefined, 'bucket[8]'), snapshotUpdate(taken, 0)])).toBe(true)
})
