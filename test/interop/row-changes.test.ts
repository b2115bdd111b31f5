/** PyIceberg and Spark read what our overwrites, deletes, updates and upserts leave; we read Spark's merge-on-read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergTableManager, Table } from '../../src/index.ts'
import { table, t } from '../../src/index.ts'
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
  await manager.createNamespace('changes')
  spark = new Spark(shared)
  pyiceberg = new PyIceberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), spark?.close(), pyiceberg?.close()])
  shared.remove()
})

const schema = table({ id: t.long().required(), day: t.date(), word: t.string(), x: t.double() })

const rows = Array.from({ length: 40 }, (_, i) => ({
  id: i,
  day: i % 5 === 0 ? null : `2001-01-${String(1 + (i % 3)).padStart(2, '0')}`,
  word: i % 7 === 0 ? null : `w${i % 4}`,
  x: i % 6 === 0 ? Number.NaN : i / 2,
}))

const modes = {
  'copy-on-write': 'copy-on-write',
  'merge-on-read': 'merge-on-read',
} as const

async function changed(name: string, mode: string): Promise<Table> {
  const tbl: Table = await manager.createTable({
    namespace: 'changes',
    name,
    schema,
    partitionSpec: [{ source: 'day', transform: 'month' }],
    properties: { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode },
  })
  await manager.writeData(tbl, rows)
  await manager.deleteRows(tbl, 'id >= 3 and id < 6 or x is nan and id > 20')
  await manager.updateRows(tbl, { word: 'set', x: null }, "word = 'w1' and id < 15")
  await manager.writeData(
    tbl,
    [
      { id: 2, day: '2001-02-01', word: 'moved', x: 1 },
      { id: 7, day: null, word: null, x: Number.NaN },
      { id: 99, day: '2001-03-01', word: 'new', x: -0.5 },
    ],
    { mode: 'upsert', joinColumns: ['id'] },
  )
  await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'word' }])
  await manager.deleteRows(tbl, 'id = 10')
  await manager.writeData(tbl, [{ id: 200, day: '2001-01-02', word: 'w2', x: 2 }], {
    mode: 'overwrite',
    overwriteScope: 'partitions',
  })
  return tbl
}

describe.each(Object.keys(modes))('after changes by %s', (mode) => {
  test('PyIceberg, Spark and we see the same rows, at every snapshot', async () => {
    const name = mode.replaceAll('-', '_')
    const tbl = await changed(name, mode)
    const ours = inAnyOrder(await exactRows(tbl))
    expect(inAnyOrder(await spark.sql(`select * from changes.${name}`))).toEqual(ours)
    expect(inAnyOrder(await pyiceberg.scan(`changes.${name}`))).toEqual(ours)
    for (const { snapshotId } of await manager.listSnapshots(tbl)) {
      const then = inAnyOrder(await exactRows(tbl, { snapshotId }))
      expect(
        inAnyOrder(await spark.sql(`select * from changes.${name} version as of ${snapshotId}`)),
      ).toEqual(then)
    }
  })
})

test('position deletes that Spark wrote are applied, and our changes on top of them are right', async () => {
  await spark.sql(`create table changes.by_spark (id bigint, word string) using iceberg partitioned by (bucket(4, id))
    tblproperties ('format-version'='2', 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read',
                   'write.merge.mode'='merge-on-read')`)
  await spark.sql(`insert into changes.by_spark select id, concat('w', id % 3) from range(100)`)
  await spark.sql(`delete from changes.by_spark where id % 10 = 3`)
  await spark.sql(`update changes.by_spark set word = 'updated' where id % 10 = 4`)
  const tbl = await manager.loadTable('changes.by_spark')
  expect(inAnyOrder(await exactRows(tbl))).toEqual(
    inAnyOrder(await spark.sql('select * from changes.by_spark')),
  )

  await manager.deleteRows(tbl, "word = 'updated' and id < 50")
  await manager.updateRows(tbl, { word: 'ours' }, 'id >= 90')
  await manager.writeData(
    tbl,
    [
      { id: 3, word: 'back' },
      { id: 5, word: 'five' },
    ],
    { mode: 'upsert', joinColumns: ['id'] },
  )

  const theirs = await spark.sql('select * from changes.by_spark')
  expect(inAnyOrder(await exactRows(tbl))).toEqual(inAnyOrder(theirs))
  // 100 rows less the ten of the delete, less five of ours, and one that came back.
  expect(theirs).toHaveLength(86)
})
