/** What changes of rows do when others commit at the same time: how often, at what cost, and when no more. */
import { describe, expect, test } from 'vitest'
import type { IcebergTableManager, RowChangeResult, Table } from '../../src/index.ts'
import { fakeClock } from '../support/memory-runtime.ts'
import { scriptedCatalog, type Step } from '../support/scripted-catalog.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()

/** A manager whose first commits end as the steps say, and the table as it sees it. */
async function scripted(world: EvolutionWorld, steps: readonly Step[], clock = fakeClock()) {
  const catalog = scriptedCatalog(world.manager.catalog, steps)
  const mine = await world.open({
    catalogPlugin: { name: 'scripted', connect: async () => catalog },
    clock,
  })
  return { mine, tbl: await mine.loadTable('demo.t'), catalog, clock }
}

function during(...others: readonly (() => Promise<unknown>)[]): readonly Step[] {
  return others.map((other) => ({ outcome: 'conflict', before: async () => void (await other()) }))
}

const row = (x: number, y: number) => ({ x, y })
type Operation = (manager: IcebergTableManager, tbl: Table) => Promise<RowChangeResult>

const ROWS_OF_X_1: Readonly<Record<string, Operation>> = {
  'overwrite of a filter': (manager, tbl) =>
    manager.writeData(tbl, [row(1, 100)], { mode: 'overwrite', overwriteFilter: 'x = 1' }),
  'overwrite of partitions': (manager, tbl) =>
    manager.writeData(tbl, [row(1, 100)], { mode: 'overwrite', overwriteScope: 'partitions' }),
}

describe('every commit that came in between is looked at', () => {
  async function three(world: EvolutionWorld) {
    const tbl = await createTable(world, 'x: int, y: int', { partitionSpec: [{ source: 'x' }] })
    await world.manager.writeData(tbl, [row(1, 0), row(2, 0)])
    const append = (each: object) => async () => world.manager.writeData(await world.reload(), [{ ...each }])
    return { harmless: append(row(2, 9)), harmful: append(row(1, 9)) }
  }

  describe.each(Object.entries(ROWS_OF_X_1))('%s', (_, operation) => {
    test.each([
      ['the first', 0],
      ['the second', 1],
      ['the third', 2],
    ])('the harmful one is %s', async (__, at) => {
      const world = await open()
      const { harmless, harmful } = await three(world)
      const others = [harmless, harmless, harmless].with(at, harmful)
      const { mine, tbl } = await scripted(world, during(...others))
      const error: unknown = await operation(mine, tbl).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT', table: 'demo.t', attempts: at + 1 })
      expect((error as Error).message).toContain('added')
      const before = Array.from({ length: at }, () => row(2, 9))
      expect(await rowsOf(await world.reload())).toEqual(asText([row(1, 0), row(2, 0), row(1, 9), ...before]))
      await mine.close()
    })

    test('under snapshot isolation rows that were added meanwhile stay', async () => {
      const world = await open()
      const { harmless, harmful } = await three(world)
      const { mine, tbl } = await scripted(world, during(harmless, harmful))
      const options = { mode: 'overwrite', overwriteFilter: 'x = 1', isolation: 'snapshot' } as const
      expect((await mine.writeData(tbl, [row(1, 100)], options)).attempts).toBe(3)
      expect(await rowsOf(tbl)).toEqual(asText([row(1, 9), row(1, 100), row(2, 0), row(2, 9)]))
      await mine.close()
    })
  })
})

