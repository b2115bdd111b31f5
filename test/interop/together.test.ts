/** We and PyIceberg write to the same tables, in turn and at once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommitRetryOptions, IcebergTableManager } from '../../src/index.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { asPyIcebergShows, everyType } from './support/every-type.ts'
import { exactRows, openFloeberg, rowsIn } from './support/floeberg.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let pyiceberg: PyIceberg

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('both')
  pyiceberg = new PyIceberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), pyiceberg?.close()])
  shared.remove()
})

const schema = { ...everyType.schema, fields: everyType.schema.fields.filter((field) => field.name !== 'fx') }
const partitionSpec = everyType.transforms.filter(
  (field) => field.note === undefined && field.source !== 'fx',
)
const rows = asPyIcebergShows(everyType.rows).map(({ fx: _, ...row }) => row)
const twice = inAnyOrder([...rows, ...rows])

describe('each appends to the other’s table', () => {
  test('PyIceberg to ours', async () => {
    const fields = partitionSpec.map(({ source, transform }) => ({ source, transform }))
    const config = { namespace: 'both', name: 'ours', schema, partitionSpec: fields }
    const table = await manager.createTable(config)
    await manager.writeData(table, rowsIn(schema, rows))
    await pyiceberg.append('both.ours', rows)
    expect(inAnyOrder(await pyiceberg.scan('both.ours'))).toEqual(twice)
    expect(inAnyOrder(await exactRows(await table.refresh()))).toEqual(twice)
    expect((await pyiceberg.misplacedRows('both.ours')).wrong).toEqual([])
  })

  test('we to PyIceberg’s', async () => {
    const partition = partitionSpec.map((field, index) => ({ ...field, name: `p${index}` }))
    await pyiceberg.createTable('both.theirs', { schema, partition })
    await pyiceberg.append('both.theirs', rows)
    const table = await manager.loadTable('both.theirs')
    await manager.writeData(table, rowsIn(schema, rows), { snapshotProperties: { 'run-id': 'r1' } })
    expect(inAnyOrder(await pyiceberg.scan('both.theirs'))).toEqual(twice)
    expect(inAnyOrder(await exactRows(table))).toEqual(twice)
    expect((await pyiceberg.misplacedRows('both.theirs')).wrong).toEqual([])
    expect((await pyiceberg.snapshots('both.theirs')).at(-1)?.summary).toMatchObject({ 'run-id': 'r1' })
  })

  test('we to a table whose schema and spec PyIceberg changed', async () => {
    const name = 'both.changed'
    const small = {
      type: 'struct',
      'schema-id': 0,
      fields: [
        { id: 1, name: 'id', required: false, type: 'int' },
        { id: 2, name: 'd', required: false, type: 'date' },
      ],
    } as const
    await pyiceberg.createTable(name, { schema: small })
    await pyiceberg.append(name, [{ id: 'i:1', d: 'D:0' }])
    await pyiceberg.updateSchema(name, [
      ['update_column', 'id', 'long'],
      ['rename_column', 'd', 'day'],
      ['add_column', 'note', 'string'],
    ])
    await pyiceberg.updateSpec(name, { add: [{ source: 'day', transform: 'month', name: 'day_month' }] })
    const table = await manager.loadTable(name)
    await manager.writeData(table, [{ id: 2n ** 40n, day: '2024-02-29', note: 'ours' }])
    const expected = inAnyOrder([
      { id: 'i:1', day: 'D:0', note: null },
      { id: `i:${2n ** 40n}`, day: 'D:19782', note: 's:ours' },
    ])
    expect(inAnyOrder(await pyiceberg.scan(name))).toEqual(expected)
    expect(inAnyOrder(await exactRows(table))).toEqual(expected)
  })
})

describe('a commit race', () => {
  const schema = {
    type: 'struct',
    'schema-id': 0,
    fields: [{ id: 1, name: 'n', required: false, type: 'long' }],
  } as const

  async function expectRows(name: string, values: readonly string[]): Promise<void> {
    const expected = inAnyOrder(values.map((n) => ({ n })))
    expect(inAnyOrder(await exactRows(await manager.loadTable(name)))).toEqual(expected)
    expect(inAnyOrder(await pyiceberg.scan(name))).toEqual(expected)
    // Each has the one before it as its parent: no history was overwritten.
    const snapshots = await pyiceberg.snapshots(name)
    expect(snapshots.slice(1).map((s) => s.parent_id)).toEqual(
      snapshots.slice(0, -1).map((s) => s.snapshot_id),
    )
  }

  test('our commit on a state that PyIceberg has left behind is made anew on its own', async () => {
    const late = await manager.createTable({ namespace: 'both', name: 'late', schema })
    await pyiceberg.append('both.late', [{ n: 'i:1' }])
    const result = await manager.writeData(late, [{ n: 2n }])
    expect(result.attempts).toBe(2)
    await expectRows('both.late', ['i:1', 'i:2'])
  })

  test('PyIceberg’s commit on a state that we have left behind loses nothing of ours', async () => {
    const table = await manager.createTable({ namespace: 'both', name: 'held', schema })
    await pyiceberg.hold('both.held')
    await manager.writeData(table, [{ n: 1n }])
    // It may try again by itself, or refuse: what counts is what the table holds.
    const committed = await pyiceberg.appendHeld('both.held', [{ n: 'i:2' }])
    await expectRows('both.held', committed ? ['i:1', 'i:2'] : ['i:1'])
    await manager.writeData(table, [{ n: 3n }])
    await expectRows('both.held', committed ? ['i:1', 'i:2', 'i:3'] : ['i:1', 'i:3'])
  })

  test('of many writers on both sides loses nothing', async () => {
    const table = await manager.createTable({ namespace: 'both', name: 'race', schema })
    const second = new PyIceberg(shared)
    const retry: CommitRetryOptions = { retries: 1000, minWaitMs: 1, maxWaitMs: 20 }
    const valuesFrom = (first: number): readonly string[] =>
      Array.from({ length: 15 }, (_, n) => `i:${first + n}`)
    const writeOurs = async (values: readonly string[]): Promise<void> => {
      for (const n of values) await manager.writeData(table, [{ n: BigInt(n.slice(2)) }], { retry })
    }
    try {
      await Promise.all([
        writeOurs(valuesFrom(0)),
        writeOurs(valuesFrom(100)),
        pyiceberg.appendMany('both.race', 'n', valuesFrom(200)),
        second.appendMany('both.race', 'n', valuesFrom(300)),
      ])
    } finally {
      await second.close()
    }
    await expectRows('both.race', [0, 100, 200, 300].flatMap(valuesFrom))
    expect(await pyiceberg.snapshots('both.race')).toHaveLength(60)
  })
})

describe('listSnapshots', () => {
  test('equals PyIceberg’s list, newest first', async () => {
    for (const name of ['both.ours', 'both.theirs', 'both.race']) {
      const theirs = await pyiceberg.snapshots(name)
      const ours = await manager.listSnapshots(await manager.loadTable(name))
      expect(
        ours.map((snapshot) => ({
          snapshot_id: String(snapshot.snapshotId),
          parent_id: snapshot.parentId === null ? null : String(snapshot.parentId),
          timestamp_ms: snapshot.timestampMs,
          operation: snapshot.operation,
          summary: Object.fromEntries(
            Object.entries(snapshot.summary).filter(([key]) => key !== 'operation'),
          ),
          schema_id: snapshot.schemaId,
          sequence_number: snapshot.sequenceNumber,
        })),
      ).toEqual(theirs.toReversed().map(({ manifest_list: _, ...snapshot }) => snapshot))
    }
  })

  test('totals of our summaries go on from PyIceberg’s, and the reverse', async () => {
    for (const name of ['both.ours', 'both.theirs']) {
      const last = (await pyiceberg.snapshots(name)).at(-1)
      const files = await pyiceberg.entries(name)
      expect(last?.summary['total-records']).toBe(String(2 * rows.length))
      expect(last?.summary['total-data-files']).toBe(String(files.length))
      const bytes = files.reduce((sum, file) => sum + BigInt(file.file_size_in_bytes.slice(2)), 0n)
      expect(last?.summary['total-files-size']).toBe(String(bytes))
    }
  })

  test('tags and branches of PyIceberg’s are read by name', async () => {
    const [first] = await pyiceberg.snapshots('both.ours')
    await pyiceberg.createTag('both.ours', 'one', first?.snapshot_id ?? '')
    await pyiceberg.createBranch('both.ours', 'audit', first?.snapshot_id ?? '')
    const table = await manager.loadTable('both.ours')
    for (const ref of ['one', 'audit']) expect(await table.scan({ ref }).count()).toBe(rows.length)
    expect((await manager.listSnapshots(table)).at(-1)?.refs.toSorted()).toEqual(['audit', 'one'])
  })
})
