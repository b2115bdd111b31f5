/** What we evolve, PyIceberg and Spark read with the rows of before and after; what they evolve, we go on from. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergTableManager, PartitionChange, SchemaChange, Table } from '../../src/index.ts'
import type { Row } from '../../src/format/values/value.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { exactRows, openFloeberg } from './support/floeberg.ts'
import { PyIceberg, type ExactRow } from './support/pyiceberg.ts'
import { Spark } from './support/spark.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let pyiceberg: PyIceberg
let spark: Spark

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('e')
  pyiceberg = new PyIceberg(shared)
  spark = new Spark(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), pyiceberg?.close(), spark?.close()])
  shared.remove()
})

/** All three show the same rows; answers them. */
async function expectSame(name: string, filter?: string): Promise<readonly ExactRow[]> {
  const table = await manager.loadTable(name)
  const ours = inAnyOrder(await exactRows(table, filter === undefined ? {} : { filter }))
  const where = filter === undefined ? '' : ` where ${filter}`
  expect(inAnyOrder(await spark.sql(`select * from ${name}${where}`)), `Spark ${where}`).toEqual(ours)
  const theirs = await pyiceberg.scan(name, filter === undefined ? {} : { filter })
  expect(inAnyOrder(theirs), `PyIceberg ${where}`).toEqual(ours)
  return ours
}

// PyIceberg shows a list of structs that is null as an empty one once its structs have changed: the
// rows have empty ones, and Spark alone judges the null.
interface Step {
  readonly rule: string
  readonly schema?: readonly SchemaChange[]
  readonly partitions?: readonly PartitionChange[]
  readonly row: Row
}

const COLUMNS = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'id', required: true, type: 'int' },
    { id: 2, name: 'f', required: false, type: 'float' },
    { id: 3, name: 'd', required: false, type: 'decimal(4, 2)' },
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
    {
      id: 8,
      name: 'l',
      required: false,
      type: {
        type: 'list',
        'element-id': 9,
        'element-required': false,
        element: {
          type: 'struct',
          fields: [
            { id: 10, name: 'p', required: false, type: 'int' },
            {
              id: 11,
              name: 'm',
              required: false,
              type: {
                type: 'map',
                'key-id': 12,
                key: 'string',
                'value-id': 13,
                value: { type: 'struct', fields: [{ id: 14, name: 'v', required: false, type: 'int' }] },
                'value-required': false,
              },
            },
          ],
        },
      },
    },
  ],
} as const

const list = (p: number, v: number, names: readonly [string, string, string]) => [
  { [names[0]]: p, [names[1]]: new Map([['k', { [names[2]]: v }]]) },
]

