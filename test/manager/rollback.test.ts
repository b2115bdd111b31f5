/** Going back: rows exactly as they were, what stays as it is, and the log of what was current when. */
import { describe, expect, test } from 'vitest'
import type { Table } from '../../src/index.ts'
import {
  createTable,
  evolutionWorlds,
  rowsOf,
  schemaFromText,
  valueText,
  type EvolutionWorld,
} from './evolution-world.ts'

const open = evolutionWorlds()

const row = (id: number) => ({ id })
const asText = (...ids: readonly number[]): string[] => ids.map((id) => valueText(row(id))).sort()

/** A clock in the test's hand: each commit one second after the one before. */
/** After all that is told by the clock of the machine, which tables' own times follow. */
const LATER = Date.UTC(2100, 0, 1)

function ticking(start: number) {
  let now = start
  return {
    now: () => (now += 1000),
    sleep: async () => {},
  }
}

async function grown(world: EvolutionWorld, count = 3, columns = 'id: int') {
  const tbl = await createTable(world, columns)
  const ids: bigint[] = []
  for (let id = 1; id <= count; id += 1) {
    ids.push((await world.manager.writeData(tbl, [row(id)])).snapshotId ?? 0n)
  }
  const [first = 0n, second = 0n, third = 0n] = ids
  return { tbl, ids, first, second, third }
}

const logOf = (tbl: Table) => tbl.metadata['snapshot-log'].map((entry) => entry['snapshot-id'])

