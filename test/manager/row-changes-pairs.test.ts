/**
 * What somebody else commits while an operation is under way, for every pair of the two: the
 * operation is put on top of it as it is, done again, or refused; and the rows are those of one
 * after the other.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { CommitConflictError, IcebergTableManager, table, t } from '../../src/index.ts'
import type { RowChangeResult, Table, WriteOptions } from '../../src/index.ts'
import { duckDbEngine } from '../../src/compose.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { scriptedCatalog, type Step } from '../support/scripted-catalog.ts'
import { reachableFiles } from '../support/reachable.ts'

interface Rows {
  readonly id: number
  readonly p: string
  readonly v: number
}

const schema = table({ id: t.int().required(), p: t.string(), v: t.int() })
const start: readonly Rows[] = [1, 2, 3, 4].flatMap((id) => [
  { id, p: 'a', v: 0 },
  { id: id + 4, p: 'b', v: 0 },
])

type Operation = (manager: IcebergTableManager, tbl: Table) => Promise<RowChangeResult>

const write =
  (rows: readonly Rows[], options: WriteOptions): Operation =>
  (manager, tbl) =>
    manager.writeData(tbl, rows, options)

const without = (rows: readonly Rows[], gone: (row: Rows) => boolean): Rows[] =>
  rows.filter((row) => !gone(row))
const isA = (row: Rows): boolean => row.p === 'a'
const fresh: Rows = { id: 200, p: 'a', v: 2 }
const merged: readonly Rows[] = [
  { id: 1, p: 'a', v: 5 },
  { id: 300, p: 'a', v: 5 },
]

/** Ours: what is called, and what it does to rows when nobody else is there. */
const ours: Readonly<
  Record<string, { readonly run: Operation; readonly on: (rows: readonly Rows[]) => Rows[] }>
> = {
  append: { run: write([{ id: 100, p: 'a', v: 1 }], {}), on: (rows) => [...rows, { id: 100, p: 'a', v: 1 }] },
  delete: {
    run: (manager, tbl) => manager.deleteRows(tbl, "p = 'a' and id >= 3"),
    on: (rows) => without(rows, (row) => isA(row) && row.id >= 3),
  },
  'delete or fail': {
    run: (manager, tbl) => manager.deleteRows(tbl, "p = 'a' and id >= 3", { onConflict: 'fail' }),
    on: (rows) => without(rows, (row) => isA(row) && row.id >= 3),
  },
  'delete under snapshot isolation': {
    run: (manager, tbl) => manager.deleteRows(tbl, "p = 'a' and id >= 3", { isolation: 'snapshot' }),
    on: (rows) => without(rows, (row) => isA(row) && row.id >= 3 && row.id < 50),
  },
  'overwrite a filter': {
    run: write([fresh], { mode: 'overwrite', overwriteFilter: "p = 'a'" }),
    on: (rows) => [...without(rows, isA), fresh],
  },
  'overwrite partitions': {
    run: write([fresh], { mode: 'overwrite', overwriteScope: 'partitions' }),
    on: (rows) => [...without(rows, isA), fresh],
  },
  'overwrite the table': { run: write([fresh], { mode: 'overwrite' }), on: () => [fresh] },
  update: {
    run: (manager, tbl) => manager.updateRows(tbl, { v: 9 }, "p = 'a' and id <= 2"),
    on: (rows) => rows.map((row) => (isA(row) && row.id <= 2 ? { ...row, v: 9 } : row)),
  },
  upsert: {
    run: write(merged, { mode: 'upsert', joinColumns: ['id', 'p'] }),
    on: (rows) => [...without(rows, (row) => isA(row) && row.id === 1), ...merged],
  },
}

/** Theirs, committed between our start and our commit. */
const theirs: Readonly<
  Record<
    string,
    {
      readonly run: (m: IcebergTableManager, tbl: Table) => Promise<unknown>
      readonly on: (rows: readonly Rows[]) => Rows[]
    }
  >
