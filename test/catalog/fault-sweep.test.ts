/** Every call that an operation makes to the store fails once, in every way. */
import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { MemoryPointers } from '../../src/catalog/memory.ts'
import { PointerCatalog } from '../../src/catalog/pointer-catalog.ts'
import { FloebergError } from '../../src/errors.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { NAMESPACE, REQUEST, setProperty, TABLE } from '../../src/testing/catalog-fixtures.ts'
import { faultStore } from '../support/fault-store.ts'
import { FaultController, type FaultMode } from '../support/faults.ts'
import { collect } from '../../src/testing/case.ts'
import { WAREHOUSE } from './support.ts'

const OTHER = { namespace: NAMESPACE, name: 'other' }
const LOG = {
  'write.metadata.previous-versions-max': '1',
  'write.metadata.delete-after-commit.enabled': 'true',
}

interface Operation {
  run(catalog: Catalog, signal: AbortSignal): Promise<unknown>
  /** Whether its effect is there. */
  happened(catalog: Catalog): Promise<boolean>
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  createTable: {
    run: (catalog, signal) => catalog.createTable(OTHER, REQUEST, { signal }),
    happened: (catalog) => catalog.tableExists(OTHER),
  },
  commitTable: {
    run: (catalog, signal) =>
      catalog.commitTable(TABLE, { requirements: [], updates: [setProperty('done', 'yes')] }, { signal }),
    happened: async (catalog) => (await catalog.loadTable(TABLE)).metadata.properties['done'] === 'yes',
  },
  registerTable: {
    run: async (catalog, signal) => {
      const { metadataLocation } = await catalog.loadTable(TABLE, { signal })
      return catalog.registerTable(OTHER, metadataLocation ?? '', { signal })
    },
    happened: (catalog) => catalog.tableExists(OTHER),
  },
}

/** Two commits old, so that a commit has something to evict; opened afresh, so that nothing is cached. */
async function setUp() {
  const store = new MemoryObjectStore()
  const controller = new FaultController()
  const seen = faultStore(store, controller)
  const options = { name: 'x', warehouse: WAREHOUSE, getObjectStore: () => seen }
  const pointers = new MemoryPointers()
  const writer = new PointerCatalog(pointers, options)
  await writer.createNamespace(NAMESPACE)
  await writer.createTable(TABLE, { ...REQUEST, properties: LOG })
  for (const value of ['1', '2']) {
    await writer.commitTable(TABLE, { requirements: [], updates: [setProperty('i', value)] })
  }
  return { store, controller, catalog: new PointerCatalog(pointers, options) }
}

async function files(store: MemoryObjectStore): Promise<string[]> {
  return (await collect(store.list(`${WAREHOUSE}/`))).map(({ location }) => location).sort()
}

/** The files that the tables reach. */
async function reached(catalog: Catalog): Promise<string[]> {
  const tables = await catalog.listTables(NAMESPACE)
  const loaded = await Promise.all(tables.map((id) => catalog.loadTable(id)))
  const locations = loaded.flatMap(({ metadata, metadataLocation }) => [
    metadataLocation ?? '',
    ...metadata['metadata-log'].map((entry) => entry['metadata-file']),
  ])
  return [...new Set(locations)].sort()
}

const MODES: readonly FaultMode[] = ['error-before', 'error-after', 'partial', 'abort-before', 'abort-after']

describe.each(Object.entries(OPERATIONS))('%s', (_, { run, happened }) => {
  test.each(MODES)('%s at each call leaves all of it or nothing', async (mode) => {
    const dry = await setUp()
    dry.controller.reset()
    await run(dry.catalog, dry.controller.signal)
    const calls = dry.controller.calls.length
    expect(calls).toBeGreaterThan(0)

    for (let at = 1; at <= calls; at += 1) {
      const { store, controller, catalog } = await setUp()
      controller.reset({ mode, at })
      const error: unknown = await run(catalog, controller.signal).then(
        () => null,
        (reason: unknown) => reason,
      )
      const where = `${mode} at ${JSON.stringify(controller.calls[at - 1])}`
      expect(controller.hits, where).toBe(1)
      controller.disarm()
      expect(await happened(catalog), where).toBe(error === null)
      if (error !== null) expect(error, where).toBeInstanceOf(FloebergError)
      const [all, needed] = [await files(store), await reached(catalog)]
      // Nothing that is needed is gone. A clean-up that was itself struck may leave one file.
      expect(all, where).toEqual(expect.arrayContaining(needed))
      const struckCleanUp = controller.calls[at - 1]?.method === 'delete'
      expect(all.length - needed.length, where).toBeLessThanOrEqual(struckCleanUp ? 1 : 0)
    }
  })
})
