/** A partition spec that is cleaned up while rows are on their way into the table by it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { CommitConflictError, type IcebergTableManager, type Table } from '../../src/index.ts'
import { ExpiryWorld, idsOf, newTable, rows } from '../maintenance/expiring.ts'
import { openEngine } from '../support/manager-world.ts'

let root: string
let plane: DataPlane
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-removed-specs-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

type Body<T> = (tbl: Table, manager: IcebergTableManager) => Promise<T>

async function aside<T>(world: ExpiryWorld, body: Body<T>): Promise<T> {
  const manager = await world.openAside()
  try {
    return await body(await manager.loadTable('demo.events'), manager)
  } finally {
    await manager.close()
  }
}

const evolve: Body<unknown> = (tbl, manager) =>
  manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'kind' }])
const cleanUp: Body<readonly number[]> = async (tbl, manager) =>
  (await manager.expireSnapshots(tbl, { olderThanDays: 0, cleanExpiredMetadata: true })).removedSpecIds

/** Appends by a handle from before `evolved`, with something between any two of its calls. */
async function append(world: ExpiryWorld, evolved: 'before' | 'meanwhile', at: number | null) {
  const manager = await world.open()
  try {
    const tbl = await manager.loadTable('demo.events')
    if (evolved === 'before') await aside(world, evolve)
    let removed: readonly number[] = []
    const meanwhile = () =>
      aside(world, async (now, other) => {
        if (evolved === 'meanwhile') await evolve(now, other)
        removed = await cleanUp(now, other)
      })
    world.world.controller.reset(at === null ? null : { mode: 'meanwhile', at, meanwhile })
    const outcome = await manager.writeData(tbl, rows(1)).then(
      () => 'written' as const,
      (error: unknown) => error,
    )
    return { outcome, removed, calls: world.world.controller.calls.length }
  } finally {
    world.world.controller.disarm()
    await manager.close()
  }
}

test.each(['before', 'meanwhile'] as const)(
  'a table whose spec was changed (%s) never gets files of a spec that it has lost',
  async (evolved) => {
    const world = await ExpiryWorld.make(root, plane)
    const manager = await world.openAside()
    await newTable(manager)
    await manager.close()
    const restore = await world.world.keep()
    const { calls, outcome } = await append(world, evolved, null)
    expect(outcome).toBe('written')
    let refused = 0
    for (let at = 1; at <= calls; at += 1) {
      await restore()
      const run = await append(world, evolved, at)
      const written = run.outcome === 'written'
      if (!written) expect(run.outcome, `before call ${at}`).toBeInstanceOf(CommitConflictError)
      await aside(world, async (tbl) => {
        expect(await idsOf(tbl), `before call ${at}`).toEqual(written ? [1] : [])
        const specs = tbl.metadata['partition-specs'].map((spec) => spec['spec-id'])
        const used = (await tbl.inspect.files()).map((file) => file.spec_id)
        expect(specs, `before call ${at}`).toEqual(expect.arrayContaining(used))
        expect(await world.unreached(tbl), `before call ${at}`).toEqual([])
      })
      if (!written && run.removed.length > 0) refused += 1
    }
    expect(refused).toBeGreaterThan(0)
  },
  60_000,
)