> = {
  'append to a': {
    run: (manager, tbl) => manager.writeData(tbl, [{ id: 50, p: 'a', v: 0 }]),
    on: (rows) => [...rows, { id: 50, p: 'a', v: 0 }],
  },
  'append to b': {
    run: (manager, tbl) => manager.writeData(tbl, [{ id: 60, p: 'b', v: 0 }]),
    on: (rows) => [...rows, { id: 60, p: 'b', v: 0 }],
  },
  'delete from a': {
    run: (manager, tbl) => manager.deleteRows(tbl, 'id = 1'),
    on: (rows) => without(rows, (row) => row.id === 1),
  },
  'delete from b': {
    run: (manager, tbl) => manager.deleteRows(tbl, 'id = 5'),
    on: (rows) => without(rows, (row) => row.id === 5),
  },
  'overwrite b': {
    run: (manager, tbl) =>
      manager.writeData(tbl, [{ id: 70, p: 'b', v: 0 }], { mode: 'overwrite', overwriteFilter: "p = 'b'" }),
    on: (rows) => [...without(rows, (row) => row.p === 'b'), { id: 70, p: 'b', v: 0 }],
  },
  'set a property': {
    run: (manager, tbl) => manager.updateProperties(tbl, { set: { owner: 'them' } }),
    on: (rows) => [...rows],
  },
}

type Ending = 'rebased' | 'redone' | 'refused'

const alwaysRebased: Ending[] = ['rebased', 'rebased', 'rebased', 'rebased', 'rebased', 'rebased']
const order = [
  'append to a',
  'append to b',
  'delete from a',
  'delete from b',
  'overwrite b',
  'set a property',
]

/** How each of ours ends, in the order of theirs above. */
const endings: Readonly<Record<string, readonly Ending[]>> = {
  append: alwaysRebased,
  delete: ['redone', 'rebased', 'redone', 'rebased', 'rebased', 'rebased'],
  'delete or fail': ['refused', 'rebased', 'refused', 'rebased', 'rebased', 'rebased'],
  'delete under snapshot isolation': ['rebased', 'rebased', 'redone', 'rebased', 'rebased', 'rebased'],
  'overwrite a filter': ['refused', 'rebased', 'refused', 'rebased', 'rebased', 'rebased'],
  'overwrite partitions': ['refused', 'rebased', 'refused', 'rebased', 'rebased', 'rebased'],
  'overwrite the table': ['refused', 'refused', 'refused', 'refused', 'refused', 'rebased'],
  // The appended row's file cannot match id <= 2, by its metrics.
  update: ['rebased', 'rebased', 'redone', 'rebased', 'rebased', 'rebased'],
  upsert: ['redone', 'rebased', 'redone', 'rebased', 'rebased', 'rebased'],
}

let folder: string
let plane: DataPlane

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'floeberg-pairs-')))
  plane = await duckDbEngine({ scratchDir: join(folder, 'scratch'), folders: [folder] }).open()
})

afterAll(async () => {
  await plane.close()
  await rm(folder, { recursive: true, force: true })
})

interface Scene {
  readonly mine: IcebergTableManager
  readonly other: IcebergTableManager
  readonly catalog: Catalog
  readonly tbl: Table
  /** How often our manager asked the plane to write, or to match keys. */
  readonly writes: () => number
}

let scenes = 0

/** A table with the starting rows; our first commits meet the given steps. */
async function scene(
  properties: Record<string, string>,
  steps: (other: () => IcebergTableManager) => readonly Step[],
): Promise<Scene> {
  scenes += 1
  const warehouse = toFileUri(join(folder, `warehouse-${scenes}`))
  const store = new LocalObjectStore()
  const catalog = new MemoryCatalog({ name: 'test', warehouse, getObjectStore: () => store })
  let writes = 0
  const count = <T>(result: T): T => {
    writes += 1
    return result
  }
  const counted: DataPlane = {
    ...plane,
    write: (request) => count(plane.write(request)),
    writePositionDeletes: (request) => count(plane.writePositionDeletes(request)),
    matchKeys: (request) => count(plane.matchKeys(request)),
    close: async () => {},
  }
  const managerOf = (each: Catalog, engine: DataPlane): Promise<IcebergTableManager> =>
    IcebergTableManager.connect({
      catalogPlugin: { name: 'given', connect: async () => each },
      storagePlugin: { name: 'local', getObjectStore: () => store, getWarehouseUri: () => null },
      enginePlugin: { name: 'shared', open: async () => engine },
      scratchDir: join(folder, 'scratch'),
      clock: { now: () => Date.now(), sleep: async () => {} },
    })
  const other = await managerOf(catalog, { ...plane, close: async () => {} })
  const config = { namespace: 'demo', name: 't', schema, partitionSpec: [{ source: 'p' }], properties }
  const created = await other.createTable(config, { createNamespace: true })
  await other.writeData(created, start)
  const mine = await managerOf(
    scriptedCatalog(
      catalog,
      steps(() => other),
    ),
    counted,
  )
  const tbl = await mine.loadTable('demo.t')
  return { mine, other, catalog, tbl, writes: () => writes }
}

