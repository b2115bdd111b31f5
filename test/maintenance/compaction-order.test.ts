import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IcebergTableManager, t, table, type Table } from '../../src/index.ts'

let folder: string
let manager: IcebergTableManager
let number = 0

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'floeberg-test-')))
  manager = await IcebergTableManager.open({
    catalog: { type: 'memory', warehouse: join(folder, 'warehouse') },
    scratchDir: join(folder, 'scratch'),
  })
  await manager.createNamespace('demo')
})
afterAll(async () => {
  await manager.close()
  await rm(folder, { recursive: true, force: true })
})

const name = () => `ordered_${(number += 1)}`

async function column(tbl: Table, of: string): Promise<readonly unknown[]> {
  return (await tbl.scan().toArray()).map((row) => row[of])
}

describe('sort', () => {
  const schema = table({ id: t.int().required(), name: t.string() })

  async function unsorted(): Promise<Table> {
    const tbl = await manager.createTable({ namespace: 'demo', name: name(), schema })
    for (const id of [3, 1, 2]) {
      await manager.writeData(tbl, [
        { id, name: `n${id % 2}` },
        { id: id + 10, name: null },
      ])
    }
    return tbl
  }

  test("rows lie in the table's order, and files say so", async () => {
    const tbl = await unsorted()
    await manager.replaceSortOrder(tbl, [
      { source: 'name', direction: 'desc' },
      { source: 'id', direction: 'asc' },
    ])
    const plan = await manager.planCompaction(tbl, { strategy: 'sort' })
    expect(plan.groups[0]?.files.map(({ reason }) => reason)).toEqual(
      Array(3).fill('it is not in this order'),
    )
    await manager.execute(plan)
    await tbl.refresh()
    expect(await column(tbl, 'id')).toEqual([1, 3, 2, 11, 12, 13])
    expect((await tbl.inspect.files()).map((file) => file.sort_order_id)).toEqual([tbl.sortOrder.orderId])
    // Files that are in order are left alone.
    expect((await manager.compactTable(tbl, { strategy: 'sort' })).snapshotIds).toEqual([])
  })

  test('rows lie in the order of given columns, which files may not call the order of the table', async () => {
    const tbl = await unsorted()
    await manager.compactTable(tbl, {
      strategy: 'sort',
      sortBy: [{ source: 'id', direction: 'desc' }],
      minInputFiles: 2,
    })
    expect(await column(tbl, 'id')).toEqual([13, 12, 11, 3, 2, 1])
    expect((await tbl.inspect.files()).map((file) => file.sort_order_id)).toEqual([0])
  })

  test('without an order there is nothing to sort by', async () => {
    const tbl = await unsorted()
    await expect(manager.compactTable(tbl, { strategy: 'sort' })).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_ARGUMENT',
    })
  })

  test('many files of one large group are in order one after the other', async () => {
    const tbl = await manager.createTable({ namespace: 'demo', name: name(), schema })
    const ids = Array.from({ length: 60_000 }, (_, at) => (at * 7919) % 60_000)
    for (let from = 0; from < ids.length; from += 10_000) {
      await manager.writeData(
        tbl,
        ids.slice(from, from + 10_000).map((id) => ({ id, name: `name ${(id * 31) % 60_000}` })),
      )
    }
    const bytes = (await tbl.inspect.files()).reduce((sum, file) => sum + file.file_size_in_bytes, 0)
    await manager.compactTable(tbl, {
      strategy: 'sort',
      sortBy: [{ source: 'id' }],
      targetFileSizeBytes: Math.floor(bytes / 3),
    })
    const files = await tbl.inspect.files()
    expect(files.length).toBeGreaterThan(1)
    expect(await column(tbl, 'id')).toEqual(ids.toSorted((a, b) => a - b))
  })
})

