/** Spark, on a JDBC catalog of the same SQLite file, reads ours; we read Spark's. */
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergTableManager } from '../../src/index.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { everyType } from './support/every-type.ts'
import { exactRows, openFloeberg, rowsIn } from './support/floeberg.ts'
import type { ExactRow } from './support/pyiceberg.ts'
import { Spark } from './support/spark.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let spark: Spark

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('s')
  spark = new Spark(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), spark?.close()])
  shared.remove()
})

// What Spark has no type for: time; and `fixed` is refused by our writer.
const fields = everyType.schema.fields.filter((field) => !['t', 'fx'].includes(field.name))
const schema = { ...everyType.schema, fields }
const rows = everyType.rows.map(({ t: _time, fx: _fixed, ...row }) => row)

/** Spark has no uuid and no time with a range: it shows a uuid as text. */
function asSparkShows(given: readonly ExactRow[]): readonly ExactRow[] {
  return given.map((row) => {
    const { u } = row
    return typeof u === 'string' ? { ...row, u: `s:${u.slice(2)}` } : row
  })
}

async function expectSame(name: string): Promise<void> {
  const theirs = await spark.sql(`select * from ${name}`)
  const table = await manager.loadTable(name)
  expect(inAnyOrder(await exactRows(table))).toEqual(inAnyOrder(theirs))
  expect(await table.scan().count()).toBe(theirs.length)
}

