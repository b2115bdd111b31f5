/** Spark's expiry of our tables and ours of Spark's agree; PyIceberg and Spark read what is left. */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { IcebergTableManager, table, t, type Table } from '../../src/index.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { localPath, reachableFiles } from '../support/reachable.ts'
import { exactRows } from './support/floeberg.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import { Spark } from './support/spark.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let spark: Spark
let pyiceberg: PyIceberg

beforeAll(async () => {
  manager = await IcebergTableManager.open({
    catalog: { name: 'c', type: 'sql', uri: shared.catalogUri, warehouse: shared.warehouse },
    scratchDir: `${shared.folder}/scratch`,
    retention: { minSnapshotsToKeep: 1 },
  })
  await manager.createNamespace('expiry')
  spark = new Spark(shared)
  pyiceberg = new PyIceberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), spark?.close(), pyiceberg?.close()])
  shared.remove()
})

const schema = table({ id: t.long().required(), word: t.string() })
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ id: BigInt(from + i), word: `w${(from + i) % 3}` }))

/** Everything that leaves garbage behind, and refs that keep some of it. */
async function history(name: string): Promise<Table> {
  const tbl: Table = await manager.createTable({
    namespace: 'expiry',
    name,
    schema,
    partitionSpec: [{ source: 'word' }],
    properties: { 'write.delete.mode': 'merge-on-read' },
  })
  await manager.writeData(tbl, rows(0, 3000))
  await manager.manageSnapshots(tbl).createTag('first').commit()
  await manager.deleteRows(tbl, 'id = 7 or id = 8')
  await manager.writeData(tbl, rows(3000, 3010))
  await manager.manageSnapshots(tbl).createBranch('audit').commit()
  await manager.deleteRows(tbl, 'id >= 3000', { branch: 'audit' })
  // A file that no ref keeps, and deletes from it.
  await manager.writeData(tbl, rows(9000, 15_000))
  await manager.deleteRows(tbl, 'id = 9001 or id = 9005')
  await manager.deleteRows(tbl, 'id >= 9000')
  await manager.writeData(tbl, rows(0, 50), { mode: 'overwrite', overwriteFilter: "word = 'w1'" })
  await manager.deleteRows(tbl, "word = 'w2'")
  await manager.writeData(tbl, rows(5000, 5005))
  return tbl
}

