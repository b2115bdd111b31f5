/** Write, audit, publish: rows that are staged, and what brings them to a branch. */
import { describe, expect, test } from 'vitest'
import type { Table, WriteOptions } from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const row = (id: number, p = 0) => ({ id, p })
const asText = (...rows: readonly object[]): string[] => rows.map(valueText).sort()

/** Two partitions with a row each. */
async function grown(world: EvolutionWorld, config: Parameters<typeof createTable>[2] = {}) {
  const tbl = await createTable(world, 'id: int, p: int', { partitionSpec: [{ source: 'p' }], ...config })
  await world.manager.writeData(tbl, [row(1, 1), row(2, 2)])
  return tbl
}

async function stage(
  world: EvolutionWorld,
  tbl: Table,
  rows: readonly object[],
  wapId?: string,
  options: WriteOptions = {},
): Promise<bigint> {
  const snapshotProperties = wapId === undefined ? {} : { 'wap.id': wapId }
  const result = await world.manager.writeData(tbl, rows, { ...options, stageOnly: true, snapshotProperties })
  return result.snapshotId ?? 0n
}

const head = (tbl: Table): bigint => tbl.currentSnapshot?.['snapshot-id'] ?? 0n

describe('staged rows', () => {
  test('are seen only by their snapshot, until they are published', async () => {
    const world = await open()
    const tbl = await grown(world)
    const before = head(tbl)
    const id = await stage(world, tbl, [row(3, 1)], 'w1')
    expect(head(tbl)).toBe(before)
    expect(tbl.metadata.refs).toEqual({ main: { type: 'branch', 'snapshot-id': before } })
    expect(tbl.metadata['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([before])
    expect(await rowsOf(tbl)).toEqual(asText(row(1, 1), row(2, 2)))
    expect(await tbl.scan({ snapshotId: id }).count()).toBe(3)
    const result = await world.manager.manageSnapshots(tbl).publish('w1').commit()
    // Nothing came in between: the branch moves on to the staged snapshot itself.
    expect(result.picks).toEqual([{ branch: 'main', sourceSnapshotId: id, snapshotId: id }])
    expect(head(tbl)).toBe(id)
  })

  test('come in by a new snapshot where the branch has moved, and it says where from', async () => {
    const world = await open()
    const tbl = await grown(world)
    const id = await stage(world, tbl, [row(3, 1)], 'w1')
    const { snapshotId: parent } = await world.manager.writeData(tbl, [row(4, 4)])
    const { picks } = await world.manager.manageSnapshots(tbl).publish('w1').commit()
    const { currentSnapshot } = tbl
    expect(picks).toEqual([{ branch: 'main', sourceSnapshotId: id, snapshotId: head(tbl) }])
    expect(currentSnapshot).toMatchObject({
      'parent-snapshot-id': parent,
      'sequence-number': 4,
      summary: {
        operation: 'append',
        'source-snapshot-id': String(id),
        'published-wap-id': 'w1',
        'added-records': '1',
        'total-records': '4',
      },
    })
    expect(currentSnapshot?.summary).not.toHaveProperty('wap.id')
    expect(await rowsOf(await world.reload())).toEqual(asText(row(1, 1), row(2, 2), row(3, 1), row(4, 4)))
  })

  test('may be changes of any kind; those of rows are published onto what they were made on', async () => {
    const world = await open()
    const tbl = await grown(world)
    const deleted = await world.manager.deleteRows(tbl, 'id = 1', { stageOnly: true })
    const upserted = await world.manager.writeData(tbl, [row(1, 9), row(5, 5)], {
      mode: 'upsert',
      joinColumns: ['id'],
      stageOnly: true,
    })
    const updated = await world.manager.updateRows(tbl, { p: 7 }, 'id = 2', { stageOnly: true })
    expect(await rowsOf(tbl)).toEqual(asText(row(1, 1), row(2, 2)))
    for (const { snapshotId } of [deleted, updated]) {
      await world.manager.writeData(tbl, [row(8, 8)])
      await expect(
        world.manager
          .manageSnapshots(tbl)
          .cherryPick(snapshotId ?? 0n)
          .commit(),
      ).rejects.toMatchObject({ code: 'FLOEBERG_CHERRY_PICK', reason: 'not_pickable', table: 'demo.t' })
    }
    const base = tbl.metadata.snapshots[0]?.['snapshot-id'] ?? 0n
    await world.manager
      .manageSnapshots(tbl)
      .rollbackTo(base)
      .cherryPick(upserted.snapshotId ?? 0n)
      .commit()
    expect(await rowsOf(tbl)).toEqual(asText(row(1, 9), row(2, 2), row(5, 5)))
  })

  test('go to another branch, or wait on one', async () => {
    const world = await open()
    const tbl = await grown(world)
    await world.manager.manageSnapshots(tbl).createBranch('dev').commit()
    const id = await stage(world, tbl, [row(3, 1)], 'w1', { branch: 'dev' })
    await world.manager.writeData(tbl, [row(4, 4)], { branch: 'dev' })
    await world.manager.manageSnapshots(tbl).publish('w1', { branch: 'dev' }).commit()
    expect((await tbl.scan({ ref: 'dev' }).toArray()).map(valueText).sort()).toEqual(
      asText(row(1, 1), row(2, 2), row(3, 1), row(4, 4)),
    )
    expect(await rowsOf(tbl)).toEqual(asText(row(1, 1), row(2, 2)))
    // main has not got them: there they are still to be published.
    expect((await world.manager.manageSnapshots(tbl).cherryPick(id).commit()).picks).toEqual([
      { branch: 'main', sourceSnapshotId: id, snapshotId: id },
    ])
  })

  test('are refused beside what cannot wait', async () => {
    const world = await open()
    const tbl = await grown(world)
    await expect(
      world.manager.writeData(tbl, [{ ...row(3), extra: 1 }], { stageOnly: true, schemaMode: 'merge' }),
    ).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
    await expect(
      world.manager.transaction(tbl, async (tx) => {
        await tx.writeData([row(3, 1)], { stageOnly: true })
      }),
    ).rejects.toMatchObject({ code: 'FLOEBERG_UNSUPPORTED_FEATURE' })
    await expect(stage(world, tbl, [row(3)], 'w1', { branch: 'nope' })).rejects.toMatchObject({
      code: 'FLOEBERG_NO_SUCH_REF',
    })
  })
})

describe('replaced partitions', () => {
  const PARTITIONS = { mode: 'overwrite', overwriteScope: 'partitions' } as const

  test('are replaced where nobody has touched them since, whatever became of others', async () => {
    const world = await open()
    const tbl = await grown(world)
    await stage(world, tbl, [row(10, 1)], 'w1', PARTITIONS)
    await world.manager.writeData(tbl, [row(3, 2), row(4, 4)])
    await world.manager.manageSnapshots(tbl).publish('w1').commit()
    expect(await rowsOf(tbl)).toEqual(asText(row(10, 1), row(2, 2), row(3, 2), row(4, 4)))
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      operation: 'overwrite',
      'deleted-records': '1',
      'added-records': '1',
      'total-records': '4',
    })
  })

  const CHANGES: readonly (readonly [string, (world: EvolutionWorld, tbl: Table) => Promise<unknown>])[] = [
    ['rows were added', (world, tbl) => world.manager.writeData(tbl, [row(3, 1)])],
    ['rows were deleted', (world, tbl) => world.manager.deleteRows(tbl, 'p = 1')],
    ['rows were updated', (world, tbl) => world.manager.updateRows(tbl, { id: 5 }, 'p = 1')],
    [
      'the table was replaced',
      (world, tbl) => world.manager.writeData(tbl, [row(3, 1)], { mode: 'overwrite' }),
    ],
  ]

  test.each(CHANGES)('are refused where %s', async (_, change) => {
    const world = await open()
    const tbl = await grown(world)
    await stage(world, tbl, [row(10, 1)], 'w1', PARTITIONS)
    await change(world, tbl)
    const before = await rowsOf(tbl)
    const objects = await world.objects()
    await expect(world.manager.manageSnapshots(tbl).publish('w1').commit()).rejects.toMatchObject({
      code: 'FLOEBERG_CHERRY_PICK',
      reason: 'partitions_changed',
    })
    expect(await rowsOf(await world.reload())).toEqual(before)
    expect(await world.objects()).toEqual(objects)
  })

  test('that were empty are refused where rows came since', async () => {
    const world = await open()
    const tbl = await grown(world)
    await stage(world, tbl, [row(10, 3)], 'w1', PARTITIONS)
    await world.manager.writeData(tbl, [row(3, 3)])
    await expect(world.manager.manageSnapshots(tbl).publish('w1').commit()).rejects.toMatchObject({
      reason: 'partitions_changed',
    })
  })

  test('of another line are refused', async () => {
    const world = await open()
    const tbl = await grown(world)
    const first = head(tbl)
    await world.manager.writeData(tbl, [row(3, 3)])
    await stage(world, tbl, [row(10, 1)], 'w1', PARTITIONS)
    await world.manager.rollbackToSnapshot(tbl, first)
    await world.manager.writeData(tbl, [row(4, 4)])
    await expect(world.manager.manageSnapshots(tbl).publish('w1').commit()).rejects.toMatchObject({
      reason: 'not_based_on_branch',
    })
  })
})

