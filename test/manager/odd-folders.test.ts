/** Folders whose names mean something to the engine: tables in them, and sources. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { IcebergTableManager, t, table } from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'

const numbers = table({ id: t.long().required() })
/** So many that the engine writes them. */
const ROWS = 3000
const idsFrom = (first: number) => Array.from({ length: ROWS }, (_, at) => ({ id: BigInt(first + at) }))

// A manager of its own for each step: what one has opened before, it may read.
test.each(['wh [1]', 'a*b', 'what?', "it's [[*]?]"])('%s', async (name) => {
  const folder = await temporaryFolder()
  const odd = join(folder, name)
  await mkdir(odd)
  // A warehouse is refused where other clients would cut its name.
  const warehouse = join(folder, name.replaceAll('?', ''), 'wh')
  const withManager = async <T>(work: (manager: IcebergTableManager) => Promise<T>): Promise<T> => {
    const manager = await IcebergTableManager.open({
      catalog: { uri: `sqlite:///${folder}/catalog.db`, warehouse },
      engine: { threads: 1 },
      scratchDir: join(folder, 'scratch'),
    })
    try {
      return await work(manager)
    } finally {
      await manager.close()
    }
  }
  await withManager(async (manager) => {
    await manager.createNamespace('demo')
    const created = await manager.createTable({ namespace: 'demo', name: 't', schema: numbers })
    await manager.writeData(created, idsFrom(0))
  })
  const parquet = join(odd, 'source', 'out.parquet')
  await mkdir(join(odd, 'source'))
  await withManager(async (manager) => {
    const scan = (await manager.loadTable('demo.t')).scan({ filter: 'id < 10' })
    await scan.toFile(parquet)
    expect((await scan.toArray()).map(({ id }) => id)).toEqual(
      Array.from({ length: 10 }, (_, id) => BigInt(id)),
    )
  })
  const csv = join(odd, 'source', 'in.csv')
  const json = join(odd, 'source', 'in.json')
  await writeFile(csv, 'id\n10001\n')
  await writeFile(json, '{"id":10002}\n')
  for (const source of [{ parquet }, { csv }, { json }]) {
    await withManager(async (manager) => manager.writeData(await manager.loadTable('demo.t'), source))
  }
  await withManager(async (manager) => {
    const loaded = await manager.loadTable('demo.t')
    await manager.deleteRows(loaded, 'id = 10001')
    await manager.compactTable(loaded, { minInputFiles: 2 })
    expect(await loaded.scan().count()).toBe(ROWS + 11)
    expect(await loaded.scan({ filter: 'id > 10000' }).toArray()).toEqual([{ id: 10002n }])
  })
})