describe('Spark reads ours', () => {
  test('every type', async () => {
    const table = await manager.createTable({ namespace: 's', name: 'types', schema })
    await manager.writeData(table, rowsIn(schema, rows))
    expect(inAnyOrder(await spark.sql('select * from s.types'))).toEqual(inAnyOrder(asSparkShows(rows)))
  })

  test.each(['zstd', 'gzip', 'snappy', 'uncompressed'])(
    'every type in pages of some hundred rows, with dictionaries, by %s',
    async (codec) => {
      const name = `s.pages_${codec}`
      const properties = { 'write.parquet.compression-codec': codec }
      const table = await manager.createTable({ namespace: 's', name: `pages_${codec}`, schema, properties })
      const many = Array.from({ length: 20 }, () => rows).flat()
      await manager.writeData(table, rowsIn(schema, many))
      const few = await manager.createTable({ namespace: 's', name: `few_${codec}`, schema })
      await manager.writeData(few, rowsIn(schema, rows))
      expect(inAnyOrder(await spark.sql(`select * from ${name}`))).toEqual(inAnyOrder(asSparkShows(many)))
      // Encoded in this process, not by the engine.
      const [file] = await spark.sql(`select file_path from ${name}.files`)
      const path = String(file?.['file_path']).replace(/^s:file:\/\//, '')
      const footer = await parquetMetadataAsync(await asyncBufferFromFile(path))
      expect(footer.created_by).toMatch(/^floeberg version/)
      const chunks = footer.row_groups.flatMap((group) => group.columns)
      expect(chunks.some((chunk) => chunk.meta_data?.codec === codec.toUpperCase())).toBe(true)
      expect(chunks.some((chunk) => chunk.meta_data?.encodings.includes('RLE_DICTIONARY'))).toBe(true)
      for (const filter of ["s like 'é%'", 'b = true', 'i = 7', 'd38 = -0.0000000001', 's is null']) {
        const [found] = await spark.sql(`select count(*) n from ${name} where ${filter}`)
        const [once] = await spark.sql(`select count(*) * 20 n from s.few_${codec} where ${filter}`)
        expect(found?.['n'], filter).toEqual(once?.['n'])
      }
    },
  )

  test('every transform, and prunes by our partitions', async () => {
    const partitionSpec = everyType.transforms
      .filter(({ source }) => !['t', 'fx'].includes(source))
      .map(({ source, transform }) => ({ source, transform }))
    const table = await manager.createTable({ namespace: 's', name: 'transforms', schema, partitionSpec })
    await manager.writeData(table, rowsIn(schema, rows))
    expect(inAnyOrder(await spark.sql('select * from s.transforms'))).toEqual(inAnyOrder(asSparkShows(rows)))
    const filters = [
      'b = true',
      'i = 7',
      'l = -9223372036854775808',
      'd9 = -327.68',
      'd18 >= 0.5',
      'd38 = -0.0000000001',
      "dt < date'1970-01-01'",
      "ts < timestamp_ntz'1970-01-01 00:00:00'",
      "tz >= timestamp'1970-01-01 00:00:00Z'",
      "s like 'é%'",
      "bin = X'DEADBEEF'",
      's is null',
    ]
    for (const filter of filters) {
      const all = asSparkShows(await spark.sql(`select * from s.types where ${filter}`))
      const pruned = await spark.sql(`select * from s.transforms where ${filter}`)
      expect(inAnyOrder(pruned), filter).toEqual(inAnyOrder(all))
      expect(all.length, filter).toBeGreaterThan(0)
    }
    // Spark orders uuids as signed numbers, and so misses this row in s.types, where one row group
    // holds uuids of both signs. In a file of its own it finds it, if our bounds let it.
    const uuid = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
    expect(await spark.sql(`select i, u from s.transforms where u = '${uuid}'`)).toEqual([
      { i: 'i:2147483647', u: `s:${uuid}` },
    ])
  })

  test('its own metadata tables accept our manifests and summaries', async () => {
    // Without its column `partition`: Spark cannot show a partition by uuid.
    const files = await spark.sql('select file_path, record_count, lower_bounds from s.transforms.files')
    expect(files).toHaveLength(rows.length)
    const entries = await spark.sql(
      'select status, sequence_number, data_file.record_count from s.transforms.entries',
    )
    expect(entries.map((entry) => entry['record_count'])).toEqual(rows.map(() => 'i:1'))
    expect(await spark.sql('select count(*) n from s.transforms.partitions')).toEqual([
      { n: `i:${rows.length}` },
    ])
  })

  test('partition summaries of our manifests read as they should', async () => {
    const chosen = fields.filter((field) => ['i', 's'].includes(field.name))
    const partitionSpec = [{ source: 'i', transform: 'truncate[10]' }, { source: 's' }]
    const config = { namespace: 's', name: 'summaries', schema: { ...schema, fields: chosen }, partitionSpec }
    const table = await manager.createTable(config)
    await manager.writeData(table, [
      { i: -5, s: null },
      { i: 25, s: 'é' },
      { i: 7, s: '' },
    ])
    const [manifest] = await spark.sql('select * from s.summaries.manifests')
    expect(manifest).toMatchObject({
      added_data_files_count: 'i:3',
      existing_data_files_count: 'i:0',
      partition_summaries: [
        { contains_null: false, contains_nan: false, lower_bound: 's:-10', upper_bound: 's:20' },
        { contains_null: true, contains_nan: false, lower_bound: 's:', upper_bound: 's:é' },
      ],
    })
  })

  test('and goes on writing: inserts, deletes, compacts, expires', async () => {
    const name = 's.shared'
    const config = {
      schema: { ...schema, fields: fields.filter((field) => ['i', 's'].includes(field.name)) },
    }
    const table = await manager.createTable({ namespace: 's', name: 'shared', ...config })
    await manager.writeData(table, [
      { i: 1, s: 'ours' },
      { i: 2, s: null },
    ])
    await spark.sql(`insert into ${name} values (3, 'spark')`)
    await spark.sql(`delete from ${name} where i = 1`)
    await manager.writeData(await table.refresh(), [{ i: 4, s: 'ours again' }])
    await expectSame(name)
    await spark.sql(
      `call c.system.rewrite_data_files(table => '${name}', options => map('rewrite-all', 'true'))`,
    )
    await spark.sql(`call c.system.rewrite_manifests('${name}')`)
    await spark.sql(
      `call c.system.expire_snapshots(table => '${name}', older_than => now(), retain_last => 1)`,
    )
    await expectSame(name)
    await manager.writeData(await table.refresh(), [{ i: 5, s: '' }])
    await expectSame(name)
    expect(await spark.sql(`select i from ${name} order by i`)).toEqual([
      { i: 'i:2' },
      { i: 'i:3' },
      { i: 'i:4' },
      { i: 'i:5' },
    ])
  })
})

describe('we read Spark’s', () => {
  test('every type it has, version 1 and 2', async () => {
    for (const version of [1, 2]) {
      const name = `s.spark_types_v${version}`
      await spark.sql(`create table ${name} using iceberg tblproperties ('format-version'='${version}')
        as select * from s.types`)
      await expectSame(name)
    }
  })

  test('position deletes, of both granularities', async () => {
    for (const granularity of ['file', 'partition']) {
      const name = `s.deletes_${granularity}`
      await spark.sql(`create table ${name} (id bigint, part int) using iceberg partitioned by (part)
        tblproperties ('write.delete.mode'='merge-on-read', 'write.delete.granularity'='${granularity}')`)
      await spark.sql(`insert into ${name} select id, id % 3 from range(3000)`)
      await spark.sql(`delete from ${name} where id % 7 = 0`)
      await spark.sql(`insert into ${name} select id, id % 3 from range(70)`)
      await spark.sql(`delete from ${name} where id < 50 and id % 2 = 0`)
      await expectSame(name)
      const table = await manager.loadTable(name)
      const filtered = await spark.sql(`select count(*) n from ${name} where part = 1 and id > 20`)
      expect(`i:${await table.scan({ filter: 'part = 1 and id > 20' }).count()}`).toBe(filtered[0]?.['n'])
      // Our append carries the delete files on.
      await manager.writeData(table, [{ id: 5n, part: 2 }], { commitStrategy: 'merge_commit' })
      await expectSame(name)
    }
  })

  test('names that move at every depth, types that widen', async () => {
    const name = 's.evolved'
    await spark.sql(`create table ${name} (id int, f float, d decimal(9,2), s struct<x: int, y: string>,
      l array<struct<p: int, q: string>>, m map<string, struct<v: int>>) using iceberg`)
    await spark.sql(`insert into ${name} values (1, 1.5, 1.25, named_struct('x', 1, 'y', 'y1'),
      array(named_struct('p', 1, 'q', 'q1'), null), map('k', named_struct('v', 1), 'n', null)), (null, null, null, null, null, null)`)
    for (const change of [
      'rename column s.x to y_old',
      'rename column s.y to x',
      'rename column s.y_old to y',
      'rename column l.element.q to q_new',
      'alter column l.element.p type bigint',
      'rename column m.value.v to v_new',
      'add column m.value.w double',
      'add column s.z array<int> first',
      'alter column id type bigint',
      'alter column f type double',
      'alter column d type decimal(20,2)',
      'drop column s.x',
      'add column s.x date',
    ]) {
      await spark.sql(`alter table ${name} ${change}`)
    }
    await spark.sql(
      `insert into ${name} (id, s) values (2, named_struct('z', array(1), 'y', 2, 'x', date'2024-01-01'))`,
    )
    await expectSame(name)
  })

  test('a rename, a drop and a rollback by Spark: time travel by id, timestamp and tag', async () => {
    const name = 's.travel'
    await spark.sql(`create table ${name} (id bigint, a string, b string) using iceberg`)
    await spark.sql(`insert into ${name} values (1, 'a1', 'b1')`)
    await spark.sql(`alter table ${name} create tag before`)
    await spark.sql(`alter table ${name} rename column a to renamed`)
    await spark.sql(`insert into ${name} values (2, 'a2', 'b2')`)
    await spark.sql(`alter table ${name} drop column b`)
    await spark.sql(`alter table ${name} create branch side`)
    await spark.sql(`insert into ${name} values (3, 'a3')`)
    await spark.sql(`insert into ${name}.branch_side values (4, 'a4')`)
    const snapshots = await spark.sql(
      `select snapshot_id, committed_at from ${name}.snapshots order by committed_at`,
    )
    const second = String(snapshots[1]?.['snapshot_id']).slice(2)
    await spark.sql(`call c.system.rollback_to_snapshot('${name}', ${second})`)
    await spark.sql(`alter table ${name} add column b int`)
    await spark.sql(`insert into ${name} values (5, 'a5', 5)`)
    await expectSame(name)

    const table = await manager.loadTable(name)
    for (const ref of ['before', 'side']) {
      const theirs = await spark.sql(`select * from ${name} version as of '${ref}'`)
      expect(inAnyOrder(await exactRows(table, { ref })), ref).toEqual(inAnyOrder(theirs))
    }
    for (const row of await spark.sql(`select snapshot_id from ${name}.snapshots`)) {
      const snapshotId = String(row['snapshot_id']).slice(2)
      const theirs = await spark.sql(`select * from ${name} version as of ${snapshotId}`)
      expect(inAnyOrder(await exactRows(table, { snapshotId })), snapshotId).toEqual(inAnyOrder(theirs))
    }
    // At each moment something became current (the rollback too), just before it and just after.
    const history = await spark.sql(`select made_current_at from ${name}.history order by made_current_at`)
    const moments = history.flatMap((entry, index) => {
      const ms = Number(String(entry['made_current_at']).slice(2)) / 1000
      return index === 0 ? [ms, ms + 1] : [ms - 1, ms, ms + 1]
    })
    for (const ms of moments) {
      const asOf = new Date(ms).toISOString()
      const theirs = await spark.sql(`select * from ${name} timestamp as of '${asOf}'`)
      expect(inAnyOrder(await exactRows(table, { asOf })), asOf).toEqual(inAnyOrder(theirs))
    }
    expect(history.length).toBe(5)
  })

  test('listSnapshots equals its snapshots table', async () => {
    const theirs = await spark.sql('select * from s.travel.snapshots order by committed_at desc')
    const ours = await manager.listSnapshots(await manager.loadTable('s.travel'))
    expect(ours.map((snapshot) => snapshot.snapshotId).map((id) => `i:${id}`)).toEqual(
      theirs.map((snapshot) => snapshot['snapshot_id']),
    )
    expect(ours.map((snapshot) => `z:${BigInt(snapshot.timestampMs) * 1000n}`)).toEqual(
      theirs.map((snapshot) => snapshot['committed_at']),
    )
    expect(ours.map((snapshot) => (snapshot.parentId === null ? null : `i:${snapshot.parentId}`))).toEqual(
      theirs.map((snapshot) => snapshot['parent_id']),
    )
  })

  test('the source column of an old spec is gone', async () => {
    const name = 's.dropped_source'
    await spark.sql(`create table ${name} (id bigint, q int, p int) using iceberg partitioned by (q, p)`)
    await spark.sql(`insert into ${name} values (1, 10, 2), (2, 20, 3)`)
    await spark.sql(`alter table ${name} drop partition field q`)
    await spark.sql(`insert into ${name} values (3, 30, 2)`)
    await spark.sql(`alter table ${name} drop column q`)
    await expectSame(name)
    const table = await manager.loadTable(name)
    expect(inAnyOrder(await exactRows(table, { filter: 'p = 2', select: ['id'] }))).toEqual([
      { id: 'i:1' },
      { id: 'i:3' },
    ])
    await manager.writeData(table, [{ id: 4n, p: 2 }])
    await expectSame(name)
  })

  test('a spec that changed, tags and branches: our append leaves all of it as it was', async () => {
    const name = 's.respecced'
    await spark.sql(`create table ${name} (id bigint, ts timestamp) using iceberg partitioned by (days(ts))`)
    await spark.sql(
      `insert into ${name} values (1, timestamp'2024-01-31 23:59:59Z'), (2, timestamp'1969-12-31 23:00:00Z')`,
    )
    await spark.sql(`alter table ${name} create tag keep retain 30 days`)
    await spark.sql(`alter table ${name} replace partition field ts_day with hours(ts)`)
    await spark.sql(`alter table ${name} add partition field bucket(4, id)`)
    await spark.sql(`alter table ${name} create branch audit with snapshot retention 3 snapshots`)
    await spark.sql(`insert into ${name} values (3, null)`)
    const refs = await spark.sql(`select * from ${name}.refs where name != 'main' order by name`)
    const table = await manager.loadTable(name)
    await manager.writeData(table, [
      { id: 4n, ts: '2024-01-31T23:59:59Z' },
      { id: null, ts: '1969-12-31T22:59:59.999999Z' },
    ])
    await manager.writeData(table, [{ id: 5n, ts: null }], { branch: 'audit' })
    await expectSame(name)
    expect(await spark.sql(`select id from ${name} version as of 'audit' where id = 5`)).toEqual([
      { id: 'i:5' },
    ])
    const after = await spark.sql(`select * from ${name}.refs where name = 'keep'`)
    expect(after).toEqual(refs.filter((ref) => ref['name'] === 's:keep'))
    const hours = await spark.sql(
      `select partition.ts_hour h from ${name}.files where partition.ts_hour is not null order by h`,
    )
    expect(hours).toEqual([{ h: 'i:-2' }, { h: `i:${Date.UTC(2024, 0, 31, 23) / 3_600_000}` }])
  })

  test('gzipped metadata, Spark’s and after our commit', async () => {
    const name = 's.gzipped'
    await spark.sql(`create table ${name} (id bigint) using iceberg
      tblproperties ('write.metadata.compression-codec'='gzip')`)
    await spark.sql(`insert into ${name} values (1)`)
    const table = await manager.loadTable(name)
    expect(table.metadataLocation).toMatch(/\.gz\.metadata\.json$/)
    await manager.writeData(table, [{ id: 2n }])
    await expectSame(name)
    await spark.sql(`insert into ${name} values (3)`)
    await expectSame(name)
  })

  test('what version 3 needs and is not built is refused by name', async () => {
    const name = 's.vectors'
    await spark.sql(`create table ${name} (id bigint) using iceberg
      tblproperties ('format-version'='3', 'write.delete.mode'='merge-on-read')`)
    await spark.sql(`insert into ${name} select /*+ coalesce(1) */ id from range(10)`)
    await spark.sql(`delete from ${name} where id = 3`)
    const table = await manager.loadTable(name)
    await expect(table.scan().toArray()).rejects.toMatchObject({ code: 'FLOEBERG_UNSUPPORTED_FEATURE' })
    await expect(manager.writeData(table, [{ id: 1n }])).rejects.toMatchObject({
      code: 'FLOEBERG_UNSUPPORTED_FEATURE',
    })
  })
})
