/** Scans as views on connections of others: what comes out of them, and what is left behind. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { rowReader } from '../../src/engine/duckdb/rows-out.ts'
import { schemaToJson } from '../../src/format/schema.ts'
import type { Row } from '../../src/format/values/value.ts'
import {
  EngineError,
  InvalidArgumentError,
  MissingFileError,
  OperationAbortedError,
  StorageDeniedError,
  UnsupportedFeatureError,
  type IcebergTableManager,
  type Scan,
} from '../../src/index.ts'
import { encodeRow } from '../support/exact-values.ts'
import { goldenTable } from '../support/golden.ts'
import { memoryManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'
import { openGolden } from '../support/open-golden.ts'
import { schemaFromText, valueText } from './evolution-world.ts'

let folder: string
let plane: DataPlane
let world: ManagerWorld
let manager: IcebergTableManager
let connection: DuckDBConnection

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floeberg-view-'))
  plane = await openEngine(folder)
})
afterAll(async () => {
  await plane.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
  manager = await world.openAside()
  connection = await connect()
  onTestFinished(() => manager.close())
})

/** A connection of an instance that floeberg knows nothing of. */
async function connect(config: Readonly<Record<string, string>> = {}): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', ...config })
  const opened = await instance.connect()
  onTestFinished(() => {
    opened.closeSync()
    instance.closeSync()
  })
  return opened
}

async function create(columns: string, options: { readonly properties?: Record<string, string> } = {}) {
  const schema = schemaFromText(columns)
  const config = { namespace: 'demo', name: 't', schema, ...options }
  return manager.createTable(config, { createNamespace: true })
}

async function query(sql: string): Promise<readonly Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjects()
}

async function planOf(sql: string): Promise<string> {
  return String((await query(`EXPLAIN ${sql}`))[0]?.['explain_value'])
}

