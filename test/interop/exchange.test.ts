/**
 * Files of others that join a table by us, by PyIceberg and by Spark: entries and rows come out the
 * same, and everybody reads everybody's. Spark judges reads of what was appended between snapshots.
 */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { table as declared, t, type IcebergTableManager, type Table } from '../../src/index.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { asPyIcebergShows, everyType } from './support/every-type.ts'
import { exactRows, openFloeberg } from './support/floeberg.ts'
import { PyIceberg, type PyEntry } from './support/pyiceberg.ts'
import { Spark } from './support/spark.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let pyiceberg: PyIceberg
let spark: Spark

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('swap')
  pyiceberg = new PyIceberg(shared)
  spark = new Spark(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), pyiceberg?.close(), spark?.close()])
  shared.remove()
})

const pathOf = (location: string): string => location.replace(/^file:\/\//, '')

/** The folder of a table's data files, made. */
function dataFolder(tbl: { readonly location: string }): string {
  const folder = join(pathOf(tbl.location), 'data')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** What an entry says of a file, but for where it is. */
function essence(entries: readonly PyEntry[]) {
  return entries.map(({ file_path: path, snapshot_id: _id, sequence_number: _sequence, ...entry }) => ({
    name: path.split('/').at(-1),
    ...entry,
  }))
}

describe('files that PyArrow wrote, without field ids', () => {
  // Parquet's uuid and fixed types are beyond what PyArrow writes of itself, and times beyond Spark.
  const schema = {
    ...everyType.schema,
    fields: everyType.schema.fields.filter(({ name }) => !['fx', 'u', 't'].includes(name)),
  }
  const rows = asPyIcebergShows(everyType.rows).map(({ fx: _fx, u: _u, t: _t, ...row }) => row)

  test('of every type: read alike by everybody, and described as PyIceberg describes them', async () => {
    await pyiceberg.createTable('swap.theirs', { schema })
    const ours = await manager.createTable({ namespace: 'swap', name: 'ours', schema })
    const theirs = await manager.loadTable('swap.theirs')
    const file = join(dataFolder(ours), 'plain.parquet')
    await pyiceberg.writePlainParquet('swap.theirs', rows, file)
    const copy = join(dataFolder(theirs), 'plain.parquet')
    copyFileSync(file, copy)

    const result = await manager.addFiles(ours, [file])
    expect(result).toMatchObject({ files: 1, rows: rows.length, nameMappingCreated: true })
    await pyiceberg.addFiles('swap.theirs', [`file://${copy}`])
    await theirs.refresh()

    const expected = inAnyOrder(rows)
    expect(inAnyOrder(await exactRows(ours))).toEqual(expected)
    expect(inAnyOrder(await pyiceberg.scan('swap.ours'))).toEqual(expected)
    expect(inAnyOrder(await exactRows(theirs))).toEqual(expected)
    expect(inAnyOrder(await spark.sql('select * from swap.ours'))).toEqual(
      inAnyOrder(await spark.sql('select * from swap.theirs')),
    )
    const mapping = 'schema.name-mapping.default'
    expect(JSON.parse(ours.properties[mapping] ?? '')).toEqual(JSON.parse(theirs.properties[mapping] ?? ''))

    const [our] = essence(await pyiceberg.entries('swap.ours'))
    const [their] = essence(await pyiceberg.entries('swap.theirs'))
    expect(our?.record_count).toBe(their?.record_count)
    expect(our?.file_size_in_bytes).toBe(their?.file_size_in_bytes)
    for (const { id, name, type } of schema.fields) {
      if (typeof type !== 'string') continue
      expect(our?.value_counts[id], name).toBe(their?.value_counts[id])
      expect(our?.null_value_counts[id], name).toBe(their?.null_value_counts[id])
      // Ours may leave a bound out, and never say another one: zeros apart, whose sign is their own.
      for (const bounds of ['lower_bounds', 'upper_bounds'] as const) {
        const bound = our?.[bounds][id]
        if (bound === undefined || /^0*(00)?80?$|^0+$/.test(bound)) continue
        expect(bound, `${bounds} of ${name}`).toBe(their?.[bounds][id])
      }
    }
  })

  test.each(['identity', 'month', 'day', 'truncate[3]'])(
    'partitioned by %s, as PyIceberg does it',
    async (transform) => {
      const name = transform.replaceAll(/\W/g, '')
      const source = transform.startsWith('truncate') || transform === 'identity' ? 'shop' : 'day'
      const columns = declared({ id: t.long(), day: t.date(), shop: t.string() }).schema
      const json = {
        type: 'struct' as const,
        'schema-id': 0,
        fields: [
          { id: 1, name: 'id', required: false, type: 'long' },
          { id: 2, name: 'day', required: false, type: 'date' },
          { id: 3, name: 'shop', required: false, type: 'string' },
        ],
      }
      expect(columns.fields.map((field) => field.name)).toEqual(json.fields.map((field) => field.name))
      await pyiceberg.createTable(`swap.theirs_${name}`, {
        schema: json,
        partition: [{ source, transform, name: 'p' }],
      })
      const ours = await manager.createTable({
        namespace: 'swap',
        name: `ours_${name}`,
        schema: json,
        partitionSpec: [{ source, transform, name: 'p' }],
      })
      const theirs = await manager.loadTable(`swap.theirs_${name}`)
      for (const [at, batch] of [
        [
          { id: 'i:1', day: 'd:20000', shop: 's:abcdef' },
          { id: 'i:2', day: 'd:20000', shop: 's:abcdef' },
        ],
        [{ id: 'i:3', day: 'd:-1', shop: 's:xyz' }],
      ].entries()) {
        const file = join(dataFolder(ours), `f${at}.parquet`)
        await pyiceberg.writePlainParquet(`swap.theirs_${name}`, batch, file)
        copyFileSync(file, join(dataFolder(theirs), `f${at}.parquet`))
      }
      await manager.addFiles(ours, [`${dataFolder(ours)}/`])
      await pyiceberg.addFiles(
        `swap.theirs_${name}`,
        readdirSync(dataFolder(theirs)).map((each) => `file://${join(dataFolder(theirs), each)}`),
      )
      const partitions = async (of: string) =>
        (await pyiceberg.entries(of))
          .map(({ file_path: path, partition }) => [path.split('/').at(-1), partition])
          .sort()
      expect(await partitions(`swap.ours_${name}`)).toEqual(await partitions(`swap.theirs_${name}`))
      expect((await pyiceberg.misplacedRows(`swap.ours_${name}`)).wrong).toEqual([])
      expect(inAnyOrder(await spark.sql(`select * from swap.ours_${name}`))).toEqual(
        inAnyOrder(await spark.sql(`select * from swap.theirs_${name}`)),
      )
    },
  )
})

describe('files that Spark wrote', () => {
  test('are added as Spark’s own procedure adds them', async () => {
    const source = join(shared.folder, 'spark-files')
    await spark.sql(`insert overwrite directory '${source}' using parquet
      select id, cast(id as int) as small, concat('k', id % 3) as kind, timestamp_seconds(id * 3600) as at,
        cast(id * 1.25 as decimal(9,2)) as price, array(id, null) as many from range(0, 1000, 1, 1)`)
    const columns = 'id bigint, small int, kind string, at timestamp, price decimal(9,2), many array<bigint>'
    for (const name of ['spark_ours', 'spark_theirs'])
      await spark.sql(`create table swap.${name} (${columns}) using iceberg`)
    await spark.sql(
      `call c.system.add_files(table => 'swap.spark_theirs', source_table => '\`parquet\`.\`${source}\`')`,
    )
    const ours = await manager.loadTable('swap.spark_ours')
    const data = dataFolder(ours)
    for (const name of readdirSync(source)) copyFileSync(join(source, name), join(data, name))
    const result = await manager.addFiles(ours, [`${data}/`])
    expect(result).toMatchObject({ files: 1, rows: 1000 })
    const all = 'select * from swap.spark_ours order by id'
    expect(await spark.sql(all)).toEqual(await spark.sql(all.replace('ours', 'theirs')))
    expect(inAnyOrder(await exactRows(ours))).toEqual(inAnyOrder(await pyiceberg.scan('swap.spark_ours')))
    expect(await spark.sql("select count(*) n from swap.spark_ours where id >= 990 and kind = 'k0'")).toEqual(
      [{ n: 'i:4' }],
    )
    const metrics = await spark.sql('select readable_metrics.id as m from swap.spark_ours.files')
    expect(metrics).toEqual(await spark.sql('select readable_metrics.id as m from swap.spark_theirs.files'))
    // And Spark goes on from there.
    await spark.sql(
      "insert into swap.spark_ours values (5000, 1, 'new', timestamp '2026-01-01', 1.5, array(1))",
    )
    await spark.sql('delete from swap.spark_ours where id < 500')
    await ours.refresh()
    expect(await ours.scan().count()).toBe(501)
  })
})

describe('rows appended between two snapshots', () => {
  async function history(name: string, version: 1 | 2): Promise<Table> {
    await spark.sql(`create table swap.${name} (id bigint, p string) using iceberg partitioned by (p)
      tblproperties ('format-version'='${version}', 'commit.manifest.min-count-to-merge'='2')`)
    await spark.sql(`insert into swap.${name} values (1, 'a'), (2, 'b')`)
    const tbl = await manager.loadTable(`swap.${name}`)
    await manager.writeData(tbl, [{ id: 3n, p: 'a' }], { commitStrategy: 'merge_commit' })
    await spark.sql(`insert into swap.${name} values (4, 'c'), (5, 'a')`)
    await pyiceberg.append(`swap.${name}`, [{ id: 'i:6', p: 's:b' }])
    await tbl.refresh()
    await manager.writeData(tbl, [{ id: 7n, p: 'd' }])
    return tbl
  }

  test.each([1, 2] as const)('are those that Spark reads, format version %s', async (version) => {
    const tbl = await history(`news_v${version}`, version)
    const ids = tbl.metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])
    for (const [from, start] of ids.entries()) {
      for (const [to, end] of ids.entries()) {
        if (to <= from) continue
        const ours = await exactRows(tbl, { fromSnapshot: start, toSnapshot: end })
        expect(inAnyOrder(ours), `${from} to ${to}`).toEqual(
          inAnyOrder(await spark.appended(`swap.news_v${version}`, start, end)),
        )
      }
    }
  })

  test('past a rewrite and past rows that were overwritten, as Spark reads them', async () => {
    const tbl = await history('mixed', 2)
    const start = tbl.metadata.snapshots[0]?.['snapshot-id'] ?? 0n
    await spark.sql(
      "call c.system.rewrite_data_files(table => 'swap.mixed', options => map('rewrite-all', 'true'))",
    )
    await spark.sql("insert into swap.mixed values (8, 'e')")
    await tbl.refresh()
    const appended = tbl.currentSnapshot?.['snapshot-id'] ?? 0n
    expect(inAnyOrder(await exactRows(tbl, { fromSnapshot: start }))).toEqual(
      inAnyOrder(await spark.appended('swap.mixed', start, appended)),
    )
    await spark.sql("delete from swap.mixed where p = 'a'")
    await spark.sql("insert into swap.mixed values (9, 'a')")
    await tbl.refresh()
    const last = tbl.currentSnapshot?.['snapshot-id'] ?? 0n
    await expect(exactRows(tbl, { fromSnapshot: start })).rejects.toMatchObject({
      code: 'FLOEBERG_UNSUPPORTED_FEATURE',
    })
    // Spark passes over what it calls a change without a word.
    expect(inAnyOrder(await exactRows(tbl, { fromSnapshot: start, onChangedRows: 'skip' }))).toEqual(
      inAnyOrder(await spark.appended('swap.mixed', start, last)),
    )
  })
})

