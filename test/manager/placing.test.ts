/** Data files of appends that are late on their way to their locations, or do not get there. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import type { FileAccess, OutputFile } from '../../src/engine/file-access.ts'
import { ObjectExistsError, OperationAbortedError, StorageQuotaError } from '../../src/errors.ts'
import { t, table, type IcebergTableManager, type Table } from '../../src/index.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { localManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'

let root: string
let plane: DataPlane

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-placing-'))
  plane = await openEngine(root)
})

afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

interface World {
  readonly inner: ManagerWorld
  readonly manager: IcebergTableManager
  readonly table: Table
  /** Data files whose commit is called do this first. */
  onCommit(act: (file: OutputFile) => Promise<void>): void
  /** Metadata files that could be found while a data file was on its way. */
  readonly early: ReadonlySet<string>
  /** Locations of data files that are on their way. */
  readonly underWay: ReadonlySet<string>
}

let worlds = 0

async function openWorld(): Promise<World> {
  worlds += 1
  const inner = await localManagerWorld(join(root, `${worlds}`), plane)
  const early = new Set<string>()
  const underWay = new Set<string>()
  let act: (file: OutputFile) => Promise<void> = async () => {}
  const watched = (file: OutputFile): OutputFile => ({
    ...file,
    commit: async () => {
      underWay.add(file.location)
      const before = await inner.objects()
      await act(file)
      for (const found of await inner.objects())
        if (found.endsWith('.metadata.json') && !before.includes(found)) early.add(found)
      const done = await file.commit()
      underWay.delete(file.location)
      return done
    },
  })
  const manager = await inner.open({
    storagePlugin: {
      name: 'watched',
      getObjectStore: () => inner.store(),
      getWarehouseUri: () => null,
      getFileAccess: (seen): FileAccess => {
        const files = createFileAccess(seen, { scratchDir: inner.scratchDir })
        // What is being placed cannot be stopped.
        return { ...files, output: async (location) => watched(await files.output(location)) }
      },
    },
  })
  await manager.createNamespace('demo')
  const created = await manager.createTable({ namespace: 'demo', name: 't', schema })
  await manager.writeData(created, [{ id: 0n, kind: 'x' }])
  await manager.manageSnapshots(created).createBranch('b').commit()
  return { inner, manager, table: created, early, underWay, onCommit: (next) => (act = next) }
}

/** As long as two thousand turns of the thread pool take: a commit has a dozen. */
async function whileOthersGoOn(): Promise<void> {
  for (let turn = 0; turn < 2000; turn += 1) await stat('.')
}

const schema = table({ id: t.long(), kind: t.string() })

const rows = [
  { id: 1n, kind: 'a' },
  { id: 2n, kind: 'b' },
]

type Act = (world: World, signal?: AbortSignal) => Promise<unknown>

const acts: readonly (readonly [string, Act])[] = [
  ['an append', ({ manager, table: t1 }, signal) => manager.writeData(t1, rows, { signal })],
  [
    'an append that merges manifests',
    ({ manager, table: t1 }, signal) =>
      manager.writeData(t1, rows, { signal, commitStrategy: 'merge_commit' }),
  ],
  [
    'an append with a key',
    ({ manager, table: t1 }, signal) => manager.writeData(t1, rows, { signal, commitKey: 'k' }),
  ],
  [
    'an append to a branch',
    ({ manager, table: t1 }, signal) => manager.writeData(t1, rows, { signal, branch: 'b' }),
  ],
  [
    'an append that is staged',
    ({ manager, table: t1 }, signal) => manager.writeData(t1, rows, { signal, stageOnly: true }),
  ],
  [
    'an append that adds a column',
    ({ manager, table: t1 }, signal) =>
      manager.writeData(t1, [{ id: 1n, kind: 'a', more: 'm' }], { signal, schemaMode: 'merge' }),
  ],
  [
    'a transaction',
    ({ manager, table: t1 }, signal) =>
      manager.transaction(
        t1,
        async (tx) => {
          await tx.writeData(rows)
          await tx.updateRows({ kind: 'c' }, 'id = 1')
          await tx.writeData(rows)
        },
        { signal },
      ),
  ],
  [
    'a table with its rows',
    ({ manager }, signal) =>
      manager.createTable({ namespace: 'demo', name: 'filled', schema }, { data: rows, signal }),
  ],
]

describe.each(acts)('%s', (_name, act) => {
  test('is not committed while a file is on its way', async () => {
    const world = await openWorld()
    world.onCommit(whileOthersGoOn)
    await act(world)
    expect(world.underWay).toEqual(new Set())
    expect(world.early).toEqual(new Set())
  })

  const failure = new StorageQuotaError('the disk is full')
  test('leaves nothing of a file that could not be placed', async () => {
    const world = await openWorld()
    const before = await world.inner.objects()
    world.onCommit(async () => {
      await whileOthersGoOn()
      throw failure
    })
    await expect(act(world)).rejects.toBe(failure)
    expect(await world.inner.objects()).toEqual(before)
    expect(await world.inner.temporaries()).toEqual([])
  })

  test('leaves nothing when it is aborted while a file is on its way', async () => {
    const world = await openWorld()
    const before = await world.inner.objects()
    const controller = new AbortController()
    world.onCommit(async () => {
      controller.abort()
      await whileOthersGoOn()
    })
    await expect(act(world, controller.signal)).rejects.toThrow(OperationAbortedError)
    expect(await world.inner.objects()).toEqual(before)
    expect(await world.inner.temporaries()).toEqual([])
  })

  test('leaves what somebody else has under the name of a file', async () => {
    const world = await openWorld()
    const before = await world.inner.objects()
    const others: string[] = []
    world.onCommit(async ({ location }) => {
      others.push(location)
      await world.inner.store().put(location, new Uint8Array([1, 2, 3]))
    })
    await expect(act(world)).rejects.toThrow(ObjectExistsError)
    expect(await world.inner.objects()).toEqual([...before, ...others].toSorted())
  })
})
