/** We read every table that PyIceberg wrote. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergTableManager } from '../../src/index.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { asPyIcebergShows, everyType } from './support/every-type.ts'
import { exactRows, openFloeberg } from './support/floeberg.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let pyiceberg: PyIceberg

beforeAll(async () => {
  pyiceberg = new PyIceberg(shared)
  await pyiceberg.createNamespace('theirs')
  manager = await openFloeberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), pyiceberg?.close()])
  shared.remove()
})

/** What PyIceberg put into the files. */
const written = asPyIcebergShows(everyType.rows)

async function expectSameRows(name: string): Promise<void> {
  const table = await manager.loadTable(name)
  expect(inAnyOrder(await exactRows(table))).toEqual(inAnyOrder(await pyiceberg.scan(name)))
  expect(await table.scan().count()).toBe(await pyiceberg.count(name))
}

describe('every type', () => {
  test('extremes, nulls, NaN, infinities, empty strings, nested', async () => {
    await pyiceberg.createTable('theirs.types', { schema: everyType.schema })
    await pyiceberg.append('theirs.types', everyType.rows)
    const table = await manager.loadTable('theirs.types')
    expect(inAnyOrder(await exactRows(table))).toEqual(inAnyOrder(written))
  })

  test.each(everyType.schema.fields.map((field) => field.name))('column %s alone', async (name) => {
    const table = await manager.loadTable('theirs.types')
    const expected = written.map((row) => ({ [name]: row[name] ?? null }))
    expect(inAnyOrder(await exactRows(table, { select: [name] }))).toEqual(inAnyOrder(expected))
  })
})

describe('every transform', () => {
  const cases = everyType.transforms.filter((field) => field.note === undefined)

  test.each(cases)('$transform of $source', async ({ source, transform }) => {
    const name = `theirs.${source}_${transform.replaceAll(/\W/g, '')}`
    const partition = [{ source, transform, name: 'p' }]
    await pyiceberg.createTable(name, { schema: everyType.schema, partition })
    await pyiceberg.append(name, everyType.rows)
    expect(inAnyOrder(await exactRows(await manager.loadTable(name)))).toEqual(inAnyOrder(written))
  })
})

describe('filters', () => {
  /** Ours, and the same for PyIceberg where its language differs. */
  const filters: readonly (readonly [string, string?])[] = [
    ['i >= 0'],
    ['i in (0, 7, 9)'],
    ["d9 = 0.00 or s = ''"],
    ['l is null'],
    ['l is not null and b = true'],
    ["s like 'é%'", "s like 'é%'"],
    ["not (s = 'a')"],
    ["ts < '1970-01-01T00:00:00'"],
    ["dt >= '1970-01-01'"],
    // PyIceberg cannot filter by a uuid: the same row by another of its columns.
    ["u = 'F79C3E09-677C-4BBD-A479-3F349CB785E7'", 'i = 2147483647'],
    ['d is nan'],
    ["bin = X'deadbeef'", 'i = 7'],
  ]

  test.each(filters.map(([ours, theirs = ours]) => [ours, theirs] as const))('%s', async (ours, theirs) => {
    const table = await manager.loadTable('theirs.types')
    const expected = await pyiceberg.scan('theirs.types', { filter: theirs })
    const filter = ours.replace(/(\w+) like '(.*)%'/, "starts_with($1, '$2')")
    expect(inAnyOrder(await exactRows(table, { filter }))).toEqual(inAnyOrder(expected))
  })
})

