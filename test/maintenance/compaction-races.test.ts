/** Others commit while a table is compacted: at every single call that the compaction makes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import {
  CommitConflictError,
  t,
  table,
  type CompactionOptions,
  type IcebergTableManager,
  type Table,
} from '../../src/index.ts'
import { commitFiles } from '../manager/foreign-files.ts'
import { memoryManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'

let folder: string
let plane: DataPlane

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floeberg-races-'))
  plane = await openEngine(folder)
})
afterAll(async () => {
  await plane.close()
  await rm(folder, { recursive: true })
})

const ID = 'demo.events'
const schema = table({ id: t.long().required(), value: t.long() })
const row = (id: number, value = id) => ({ id: BigInt(id), value: BigInt(value) })

/** Four files of 10 rows, one of them with a deleted row. */
async function prepare(manager: IcebergTableManager): Promise<void> {
  await manager.createNamespace('demo')
  const tbl = await manager.createTable({
    namespace: 'demo',
    name: 'events',
    schema,
    properties: { 'write.delete.mode': 'merge-on-read', 'write.merge.mode': 'copy-on-write' },
  })
  for (let from = 0; from < 40; from += 10) {
    await manager.writeData(
      tbl,
      Array.from({ length: 10 }, (_, at) => row(from + at)),
    )
  }
  await manager.deleteRows(tbl, 'id = 39')
}

const START = Array.from({ length: 39 }, (_, id) => [id, id] as const)

/** What others do, and the rows that the table then has. */
interface Interference {
  readonly name: string
  readonly act: (manager: IcebergTableManager, tbl: Table) => Promise<unknown>
  readonly rows: ReadonlyMap<number, number>
}

const with_ = (changes: readonly (readonly [number, number])[], without: readonly number[] = []) => {
  const rows = new Map<number, number>([...START, ...changes])
  for (const id of without) rows.delete(id)
  return rows
}

const INTERFERENCES: readonly Interference[] = [
  {
    name: 'an append',
    act: (manager, tbl) => manager.writeData(tbl, [row(5000)]),
    rows: with_([[5000, 5000]]),
  },
  {
    name: 'a delete by position',
    act: (manager, tbl) => manager.deleteRows(tbl, 'id = 7'),
    rows: with_([], [7]),
  },
  {
    name: 'a delete that rewrites',
    act: async (manager, tbl) => {
      await manager.updateProperties(tbl, { set: { 'write.delete.mode': 'copy-on-write' } })
      await manager.deleteRows(tbl, 'id = 17')
    },
    rows: with_([], [17]),
  },
  {
    name: 'an upsert and an append',
    act: async (manager, tbl) => {
      await manager.writeData(tbl, [row(3, 30), row(6000)], { mode: 'upsert', joinColumns: ['id'] })
      await manager.writeData(tbl, [row(6001)])
    },
    rows: with_([
      [3, 30],
      [6000, 6000],
      [6001, 6001],
    ]),
  },
  {
    name: 'a rewriting of position deletes and of manifests',
    act: async (manager, tbl) => {
      await manager.rewritePositionDeletes(tbl, { rewriteAll: true })
      await manager.rewriteManifests(tbl)
    },
    rows: with_([]),
  },
  {
    name: 'another compaction',
    act: (manager, tbl) => manager.compactTable(tbl, { rewriteAll: true }),
    rows: with_([]),
  },
  {
    name: 'a column that becomes another',
    act: (manager, tbl) =>
      manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'value', newName: 'amount' }]),
    rows: with_([]),
  },
]

/** Lets something happen at the n-th call of whoever goes through the world's controller. */
function atCall(world: ManagerWorld, n: number, happen: () => Promise<unknown>): () => void {
  const { controller } = world
  const begin = controller.begin.bind(controller)
  controller.reset()
  controller.begin = async (call, bytes) => {
    const begun = await begin(call, bytes)
    if (begun.recorded.n === n) await happen()
    return begun
  }
  return () => {
    controller.begin = begin
  }
}

async function rowsOf(manager: IcebergTableManager): Promise<ReadonlyMap<number, number>> {
  const rows = await (await manager.loadTable(ID)).scan().toArray()
  const found = new Map(rows.map((each) => [Number(each['id']), Number(each['value'] ?? each['amount'])]))
  expect(found.size).toBe(rows.length)
  return found
}

