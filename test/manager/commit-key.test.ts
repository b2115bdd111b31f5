/** Writes with a key: committed once, however often and by whomever they are tried. */
import { describe, expect, test } from 'vitest'
import { CommitStateUnknownError, type IcebergTableManager, type Table } from '../../src/index.ts'
import { fakeClock } from '../support/memory-runtime.ts'
import { scriptedCatalog, type Step } from '../support/scripted-catalog.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()
const row = (x: number, y: number | null = null) => ({ x, y })

async function filled(world: EvolutionWorld): Promise<Table> {
  const tbl = await createTable(world, 'x: int, y: int')
  await world.manager.writeData(tbl, [row(1, 10), row(2, 20)])
  return tbl
}

type Write = (manager: IcebergTableManager, tbl: Table, commitKey: string) => Promise<unknown>
const WRITES: Readonly<Record<string, Write>> = {
  append: (manager, tbl, commitKey) => manager.writeData(tbl, [row(1, 11), row(3)], { commitKey }),
  'append with columns': (manager, tbl, commitKey) =>
    manager.writeData(tbl, [{ x: 3, z: 1 }], { schemaMode: 'merge', commitKey }),
  overwrite: (manager, tbl, commitKey) =>
    manager.writeData(tbl, [row(1, 11)], { mode: 'overwrite', overwriteFilter: 'x = 1', commitKey }),
  upsert: (manager, tbl, commitKey) =>
    manager.writeData(tbl, [row(1, 11), row(2, 20), row(3)], {
      mode: 'upsert',
      joinColumns: ['x'],
      commitKey,
    }),
  delete: (manager, tbl, commitKey) => manager.deleteRows(tbl, 'x = 1', { commitKey }),
  update: (manager, tbl, commitKey) => manager.updateRows(tbl, { y: 0 }, 'x = 1', { commitKey }),
}

describe.each(Object.entries(WRITES))('%s', (_, write) => {
  test('again by the same handle, by a stale one, and in another process’s place', async () => {
    const world = await open()
    const tbl = await filled(world)
    const stale = await world.reload()
    const first = await write(world.manager, tbl, 'run 1')
    const [rows, objects] = [await rowsOf(tbl), await world.objects()]
    for (const handle of [tbl, stale, await world.reload()]) {
      const again = await write(world.manager, handle, 'run 1')
      const figures = { fileChanges: [], attempts: 0, alreadyCommitted: true }
      expect(again).toEqual({ ...(first as object), ...figures })
      expect(await rowsOf(handle)).toEqual(rows)
    }
    expect(await world.objects()).toEqual(objects)
    // Another key is another write.
    expect(await write(world.manager, tbl, 'run 2')).not.toHaveProperty('alreadyCommitted')
  })

  test('two at once: one commits, the other answers with it and leaves nothing', async () => {
    const world = await open()
    await filled(world)
    const before = await world.objects()
    const rivals: Step[] = [
      {
        outcome: 'conflict',
        before: async () => void (await write(world.manager, await world.reload(), 'run')),
      },
    ]
    const catalog = scriptedCatalog(world.manager.catalog, rivals)
    const mine = await world.open({ catalogPlugin: { name: 'scripted', connect: async () => catalog } })
    const tbl = await mine.loadTable('demo.t')
    const result = await write(mine, tbl, 'run')
    expect(result).toMatchObject({ alreadyCommitted: true, attempts: 1 })
    expect(tbl.metadata.snapshots).toHaveLength(2)
    expect(tbl.currentSnapshot?.['snapshot-id']).toBe((result as { snapshotId: bigint }).snapshotId)
    // As many new files as one such write makes.
    const alone = await open()
    const other = await filled(alone)
    const start = (await alone.objects()).length
    await write(alone.manager, other, 'run')
    expect((await world.objects()).length - before.length).toBe((await alone.objects()).length - start)
    await mine.close()
  })
})