const STEPS: readonly Step[] = [
  {
    rule: 'nothing yet',
    row: { id: 1, f: 1.5, d: '1.25', gone: 'old', s: { x: 1, y: 'y1' }, l: list(1, 1, ['p', 'm', 'v']) },
  },
  {
    rule: 'columns are added, at every depth and anywhere',
    schema: [
      { type: 'add_column', name: 'added', fieldType: 'date', doc: 'new', position: { after: 'id' } },
      { type: 'add_column', name: 's.z', fieldType: 'list<int>', position: { first: true } },
      { type: 'add_column', name: 'l.q', fieldType: 'string' },
      { type: 'add_column', name: 'l.element.m.value.w', fieldType: 'double' },
    ],
    row: {
      id: 2,
      added: '2026-01-31',
      gone: 'old2',
      s: { z: [1, 2], x: 2, y: 'y2' },
      l: [{ p: 2, m: new Map([['k', { v: 2, w: 0.5 }]]), q: 'q2' }],
    },
  },
  {
    rule: 'columns are renamed, at every depth',
    schema: [
      { type: 'rename_column', name: 'l.element.m.value.v', newName: 'v2' },
      { type: 'rename_column', name: 'l.element.m', newName: 'm2' },
      { type: 'rename_column', name: 'l', newName: 'l2' },
      { type: 'rename_column', name: 's.y', newName: 'y2' },
      { type: 'rename_column', name: 's', newName: 's2' },
    ],
    row: { id: 3, s2: { z: [], x: 3, y2: 'y3' }, l2: list(3, 3, ['p', 'm2', 'v2']) },
  },
  {
    rule: 'types are promoted',
    schema: [
      { type: 'widen_type', name: 'id', fieldType: 'long' },
      { type: 'widen_type', name: 'f', fieldType: 'double' },
      { type: 'widen_type', name: 'd', fieldType: 'decimal(20, 2)' },
      { type: 'widen_type', name: 's2.x', fieldType: 'long' },
      { type: 'widen_type', name: 'l2.element.p', fieldType: 'long' },
      { type: 'widen_type', name: 'l2.element.m2.value.v2', fieldType: 'long' },
    ],
    row: {
      id: 5_000_000_000n,
      f: 1e300,
      d: '123456789012345678.25',
      s2: { x: 5_000_000_000n },
      l2: [{ p: 5_000_000_000n, m2: new Map([['k', { v2: 5_000_000_000n }]]) }],
    },
  },
  {
    rule: 'columns are deleted, and names used again for others',
    schema: [
      { type: 'delete_column', name: 'gone' },
      { type: 'add_column', name: 'gone', fieldType: 'string' },
      { type: 'delete_column', name: 's2.y2' },
      { type: 'add_column', name: 's2.y2', fieldType: 'string' },
    ],
    row: { id: 6, gone: 'new', s2: { y2: 'new' }, l2: [] },
  },
  {
    rule: 'fields are reordered, required ones become optional, comments change',
    schema: [
      { type: 'move_column', name: 'd', position: { first: true } },
      { type: 'move_column', name: 's2.x', position: { after: 'y2' } },
      { type: 'make_optional', name: 'id' },
      { type: 'update_doc', name: 'id', doc: 'what it is' },
    ],
    row: { d: '0.01', gone: 'no id', l2: [] },
  },
  {
    rule: 'the table becomes partitioned',
    partitions: [
      { type: 'add_field', source: 'id', transform: 'bucket[4]' },
      { type: 'add_field', source: 'gone' },
    ],
    row: { id: 8, gone: 'eight', l2: [] },
  },
  {
    rule: 'partition fields go and others come',
    partitions: [
      { type: 'remove_field', field: 'gone' },
      { type: 'replace_field', field: 'id_bucket_4', source: 'added', transform: 'month' },
      { type: 'add_field', source: 's2.x', transform: 'truncate[10]' },
    ],
    row: { id: 9, added: '2025-12-31', s2: { x: -1 }, gone: 'nine', l2: [] },
  },
  {
    rule: 'a partition field of before comes back under another name',
    partitions: [
      { type: 'add_field', source: 'id', transform: 'bucket[4]', name: 'again' },
      { type: 'rename_field', name: 'added_month', newName: 'added_in' },
    ],
    row: { id: 10, added: '2026-02-01', gone: 'ten', l2: [] },
  },
]

async function take(table: Table, { schema, partitions, row }: Step): Promise<void> {
  if (schema !== undefined) await manager.evolveSchema(table, schema)
  if (partitions !== undefined) await manager.evolvePartitionSpec(table, partitions)
  await manager.writeData(table, [row])
}

describe.each([1, 2] as const)('what we evolve, of format version %i', (formatVersion) => {
  const name = `e.ours_v${formatVersion}`
  let table: Table

  beforeAll(async () => {
    table = await manager.createTable({
      namespace: 'e',
      name: `ours_v${formatVersion}`,
      schema: COLUMNS,
      formatVersion,
    })
  })

  test.each(STEPS)('$rule', async (step) => {
    await take(table, step)
    await expectSame(name)
  })

  test('a null list of changed structs stays null', async () => {
    await manager.writeData(table, [{ id: 11, added: '2026-02-01' }])
    const ours = await exactRows(table, { filter: 'id = 11' })
    expect(ours).toMatchObject([{ id: 'i:11', l2: null, s2: null }])
    expect(await spark.sql(`select * from ${name} where id = 11`)).toEqual(ours)
    const { rowsDeleted } = await manager.deleteRows(table, 'id = 11')
    expect(rowsDeleted).toBe(1)
  })

  test('rows before have what the rules say, not what names suggest', async () => {
    const rows = await expectSame(name)
    const byId = new Map(rows.map((row) => [row['id'], row]))
    // Deleted and added again: NULL for old rows.
    expect(byId.get('i:1')).toMatchObject({ gone: null, added: null, s2: { x: 'i:1', y2: null, z: null } })
    // Renamed inside a map inside a list.
    expect(byId.get('i:2')).toMatchObject({
      l2: [{ p: 'i:2', m2: [['s:k', { v2: 'i:2', w: 0.5 }]], q: 's:q2' }],
    })
    expect(byId.get('i:6')).toMatchObject({ gone: 's:new', s2: { y2: 's:new' } })
  })

  test.each([
    'id = 1',
    'id = 5000000000',
    'id > 2147483647',
    'id <= 3',
    'id is null',
    'f > 2',
    'f = 1.5',
    'd < 1.30',
    "gone = 'new'",
    "gone = 'old'",
    'gone is null',
    "gone > 'e'",
    's2.x = 1',
    's2.x < 0',
    's2.y2 is null',
    "added >= '2026-01-01'",
  ])('%s', async (filter) => {
    await expectSame(name, filter)
  })
})

