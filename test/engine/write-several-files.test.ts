import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IcebergTableManager, SchemaMismatchError, table, t } from '../../src/index.ts'
import { openWorkshop, type Workshop } from './writing.ts'

let shop: Workshop
let manager: IcebergTableManager

beforeAll(async () => {
  shop = await openWorkshop()
  manager = await IcebergTableManager.open({
    catalog: { type: 'memory', warehouse: join(shop.folder, 'warehouse') },
    scratchDir: join(shop.folder, 'scratch'),
  })
  await manager.createNamespace('several')
})

afterAll(async () => {
  await manager.close()
  await shop.close()
})

async function files(name: string, ...contents: readonly string[]): Promise<string[]> {
  const paths = contents.map((_, at) => join(shop.folder, `${name}-${at}.parquet`))
  for (const [at, content] of contents.entries()) {
    await shop.sql(`COPY (${content}) TO '${paths[at]}' (FORMAT parquet)`)
  }
  return paths
}

describe('several Parquet files at once', () => {
  test('whose column has types that only a lossy one joins are refused, naming column and file', async () => {
    const tbl = await manager.createTable({
      namespace: 'several',
      name: 'doubles',
      schema: table({ x: t.double() }),
    })
    const parquet = await files('doubles', 'SELECT 9007199254740993::BIGINT AS x', 'SELECT 0.5::DOUBLE AS x')
    const error = await manager.writeData(tbl, { parquet }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(SchemaMismatchError)
    expect(error).toMatchObject({ column: 'x' })
    expect(await tbl.scan().count()).toBe(0)
  })

  test('of numbers and texts are refused as well', async () => {
    const tbl = await manager.createTable({
      namespace: 'several',
      name: 'texts',
      schema: table({ x: t.string() }),
    })
    const parquet = await files('texts', 'SELECT 1::BIGINT AS x', "SELECT 'a' AS x")
    await expect(manager.writeData(tbl, { parquet })).rejects.toThrow(SchemaMismatchError)
  })

  test('of whole numbers of several widths, and with columns missing, are one source', async () => {
    const schema = table({ x: t.long(), y: t.string() })
    const tbl = await manager.createTable({ namespace: 'several', name: 'longs', schema })
    const parquet = await files(
      'longs',
      'SELECT 1::INTEGER AS x',
      "SELECT 9007199254740993::BIGINT AS x, 'a' AS y",
    )
    await manager.writeData(tbl, { parquet })
    const rows = await tbl.scan().toArray()
    expect(rows.toSorted((a, b) => Number((a.x ?? 0n) - (b.x ?? 0n)))).toEqual([
      { x: 1n, y: null },
      { x: 9007199254740993n, y: 'a' },
    ])
  })
})