/** Everything on the connection that its user could have made. */
async function inventory(): Promise<readonly unknown[]> {
  const rows = await query(
    `SELECT table_name AS name FROM duckdb_tables() WHERE NOT internal ` +
      `UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

/** The rows of a view as a scan of this schema would hand them out. */
async function rowsOfView(view: string, { schema }: Pick<Scan<unknown>, 'schema'>): Promise<readonly Row[]> {
  const result = await connection.run(`SELECT * FROM ${view}`)
  expect(result.columnNames()).toEqual(schema.fields.map((field) => field.name))
  const read = rowReader(schema)
  const rows: Row[] = []
  for (const chunk of await result.fetchAllChunks()) rows.push(...read(chunk, chunk.rowCount))
  return rows
}

const sorted = (rows: readonly unknown[]): readonly string[] => rows.map(valueText).toSorted()

describe('rows of tables of others', () => {
  test.each([
    ['spark', 'types_v1'],
    ['spark', 'transforms'],
    ['spark', 'deletes'],
    ['spark', 'evolution'],
    ['spark', 'dropped_source'],
    ['spark', 'upgraded'],
    ['pyiceberg', 'name_mapping'],
    ['pyiceberg', 'overwrites'],
  ] as const)('%s/%s, at every snapshot', async (engine, name) => {
    const golden = goldenTable(engine, name)
    const table = await openGolden(golden, { plane, scratchDir: join(folder, 'scratch') })
    const states = [
      [undefined, golden.expected.rows] as const,
      ...Object.entries(golden.expected.rowsAt).map(([id, rows]) => [BigInt(id), rows] as const),
    ]
    for (const [snapshotId, expected] of states) {
      const scan = table.scan({ snapshotId })
      const view = await scan.toView(connection, 'v')
      const { fields } = schemaToJson(scan.schema)
      const rows = (await rowsOfView('v', scan)).map((row) => JSON.stringify(encodeRow(fields, row)))
      expect([snapshotId, rows.toSorted()]).toEqual([
        snapshotId,
        expected.map((row) => JSON.stringify(row)).toSorted(),
      ])
      await view.release()
      expect(await inventory()).toEqual([])
    }
  })

  test.each([
    ['deletion_vectors', 'deletion vectors'],
    ['types_v3', 'variant'],
  ])('what is not built is refused by name: %s', async (name, feature) => {
    const scratchDir = join(folder, 'scratch')
    const table = await openGolden(goldenTable('spark', name), { plane, scratchDir })
    const failed = table.scan().toView(connection, 'v')
    await expect(failed).rejects.toThrow(UnsupportedFeatureError)
    await expect(failed).rejects.toThrow(feature)
    expect(await inventory()).toEqual([])
  })
})

describe('rows', () => {
  test('of every type that is written', async () => {
    const table = await create(
      'a: boolean, b: int, c: long, d: float, e: double, f: decimal(9, 2), g: date, h: time, ' +
        'i: timestamp, j: timestamptz, k: string, l: uuid, m: binary, n: decimal(38, 10), ' +
        'o: list<string>, p: map<string, long>, q: struct<x: int, y: list<struct<z: date>>>',
    )
    const full = {
      a: true,
      b: -2147483648,
      c: 9223372036854775807n,
      d: Number.NaN,
      e: -0,
      f: '-0.01',
      g: '1969-12-31',
      h: '23:59:59.999999',
      i: '0001-01-01T00:00:00.500000',
      j: '1969-12-31T23:59:59.999999Z',
      k: "it's \0 'ß'",
      l: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      m: Uint8Array.of(0, 255, 39),
      n: '-9999999999999999999999999999.9999999999',
      o: ['x', null],
      p: new Map([['k', 1n]]),
      q: { x: 1, y: [{ z: '2024-02-29' }, null] },
    }
    const empty = Object.fromEntries(Object.keys(full).map((name) => [name, null]))
    await manager.writeData(table, [full, empty])
    // Settings of others' connections must not matter.
    await connection.run("SET TimeZone = 'Asia/Kathmandu'; SET binary_as_string = true")
    const scan = table.scan()
    await scan.toView(connection, 'v')
    expect(sorted(await rowsOfView('v', scan))).toEqual(sorted([full, empty]))
    const filtered = table.scan({
      filter: `k = '${full.k.replaceAll("'", "''")}' and c > 0 and g < '1970-01-01'`,
    })
    await filtered.toView(connection, 'w')
    expect(sorted(await rowsOfView('w', filtered))).toEqual(sorted([full]))
  })

  test('of columns that were renamed, added, widened and moved since', async () => {
    const table = await create('id: int, amount: float, note: string, s: struct<a: int, b: string>')
    await manager.writeData(table, [{ id: 1, amount: 0.5, note: 'n', s: { a: 1, b: 'x' } }])
    await manager.evolveSchema(table, [
      { type: 'rename_column', name: 'note', newName: 'No, "te"' },
      { type: 'widen_type', name: 'id', fieldType: 'long' },
      { type: 'widen_type', name: 'amount', fieldType: 'double' },
      { type: 'add_column', name: 'note', fieldType: 'date' },
      { type: 'rename_column', name: 's.a', newName: 'c' },
      { type: 'move_column', name: 'amount', position: { first: true } },
    ])
    const [now, before] = [table.scan(), table.scan({ snapshotId: table.currentSnapshot?.['snapshot-id'] })]
    await manager.writeData(table, [{ id: 2n ** 40n, note: '2026-01-01' }])
    await now.toView(connection, 'v')
    const old = { amount: 0.5, id: 1n, 'No, "te"': 'n', s: { c: 1, b: 'x' }, note: null }
    expect(await rowsOfView('v', now)).toEqual([old])
    await before.toView(connection, 'w')
    expect(await rowsOfView('w', before)).toEqual([{ id: 1, amount: 0.5, note: 'n', s: { a: 1, b: 'x' } }])
    const later = (await manager.loadTable('demo.t')).scan()
    await later.toView(connection, 'x')
    const fresh = { amount: null, id: 2n ** 40n, 'No, "te"': null, s: null, note: '2026-01-01' }
    expect(sorted(await rowsOfView('x', later))).toEqual(sorted([old, fresh]))
  })

  test('that deletes leave, of many files, whatever is committed afterwards', async () => {
    const table = await create('id: long, v: string', {
      properties: { 'write.delete.mode': 'merge-on-read' },
    })
    const row = (id: number) => ({ id: BigInt(id), v: `v${id % 7}` })
    const all = Array.from({ length: 3000 }, (_, id) => row(id))
    for (const start of [0, 1000, 2000]) await manager.writeData(table, all.slice(start, start + 1000))
    await manager.deleteRows(table, "v = 'v3' and id < 1900")
    await manager.deleteRows(table, 'id in (0, 999, 1000, 2999)')
    const scan = table.scan({ filter: "v != 'v4'" })
    await scan.toView(connection, 'v')
    await manager.deleteRows(table, 'true')
    const gone = new Set([0n, 999n, 1000n, 2999n])
    const left = all.filter(({ id, v }) => v !== 'v4' && !(v === 'v3' && id < 1900n) && !gone.has(id))
    expect(sorted(await rowsOfView('v', scan))).toEqual(sorted(left))
    const [found] = await query(
      `SELECT count(*) AS n, sum(id)::BIGINT AS ids FROM v WHERE id BETWEEN 990 AND 1010`,
    )
    const near = left.filter(({ id }) => id >= 990n && id <= 1010n)
    expect(found).toEqual({ n: BigInt(near.length), ids: near.reduce((sum, { id }) => sum + id, 0n) })
  })

  test('of a filter mean texts as they are, however the connection compares them', async () => {
    const table = await create('id: int, k: string')
    await manager.writeData(table, [
      { id: 1, k: 'SFO' },
      { id: 2, k: 'sfo' },
      { id: 3, k: null },
    ])
    await connection.run("SET default_collation = 'NOCASE'")
    for (const [filter, ids] of [
      ["k = 'SFO'", [1]],
      ["k in ('SFO', 'x')", [1]],
      ["k != 'SFO'", [2]],
      ["k > 'a'", [2]],
      ["k like 'sf%'", [2]],
    ] as const) {
      const scan = table.scan({ filter, select: ['id'] })
      expect(await scan.toArray(), filter).toEqual(ids.map((id) => ({ id })))
      const view = await scan.toView(connection, 'v')
      expect(await rowsOfView('v', scan), filter).toEqual(ids.map((id) => ({ id })))
      await view.release()
    }
  })

  test('of a limit, a choice of columns, an empty table', async () => {
    const table = await create('id: int, k: string')
    const none = table.scan()
    await none.toView(connection, 'none')
    expect(await rowsOfView('none', none)).toEqual([])
    await manager.writeData(
      table,
      [1, 2, 3].map((id) => ({ id, k: `k${id}` })),
    )
    const some = table.scan({ limit: 2, select: ['k'] })
    await some.toView(connection, 'two')
    expect(await rowsOfView('two', some)).toEqual([{ k: 'k1' }, { k: 'k2' }])
    expect(await query(`SELECT count(*) AS n FROM two WHERE k = 'k3'`)).toEqual([{ n: 0n }])
    const nothing = table.scan({ filter: 'id > 7' })
    await nothing.toView(connection, 'nothing')
    expect(await rowsOfView('nothing', nothing)).toEqual([])
  })

  test('columns whose names differ in case only are numbered', async () => {
    const table = await create('id: int, ID: int')
    await manager.writeData(table, [{ id: 1, ID: 2 }])
    await table.scan().toView(connection, 'v')
    expect(await query('SELECT * FROM v')).toEqual([{ id: 1, ID_1: 2 }])
  })
})