test('a table without a catalog is what its catalog says, and SQL over both agrees with Spark', async () => {
  await spark.sql('create table swap.facts (id bigint, p string, n int) using iceberg partitioned by (p)')
  await spark.sql(
    "insert into swap.facts select id, concat('p', id % 4), cast(id * 7 % 13 as int) from range(200)",
  )
  await spark.sql('delete from swap.facts where id % 10 = 3')
  const opened = await manager.openTable((await manager.loadTable('swap.facts')).location)
  expect(inAnyOrder(await exactRows(opened))).toEqual(inAnyOrder(await pyiceberg.scan('swap.facts')))
  const query = (facts: string): string =>
    `select f.p, count(*) as n, sum(f.n) as total, max(g.id) as top
     from ${facts} f join swap.facts g on f.id = g.id + 1 and g.n > 3
     where f.p in ('p1', 'p2') group by f.p order by f.p`
  const result = await manager.sql(query('mine'), { tables: { mine: opened } })
  const expected = await spark.sql(query('swap.facts'))
  const rows = (await result.toArray()).map(({ p, n, total, top }) => ({
    p: `s:${p}`,
    n: `i:${n}`,
    total: `i:${total}`,
    top: `i:${top}`,
  }))
  expect(rows).toEqual(expected)
  const snapshotId = opened.metadata.snapshots[0]?.['snapshot-id']
  const before = await manager.sql(`select count(*) as n from swap.facts for version as of ${snapshotId}`)
  expect(await before.toArray()).toEqual([{ n: 200n }])
  expect(await spark.sql(`select count(*) as n from swap.facts for version as of ${snapshotId}`)).toEqual([
    { n: 'i:200' },
  ])
})
