/** main is never dropped by a commit about refs; replacing a table takes it away and may bring it back. */
import { expect, test } from 'vitest'
import { CommitRejectedError } from '../../src/errors.ts'
import type { Snapshot } from '../../src/format/snapshot.ts'
import { NAMESPACE, REQUEST, TABLE } from '../../src/testing/catalog-fixtures.ts'
import { commit, memorySetup } from './support.ts'

const snapshot: Snapshot = {
  'snapshot-id': 7n,
  'sequence-number': 1,
  'timestamp-ms': 1_600_000_000_000,
  'manifest-list': 'memory://b/wh/list.avro',
  summary: { operation: 'append' },
}

async function withMain() {
  const { catalog } = memorySetup()
  await catalog.createNamespace(NAMESPACE)
  await catalog.createTable(TABLE, REQUEST)
  await commit(
    catalog,
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 7n },
    { action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'branch', 'snapshot-id': 7n },
  )
  return catalog
}

const DROP = { action: 'remove-snapshot-ref', 'ref-name': 'main' } as const

test.each([
  ['alone', [DROP]],
  ['beside another ref', [DROP, { action: 'remove-snapshot-ref', 'ref-name': 'audit' } as const]],
  [
    'after it was moved',
    [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 7n } as const, DROP],
  ],
])('dropping main %s is refused for good', async (_how, updates) => {
  const catalog = await withMain()
  await expect(commit(catalog, ...updates)).rejects.toThrow(CommitRejectedError)
  const { metadata } = await catalog.loadTable(TABLE)
  expect(Object.keys(metadata.refs).sort()).toEqual(['audit', 'main'])
  expect(metadata['current-snapshot-id']).toBe(7n)
})

test('any other branch can be dropped', async () => {
  const catalog = await withMain()
  await commit(catalog, { action: 'remove-snapshot-ref', 'ref-name': 'audit' })
  expect(Object.keys((await catalog.loadTable(TABLE)).metadata.refs)).toEqual(['main'])
})

test('main may go and come within one commit', async () => {
  const catalog = await withMain()
  await commit(catalog, DROP, {
    action: 'set-snapshot-ref',
    'ref-name': 'main',
    type: 'branch',
    'snapshot-id': 7n,
  })
  expect((await catalog.loadTable(TABLE)).metadata['current-snapshot-id']).toBe(7n)
})

test('a table is replaced by one of the same schema, when the commit names it', async () => {
  const catalog = await withMain()
  const { metadata } = await catalog.loadTable(TABLE)
  await commit(catalog, DROP, { action: 'set-current-schema', 'schema-id': metadata['current-schema-id'] })
  expect((await catalog.loadTable(TABLE)).metadata['current-snapshot-id']).toBeNull()
})

test('a replaced table has no current snapshot, and all of its history', async () => {
  const catalog = await withMain()
  await commit(catalog, DROP, { action: 'set-properties', updates: { owner: 'another' } })
  const { metadata } = await catalog.loadTable(TABLE)
  expect(metadata['current-snapshot-id']).toBeNull()
  expect(metadata.snapshots.map((each) => each['snapshot-id'])).toEqual([7n])
})
