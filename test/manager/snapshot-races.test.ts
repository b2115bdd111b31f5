/** What changes of snapshots and refs do when others commit at the same time, or answers are lost. */
import { describe, expect, test } from 'vitest'
import type { IcebergTableManager, Table } from '../../src/index.ts'
import { fakeClock } from '../support/memory-runtime.ts'
import { scriptedCatalog, type Outcome, type Step } from '../support/scripted-catalog.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const row = (id: number) => ({ id })
const asText = (...ids: readonly number[]): string[] => ids.map((id) => valueText(row(id))).sort()

/** main: 1, 2; branch dev on 1 with 3; tag t on 1. */
async function grown(world: EvolutionWorld) {
  const tbl = await createTable(world, 'id: int')
  const first = (await world.manager.writeData(tbl, [row(1)])).snapshotId ?? 0n
  await world.manager.manageSnapshots(tbl).createBranch('dev').createTag('t').commit()
  const second = (await world.manager.writeData(tbl, [row(2)])).snapshotId ?? 0n
  const dev = (await world.manager.writeData(tbl, [row(3)], { branch: 'dev' })).snapshotId ?? 0n
  return { first, second, dev }
}

async function scripted(world: EvolutionWorld, steps: readonly Step[]) {
  const catalog = scriptedCatalog(world.manager.catalog, steps)
  const mine = await world.open({
    catalogPlugin: { name: 'scripted', connect: async () => catalog },
    clock: fakeClock(),
  })
  return { mine, tbl: await mine.loadTable('demo.t'), catalog }
}

type Ids = Awaited<ReturnType<typeof grown>>
type Change = (manager: IcebergTableManager, tbl: Table, ids: Ids) => Promise<unknown>

const append: Change = (manager, tbl) => manager.writeData(tbl, [row(9)])
const appendToDev: Change = (manager, tbl) => manager.writeData(tbl, [row(9)], { branch: 'dev' })
const moveTag: Change = (manager, tbl, { second }) =>
  manager.manageSnapshots(tbl).replaceTag('t', { snapshotId: second }).commit()
const pickDev: Change = (manager, tbl, { dev }) => manager.manageSnapshots(tbl).cherryPick(dev).commit()
const properties: Change = (manager, tbl) => manager.updateProperties(tbl, { set: { a: 'b' } })

const CHANGES: Readonly<Record<string, Change>> = {
  createTag: (manager, tbl) => manager.manageSnapshots(tbl).createTag('x').commit(),
  replaceTag: (manager, tbl) => manager.manageSnapshots(tbl).replaceTag('t').commit(),
  removeTag: (manager, tbl) => manager.manageSnapshots(tbl).removeTag('t').commit(),
  removeBranch: (manager, tbl) => manager.manageSnapshots(tbl).removeBranch('dev').commit(),
  renameBranch: (manager, tbl) => manager.manageSnapshots(tbl).renameBranch('dev', 'y').commit(),
  setRetention: (manager, tbl) => manager.manageSnapshots(tbl).setRetention('t', { maxRefAgeMs: 5 }).commit(),
  cherryPick: (manager, tbl, { dev }) => manager.manageSnapshots(tbl).cherryPick(dev).commit(),
  rollback: (manager, tbl, { first }) => manager.rollbackToSnapshot(tbl, first),
  setCurrent: (manager, tbl, { dev }) =>
    manager.manageSnapshots(tbl).setCurrentSnapshot({ snapshotId: dev }).commit(),
}

/** Who gives way to whom; all other pairs go together. */
const CLASHES: readonly (readonly [string, Change, string])[] = [
  ['replaceTag', moveTag, 'FLOEBERG_COMMIT_CONFLICT'],
  ['removeTag', moveTag, 'FLOEBERG_COMMIT_CONFLICT'],
  ['removeBranch', appendToDev, 'FLOEBERG_COMMIT_CONFLICT'],
  ['rollback', append, 'FLOEBERG_COMMIT_CONFLICT'],
  ['setCurrent', append, 'FLOEBERG_COMMIT_CONFLICT'],
  ['cherryPick', pickDev, 'FLOEBERG_CHERRY_PICK'],
  [
    'createTag',
    (manager, tbl) => manager.manageSnapshots(tbl).createTag('x').commit(),
    'FLOEBERG_COMMIT_CONFLICT',
  ],
  [
    'setRetention',
    (manager, tbl) => manager.manageSnapshots(tbl).removeTag('t').commit(),
    'FLOEBERG_COMMIT_CONFLICT',
  ],
]

