/** Which files a change of rows writes, where, in which order, and which it leaves alone. */
import { describe, expect, test } from 'vitest'
import type { IcebergTableManager, RowChangeResult, Table } from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'
import { dataFiles } from './foreign-files.ts'

const open = evolutionWorlds()

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** Locations that were put since the controller was reset. */
function puts(world: EvolutionWorld): readonly string[] {
  return world.controller.calls.filter(({ method }) => method === 'put').flatMap(({ about }) => about)
}

const parquet = (locations: readonly string[]): string[] =>
  locations.filter((each) => each.endsWith('.parquet'))

type Operation = (manager: IcebergTableManager, tbl: Table) => Promise<RowChangeResult>

describe('no change writes a file again that it need not touch', () => {
  // Ten files: five ranges of id in each of two partitions.
  async function tenFiles(world: EvolutionWorld, properties: Record<string, string>) {
    const tbl = await createTable(world, 'id: int, p: string, v: int', {
      partitionSpec: [{ source: 'p' }],
      properties,
    })
    for (const start of [0, 100, 200, 300, 400]) {
      await world.manager.writeData(
        tbl,
        range(start, start + 100).map((id) => ({ id, p: id % 2 === 0 ? 'even' : 'odd', v: 0 })),
      )
    }
    return tbl
  }

  /** What is done, and how many old files it has to open and to replace. */
  const operations: Readonly<
    Record<string, { run: Operation; opened: number; dropped: number; rewritten: number }>
  > = {
    append: {
      run: (manager, tbl) => manager.writeData(tbl, [{ id: 1, p: 'odd', v: 1 }]),
      opened: 0,
      dropped: 0,
      rewritten: 0,
    },
    'delete of one row': {
      run: (manager, tbl) => manager.deleteRows(tbl, "id = 101 and p = 'odd'"),
      opened: 1,
      dropped: 0,
      rewritten: 1,
    },
    'delete of a partition': {
      run: (manager, tbl) => manager.deleteRows(tbl, "p = 'odd'"),
      opened: 0,
      dropped: 5,
      rewritten: 0,
    },
    'delete of a file and a bit': {
      run: (manager, tbl) => manager.deleteRows(tbl, "p = 'odd' and id < 110"),
      opened: 1,
      dropped: 1,
      rewritten: 1,
    },
    update: {
      run: (manager, tbl) => manager.updateRows(tbl, { v: 1 }, 'id = 250'),
      // By its bounds only the file of the even ones can hold it: the odd ones end at 251 and 299.
      opened: 2,
      dropped: 0,
      rewritten: 1,
    },
    'upsert with nothing to change in most': {
      run: (manager, tbl) =>
        manager.writeData(
          tbl,
          [
            { id: 10, p: 'even', v: 0 },
            { id: 20, p: 'even', v: 5 },
          ],
          { mode: 'upsert', joinColumns: ['id', 'p'] },
        ),
      opened: 1,
      dropped: 0,
      rewritten: 1,
    },
    'overwrite of a filter': {
      run: (manager, tbl) =>
        manager.writeData(tbl, [{ id: 1000, p: 'even', v: 1 }], {
          mode: 'overwrite',
          overwriteFilter: "p = 'even' and id >= 350",
        }),
      opened: 1,
      dropped: 1,
      rewritten: 1,
    },
    'overwrite of partitions': {
      run: (manager, tbl) =>
        manager.writeData(tbl, [{ id: 1000, p: 'odd', v: 1 }], {
          mode: 'overwrite',
          overwriteScope: 'partitions',
        }),
      opened: 0,
      dropped: 5,
      rewritten: 0,
    },
    'overwrite of the table': {
      run: (manager, tbl) => manager.writeData(tbl, [{ id: 1000, p: 'odd', v: 1 }], { mode: 'overwrite' }),
      opened: 0,
      dropped: 10,
      rewritten: 0,
    },
  }

  describe.each(['copy-on-write', 'merge-on-read'])('%s', (mode) => {
    test.each(Object.entries(operations))('%s', async (_, { run, opened, dropped, rewritten }) => {
      const world = await open()
      const properties = { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode }
      const tbl = await tenFiles(world, properties)
      const before = (await dataFiles(tbl)).map(({ location }) => location)
      const objects = await world.objects()
      world.controller.reset()
      const { fileChanges } = await run(world.manager, tbl)
      const gets = world.controller.calls
        .filter(({ method }) => method === 'get')
        .flatMap(({ about }) => about)
      expect(new Set(parquet(gets)).size).toBeLessThanOrEqual(opened)
      const actions = Map.groupBy(fileChanges, ({ action }) => action)
      expect(actions.get('drop')?.length ?? 0).toBe(dropped)
      expect(actions.get(mode === 'copy-on-write' ? 'rewrite' : 'delete')?.length ?? 0).toBe(rewritten)
      // The old files are all still on storage, untouched, and listed but for those that went.
      const after = new Set((await dataFiles(tbl)).map(({ location }) => location))
      const gone = before.filter((location) => !after.has(location))
      expect(gone).toHaveLength(mode === 'copy-on-write' ? dropped + rewritten : dropped)
      expect((await world.objects()).filter((object) => objects.includes(object))).toEqual(objects)
      expect(puts(world).filter((location) => objects.includes(location))).toEqual([])
    })
  })
})