const asText = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted()

const layouts = {
  'copy-on-write': 'copy-on-write',
  'merge-on-read': 'merge-on-read',
}

describe.each(Object.keys(layouts))('%s', (mode) => {
  const properties = { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode }

  for (const [name, operation] of Object.entries(ours)) {
    for (const [at, between] of order.entries()) {
      const intruder = theirs[between]
      const ending = endings[name]?.[at]
      if (intruder === undefined || ending === undefined)
        throw new Error(`no such pair: ${name} × ${between}`)

      test(`${name} × ${between}: ${ending}`, async () => {
        const it = await scene(properties, (other) => [
          {
            outcome: 'conflict',
            before: async () => void (await intruder.run(other(), await other().loadTable('demo.t'))),
          },
        ])

        const result = await operation.run(it.mine, it.tbl).catch((error: unknown) => error)

        const after = await it.other.loadTable('demo.t')
        const found = await after.scan().toArray()
        const between = intruder.on(start)
        if (ending === 'refused') {
          expect(result).toBeInstanceOf(CommitConflictError)
          expect(asText(found)).toEqual(asText(between))
        } else {
          expect(result).toMatchObject({ attempts: 2 })
          expect(asText(found)).toEqual(asText(operation.on(between)))
          const alone = await writesAlone(properties, operation.run)
          expect(it.writes() > alone ? 'redone' : 'rebased').toBe(ending)
        }
        await expectNoOrphans(it, after)
      })
    }
  }
})

describe.each(Object.keys(layouts))('%s: a conflict that shows only in what was found', (mode) => {
  const properties = { 'write.delete.mode': mode, 'write.merge.mode': mode }
  const removal = (filter: string) => (other: () => IcebergTableManager) => [
    {
      outcome: 'conflict' as const,
      before: async () => void (await other().deleteRows(await other().loadTable('demo.t'), filter)),
    },
  ]
  const isThere: Rows = { id: 1, p: 'a', v: 0 }
  const upserts: Readonly<Record<string, { rows: readonly Rows[]; options: Partial<WriteOptions> }>> = {
    'equal rows': { rows: [isThere, fresh], options: {} },
    'rows that are only inserted': {
      rows: [{ ...isThere, v: 7 }, fresh],
      options: { whenMatchedUpdateAll: false },
    },
    'equal rows, under snapshot isolation': { rows: [isThere, fresh], options: { isolation: 'snapshot' } },
  }

  test.each(Object.entries(upserts))(
    'an upsert of %s inserts those whose file went meanwhile',
    async (_, { rows, options }) => {
      const it = await scene(properties, removal("p = 'a'"))
      const result = await it.mine.writeData(it.tbl, rows, {
        mode: 'upsert',
        joinColumns: ['id', 'p'],
        ...options,
      } as WriteOptions)
      expect(result).toMatchObject({ rowsInserted: 2, rowsUnchanged: 0 })
      const after = await it.other.loadTable('demo.t')
      expect(asText(await after.scan().toArray())).toEqual(asText([...without(start, isA), ...rows]))
      await expectNoOrphans(it, after)
    },
  )

  test('a delete of what somebody else has deleted names no snapshot', async () => {
    const it = await scene(properties, removal("p = 'a'"))
    const result = await it.mine.deleteRows(it.tbl, "p = 'a' and id >= 3")
    expect(result).toMatchObject({ snapshotId: null, rowsDeleted: 0 })
    await expectNoOrphans(it, await it.other.loadTable('demo.t'))
  })
})

/** How many writes the operation takes when nobody comes in between. */
async function writesAlone(properties: Record<string, string>, run: Operation): Promise<number> {
  const alone = await scene(properties, () => [])
  await run(alone.mine, alone.tbl)
  return alone.writes()
}

/** Whatever was written and not committed is gone; whatever is committed is there. */
async function expectNoOrphans(it: Scene, tbl: Table): Promise<void> {
  const reachable = await reachableFiles(tbl.metadataLocation ?? '')
  const store = new LocalObjectStore()
  const found: string[] = []
  for await (const { location } of store.list(`${tbl.location}/`)) found.push(location)
  expect(found.toSorted()).toEqual([...reachable].toSorted())
  expect(it.catalog.name).toBe('test')
}