describe('others came first', () => {
  test.each(CLASHES)('%s gives way, and the other stays as it is', async (name, other, code) => {
    const world = await open()
    const ids = await grown(world)
    let theirs: Table | null = null
    const before = async (): Promise<void> => {
      await other(world.manager, await world.reload(), ids)
      theirs = await world.reload()
    }
    const { mine, tbl } = await scripted(world, [{ outcome: 'conflict', before }])
    await expect(CHANGES[name]?.(mine, tbl, ids)).rejects.toMatchObject({ code, table: 'demo.t' })
    expect(theirs).not.toBeNull()
    expect((await world.reload()).metadata).toEqual((theirs as Table | null)?.metadata)
    await mine.close()
  })

  test.each(Object.entries(CHANGES))('%s goes on top of a change of properties', async (_, change) => {
    const world = await open()
    const ids = await grown(world)
    const { mine, tbl } = await scripted(world, [
      {
        outcome: 'conflict',
        before: async () => void (await properties(world.manager, await world.reload(), ids)),
      },
    ])
    expect(await change(mine, tbl, ids)).toMatchObject({ attempts: 2 })
    expect(tbl.properties).toMatchObject({ a: 'b' })
    await mine.close()
  })

  test('a pick and an append keep both rows, and leave no file behind', async () => {
    const world = await open()
    const ids = await grown(world)
    const { mine, tbl } = await scripted(world, [
      {
        outcome: 'conflict',
        before: async () => void (await append(world.manager, await world.reload(), ids)),
      },
    ])
    const { picks } = await mine.manageSnapshots(tbl).cherryPick(ids.dev).createTag('x').commit()
    expect(await rowsOf(await world.reload())).toEqual(asText(1, 2, 3, 9))
    expect(tbl.metadata.refs['x']?.['snapshot-id']).toBe(picks[0]?.snapshotId)
    expect(tbl.currentSnapshot).toMatchObject({ 'sequence-number': 5 })
    const lists = (await world.objects()).filter((file) => file.includes('/snap-'))
    expect(lists).toHaveLength(tbl.metadata.snapshots.length)
    await mine.close()
  })

  test('a pick for which the branch went back to its parent moves on, and leaves no file behind', async () => {
    const world = await open()
    const ids = await grown(world)
    const back = async (): Promise<void> => {
      const tbl = await world.reload()
      await world.manager.rollbackToSnapshot(tbl, ids.first)
    }
    const { mine, tbl } = await scripted(world, [{ outcome: 'conflict', before: back }])
    const { picks } = await mine.manageSnapshots(tbl).cherryPick(ids.dev).commit()
    expect(picks).toEqual([{ branch: 'main', sourceSnapshotId: ids.dev, snapshotId: ids.dev }])
    const manifests = (await world.objects()).filter((file) => file.endsWith('.avro'))
    // Three appends: each has a list and a manifest.
    expect(manifests).toHaveLength(6)
    await mine.close()
  })

  test('a retention and an append to the branch go together', async () => {
    const world = await open()
    const ids = await grown(world)
    const { mine, tbl } = await scripted(world, [
      {
        outcome: 'conflict',
        before: async () => void (await appendToDev(world.manager, await world.reload(), ids)),
      },
    ])
    await mine.manageSnapshots(tbl).setRetention('dev', { minSnapshotsToKeep: 3 }).commit()
    expect((await tbl.scan({ ref: 'dev' }).toArray()).map(valueText).sort()).toEqual(asText(1, 3, 9))
    expect(tbl.metadata.refs['dev']).toMatchObject({ 'min-snapshots-to-keep': 3 })
    await mine.close()
  })

  const WRITES: readonly (readonly [string, Change])[] = [
    ['an append', append],
    [
      'an upsert',
      (manager, tbl) => manager.writeData(tbl, [row(7)], { mode: 'upsert', joinColumns: ['id'] }),
    ],
    ['a delete', (manager, tbl) => manager.deleteRows(tbl, 'id = 1')],
    ['a pick', pickDev],
    ['a rollback', (manager, tbl, { first }) => manager.rollbackToSnapshot(tbl, first)],
    [
      'another setting',
      (manager, tbl) => manager.manageSnapshots(tbl).setRetention('main', { maxSnapshotAgeMs: 5 }).commit(),
    ],
  ]

  test.each(WRITES)('%s by a handle that does not know of a new retention leaves it', async (_, write) => {
    const world = await open()
    const ids = await grown(world)
    const old = await world.manager.loadTable('demo.t')
    await world.manager
      .manageSnapshots(await world.reload())
      .setRetention('main', { minSnapshotsToKeep: 7 })
      .commit()
    expect(await write(world.manager, old, ids)).toMatchObject({ attempts: 2 })
    expect((await world.reload()).metadata.refs['main']).toMatchObject({ 'min-snapshots-to-keep': 7 })
  })

  test('a branch that moves on follows what was asked for, not what came to it since', async () => {
    const world = await open()
    const ids = await grown(world)
    await world.manager.rollbackToSnapshot(await world.manager.loadTable('demo.t'), ids.first)
    const { mine, tbl } = await scripted(world, [
      {
        outcome: 'conflict',
        before: async () => void (await appendToDev(world.manager, await world.reload(), ids)),
      },
    ])
    await mine.manageSnapshots(tbl).fastForward('main', 'dev').commit()
    expect(await rowsOf(tbl)).toEqual(asText(1, 3))
    await mine.close()
  })

  test.each<readonly [string, Change]>([
    ['a rollback', (manager, tbl, { second }) => manager.rollbackToSnapshot(tbl, second)],
    [
      'a current snapshot',
      (manager, tbl, { second }) =>
        manager.manageSnapshots(tbl).setCurrentSnapshot({ snapshotId: second }).commit(),
    ],
    [
      'a replaced branch',
      (manager, tbl, { second }) =>
        manager.manageSnapshots(tbl).replaceBranch('main', { snapshotId: second }).commit(),
    ],
  ])('%s to what an old handle takes for current does not pass for done', async (_, change) => {
    const world = await open()
    const ids = await grown(world)
    const old = await world.manager.loadTable('demo.t')
    await append(world.manager, await world.reload(), ids)
    await expect(change(world.manager, old, ids)).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT' })
    expect(await change(world.manager, await old.refresh(), ids)).toMatchObject({ attempts: 1 })
    expect(await rowsOf(old)).toEqual(asText(1, 2))
  })

  test('what changes nothing beside what others committed changes nothing, and the handle shows theirs', async () => {
    const world = await open()
    const ids = await grown(world)
    const old = await world.manager.loadTable('demo.t')
    await append(world.manager, await world.reload(), ids)
    const same = await world.manager.manageSnapshots(old).replaceTag('t', { snapshotId: ids.first }).commit()
    expect(same).toEqual({ refs: [], picks: [], attempts: 0 })
    expect(await rowsOf(old)).toEqual(asText(1, 2, 9))
  })

  test('a branch that is to start from nothing does not start from the first rows of others', async () => {
    const world = await open()
    await createTable(world, 'id: int')
    const { mine, tbl } = await scripted(world, [
      {
        outcome: 'conflict',
        before: async () => void (await world.manager.writeData(await world.reload(), [row(1)])),
      },
    ])
    const create = () => mine.manageSnapshots(tbl).createBranch('dev').commit()
    await expect(create()).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT' })
    await tbl.refresh()
    expect(Object.keys(tbl.metadata.refs)).toEqual(['main'])
    await create()
    expect(tbl.metadata.refs['dev']?.['snapshot-id']).toBe(tbl.currentSnapshot?.['snapshot-id'])
    await mine.close()
  })

  test('what was expired meanwhile is told as missing', async () => {
    const world = await open()
    const ids = await grown(world)
    const { snapshotId = null } = await world.manager.writeData(
      await world.manager.loadTable('demo.t'),
      [row(5)],
      {
        stageOnly: true,
      },
    )
    const { mine, tbl } = await scripted(world, [])
    await world.manager.catalog.commitTable(tbl.identifier, {
      requirements: [],
      updates: [{ action: 'remove-snapshots', 'snapshot-ids': [snapshotId ?? 0n] }],
    })
    await expect(
      mine
        .manageSnapshots(tbl)
        .createTag('x', { snapshotId: snapshotId ?? 0n })
        .commit(),
    ).rejects.toMatchObject({ code: 'FLOEBERG_NO_SUCH_SNAPSHOT', table: 'demo.t' })
    expect(ids.first).toBeGreaterThan(0n)
    await mine.close()
  })
})

describe('an answer is lost', () => {
  const OUTCOMES: readonly Outcome[] = ['lost answer', 'lost request']

  test.each(
    Object.entries(CHANGES).flatMap(([name, change]) =>
      OUTCOMES.map((outcome) => ({ name, outcome, change })),
    ),
  )('$name: $outcome', async ({ outcome, change }) => {
    const world = await open()
    const ids = await grown(world)
    const undisturbed = await open()
    const others = await grown(undisturbed)
    await change(undisturbed.manager, await undisturbed.manager.loadTable('demo.t'), others)
    const { mine, tbl } = await scripted(world, [{ outcome }])
    await change(mine, tbl, ids)
    const refs = async (each: EvolutionWorld) => {
      const { metadata } = await each.reload()
      const order = metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])
      return Object.entries(metadata.refs).map(([name, ref]) => [name, order.indexOf(ref['snapshot-id'])])
    }
    expect((await refs(world)).sort()).toEqual((await refs(undisturbed)).sort())
    expect((await world.reload()).metadata.snapshots).toHaveLength(
      (await undisturbed.reload()).metadata.snapshots.length,
    )
    await mine.close()
  })
})
