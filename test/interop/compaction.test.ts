/** PyIceberg and Spark read what our rewriting of files leaves; Spark's own on our tables, and ours on Spark's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LocalObjectStore } from '../../src/storage/local.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { currentSchema } from '../../src/format/metadata/views.ts'
import { commitChange } from '../../src/table/commit.ts'
import { AppendChange } from '../../src/table/operations/append.ts'
import { RewriteFilesChange } from '../../src/table/operations/rewrite-files.ts'
import { handleOf } from '../../src/table/table.ts'
import { table, t, type CompactionOptions, type IcebergTableManager, type Table } from '../../src/index.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { exactRows, openFloeberg } from './support/floeberg.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import { Spark } from './support/spark.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let spark: Spark
let pyiceberg: PyIceberg

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('compact')
  spark = new Spark(shared)
  pyiceberg = new PyIceberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), spark?.close(), pyiceberg?.close()])
  shared.remove()
})

const schema = table({
  id: t.long().required(),
  at: t.timestamp(),
  word: t.string(),
  x: t.double(),
  amount: t.decimal(12, 2),
})

const row = (id: number) => ({
  id,
  at: id % 11 === 0 ? null : new Date(Date.UTC(2001, id % 3, 1 + (id % 28))),
  word: id % 7 === 0 ? null : `w${id % 4}`,
  x: id % 6 === 0 ? Number.NaN : id / 2,
  amount: id % 5 === 0 ? null : `${id}.${String(id % 100).padStart(2, '0')}`,
})

/** Eight small files a partition, in two specs, with deleted and updated rows. */
async function written(name: string, formatVersion: 1 | 2 = 2): Promise<Table> {
  const mode = formatVersion === 2 ? 'merge-on-read' : 'copy-on-write'
  const tbl: Table = await manager.createTable({
    namespace: 'compact',
    name,
    schema,
    partitionSpec: [{ source: 'at', transform: 'month' }],
    formatVersion,
    properties: { 'write.delete.mode': mode, 'write.update.mode': mode },
  })
  for (let from = 0; from < 240; from += 40) {
    await manager.writeData(
      tbl,
      Array.from({ length: 40 }, (_, at) => row(from + at)),
    )
  }
  await manager.deleteRows(tbl, 'id in (3, 44, 85, 126) or x is nan and id > 200')
  await manager.updateRows(tbl, { word: 'set' }, 'id > 100 and id < 104')
  await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'id', transform: 'bucket[2]' }])
  for (let id = 300; id < 306; id++) await manager.writeData(tbl, [row(id), row(id + 100)])
  await manager.deleteRows(tbl, 'id = 301')
  return tbl
}

async function expectAllSee(tbl: Table, rows: readonly unknown[]): Promise<void> {
  expect(inAnyOrder(await exactRows(tbl))).toEqual(rows)
  expect(inAnyOrder(await spark.sql(`select * from ${tbl.name}`))).toEqual(rows)
  expect(inAnyOrder(await pyiceberg.scan(tbl.name))).toEqual(rows)
}

const COMPACTIONS: readonly CompactionOptions[] = [
  { strategy: 'bin_pack', minInputFiles: 2 },
  { strategy: 'sort', sortBy: [{ source: 'word', direction: 'desc' }, { source: 'id' }], rewriteAll: true },
  { strategy: 'z_order', zOrderBy: ['x', 'word', 'at'], rewriteAll: true },
  { outputSpecId: 'current', partialProgressEnabled: true, partialProgressMaxCommits: 3 },
]

describe.each([1, 2] as const)('a table of format version %i', (formatVersion) => {
  test('is the same to all after every kind of rewriting', async () => {
    const tbl = await written(`kinds_${formatVersion}`, formatVersion)
    const rows = inAnyOrder(await exactRows(tbl))
    await expectAllSee(tbl, rows)
    if (formatVersion === 2) {
      const { snapshotId } = await manager.rewritePositionDeletes(tbl, { rewriteAll: true })
      expect(snapshotId).not.toBeNull()
      await expectAllSee(tbl, rows)
    }
    for (const options of COMPACTIONS) {
      const { snapshotIds } = await manager.compactTable(tbl, options)
      expect(snapshotIds.length, JSON.stringify(options)).toBeGreaterThan(0)
      await expectAllSee(tbl, rows)
    }
    const manifests = await manager.rewriteManifests(tbl)
    expect(manifests.snapshotId).not.toBeNull()
    await expectAllSee(tbl, rows)
    // Time travel still works, in Spark too.
    const [oldest] = (await manager.listSnapshots(tbl)).toReversed()
    const then = inAnyOrder(await exactRows(tbl, { snapshotId: oldest?.snapshotId }))
    expect(
      inAnyOrder(await spark.sql(`select * from ${tbl.name} version as of ${oldest?.snapshotId}`)),
    ).toEqual(then)
  })
})

