/** Every operation that changes something, each with a state to start from: what the sweeps strike. */
import { managerMethods } from '../support/api.ts'
import { refText, rowText, type Observation } from '../support/observe.ts'
import {
  MissingFileError,
  t,
  table,
  type ExpirePlan,
  type IcebergTableManager,
  type Table,
  type Transaction,
} from '../../src/index.ts'

/** One operation, as a user calls it. */
export interface SweptOperation {
  /** The manager's method. */
  readonly method: string
  /** Which of its ways, where it has several. */
  readonly variant: string
  /** Makes the state that the operation meets. */
  readonly prepare: (manager: IcebergTableManager) => Promise<void>
  /** Gets the table that the operation is given, before any fault; absent where it takes none. */
  readonly handle?: (manager: IcebergTableManager) => Promise<Table>
  readonly run: (call: SweptCall) => Promise<unknown>
  /** Brings an operation to its end that fulfilled and kept files because of a fault. */
  readonly finish?: (manager: IcebergTableManager, kept: readonly string[]) => Promise<void>
  /** Whole states between old and new, where the operation is documented to be several steps. */
  readonly stages?: (before: Observation) => readonly Observation[]
  /** Its effect is seen in the files alone: the tables look the same afterwards. */
  readonly inFilesOnly?: boolean
  /** What a try that failed has written stays, for the next one to go on with. */
  readonly resumes?: boolean
}

export interface SweptCall {
  readonly manager: IcebergTableManager
  /** What `handle` answered. */
  readonly table: () => Table
  readonly signal: AbortSignal
}

const events = table({ id: t.long().required(), kind: t.string() })
const REPLACEMENT = table({ id: t.long().required(), extra: t.int() })
const ID = 'demo.events'
const row = (id: bigint): { readonly id: bigint; readonly kind: string } => ({ id, kind: `k${id % 2n}` })

const NARROW = [
  [1n, 2n],
  [3n, 4n],
]
/** So many rows in a file that deleting one of them is cheaper than writing the others again. */
const WIDE = [Array.from({ length: 2000 }, (_, id) => BigInt(id))]

/** What every mutation meets: a namespace with a table of a few snapshots, and an empty one. */
async function prepareTable(
  manager: IcebergTableManager,
  properties: Readonly<Record<string, string>> = {},
  batches: readonly (readonly bigint[])[] = NARROW,
): Promise<void> {
  await manager.createNamespace('demo')
  await manager.createNamespace('empty', { owner: 'nobody' })
  const created = await manager.createTable({
    namespace: 'demo',
    name: 'events',
    schema: events,
    partitionSpec: [{ source: 'kind' }],
    properties,
  })
  for (const ids of batches) await manager.writeData(created, ids.map(row))
}

const handle = (manager: IcebergTableManager): Promise<Table> => manager.loadTable(ID)

/** A log of one entry, cleaned after each commit, so that a commit deletes something too. */
const SHORT_LOG = {
  'write.metadata.previous-versions-max': '1',
  'write.metadata.delete-after-commit.enabled': 'true',
}
const MERGE_AT_ONCE = { 'commit.manifest.min-count-to-merge': '2' }

/** Data files that a table had, and has no longer. */
const REMOVED = new WeakMap<Table, readonly string[]>()

/** Rows that others took the place of, so that their snapshots have files of their own. */
async function prepareHistory(manager: IcebergTableManager): Promise<void> {
  await prepareTable(manager, SHORT_LOG)
  await manager.writeData(await handle(manager), [row(5n)], { mode: 'overwrite' })
}

const oldSnapshots = (of: Table): readonly bigint[] =>
  of.metadata.snapshots.slice(0, 2).map((snapshot) => snapshot['snapshot-id'])

/** What was executed last, by the catalog's name: how a failed deletion is brought to its end. */
const EXPIRY_PLANS = new Map<string, ExpirePlan>()

