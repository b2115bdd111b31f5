/** A manager from configuration: by name, by properties, by file. */
import { access, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  CatalogUnavailableError,
  IcebergTableManager,
  InvalidConfigError,
  OperationAbortedError,
  UnsupportedFeatureError,
} from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'

let folder = ''

beforeEach(async () => {
  folder = await temporaryFolder()
  // Nothing of this machine's own configuration: only what the test puts there.
  for (const name of Object.keys(process.env)) {
    if (/^(FLOEBERG|PYICEBERG)_/.test(name)) vi.stubEnv(name, undefined)
  }
  vi.stubEnv('HOME', folder)
})

afterEach(() => {
  vi.unstubAllEnvs()
})

/** A catalog's properties in the test's folder. */
function place(name: string): { readonly uri: string; readonly warehouse: string } {
  return { uri: `sqlite:///${join(folder, `${name}.db`)}`, warehouse: join(folder, name) }
}

async function file(catalogs: Readonly<Record<string, object>>, extra: object = {}): Promise<string> {
  const path = join(folder, 'settings.yaml')
  // JSON is YAML.
  await writeFile(path, JSON.stringify({ catalog: catalogs, ...extra }))
  return path
}

async function namespaces(manager: IcebergTableManager): Promise<readonly (readonly string[])[]> {
  try {
    return await manager.listNamespaces()
  } finally {
    await manager.close()
  }
}

describe('which catalog', () => {
  test('properties in code are all there are', async () => {
    vi.stubEnv('FLOEBERG_CATALOG__DEFAULT__URI', place('other').uri)
    const manager = await IcebergTableManager.open({ catalog: place('own') })
    await manager.createNamespace('demo')
    expect(manager.catalog.name).toBe('default')
    expect(await namespaces(manager)).toEqual([['demo']])
    await expect(access(join(folder, 'own.db'))).resolves.toBeUndefined()
    await expect(access(join(folder, 'other.db'))).rejects.toThrow('ENOENT')
  })

  test('a name is one of the file that is named', async () => {
    const configFile = await file({ local: place('local'), lab: place('lab') }, { 'default-catalog': 'lab' })
    const local = await IcebergTableManager.open({ configFile, catalog: 'local' })
    await local.createNamespace('in_local')
    expect(local.catalog.name).toBe('local')
    expect(await namespaces(local)).toEqual([['in_local']])
    const byDefault = await IcebergTableManager.open({ configFile })
    expect(byDefault.catalog.name).toBe('lab')
    expect(await namespaces(byDefault)).toEqual([])
  })

  test('properties in code go before those of the file', async () => {
    const configFile = await file({ local: place('local') })
    const catalogProperties = { warehouse: join(folder, 'elsewhere') }
    const manager = await IcebergTableManager.open({ configFile, catalog: 'local', catalogProperties })
    await manager.createNamespace('demo')
    const schema = {
      'schema-id': 0,
      type: 'struct',
      fields: [{ id: 1, name: 'a', type: 'int', required: false }],
    }
    const table = await manager.createTable({ namespace: 'demo', name: 't', schema: schema as never })
    await manager.close()
    expect(table.location.startsWith(`file://${join(folder, 'elsewhere')}/`)).toBe(true)
  })

  test('a variable names the catalog, and another says where it is', async () => {
    vi.stubEnv('PYICEBERG_CATALOG__LAB__URI', place('lab').uri)
    vi.stubEnv('PYICEBERG_DEFAULT_CATALOG', 'lab')
    const manager = await IcebergTableManager.open({ configFile: null })
    expect(manager.catalog.name).toBe('lab')
    await manager.close()
  })

  test('SQLAlchemy names a driver in its URIs, which means nothing here', async () => {
    const { uri, warehouse } = place('own')
    const manager = await IcebergTableManager.open({
      catalog: { uri: uri.replace('sqlite:', 'sqlite+pysqlite:'), warehouse },
    })
    expect(await namespaces(manager)).toEqual([])
  })
})

describe('refused', () => {
  test('a name that is configured nowhere', async () => {
    const configFile = await file({ local: place('local') })
    await expect(IcebergTableManager.open({ configFile, catalog: 'locall' })).rejects.toMatchObject({
      constructor: InvalidConfigError,
      path: 'catalog',
      hint: 'Did you mean local?',
    })
  })

  test('a catalog of a kind that is not built', async () => {
    await expect(IcebergTableManager.open({ catalog: { type: 'hive' } })).rejects.toThrow(
      UnsupportedFeatureError,
    )
    await expect(IcebergTableManager.open({ catalog: { uri: 'what://ever' } })).rejects.toMatchObject({
      constructor: InvalidConfigError,
      path: 'catalog.default.type',
    })
  })

  test('a signal that has fired', async () => {
    const signal = AbortSignal.abort()
    await expect(IcebergTableManager.open({ catalog: place('own') }, { signal })).rejects.toThrow(
      OperationAbortedError,
    )
    expect(await readdir(folder)).toEqual([])
  })
})

describe('what is tried out', () => {
  test('the catalog answers: a file that is no database is told', async () => {
    const { uri, warehouse } = place('own')
    await writeFile(
      join(folder, 'own.db'),
      'this is no database at all, and long enough to look like one'.repeat(20),
    )
    await expect(IcebergTableManager.open({ catalog: { uri, warehouse } })).rejects.toMatchObject({
      code: expect.stringMatching(/^FLOEBERG_(CATALOG_UNAVAILABLE|CORRUPT_FILE)$/),
    })
  })

  test('the catalog can be opened', async () => {
    const uri = `sqlite:///${join(folder, 'none', 'own.db')}`
    await expect(IcebergTableManager.open({ catalog: { uri } })).rejects.toThrow(CatalogUnavailableError)
  })

  test('the warehouse can be written, unless only reading is meant; nothing is left in it', async () => {
    const catalog = place('own')
    await (await IcebergTableManager.open({ catalog })).close()
    expect(await readdir(catalog.warehouse)).toEqual([])
    // A file where the folder should be, which nobody, not even root, can write into.
    await writeFile(join(folder, 'file'), '')
    const blocked = { ...catalog, warehouse: join(folder, 'file', 'warehouse') }
    await expect(IcebergTableManager.open({ catalog: blocked })).rejects.toMatchObject({
      code: expect.stringMatching(/^FLOEBERG_(STORAGE_\w+|INVALID_LOCATION)$/),
    })
    const reading = await IcebergTableManager.open({ catalog: blocked }, { verify: 'read' })
    expect(await namespaces(reading)).toEqual([])
  })
})
