/** PyIceberg and Spark read what transactions, tables with their rows and replaced tables leave; Spark says how a table is replaced. */
import { afterAll, beforeAll, expect, test } from 'vitest'
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
  await manager.createNamespace('together')
  spark = new Spark(shared)
  pyiceberg = new PyIceberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), spark?.close(), pyiceberg?.close()])
  shared.remove()
})

const schema = table({ id: t.long().required(), word: t.string() })
const rows = Array.from({ length: 20 }, (_, id) => ({ id, word: `w${id % 3}` }))

/** Everybody sees the same rows now, and at every snapshot; and the same line of snapshots. */
async function agreeOn(name: string, tbl: Table): Promise<void> {
  const ours = inAnyOrder(await exactRows(tbl))
  expect(inAnyOrder(await spark.sql(`select * from ${name}`))).toEqual(ours)
  expect(inAnyOrder(await pyiceberg.scan(name))).toEqual(ours)
  for (const { snapshotId } of await manager.listSnapshots(tbl)) {
    const then = inAnyOrder(await exactRows(tbl, { snapshotId }))
    expect(inAnyOrder(await spark.sql(`select * from ${name} version as of ${snapshotId}`))).toEqual(then)
  }
  const line = tbl.metadata.snapshots.map((snapshot) => ({
    snapshot_id: `i:${snapshot['snapshot-id']}`,
    parent_id: snapshot['parent-snapshot-id'] === undefined ? null : `i:${snapshot['parent-snapshot-id']}`,
    operation: `s:${snapshot.summary?.operation}`,
  }))
  const theirs = await spark.sql(
    `select snapshot_id, parent_id, operation from ${name}.snapshots order by committed_at`,
  )
  expect(inAnyOrder(theirs)).toEqual(inAnyOrder(line))
  const shown = (await pyiceberg.snapshots(name)).map(({ snapshot_id, parent_id, sequence_number }) => [
    snapshot_id,
    parent_id,
    sequence_number,
  ])
  expect(shown).toEqual(
    tbl.metadata.snapshots.map((snapshot) => [
      String(snapshot['snapshot-id']),
      snapshot['parent-snapshot-id']?.toString() ?? null,
      snapshot['sequence-number'],
    ]),
  )
}

test.each(['copy-on-write', 'merge-on-read'])(
  'a transaction that met a commit of Spark’s (%s)',
  async (mode) => {
    const name = `together.${mode.replaceAll('-', '_')}`
    const tbl: Table = await manager.createTable(
      {
        namespace: 'together',
        name: mode.replaceAll('-', '_'),
        schema,
        partitionSpec: [{ source: 'word' }],
        properties: { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode },
      },
      { data: rows },
    )
    const result = await manager.transaction(tbl, async (tx) => {
      await tx.evolveSchema([{ type: 'add_column', name: 'extra', fieldType: 'int' }])
      await tx.evolvePartitionSpec([{ type: 'add_field', source: 'id', transform: 'bucket[4]' }])
      await tx.writeData([{ id: 100, word: 'new', extra: 1 }])
      await tx.deleteRows('id < 5 or id = 50')
      await tx.updateRows({ extra: 7 }, "word = 'new' or id = 7")
      await tx.writeData([{ id: 8, word: 'moved', extra: 8 }], { mode: 'upsert', joinColumns: ['id'] })
      await tx.manageSnapshots().createTag('done').commit()
      await spark.sql(`insert into ${name} values (50, 'spark'), (51, 'spark')`)
    })
    expect(result.attempts).toBe(2)
    expect(await tbl.scan({ filter: 'id = 50 or id = 51' }).count()).toBe(1)
    await agreeOn(name, tbl)
    expect(inAnyOrder(await spark.sql(`select * from ${name} version as of 'done'`))).toEqual(
      inAnyOrder(await exactRows(tbl)),
    )
    // And both go on from there.
    await spark.sql(`insert into ${name} values (60, 'after', 6)`)
    await manager.transaction(await tbl.refresh(), async (tx) => {
      await tx.deleteRows('id = 60')
      await tx.writeData([{ id: 61, word: 'after', extra: 6 }])
    })
    await agreeOn(name, tbl)
  },
)

