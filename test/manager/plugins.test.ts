/** What the manager asks of its plugins: one connection, and everything through what they gave. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import type { ConnectManagerOptions } from '../../src/compose.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import {
  IcebergTableManager,
  t,
  table,
  type CatalogPlugin,
  type EnginePlugin,
  type StoragePlugin,
} from '../../src/index.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { faultCatalog } from '../support/fault-catalog.ts'
import { faultStore } from '../support/fault-store.ts'
import { FaultController } from '../support/faults.ts'
import { openEngine, sharedEngine } from '../support/manager-world.ts'

let root: string
let plane: DataPlane
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-plugins-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

/** Plugins in memory that note what they are asked for. */
function recordingPlugins() {
  const controller = new FaultController()
  const asked: string[] = []
  const store = faultStore(new MemoryObjectStore(), controller)
  const storagePlugin: StoragePlugin = {
    name: 'recording',
    getWarehouseUri: (namespace) => `memory://bucket/by-plugin/${namespace.join('/')}`,
    getObjectStore: ({ identifier, location }) => {
      asked.push(`store for ${identifier?.name ?? 'the catalog'} at ${location.slice(0, 15)}`)
      return store
    },
  }
  const catalogPlugin: CatalogPlugin = {
    name: 'recording',
    connect: async ({ getObjectStore, getWarehouseUri }) => {
      asked.push('connect')
      const catalog = new MemoryCatalog({ name: 'x', warehouse: getWarehouseUri, getObjectStore })
      return faultCatalog(catalog, controller)
    },
  }
  const shared = sharedEngine(plane)
  const enginePlugin: EnginePlugin = {
    name: 'recording',
    open: () => {
      asked.push('engine')
      return shared.open()
    },
  }
  return { controller, asked, options: { catalogPlugin, storagePlugin, enginePlugin, scratchDir: root } }
}

test('connect() is called once, the engine is opened once, and only for rows', async () => {
  const { asked, options } = recordingPlugins()
  const manager = await IcebergTableManager.connect(options)
  expect(asked).toEqual(['connect'])
  await manager.createNamespace('demo')
  const created = await manager.createTable({ namespace: 'demo', name: 't', schema: table({ id: t.long() }) })
  expect(created.location).toMatch(/^memory:\/\/bucket\/by-plugin\/demo\/t-[0-9a-f]{8}$/)
  expect(asked.filter((what) => what === 'engine')).toEqual([])
  await Promise.all([1n, 2n, 3n].map((id) => manager.writeData(created, [{ id }])))
  expect(await created.scan().toArray()).not.toEqual([])
  await (await manager.loadTable('demo.t')).scan().count()
  await manager.close()
  expect(asked.filter((what) => what === 'connect')).toHaveLength(1)
  expect(asked.filter((what) => what === 'engine')).toHaveLength(1)
  expect(asked).toContain('store for t at memory://bucket')
})