describe('an answer that is lost', () => {
  async function lost(world: EvolutionWorld, step: Step) {
    await filled(world)
    const catalog = scriptedCatalog(world.manager.catalog, [step])
    const mine = await world.open({
      catalogPlugin: { name: 'scripted', connect: async () => catalog },
      clock: fakeClock(),
    })
    return { mine, tbl: await mine.loadTable('demo.t') }
  }
  const others = async (world: EvolutionWorld, key?: string) =>
    world.manager.writeData(await world.reload(), [row(9)], key === undefined ? {} : { commitKey: key })

  test.each(['lost answer', 'lost request'] as const)('%s: once', async (outcome) => {
    const world = await open()
    const { mine, tbl } = await lost(world, { outcome })
    const result = await mine.writeData(tbl, [row(3)], { commitKey: 'run' })
    expect(result).not.toHaveProperty('alreadyCommitted')
    expect(await mine.writeData(tbl, [row(3)], { commitKey: 'run' })).toMatchObject({
      snapshotId: result.snapshotId,
      alreadyCommitted: true,
    })
    expect(await rowsOf(tbl)).toEqual(asText([row(1, 10), row(2, 20), row(3)]))
    await mine.close()
  })

  test('and somebody else committed the key: theirs is the answer', async () => {
    const world = await open()
    const before = async () => void (await others(world, 'run'))
    const { mine, tbl } = await lost(world, { outcome: 'lost request', before })
    expect(await mine.writeData(tbl, [row(3)], { commitKey: 'run' })).toMatchObject({
      alreadyCommitted: true,
    })
    expect(await rowsOf(tbl)).toEqual(asText([row(1, 10), row(2, 20), row(9)]))
    await mine.close()
  })

  test('and others moved on: unknown, and trying again finds out', async () => {
    const world = await open()
    const before = async () => void (await others(world))
    const { mine, tbl } = await lost(world, { outcome: 'lost request', before })
    const write = () => mine.writeData(tbl, [row(3)], { commitKey: 'run' })
    await expect(write()).rejects.toBeInstanceOf(CommitStateUnknownError)
    expect(await write()).not.toHaveProperty('alreadyCommitted')
    expect(await write()).toHaveProperty('alreadyCommitted', true)
    expect(await rowsOf(tbl)).toEqual(asText([row(1, 10), row(2, 20), row(3), row(9)]))
    await mine.close()
  })
})

describe('where a key is known', () => {
  const write = (world: EvolutionWorld, tbl: Table, branch?: string) =>
    world.manager.writeData(tbl, [row(3)], { commitKey: 'run', branch })

  test('in the history of its branch, and of those that it was carried to', async () => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.manageSnapshots(tbl).createBranch('dev').commit()
    await write(world, tbl, 'dev')
    expect(await write(world, tbl)).not.toHaveProperty('alreadyCommitted')
    await world.manager.manageSnapshots(tbl).createBranch('next', { ref: 'dev' }).commit()
    expect(await write(world, tbl, 'next')).toHaveProperty('alreadyCommitted', true)
  })

  test('not in what was rolled back', async () => {
    const world = await open()
    const tbl = await filled(world)
    const before = tbl.currentSnapshot?.['snapshot-id'] ?? 0n
    await write(world, tbl)
    await world.manager.rollbackToSnapshot(tbl, before)
    expect(await write(world, tbl)).not.toHaveProperty('alreadyCommitted')
    expect(await tbl.scan().count()).toBe(3)
  })

  test('a write of no rows leaves none behind', async () => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.writeData(tbl, [], { commitKey: 'run' })
    expect(await write(world, tbl)).toMatchObject({ rowsInserted: 1 })
  })

  test('an iterable is not read where there is nothing to do', async () => {
    const world = await open()
    const tbl = await filled(world)
    await write(world, tbl)
    let read = 0
    const rows = (function* () {
      read += 1
      yield row(4)
    })()
    await world.manager.writeData(tbl, rows, { commitKey: 'run' })
    expect(read).toBe(0)
  })
})

