/** Tables and namespaces as things of the catalog. */
import { t, table, type DeclaredSchema } from '../../../src/index.ts'
import { createEvents, equal, EVENTS, EVENTS_CONFIG, fails, failsCleanly, isTrue, rowsOf } from './case.ts'
import type { ManagerCase } from './case.ts'

export const TABLE_CASES: readonly ManagerCase[] = [
  {
    name: 'loadTable: a table that is not there, and one that is not as declared',
    run: async (manager) => {
      await createEvents(manager)
      await fails(() => manager.loadTable('demo.nowhere'), {
        code: 'FLOEBERG_NO_SUCH_TABLE',
        table: 'demo.nowhere',
      })
      await fails(() => manager.loadTable('nowhere.t'), { code: 'FLOEBERG_NO_SUCH_TABLE' })
      equal((await manager.loadTable('demo.events', { schema: EVENTS })).name, 'demo.events')
      // Columns that rows may leave out need not be declared.
      await manager.loadTable('demo.events', { schema: table({ id: t.long().required() }) })
      const mismatches = [
        ['more', table({ id: t.long().required(), more: t.string() })],
        ['id', table({ id: t.int().required() })],
        ['id', table({ id: t.long() })],
        ['id', table({ kind: t.string() })],
        ['kind', table({ id: t.long().required(), kind: t.string().required() })],
      ] as const
      for (const [column, schema] of mismatches) {
        const declared: DeclaredSchema = schema
        await fails(() => manager.loadTable('demo.events', { schema: declared }), {
          code: 'FLOEBERG_SCHEMA_MISMATCH',
          column,
          table: 'demo.events',
        })
      }
    },
  },
  {
    name: 'tableExists and listTables',
    run: async (manager) => {
      await createEvents(manager)
      equal(await manager.tableExists('demo.events'), true)
      equal(await manager.tableExists('demo.nowhere'), false)
      equal(await manager.tableExists({ namespace: ['nowhere'], name: 'events' }), false)
      equal(await manager.listTables('demo'), [{ namespace: ['demo'], name: 'events' }])
      await fails(() => manager.listTables('nowhere'), { code: 'FLOEBERG_NO_SUCH_NAMESPACE' })
    },
  },
  {
    name: 'renameTable: the files stay, the name moves',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.writeData(events, [{ id: 1n }])
      await manager.createNamespace('other')
      const before = await world.objects()
      await manager.renameTable('demo.events', 'other.moved')
      equal(await world.objects(), before)
      equal(await manager.tableExists('demo.events'), false)
      equal(await (await manager.loadTable('other.moved')).scan().count(), 1)
      await fails(() => manager.renameTable('demo.events', 'demo.x'), { code: 'FLOEBERG_NO_SUCH_TABLE' })
      await fails(() => manager.renameTable('other.moved', 'nowhere.x'), {
        code: 'FLOEBERG_NO_SUCH_NAMESPACE',
      })
      const again = await manager.createTable(EVENTS_CONFIG)
      isTrue(again.location !== events.location, 'the new table has a folder of its own')
      await fails(() => manager.renameTable('other.moved', 'demo.events'), {
        code: 'FLOEBERG_TABLE_ALREADY_EXISTS',
      })
    },
  },
  {
    name: 'registerTable: adopts a table by its metadata file',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.writeData(events, [{ id: 1n, kind: 'a' }])
      const location = events.metadataLocation ?? ''
      await manager.dropTable('demo.events')
      const back = await manager.registerTable('demo.back', location)
      equal([back.uuid, back.metadataLocation], [events.uuid, location])
      equal(await rowsOf(back), ['{"id":"1n","kind":"a","at":null}'])
      await fails(() => manager.registerTable('demo.back', location), {
        code: 'FLOEBERG_TABLE_ALREADY_EXISTS',
      })
      await fails(() => manager.registerTable('nowhere.t', location), { code: 'FLOEBERG_NO_SUCH_NAMESPACE' })
      const missing = `${world.warehouse}/none/00000.metadata.json`
      await fails(() => manager.registerTable('demo.more', missing), {
        code: 'FLOEBERG_MISSING_FILE',
        file: missing,
      })
      const [data = ''] = (await world.objects()).filter((object) => object.endsWith('.parquet'))
      await fails(() => manager.registerTable('demo.more', data), {
        code: 'FLOEBERG_CORRUPT_FILE',
        file: data,
      })
      equal(await manager.listTables('demo'), [{ namespace: ['demo'], name: 'back' }])
    },
  },
  {
    name: 'dropTable: files stay',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.writeData(events, [{ id: 1n }])
      const before = await world.objects()
      equal(await manager.dropTable('demo.events'), null)
      equal(await world.objects(), before)
      await fails(() => manager.dropTable('demo.events'), { code: 'FLOEBERG_NO_SUCH_TABLE' })
      await fails(() => manager.dropTable('demo.events', { purge: true }), { code: 'FLOEBERG_NO_SUCH_TABLE' })
      await fails(() => events.refresh(), { code: 'FLOEBERG_NO_SUCH_TABLE' })
    },
  },
  {
    name: 'dropTable: purge deletes what the metadata reaches and nothing else',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.createTable({ ...EVENTS_CONFIG, name: 'neighbour' })
      const neighbours = (await world.objects()).filter((object) => !object.startsWith(`${events.location}/`))
      for (const id of [1n, 2n]) await manager.writeData(events, [{ id }])
      await manager.updateProperties(events, { set: { a: 'b' } })
      const strangers = [`${events.location}/data/stranger.parquet`, `${events.location}/notes.txt`]
      for (const stranger of strangers) await world.store().put(stranger, new Uint8Array([1]))
      const before = await world.objects()
      const result = await manager.dropTable('demo.events', { purge: true })
      equal(await world.objects(), [...neighbours, ...strangers].sort())
      equal(result, { deletedFiles: before.length - neighbours.length - 2, keptFiles: [], failure: null })
    },
  },
  {
    name: 'dropTable: gc.enabled=false forbids a purge, before the drop',
    run: async (manager, world) => {
      const events = await createEvents(manager, { 'gc.enabled': 'false' })
      await manager.writeData(events, [{ id: 1n }])
      await failsCleanly(world, () => manager.dropTable('demo.events', { purge: true }), {
        code: 'FLOEBERG_INVALID_ARGUMENT',
        table: 'demo.events',
      })
      equal(await manager.tableExists('demo.events'), true)
      await manager.dropTable('demo.events')
    },
  },
  {
    name: 'updateProperties: sets, removes, refuses, and does nothing where nothing is to be done',
    run: async (manager, world) => {
      const events = await createEvents(manager, { keep: '1', gone: '1' })
      const same = await manager.updateProperties(events, { set: { added: '' }, remove: ['gone', 'never'] })
      equal(same === events, true, 'the handle itself moves on')
      equal(events.properties, { keep: '1', added: '' })
      const location = events.metadataLocation
      await manager.updateProperties(events, { set: { added: '' }, remove: ['gone'] })
      equal(events.metadataLocation, location)
      await failsCleanly(
        world,
        () => manager.updateProperties(events, { set: { 'commit.retry.num-retries': '-1' } }),
        { code: 'FLOEBERG_INVALID_TABLE_CONFIG', path: 'properties.commit.retry.num-retries' },
      )
      equal((await manager.loadTable('demo.events')).properties, { keep: '1', added: '' })
    },
  },
  {
    name: 'upgradeFormatVersion: one way; version 3 is not written to yet',
    run: async (manager, world) => {
      await manager.createNamespace('demo')
      const events = await manager.createTable({ ...EVENTS_CONFIG, formatVersion: 1 })
      await manager.writeData(events, [{ id: 1n }])
      await manager.upgradeFormatVersion(events, 2)
      await manager.writeData(events, [{ id: 2n }])
      equal(events.formatVersion, 2)
      equal((await manager.loadTable('demo.events')).metadata['last-sequence-number'], 1)
      await failsCleanly(world, () => manager.upgradeFormatVersion(events, 1), {
        code: 'FLOEBERG_INVALID_ARGUMENT',
      })
      await manager.upgradeFormatVersion(events, 3)
      await failsCleanly(world, () => manager.writeData(events, [{ id: 3n }]), {
        code: 'FLOEBERG_UNSUPPORTED_FEATURE',
        table: 'demo.events',
      })
      equal(await events.scan().count(), 2)
    },
  },
  {
    name: 'two managers: a handle sees what it saw until it is refreshed',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      const other = await world.openAside()
      const theirs = await other.loadTable('demo.events')
      await other.writeData(theirs, [{ id: 1n, kind: 'a' }])
      equal(await events.scan().count(), 0)
      equal((await events.refresh()) === events, true)
      equal(await events.scan().count(), 1)
      // A commit from an old state is made again on the new one; nothing is lost.
      await manager.writeData(theirs, [{ id: 2n }])
      await manager.writeData(events, [{ id: 3n }])
      equal(await events.scan().count(), 3)
      await other.close()
    },
  },
]