test('a retry is built on the new head: new parent, new sequence number, and both writers’ rows', async () => {
  const world = await open()
  const created = await createTable(world, 'x: int, y: int', { partitionSpec: [{ source: 'x' }] })
  await world.manager.writeData(created, [row(1, 0)])
  const operations: readonly Operation[] = [
    (manager, tbl) => manager.writeData(tbl, [row(1, 1)]),
    (manager, tbl) => manager.deleteRows(tbl, 'x = 1 and y = 0'),
    (manager, tbl) => manager.updateRows(tbl, { y: 2 }, 'x = 1'),
    (manager, tbl) => manager.writeData(tbl, [row(1, 3)], { mode: 'upsert', joinColumns: ['x'] }),
    ...Object.values(ROWS_OF_X_1),
  ]
  for (const [turn, run] of operations.entries()) {
    const theirs = async () => world.manager.writeData(await world.reload(), [row(2, 0)])
    const { mine, tbl, catalog } = await scripted(world, during(theirs))
    const before = tbl.metadata
    const result = await run(mine, tbl)
    expect(result.attempts).toBe(2)
    const [own, other] = tbl.metadata.snapshots.toReversed()
    expect(own).toMatchObject({
      'snapshot-id': result.snapshotId,
      'parent-snapshot-id': other?.['snapshot-id'],
      'sequence-number': before['last-sequence-number'] + 2,
    })
    // The same snapshot in both attempts, by another list.
    const sent = catalog.sent.map(({ commit }) =>
      commit.updates.find(({ action }) => action === 'add-snapshot'),
    )
    const [first, second] = sent.map((update) => (update?.action === 'add-snapshot' ? update.snapshot : null))
    expect(second?.['snapshot-id']).toBe(first?.['snapshot-id'])
    expect(second?.['manifest-list']).not.toBe(first?.['manifest-list'])
    expect(await tbl.scan({ filter: 'x = 2' }).count()).toBe(turn + 1)
    await mine.close()
  }
})

describe('disjoint slices', () => {
  const day = (n: number): string => new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10)
  const columns = 'd: date, writer: int'
  const spec = { partitionSpec: [{ source: 'd', transform: 'day' }] }

  test('50 writers that replace a day each at the same time all finish', { timeout: 60_000 }, async () => {
    const world = await open()
    const properties = { 'commit.retry.num-retries': '1000' }
    const tbl = await createTable(world, columns, { ...spec, properties })
    const days = Array.from({ length: 50 }, (_, n) => n)
    await world.manager.writeData(
      tbl,
      days.map((n) => ({ d: day(n), writer: -1 })),
    )
    const handles = await Promise.all(days.map(() => world.manager.loadTable('demo.t')))
    const results = await Promise.all(
      handles.map((handle, n) =>
        world.manager.writeData(handle, [{ d: day(n), writer: n }], {
          mode: 'overwrite',
          ...(n % 2 === 0
            ? { overwriteScope: 'partitions' as const }
            : { overwriteFilter: `d = '${day(n)}'`, validate: true }),
        }),
      ),
    )
    expect(results.every(({ rowsDeleted, rowsInserted }) => rowsDeleted === 1 && rowsInserted === 1)).toBe(
      true,
    )
    expect(await rowsOf(await world.reload())).toEqual(asText(days.map((n) => ({ d: day(n), writer: n }))))
    expect((await world.reload()).metadata.snapshots).toHaveLength(51)
  })

  test('an attempt reads what is new since the last one, not what was looked at before', async () => {
    const world = await open()
    const tbl = await createTable(world, columns, spec)
    const days = Array.from({ length: 12 }, (_, n) => n)
    for (const n of days) await world.manager.writeData(tbl, [{ d: day(n), writer: -1 }])
    const gets: number[] = []
    const theirs = days.slice(1, 11).map((n) => async () => {
      const seen = world.controller.calls.filter(
        ({ method, about }) => method === 'get' && about.every((file) => /-m\d+\.avro$/.test(file)),
      )
      // Manifests that ours read for this attempt; theirs go past the controller.
      gets.push(seen.length)
      world.controller.reset()
      const aside = await world.openAside()
      await aside.writeData(await aside.loadTable('demo.t'), [{ d: day(n), writer: n }], {
        mode: 'overwrite',
        overwriteFilter: `d = '${day(n)}'`,
      })
      await aside.close()
    })
    const { mine, tbl: ours } = await scripted(world, during(...theirs))
    world.controller.reset()
    const { attempts } = await mine.writeData(ours, [{ d: day(0), writer: 0 }], {
      mode: 'overwrite',
      overwriteFilter: `d = '${day(0)}'`,
      retry: { retries: 20 },
    })
    expect(attempts).toBe(11)
    const [, second, ...later] = gets
    // What the one new snapshot added, and the manifests of the file that goes: as many each time.
    expect(later).toEqual(later.map(() => second))
    await mine.close()
  })
})

