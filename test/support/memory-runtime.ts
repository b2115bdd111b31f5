/** A table runtime on memory, with time and chance in the test's hands and no data plane. */
import type { Catalog } from '../../src/catalog/catalog.ts'
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import { nodeCodecs } from '../../src/compression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { createSchema, schemaToJson } from '../../src/format/schema.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { LruCache } from '../../src/table/lru-cache.ts'
import type { Clock, Runtime } from '../../src/table/runtime.ts'
import { TableHandle } from '../../src/table/table.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { contentFile } from './content-file.ts'

export interface FakeClock extends Clock {
  /** Waits that were asked for, in milliseconds. */
  readonly waits: number[]
}

/** A clock that moves only when somebody sleeps. */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start
  const waits: number[] = []
  return {
    waits,
    now: () => now,
    async sleep(milliseconds) {
      waits.push(milliseconds)
      now += milliseconds
    },
  }
}

export interface MemoryWorld {
  readonly store: MemoryObjectStore
  readonly catalog: Catalog
  readonly clock: FakeClock
  readonly runtime: Runtime
}

/** A catalog and a store in memory; `wrap` may put something between the runtime and the catalog. */
export function memoryWorld(wrap: (catalog: Catalog) => Catalog = (catalog) => catalog): MemoryWorld {
  const store = new MemoryObjectStore()
  const catalog = new MemoryCatalog({
    name: 'test',
    warehouse: 'memory://warehouse',
    getObjectStore: () => store,
  })
  const clock = fakeClock()
  let snapshots = 0n
  const runtime: Runtime = {
    catalog: wrap(catalog),
    dataPlane: () => Promise.reject(new Error('this test reads and writes no rows')),
    openStorage: async () => ({ store, files: createFileAccess(store, { scratchDir: '/nonexistent' }) }),
    clock,
    random: {
      uuid: () => crypto.randomUUID(),
      snapshotId: () => 3051729675574597004n + snapshots++,
      fraction: () => 0,
    },
    codecs: nodeCodecs,
    commitPolicy: {},
    retention: {},
    newTableProperties: {},
    extraRoots: [],
    telemetry: createTelemetry(),
    closing: new AbortController().signal,
    manifestLists: new LruCache(8),
  }
  return { store, catalog, clock, runtime }
}

export const TABLE = { namespace: ['demo'], name: 't' }

/** A table of one long column, `id`. */
export async function createTestTable(
  world: MemoryWorld,
  properties: Record<string, string> = {},
): Promise<TableHandle> {
  const schema = createSchema({ fields: [{ id: 1, name: 'id', required: false, type: { kind: 'long' } }] })
  await world.catalog.createNamespace(['demo'])
  const loaded = await world.catalog.createTable(TABLE, { schema: schemaToJson(schema), properties })
  return TableHandle.open(world.runtime, TABLE, loaded)
}

/** Puts a stand-in for a data file into the store and answers its manifest entry's content. */
export async function putDataFile(
  world: MemoryWorld,
  table: TableHandle,
  name: string,
  records = 1,
): Promise<ContentFile> {
  const location = `${table.location}/data/${name}.parquet`
  await world.store.put(location, new Uint8Array(records))
  return contentFile({ location, recordCount: records, fileSizeInBytes: records })
}

/** Locations of every object in the store. */
export async function allObjects(store: MemoryObjectStore): Promise<string[]> {
  const locations: string[] = []
  for await (const object of store.list('memory://warehouse/')) locations.push(object.location)
  return locations.sort()
}
