import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { t, table, type IcebergTableManager, type Table } from '../../src/index.ts'
import { memoryManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'

let folder: string
let plane: DataPlane

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floeberg-deletes-'))
  plane = await openEngine(folder)
})
afterAll(async () => {
  await plane.close()
  await rm(folder, { recursive: true })
})

const ID = 'demo.events'
const schema = table({ id: t.long().required(), kind: t.string() })

interface World {
  readonly world: ManagerWorld
  readonly manager: IcebergTableManager
  readonly tbl: Table
}

/** Two files in each of two partitions, each of them with three delete files; ids from 0 to 79. */
async function start(granularity: 'file' | 'partition'): Promise<World> {
  const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
  const manager = await world.open()
  await manager.createNamespace('demo')
  const tbl: Table = await manager.createTable({
    namespace: 'demo',
    name: 'events',
    schema,
    partitionSpec: [{ source: 'kind' }],
    properties: { 'write.delete.mode': 'merge-on-read', 'write.delete.granularity': granularity },
  })
  for (const first of [0, 40]) {
    await manager.writeData(
      tbl,
      Array.from({ length: 40 }, (_, at) => ({ id: BigInt(first + at), kind: `k${at % 2}` })),
    )
  }
  for (const at of [2, 7, 11]) {
    await manager.deleteRows(tbl, `id in (${[at, at + 1, at + 40, at + 41].join(', ')})`)
  }
  return { world, manager, tbl }
}

const GONE = [2, 7, 11].flatMap((at) => [at, at + 1, at + 40, at + 41])
const LEFT = Array.from({ length: 80 }, (_, id) => id).filter((id) => !GONE.includes(id))

async function ids(tbl: Table): Promise<readonly number[]> {
  return (await tbl.scan().toArray()).map((row) => Number(row['id'])).toSorted((a, b) => a - b)
}

const deleteFiles = async (tbl: Table) =>
  (await tbl.inspect.files()).filter((file) => file.content === 'position-deletes')

describe.each([
  { granularity: 'file', before: 12, after: 4 },
  { granularity: 'partition', before: 6, after: 2 },
] as const)('one delete file per $granularity', ({ granularity, before, after }) => {
  test('many become few, about the same rows', async () => {
    const { manager, tbl } = await start(granularity)
    expect(await deleteFiles(tbl)).toHaveLength(before)
    const plan = await manager.planRewritePositionDeletes(tbl, { minInputFiles: 3 })
    expect(
      plan.groups.map(({ partition, files, expectedFiles }) => [partition, files.length, expectedFiles]),
    ).toEqual([
      ['kind=k0', before / 2, after / 2],
      ['kind=k1', before / 2, after / 2],
    ])
    const stored: typeof plan = JSON.parse(JSON.stringify(plan))
    const result = await manager.execute(stored)
    expect(result).toMatchObject({
      removedDeleteFiles: before,
      addedDeleteFiles: after,
      positions: GONE.length,
      attempts: 1,
    })
    await tbl.refresh()
    expect(await deleteFiles(tbl)).toHaveLength(after)
    expect(await ids(tbl)).toEqual(LEFT)
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'total-records': '80',
      'total-position-deletes': String(GONE.length),
      'total-delete-files': String(after),
      'added-position-deletes': String(GONE.length),
      'removed-position-deletes': String(GONE.length),
    })
    // The newest of what they stand for, which is older than this commit.
    const { tasks } = await tbl.scan().plan()
    const numbers = tasks.flatMap(({ deletes }) => deletes.map(({ sequenceNumber }) => sequenceNumber))
    expect(new Set(numbers)).toEqual(new Set([5]))
    const again = await manager.rewritePositionDeletes(tbl, { minInputFiles: 3 })
    expect(again).toMatchObject({ snapshotId: null, attempts: 0 })
  })
})

test('positions in data files that are gone are dropped, and so are files of nothing else', async () => {
  const { manager, tbl } = await start('partition')
  // The data files of one batch are replaced; the delete files are about the other one as well.
  await manager.compactTable(tbl, { where: 'id < 40', rewriteAll: true })
  expect(await deleteFiles(tbl)).toHaveLength(6)
  const result = await manager.rewritePositionDeletes(tbl, { minInputFiles: 2 })
  expect(result).toMatchObject({ removedDeleteFiles: 6, addedDeleteFiles: 2, positions: 6 })
  expect(await ids(tbl)).toEqual(LEFT)
  await manager.compactTable(tbl, { rewriteAll: true, removeDanglingDeletes: false })
  expect(await manager.rewritePositionDeletes(tbl)).toMatchObject({
    removedDeleteFiles: 2,
    addedDeleteFiles: 0,
  })
  expect(await deleteFiles(tbl)).toHaveLength(0)
  expect(await ids(tbl)).toEqual(LEFT)
})

test('few files wait for more, unless all are to be rewritten', async () => {
  const { manager, tbl } = await start('partition')
  expect((await manager.rewritePositionDeletes(tbl)).snapshotId).toBeNull()
  expect(await manager.rewritePositionDeletes(tbl, { rewriteAll: true })).toMatchObject({
    addedDeleteFiles: 2,
  })
})

test('rows that others delete meanwhile stay deleted', async () => {
  const { world, manager, tbl } = await start('file')
  const other = await world.openAside()
  const { controller } = world
  const begin = controller.begin.bind(controller)
  let isDone = false
  controller.begin = async (call, bytes) => {
    if (call.method === 'commitTable' && !isDone) {
      isDone = true
      const handle = await other.loadTable(ID)
      await other.deleteRows(handle, 'id = 0')
      await other.compactTable(handle, {
        where: "kind = 'k1'",
        rewriteAll: true,
        removeDanglingDeletes: false,
      })
    }
    return begin(call, bytes)
  }
  const result = await manager.rewritePositionDeletes(tbl, { minInputFiles: 2 })
  controller.begin = begin
  expect(result.attempts).toBe(2)
  expect(await ids(tbl)).toEqual(LEFT.filter((id) => id !== 0))
  // What was written about files that were compacted meanwhile goes the next time.
  await manager.rewritePositionDeletes(tbl)
  expect(await ids(tbl)).toEqual(LEFT.filter((id) => id !== 0))
})

test('delete files that others replaced meanwhile are a conflict', async () => {
  const { world, manager, tbl } = await start('file')
  const other = await world.openAside()
  const { controller } = world
  const begin = controller.begin.bind(controller)
  let isDone = false
  controller.begin = async (call, bytes) => {
    if (call.method === 'commitTable' && !isDone) {
      isDone = true
      await other.rewritePositionDeletes(await other.loadTable(ID), { rewriteAll: true })
    }
    return begin(call, bytes)
  }
  const call = manager.rewritePositionDeletes(tbl, { minInputFiles: 2 })
  await expect(call).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT' })
  controller.begin = begin
  expect(await ids(await tbl.refresh())).toEqual(LEFT)
})

test('a table without deletes, and one of version 1, have none to rewrite', async () => {
  const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
  const manager = await world.open()
  await manager.createNamespace('demo')
  const tbl = await manager.createTable({ namespace: 'demo', name: 'events', schema, formatVersion: 1 })
  await manager.writeData(tbl, [{ id: 1n, kind: 'a' }])
  expect((await manager.rewritePositionDeletes(tbl, { rewriteAll: true })).snapshotId).toBeNull()
})