async function finishExpiry(manager: IcebergTableManager): Promise<void> {
  const plan = EXPIRY_PLANS.get(manager.catalog.name)
  if (plan === undefined) throw new Error('Nothing was executed')
  const { failure } = await manager.execute(plan)
  if (failure !== null) throw new Error('The second execution failed', { cause: failure })
}

export const SWEPT_OPERATIONS: readonly SweptOperation[] = [
  {
    method: 'createTable',
    variant: 'by name',
    prepare: prepareTable,
    run: ({ manager, signal }) =>
      manager.createTable({ namespace: 'demo', name: 'fresh', schema: events }, { signal }),
  },
  {
    method: 'createTable',
    variant: 'with its namespace, at a location',
    prepare: prepareTable,
    run: ({ manager, signal }) =>
      manager.createTable(
        {
          namespace: 'fresh',
          name: 'events',
          schema: events,
          location: manager.catalog.capabilities.dotsInNames ? 'memory://bucket/wh/elsewhere' : undefined,
        },
        { createNamespace: true, ifNotExists: true, signal },
      ),
    // A namespace that was made for the table may be in use by others at once: it stays.
    stages: (before) => [{ ...before, namespaces: { ...before.namespaces, fresh: {} } }],
  },
  {
    method: 'renameTable',
    variant: 'into another namespace',
    prepare: prepareTable,
    run: ({ manager, signal }) => manager.renameTable(ID, 'empty.moved', { signal }),
  },
  {
    method: 'registerTable',
    variant: 'of a dropped table',
    prepare: async (manager) => {
      await prepareTable(manager)
      const { metadataLocation } = await handle(manager)
      await manager.dropTable(ID)
      await manager.updateNamespace('demo', { set: { metadataLocation: metadataLocation ?? '' } })
    },
    run: async ({ manager, signal }) => {
      const { metadataLocation } = await manager.loadNamespace('demo', { signal })
      await manager.registerTable('demo.again', metadataLocation ?? '', { signal })
    },
  },
  {
    method: 'dropTable',
    variant: 'files kept',
    prepare: prepareTable,
    run: ({ manager, signal }) => manager.dropTable(ID, { signal }),
  },
  {
    method: 'dropTable',
    variant: 'purge',
    prepare: prepareTable,
    run: ({ manager, signal }) => manager.dropTable(ID, { purge: true, signal }),
    finish: async (manager, kept) => {
      const newest = kept
        .filter((file) => file.endsWith('.metadata.json'))
        .sort()
        .at(-1)
      // The very last deletion failed: there is nothing left that the table could be brought back with.
      if (newest === undefined) return
      try {
        await manager.registerTable('demo.back', newest)
      } catch (error) {
        // Its deletion took effect, and only the answer was an error.
        if (error instanceof MissingFileError) return
        throw error
      }
      const again = await manager.dropTable('demo.back', { purge: true })
      if (again?.failure !== null) throw new Error('The second purge failed', { cause: again?.failure })
    },
  },
  {
    method: 'updateProperties',
    variant: 'set and removed',
    prepare: (manager) => prepareTable(manager, { ...SHORT_LOG, gone: 'soon' }),
    handle,
    run: ({ manager, table, signal }) =>
      manager.updateProperties(table(), { set: { added: 'now' }, remove: ['gone'] }, { signal }),
  },
  {
    method: 'upgradeFormatVersion',
    variant: 'to 3',
    prepare: prepareTable,
    handle,
    run: ({ manager, table, signal }) => manager.upgradeFormatVersion(table(), 3, { signal }),
  },
  {
    method: 'writeData',
    variant: 'append, fast_append',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) => manager.writeData(table(), [row(5n), row(6n)], { signal }),
  },
  {
    method: 'writeData',
    variant: 'append, merge_commit',
    prepare: (manager) => prepareTable(manager, MERGE_AT_ONCE),
    handle,
    run: ({ manager, table, signal }) =>
      manager.writeData(table(), [row(5n), row(6n)], { commitStrategy: 'merge_commit', signal }),
  },
  {
    method: 'writeData',
    variant: 'append, with a column of its own',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) =>
      manager.writeData(table(), [{ ...row(5n), extra: 1 }], { schemaMode: 'merge', signal }),
  },
  {
    method: 'deleteRows',
    variant: 'of one file and of all of another',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) => manager.deleteRows(table(), "id = 1 or kind = 'k0'", { signal }),
  },
  {
    method: 'updateRows',
    variant: 'of one file',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) => manager.updateRows(table(), { kind: 'new' }, 'id = 1', { signal }),
  },
  {
    method: 'evolveSchema',
    variant: 'several changes, with properties of columns',
    prepare: (manager) =>
      prepareTable(manager, { ...SHORT_LOG, 'write.metadata.metrics.column.kind': 'full' }),
    handle,
    run: ({ manager, table, signal }) =>
      manager.evolveSchema(
        table(),
        [
          { type: 'rename_column', name: 'kind', newName: 'sort' },
          { type: 'add_column', name: 'at', fieldType: 'timestamp' },
        ],
        { signal },
      ),
  },
  {
    method: 'evolveSchema',
    variant: 'a column becomes required, for which its data is looked at',
    prepare: prepareTable,
    handle,
    run: ({ manager, table, signal }) =>
      manager.evolveSchema(table(), [{ type: 'make_required', name: 'kind' }], {
        allowIncompatibleChanges: true,
        signal,
      }),
  },
  {
    method: 'evolvePartitionSpec',
    variant: 'one field for another',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) =>
      manager.evolvePartitionSpec(
        table(),
        [{ type: 'replace_field', field: 'kind', source: 'id', transform: 'bucket[4]' }],
        { signal },
      ),
  },
  {
    method: 'replaceSortOrder',
    variant: 'by a first one',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) => manager.replaceSortOrder(table(), [{ source: 'id' }], { signal }),
  },
  {
    method: 'writeData',
    variant: 'overwrite',
    prepare: prepareTable,
    handle,
    run: ({ manager, table, signal }) =>
      manager.writeData(table(), [row(5n), row(6n)], { mode: 'overwrite', signal }),
  },
  {
    method: 'writeData',
    variant: 'overwrite of a filter',
    prepare: prepareTable,
    handle,
    run: ({ manager, table, signal }) =>
      manager.writeData(table(), [row(5n)], { mode: 'overwrite', overwriteFilter: 'id < 3', signal }),
  },
  {
    method: 'writeData',
    variant: 'upsert',
    prepare: prepareTable,
    handle,
    run: ({ manager, table, signal }) =>
      manager.writeData(table(), [{ id: 1n, kind: 'new' }, row(5n)], {
        mode: 'upsert',
        joinColumns: ['id'],
        signal,
      }),
  },
  {
    method: 'deleteRows',
    variant: 'merge-on-read',
    prepare: (manager) => prepareTable(manager, { 'write.delete.mode': 'merge-on-read' }, WIDE),
    handle,
    run: ({ manager, table, signal }) => manager.deleteRows(table(), 'id = 1', { signal }),
  },
  {
    method: 'compactTable',
    variant: 'of files with and without deletes',
    prepare: async (manager) => {
      await prepareTable(manager, { 'write.delete.mode': 'merge-on-read' }, [...WIDE, [3000n, 3001n]])
      await manager.deleteRows(await handle(manager), 'id = 1')
    },
    handle,
    run: ({ manager, table, signal }) => manager.compactTable(table(), { minInputFiles: 2, signal }),
  },
  {
    method: 'compactTable',
    variant: 'sorted, with partial progress',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) =>
      manager.compactTable(table(), {
        strategy: 'sort',
        sortBy: [{ source: 'id', direction: 'desc' }],
        minInputFiles: 2,
        partialProgressEnabled: true,
        signal,
      }),
    // Each group is a commit of its own, and stays when a later one fails.
    stages: (before) => [withSnapshot(before, 'replace 4')],
  },
  {
    method: 'manageSnapshots',
    variant: 'tags and branches, in one commit',
    prepare: async (manager) => {
      await prepareTable(manager, SHORT_LOG)
      await manager
        .manageSnapshots(await handle(manager))
        .createTag('old')
        .createBranch('audit')
        .commit()
    },
    handle,
    run: ({ manager, table, signal }) =>
      manager
        .manageSnapshots(table())
        .removeTag('old')
        .createTag('new', { maxRefAgeMs: 1000 })
        .renameBranch('audit', 'audited')
        .setRetention('main', { minSnapshotsToKeep: 3 })
        .commit({ signal }),
  },
  {
    method: 'manageSnapshots',
    variant: 'a branch of an empty table',
    prepare: (manager) => prepareTable(manager, {}, []),
    handle,
    run: ({ manager, table, signal }) =>
      manager.manageSnapshots(table()).createBranch('audit').commit({ signal }),
  },
  {
    method: 'manageSnapshots',
    variant: 'an append and replaced partitions published',
    prepare: async (manager) => {
      await prepareTable(manager, SHORT_LOG)
      const events = await handle(manager)
      const stage = (id: string) => ({ stageOnly: true, snapshotProperties: { 'wap.id': id } })
      await manager.writeData(events, [row(5n)], stage('appended'))
      await manager.writeData(events, [row(6n)], {
        mode: 'overwrite',
        overwriteScope: 'partitions',
        ...stage('replaced'),
      })
    },
    handle,
    run: ({ manager, table, signal }) =>
      manager
        .manageSnapshots(table())
        .publish('replaced')
        .publish('appended')
        .createTag('q1')
        .commit({ signal }),
  },
  {
    method: 'writeData',
    variant: 'append, staged only',
    prepare: prepareTable,
    handle,
    run: ({ manager, table, signal }) => manager.writeData(table(), [row(5n)], { stageOnly: true, signal }),
  },
  {
    method: 'rollbackToSnapshot',
    variant: 'to the first',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) => {
      const [first] = table().metadata.snapshots
      return manager.rollbackToSnapshot(table(), first?.['snapshot-id'] ?? 0n, { signal })
    },
  },
  {
    method: 'rewriteManifests',
    variant: 'of two kinds of content',
    prepare: async (manager) => {
      await prepareTable(manager, { 'write.delete.mode': 'merge-on-read' }, [...WIDE, [3000n, 3001n]])
      for (const id of [1, 2]) await manager.deleteRows(await handle(manager), `id = ${id}`)
    },
    handle,
    run: ({ manager, table, signal }) => manager.rewriteManifests(table(), { signal }),
  },
  {
    method: 'rewritePositionDeletes',
    variant: 'of one data file',
    prepare: async (manager) => {
      await prepareTable(manager, { 'write.delete.mode': 'merge-on-read' }, WIDE)
      for (const id of [1, 3]) await manager.deleteRows(await handle(manager), `id = ${id}`)
    },
    handle,
    run: ({ manager, table, signal }) =>
      manager.rewritePositionDeletes(table(), { minInputFiles: 2, signal }),
  },
  {
    method: 'addFiles',
    variant: 'of a file that was removed from the table',
    prepare: async (manager) => {
      await prepareTable(manager, SHORT_LOG)
      const tbl = await handle(manager)
      await manager.deleteRows(tbl, "kind = 'k1' and id < 3")
    },
    handle: async (manager) => {
      const tbl = await handle(manager)
      const all = tbl.metadata.snapshots.at(-2)?.['snapshot-id']
      const { tasks } = await tbl.scan({ snapshotId: all, filter: "kind = 'k1' and id < 3" }).plan()
      REMOVED.set(
        tbl,
        tasks.map(({ entry }) => entry.file.location),
      )
      return tbl
    },
    run: ({ manager, table, signal }) => manager.addFiles(table(), REMOVED.get(table()) ?? [], { signal }),
  },
  {
    method: 'removeOrphanFiles',
    variant: 'without the age guard',
    // Metadata files leave the log and stay.
    prepare: (manager) => prepareTable(manager, { 'write.metadata.previous-versions-max': '1' }),
    handle,
    run: ({ manager, table, signal }) =>
      manager.removeOrphanFiles(table(), { olderThanDays: 0, allowRecentFiles: true, signal }),
    inFilesOnly: true,
  },
  {
    method: 'repairTable',
    variant: 'to a version that is named',
    prepare: async (manager) => {
      await prepareTable(manager, SHORT_LOG)
      // Another table with the same files cleans up behind itself, and takes our newest one away.
      await manager.registerTable('demo.twin', (await handle(manager)).metadataLocation ?? '')
      const twin = await manager.loadTable('demo.twin')
      for (const id of [7n, 8n]) await manager.writeData(twin, [row(id)])
    },
    run: async ({ manager, signal }) => {
      const { metadataLocation } = await manager.loadTable('demo.twin', { signal })
      await manager.repairTable(ID, { metadataLocation: metadataLocation ?? '', signal })
    },
  },
  {
    method: 'relocateTable',
    variant: 'with position deletes, into the place of its own name',
    prepare: async (manager) => {
      await prepareTable(manager, { 'write.delete.mode': 'merge-on-read' }, WIDE)
      await manager.deleteRows(await handle(manager), 'id = 1')
    },
    handle,
    run: ({ manager, table, signal }) =>
      manager.relocateTable(table(), { to: `${warehouseOf(table())}/moved`, signal }),
    inFilesOnly: true,
    resumes: true,
  },
  {
    method: 'relocateTable',
    variant: 'as another table',
    prepare: prepareTable,
    handle,
    run: ({ manager, table, signal }) =>
      manager.relocateTable(table(), { to: `${warehouseOf(table())}/copy`, as: 'demo.copy', signal }),
    resumes: true,
  },
  {
    method: 'createTable',
    variant: 'with its first rows',
    prepare: prepareTable,
    run: ({ manager, signal }) =>
      manager.createTable(
        { namespace: 'demo', name: 'fresh', schema: events, partitionSpec: [{ source: 'kind' }] },
        { data: [row(1n), row(2n)], signal },
      ),
  },
  {
    method: 'createTable',
    variant: 'in the place of one that is there, with rows',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    run: ({ manager, signal }) =>
      manager.createTable(
        { namespace: 'demo', name: 'events', schema: REPLACEMENT, sortOrder: [{ source: 'id' }] },
        { orReplace: true, data: [{ id: 7n, extra: 1 }], signal },
      ),
  },
  {
    method: 'createTable',
    variant: 'in the place of one that is there, empty',
    prepare: prepareTable,
    run: ({ manager, signal }) =>
      manager.createTable(
        { namespace: 'demo', name: 'events', schema: REPLACEMENT },
        { orReplace: true, signal },
      ),
  },
  {
    method: 'writeData',
    variant: 'append, with a key',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) =>
      manager.writeData(table(), [row(5n), row(6n)], { commitKey: 'run 1', signal }),
  },
  {
    method: 'transaction',
    variant: 'of a column, rows with it, deleted rows and a tag',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) => manager.transaction(table(), changeAll, { signal }),
  },
  {
    method: 'transaction',
    variant: 'that meets another commit',
    prepare: (manager) => prepareTable(manager, SHORT_LOG),
    handle,
    run: ({ manager, table, signal }) =>
      manager.transaction(
        table(),
        async (transaction) => {
          await changeAll(transaction)
          // With a key, so that it is there once, however often the whole is tried.
          await manager.writeData(await manager.loadTable(ID), [row(9n)], { commitKey: 'rival', signal })
        },
        { commitKey: 'ours', signal },
      ),
    stages: (before) => [withAppend(before, row(9n))],
  },
  {
    method: 'expireSnapshots',
    variant: 'of two snapshots with files of their own',
    prepare: prepareHistory,
    handle,
    run: async ({ manager, table, signal }) => {
      const result = await manager.expireSnapshots(table(), { snapshotIds: oldSnapshots(table()), signal })
      EXPIRY_PLANS.set(manager.catalog.name, result.plan)
      return result
    },
    finish: finishExpiry,
  },
  {
    method: 'execute',
    variant: 'of a plan to expire',
    prepare: prepareHistory,
    handle,
    run: async ({ manager, table, signal }) => {
      const plan = await manager.planExpireSnapshots(table(), { snapshotIds: oldSnapshots(table()), signal })
      EXPIRY_PLANS.set(manager.catalog.name, plan)
      return manager.execute(plan, { signal })
    },
    finish: finishExpiry,
  },
  {
    method: 'createNamespace',
    variant: 'with properties',
    prepare: prepareTable,
    run: ({ manager, signal }) => manager.createNamespace('fresh', { owner: 'me' }, { signal }),
  },
  {
    method: 'updateNamespace',
    variant: 'set and removed',
    prepare: prepareTable,
    run: ({ manager, signal }) =>
      manager.updateNamespace('empty', { set: { team: 'ours' }, remove: ['owner'] }, { signal }),
  },
  {
    method: 'dropNamespace',
    variant: 'empty',
    prepare: prepareTable,
    run: ({ manager, signal }) => manager.dropNamespace('empty', { signal }),
  },
]