describe.each([
  { name: 'put together', options: { minInputFiles: 2 } },
  {
    name: 'in several commits',
    options: {
      rewriteAll: true,
      maxFileGroupSizeBytes: 1,
      partialProgressEnabled: true,
      partialProgressMaxCommits: 2,
    },
  },
])('a compaction, $name', ({ options }) => {
  test.each(INTERFERENCES)(
    'loses nothing to $name at any of its calls',
    { timeout: 120_000 },
    async (other) => {
      const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
      await prepare(await world.openAside())
      const restore = await world.keep()
      world.controller.reset()
      const rehearsal = await world.open()
      await rehearsal.compactTable(await rehearsal.loadTable(ID), options)
      const calls = world.controller.calls.length
      expect(calls).toBeGreaterThan(5)
      let compacted = 0
      let conflicts = 0
      for (let n = 1; n <= calls; n += 1) {
        await restore()
        const aside = await world.openAside()
        const undo = atCall(world, n, async () => other.act(aside, await aside.loadTable(ID)))
        try {
          const manager = await world.open()
          const { failedGroups } = await manager.compactTable(await manager.loadTable(ID), options)
          compacted += 1
          if (failedGroups > 0) conflicts += 1
        } catch (error) {
          expect(error, `at ${n}`).toBeInstanceOf(CommitConflictError)
          conflicts += 1
        } finally {
          undo()
        }
        expect(await rowsOf(await world.openAside()), `at ${n}`).toEqual(other.rows)
      }
      // An append is never in the way.
      if (other.name === 'an append') expect(conflicts).toBe(0)
      expect(compacted).toBeGreaterThan(0)
    },
  )
})

describe('equality deletes that come while a table is compacted', () => {
  async function tableWithTwoFiles(): Promise<{ world: ManagerWorld; tbl: Table }> {
    const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
    const manager = await world.openAside()
    await manager.createNamespace('demo')
    const tbl = await manager.createTable({ namespace: 'demo', name: 'events', schema })
    await manager.writeData(tbl, [row(1), row(2)])
    await manager.writeData(tbl, [row(3)])
    return { world, tbl }
  }

  /** Only its entry matters here: nobody opens it. */
  const asEqualityDelete = (file: ContentFile): ContentFile => ({
    ...file,
    content: 'equality-deletes',
    recordCount: 1,
    equalityIds: [1],
    sortOrderId: null,
  })

  async function commitEqualityDelete(world: ManagerWorld): Promise<void> {
    const tbl = await (await world.openAside()).loadTable(ID)
    const [task] = (await tbl.scan().plan()).tasks
    if (task === undefined) throw new Error('the table has no file')
    await commitFiles(world, tbl, [asEqualityDelete(task.entry.file)])
  }

  async function compactDuringDelete(world: ManagerWorld, options: CompactionOptions) {
    const manager = await world.open()
    const tbl = await manager.loadTable(ID)
    const commit = (call: { readonly method: string }) => call.method === 'commitTable'
    const { controller } = world
    const begin = controller.begin.bind(controller)
    let isDone = false
    controller.begin = async (call, bytes) => {
      if (commit(call) && !isDone) {
        isDone = true
        await commitEqualityDelete(world)
      }
      return begin(call, bytes)
    }
    return manager.compactTable(tbl, { minInputFiles: 2, ...options })
  }

  test('apply to the new files, which count as old as what they were made from', async () => {
    const { world, tbl } = await tableWithTwoFiles()
    const result = await compactDuringDelete(world, {})
    expect(result).toMatchObject({ rewrittenDataFiles: 2, addedDataFiles: 1, attempts: 2 })
    await tbl.refresh()
    const { tasks } = await tbl.scan().plan()
    expect(
      tasks.map(({ entry, deletes }) => [entry.sequenceNumber, deletes.map((each) => each.sequenceNumber)]),
    ).toEqual([[2, [3]]])
  })

  test('are a conflict where new files would count as new', async () => {
    const { world } = await tableWithTwoFiles()
    await expect(compactDuringDelete(world, { useStartingSequenceNumber: false })).rejects.toBeInstanceOf(
      CommitConflictError,
    )
  })

  test('of a partition are a conflict where rows go to another spec, in which nothing finds them', async () => {
    const { world, tbl } = await tableWithTwoFiles()
    const manager = await world.openAside()
    await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'value', transform: 'bucket[2]' }])
    await manager.compactTable(tbl, { outputSpecId: 'current' })
    const intoNone = { rewriteAll: true, outputSpecId: 0 }
    await expect(compactDuringDelete(world, intoNone)).rejects.toBeInstanceOf(CommitConflictError)
    await tbl.refresh()
    expect((await tbl.scan().plan()).tasks.some(({ deletes }) => deletes.length > 0)).toBe(true)
  })

  test('of all partitions find rows that go to another spec', async () => {
    const { world, tbl } = await tableWithTwoFiles()
    const manager = await world.openAside()
    await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'value', transform: 'bucket[2]' }])
    const result = await compactDuringDelete(world, { outputSpecId: 'current' })
    expect(result).toMatchObject({ rewrittenDataFiles: 2, attempts: 2 })
    await tbl.refresh()
    const { tasks } = await tbl.scan().plan()
    expect(tasks.map(({ spec, deletes }) => [spec.specId, deletes.length])).toEqual(tasks.map(() => [1, 1]))
  })

  test('leave once they are older than every file', async () => {
    const { world, tbl } = await tableWithTwoFiles()
    const manager = await world.openAside()
    const old = await manager.createTable({ namespace: 'demo', name: 'old', schema })
    await manager.writeData(old, [row(1)])
    const [task] = (await old.scan().plan()).tasks
    await manager.deleteRows(tbl, 'true')
    if (task === undefined) throw new Error('the table has no file')
    await commitFiles(world, tbl, [asEqualityDelete(task.entry.file)])
    await manager.writeData(tbl, [row(4)])
    expect((await tbl.scan().plan()).tasks.map(({ deletes }) => deletes.length)).toEqual([0])
    expect(await manager.compactTable(tbl)).toMatchObject({ rewrittenDataFiles: 0, removedDeleteFiles: 1 })
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'removed-equality-delete-files': '1',
      'total-delete-files': '0',
      'total-records': '1',
    })
  })

  test('cannot be applied, and stay', async () => {
    const { world, tbl } = await tableWithTwoFiles()
    await commitEqualityDelete(world)
    const manager = await world.openAside()
    const before = await world.objects()
    await expect(manager.compactTable(tbl, { minInputFiles: 2 })).rejects.toMatchObject({
      code: 'FLOEBERG_UNSUPPORTED_FEATURE',
    })
    expect(await world.objects()).toEqual(before)
  })
})

