/** The main job on real input: three million flights, partitioned by month, seen alike by PyIceberg. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergTableManager, Table } from '../../src/index.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { exactRows, openFloeberg } from './support/floeberg.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
const vegaDatasets = dirname(createRequire(import.meta.url).resolve('vega-datasets'))
const parquet = join(vegaDatasets, '../data/flights-3m.parquet')
let manager: IcebergTableManager
let pyiceberg: PyIceberg
let flights: Table

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('demo')
  pyiceberg = new PyIceberg(shared)
  const partitionSpec = [{ source: 'date', transform: 'month' }]
  flights = await manager.createTable({
    namespace: 'demo',
    name: 'flights',
    schemaFrom: { parquet },
    partitionSpec,
  })
  await manager.writeData(flights, { parquet })
})

afterAll(async () => {
  await Promise.all([manager?.close(), pyiceberg?.close()])
  shared.remove()
})

describe('three million flights', () => {
  test('PyIceberg counts and sums what is in the source', async () => {
    const sums = ['delay', 'distance']
    const [ours] = await pyiceberg.aggregate('demo.flights', { sums })
    expect(ours?.['count_all']).toBe('i:3000000')
    await pyiceberg.createTable('demo.source', { schema: (await pyiceberg.loadTable('demo.flights')).schema })
    await pyiceberg.appendParquet('demo.source', parquet)
    const [source] = await pyiceberg.aggregate('demo.source', { sums })
    expect(ours).toEqual(source)
    expect(await flights.scan().count()).toBe(3_000_000)
  })

  test('and the same by origin', async () => {
    const byOrigin = { sums: ['delay'], group: 'origin' }
    const ours = inAnyOrder(await pyiceberg.aggregate('demo.flights', byOrigin))
    expect(ours).toEqual(inAnyOrder(await pyiceberg.aggregate('demo.source', byOrigin)))
    expect(ours).toHaveLength(229)
  })

  test('we read what PyIceberg wrote of them: the same rows for a filter', async () => {
    const filter = "origin = 'SFO' and delay >= 60 and date < '2001-02-01T00:00:00'"
    const source = await manager.loadTable('demo.source')
    const expected = inAnyOrder(await pyiceberg.scan('demo.source', { filter }))
    expect(inAnyOrder(await exactRows(source, { filter }))).toEqual(expected)
    expect(inAnyOrder(await exactRows(flights, { filter }))).toEqual(expected)
    expect(expected.length).toBeGreaterThan(100)
  })

  test('a filter on the date opens the files of its months, for both', async () => {
    const filter = "date >= '2001-03-01T00:00:00' and date < '2001-05-01T00:00:00'"
    const theirs = await pyiceberg.planFiles('demo.flights', { filter })
    const plan = await flights.scan({ filter }).plan()
    expect(plan.tasks.map((task) => task.entry.file.location).toSorted()).toEqual(theirs)
    const all = await pyiceberg.planFiles('demo.flights')
    expect(theirs.length).toBeLessThan(all.length)
    expect(await flights.scan({ filter }).count()).toBe(await pyiceberg.count('demo.flights', { filter }))
  })
})