export const NAMESPACE_CASES: readonly ManagerCase[] = [
  {
    name: 'namespaces: created, listed, changed, dropped',
    run: async (manager) => {
      await manager.createNamespace('a', { owner: 'us' })
      await manager.createNamespace(['b'])
      await fails(() => manager.createNamespace('a'), { code: 'FLOEBERG_NAMESPACE_ALREADY_EXISTS' })
      equal(await manager.listNamespaces(), [['a'], ['b']])
      equal([await manager.namespaceExists('a'), await manager.namespaceExists('c')], [true, false])
      await manager.updateNamespace('a', { set: { team: 'x' }, remove: ['owner'] })
      equal(await manager.loadNamespace('a'), { team: 'x' })
      await fails(() => manager.loadNamespace('c'), { code: 'FLOEBERG_NO_SUCH_NAMESPACE' })
      await fails(() => manager.updateNamespace('c', {}), { code: 'FLOEBERG_NO_SUCH_NAMESPACE' })
      await fails(() => manager.updateNamespace('a', { set: { k: '' }, remove: ['k'] }), {
        code: 'FLOEBERG_INVALID_ARGUMENT',
      })
      await manager.createTable({ ...EVENTS_CONFIG, namespace: 'a' })
      await fails(() => manager.dropNamespace('a'), { code: 'FLOEBERG_NAMESPACE_NOT_EMPTY' })
      await manager.dropNamespace('b')
      await fails(() => manager.dropNamespace('b'), { code: 'FLOEBERG_NO_SUCH_NAMESPACE' })
      equal(await manager.listNamespaces(), [['a']])
    },
  },
  {
    name: 'namespaces: of several levels',
    run: async (manager) => {
      await manager.createNamespace(['a', 'b'])
      equal(await manager.listNamespaces(), [['a']])
      equal(await manager.listNamespaces('a'), [['a', 'b']])
      const inner = await manager.createTable({ ...EVENTS_CONFIG, namespace: ['a', 'b'] })
      equal(inner.name, 'a.b.events')
      equal(await manager.listTables(['a', 'b']), [{ namespace: ['a', 'b'], name: 'events' }])
      equal(await manager.listTables('a'), [])
      await fails(() => manager.dropNamespace('a'), { code: 'FLOEBERG_NAMESPACE_NOT_EMPTY' })
    },
  },
]
