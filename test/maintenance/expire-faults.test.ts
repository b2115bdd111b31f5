/** Others at work during an expiry, stores that fail, and processes that die, at every step of it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { FloebergError, type ExpirePlan, type IcebergTableManager, type Table } from '../../src/index.ts'
import type { Call, Fault } from '../support/faults.ts'
import { openEngine } from '../support/manager-world.ts'
import { startProcess } from '../support/processes.ts'
import { ExpiryWorld, idsOf, newTable, rows, snapshotIds } from './expiring.ts'

let root: string
let plane: DataPlane
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-expire-faults-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

/** Three snapshots, of which two can go with a data file of their own each. */
async function prepare(world: ExpiryWorld): Promise<void> {
  const manager = await world.openAside()
  const tbl = await newTable(manager)
  await manager.writeData(tbl, rows(1))
  await manager.writeData(tbl, rows(2), { mode: 'overwrite' })
  await manager.writeData(tbl, rows(3), { mode: 'overwrite' })
  await manager.close()
  world.now += 1
}

async function planned(world: ExpiryWorld): Promise<ExpirePlan> {
  const manager = await world.openAside()
  const plan = await manager.planExpireSnapshots(await manager.loadTable('demo.events'), { olderThanDays: 0 })
  await manager.close()
  return plan
}

/** Executes with every call counted. */
async function execute(world: ExpiryWorld, plan: ExpirePlan, fault: Fault | null = null) {
  const manager = await world.open()
  try {
    world.world.controller.reset(fault)
    return await manager.execute(plan, { signal: world.world.controller.signal })
  } finally {
    world.world.controller.disarm()
    await manager.close()
  }
}

interface Stage {
  readonly world: ExpiryWorld
  readonly plan: ExpirePlan
  /** The calls of an execution that nobody disturbs. */
  readonly calls: readonly Call[]
  /** Brings back what was there when the plan was made. */
  readonly restore: () => Promise<void>
}

async function rehearse(): Promise<Stage> {
  const world = await ExpiryWorld.make(root, plane)
  await prepare(world)
  const plan = await planned(world)
  const restore = await world.world.keep()
  const result = await execute(world, plan)
  expect(result).toMatchObject({ failure: null, deletedFiles: { dataFiles: { count: 2 } } })
  const calls = [...world.world.controller.calls]
  await restore()
  return { world, plan, calls, restore }
}

async function look<T>(
  world: ExpiryWorld,
  body: (tbl: Table, manager: IcebergTableManager) => Promise<T>,
): Promise<T> {
  const manager = await world.openAside()
  try {
    return await body(await manager.loadTable('demo.events'), manager)
  } finally {
    await manager.close()
  }
}

async function expectDone(world: ExpiryWorld, where: string): Promise<void> {
  await look(world, async (tbl) => {
    expect(snapshotIds(tbl), where).toHaveLength(1)
    expect(await idsOf(tbl), where).toEqual([3])
    expect(await world.unreached(tbl), where).toEqual([])
  })
}

test(
  'a tag that somebody makes at any step keeps its snapshot and its files',
  { timeout: 60_000 },
  async () => {
    const { world, plan, calls, restore } = await rehearse()
    const [first = 0n] = await look(world, async (tbl) => snapshotIds(tbl))
    let kept = 0
    for (const { n, target, method } of calls) {
      await restore()
      const where = `before call ${n} (${target}.${method})`
      const meanwhile = () =>
        look(world, async (tbl, manager) => {
          // Once the snapshot has left, nobody can name it any more.
          if (!snapshotIds(tbl).includes(first)) return
          await manager.manageSnapshots(tbl).createTag('late', { snapshotId: first }).commit()
        })
      const result = await execute(world, plan, { mode: 'meanwhile', at: n, meanwhile })
      expect(result.failure, where).toBe(null)
      await look(world, async (tbl) => {
        const isTagged = Object.hasOwn(tbl.metadata.refs, 'late')
        expect(snapshotIds(tbl).includes(first), where).toBe(isTagged)
        if (isTagged) expect(await idsOf(tbl, first), where).toEqual([1])
        expect(await idsOf(tbl), where).toEqual([3])
        // Throws when something that is needed is gone; nothing dead is left, the list included.
        expect(await world.unreached(tbl), where).toEqual([])
        if (isTagged) kept += 1
      })
    }
    expect(kept).toBeGreaterThan(3)
  },
)

