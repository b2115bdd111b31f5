/** The end of a manager: no new work, no scans, but commits under way come to their end. */
import { managerMethods } from '../../support/api.ts'
import { createEvents, equal, EVENTS, EVENTS_CONFIG, fails } from './case.ts'
import type { ManagerCase } from './case.ts'

const CLOSED = { code: 'FLOEBERG_MANAGER_CLOSED' }

export const CLOSE_CASES: readonly ManagerCase[] = [
  {
    name: 'close: refuses every operation, and is idempotent',
    run: async (manager) => {
      const events = await createEvents(manager)
      await manager.writeData(events, [{ id: 1n }])
      const plan = await manager.planExpireSnapshots(events)
      await Promise.all([manager.close(), manager.close()])
      await manager.close()
      const operations: Readonly<Record<string, () => unknown>> = {
        createTable: () => manager.createTable({ ...EVENTS_CONFIG, name: 'x' }),
        loadTable: () => manager.loadTable('demo.events'),
        tableExists: () => manager.tableExists('demo.events'),
        listTables: () => manager.listTables('demo'),
        renameTable: () => manager.renameTable('demo.events', 'demo.x'),
        registerTable: () => manager.registerTable('demo.x', events.metadataLocation ?? ''),
        dropTable: () => manager.dropTable('demo.events'),
        transaction: () => manager.transaction(events, (tx) => tx.writeData([{ id: 2n }])),
        updateProperties: () => manager.updateProperties(events, { set: { a: 'b' } }),
        upgradeFormatVersion: () => manager.upgradeFormatVersion(events, 3),
        writeData: () => manager.writeData(events, [{ id: 2n }]),
        inferSchema: () => manager.inferSchema({ rows: [{ a: 1n }] }),
        listSnapshots: () => manager.listSnapshots(events),
        deleteRows: () => manager.deleteRows(events, 'id = 1'),
        planDeleteRows: () => manager.planDeleteRows(events, 'id = 1'),
        planUpdateRows: () => manager.planUpdateRows(events, { kind: 'b' }, 'id = 1'),
        planWriteData: () => manager.planWriteData(events, [{ id: 1n }], { mode: 'overwrite' }),
        planSchemaEvolution: () =>
          manager.planSchemaEvolution(events, [{ type: 'delete_column', name: 'kind' }]),
        updateRows: () => manager.updateRows(events, { kind: 'b' }, 'id = 1'),
        evolveSchema: () => manager.evolveSchema(events, [{ type: 'delete_column', name: 'kind' }]),
        evolvePartitionSpec: () => manager.evolvePartitionSpec(events, [{ type: 'add_field', source: 'id' }]),
        replaceSortOrder: () => manager.replaceSortOrder(events, []),
        schemaHistory: () => manager.schemaHistory(events),
        manageSnapshots: () => manager.manageSnapshots(events).createTag('q1').commit(),
        rollbackToSnapshot: () => manager.rollbackToSnapshot(events, 1n),
        compareSchemas: () => manager.compareSchemas(EVENTS, events),
        addFiles: () => manager.addFiles(events, ['x.parquet']),
        openTable: () => manager.openTable(events.location),
        sql: () => manager.sql('select 1'),
        exportTable: () => manager.exportTable(events, 'x.csv'),
        planExpireSnapshots: () => manager.planExpireSnapshots(events),
        expireSnapshots: () => manager.expireSnapshots(events),
        execute: () => manager.execute(plan),
        planOrphanFiles: () => manager.planOrphanFiles(events),
        removeOrphanFiles: () => manager.removeOrphanFiles(events),
        planRepair: () => manager.planRepair('demo.events'),
        repairTable: () => manager.repairTable('demo.events'),
        planRelocate: () => manager.planRelocate(events, { to: 'memory://bucket/moved' }),
        relocateTable: () => manager.relocateTable(events, { to: 'memory://bucket/moved' }),
        compactTable: () => manager.compactTable(events),
        planCompaction: () => manager.planCompaction(events),
        rewriteManifests: () => manager.rewriteManifests(events),
        planRewriteManifests: () => manager.planRewriteManifests(events),
        rewritePositionDeletes: () => manager.rewritePositionDeletes(events),
        planRewritePositionDeletes: () => manager.planRewritePositionDeletes(events),
        createNamespace: () => manager.createNamespace('x'),
        listNamespaces: () => manager.listNamespaces(),
        namespaceExists: () => manager.namespaceExists('demo'),
        loadNamespace: () => manager.loadNamespace('demo'),
        updateNamespace: () => manager.updateNamespace('demo', {}),
        dropNamespace: () => manager.dropNamespace('demo'),
        refresh: () => events.refresh(),
        scan: () => events.scan().toArray(),
        count: () => events.scan().count(),
        plan: () => events.scan().plan(),
        toFile: () => events.scan().toFile('x.csv'),
        toView: () => events.scan().toView({ run: async () => null }, 'x'),
        'inspect manifests': () => events.inspect.manifests(),
        'inspect files': () => events.inspect.files(),
        'inspect partitions': () => events.inspect.partitions(),
      }
      equal(
        managerMethods().filter((method) => !(method in operations)),
        [],
        'operations of the API that are not tried here',
      )
      for (const [name, operation] of Object.entries(operations)) await fails(operation, CLOSED, name)
    },
  },
  {
    name: 'close: aborts scans',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.writeData(
        events,
        Array.from({ length: 20_000 }, (_, i) => ({ id: BigInt(i) })),
      )
      let closing: Promise<void> | null = null
      const run = async (): Promise<void> => {
        for await (const _ of events.scan()) closing ??= manager.close()
      }
      await fails(run, CLOSED)
      await closing
      equal(await world.temporaries(), [])
    },
  },
  {
    name: 'close: waits for what is under way',
    run: async (_, world) => {
      const manager = await world.open()
      const events = await createEvents(manager)
      let go: () => void = () => {}
      const gate = new Promise<void>((resolve) => {
        go = resolve
      })
      async function* source() {
        yield { id: 1n }
        await gate
        yield { id: 2n }
      }
      const writing = manager.writeData(events, source())
      let closed = false
      const closing = manager.close().then(() => {
        closed = true
      })
      await fails(() => manager.listNamespaces(), CLOSED)
      equal(closed, false)
      go()
      equal((await writing).rows, 2)
      await closing
      const after = await world.openAside()
      equal(await (await after.loadTable('demo.events')).scan().count(), 2)
      await after.close()
    },
  },
  {
    name: 'close: by await using',
    run: async (_, world) => {
      const manager = await world.open()
      await manager[Symbol.asyncDispose]()
      await fails(() => manager.listNamespaces(), CLOSED)
    },
  },
]