test('a table is replaced as Spark replaces its twin', async () => {
  const before = {
    schema: table({ a: t.int(), b: t.string(), c: t.struct({ x: t.int(), y: t.int() }) }),
    partitionSpec: [{ source: 'b' }],
    properties: { team: 'mine', kept: 'yes' },
  }
  const data = [{ a: 1, b: 'one', c: { x: 1, y: 1 } }]
  const create = (name: string) => manager.createTable({ namespace: 'together', name, ...before }, { data })
  const [twin] = [await create('twin'), await create('ours')]
  await manager.manageSnapshots(twin).createTag('old').commit()
  await manager
    .manageSnapshots(await manager.loadTable('together.ours'))
    .createTag('old')
    .commit()

  await spark.sql(`create or replace table together.twin using iceberg partitioned by (bucket(4, a))
    tblproperties ('team' = 'yours')
    as select 5L as n, 2 as a, named_struct('y', 2, 'z', 3) as c`)
  const ours = await manager.createTable(
    {
      namespace: 'together',
      name: 'ours',
      schema: table({ n: t.long(), a: t.int(), c: t.struct({ y: t.int(), z: t.int() }) }),
      partitionSpec: [{ source: 'a', transform: 'bucket[4]' }],
      properties: { team: 'yours' },
    },
    { orReplace: true, data: [{ n: 5n, a: 2, c: { y: 2, z: 3 } }] },
  )
  const theirs = await manager.loadTable('together.twin')
  const layout = ({ metadata, schema: { fields }, partitionSpec, sortOrder, properties }: Table) => ({
    columns: JSON.parse(JSON.stringify(fields).replaceAll('"required":true', '"required":false')),
    lastColumnId: metadata['last-column-id'],
    schemas: metadata.schemas.length,
    partitionSpec,
    lastPartitionId: metadata['last-partition-id'],
    sortOrder,
    lastSequenceNumber: metadata['last-sequence-number'],
    snapshots: metadata.snapshots.map((snapshot) => [
      snapshot['sequence-number'],
      snapshot['parent-snapshot-id'] ?? null,
    ]),
    refs: Object.keys(metadata.refs).toSorted(),
    properties: [properties['team'], properties['kept']],
  })
  expect(layout(ours)).toEqual(layout(theirs))
  await agreeOn('together.ours', ours)
  expect(await spark.sql(`select * from together.ours version as of 'old'`)).toEqual([
    { a: 'i:1', b: 's:one', c: expect.anything() },
  ])
})

test('replaced by us and by Spark in turn, and written to by both', async () => {
  const config = { namespace: 'together', name: 'turns', schema }
  await manager.createTable(config, { data: rows })
  await spark.sql(
    `create or replace table together.turns using iceberg as select 1L as id, 'spark' as word, 2.5D as x`,
  )
  const mine = await manager.loadTable('together.turns')
  await agreeOn('together.turns', mine)
  const ours = await manager.createTable(config, { orReplace: true, data: [{ id: 7, word: 'ours' }] })
  await spark.sql(`insert into together.turns values (8, 'appended')`)
  await ours.refresh()
  expect(await ours.scan().count()).toBe(2)
  await agreeOn('together.turns', ours)
})

test('the key of a write is in the summary that others show', async () => {
  const config = { namespace: 'together', name: 'keyed', schema }
  const tbl: Table = await manager.createTable(config)
  const { snapshotId } = await manager.writeData(tbl, rows, { commitKey: 'run 1' })
  const [shown] = await spark.sql(
    `select summary['floeberg.commit-key'] as key from together.keyed.snapshots`,
  )
  expect(shown).toEqual({ key: 's:run 1' })
  await spark.sql(`insert into together.keyed values (99, 'later')`)
  const again = await manager.writeData(tbl, rows, { commitKey: 'run 1' })
  expect(again).toMatchObject({ snapshotId, alreadyCommitted: true, rowsInserted: 20 })
  await agreeOn('together.keyed', tbl)
})
