import * as arrow from 'apache-arrow'
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { IcebergTableManager, table, t } from '../../src/index.ts'
import { handleOf } from '../../src/table/table.ts'
import { temporaryFolder } from '../support/folders.ts'

async function scene() {
  const folder = await temporaryFolder()
  const csv = join(folder, 'rows.csv')
  await writeFile(csv, 'id,word\n1,one\n2,two\n3,\n4,four\n')
  const manager = await IcebergTableManager.open({
    catalog: { type: 'memory', warehouse: join(folder, 'warehouse') },
    scratchDir: join(folder, 'scratch'),
  })
  const schema = table({ id: t.long(), word: t.string() })
  const config = { namespace: 'demo', name: 'words', schema }
  const tbl = await manager.createTable(config, { createNamespace: true })
  return { manager, tbl, csv }
}

test('a filter on incoming files takes the rows for which it is true', async () => {
  const { manager, tbl, csv } = await scene()
  try {
    const { rows } = await manager.writeData(tbl, { csv, filter: "id >= 2 and word != 'four'" })
    expect(rows).toBe(1)
    expect(await tbl.scan().toArray()).toEqual([{ id: 2n, word: 'two' }])
  } finally {
    await manager.close()
  }
})

test('a filter that no row passes commits nothing and leaves no file', async () => {
  const { manager, tbl, csv } = await scene()
  try {
    expect(await manager.writeData(tbl, { csv, filter: 'id > 10' })).toMatchObject({
      snapshotId: null,
      rows: 0,
    })
    expect(tbl.currentSnapshot).toBeNull()
    const { store } = handleOf(tbl).state.storage
    const files: string[] = []
    for await (const { location } of store.list(`${tbl.location}/`)) files.push(location)
    expect(files.filter((location) => !location.endsWith('.metadata.json'))).toEqual([])
  } finally {
    await manager.close()
  }
})

test('a filter on a column that the table has not is refused', async () => {
  const { manager, tbl, csv } = await scene()
  try {
    await expect(manager.writeData(tbl, { csv, filter: 'nope = 1' })).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_EXPRESSION',
    })
  } finally {
    await manager.close()
  }
})

test('Arrow data is filtered as files are', async () => {
  const { manager, tbl } = await scene()
  try {
    const data = arrow.tableFromArrays({ id: BigInt64Array.from([1n, 2n, 3n]), word: ['one', 'two', 'one'] })
    const ipc = arrow.tableToIPC(data)
    await manager.writeData(tbl, { arrow: data, filter: "word = 'one'" })
    await manager.writeData(tbl, { arrowIpc: ipc, filter: 'id = 2' })
    const ids = (await tbl.scan().toArray()).map((row) => row.id)
    expect(ids.toSorted()).toEqual([1n, 2n, 3n])
  } finally {
    await manager.close()
  }
})
