/**
 * The judges by themselves: what PyIceberg and Spark write comes back from them as exact JSON,
 * value by value. A failure here is in this scaffolding, not in the library.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asPyIcebergShows, everyType } from './support/every-type.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import { Spark } from './support/spark.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let pyiceberg: PyIceberg
let spark: Spark

beforeAll(async () => {
  pyiceberg = new PyIceberg(shared)
  spark = new Spark(shared)
  await pyiceberg.createNamespace('judges')
})

afterAll(async () => {
  await Promise.all([pyiceberg?.close(), spark?.close()])
  shared.remove()
})

describe('exact values', () => {
  test('every type and every edge of it survives PyIceberg', async () => {
    await pyiceberg.createTable('judges.types', { schema: everyType.schema })
    await pyiceberg.append('judges.types', everyType.rows)
    expect(await pyiceberg.scan('judges.types')).toEqual(asPyIcebergShows(everyType.rows))
  })

  test('PyIceberg and Spark see one catalog', async () => {
    await spark.sql('create table judges.shared (id bigint, d decimal(9,2)) using iceberg')
    await spark.sql('insert into judges.shared values (1, 1.20), (null, -0.01)')
    await pyiceberg.append('judges.shared', [{ id: 'i:9007199254740993', d: 'd:0.10' }])
    const rows = await spark.sql('select * from judges.shared order by id')
    expect(rows).toEqual([
      { id: null, d: 'd:-0.01' },
      { id: 'i:1', d: 'd:1.20' },
      { id: 'i:9007199254740993', d: 'd:0.10' },
    ])
    expect(await pyiceberg.listTables('judges')).toContain('judges.shared')
  })

  test('a mistake of ours comes back as an error with its type', async () => {
    await expect(pyiceberg.loadTable('judges.nowhere')).rejects.toMatchObject({ type: 'NoSuchTableError' })
    await expect(spark.sql('selec 1')).rejects.toMatchObject({ type: 'ParseException' })
  })

  test('misplaced rows are found: none in a table that PyIceberg partitioned', async () => {
    const partition = everyType.transforms
      .filter((field) => field.note === undefined)
      .map((field, index) => ({ ...field, name: `p${index}` }))
    await pyiceberg.createTable('judges.transforms', { schema: everyType.schema, partition })
    await pyiceberg.append('judges.transforms', everyType.rows)
    const { checked, wrong } = await pyiceberg.misplacedRows('judges.transforms')
    expect(wrong).toEqual([])
    expect(checked).toBe(partition.length * everyType.rows.length)
  })
})