describe('what is written again follows the table as it is now', () => {
  const rows = range(0, 200).map((n) => ({ id: (n * 37) % 200, p: n % 2, s: `s${n % 7}` }))

  test.each<[string, Operation]>([
    ['delete', (manager, tbl) => manager.deleteRows(tbl, 'id = 3')],
    ['update', (manager, tbl) => manager.updateRows(tbl, { s: 'new' }, 'id < 50')],
    [
      'upsert',
      (manager, tbl) =>
        manager.writeData(
          tbl,
          [50, 3, 70].map((id) => ({ id, p: id % 2, s: 'new' })),
          {
            mode: 'upsert',
            joinColumns: ['id'],
          },
        ),
    ],
    [
      'overwrite',
      (manager, tbl) =>
        manager.writeData(
          tbl,
          [9, 3, 7].map((id) => ({ id, p: 0, s: 'new' })),
          {
            mode: 'overwrite',
            overwriteFilter: 'id < 20',
          },
        ),
    ],
  ])('%s: sort order and partition spec', async (_, run) => {
    const world = await open()
    const tbl = await createTable(world, 'id: int, p: int, s: string', {
      properties: { 'write.delete.mode': 'copy-on-write' },
    })
    await world.manager.writeData(tbl, rows)
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'p' }])
    await world.manager.replaceSortOrder(tbl, [{ source: 'id', direction: 'desc' }])
    const plain = tbl.scan().toArray()
    await run(world.manager, tbl)
    const files = await tbl.inspect.files()
    expect(files.map(({ spec_id, sort_order_id }) => [spec_id, sort_order_id])).toEqual(
      files.map(() => [tbl.partitionSpec.specId, tbl.sortOrder.orderId]),
    )
    expect(new Set(files.map(({ partition }) => partition['p']))).toEqual(new Set([0, 1]))
    for (const file of files) {
      const found = (await tbl
        .scan({ filter: `p = ${String(file.partition['p'])}` })
        .toArray()) as unknown as {
        id: number
      }[]
      // Several files of a partition are read one after the other, each in its order.
      const ids = found.map(({ id }) => id)
      const ascents = ids.filter((id, at) => at > 0 && id > (ids[at - 1] ?? id))
      expect(ascents.length).toBeLessThan(files.length)
    }
    expect(await plain).toHaveLength(200)
  })

  test('where files go: write.data.path, write.metadata.path and write.object-storage.*', async () => {
    const world = await open()
    const data = `${world.warehouse}/elsewhere/data`
    const metadata = `${world.warehouse}/elsewhere/metadata`
    const tbl = await createTable(world, 'id: int, p: string', {
      partitionSpec: [{ source: 'p' }],
      properties: {
        'write.data.path': data,
        'write.metadata.path': metadata,
        'write.object-storage.enabled': 'true',
        'write.delete.mode': 'merge-on-read',
        'write.update.mode': 'copy-on-write',
      },
    })
    const { manager } = world
    const operations: readonly (() => Promise<unknown>)[] = [
      () =>
        manager.writeData(
          tbl,
          range(0, 9).map((id) => ({ id, p: `p${id % 3}` })),
        ),
      () => manager.deleteRows(tbl, 'id = 1'),
      () => manager.updateRows(tbl, { p: 'p9' }, 'id = 2'),
      () => manager.writeData(tbl, [{ id: 3, p: 'q' }], { mode: 'upsert', joinColumns: ['id'] }),
      () => manager.writeData(tbl, [{ id: 4, p: 'p1' }], { mode: 'overwrite', overwriteScope: 'partitions' }),
    ]
    for (const operation of operations) {
      world.controller.reset()
      await operation()
      for (const location of puts(world)) {
        if (location.endsWith('.parquet')) {
          // A hash in front of the partition, of 20 binary digits in four folders.
          expect(location).toMatch(
            new RegExp(`^${data}/[01]{4}/[01]{4}/[01]{4}/[01]{8}/p=[a-z0-9]+/[^/]+\\.parquet$`),
          )
        } else {
          expect(location.startsWith(`${metadata}/`)).toBe(true)
        }
      }
      expect(puts(world).length).toBeGreaterThan(2)
    }
    expect((await world.objects()).filter((object) => object.startsWith(`${tbl.location}/data`))).toEqual([])
    expect(await rowsOf(await world.reload(), "p = 'q'")).toEqual(asText([{ id: 3, p: 'q' }]))
  })

  test('how large files are: write.target-file-size-bytes, for new rows and rewritten ones', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int', { properties: { 'write.delete.mode': 'copy-on-write' } })
    // More than two row groups, which are never cut.
    await world.manager.writeData(
      tbl,
      range(0, 250_000).map((id) => ({ id })),
    )
    expect(await tbl.inspect.files()).toHaveLength(1)
    await world.manager.updateProperties(tbl, { set: { 'write.target-file-size-bytes': '100000' } })
    const { fileChanges } = await world.manager.deleteRows(tbl, 'id = 7')
    expect(fileChanges).toHaveLength(1)
    expect((await tbl.inspect.files()).length).toBeGreaterThan(1)
    expect(await tbl.scan().count()).toBe(249_999)
  })
})

