/** Catalogs and metadata documents for the tests of this folder. */
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import type { TableUpdate } from '../../src/catalog/index.ts'
import type { Catalog, LoadedTable } from '../../src/catalog/catalog.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { collect } from '../../src/testing/case.ts'
import { TABLE } from '../../src/testing/catalog-fixtures.ts'
import { faultStore } from '../support/fault-store.ts'
import { FaultController } from '../support/faults.ts'

export const WAREHOUSE = 'memory://b/wh'

export interface MemorySetup {
  readonly catalog: Catalog
  /** Behind the faults. */
  readonly store: ObjectStore
  readonly controller: FaultController
}

/** A memory catalog whose store is recorded, and can be made to fail. */
export function memorySetup(): MemorySetup {
  const store = new MemoryObjectStore()
  const controller = new FaultController()
  const seen = faultStore(store, controller)
  const catalog = new MemoryCatalog({ name: 'test', warehouse: WAREHOUSE, getObjectStore: () => seen })
  return { catalog, store, controller }
}

export function commit(catalog: Catalog, ...updates: readonly TableUpdate[]): Promise<LoadedTable> {
  return catalog.commitTable(TABLE, { requirements: [], updates })
}

/** Names of the files below the warehouse, without their folders. */
export async function fileNames(store: ObjectStore): Promise<string[]> {
  const infos = await collect(store.list(`${WAREHOUSE}/`))
  return infos.map(({ location }) => location.slice(location.lastIndexOf('/') + 1)).sort()
}

export const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** A v2 document as another client may have written it. */
export function document(members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    'format-version': 2,
    'table-uuid': '9c12d441-03fe-4693-9a96-a0705ddf69c1',
    location: 'memory://others/t',
    'last-sequence-number': 0,
    'last-updated-ms': 1602638573590,
    'last-column-id': 1,
    schemas: [
      { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'x', required: true, type: 'long' }] },
    ],
    'current-schema-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'default-spec-id': 0,
    'last-partition-id': 999,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    properties: {},
    ...members,
  }
}