test('an append at any step is never lost', { timeout: 60_000 }, async () => {
  const { world, plan, calls, restore } = await rehearse()
  for (const { n, target, method } of calls) {
    await restore()
    const where = `before call ${n} (${target}.${method})`
    const meanwhile = () => look(world, async (tbl, manager) => void (await manager.writeData(tbl, rows(4))))
    await execute(world, plan, { mode: 'meanwhile', at: n, meanwhile })
    await look(world, async (tbl) => {
      expect(await idsOf(tbl), where).toEqual([3, 4])
      expect(await world.unreached(tbl), where).toEqual([])
    })
  }
})

test(
  'of two expiries at once, whenever the other comes, nothing dead is left',
  { timeout: 60_000 },
  async () => {
    const world = await ExpiryWorld.make(root, plane)
    const manager = await world.openAside()
    const tbl = await newTable(manager)
    // The first two share a manifest and a file; the last has neither.
    await manager.writeData(tbl, rows(1))
    await manager.writeData(tbl, rows(2))
    await manager.writeData(tbl, rows(3), { mode: 'overwrite' })
    const [first = 0n, second = 0n] = snapshotIds(tbl)
    const plan = await manager.planExpireSnapshots(tbl, { snapshotIds: [first] })
    await manager.close()
    const restore = await world.world.keep()
    await execute(world, plan)
    const calls = [...world.world.controller.calls]
    for (const { n, target, method } of calls) {
      await restore()
      const where = `before call ${n} (${target}.${method})`
      const meanwhile = () =>
        look(world, async (now, other) => void (await other.expireSnapshots(now, { snapshotIds: [second] })))
      expect((await execute(world, plan, { mode: 'meanwhile', at: n, meanwhile })).failure, where).toBe(null)
      await look(world, async (now) => {
        expect(snapshotIds(now), where).toHaveLength(1)
        expect(await idsOf(now), where).toEqual([3])
        expect(await world.unreached(now), where).toEqual([])
      })
    }
  },
)

test(
  'a file that somebody adds again stays, up to the last look at the table',
  { timeout: 60_000 },
  async () => {
    const { world, plan, calls, restore } = await rehearse()
    const [first = 0n] = await look(world, async (tbl) => snapshotIds(tbl))
    const lastLook =
      calls.findLast(({ target, method }) => target === 'catalog' && method === 'loadTable')?.n ?? 0
    const commit = calls.findLast(({ method }) => method === 'commitTable')?.n ?? 0
    expect(lastLook).toBeGreaterThan(commit)
    const file = await look(world, async (tbl) => {
      const [found] = await tbl.inspect.files({ snapshotId: first })
      return found?.file_path ?? ''
    })
    for (const { n, target, method } of calls.filter(({ n }) => n <= lastLook)) {
      await restore()
      const where = `before call ${n} (${target}.${method})`
      const meanwhile = () => look(world, async (tbl, manager) => void (await manager.addFiles(tbl, [file])))
      const result = await execute(world, plan, { mode: 'meanwhile', at: n, meanwhile })
      expect(result.failure, where).toBe(null)
      await look(world, async (tbl) => {
        expect(await idsOf(tbl), where).toEqual([1, 3])
        expect(await world.unreached(tbl), where).toEqual([])
      })
    }
  },
)

test('whatever fails, the plan executed again brings it to its end', { timeout: 60_000 }, async () => {
  const { world, plan, calls, restore } = await rehearse()
  let failures = 0
  for (const { n, target, method, mutates } of calls) {
    for (const mode of mutates
      ? (['error-before', 'error-after', 'lost'] as const)
      : (['error-before'] as const)) {
      await restore()
      const where = `${mode} at ${n} (${target}.${method})`
      try {
        const { failure } = await execute(world, plan, { mode, at: n, lasting: true })
        if (failure !== null) failures += 1
      } catch (error) {
        expect(error, where).toBeInstanceOf(FloebergError)
        failures += 1
      }
      // What there is to read is read whole; `unreached` throws when something is missing.
      await look(world, async (tbl) => {
        expect(await idsOf(tbl), where).toEqual([3])
        await world.unreached(tbl)
      })
      expect(await execute(world, plan), where).toMatchObject({ failure: null })
      await expectDone(world, where)
    }
  }
  expect(failures).toBeGreaterThan(10)
})