test('every operation on the catalog goes through what connect() gave', async () => {
  const { controller, options } = recordingPlugins()
  const manager = await IcebergTableManager.connect(options)
  const schema = table({ id: t.long() })
  const called: string[] = []
  /** Which of the catalog's methods an operation calls. */
  const calls = async (run: () => Promise<unknown>): Promise<readonly string[]> => {
    controller.reset()
    await run()
    const methods = controller.calls.filter(({ target }) => target === 'catalog').map(({ method }) => method)
    called.push(...methods)
    return methods
  }
  expect(await calls(() => manager.createNamespace('demo'))).toEqual(['createNamespace'])
  expect(await calls(() => manager.listNamespaces())).toEqual(['listNamespaces'])
  expect(await calls(() => manager.namespaceExists('demo'))).toEqual(['namespaceExists'])
  expect(await calls(() => manager.loadNamespace('demo'))).toEqual(['loadNamespace'])
  expect(await calls(() => manager.updateNamespace('demo', { set: { a: 'b' } }))).toEqual(['updateNamespace'])
  expect(await calls(() => manager.createTable({ namespace: 'demo', name: 't', schema }))).toEqual([
    'createTable',
  ])
  expect(await calls(() => manager.loadTable('demo.t'))).toEqual(['loadTable'])
  expect(await calls(() => manager.tableExists('demo.t'))).toEqual(['tableExists'])
  expect(await calls(() => manager.listTables('demo'))).toEqual(['listTables'])
  const loaded = await manager.loadTable('demo.t')
  // The handle knows its state: the commit is the only call.
  expect(await calls(() => manager.writeData(loaded, [{ id: 1n }]))).toEqual(['commitTable'])
  expect(await calls(() => manager.updateProperties(loaded, { set: { a: 'b' } }))).toEqual(['commitTable'])
  expect(await calls(() => loaded.refresh())).toEqual(['loadTable'])
  // Reading never asks the catalog.
  expect(await calls(() => loaded.scan().toArray())).toEqual([])
  expect(await calls(() => loaded.inspect.files())).toEqual([])
  expect(await calls(() => manager.listSnapshots(loaded))).toEqual([])
  expect(await calls(() => manager.renameTable('demo.t', 'demo.u'))).toEqual(['renameTable'])
  expect(await calls(() => manager.dropTable('demo.u'))).toEqual(['dropTable'])
  const location = loaded.metadataLocation ?? ''
  expect(await calls(() => manager.registerTable('demo.v', location))).toEqual(['registerTable'])
  expect(await calls(() => manager.dropTable('demo.v', { purge: true }))).toEqual(['loadTable', 'dropTable'])
  expect(await calls(() => manager.dropNamespace('demo'))).toEqual(['dropNamespace'])
  expect(called.length).toBeGreaterThan(0)
  expect(manager.catalog.name).toBe('x')
  await manager.close()
})

test('a catalog that cannot be connected to fails with its own error', async () => {
  const { options } = recordingPlugins()
  const failure = new Error('no such server')
  const catalogPlugin: CatalogPlugin = { name: 'broken', connect: () => Promise.reject(failure) }
  await expect(IcebergTableManager.connect({ ...options, catalogPlugin })).rejects.toBe(failure)
})

test.each<[string, Partial<ConnectManagerOptions>]>([
  ['commitPolicy.retries', { commitPolicy: { retries: -1 } }],
  ['commitPolicy.minWaitMs', { commitPolicy: { minWaitMs: Number.NaN } }],
  ['retention.maxAgeDays', { retention: { maxAgeDays: 0 } }],
  ['retention.minSnapshotsToKeep', { retention: { minSnapshotsToKeep: 0.5 } }],
  ['tableProperties.commit.retry.num-retries', { tableProperties: { 'commit.retry.num-retries': 'often' } }],
  ['extraRoots[1]', { extraRoots: ['file:///a', ''] }],
  ['scratchDir', { scratchDir: '' }],
])('a setting that is not right is refused before anything is connected: %s', async (path, settings) => {
  const { asked, options } = recordingPlugins()
  const refused = IcebergTableManager.connect({ ...options, ...settings })
  await expect(refused).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_CONFIG', path })
  expect(asked).toEqual([])
})

test('an engine that could not be opened is opened again, and keeps nothing from being closed', async () => {
  const { options } = recordingPlugins()
  let opened = 0
  let closed = 0
  const enginePlugin: EnginePlugin = {
    name: 'late',
    open: () => {
      opened += 1
      return opened === 1 ? Promise.reject(new Error('no scratch folder yet')) : sharedEngine(plane).open()
    },
  }
  const catalogPlugin: CatalogPlugin = {
    name: 'closing',
    connect: async (connection) => {
      const catalog = await options.catalogPlugin.connect(connection)
      return new Proxy(catalog, {
        get(target, key) {
          if (key === 'close') closed += 1
          const value: unknown = Reflect.get(target, key, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
  const manager = await IcebergTableManager.connect({ ...options, catalogPlugin, enginePlugin })
  const config = { namespace: 'demo', name: 't', schema: table({ id: t.long() }) }
  const tbl = await manager.createTable(config, { createNamespace: true })
  await expect(manager.writeData(tbl, [{ id: 1n }])).rejects.toThrow('no scratch folder yet')
  await manager.writeData(tbl, [{ id: 1n }])
  expect(opened).toBe(2)
  await manager.close()
  expect(closed).toBe(1)
})
