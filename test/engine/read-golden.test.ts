/** Tables of Spark and PyIceberg, read as they are: every row of every snapshot, without either engine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { openDuckDbPlane } from '../../src/engine/duckdb/duckdb-plane.ts'
import { schemaToJson } from '../../src/format/schema.ts'
import type { ScanOptions } from '../../src/table/scan.ts'
import type { TableHandle } from '../../src/table/table.ts'
import { encodeRow, type Exact } from '../support/exact-values.ts'
import { goldenTable, type GoldenTable } from '../support/golden.ts'
import { openGolden as openTable } from '../support/open-golden.ts'

let scratchDir: string
let plane: DataPlane
beforeAll(async () => {
  scratchDir = await mkdtemp(join(tmpdir(), 'floeberg-golden-'))
  plane = await openDuckDbPlane({ scratchDir, threads: 2 })
})
afterAll(async () => {
  await plane.close()
  await rm(scratchDir, { recursive: true })
})

const openGolden = (golden: GoldenTable): Promise<TableHandle> => openTable(golden, { plane, scratchDir })

async function rowsOf(table: TableHandle, options: ScanOptions): Promise<readonly Exact[]> {
  const scan = table.scan(options)
  const { fields } = schemaToJson(scan.schema)
  return (await scan.toArray()).map((row) => encodeRow(fields, row))
}

function inAnyOrder(rows: readonly unknown[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).sort()
}

const TABLES: readonly (readonly ['spark' | 'pyiceberg', string])[] = [
  ['spark', 'types_v1'],
  ['spark', 'upgraded'],
  ['spark', 'transforms'],
  ['spark', 'deletes'],
  ['spark', 'evolution'],
  ['spark', 'dropped_source'],
  ['spark', 'tuned'],
  ['pyiceberg', 'transforms'],
  ['pyiceberg', 'name_mapping'],
  ['pyiceberg', 'overwrites'],
]

describe.each(TABLES)('%s/%s', (engine, name) => {
  test('current rows, and their count', async () => {
    const golden = goldenTable(engine, name)
    const table = await openGolden(golden)
    expect(inAnyOrder(await rowsOf(table, {}))).toStrictEqual(inAnyOrder(golden.expected.rows))
    expect(await table.scan().count()).toBe(golden.expected.rows.length)
  })

  test('rows of every snapshot', async () => {
    const golden = goldenTable(engine, name)
    const table = await openGolden(golden)
    for (const [id, rows] of Object.entries(golden.expected.rowsAt)) {
      expect([id, inAnyOrder(await rowsOf(table, { snapshotId: BigInt(id) }))]).toStrictEqual([
        id,
        inAnyOrder(rows),
      ])
    }
  })

  test('rows as Arrow are as many', async () => {
    const golden = goldenTable(engine, name)
    let rows = 0
    for await (const batch of (await openGolden(golden)).scan().toArrow()) rows += batch.numRows
    expect(rows).toBe(golden.expected.rows.length)
  })
})

test.each([
  ['deletion_vectors', 'deletion vectors'],
  ['types_v3', 'variant'],
])('what is not built is refused by name: %s', async (name, feature) => {
  const table = await openGolden(goldenTable('spark', name))
  const failed = rowsOf(table, {})
  await expect(failed).rejects.toMatchObject({ code: 'FLOEBERG_UNSUPPORTED_FEATURE' })
  await expect(failed).rejects.toThrow(feature)
})