describe('many partitions', () => {
  const days = range(0, 1000)
  const day = (n: number): string => new Date(Date.UTC(2000, 0, 1 + n)).toISOString().slice(0, 10)

  test('1,000 in one overwrite give 1,000 files, and 1,000 go', { timeout: 60_000 }, async () => {
    const world = await open()
    const tbl = await createTable(world, 'd: date, n: int', {
      partitionSpec: [{ source: 'd', transform: 'day' }],
    })
    // Out of order, so that every partition comes up again and again.
    const rows = (turn: number) =>
      range(0, 3000).map((i) => ({ d: day((i * 7) % 1000), n: turn * 10_000 + i }))
    for (const turn of [0, 1]) {
      const { files, rowsDeleted } = await world.manager.writeData(tbl, rows(turn), {
        mode: 'overwrite',
        overwriteScope: 'partitions',
      })
      expect([files, rowsDeleted]).toEqual([1000, turn * 3000])
    }
    const files = await tbl.inspect.files()
    expect(new Set(files.map(({ partition }) => valueText(partition))).size).toBe(days.length)
    expect(files.every(({ record_count }) => record_count === 3)).toBe(true)
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      'added-data-files': '1000',
      'deleted-data-files': '1000',
      'changed-partition-count': '1000',
      'total-data-files': '1000',
      'total-records': '3000',
    })
    expect(await tbl.scan({ filter: 'n >= 10000' }).count()).toBe(3000)
  })
})
