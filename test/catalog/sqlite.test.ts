import { readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSqliteCatalog, sqlitePath } from '../../src/catalog/sql/sqlite.ts'
import {
  CatalogUnavailableError,
  CorruptFileError,
  InvalidConfigError,
  NamespaceNotEmptyError,
  NoSuchNamespaceError,
  NoSuchTableError,
  TableAlreadyExistsError,
} from '../../src/errors.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { REQUEST, setProperty, TABLE } from '../../src/testing/catalog-fixtures.ts'
import { temporaryFolder } from '../support/folders.ts'
import { commit } from './support.ts'

const store = new LocalObjectStore()

async function openIn(
  folder: string,
  options: { readonly name?: string; readonly busyTimeoutMs?: number } = {},
) {
  const catalog = await openSqliteCatalog({
    name: 'prod',
    uri: `sqlite:///${join(folder, 'catalog.db')}`,
    warehouse: toFileUri(join(folder, 'warehouse')),
    getObjectStore: () => store,
    ...options,
  })
  onTestFinished(() => catalog.close())
  return catalog
}

/** A second, plain connection to the same file: another program. */
function rawIn(folder: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, 'catalog.db'))
  onTestFinished(() => database.close())
  return database
}

describe('URIs', () => {
  test.each([
    ['sqlite:////abs/a b%20é.db', '/abs/a b%20é.db'],
    ['sqlite:///rel/x.db', resolve('rel/x.db')],
    ['sqlite+pysqlite:////abs/x.db', '/abs/x.db'],
    ['sqlite:///:memory:', ':memory:'],
    ['sqlite://', ':memory:'],
    ['sqlite:///', ':memory:'],
  ])('%s', (uri, path) => {
    expect(sqlitePath(uri)).toBe(path)
  })

  test.each([
    'sqlite:/abs/x.db',
    'sqlite://host/x.db',
    'postgresql://h/d',
    '/abs/x.db',
    'sqlite:///x.db?mode=ro',
    '',
  ])('%j is refused', (uri) => {
    expect(() => sqlitePath(uri)).toThrow(InvalidConfigError)
  })

  test('a catalog in memory works and ends with its close', async () => {
    const open = () =>
      openSqliteCatalog({
        name: 'm',
        uri: 'sqlite:///:memory:',
        warehouse: null,
        getObjectStore: () => store,
      })
    const catalog = await open()
    await catalog.createNamespace(['a'])
    await catalog.close()
    const other = await open()
    expect(await other.listNamespaces()).toEqual([])
    await other.close()
  })
})

describe('the tables in the database', () => {
  test('are the ones that PyIceberg and Java make', async () => {
    const folder = await temporaryFolder()
    await openIn(folder)
    const columns = (table: string) =>
      rawIn(folder)
        .prepare(`select name, lower(type) as type, pk from pragma_table_info('${table}') order by cid`)
        .all()
        .map((row) => [row['name'], row['type'], row['pk']])
    expect(columns('iceberg_tables')).toEqual([
      ['catalog_name', 'varchar(255)', 1],
      ['table_namespace', 'varchar(255)', 2],
      ['table_name', 'varchar(255)', 3],
      ['metadata_location', 'varchar(1000)', 0],
      ['previous_metadata_location', 'varchar(1000)', 0],
      ['iceberg_type', 'varchar(5)', 0],
    ])
    expect(columns('iceberg_namespace_properties')).toEqual([
      ['catalog_name', 'varchar(255)', 1],
      ['namespace', 'varchar(255)', 2],
      ['property_key', 'varchar(255)', 3],
      ['property_value', 'varchar(1000)', 0],
    ])
  })

  test('hold what PyIceberg expects there', async () => {
    const folder = await temporaryFolder()
    const catalog = await openIn(folder)
    await catalog.createNamespace(['a', 'b'])
    await catalog.createNamespace(['c'], { owner: 'me' })
    const id = { namespace: ['a', 'b'], name: 't' }
    const first = await catalog.createTable(id, REQUEST)
    const second = await catalog.commitTable(id, { requirements: [], updates: [setProperty('x', 'y')] })
    const raw = rawIn(folder)
    expect(raw.prepare('select * from iceberg_tables').all()).toEqual([
      {
        catalog_name: 'prod',
        table_namespace: 'a.b',
        table_name: 't',
        metadata_location: second.metadataLocation,
        previous_metadata_location: first.metadataLocation,
        iceberg_type: 'TABLE',
      },
    ])
    const rows = raw
      .prepare('select namespace, property_key, property_value from iceberg_namespace_properties')
      .all()
    expect(rows.map(Object.values).sort()).toEqual([
      ['a', 'exists', 'true'],
      ['a.b', 'exists', 'true'],
      ['c', 'owner', 'me'],
    ])
  })

  test('of the older layout are used as they are', async () => {
    const folder = await temporaryFolder()
    const raw = rawIn(folder)
    raw.exec(`
      CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
        table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),
        PRIMARY KEY (catalog_name, table_namespace, table_name));
      CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL,
        property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000),
        PRIMARY KEY (catalog_name, namespace, property_key))`)
    const catalog = await openIn(folder)
    await catalog.createNamespace(TABLE.namespace)
    await catalog.createTable(TABLE, REQUEST)
    await commit(catalog, setProperty('a', 'b'))
    await catalog.renameTable(TABLE, { namespace: TABLE.namespace, name: 'renamed' })
    expect(await catalog.listTables(TABLE.namespace)).toEqual([
      { namespace: TABLE.namespace, name: 'renamed' },
    ])
    expect(Object.keys(raw.prepare('select * from iceberg_tables').get() ?? {})).not.toContain('iceberg_type')
  })

  test('that exist only in part are completed', async () => {
    const folder = await temporaryFolder()
    rawIn(folder).exec(
      'CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255), namespace VARCHAR(255), property_key VARCHAR(255), property_value VARCHAR(1000), PRIMARY KEY (catalog_name, namespace, property_key))',
    )
    const catalog = await openIn(folder)
    await catalog.createNamespace(['a'])
    expect(await catalog.listTables(['a'])).toEqual([])
  })
})