test("filters of the connection's own queries reach the files, past deletes", async () => {
  const table = await create('id: int, k: string', { properties: { 'write.delete.mode': 'merge-on-read' } })
  await manager.writeData(
    table,
    Array.from({ length: 1000 }, (_, id) => ({ id, k: `k${id}` })),
  )
  await manager.deleteRows(table, 'id = 995')
  await table.scan().toView(connection, 'v')
  const plan = await planOf('SELECT k FROM v WHERE id >= 994')
  expect(plan).toMatch(/READ_PARQUET[^]*Projections: p1[^]*Filters: p0>=994/)
  expect(await query('SELECT k FROM v WHERE id >= 994')).toEqual(
    ['k994', 'k996', 'k997', 'k998', 'k999'].map((k) => ({ k })),
  )
})

describe('names', () => {
  test.each(['plain', 'Select', 'a.b', 'x"; DROP TABLE mine; --', "it's", ' ', 'größe'])(
    'are taken as they are: %s',
    async (name) => {
      await connection.run('CREATE TABLE mine AS SELECT 1 AS one')
      const table = await create('id: int')
      await manager.writeData(table, [{ id: 1 }])
      const view = await table.scan().toView(connection, name)
      expect(view.name).toBe(name)
      expect(await inventory()).toEqual(['mine', name].toSorted())
      expect(await query(`SELECT * FROM "${name.replaceAll('"', '""')}"`)).toEqual([{ id: 1 }])
      await view.release()
      expect(await inventory()).toEqual(['mine'])
    },
  )

  test.each(['', 'a\0b'])('that are none are refused: %j', async (name) => {
    const table = await create('id: int')
    await expect(table.scan().toView(connection, name)).rejects.toThrow(InvalidArgumentError)
  })

  test.each([
    'CREATE TABLE flights AS SELECT 42 AS own',
    'CREATE VIEW flights AS SELECT 42 AS own',
    'CREATE TEMP TABLE flights AS SELECT 42 AS own',
    'CREATE TEMP VIEW flights AS SELECT 42 AS own',
  ])('that are taken stay what they are: %s', async (statement) => {
    await connection.run(statement)
    const table = await create('id: int')
    for (const name of ['flights', 'FLIGHTS']) {
      await expect(table.scan().toView(connection, name)).rejects.toThrow(InvalidArgumentError)
    }
    expect(await query('SELECT * FROM flights')).toEqual([{ own: 42 }])
    expect(await inventory()).toEqual(['flights'])
  })
})

