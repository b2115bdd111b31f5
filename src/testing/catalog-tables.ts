/** Creating, finding, renaming, registering and dropping tables, as every catalog must do it. */
import {
  MissingFileError,
  NoSuchNamespaceError,
  NoSuchTableError,
  TableAlreadyExistsError,
} from '../errors.ts'
import { parseTableMetadata } from '../format/metadata/parse.ts'
import { isWithin } from '../storage/location.ts'
import { collect, expectEqual, expectError, expectThat } from './case.ts'
import { NAMESPACE, REQUEST, setProperty, TABLE, withTable, type CatalogCheck } from './catalog-fixtures.ts'

export const TABLE_CHECKS: readonly CatalogCheck[] = [
  {
    name: 'a new table has ids of the catalog, and others load the same',
    run: async (fixture) => {
      const created = await withTable(fixture)
      const { metadata } = created
      const [schema] = metadata.schemas
      expectEqual(
        schema?.fields.map(({ id }) => id),
        [1, 2, 3],
        'field ids',
      )
      expectEqual(schema?.['identifier-field-ids'], [1], 'identifier field ids')
      expectEqual(metadata['last-column-id'], 4, 'last column id')
      const [spec] = metadata['partition-specs']
      expectEqual(
        spec?.fields.map((field) => [field['source-id'], field['field-id']]),
        [[2, 1000]],
        'spec',
      )
      expectEqual(
        metadata['sort-orders'][0]?.fields.map((field) => field['source-id']),
        [1],
        'order',
      )
      expectEqual(metadata.properties, { owner: 'me' }, 'properties')
      expectEqual([metadata['format-version'], metadata['current-snapshot-id']], [2, null], 'version, head')
      const other = await fixture.other.loadTable(TABLE)
      expectEqual(other.metadata, metadata, 'metadata as another client loads it')
      expectEqual(other.metadataLocation, created.metadataLocation, 'metadata location')
      expectEqual(other.snapshotsComplete, true, 'all snapshots')
    },
  },
  {
    name: 'a table is listed and found under its exact name',
    run: async (fixture) => {
      await withTable(fixture)
      const { other } = fixture
      expectEqual(await other.listTables(NAMESPACE), [TABLE], 'list')
      expectEqual(await other.tableExists(TABLE), true, 'exists')
      for (const name of ['EVENTS', 'event_', 'events ', 'event']) {
        expectEqual(await other.tableExists({ namespace: NAMESPACE, name }), false, name)
      }
      await expectError(
        other.loadTable({ namespace: NAMESPACE, name: 'none' }),
        NoSuchTableError,
        'load of another name',
      )
    },
  },
  {
    name: 'format version, location and properties are as asked for',
    run: async ({ catalog, outside }) => {
      await catalog.createNamespace(NAMESPACE)
      const location = `${outside}/chosen`
      const properties = { 'format-version': '1', a: 'b' }
      const { metadata } = await catalog.createTable(TABLE, { ...REQUEST, location, properties })
      expectEqual([metadata['format-version'], metadata.location], [1, location], 'version, location')
      expectEqual(metadata.properties, { a: 'b' }, 'properties')
    },
  },
  {
    name: 'a second create is refused and leaves the first alone',
    run: async (fixture) => {
      const { metadata } = await withTable(fixture)
      await expectError(fixture.other.createTable(TABLE, REQUEST), TableAlreadyExistsError, 'again')
      const now = await fixture.other.loadTable(TABLE)
      expectEqual(now.metadata['table-uuid'], metadata['table-uuid'], 'uuid')
    },
  },
  {
    name: 'of several creates at once exactly one wins, and the losers leave no file',
    run: async ({ catalog, other, store }) => {
      await catalog.createNamespace(NAMESPACE)
      const creates = [catalog, other, catalog, other, catalog, other].map((client) =>
        client.createTable(TABLE, REQUEST),
      )
      const results = await Promise.allSettled(creates)
      const [winner, ...more] = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      const errors = results.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
      expectEqual([more.length, errors.length], [0, 5], 'other winners, losers')
      for (const error of errors) expectThat(error instanceof TableAlreadyExistsError, 'the losers hear why')
      const now = await other.loadTable(TABLE)
      expectEqual(now.metadata['table-uuid'], winner?.metadata['table-uuid'], "the winner's table")
      if (store === null || now.metadataLocation === null) return
      const warehouse = now.metadata.location.slice(0, now.metadata.location.lastIndexOf('/') + 1)
      const files = (await collect(store.list(warehouse))).map(({ location }) => location)
      expectEqual(files, [now.metadataLocation], 'files of the namespace')
    },
  },
  {
    name: 'a table that is made again under its old name gets another folder',
    needs: (traits) => traits.metadataFiles,
    run: async (fixture) => {
      const { catalog, other } = fixture
      const first = await withTable(fixture)
      await catalog.renameTable(TABLE, { namespace: NAMESPACE, name: 'old' })
      const second = await other.createTable(TABLE, REQUEST)
      const { location: a } = first.metadata
      const { location: b } = second.metadata
      expectThat(!isWithin(a, b) && !isWithin(b, a), 'two folders, none in the other')
    },
  },
  {
    name: "a namespace's location property decides where its tables go",
    needs: (traits) => traits.metadataFiles && traits.namespaceProperties,
    run: async ({ catalog, outside }) => {
      await catalog.createNamespace(NAMESPACE, { location: `${outside}/place` })
      const { metadata } = await catalog.createTable(TABLE, REQUEST)
      expectThat(isWithin(metadata.location, `${outside}/place`), 'within the location')
    },
  },
  {
    name: 'no name leads out of the warehouse',
    needs: (traits) => traits.metadataFiles,
    run: async ({ catalog }) => {
      await catalog.createNamespace(NAMESPACE)
      const usual = (await catalog.createTable(TABLE, REQUEST)).metadata.location
      const folder = usual.slice(0, usual.lastIndexOf('/'))
      for (const name of ['a/b', '/etc', '\\x', '~', '%2e%2e', '#?', 'é 雪', '-'.repeat(255)]) {
        const { metadata } = await catalog.createTable({ namespace: NAMESPACE, name }, REQUEST)
        expectEqual(metadata.location.slice(0, metadata.location.lastIndexOf('/')), folder, name)
        expectThat(!/[#?]/.test(metadata.location), `${name}: nothing that others cut at`)
      }
    },
  },
  {
    name: 'a table is renamed, also into another namespace',
    run: async (fixture) => {
      const { catalog, other } = fixture
      const { metadata } = await withTable(fixture)
      await catalog.createNamespace(['ns_2'])
      const to = { namespace: ['ns_2'], name: 'moved' }
      await catalog.renameTable(TABLE, to)
      expectEqual(await other.tableExists(TABLE), false, 'the old name')
      expectEqual((await other.loadTable(to)).metadata, metadata, 'metadata')
      await catalog.commitTable(to, { requirements: [], updates: [setProperty('after', 'rename')] })
      expectEqual((await other.loadTable(to)).metadata.properties['after'], 'rename', 'a commit after it')
    },
  },
  {
    name: 'a rename neither replaces nor invents',
    run: async (fixture) => {
      const { catalog, other } = fixture
      await withTable(fixture)
      const second = { namespace: NAMESPACE, name: 'second' }
      const missing = { namespace: NAMESPACE, name: 'missing' }
      const { metadata } = await catalog.createTable(second, REQUEST)
      await expectError(other.renameTable(TABLE, second), TableAlreadyExistsError, 'onto another')
      await expectError(other.renameTable(missing, { ...missing, name: 'x' }), NoSuchTableError, 'of none')
      await expectError(
        other.renameTable(TABLE, { namespace: ['nowhere'], name: 'x' }),
        NoSuchNamespaceError,
        'into no namespace',
      )
      expectEqual((await other.loadTable(second)).metadata, metadata, 'the other table')
      expectEqual((await other.listTables(NAMESPACE)).length, 2, 'tables')
    },
  },
  {
    name: 'a dropped table is gone, its files stay',
    run: async (fixture) => {
      const { catalog, other, store } = fixture
      const { metadataLocation } = await withTable(fixture)
      await catalog.dropTable(TABLE)
      expectEqual(await other.tableExists(TABLE), false, 'exists')
      await expectError(other.loadTable(TABLE), NoSuchTableError, 'load')
      await expectError(other.dropTable(TABLE), NoSuchTableError, 'drop again')
      await expectError(
        other.commitTable(TABLE, { requirements: [], updates: [setProperty('a', 'b')] }),
        NoSuchTableError,
        'commit',
      )
      if (store !== null && metadataLocation !== null) await store.head(metadataLocation)
    },
  },
  {
    name: 'a table is registered from its metadata file, as it is',
    needs: (traits) => traits.metadataFiles,
    run: async (fixture) => {
      const { catalog, other } = fixture
      const { metadata, metadataLocation } = await withTable(fixture)
      expectThat(metadataLocation !== null, 'there is a metadata file')
      const location = metadataLocation ?? ''
      await catalog.dropTable(TABLE)
      const id = { namespace: NAMESPACE, name: 'registered' }
      const registered = await catalog.registerTable(id, location)
      expectEqual([registered.metadata, registered.metadataLocation], [metadata, location], 'answer')
      expectEqual((await other.loadTable(id)).metadataLocation, location, 'as loaded')
      await expectError(other.registerTable(id, location), TableAlreadyExistsError, 'again')
      const nowhere = { namespace: ['nowhere'], name: 'x' }
      await expectError(other.registerTable(nowhere, location), NoSuchNamespaceError, 'no namespace')
      const lost = other.registerTable({ namespace: NAMESPACE, name: 'lost' }, `${location}.gone`)
      await expectError(lost, MissingFileError, 'no file')
    },
  },
  {
    name: 'one broken table stops neither the listing nor its own drop',
    needs: (traits) => traits.metadataFiles,
    run: async (fixture) => {
      const { catalog, other, store } = fixture
      await withTable(fixture)
      const ids = ['broken', 'whole'].map((name) => ({ namespace: NAMESPACE, name }))
      const [broken = TABLE, whole = TABLE] = ids
      const { metadataLocation } = await catalog.createTable(broken, REQUEST)
      await catalog.createTable(whole, REQUEST)
      await store?.delete([metadataLocation ?? ''])
      for (const client of [catalog, other]) {
        const error = await expectError(client.loadTable(broken), MissingFileError, 'load')
        expectEqual(error.file, metadataLocation ?? undefined, 'the file that the error names')
      }
      expectEqual((await other.listTables(NAMESPACE)).length, 3, 'tables')
      expectEqual(await other.tableExists(broken), true, 'exists')
      await other.loadTable(whole)
      await other.dropTable(broken)
      expectEqual((await catalog.listTables(NAMESPACE)).length, 2, 'tables afterwards')
    },
  },
  {
    name: 'a metadata file is complete before the catalog points to it',
    needs: (traits) => traits.metadataFiles,
    run: async (fixture) => {
      const { metadata, metadataLocation } = await withTable(fixture)
      const location = metadataLocation ?? ''
      const bytes = (await fixture.store?.get(location)) ?? new Uint8Array()
      expectEqual(parseTableMetadata(bytes, location), metadata, 'the file')
      expectThat(/\/metadata\/00000-[0-9a-f-]{36}\.metadata\.json$/.test(location), 'its name')
    },
  },
]