describe('refused', () => {
  test('what the branch has: as itself, as a pick, by its wap.id', async () => {
    const world = await open()
    const tbl = await grown(world)
    const first = head(tbl)
    const plain = await stage(world, tbl, [row(3, 1)])
    const waiting = await stage(world, tbl, [row(4, 1)], 'w1')
    await world.manager.writeData(tbl, [row(5, 5)])
    await world.manager.manageSnapshots(tbl).cherryPick(plain).cherryPick(waiting).commit()
    const refused: readonly (readonly [bigint, string])[] = [
      [first, 'already_picked'],
      [head(tbl), 'already_picked'],
      [plain, 'already_picked'],
      [waiting, 'already_published'],
    ]
    for (const [id, reason] of refused) {
      await expect(world.manager.manageSnapshots(tbl).cherryPick(id).commit()).rejects.toMatchObject({
        code: 'FLOEBERG_CHERRY_PICK',
        reason,
      })
    }
    await expect(world.manager.manageSnapshots(tbl).publish('w1').commit()).rejects.toMatchObject({
      reason: 'already_published',
    })
    expect(await tbl.scan().count()).toBe(5)
  })

  test('a wap.id that nobody staged, and one that several did', async () => {
    const world = await open()
    const tbl = await grown(world)
    expect(() => world.manager.manageSnapshots(tbl).publish('nope')).toThrowError(
      expect.objectContaining({ code: 'FLOEBERG_NO_SUCH_SNAPSHOT', table: 'demo.t' }),
    )
    const ids = [await stage(world, tbl, [row(3, 1)], 'w1'), await stage(world, tbl, [row(4, 1)], 'w1')]
    expect(() => world.manager.manageSnapshots(tbl).publish('w1')).toThrowError(
      expect.objectContaining({
        code: 'FLOEBERG_INVALID_ARGUMENT',
        hint: expect.stringContaining(ids.join(', ')),
      }),
    )
    await world.manager
      .manageSnapshots(tbl)
      .cherryPick(ids[1] ?? 0n)
      .commit()
    await expect(world.manager.manageSnapshots(tbl).publish('w1').commit()).rejects.toMatchObject({
      reason: 'already_published',
    })
  })

  test('on a table of version 3, where no snapshot can be written yet; moving on can', async () => {
    const world = await open()
    const tbl = await grown(world)
    const onHead = await stage(world, tbl, [row(3, 1)])
    await world.manager.manageSnapshots(tbl).createBranch('other').commit()
    await world.manager.writeData(tbl, [row(4, 4)], { branch: 'other' })
    await world.manager.upgradeFormatVersion(tbl, 3)
    await expect(
      world.manager.manageSnapshots(tbl).cherryPick(onHead, { branch: 'other' }).commit(),
    ).rejects.toMatchObject({ code: 'FLOEBERG_UNSUPPORTED_FEATURE' })
    await world.manager.manageSnapshots(tbl).cherryPick(onHead).commit()
    expect(head(tbl)).toBe(onHead)
  })

  test('rows from before a column became required', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int, p: int')
    await world.manager.writeData(tbl, [row(1, 1)])
    const id = await stage(world, tbl, [{ id: 2, p: null }])
    await world.manager.writeData(tbl, [row(3, 3)])
    await world.manager.evolveSchema(tbl, [{ type: 'make_required', name: 'p' }], {
      allowIncompatibleChanges: true,
    })
    await expect(world.manager.manageSnapshots(tbl).cherryPick(id).commit()).rejects.toMatchObject({
      code: 'FLOEBERG_COMMIT_CONFLICT',
      message: expect.stringContaining("'p'"),
    })
  })
})