describe('z_order', () => {
  /** The bits of two numbers in turns, the first number's ahead. */
  function morton(a: number, b: number, bits: number): number {
    let code = 0
    for (let bit = bits - 1; bit >= 0; bit--) code = code * 4 + ((a >> bit) & 1) * 2 + ((b >> bit) & 1)
    return code
  }

  test('the bits of the columns take turns, wherever their values lie', async () => {
    const schema = table({ a: t.long(), b: t.date() })
    const tbl = await manager.createTable({ namespace: 'demo', name: name(), schema })
    const cells = Array.from({ length: 256 }, (_, at) => ({ a: at % 16, b: at >> 4 }))
    const rows = cells.map(({ a, b }) => ({
      a: BigInt(a) - 8n,
      b: new Date(Date.UTC(1970, 0, b - 7)).toISOString().slice(0, 10),
    }))
    for (let from = 0; from < 256; from += 64) await manager.writeData(tbl, rows.slice(from, from + 64))
    await manager.compactTable(tbl, { strategy: 'z_order', zOrderBy: ['a', 'b'], minInputFiles: 2 })
    const expected = cells
      .map((cell, at) => ({ code: morton(cell.a, cell.b, 4), row: rows[at] }))
      .toSorted((x, y) => x.code - y.code)
      .map(({ row }) => row)
    expect(await tbl.scan().toArray()).toEqual(expected)
    expect((await tbl.inspect.files()).map((file) => file.sort_order_id)).toEqual([0])
  })

  const uuid = (digit: string) => `${digit.repeat(8)}-0000-0000-0000-000000000000`
  const bytes = (...values: readonly number[]) => Uint8Array.from(values)
  /** Values of each type in their order. */
  const ORDERED = {
    boolean: [t.boolean(), [false, true]],
    int: [t.int(), [-2147483648, -5, 0, 7, 2147483647]],
    long: [t.long(), [-9223372036854775808n, -1n << 40n, 0n, 1n << 40n, 9223372036854775807n]],
    float: [t.float(), [-Infinity, -1e30, -1, 0, 1e-20, 2.5, Infinity, NaN]],
    double: [t.double(), [-Infinity, -1e300, -1, 0, 1e-200, 2.5, Infinity, NaN]],
    decimal: [t.decimal(20, 2), ['-123456789012345678.00', '-0.50', '0.00', '0.25', '999999999999999999.99']],
    date: [t.date(), ['0001-01-01', '1969-12-31', '1970-01-01', '9999-12-31']],
    time: [t.time(), ['00:00:00.000000', '11:59:59.999999', '23:59:59.999999']],
    timestamp: [
      t.timestamp(),
      ['0001-01-01T00:00:00.000000', '1969-12-31T23:59:59.000000', '2026-01-01T00:00:00.000000'],
    ],
    timestamptz: [t.timestamptz(), ['1901-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z']],
    string: [t.string(), ['', 'A', 'Zebra', 'a', 'ab', 'é', '日本', '😀']],
    uuid: [t.uuid(), [uuid('0'), uuid('7'), uuid('8'), uuid('f')]],
    binary: [t.binary(), [bytes(), bytes(0, 1), bytes(127), bytes(128), bytes(255, 255)]],
  } as const

  test.each(Object.entries(ORDERED))('values of type %s keep their order', async (_, [type, values]) => {
    const schema = table({ at: t.int(), value: type, same: t.int() })
    const tbl = await manager.createTable({ namespace: 'demo', name: name(), schema })
    const rows = [null, ...values].map((value, at) => ({ at, value, same: 1 }))
    // Not in order to begin with.
    for (const row of rows.toReversed()) await manager.writeData(tbl, [row])
    await manager.compactTable(tbl, { strategy: 'z_order', zOrderBy: ['value', 'same'], rewriteAll: true })
    const [first, second, ...others] = await column(tbl, 'at')
    // Null counts as the least value does.
    expect([first, second].toSorted()).toEqual([0, 1])
    expect(others).toEqual(rows.slice(2).map(({ at }) => at))
  })

  test('columns that cannot be ordered are refused', async () => {
    const schema = table({ a: t.int(), s: t.struct({ x: t.int() }), l: t.list(t.int()) })
    const tbl = await manager.createTable({ namespace: 'demo', name: name(), schema })
    for (const zOrderBy of [undefined, ['a'], ['a', 'a'], ['a', 's'], ['a', 'l.element'], ['a', 'no']]) {
      await expect(
        manager.planCompaction(tbl, { strategy: 'z_order', zOrderBy }),
        JSON.stringify(zOrderBy),
      ).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
    }
    await expect(
      manager.planCompaction(tbl, { strategy: 'z_order', zOrderBy: ['a', 's.x'] }),
    ).resolves.toBeDefined()
  })
})
