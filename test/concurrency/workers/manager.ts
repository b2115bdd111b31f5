/** A process's own manager, on a SQLite catalog and a local warehouse in a folder. */
import { join } from 'node:path'
import { IcebergTableManager, t, table } from '../../../src/index.ts'

export const SHARED = 'demo.shared'

/** Who wrote the row, and as which of its rows. */
export const SCHEMA = table({ writer: t.string().required(), n: t.int().required() })

/** Rows by partition and key, and who set them last. */
export const COUNTERS = table({
  part: t.string().required(),
  key: t.int().required(),
  writer: t.string(),
  turn: t.int(),
})

export function openManager(folder: string): Promise<IcebergTableManager> {
  return IcebergTableManager.open({
    catalog: {
      name: 'shared',
      uri: `sqlite:///${join(folder, 'catalog.db')}`,
      warehouse: join(folder, 'warehouse'),
    },
    // Many of these run at once.
    engine: { threads: 1, memoryLimitBytes: 128 * 2 ** 20 },
    scratchDir: join(folder, 'scratch'),
  })
}
