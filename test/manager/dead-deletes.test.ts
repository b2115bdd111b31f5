import { join } from 'node:path'
import { expect, test } from 'vitest'
import { IcebergTableManager, table, t } from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'

test('position deletes leave the table with the only file that they are about', async () => {
  const folder = await temporaryFolder()
  const manager = await IcebergTableManager.open({
    catalog: { type: 'memory', warehouse: join(folder, 'warehouse') },
    scratchDir: join(folder, 'scratch'),
  })
  try {
    const schema = table({ id: t.int().required() })
    const properties = { 'write.delete.mode': 'merge-on-read' }
    const tbl = await manager.createTable(
      { namespace: 'demo', name: 't', schema, properties },
      { createNamespace: true },
    )
    for (const round of [1, 2, 3]) {
      await manager.writeData(tbl, [{ id: 1 }, { id: 2 }, { id: 3 }], { mode: 'overwrite' })
      await manager.deleteRows(tbl, 'id = 2')
      const files = await tbl.inspect.files()
      expect(files.map((file) => file.content).toSorted(), `round ${round}`).toEqual([
        'data',
        'position-deletes',
      ])
      expect(tbl.currentSnapshot?.summary).toMatchObject({
        'total-data-files': '1',
        'total-delete-files': '1',
        'total-position-deletes': '1',
        'total-records': '3',
      })
    }
    expect(await tbl.scan().toArray()).toEqual([{ id: 1 }, { id: 3 }])
    // A file that is rewritten takes its deletes along as well.
    await manager.updateProperties(tbl, { set: { 'write.delete.mode': 'copy-on-write' } })
    await manager.deleteRows(tbl, 'id = 3')
    expect((await tbl.inspect.files()).map((file) => file.content)).toEqual(['data'])
    expect(await tbl.scan().toArray()).toEqual([{ id: 1 }])
  } finally {
    await manager.close()
  }
})