describe('transactions', () => {
  test('once, with all of their snapshots, whatever branches they are on', async () => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.manageSnapshots(tbl).createBranch('dev').commit()
    let runs = 0
    const run = (handle: Table) =>
      world.manager.transaction(
        handle,
        async (tx) => {
          runs += 1
          await tx.evolveSchema([{ type: 'add_column', name: `z${runs}`, fieldType: 'int' }])
          await tx.writeData([row(3)], { branch: 'dev' })
          await tx.deleteRows('x = 1', { branch: 'dev' })
        },
        { commitKey: 'run' },
      )
    const stale = await world.reload()
    const first = await run(tbl)
    expect(first.snapshotIds).toHaveLength(2)
    const again = await run(stale)
    expect(again).toEqual({ snapshotIds: first.snapshotIds, writes: [], attempts: 0, alreadyCommitted: true })
    expect(runs).toBe(1)
    expect(stale.schema.fields).toHaveLength(3)
  })

  test('two at once', async () => {
    const world = await open()
    const tbl = await filled(world)
    const key = { commitKey: 'run' }
    const result = await world.manager.transaction(
      tbl,
      async (tx) => {
        await tx.updateProperties({ set: { who: 'late' } })
        await tx.writeData([row(3)])
        await world.manager.transaction(await world.reload(), (other) => other.writeData([row(4)]), key)
      },
      key,
    )
    expect(result).toMatchObject({ alreadyCommitted: true, attempts: 1, writes: [] })
    expect(await rowsOf(tbl)).toEqual(asText([row(1, 10), row(2, 20), row(4)]))
    expect(tbl.properties).not.toHaveProperty('who')
  })

  test('of metadata alone have no place for a key', async () => {
    const world = await open()
    const tbl = await filled(world)
    const steps = world.manager.transaction(tbl, (tx) => tx.updateProperties({ set: { a: 'b' } }), {
      commitKey: 'run',
    })
    await expect(steps).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
    expect((await world.reload()).properties).not.toHaveProperty('a')
  })

  test('nor have those whose only snapshots are picks, or what a branch begins with', async () => {
    const world = await open()
    const refused = { code: 'FLOEBERG_INVALID_ARGUMENT' }
    const key = { commitKey: 'run' }
    const tbl = await createTable(world, 'x: int, y: int')
    const branching = world.manager.transaction(
      tbl,
      (tx) => tx.manageSnapshots().createBranch('dev').commit(),
      key,
    )
    await expect(branching).rejects.toMatchObject(refused)
    await world.manager.manageSnapshots(tbl).createBranch('dev').commit()
    const { snapshotId } = await world.manager.writeData(tbl, [row(1)], { branch: 'dev' })
    await world.manager.writeData(tbl, [row(2)])
    const picking = world.manager.transaction(
      tbl,
      (tx) =>
        tx
          .manageSnapshots()
          .cherryPick(snapshotId ?? -1n)
          .commit(),
      key,
    )
    await expect(picking).rejects.toMatchObject(refused)
    expect(await rowsOf(await world.reload())).toEqual(asText([row(2)]))
  })
})

test.each<[string, object]>([
  ['an empty key', { commitKey: '' }],
  ['a key that is no text', { commitKey: 7 }],
  ['its entry among the properties', { snapshotProperties: { 'floeberg.commit-key': 'k' } }],
  ['a count among the properties', { snapshotProperties: { 'floeberg.rows-deleted': '1' } }],
])('refused: %s', async (_, options) => {
  const world = await open()
  const tbl = await filled(world)
  for (const run of [
    world.manager.writeData(tbl, [row(3)], options),
    world.manager.transaction(tbl, (tx) => tx.writeData([row(3)]), options),
  ]) {
    await expect(run).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
  }
})