test('a deletion that fails for some files is told, and ends nothing else', async () => {
  const { world, plan, calls } = await rehearse()
  const at = calls.find(({ method }) => method === 'delete')?.n ?? 0
  const result = await execute(world, plan, { mode: 'partial', at })
  expect(result.failure).toMatchObject({ code: 'FLOEBERG_STORAGE_UNAVAILABLE' })
  expect(result.keptFileCount).toBe(result.keptFiles.length)
  expect(result.keptFiles).toContain(plan.fileList)
  await look(world, async (tbl) => {
    expect([...result.keptFiles].sort()).toEqual([...(await world.unreached(tbl))])
  })
  expect(await execute(world, plan)).toMatchObject({ failure: null, expiredSnapshotIds: [], keptFiles: [] })
  await expectDone(world, 'executed again')
})

test(
  'an abort before the commit leaves everything; after it, it is told what is left',
  { timeout: 60_000 },
  async () => {
    const { world, plan, calls, restore } = await rehearse()
    const before = await world.world.objects()
    const commit = calls.find(({ method }) => method === 'commitTable')?.n ?? 0
    for (const { n } of calls) {
      await restore()
      const end = await execute(world, plan, { mode: 'abort-before', at: n }).catch((error: unknown) => error)
      if (n < commit) {
        expect(end, `at ${n}`).toMatchObject({ code: 'FLOEBERG_OPERATION_ABORTED' })
        expect(await world.world.objects()).toEqual(before)
      } else {
        expect(end, `at ${n}`).toMatchObject({ expiredSnapshotIds: [expect.anything(), expect.anything()] })
      }
      await execute(world, plan)
      await expectDone(world, `aborted at ${n}`)
    }
  },
)

test('a process that is killed at any step is taken up by the next', { timeout: 120_000 }, async () => {
  const { world, plan, calls, restore } = await rehearse()
  const file = join(world.folder, 'plan.json')
  await writeFile(file, JSON.stringify(plan))
  const worker = new URL('./workers/killed-expiry.ts', import.meta.url)
  const kills = calls.filter(({ mutates }) => mutates)
  expect(kills.length).toBeGreaterThan(3)
  for (const { n, method } of kills) {
    await restore()
    const where = `killed after ${n} (${method})`
    const { signal, stderr } = await startProcess(worker, [world.folder, file, 'kill-after', String(n)])
      .result
    expect(signal, `${where}: ${stderr}`).toBe('SIGKILL')
    await look(world, async (tbl) => {
      expect(await idsOf(tbl), where).toEqual([3])
      await world.unreached(tbl)
    })
    await execute(world, plan)
    await look(world, async (tbl) => {
      expect(snapshotIds(tbl), where).toHaveLength(1)
      // A version that no pointer names yet is what a commit that was killed leaves.
      const left = await world.unreached(tbl)
      expect(
        left.filter((location) => !location.endsWith('.metadata.json')),
        where,
      ).toEqual([])
    })
  }
})

test('a staged snapshot that expires while it is published is published whole, or not at all', async () => {
  const world = await ExpiryWorld.make(root, plane)
  await prepare(world)
  await look(world, async (tbl, manager) => {
    await manager.writeData(tbl, rows(7), { stageOnly: true })
    await manager.writeData(tbl, rows(8))
  })
  world.now += 1
  const restore = await world.world.keep()
  const publish = async (fault: Fault | null): Promise<unknown> => {
    const manager = await world.open()
    const tbl = await manager.loadTable('demo.events')
    const staged = tbl.metadata.snapshots.at(-2)?.['snapshot-id'] ?? 0n
    world.world.controller.reset(fault)
    try {
      return await manager.manageSnapshots(tbl).cherryPick(staged).commit()
    } catch (error) {
      return error
    } finally {
      world.world.controller.disarm()
      await manager.close()
    }
  }
  await publish(null)
  const calls = [...world.world.controller.calls]
  let refused = 0
  for (const { n, target, method } of calls) {
    await restore()
    const where = `before call ${n} (${target}.${method})`
    const meanwhile = () =>
      look(world, async (tbl, manager) => void (await manager.expireSnapshots(tbl, { olderThanDays: 0 })))
    const end = await publish({ mode: 'meanwhile', at: n, meanwhile })
    if (end instanceof Error) {
      expect(end, where).toBeInstanceOf(FloebergError)
      refused += 1
    }
    await look(world, async (tbl) => {
      expect(await idsOf(tbl), where).toEqual(end instanceof Error ? [3, 8] : [3, 7, 8])
      await world.unreached(tbl)
    })
  }
  expect(refused).toBeGreaterThan(0)
})