describe('conflicts that do not end', () => {
  const filter = 'y >= 0'

  async function table(world: EvolutionWorld, properties: Record<string, string> = {}) {
    const tbl = await createTable(world, 'x: int, y: int', { properties })
    await world.manager.writeData(tbl, [row(1, 0)])
    // Each time a row that matters: everything has to be done again.
    return async () => world.manager.writeData(await world.reload(), [row(1, 1)])
  }

  const CHANGES: Readonly<Record<string, Operation>> = {
    delete: (manager, tbl) => manager.deleteRows(tbl, filter),
    update: (manager, tbl) => manager.updateRows(tbl, { y: 5 }, filter),
    upsert: (manager, tbl) => manager.writeData(tbl, [row(1, 7)], { mode: 'upsert', joinColumns: ['x'] }),
  }

  test.each(Object.entries(CHANGES))(
    '%s: is done again as often as the table says, with growing waits; then all of its files are gone',
    async (_, change) => {
      const world = await open()
      const properties = {
        'commit.retry.num-retries': '3',
        'commit.retry.min-wait-ms': '1000',
        'commit.retry.max-wait-ms': '3000',
      }
      const other = await table(world, properties)
      const { mine, tbl, clock } = await scripted(world, during(other, other, other, other))
      const error: unknown = await change(mine, tbl).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT', table: 'demo.t', attempts: 4 })
      const [first = 0, second = 0, third = 0] = clock.waits
      expect(clock.waits).toHaveLength(3)
      expect(first >= 500 && first <= 1000).toBe(true)
      expect(second >= 1000 && second <= 2000).toBe(true)
      expect(third >= 1500 && third <= 3000).toBe(true)
      const after = await world.reload()
      expect(await rowsOf(after)).toEqual(asText([row(1, 0), ...Array.from({ length: 4 }, () => row(1, 1))]))
      const live = new Set((await after.inspect.files()).map((file) => file.file_path))
      expect((await world.objects()).filter((file) => file.endsWith('.parquet')).sort()).toEqual(
        [...live].sort(),
      )
      expect(await world.temporaries()).toEqual([])
      await mine.close()
    },
  )

  test.each(Object.entries(CHANGES))(
    '%s: keeps to its total time, and to what the call says',
    async (_, change) => {
      const world = await open()
      const properties = { 'commit.retry.min-wait-ms': '60000', 'commit.retry.total-timeout-ms': '100000' }
      const other = await table(world, properties)
      const { mine, tbl, clock } = await scripted(world, during(other, other, other, other))
      const error: unknown = await change(mine, tbl).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT' })
      expect(clock.waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(100_000)
      expect(clock.waits.length).toBeLessThan(4)
      await mine.close()
      const again = await scripted(world, during(other))
      await expect(again.mine.deleteRows(again.tbl, filter, { retry: { retries: 0 } })).rejects.toMatchObject(
        { attempts: 1 },
      )
      expect(again.clock.waits).toEqual([])
      await again.mine.close()
    },
  )

  test('`onConflict: fail` is a conflict at once, with its reason', async () => {
    const world = await open()
    const other = await table(world)
    const { mine, tbl, clock } = await scripted(world, during(other))
    const error: unknown = await mine
      .deleteRows(tbl, filter, { onConflict: 'fail' })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT', attempts: 1 })
    expect((error as Error).message).toContain('rows that it may depend on were added')
    expect(clock.waits.length).toBeLessThanOrEqual(1)
    await mine.close()
  })

  test('a delete that others have done already is no error, and makes no snapshot', async () => {
    const world = await open()
    await table(world)
    const theirs = async () => world.manager.deleteRows(await world.reload(), filter)
    const { mine, tbl } = await scripted(world, during(theirs))
    const result = await mine.deleteRows(tbl, filter)
    expect(result).toMatchObject({ snapshotId: null, rowsDeleted: 0 })
    expect((await world.reload()).metadata.snapshots).toHaveLength(2)
    await mine.close()
  })
})

describe('an outcome that nobody knows', () => {
  const changes: Readonly<Record<string, Operation>> = {
    ...ROWS_OF_X_1,
    delete: (manager, tbl) => manager.deleteRows(tbl, 'x = 1'),
    update: (manager, tbl) => manager.updateRows(tbl, { y: 5 }, 'x = 1'),
    upsert: (manager, tbl) => manager.writeData(tbl, [row(1, 7)], { mode: 'upsert', joinColumns: ['x'] }),
  }

  async function filled(world: EvolutionWorld) {
    const tbl = await createTable(world, 'x: int, y: int', { partitionSpec: [{ source: 'x' }] })
    await world.manager.writeData(tbl, [row(1, 0), row(2, 0)])
  }

  test.each(Object.entries(changes))('%s: that landed is success, once', async (_, change) => {
    const world = await open()
    await filled(world)
    const { mine, tbl } = await scripted(world, [{ outcome: 'lost answer' }])
    const { snapshotId } = await change(mine, tbl)
    const after = await world.reload()
    expect(after.metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual([
      after.metadata.snapshots[0]?.['snapshot-id'],
      snapshotId,
    ])
    expect(await after.scan({ filter: 'x = 1 and y = 0' }).count()).toBe(0)
    expect(await after.scan({ filter: 'x = 2' }).count()).toBe(1)
    await mine.close()
  })

  test.each(Object.entries(changes))('%s: for good keeps every file', async (_, change) => {
    const world = await open()
    await filled(world)
    const other = async () => world.manager.writeData(await world.reload(), [row(1, 1)])
    const { mine, tbl } = await scripted(world, [
      { outcome: 'lost request' },
      { outcome: 'conflict', before: async () => void (await other()) },
      { outcome: 'rejected' },
    ])
    world.controller.reset()
    const error: unknown = await change(mine, tbl).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'FLOEBERG_COMMIT_STATE_UNKNOWN', table: 'demo.t' })
    expect(world.controller.mutations.filter(({ method }) => method === 'delete')).toEqual([])
    await mine.close()
  })
})

test('what a change costs does not grow with the table’s history', async () => {
  const world = await open()
  const { manager } = world
  const tbl = await createTable(world, 'x: int, y: int', {
    partitionSpec: [{ source: 'x' }],
    properties: { 'write.metadata.previous-versions-max': '1' },
  })
  await manager.writeData(
    tbl,
    Array.from({ length: 4 }, (_, x) => row(x, 0)),
  )
  const changes: readonly Operation[] = [
    ...Object.values(ROWS_OF_X_1),
    (mine, table) => mine.deleteRows(table, 'x = 1 and y = -1'),
    (mine, table) => mine.updateRows(table, { y: 3 }, 'x = 1'),
    (mine, table) => mine.writeData(table, [row(1, 4)], { mode: 'upsert', joinColumns: ['x'] }),
  ]
  async function costs(): Promise<readonly string[]> {
    const found: string[] = []
    for (const change of changes) {
      world.controller.reset()
      await change(manager, tbl)
      found.push(
        world.controller.calls
          .map(({ target, method }) => `${target}.${method}`)
          .sort()
          .join(' '),
      )
    }
    return found
  }
  await costs()
  const early = await costs()
  for (let turn = 0; turn < 15; turn += 1) await costs()
  expect(await costs()).toEqual(early)
})