describe('an abort', () => {
  test.each(['put together', 'in several commits'])(
    'leaves a whole table and no file besides, %s',
    { timeout: 60_000 },
    async (how) => {
      const options = {
        rewriteAll: true,
        maxFileGroupSizeBytes: 1,
        maxConcurrentFileGroupRewrites: 1,
        partialProgressEnabled: how === 'in several commits',
      }
      const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
      await prepare(await world.openAside())
      const files = async (): Promise<readonly string[]> =>
        (await world.objects()).filter((location) => !location.endsWith('.metadata.json'))
      const restore = await world.keep()
      for (const after of [1, 2, 3]) {
        await restore()
        const before = await files()
        const manager = await world.openAside()
        const stop = new AbortController()
        const tbl = await manager.loadTable(ID)
        const call = manager.compactTable(tbl, {
          ...options,
          signal: stop.signal,
          onProgress: ({ done }) => {
            if (done === 10 * after) stop.abort()
          },
        })
        await expect(call).rejects.toMatchObject({ code: 'FLOEBERG_OPERATION_ABORTED' })
        // The handle shows the commits that were made.
        const seen = tbl.metadataLocation
        expect((await tbl.refresh()).metadataLocation).toBe(seen)
        const made = tbl.metadata.snapshots.filter(({ summary }) => summary?.operation === 'replace').length
        expect(made).toBe(how === 'in several commits' ? after - 1 : 0)
        expect(await rowsOf(manager)).toEqual(new Map(START))
        // What is there more than before is reached by the commits that were made.
        const reached = new Set(
          await Promise.all(
            tbl.metadata.snapshots.map(async (snapshot) => {
              const travel = { snapshotId: snapshot['snapshot-id'] }
              return [
                snapshot['manifest-list'] ?? '',
                ...(await tbl.inspect.manifests(travel)).map(({ path }) => path),
                ...(await tbl.inspect.files(travel)).map(({ file_path: path }) => path),
              ]
            }),
          ).then((lists) => lists.flat()),
        )
        expect((await files()).filter((file) => !before.includes(file) && !reached.has(file))).toEqual([])
      }
    },
  )
})
