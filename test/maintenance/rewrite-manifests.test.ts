import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { t, table, type IcebergTableManager, type Table } from '../../src/index.ts'
import { isWorthIt } from '../../src/table/operations/rewrite-manifests.ts'
import { memoryManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'

let folder: string
let plane: DataPlane

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floeberg-manifests-'))
  plane = await openEngine(folder)
})
afterAll(async () => {
  await plane.close()
  await rm(folder, { recursive: true })
})

const ID = 'demo.events'
const schema = table({ id: t.long().required(), day: t.date() })
const row = (id: number) => ({ id: BigInt(id), day: `2026-01-${String((id % 5) + 1).padStart(2, '0')}` })

interface World {
  readonly world: ManagerWorld
  readonly manager: IcebergTableManager
  readonly tbl: Table
}

/** Six snapshots of two files each, and one more that deletes a row of the first. */
async function start(formatVersion: 1 | 2 = 2): Promise<World> {
  const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
  const manager = await world.open()
  await manager.createNamespace('demo')
  const tbl: Table = await manager.createTable({
    namespace: 'demo',
    name: 'events',
    schema,
    partitionSpec: [{ source: 'day' }],
    formatVersion,
    properties: { 'write.delete.mode': formatVersion === 2 ? 'merge-on-read' : 'copy-on-write' },
  })
  for (let id = 0; id < 6; id++) await manager.writeData(tbl, [row(3 * id), row(3 * id + 5), row(3 * id + 1)])
  await manager.deleteRows(tbl, 'id = 0')
  return { world, manager, tbl }
}

async function entriesOf(tbl: Table) {
  const { tasks } = await tbl.scan().plan()
  return tasks
    .map(({ entry, deletes }) => ({
      file: entry.file,
      snapshotId: entry.snapshotId,
      sequenceNumber: entry.sequenceNumber,
      fileSequenceNumber: entry.fileSequenceNumber,
      deletes: deletes.map((each) => [each.file, each.snapshotId, each.sequenceNumber]),
    }))
    .toSorted((a, b) => (a.file.location < b.file.location ? -1 : 1))
}

describe.each([1, 2] as const)('a table of format version %i', (formatVersion) => {
  test('many manifests become one of each kind, and every entry stays what it was', async () => {
    const { world, manager, tbl } = await start(formatVersion)
    const before = await entriesOf(tbl)
    const dataBefore = (await world.objects()).filter((each) => each.includes('/data/'))
    const manifests = await tbl.inspect.manifests()
    const result = await manager.rewriteManifests(tbl)
    const kinds = new Set(manifests.map(({ content }) => content)).size
    expect(result).toMatchObject({ createdManifests: 1, attempts: 1 })
    expect(result.snapshotId).toBe(tbl.currentSnapshot?.['snapshot-id'])
    const after = await tbl.inspect.manifests()
    expect(after).toHaveLength(kinds)
    const data = after.filter((each) => each.content === 'data')
    expect(data.map((each) => each.added_files_count)).toEqual([0])
    expect(await entriesOf(tbl)).toEqual(before)
    expect((await world.objects()).filter((each) => each.includes('/data/'))).toEqual(dataBefore)
    const { summary } = tbl.currentSnapshot ?? {}
    expect(summary).toMatchObject({
      operation: 'replace',
      'manifests-created': '1',
      'manifests-replaced': String(result.replacedManifests),
      'manifests-kept': String(result.keptManifests),
      'entries-processed': String(result.entries),
      'total-data-files': String(before.length),
    })
    expect(Object.keys(summary ?? {}).filter((key) => /^(added|deleted|removed)-/.test(key))).toEqual([])
    // Once more there is nothing to do.
    expect(await manager.rewriteManifests(tbl)).toMatchObject({ snapshotId: null, attempts: 0 })
  })
})

test('data and delete manifests of every spec, each for itself', async () => {
  const { manager, tbl } = await start()
  await manager.deleteRows(tbl, 'id = 3')
  await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'id', transform: 'bucket[2]' }])
  await manager.writeData(tbl, [row(100)])
  await manager.writeData(tbl, [row(101)])
  const rows = await tbl.scan().count()
  const plan = await manager.planRewriteManifests(tbl)
  expect(plan.groups.map(({ specId, content, clusterBy }) => [specId, content, clusterBy])).toEqual([
    [1, 'data', ['day', 'id_bucket_2']],
    [0, 'deletes', ['day']],
    [0, 'data', ['day']],
  ])
  const one = await manager.rewriteManifests(tbl, { specId: 1 })
  expect(one).toMatchObject({ replacedManifests: 2, createdManifests: 1 })
  const stored: typeof plan = JSON.parse(JSON.stringify(plan))
  // What the plan names of spec 1 is gone by now.
  expect(await manager.execute(stored)).toMatchObject({ createdManifests: 2 })
  await tbl.refresh()
  expect((await tbl.inspect.manifests()).map((each) => each.partition_spec_id).toSorted()).toEqual([0, 0, 1])
  expect(await tbl.scan().count()).toBe(rows)
})

test('entries lie in the order of partitions, and a manifest spans few of them', async () => {
  const { manager, tbl } = await start()
  const bytes = (await tbl.inspect.manifests()).reduce((sum, each) => sum + each.length, 0)
  await manager.updateProperties(tbl, {
    set: { 'commit.manifest.target-size-bytes': String(Math.ceil(bytes / 3)) },
  })
  await manager.rewriteManifests(tbl)
  const manifests = (await tbl.inspect.manifests()).filter((each) => each.content === 'data')
  expect(manifests.length).toBeGreaterThan(1)
  const days = (await tbl.scan().plan()).tasks.map(({ entry }) => Number(entry.file.partition[0]))
  expect(days).toEqual(days.toSorted((a, b) => a - b))
})

