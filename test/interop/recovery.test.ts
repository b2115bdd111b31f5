/** Tables after orphan removal, repair and relocation, as PyIceberg and Spark read them; and ours of theirs. */
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IcebergTableManager, Table } from '../../src/index.ts'
import { t, table } from '../../src/index.ts'
import { localPathOf, toFileUri } from '../../src/storage/location.ts'
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
  await manager.createNamespace('upkeep')
  spark = new Spark(shared)
  pyiceberg = new PyIceberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), spark?.close(), pyiceberg?.close()])
  shared.remove()
})

const schema = table({ id: t.long().required(), word: t.string() })
const rows = Array.from({ length: 3000 }, (_, id) => ({ id, word: `w${id % 3}` }))
const EVERYTHING = { olderThanDays: 0, allowRecentFiles: true } as const

/** With deletes of several data files in each delete file, and with none left of one partition. */
async function livedIn(name: string): Promise<Table> {
  const created: Table = await manager.createTable({
    namespace: 'upkeep',
    name,
    schema,
    partitionSpec: [{ source: 'word' }],
    properties: { 'write.delete.mode': 'merge-on-read', 'write.delete.granularity': 'partition' },
  })
  await manager.writeData(created, rows)
  await manager.writeData(
    created,
    rows.map(({ id, word }) => ({ id: id + 3000, word })),
  )
  await manager.deleteRows(created, 'id in (0, 1, 2, 3, 3000, 3001, 5999)')
  await manager.deleteRows(created, "word = 'w2'")
  return manager.loadTable(`upkeep.${name}`)
}

async function expectSame(of: Table): Promise<void> {
  const ours = inAnyOrder(await exactRows(of))
  expect(ours.length).toBeGreaterThan(0)
  expect(inAnyOrder(await spark.sql(`select * from ${of.name}`))).toEqual(ours)
  expect(inAnyOrder(await pyiceberg.scan(of.name))).toEqual(ours)
}

/** Rows of each snapshot, by PyIceberg. */
async function history(of: Table): Promise<readonly unknown[]> {
  const all: unknown[] = []
  for (const { snapshotId } of await manager.listSnapshots(of)) {
    all.push(inAnyOrder(await pyiceberg.scan(of.name, { snapshot_id: snapshotId.toString() })))
  }
  return all
}

test('a relocated table is the same to everybody, at every snapshot, without its old files', async () => {
  const moving = await livedIn('moving')
  const before = await history(moving)
  const old = moving.location
  await pyiceberg.hold('upkeep.moving')
  await manager.relocateTable(moving, { to: toFileUri(join(shared.folder, 'elsewhere')) })
  // A writer that still has the old files in mind would leave its own where nobody looks.
  const late = pyiceberg.appendHeld('upkeep.moving', [{ id: 'i:9001', word: 's:late' }])
  await expect(late).rejects.toThrow(/UUID does not match/)
  rmSync(localPathOf(old), { recursive: true })
  expect(await history(moving)).toEqual(before)
  await spark.sql('refresh table upkeep.moving')
  await expectSame(moving)
  // Others write on at the new place.
  await spark.sql("insert into upkeep.moving values (9000, 'spark')")
  await expectSame(await moving.refresh())
  expect(moving.metadataLocation).toContain('/elsewhere/')
})

test('a repaired table has all rows of its version, in every engine', async () => {
  const broken = await livedIn('broken')
  const rowsBefore = inAnyOrder(await exactRows(broken))
  await manager.writeData(broken, [{ id: 9000, word: 'lost' }])
  rmSync(localPathOf(broken.metadataLocation ?? ''))
  await expect(pyiceberg.scan('upkeep.broken')).rejects.toThrow(/metadata/)
  await manager.repairTable('upkeep.broken')
  const repaired = await manager.loadTable('upkeep.broken')
  expect(inAnyOrder(await exactRows(repaired))).toEqual(rowsBefore)
  await expectSame(repaired)
  await expectSame(await broken.refresh())
})

test('of Spark’s table nothing is taken for an orphan', async () => {
  await spark.sql('create table upkeep.sparks (id bigint, word string) using iceberg partitioned by (word)')
  await spark.sql("insert into upkeep.sparks values (1, 'a'), (2, 'b')")
  await spark.sql("insert into upkeep.sparks values (3, 'a'), (4, 'c')")
  await spark.sql('delete from upkeep.sparks where id = 1')
  const sparks = await manager.loadTable('upkeep.sparks')
  const folder = localPathOf(sparks.location)
  const files = (): readonly string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  const before = files()
  expect((await manager.planOrphanFiles(sparks, EVERYTHING)).items).toEqual([])
  await manager.removeOrphanFiles(sparks, EVERYTHING)
  expect(files()).toEqual(before)
  await expectSame(sparks)
})

test('Spark finds the same orphans', async () => {
  const left = await livedIn('left')
  const folder = localPathOf(left.location)
  const then = new Date(Date.now() - 5 * 86_400_000)
  // All files are old: what is reachable is kept for that reason alone.
  for (const name of [
    'data/stray.parquet',
    'metadata/stray.avro',
    'data/word=w1/a b.parquet',
    'data/_hidden/x',
  ]) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), 'x')
  }
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), then, then)
  }
  writeFileSync(join(folder, 'data/young.parquet'), 'x')
  const ours = (await manager.planOrphanFiles(left)).items.map(({ location }) => localPathOf(location))
  const sparks = await spark.sql("call c.system.remove_orphan_files(table => 'upkeep.left', dry_run => true)")
  // Exact rows mark a text by `s:`.
  const theirs = sparks.map((row) => localPathOf(String(row['orphan_file_location']).replace(/^s:/, '')))
  expect(ours.toSorted()).toEqual(theirs.toSorted())
  expect(ours).toHaveLength(3)
  await manager.removeOrphanFiles(left)
  await expectSame(left)
})
