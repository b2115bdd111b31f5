/** Worlds for tests of the whole manager: a catalog and a store, with faults between, around one engine. */
import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { MemoryPointers } from '../../src/catalog/memory.ts'
import { PointerCatalog } from '../../src/catalog/pointer-catalog.ts'
import { openSqliteCatalog } from '../../src/catalog/sql/sqlite.ts'
import { IcebergTableManager, type ConnectManagerOptions } from '../../src/compose.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { openDuckDbPlane } from '../../src/engine/duckdb/duckdb-plane.ts'
import type { EnginePlugin } from '../../src/manager/plugins.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { collect } from '../../src/testing/case.ts'
import { faultCatalog } from './fault-catalog.ts'
import { faultStore } from './fault-store.ts'
import { FaultController } from './faults.ts'

export interface ManagerWorld {
  readonly name: string
  /** Sees every call of managers that `open` gave out. */
  readonly controller: FaultController
  /** Without a trailing slash. */
  readonly warehouse: string
  /** Where the engine and the staging of files work; empty between operations. */
  readonly scratchDir: string
  /** A new manager, with nothing remembered. Its calls go through the controller. */
  open(options?: Partial<ConnectManagerOptions>): Promise<IcebergTableManager>
  /** As `open`, past the controller: for setting up and for looking. */
  openAside(options?: Partial<ConnectManagerOptions>): Promise<IcebergTableManager>
  /** The store itself, past the controller. */
  store(): ObjectStore
  /** Locations of all objects, sorted. */
  objects(): Promise<readonly string[]>
  /** Names of files and folders that are no objects: of writes under way, or left by killed ones. */
  temporaries(): Promise<readonly string[]>
  /** Keeps the present state; the returned function brings it back. */
  keep(): Promise<() => Promise<void>>
}

/** What a world is made of, as long as it stands. */
interface Ground {
  readonly controller: FaultController
  readonly scratchDir: string
  readonly enginePlugin: EnginePlugin
}

/** One engine for many managers: opening one takes longer than most operations. */
export function sharedEngine(plane: DataPlane): EnginePlugin {
  const lent: DataPlane = new Proxy(plane, {
    get(target, key) {
      if (key === 'close') return async () => {}
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { name: 'shared', open: async () => lent }
}

/** The embedded engine, allowed to work in a folder. */
export function openEngine(folder: string): Promise<DataPlane> {
  return openDuckDbPlane({ scratchDir: join(folder, 'scratch'), threads: 1, allowedFolders: [folder] })
}

/** Waits of commit retries take no time here; everything else about time is real. */
const CLOCK = { now: () => Date.now(), sleep: async () => {} }

interface Parts {
  readonly catalog: (store: ObjectStore) => Promise<Catalog>
  readonly store: () => ObjectStore
}

function managers({ controller, scratchDir, enginePlugin }: Ground, parts: Parts) {
  const connect = (
    wrapStore: (store: ObjectStore) => ObjectStore,
    wrapCatalog: (catalog: Catalog) => Catalog,
    options: Partial<ConnectManagerOptions>,
  ): Promise<IcebergTableManager> => {
    const store = wrapStore(parts.store())
    return IcebergTableManager.connect({
      catalogPlugin: { name: 'test', connect: async () => wrapCatalog(await parts.catalog(store)) },
      storagePlugin: { name: 'test', getObjectStore: () => store, getWarehouseUri: () => null },
      enginePlugin,
      scratchDir,
      clock: CLOCK,
      ...options,
    })
  }
  return {
    open: (options: Partial<ConnectManagerOptions> = {}) =>
      connect(
        (store) => faultStore(store, controller),
        (catalog) => faultCatalog(catalog, controller),
        options,
      ),
    openAside: (options: Partial<ConnectManagerOptions> = {}) =>
      connect(
        (store) => store,
        (catalog) => catalog,
        options,
      ),
  }
}

/** Everything in memory, but for what the engine has in its scratch folder. */
export async function memoryManagerWorld(folder: string, plane: DataPlane): Promise<ManagerWorld> {
  const warehouse = 'memory://bucket/wh'
  const ground = await groundOf(folder, plane)
  let store = new MemoryObjectStore()
  let pointers = new MemoryPointers()
  return {
    name: 'memory',
    warehouse,
    ...ground,
    ...managers(ground, {
      store: () => store,
      catalog: async (seen) =>
        new PointerCatalog(pointers, { name: 'test', warehouse, getObjectStore: () => seen }),
    }),
    store: () => store,
    objects: () => locationsOf(store, `${warehouse}/`),
    temporaries: () => namesIn(ground.scratchDir),
    keep: async () => {
      const kept = { store, pointers }
      ;({ store, pointers } = await copyMemory(kept.store, kept.pointers, warehouse))
      return async () => {
        ;({ store, pointers } = await copyMemory(kept.store, kept.pointers, warehouse))
      }
    },
  }
}

async function copyMemory(store: MemoryObjectStore, pointers: MemoryPointers, warehouse: string) {
  const copy = { store: new MemoryObjectStore(), pointers: new MemoryPointers() }
  for await (const { location } of store.list(`${warehouse}/`)) {
    await copy.store.put(location, await store.get(location))
  }
  const namespaces = await pointers.children([])
  for (const namespace of namespaces) {
    await copy.pointers.createNamespace(namespace, (await pointers.namespace(namespace)) ?? {})
    for (const name of (await pointers.names(namespace)) ?? []) {
      const pointer = await pointers.find({ namespace, name })
      if (pointer !== null) await copy.pointers.insert({ namespace, name }, pointer.metadataLocation)
    }
  }
  return copy
}

/** SQLite and the local disk, below a folder. */
export async function localManagerWorld(folder: string, plane: DataPlane): Promise<ManagerWorld> {
  const place = join(folder, 'place')
  const warehouse = toFileUri(join(place, 'wh'))
  const ground = await groundOf(folder, plane)
  await mkdir(join(place, 'wh'), { recursive: true })
  const store = new LocalObjectStore()
  let kept = 0
  return {
    name: 'SQLite and local disk',
    warehouse,
    ...ground,
    ...managers(ground, {
      store: () => store,
      catalog: (seen) =>
        openSqliteCatalog({
          name: 'test',
          uri: `sqlite:///${join(place, 'catalog.db')}`,
          warehouse,
          getObjectStore: () => seen,
        }),
    }),
    store: () => store,
    objects: () => locationsOf(store, `${warehouse}/`),
    temporaries: async () => [
      ...(await namesIn(ground.scratchDir)),
      ...(await collect(store.listTemporary(`${warehouse}/`))).map(({ location }) => location),
    ],
    keep: async () => {
      kept += 1
      const copy = join(folder, `kept-${kept}`)
      await cp(place, copy, { recursive: true })
      return async () => {
        await rm(place, { recursive: true })
        await cp(copy, place, { recursive: true })
      }
    },
  }
}

async function groundOf(folder: string, plane: DataPlane): Promise<Ground> {
  const scratchDir = join(folder, 'staging')
  await mkdir(scratchDir, { recursive: true })
  return { controller: new FaultController(), scratchDir, enginePlugin: sharedEngine(plane) }
}

async function locationsOf(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  return (await collect(store.list(prefix))).map(({ location }) => location).sort()
}

/** Files below a folder; folders alone hold nothing. */
async function namesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}