test('their number being right, overlapping manifests are rewritten for an order that is asked for', async () => {
  const { manager, tbl } = await start(1)
  const manifests = await tbl.inspect.manifests()
  const bytes = manifests.reduce((sum, each) => sum + each.length, 0)
  await manager.updateProperties(tbl, {
    set: { 'commit.manifest.target-size-bytes': String(Math.floor(bytes / manifests.length)) },
  })
  expect((await manager.rewriteManifests(tbl)).snapshotId).toBeNull()
  expect((await manager.rewriteManifests(tbl, { clusterBy: ['day'] })).snapshotId).not.toBeNull()
  expect((await manager.planRewriteManifests(tbl, { clusterBy: ['day'] })).groups).toEqual([])
})

test('a predicate chooses manifests', async () => {
  const { manager, tbl } = await start()
  const wanted = (await tbl.inspect.manifests()).slice(2, 4).map(({ path }) => path)
  const result = await manager.rewriteManifests(tbl, {
    predicate: ({ location }) => wanted.includes(location),
  })
  expect(result).toMatchObject({ replacedManifests: 2, createdManifests: 1 })
})

test('options that are wrong are refused', async () => {
  const { manager, tbl } = await start()
  for (const options of [{ specId: 9 }, { clusterBy: ['id'] }, { sortBy: ['day'] }]) {
    const call = manager.rewriteManifests(tbl, options)
    await expect(call, JSON.stringify(options)).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
  }
  const nowhere = manager.rewriteManifests(tbl, { branch: 'none' })
  await expect(nowhere).rejects.toMatchObject({ code: 'FLOEBERG_NO_SUCH_REF' })
  expect((await tbl.refresh()).currentSnapshot?.summary?.operation).not.toBe('replace')
})

test('what others commit meanwhile stays, and what was written is used again', async () => {
  const { world, manager, tbl } = await start()
  const other = await world.openAside()
  const { controller } = world
  const begin = controller.begin.bind(controller)
  let times = 0
  controller.reset()
  controller.begin = async (call, bytes) => {
    if (call.method === 'commitTable' && times < 3) {
      times += 1
      await other.writeData(await other.loadTable(ID), [row(1000 + times)])
    }
    return begin(call, bytes)
  }
  const result = await manager.rewriteManifests(tbl)
  controller.begin = begin
  expect(result).toMatchObject({ attempts: 4, createdManifests: 1 })
  // One manifest, however often the commit was sent, and a list for each attempt.
  const puts = controller.calls.filter(({ method, about }) => method === 'put' && about[0]?.endsWith('.avro'))
  expect(puts).toHaveLength(1 + 4)
  const { tasks } = await tbl.scan().plan()
  expect(tasks).toHaveLength(12 + 3)
})

test('where others were faster nothing is left to do, and no file is left behind', async () => {
  const { world, manager, tbl } = await start()
  const other = await world.openAside()
  const { controller } = world
  const begin = controller.begin.bind(controller)
  let theirs: readonly string[] = []
  controller.begin = async (call, bytes) => {
    if (call.method === 'commitTable' && theirs.length === 0) {
      const before = await world.objects()
      await other.rewriteManifests(await other.loadTable(ID))
      theirs = (await world.objects()).filter((location) => !before.includes(location))
    }
    return begin(call, bytes)
  }
  const before = await world.objects()
  const result = await manager.rewriteManifests(tbl)
  controller.begin = begin
  expect(result).toMatchObject({ snapshotId: null, replacedManifests: 0, createdManifests: 0, attempts: 1 })
  expect(await world.objects()).toEqual([...before, ...theirs].toSorted())
  expect(tbl.currentSnapshot?.summary?.operation).toBe('replace')
})

describe('whether manifests are worth rewriting', () => {
  const MIB = 1024 ** 2
  const sized = (count: number, length: number) => Array.from({ length: count }, () => ({ length }))
  const worth = (count: number, length: number) => isWorthIt({ properties: {} }, sized(count, length))

  test('is told by their number, against 8 MiB for each', () => {
    expect([worth(1, 100), worth(2, 100), worth(3, 8 * MIB), worth(30, MIB), worth(1, 20 * MIB)]).toEqual([
      false,
      true,
      false,
      true,
      true,
    ])
  })

  test('leaves alone what chunks of 128 MiB come to, which is one off here and there', () => {
    // 15, 15 and 5 of 8.12 MiB: each chunk is of so many, and their bytes together would make 36.
    expect(worth(35, 8.12 * MIB)).toBe(false)
    expect(worth(300, MIB)).toBe(true)
    expect(worth(10, 40 * MIB)).toBe(true)
  })
})

test('entries are spread evenly over as many manifests as are needed', async () => {
  const { manager, tbl } = await start()
  const manifests = (await tbl.inspect.manifests()).filter(({ content }) => content === 'data')
  const bytes = manifests.reduce((sum, { length }) => sum + length, 0)
  // 12 entries into 7 manifests: two each would be six.
  await manager.updateProperties(tbl, {
    set: { 'commit.manifest.target-size-bytes': String(Math.round(bytes / 7)) },
  })
  expect(await manager.rewriteManifests(tbl)).toMatchObject({ createdManifests: 7, entries: 12 })
})
