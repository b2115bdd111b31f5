import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import { openSqliteCatalog } from '../../src/catalog/sql/sqlite.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { catalogCases, type CatalogTraits, type CatalogUnderTest } from '../../src/testing/catalog.ts'
import { temporaryFolder } from '../support/folders.ts'

const common: Omit<CatalogTraits, 'dotsInNames' | 'shared'> = {
  nestedNamespaces: true,
  namespaceProperties: true,
  stageCreate: true,
  purge: 'client',
  metadataFiles: true,
}

async function memory(): Promise<CatalogUnderTest> {
  const store = new MemoryObjectStore()
  const catalog = new MemoryCatalog({
    name: 'prod',
    warehouse: 'memory://bucket/warehouse',
    getObjectStore: () => store,
  })
  return { catalog, other: catalog, store, outside: 'memory://elsewhere' }
}

async function sqlite(): Promise<CatalogUnderTest> {
  const folder = await temporaryFolder()
  const store = new LocalObjectStore()
  const open = () =>
    openSqliteCatalog({
      name: 'prod',
      uri: `sqlite:///${join(folder, 'catalog.db')}`,
      warehouse: toFileUri(join(folder, 'warehouse')),
      getObjectStore: () => store,
    })
  const [catalog, other] = [await open(), await open()]
  const tearDown = async () => {
    await catalog.close()
    await other.close()
  }
  return { catalog, other, store, outside: toFileUri(join(folder, 'outside')), tearDown }
}

describe('the memory catalog', () => {
  const traits = { ...common, dotsInNames: true, shared: false }
  test.each([...catalogCases(traits, memory)])('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('the SQLite catalog', () => {
  const traits = { ...common, dotsInNames: false, shared: true }
  test.each([...catalogCases(traits, sqlite)])('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
