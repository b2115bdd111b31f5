/** A process's own client of a SQLite catalog in a folder. */
import { join } from 'node:path'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import { openSqliteCatalog } from '../../../src/catalog/sql/sqlite.ts'
import { LocalObjectStore } from '../../../src/storage/local.ts'
import { toFileUri } from '../../../src/storage/location.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'

export function openClient(folder: string, store: ObjectStore = new LocalObjectStore()): Promise<Catalog> {
  return openSqliteCatalog({
    name: 'shared',
    uri: `sqlite:///${join(folder, 'catalog.db')}`,
    warehouse: toFileUri(join(folder, 'warehouse')),
    getObjectStore: () => store,
  })
}