/** The folder that a table's default location is below. */
function warehouseOf({ location }: Table): string {
  return location.slice(0, location.indexOf('/wh/') + 3)
}

/** Three changes of rows and layout, and one of refs. */
async function changeAll(transaction: Transaction): Promise<void> {
  await transaction.evolveSchema([{ type: 'add_column', name: 'extra', fieldType: 'int' }])
  await transaction.writeData([{ ...row(5n), extra: 1 }])
  await transaction.deleteRows('id = 1')
  await transaction.manageSnapshots().createTag('done').commit()
}

/** The same table with one more row, appended. */
function withAppend(before: Observation, appended: object): Observation {
  const seen = before.tables[ID]
  if (seen === undefined || seen === 'broken') return before
  const rows = [...seen.rows, rowText(appended)].sort()
  const snapshots = [...seen.snapshots, `append ${rows.length}`]
  const refs = seen.refs.map((ref) =>
    ref.replace(`"at":${seen.snapshots.length - 1}`, `"at":${snapshots.length - 1}`),
  )
  return { ...before, tables: { ...before.tables, [ID]: { ...seen, rows, snapshots, refs } } }
}

/** The same table with one more snapshot. */
function withSnapshot(before: Observation, snapshot: string): Observation {
  const tables = Object.entries(before.tables).map(([name, seen]) => {
    if (name !== ID || seen === 'broken') return [name, seen]
    const main = refText({ type: 'branch', name: 'main', at: seen.snapshots.length })
    return [name, { ...seen, snapshots: [...seen.snapshots, snapshot], refs: [main] }]
  })
  return { ...before, tables: Object.fromEntries(tables) }
}

/** Methods that change nothing of catalog or storage. Everything else has to be swept. */
const READING = new Set([
  'compareSchemas',
  'exportTable',
  'inferSchema',
  'listNamespaces',
  'listSnapshots',
  'listTables',
  'loadNamespace',
  'loadTable',
  'namespaceExists',
  'openTable',
  'planCompaction',
  'planRewriteManifests',
  'planRewritePositionDeletes',
  'planDeleteRows',
  'planExpireSnapshots',
  'planOrphanFiles',
  'planRelocate',
  'planRepair',
  'planSchemaEvolution',
  'planUpdateRows',
  'planWriteData',
  'schemaHistory',
  'sql',
  'tableExists',
])

/** Mutating methods of the manager, as the golden file of the API has them. */
export function mutatingMethods(): readonly string[] {
  return managerMethods().filter((name) => !READING.has(name))
}