describe('release', () => {
  test('drops the view, and gives files back that were held until then', async () => {
    const table = await create('id: int', { properties: { 'write.delete.mode': 'merge-on-read' } })
    await manager.writeData(table, [{ id: 1 }, { id: 2 }])
    await manager.deleteRows(table, 'id = 2')
    const view = await table.scan().toView(connection, 'v')
    expect((await world.temporaries()).length).toBe(2)
    expect(await query('SELECT * FROM v')).toEqual([{ id: 1 }])
    await Promise.all([view.release(), view.release()])
    await view.release()
    expect([await inventory(), await world.temporaries()]).toEqual([[], []])
    await table.scan().toView(connection, 'v')
  })

  test('by await using', async () => {
    const table = await create('id: int')
    {
      await using view = await table.scan().toView(connection, 'v')
      expect(await inventory()).toEqual([view.name])
    }
    expect(await inventory()).toEqual([])
  })

  test('leaves a view that has taken the name meanwhile', async () => {
    const view = await (await create('id: int')).scan().toView(connection, 'v')
    await connection.run('CREATE OR REPLACE TEMP VIEW v AS SELECT 42 AS own')
    await view.release()
    expect(await query('SELECT * FROM v')).toEqual([{ own: 42 }])
  })

  test('does well on a connection that is closed, and after the manager', async () => {
    const table = await create('id: int')
    await manager.writeData(table, [{ id: 1 }])
    const [closed, after] = [await connect(), await connect()]
    const views = [await table.scan().toView(closed, 'v'), await table.scan().toView(after, 'v')]
    closed.closeSync()
    await views[0]?.release()
    await manager.close()
    await views[1]?.release()
    expect(await world.temporaries()).toEqual([])
  })

  test('can be tried again when the transaction of the connection had failed', async () => {
    const table = await create('id: int')
    await manager.writeData(table, [{ id: 1 }])
    const view = await table.scan().toView(connection, 'v')
    await connection.run('BEGIN')
    await expect(connection.run(`SELECT error('x')`)).rejects.toThrow('x')
    await expect(view.release()).rejects.toThrow(EngineError)
    await connection.run('ROLLBACK')
    expect(await query('SELECT * FROM v')).toEqual([{ id: 1 }])
    await view.release()
    expect([await inventory(), await world.temporaries()]).toEqual([[], []])
  })
})