/** What is below a table's folder, by what it holds; names differ from table to table. */
async function kindsOf(of: Table): Promise<Readonly<Record<string, number>>> {
  const names = await readdir(localPath(of.location), { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile() && !entry.name.endsWith('.crc'))
  const kinds = files.map(({ parentPath, name }) => kindOf(join(parentPath, name)))
  return Object.fromEntries(
    Object.entries(Object.groupBy(kinds, (kind) => kind)).map(([kind, all]) => [kind, all?.length ?? 0]),
  )
}

function kindOf(path: string): string {
  const name = basename(path)
  if (name.endsWith('.metadata.json')) return 'metadata'
  if (name.startsWith('snap-')) return 'list'
  if (name.endsWith('.avro')) return 'manifest'
  return name.includes('delete') ? 'deletes' : 'data'
}

async function expectOnlyReachable(of: Table): Promise<void> {
  const reached = new Set((await reachableFiles(of.metadataLocation ?? '')).map(localPath))
  const names = await readdir(localPath(of.location), { recursive: true, withFileTypes: true })
  const files = names
    .filter((entry) => entry.isFile() && !/\.crc$|version-hint/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    // Spark's own versions of the metadata that its log has lost are none of an expiry's business.
    .filter((file) => !file.endsWith('.metadata.json'))
  expect(files.filter((file) => !reached.has(file))).toEqual([])
}

/** All of them read the same, at every snapshot that is left. */
async function expectReadAlike(name: string, of: Table): Promise<void> {
  for (const { snapshotId } of await manager.listSnapshots(of)) {
    const ours = inAnyOrder(await exactRows(of, { snapshotId }))
    const at = `${name} at ${snapshotId}`
    expect(inAnyOrder(await pyiceberg.scan(name, { snapshot_id: String(snapshotId) })), at).toEqual(ours)
    expect(inAnyOrder(await spark.sql(`select * from ${name} version as of ${snapshotId}`)), at).toEqual(ours)
  }
}

const sequenceNumbers = (of: Table) => of.metadata.snapshots.map((snapshot) => snapshot['sequence-number'])

const inAnHour = () => `timestamp '${new Date(Date.now() + 3_600_000).toISOString().slice(0, 19)}'`

test('Spark and we let go of the same snapshots and files, and count them alike', async () => {
  const [ours, theirs] = [await history('ours'), await history('theirs')]
  expect(await kindsOf(ours)).toEqual(await kindsOf(theirs))
  const [answer] = await spark.sql(
    `call c.system.expire_snapshots(table => 'expiry.theirs', older_than => ${inAnHour()}, retain_last => 1)`,
  )
  const result = await manager.expireSnapshots(ours, { olderThan: new Date(Date.now() + 3_600_000) })
  await theirs.refresh()
  expect(sequenceNumbers(ours)).toEqual(sequenceNumbers(theirs))
  const { deletedFiles } = result
  expect(deletedFiles.positionDeleteFiles.count).toBeGreaterThan(0)
  expect({
    deleted_data_files_count: `i:${deletedFiles.dataFiles.count}`,
    deleted_position_delete_files_count: `i:${deletedFiles.positionDeleteFiles.count}`,
    deleted_equality_delete_files_count: `i:${deletedFiles.equalityDeleteFiles.count}`,
    deleted_manifest_files_count: `i:${deletedFiles.manifests.count}`,
    deleted_manifest_lists_count: `i:${deletedFiles.manifestLists.count}`,
    deleted_statistics_files_count: `i:${deletedFiles.statisticsFiles.count}`,
  }).toEqual(answer)
  expect(await kindsOf(ours)).toEqual(await kindsOf(theirs))
  await expectOnlyReachable(ours)
  await expectOnlyReachable(theirs)
  await expectReadAlike('expiry.ours', ours)
  await expectReadAlike('expiry.theirs', theirs)
})

test('of a table that Spark made nothing is lost, and nothing that Spark does not reach is left', async () => {
  await spark.sql(
    `create table expiry.sparks (id bigint, word string) using iceberg partitioned by (word)
     tblproperties ('format-version' = '2', 'write.delete.mode' = 'merge-on-read',
                    'write.update.mode' = 'merge-on-read')`,
  )
  await spark.sql(`insert into expiry.sparks select id, concat('w', id % 3) from range(0, 300)`)
  await spark.sql(`alter table expiry.sparks create tag first`)
  await spark.sql(`delete from expiry.sparks where id in (3, 4, 5)`)
  await spark.sql(`update expiry.sparks set word = 'w9' where id < 30`)
  await spark.sql(`alter table expiry.sparks create branch audit`)
  await spark.sql(`insert into expiry.sparks select id, 'w1' from range(900, 999)`)
  await spark.sql(`delete from expiry.sparks where id = 950`)
  await spark.sql(`delete from expiry.sparks where word = 'w1'`)
  await spark.sql(`insert overwrite expiry.sparks values (7, 'w2'), (8, 'w9')`)
  const tbl = await manager.loadTable('expiry.sparks')
  const before = inAnyOrder(await exactRows(tbl, { ref: 'audit' }))
  const result = await manager.expireSnapshots(tbl, { olderThan: new Date(Date.now() + 3_600_000) })
  expect(result.failure).toBe(null)
  expect(result.deletedFiles.dataFiles.count).toBeGreaterThan(0)
  await expectOnlyReachable(tbl)
  expect(inAnyOrder(await exactRows(tbl, { ref: 'audit' }))).toEqual(before)
  await expectReadAlike('expiry.sparks', tbl)
  // What Spark calls live, of all snapshots that are left, is what a naive walk finds; and it is there.
  const live = await spark.sql('select distinct file_path from c.expiry.sparks.all_files')
  const walked = (await reachableFiles(tbl.metadataLocation ?? '')).filter((file) =>
    file.endsWith('.parquet'),
  )
  expect(live.map((row) => localPath(String(row['file_path']).replace(/^s:/, ''))).sort()).toEqual(
    walked.map(localPath).sort(),
  )
  // And Spark finds nothing more to let go of, nor anything that is missing.
  const [again] = await spark.sql(
    `call c.system.expire_snapshots(table => 'expiry.sparks', older_than => ${inAnHour()}, retain_last => 1)`,
  )
  expect(Object.values(again ?? {}).every((count) => count === 'i:0')).toBe(true)
  await spark.sql(`insert into expiry.sparks values (9, 'w9')`)
  await tbl.refresh()
  await expectReadAlike('expiry.sparks', tbl)
})

test('with schemas and specs removed, both still read and write the table', async () => {
  const tbl = await manager.createTable({ namespace: 'expiry', name: 'cleaned', schema })
  await manager.writeData(tbl, rows(0, 5))
  await manager.evolveSchema(tbl, [{ type: 'add_column', name: 'extra', fieldType: 'int' }])
  await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'word' }])
  await manager.writeData(tbl, rows(5, 9), { mode: 'overwrite', commitStrategy: 'merge_commit' })
  await manager.writeData(tbl, rows(9, 12), { commitStrategy: 'merge_commit' })
  const result = await manager.expireSnapshots(tbl, {
    olderThan: new Date(Date.now() + 3_600_000),
    cleanExpiredMetadata: true,
  })
  expect(result.removedSchemaIds.length + result.removedSpecIds.length).toBeGreaterThan(0)
  await expectReadAlike('expiry.cleaned', tbl)
  await spark.sql(`insert into expiry.cleaned values (20, 'w5', 1)`)
  await tbl.refresh()
  await expectReadAlike('expiry.cleaned', tbl)
})