describe('a column of an old partition spec', () => {
  test('can be dropped: rows and filters work for us and for Spark', async () => {
    const table = await manager.createTable({
      namespace: 'e',
      name: 'dropped',
      schema: {
        type: 'struct',
        'schema-id': 0,
        fields: [
          { id: 1, name: 'id', required: false, type: 'long' },
          { id: 2, name: 'q', required: false, type: 'int' },
          { id: 3, name: 'p', required: false, type: 'int' },
        ],
      },
      partitionSpec: [{ source: 'q' }, { source: 'p' }],
    })
    await manager.writeData(table, [
      { id: 1, q: 10, p: 2 },
      { id: 2, q: 20, p: 3 },
    ])
    await manager.evolvePartitionSpec(table, [{ type: 'remove_field', field: 'q' }])
    await manager.writeData(table, [{ id: 3, q: 30, p: 2 }])
    await manager.evolveSchema(table, [{ type: 'delete_column', name: 'q' }])
    await manager.writeData(table, [{ id: 4, p: 2 }])
    const read = await manager.loadTable('e.dropped')
    for (const filter of ['p = 2', 'id > 1', 'p is not null']) {
      const ours = inAnyOrder(await exactRows(read, { filter }))
      expect(inAnyOrder(await spark.sql(`select * from e.dropped where ${filter}`)), filter).toEqual(ours)
      expect(ours).toHaveLength(filter === 'p is not null' ? 4 : 3)
    }
  })
})

describe('what others evolve', () => {
  test('Spark, then PyIceberg, then we: ids go on from each other’s', async () => {
    const name = 'e.all'
    await spark.sql(`create table ${name} (id int, name string, s struct<x: int>) using iceberg`)
    await spark.sql(`insert into ${name} values (1, 'spark', named_struct('x', 1))`)
    await spark.sql(`alter table ${name} add columns (by_spark int, s.y string)`)
    await spark.sql(`alter table ${name} rename column name to title`)
    await pyiceberg.updateSchema(name, [['add_column', 'by_py', 'long']])
    await pyiceberg.append(name, [
      { id: 'i:2', title: 's:py', s: { x: 'i:2', y: 's:y' }, by_spark: 'i:2', by_py: 'i:2' },
    ])
    const table = await manager.loadTable(name)
    await manager.evolveSchema(table, [
      { type: 'add_column', name: 'by_us', fieldType: 'double' },
      { type: 'widen_type', name: 'id', fieldType: 'long' },
      { type: 'rename_column', name: 'title', newName: 'name' },
    ])
    expect(table.schema.fields.map(({ id, name: column }) => `${id} ${column}`)).toEqual([
      '1 id',
      '2 name',
      '3 s',
      '5 by_spark',
      '7 by_py',
      '8 by_us',
    ])
    await manager.writeData(table, [{ id: 5_000_000_000n, name: 'us', by_us: 0.5 }])
    expect(await expectSame(name)).toHaveLength(3)
    for (const filter of ['id = 1', 'id >= 2', "name = 'spark'", 'by_us is null', 's.y is null']) {
      await expectSame(name, filter)
    }
    await spark.sql(`alter table ${name} add column last string`)
    await spark.sql(`insert into ${name} values (4, 'spark again', null, 4, 4, 4.5, 'l')`)
    expect(await expectSame(name)).toHaveLength(4)
  })

  test('partition specs: Spark, PyIceberg and we take turns; each prunes all', async () => {
    const name = 'e.turns'
    await spark.sql(
      `create table ${name} (id bigint, ts timestamp_ntz, c string) using iceberg partitioned by (c)`,
    )
    await spark.sql(`insert into ${name} values (1, timestamp_ntz'2026-01-01 00:00:00', 'a'), (2, null, 'b')`)
    await spark.sql(`alter table ${name} add partition field bucket(4, id)`)
    await spark.sql(`insert into ${name} values (3, timestamp_ntz'1969-12-31 23:59:59', 'a')`)
    const table = await manager.loadTable(name)
    await manager.evolvePartitionSpec(table, [
      { type: 'remove_field', field: 'c' },
      { type: 'add_field', source: 'ts', transform: 'day' },
    ])
    await manager.writeData(table, [{ id: 4, ts: '2026-01-01T12:00:00', c: 'a' }])
    await pyiceberg.updateSpec(name, { add: [{ source: 'c', transform: 'truncate[1]', name: 'c_first' }] })
    await pyiceberg.append(name, [{ id: 'i:5', ts: null, c: 's:abc' }])
    await table.refresh()
    await manager.evolvePartitionSpec(table, [{ type: 'add_field', source: 'c' }])
    await manager.writeData(table, [{ id: 6, ts: null, c: 'b' }])
    expect(table.partitionSpec.fields.map(({ fieldId, name: field }) => `${fieldId} ${field}`)).toEqual([
      '1001 id_bucket_4',
      '1002 ts_day',
      '1003 c_first',
      '1000 c',
    ])
    expect(await expectSame(name)).toHaveLength(6)
    for (const filter of ["c = 'a'", 'c is null', 'id = 3', "c = 'b'", 'ts is null', "c >= 'ab'"]) {
      await expectSame(name, filter)
    }
  })

  test('bounds by Spark prune rightly after we widened the column', async () => {
    const name = 'e.bounds'
    await spark.sql(`create table ${name} (i int, f float, d decimal(9, 2)) using iceberg`)
    await spark.sql(`insert into ${name} values (-5, -0.5, -1.50), (2147483647, 1.5, 99.99)`)
    const table = await manager.loadTable(name)
    await manager.evolveSchema(table, [
      { type: 'widen_type', name: 'i', fieldType: 'long' },
      { type: 'widen_type', name: 'f', fieldType: 'double' },
      { type: 'widen_type', name: 'd', fieldType: 'decimal(20, 2)' },
    ])
    await manager.writeData(table, [{ i: 2147483648n, f: 1e300, d: '1000000000000.00' }])
    for (const filter of [
      'i = 2147483647',
      'i > 2147483647',
      'i < 0',
      'f <= -0.5',
      'f > 2',
      'd = 99.99',
      'd > 100',
    ]) {
      const rows = await expectSame(name, filter)
      expect(rows, filter).toHaveLength(1)
    }
    const { report } = await table.scan({ filter: 'i > 2147483647' }).plan()
    expect(report).toMatchObject({ filesTotal: 3, filesScanned: 1 })
  })
})