test('a database in WAL mode stays in it', async () => {
  const folder = await temporaryFolder()
  rawIn(folder).exec('PRAGMA journal_mode = wal')
  const catalog = await openIn(folder)
  await catalog.createNamespace(['a'])
  expect(rawIn(folder).prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
})

describe("other clients' rows", () => {
  const row = (raw: DatabaseSync, ...values: readonly (string | null)[]) =>
    raw.prepare('insert into iceberg_tables values (?, ?, ?, ?, ?, ?)').run(...values)

  test('tables without a type are tables, views are not, but keep their names', async () => {
    const folder = await temporaryFolder()
    const catalog = await openIn(folder)
    const raw = rawIn(folder)
    row(raw, 'prod', 'ns', 'untyped', 'file:///nowhere', null, null)
    row(raw, 'prod', 'ns', 'a_view', 'file:///nowhere', null, 'VIEW')
    expect(await catalog.listTables(['ns'])).toEqual([{ namespace: ['ns'], name: 'untyped' }])
    const view = { namespace: ['ns'], name: 'a_view' }
    expect(await catalog.tableExists(view)).toBe(false)
    await expect(catalog.loadTable(view)).rejects.toThrow(NoSuchTableError)
    await expect(catalog.dropTable(view)).rejects.toThrow(NoSuchTableError)
    await expect(catalog.createTable(view, REQUEST)).rejects.toThrow(TableAlreadyExistsError)
    const untyped = { namespace: ['ns'], name: 'untyped' }
    await expect(catalog.renameTable(untyped, view)).rejects.toThrow(TableAlreadyExistsError)
    expect(raw.prepare("select iceberg_type from iceberg_tables where table_name = 'a_view'").get()).toEqual({
      iceberg_type: 'VIEW',
    })
    await expect(catalog.dropNamespace(['ns'])).rejects.toThrow(NamespaceNotEmptyError)
  })

  test('a namespace that only tables imply exists, with its parents', async () => {
    const folder = await temporaryFolder()
    const catalog = await openIn(folder)
    row(rawIn(folder), 'prod', 'a.b', 't', 'file:///nowhere', null, 'TABLE')
    expect(await catalog.listNamespaces()).toEqual([['a']])
    expect(await catalog.listNamespaces(['a'])).toEqual([['a', 'b']])
    expect(await catalog.namespaceExists(['a'])).toBe(true)
    expect(await catalog.loadNamespace(['a', 'b'])).toEqual({})
    expect(await catalog.listTables(['a'])).toEqual([])
    await expect(catalog.dropNamespace(['a'])).rejects.toThrow(NamespaceNotEmptyError)
    await catalog.updateNamespace(['a'], { set: { owner: 'me' } })
    expect(await catalog.loadNamespace(['a'])).toEqual({ owner: 'me' })
  })

  test("another catalog's rows in the same database are not ours", async () => {
    const folder = await temporaryFolder()
    const [prod, test_] = [await openIn(folder), await openIn(folder, { name: 'test' })]
    for (const catalog of [prod, test_]) {
      await catalog.createNamespace(TABLE.namespace)
      await catalog.createTable(TABLE, REQUEST)
    }
    await commit(prod, setProperty('only', 'prod'))
    expect((await test_.loadTable(TABLE)).metadata.properties['only']).toBeUndefined()
    await test_.dropTable(TABLE)
    await test_.dropNamespace(TABLE.namespace)
    expect(await prod.tableExists(TABLE)).toBe(true)
    await expect(test_.listTables(TABLE.namespace)).rejects.toThrow(NoSuchNamespaceError)
  })

  test('a row without a metadata location is damaged, and can be dropped', async () => {
    const folder = await temporaryFolder()
    const catalog = await openIn(folder)
    row(rawIn(folder), 'prod', 'ns', 'events', null, null, 'TABLE')
    await expect(catalog.loadTable(TABLE)).rejects.toThrow(CorruptFileError)
    await catalog.dropTable(TABLE)
    expect(await catalog.tableExists(TABLE)).toBe(false)
  })
})

describe('a database that others hold', () => {
  async function held(how: string, busyTimeoutMs: number) {
    const folder = await temporaryFolder()
    const catalog = await openIn(folder, { busyTimeoutMs })
    await catalog.createNamespace(TABLE.namespace)
    const before = await catalog.createTable(TABLE, REQUEST)
    const raw = rawIn(folder)
    raw.exec(how)
    raw.prepare('select * from iceberg_tables').all()
    return { catalog, before, raw }
  }

  test.each(['BEGIN IMMEDIATE', 'BEGIN'])(
    'for too long (%s): unavailable, and nothing was changed',
    async (how) => {
      const { catalog, before, raw } = await held(how, 0)
      const error = await commit(catalog, setProperty('a', 'b')).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(CatalogUnavailableError)
      raw.exec('ROLLBACK')
      expect(await catalog.loadTable(TABLE)).toEqual(before)
      expect(await readdir(before.metadata.location.slice('file://'.length) + '/metadata')).toHaveLength(1)
      await commit(catalog, setProperty('a', 'b'))
    },
  )

  test.each(['BEGIN IMMEDIATE', 'BEGIN'])(
    'for a while (%s): the commit waits, and the event loop does not',
    async (how) => {
      const { catalog, raw } = await held(how, 60_000)
      const pending = commit(catalog, setProperty('a', 'b'))
      setTimeout(() => raw.exec('ROLLBACK'), 50)
      expect((await pending).metadata.properties['a']).toBe('b')
    },
  )
})

describe('what cannot be opened', () => {
  const open = (uri: string) =>
    openSqliteCatalog({ name: 'x', uri, warehouse: null, getObjectStore: () => store })

  test('a missing folder', async () => {
    const folder = await temporaryFolder()
    const error = await open(`sqlite:///${folder}/none/x.db`).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CatalogUnavailableError)
    expect(error).toMatchObject({ file: `${folder}/none/x.db` })
  })

  test('a file that is no database', async () => {
    const folder = await temporaryFolder()
    await writeFile(
      join(folder, 'x.db'),
      'this is not a database, but long enough to have a header '.repeat(20),
    )
    await expect(open(`sqlite:///${folder}/x.db`)).rejects.toThrow(CorruptFileError)
  })

  test('a closed catalog', async () => {
    const folder = await temporaryFolder()
    const catalog = await open(`sqlite:///${folder}/x.db`)
    await catalog.close()
    await expect(catalog.listNamespaces()).rejects.toThrow(CatalogUnavailableError)
    await catalog.close()
  })

  test('no warehouse: a table needs a location', async () => {
    const folder = await temporaryFolder()
    const catalog = await open(`sqlite:///${folder}/x.db`)
    await catalog.createNamespace(TABLE.namespace)
    await expect(catalog.createTable(TABLE, REQUEST)).rejects.toThrow(InvalidConfigError)
    await catalog.createTable(TABLE, { ...REQUEST, location: `${toFileUri(folder)}/t` })
    await catalog.close()
  })
})