describe('a view that fails leaves nothing', () => {
  async function oneRow() {
    const table = await create('id: int', { properties: { 'write.delete.mode': 'merge-on-read' } })
    await manager.writeData(table, [{ id: 1 }, { id: 2 }])
    await manager.deleteRows(table, 'id = 2')
    return table
  }

  test('when a file is gone', async () => {
    const table = await oneRow()
    const scan = table.scan()
    const [task] = (await scan.plan()).tasks
    await world.store().delete([task?.entry.file.location ?? ''])
    await expect(scan.toView(connection, 'v')).rejects.toThrow(MissingFileError)
    expect([await inventory(), await world.temporaries()]).toEqual([[], []])
  })

  test('when the connection may open no files', async () => {
    connection = await connect({ enable_external_access: 'false' })
    const failed = (await oneRow()).scan().toView(connection, 'v')
    await expect(failed).rejects.toThrow(StorageDeniedError)
    expect([await inventory(), await world.temporaries()]).toEqual([[], []])
  })

  test('when any statement fails', async () => {
    const table = await oneRow()
    for (let good = 0; ; good += 1) {
      let left = good
      const flaky = new Proxy(connection, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target)
          if (key !== 'run' && key !== 'runAndReadAll') return value
          return async (...args: unknown[]) => {
            // Only once: what cleans up behind it goes through.
            if (left-- === 0) throw new Error('Some Error: of the engine')
            return Reflect.apply(value as (...all: unknown[]) => unknown, target, args)
          }
        },
      })
      const outcome = await table
        .scan()
        .toView(flaky, 'v')
        .catch((error: unknown) => error)
      if (!(outcome instanceof Error)) {
        expect(good).toBeGreaterThan(5)
        break
      }
      expect(outcome).toBeInstanceOf(EngineError)
      expect([await inventory(), await world.temporaries()], `statement ${good}`).toEqual([[], []])
    }
  })

  test('when it is aborted, or its manager closed', async () => {
    const table = await oneRow()
    const abort = new AbortController()
    const scan = table.scan({ signal: abort.signal })
    abort.abort()
    await expect(scan.toView(connection, 'v')).rejects.toThrow(OperationAbortedError)
    await manager.close()
    const closed = table.scan().toView(connection, 'v')
    await expect(closed).rejects.toMatchObject({ code: 'FLOEBERG_MANAGER_CLOSED' })
    expect([await inventory(), await world.temporaries()]).toEqual([[], []])
  })
})

test('what is no connection is refused, and an old engine, and a plane that makes no views', async () => {
  const table = await create('id: int')
  const strangers: unknown[] = [{ run: async () => {} }, {}, null, 'connection']
  for (const stranger of strangers) {
    await expect(table.scan().toView(stranger as DuckDBConnection, 'v')).rejects.toThrow(InvalidArgumentError)
  }
  const old = {
    run: async () => {},
    runAndReadAll: async () => ({ getRowObjects: () => [{ version: 'v1.3.2' }], columnTypes: () => [] }),
  }
  await expect(table.scan().toView(old, 'v')).rejects.toThrow(UnsupportedFeatureError)
  const { createView: _, ...without } = plane
  const plain = await world.openAside({ enginePlugin: { name: 'plain', open: async () => without } })
  const scan = (await plain.loadTable('demo.t')).scan()
  await expect(scan.toView(connection, 'v')).rejects.toThrow(UnsupportedFeatureError)
})
