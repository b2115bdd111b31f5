import { join } from 'node:path'
import { expect, test } from 'vitest'
import { IcebergTableManager, type SchemaVersion } from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { startProcess } from '../support/processes.ts'
import { createTable, evolutionWorlds, schemaFromText } from './evolution-world.ts'

const open = evolutionWorlds()

/** What changed and which snapshots there are, without what differs from run to run. */
function outline(history: readonly SchemaVersion[]) {
  return history.map(({ schemaId, isCurrent, changes, firstSnapshotId, lastSnapshotId }) => ({
    schemaId,
    isCurrent,
    changes: changes.map((change) => `${change.kind} ${'column' in change ? change.column : ''}`.trim()),
    firstSnapshotId,
    lastSnapshotId,
  }))
}

test('history is the sequence of changes, with the snapshots and the time of each', async () => {
  const world = await open()
  const tbl = await createTable(world, 'a: int, b: int, e: int')
  const created = tbl.metadata['last-updated-ms']
  const first = await world.manager.writeData(tbl, [{ a: 1, b: 1 }])
  const second = await world.manager.writeData(tbl, [{ a: 2, b: 2 }])
  await world.manager.evolveSchema(tbl, [
    { type: 'rename_column', name: 'a', newName: 'c' },
    { type: 'widen_type', name: 'b', fieldType: 'long' },
  ])
  const renamed = tbl.metadata['last-updated-ms']
  await world.manager.evolveSchema(tbl, [{ type: 'add_column', name: 'd', fieldType: 'int' }])
  const third = await world.manager.writeData(tbl, [{ c: 3, b: 3, d: 3 }])
  await world.manager.evolveSchema(tbl, [
    { type: 'delete_column', name: 'd' },
    { type: 'move_column', name: 'e', position: { first: true } },
  ])
  const history = await world.manager.schemaHistory(await world.reload())
  expect(outline(history)).toEqual([
    {
      schemaId: 0,
      isCurrent: false,
      changes: [],
      firstSnapshotId: first.snapshotId,
      lastSnapshotId: second.snapshotId,
    },
    {
      schemaId: 1,
      isCurrent: false,
      changes: ['renamed c', 'retyped b'],
      firstSnapshotId: null,
      lastSnapshotId: null,
    },
    {
      schemaId: 2,
      isCurrent: false,
      changes: ['added d'],
      firstSnapshotId: third.snapshotId,
      lastSnapshotId: third.snapshotId,
    },
    {
      schemaId: 3,
      isCurrent: true,
      changes: ['moved e', 'deleted d'],
      firstSnapshotId: null,
      lastSnapshotId: null,
    },
  ])
  expect(history[0]?.addedAtMs).toBe(created)
  expect(history[1]?.addedAtMs).toBe(renamed)
  expect(history[3]?.addedAtMs).toBe(tbl.metadata['last-updated-ms'])
})

test('times are null where the metadata log no longer tells', async () => {
  const world = await open()
  const properties = {
    'write.metadata.previous-versions-max': '2',
    'write.metadata.delete-after-commit.enabled': 'true',
  }
  const tbl = await createTable(world, 'a: int', { properties })
  for (const name of ['b', 'c', 'd', 'e']) {
    await world.manager.evolveSchema(tbl, [{ type: 'add_column', name, fieldType: 'int' }])
  }
  const times = (await world.manager.schemaHistory(tbl)).map(({ addedAtMs }) => addedAtMs !== null)
  // Two older files are kept: what the older of them first had is lost with those before it.
  expect(times).toEqual([false, false, false, true, true])
})

test('a damaged or missing old file loses times, nothing else', async () => {
  const world = await open()
  const tbl = await createTable(world, 'a: int')
  await world.manager.evolveSchema(tbl, [{ type: 'add_column', name: 'b', fieldType: 'int' }])
  await world.manager.evolveSchema(tbl, [{ type: 'add_column', name: 'c', fieldType: 'int' }])
  const [oldest, older] = tbl.metadata['metadata-log'].map((entry) => entry['metadata-file'])
  await world.store().delete([oldest ?? ''])
  await world.store().put(older ?? '', new TextEncoder().encode('{'))
  const history = await world.manager.schemaHistory(tbl)
  expect(history.map(({ addedAtMs }) => addedAtMs === null)).toEqual([true, true, true])
  expect(history.map(({ changes }) => changes.length)).toEqual([0, 1, 1])
})

test('schemas outlive the snapshots that were written with them', async () => {
  const world = await open()
  const tbl = await createTable(world, 'a: int')
  const { snapshotId } = await world.manager.writeData(tbl, [{ a: 1 }])
  await world.manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'a', newName: 'b' }])
  await world.manager.writeData(tbl, [{ b: 2 }])
  const { catalog } = world.manager
  const commit = {
    requirements: [],
    updates: [{ action: 'remove-snapshots', 'snapshot-ids': [snapshotId ?? 0n] } as const],
  }
  await catalog.commitTable({ namespace: ['demo'], name: 't' }, commit)
  const history = outline(await world.manager.schemaHistory(await world.reload()))
  expect(history.map(({ schemaId, firstSnapshotId }) => [schemaId, firstSnapshotId === null])).toEqual([
    [0, true],
    [1, false],
  ])
})

test('a new process reads the same history', async () => {
  const folder = await temporaryFolder()
  const manager = await IcebergTableManager.open({
    catalog: { type: 'sql', uri: `sqlite:///${join(folder, 'catalog.db')}`, warehouse: join(folder, 'wh') },
  })
  const tbl = await manager.createTable(
    { namespace: 'demo', name: 't', schema: schemaFromText('a: int') },
    { createNamespace: true },
  )
  await manager.evolveSchema(tbl, [{ type: 'add_column', name: 'b', fieldType: 'int' }])
  await manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'b', newName: 'c' }])
  const ours = (await manager.schemaHistory(tbl)).map(({ schemaId, changes, addedAtMs }) => ({
    schemaId,
    changes,
    addedAtMs,
  }))
  await manager.close()
  const child = startProcess(new URL('./workers/history.ts', import.meta.url), [folder])
  const { stdout } = await child.result
  expect(JSON.parse(stdout)).toEqual(ours)
})