describe('rollbackToSnapshot', () => {
  test('brings the rows back exactly, names both snapshots, and keeps what is left behind', async () => {
    const world = await open()
    const { tbl, first, second, third } = await grown(world)
    await world.manager.deleteRows(tbl, 'id = 1')
    const last = tbl.currentSnapshot?.['snapshot-id']
    const result = await world.manager.rollbackToSnapshot(tbl, second)
    expect(result).toEqual({
      branch: 'main',
      previousSnapshotId: last,
      snapshotId: second,
      changed: true,
      abandonedSnapshotIds: [last, third],
      schemaDifferences: [],
      partitionSpecThen: null,
      sortOrderThen: null,
      attempts: 1,
    })
    expect(await rowsOf(await world.reload())).toEqual(asText(1, 2))
    expect(await rowsOf(tbl)).toEqual(asText(1, 2))
    expect(tbl.metadata.snapshots).toHaveLength(4)
    expect((await tbl.scan({ snapshotId: third }).toArray()).map(valueText).sort()).toEqual(asText(1, 2, 3))
    expect(logOf(tbl)).toEqual([first, second, third, last, second])
    await world.manager.rollbackToSnapshot(tbl, String(third), { force: true })
    expect(await rowsOf(tbl)).toEqual(asText(1, 2, 3))
  })

  test('to what is current commits nothing', async () => {
    const world = await open()
    const { tbl, third } = await grown(world)
    const { metadataLocation } = tbl
    const result = await world.manager.rollbackToSnapshot(tbl, third)
    expect(result).toMatchObject({
      changed: false,
      attempts: 0,
      previousSnapshotId: third,
      abandonedSnapshotIds: [],
    })
    const later = new Date(Date.now() + 100)
    expect((await world.manager.manageSnapshots(tbl).rollbackToTimestamp(later).commit()).attempts).toBe(0)
    expect((await world.reload()).metadataLocation).toBe(metadataLocation)
    const beside = await world.manager.manageSnapshots(tbl).rollbackTo(third).createTag('x').commit()
    expect(beside).toMatchObject({ attempts: 1, refs: [{ name: 'x' }] })
  })

  test('only looked at, commits nothing and says what it would come to', async () => {
    const world = await open()
    const { tbl, first, second, third } = await grown(world)
    const { metadataLocation } = tbl
    expect(await world.manager.rollbackToSnapshot(tbl, first, { dryRun: true })).toMatchObject({
      changed: true,
      abandonedSnapshotIds: [third, second],
      attempts: 0,
    })
    expect((await world.reload()).metadataLocation).toBe(metadataLocation)
    expect(tbl.currentSnapshot?.['snapshot-id']).toBe(third)
  })

  test('of another branch leaves main alone', async () => {
    const world = await open()
    const { tbl, second, third } = await grown(world)
    await world.manager.manageSnapshots(tbl).createBranch('dev').commit()
    await world.manager.writeData(tbl, [row(9)], { branch: 'dev' })
    const result = await world.manager.rollbackToSnapshot(tbl, second, { branch: 'dev' })
    expect(result).toMatchObject({ branch: 'dev', snapshotId: second })
    expect(tbl.metadata.refs).toMatchObject({
      main: { 'snapshot-id': third },
      dev: { 'snapshot-id': second },
    })
    expect(logOf(tbl).at(-1)).toBe(third)
  })

  test('says where schema, partition spec and sort order were others', async () => {
    const world = await open()
    const tbl = await world.manager.createTable(
      {
        namespace: 'demo',
        name: 't',
        schema: schemaFromText('id: int, kind: string'),
        partitionSpec: [{ source: 'kind' }],
        sortOrder: [{ source: 'id' }],
      },
      { createNamespace: true },
    )
    const then = (await world.manager.writeData(tbl, [{ id: 1, kind: 'a' }])).snapshotId ?? 0n
    await world.manager.evolveSchema(tbl, [
      { type: 'add_column', name: 'at', fieldType: 'timestamp' },
      { type: 'rename_column', name: 'id', newName: 'key' },
    ])
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'remove_field', field: 'kind' }])
    await world.manager.replaceSortOrder(tbl, [{ source: 'kind' }])
    const now = (await world.manager.writeData(tbl, [{ key: 2, kind: 'b' }])).snapshotId ?? 0n
    const { schemaId } = tbl.schema
    expect(await world.manager.rollbackToSnapshot(tbl, now)).toMatchObject({
      schemaDifferences: [],
      partitionSpecThen: null,
      sortOrderThen: null,
    })
    const result = await world.manager.rollbackToSnapshot(tbl, then)
    expect(result.schemaDifferences).toMatchObject([
      { kind: 'renamed', column: 'key' },
      { kind: 'added', column: 'at' },
    ])
    expect(result.partitionSpecThen?.fields).toMatchObject([{ name: 'kind' }])
    expect(result.sortOrderThen?.fields).toMatchObject([{ sourceId: 1 }])
    expect(tbl.schema.schemaId).toBe(schemaId)
    expect(tbl.partitionSpec.fields).toEqual([])
    expect(await tbl.scan().toArray()).toEqual([{ key: 1, kind: 'a', at: null }])
  })
})

describe('a snapshot that cannot be gone back to', () => {
  test('is not there: the nearest are named', async () => {
    const world = await open()
    const { tbl, first, second, third } = await grown(world)
    for (const attempt of [
      () => world.manager.rollbackToSnapshot(tbl, 5n),
      async () => world.manager.manageSnapshots(tbl).rollbackTo(5n).commit(),
      () => world.manager.rollbackToSnapshot(tbl, 5n, { force: true }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'FLOEBERG_NO_SUCH_SNAPSHOT',
        table: 'demo.t',
        nearest: [third, second, first],
        hint: expect.stringContaining(String(third)),
      })
    }
  })

  test('is not in the history: the nearest in time are named, and force goes there all the same', async () => {
    const world = await open()
    const clock = ticking(LATER)
    const timed = await world.open({ clock })
    const { tbl, first } = await grown({ ...world, manager: timed }, 1)
    await timed.manageSnapshots(tbl).createBranch('dev').commit()
    const second = (await timed.writeData(tbl, [row(2)])).snapshotId ?? 0n
    const other = (await timed.writeData(tbl, [row(3)], { branch: 'dev' })).snapshotId ?? 0n
    const ids: bigint[] = []
    for (const id of [4, 5, 6]) ids.push((await timed.writeData(tbl, [row(id)])).snapshotId ?? 0n)
    await expect(timed.rollbackToSnapshot(tbl, other)).rejects.toMatchObject({
      code: 'FLOEBERG_NOT_AN_ANCESTOR',
      table: 'demo.t',
      nearest: expect.arrayContaining([second, ids[0]]),
    })
    expect(await timed.rollbackToSnapshot(tbl, other, { force: true })).toMatchObject({
      abandonedSnapshotIds: [...ids.toReversed(), second],
    })
    expect(await rowsOf(tbl)).toEqual(asText(1, 3))
    await expect(timed.rollbackToSnapshot(tbl, first, { branch: 'nope' })).rejects.toMatchObject({
      code: 'FLOEBERG_NO_SUCH_REF',
    })
    await timed.close()
  })
})