describe('what happens to a table', () => {
  const schema = {
    type: 'struct',
    'schema-id': 0,
    fields: [
      { id: 1, name: 'id', required: false, type: 'int' },
      { id: 2, name: 'f', required: false, type: 'float' },
      { id: 3, name: 'd', required: false, type: 'decimal(9, 2)' },
      { id: 4, name: 'gone', required: false, type: 'string' },
      {
        id: 5,
        name: 's',
        required: false,
        type: {
          type: 'struct',
          fields: [
            { id: 6, name: 'x', required: false, type: 'int' },
            { id: 7, name: 'y', required: false, type: 'string' },
          ],
        },
      },
      { id: 8, name: 'day', required: false, type: 'date' },
    ],
  } as const
  const row = (n: number) => ({
    id: `i:${n}`,
    f: n + 0.5,
    d: `d:${n}.25`,
    gone: `s:${n}`,
    s: { x: `i:${n}`, y: `s:y${n}` },
    day: `D:${n * 40}`,
  })

  test('fields renamed, dropped, added, moved and widened, at every depth', async () => {
    const name = 'theirs.evolved'
    await pyiceberg.createTable(name, { schema })
    await pyiceberg.append(name, [row(1), row(2)])
    await pyiceberg.updateSchema(name, [
      ['rename_column', 's.x', 'x_new'],
      ['update_column', 'id', 'long'],
      ['update_column', 'f', 'double'],
      ['update_column', 'd', 'decimal(18, 2)'],
      ['rename_column', 'f', 'f_new'],
      ['delete_column', 'gone'],
      ['move_first', 'd'],
    ])
    await pyiceberg.updateSchema(name, [['add_column', 'gone', 'boolean']])
    await expectSameRows(name)
    const rows = await exactRows(await manager.loadTable(name))
    expect(rows[0]).toEqual({
      d: 'd:1.25',
      id: 'i:1',
      f_new: 1.5,
      s: { x_new: 'i:1', y: 's:y1' },
      day: 'D:40',
      gone: null,
    })
  })

  test('the partition spec changes, twice', async () => {
    const name = 'theirs.respecced'
    const partition = [{ source: 'day', transform: 'month', name: 'day_month' }]
    await pyiceberg.createTable(name, { schema, partition })
    await pyiceberg.append(name, [row(-1), row(0)])
    await pyiceberg.updateSpec(name, { add: [{ source: 'id', transform: 'bucket[4]', name: 'id_bucket' }] })
    await pyiceberg.append(name, [row(1), row(2)])
    await pyiceberg.updateSpec(name, { remove: ['day_month'] })
    await pyiceberg.append(name, [row(3), row(4)])
    await expectSameRows(name)
    const table = await manager.loadTable(name)
    const rows = await exactRows(table, { filter: "day >= '1970-02-01' and id < 4", select: ['id'] })
    expect(inAnyOrder(rows)).toEqual([{ id: 'i:1' }, { id: 'i:2' }, { id: 'i:3' }])
  })

  test('rows overwritten and deleted: every snapshot reads as it was', async () => {
    const name = 'theirs.rewritten'
    await pyiceberg.createTable(name, {
      schema,
      partition: [{ source: 'id', transform: 'identity', name: 'id' }],
    })
    await pyiceberg.append(name, [row(1), row(2), row(3)])
    await pyiceberg.delete(name, "gone = '2'")
    await pyiceberg.overwrite(name, [row(3), row(4)], 'id = 3')
    await expectSameRows(name)
    const table = await manager.loadTable(name)
    for (const { snapshot_id: id } of await pyiceberg.snapshots(name)) {
      const expected = await pyiceberg.scan(name, { snapshot_id: id })
      expect(inAnyOrder(await exactRows(table, { snapshotId: id }))).toEqual(inAnyOrder(expected))
    }
  })

  test('a version 1 table, and names that need encoding in paths', async () => {
    const name = 'theirs.odd'
    const odd = {
      type: 'struct',
      'schema-id': 0,
      fields: [{ id: 1, name: 'my#str%x', required: false, type: 'string' }],
    } as const
    const values = ['my+str', '( )', 'a/b=c', 'x~y*', 'é', '', '..', '%2F', null]
    await pyiceberg.createTable(name, {
      schema: odd,
      partition: [{ source: 'my#str%x', transform: 'identity', name: 'my#str%x' }],
      properties: { 'format-version': '1' },
    })
    await pyiceberg.append(
      name,
      values.map((value) => ({ 'my#str%x': value === null ? null : `s:${value}` })),
    )
    await expectSameRows(name)
  })

  test('an empty table, and one whose rows are all gone', async () => {
    await pyiceberg.createTable('theirs.empty', { schema })
    await expectSameRows('theirs.empty')
    await pyiceberg.append('theirs.empty', [row(1)])
    await pyiceberg.delete('theirs.empty', 'id = 1')
    await expectSameRows('theirs.empty')
  })
})