describe.each([1, 2] as const)('format version %i', (formatVersion) => {
  test('picks several appends, of several specs, and merges nothing away', async () => {
    const world = await open()
    const tbl = await grown(world, { formatVersion })
    const one = await stage(world, tbl, [row(3, 1)])
    await world.manager.evolvePartitionSpec(tbl, [
      { type: 'replace_field', field: 'p', source: 'id', transform: 'bucket[4]' },
    ])
    const two = await stage(world, tbl, [row(4, 2), row(5, 3)])
    await world.manager.writeData(tbl, [row(6, 6)])
    const parent = head(tbl)
    const result = await world.manager.manageSnapshots(tbl).cherryPick(one).cherryPick(two).commit()
    expect(result.picks.map((pick) => pick.sourceSnapshotId)).toEqual([one, two])
    expect(await rowsOf(await world.reload())).toEqual(
      asText(row(1, 1), row(2, 2), row(3, 1), row(4, 2), row(5, 3), row(6, 6)),
    )
    const [first, second] = tbl.metadata.snapshots.slice(-2)
    expect(first?.['parent-snapshot-id']).toBe(parent)
    expect(second?.['parent-snapshot-id']).toBe(first?.['snapshot-id'])
    expect(second?.['sequence-number']).toBe(formatVersion === 1 ? undefined : 6)
    // What was current only in the middle of the commit never was for anybody.
    expect(tbl.metadata['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([
      tbl.metadata.snapshots[0]?.['snapshot-id'],
      parent,
      second?.['snapshot-id'],
    ])
    const entries = await tbl.inspect.files()
    expect(new Set(entries.map(({ spec_id }) => spec_id))).toEqual(new Set([0, 1]))
  })
})