describe('by time', () => {
  async function timed() {
    const world = await open()
    const manager = await world.open({ clock: ticking(Date.UTC(2026, 0, 1)) })
    const { tbl, first, second, third } = await grown({ ...world, manager })
    const time = (id: bigint): number =>
      tbl.metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id)?.['timestamp-ms'] ?? 0
    return { manager, tbl, first, second, third, time }
  }

  test('goes to the newest ancestor that is older', async () => {
    const { manager, tbl, second, third, time } = await timed()
    await manager
      .manageSnapshots(tbl)
      .rollbackToTimestamp(new Date(time(third)))
      .commit()
    expect(tbl.currentSnapshot?.['snapshot-id']).toBe(second)
    await manager.close()
  })

  test('from before the first is refused, naming it', async () => {
    const { manager, tbl, first, time } = await timed()
    for (const force of [false, true]) {
      const before = new Date(time(first) - (force ? 1 : 0))
      expect(() => manager.manageSnapshots(tbl).rollbackToTimestamp(before, { force })).toThrowError(
        expect.objectContaining({ code: 'FLOEBERG_NO_SUCH_SNAPSHOT', nearest: [first], table: 'demo.t' }),
      )
    }
    expect(() => manager.manageSnapshots(tbl).rollbackToTimestamp('yesterday')).toThrowError(
      expect.objectContaining({ code: 'FLOEBERG_INVALID_ARGUMENT' }),
    )
    await manager.close()
  })

  test('with force goes to what was current then, also where a rollback has left it', async () => {
    const { manager, tbl, first, third, time } = await timed()
    await manager.rollbackToSnapshot(tbl, first)
    const then = new Date(time(third))
    await manager.manageSnapshots(tbl).rollbackToTimestamp(then, { force: true }).commit()
    expect(tbl.currentSnapshot?.['snapshot-id']).toBe(third)
    await manager.close()
  })
})

test('the log of what was current stays in order, whatever the clocks of the writers', async () => {
  const world = await open()
  const { tbl, ids } = await grown(world, 1)
  for (const [index, offset] of [40, -30, 20, -10, 5].entries()) {
    const clock = { now: () => Date.now() + offset, sleep: async () => {} }
    const writer = await world.openAside({ clock })
    ids.push((await writer.writeData(await writer.loadTable('demo.t'), [row(index + 2)])).snapshotId ?? 0n)
    await writer.close()
  }
  await tbl.refresh()
  await world.manager.rollbackToSnapshot(tbl, ids[2] ?? 0n)
  const after = await world.reload()
  await world.manager.writeData(after, [row(9)])
  await world.manager.rollbackToSnapshot(await tbl.refresh(), ids[2] ?? 0n)
  const { 'snapshot-log': log } = (await world.reload()).metadata
  const times = log.map((entry) => entry['timestamp-ms'])
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(log.map((entry) => entry['snapshot-id'])).toEqual([...ids, ids[2], expect.any(BigInt), ids[2]])
  // As of now, the last entry counts, not the first with that id.
  const asOf = tbl.scan({ asOf: new Date((times.at(-1) ?? 0) + 1) })
  expect((await asOf.toArray()).map(valueText).sort()).toEqual(asText(1, 2, 3))
})