test("Spark's own rewriting on our tables, and ours after it", async () => {
  const tbl = await written('theirs_on_ours')
  const rows = inAnyOrder(await exactRows(tbl))
  const [deletes] = await spark.sql(
    `call c.system.rewrite_position_delete_files(table => 'compact.theirs_on_ours', options => map('rewrite-all', 'true'))`,
  )
  expect(Number(String(deletes?.['rewritten_delete_files_count']).replace(/\D/g, ''))).toBeGreaterThan(0)
  await tbl.refresh()
  await expectAllSee(tbl, rows)
  await manager.rewritePositionDeletes(tbl, { rewriteAll: true })
  await spark.sql(
    `call c.system.rewrite_data_files(table => 'compact.theirs_on_ours', options => map('min-input-files', '2'))`,
  )
  await spark.sql(`call c.system.rewrite_manifests('compact.theirs_on_ours')`)
  await tbl.refresh()
  await expectAllSee(tbl, rows)
  await manager.compactTable(tbl, { strategy: 'z_order', zOrderBy: ['id', 'x'], rewriteAll: true })
  await manager.rewriteManifests(tbl)
  await expectAllSee(tbl, rows)
})

test('tables with position deletes of Spark become the same rows by ours as by its own', async () => {
  for (const name of ['by_us', 'by_spark']) {
    await spark.sql(`create table compact.${name} (id bigint, word string) using iceberg partitioned by (bucket(2, id))
      tblproperties ('format-version'='2', 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read',
                     'write.delete.granularity'='partition')`)
    for (const first of [0, 100, 200]) {
      await spark.sql(
        `insert into compact.${name} select id, concat('w', id % 3) from range(${first}, ${first + 100})`,
      )
    }
    await spark.sql(`delete from compact.${name} where id % 10 = 3`)
    await spark.sql(`update compact.${name} set word = 'updated' where id % 10 = 4`)
  }
  const tbl = await manager.loadTable('compact.by_us')
  const result = await manager.compactTable(tbl, { minInputFiles: 2 })
  expect(result.removedDeleteFiles).toBeGreaterThan(0)
  await spark.sql(
    `call c.system.rewrite_data_files(table => 'compact.by_spark', options => map('min-input-files', '2'))`,
  )
  const theirs = inAnyOrder(await spark.sql('select * from compact.by_spark'))
  await expectAllSee(tbl, theirs)
  expect(tbl.currentSnapshot?.summary).toMatchObject({ operation: 'replace', 'total-delete-files': '0' })
  const live = await spark.sql('select content from compact.by_us.files')
  expect(new Set(live.map((file) => file['content']))).toEqual(new Set(['i:0']))
})

test('rows that an equality delete removes during a compaction stay away', async () => {
  const tbl: Table = await manager.createTable({
    namespace: 'compact',
    name: 'equality',
    schema: table({ id: t.long().required() }),
  })
  await manager.writeData(tbl, [{ id: 1 }, { id: 2 }])
  await manager.writeData(tbl, [{ id: 3 }])
  const handle = handleOf(tbl)
  const start = handle.state
  const head = tbl.currentSnapshot
  if (head === null) throw new Error('the table has no snapshot')
  const { tasks } = await tbl.scan().plan()
  // What the compaction has written by the time that the others come.
  const other: Table = await manager.createTable({
    namespace: 'compact',
    name: 'elsewhere',
    schema: table({ id: t.long().required() }),
  })
  await manager.writeData(other, [{ id: 1 }, { id: 2 }, { id: 3 }])
  await manager.writeData(other, [{ id: 2 }])
  const [deleted, rewritten] = (await other.scan().plan()).tasks.map(({ entry }) => entry.file)
  if (deleted === undefined || rewritten === undefined) throw new Error('two files were written')
  const store = new LocalObjectStore()
  const moved = async (file: ContentFile, name: string): Promise<ContentFile> => {
    const location = `${tbl.location}/data/${name}.parquet`
    await store.put(location, await store.get(file.location))
    return { ...file, location }
  }
  const equality: ContentFile = {
    ...(await moved(deleted, 'equality-delete')),
    content: 'equality-deletes',
    equalityIds: [1],
    sortOrderId: null,
  }
  const target = { runtime: start.runtime, storage: start.storage, branch: 'main', snapshotProperties: {} }
  await commitChange(
    start.runtime,
    start.id,
    start.loaded,
    new AppendChange(target, [equality], {
      strategy: 'fast_append',
      schema: currentSchema(start.metadata),
      discardData: async () => {},
    }),
    {},
  )
  await manager.writeData(await manager.loadTable('compact.equality'), [{ id: 4 }])
  const compaction = new RewriteFilesChange(target, {
    operation: 'compaction',
    start: head,
    schema: currentSchema(start.metadata),
    added: [await moved(rewritten, 'compacted')],
    sequenceNumberOf: () => head['sequence-number'] ?? null,
    removedData: tasks.map(({ entry }) => entry),
    removedDeletes: [],
    discard: async () => {},
  })
  await commitChange(start.runtime, start.id, start.loaded, compaction, {})
  expect(inAnyOrder(await spark.sql('select * from compact.equality'))).toEqual(
    inAnyOrder([{ id: 'i:1' }, { id: 'i:3' }, { id: 'i:4' }]),
  )
})