test('defaults that we give columns of a table of format version 3 are what Spark reads', async () => {
  const name = 'e.defaults'
  await spark.sql(
    `create table ${name} (id int, s struct<x: int>) using iceberg tblproperties ('format-version'='3')`,
  )
  await spark.sql(`insert into ${name} values (1, named_struct('x', 1)), (2, null)`)
  const table = await manager.loadTable(name)
  await manager.evolveSchema(table, [
    { type: 'add_column', name: 'n', fieldType: 'int', required: true, defaultValue: 5 },
    { type: 'add_column', name: 'd', fieldType: 'date', defaultValue: '2026-01-31' },
    { type: 'add_column', name: 'm', fieldType: 'decimal(9, 2)', defaultValue: '1.50' },
    { type: 'add_column', name: 'z', fieldType: 'timestamptz', defaultValue: '2026-01-31T12:00:00Z' },
    { type: 'add_column', name: 's.y', fieldType: 'string', defaultValue: 'old' },
  ])
  const ours = inAnyOrder(await exactRows(await manager.loadTable(name)))
  expect(inAnyOrder(await spark.sql(`select * from ${name}`))).toEqual(ours)
  expect(ours[0]).toMatchObject({ n: 'i:5', d: 'D:20484', m: 'd:1.50', s: { y: 's:old' } })
  await spark.sql(`insert into ${name} values (3, null, 6, null, null, null)`)
  for (const filter of ['n = 5', 'n > 5', "s.y = 'old'", 'd is null']) {
    const found = inAnyOrder(await exactRows(await manager.loadTable(name), { filter }))
    expect(inAnyOrder(await spark.sql(`select * from ${name} where ${filter}`)), filter).toEqual(found)
  }
})

test('a sort order that we set is the one that others see', async () => {
  await spark.sql('create table e.sorted (id bigint, c string) using iceberg')
  const table = await manager.loadTable('e.sorted')
  await manager.replaceSortOrder(table, [
    { source: 'c', direction: 'desc' },
    { source: 'id', transform: 'bucket[4]' },
  ])
  await spark.sql("insert into e.sorted values (1, 'a'), (2, 'c'), (3, 'b')")
  expect(await expectSame('e.sorted')).toHaveLength(3)
  expect(await spark.sql('select c from e.sorted')).toEqual([{ c: 's:c' }, { c: 's:b' }, { c: 's:a' }])
})
