/** Every operation is one span, one duration and one line; no data value is in any of them, nor in errors. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { metrics, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import {
  FloebergError,
  t,
  table,
  type IcebergTableManager,
  type Logger,
  type Table,
} from '../../src/index.ts'
import { managerMethods, methodsOf } from '../support/api.ts'
import {
  localManagerWorld,
  memoryManagerWorld,
  openEngine,
  type ManagerWorld,
} from '../support/manager-world.ts'

const spans = new InMemorySpanExporter()
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 })

let root: string
let plane: DataPlane
let world: ManagerWorld
let manager: IcebergTableManager
let events: Table
const lines: { readonly level: string; readonly fields: object; readonly message: string }[] = []

const logger: Logger = {
  info: (fields, message) => void lines.push({ level: 'info', fields, message }),
  warn: (fields, message) => void lines.push({ level: 'warn', fields, message }),
  error: (fields, message) => void lines.push({ level: 'error', fields, message }),
}

beforeAll(async () => {
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
  )
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  root = await mkdtemp(join(tmpdir(), 'floeberg-telemetry-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  trace.disable()
  metrics.disable()
  await reader.shutdown()
  await plane.close()
  await rm(root, { recursive: true })
})

/** Fresh, with one row in `demo.events`, partitioned by `kind`. */
async function open(makeWorld: typeof memoryManagerWorld): Promise<void> {
  world = await makeWorld(await mkdtemp(join(root, 'world-')), plane)
  manager = await world.open({ logger })
  await manager.createNamespace('demo')
  await manager.createTable({
    namespace: 'demo',
    name: 'events',
    schema: table({ id: t.long().required(), kind: t.string() }),
    partitionSpec: [{ source: 'kind' }],
  })
  events = await manager.loadTable('demo.events')
  await manager.writeData(events, [{ id: 1n, kind: VALUE }])
  forget()
}

function forget(): void {
  spans.reset()
  lines.length = 0
}

/** Takes the newest metadata file away. */
async function breakTable(): Promise<void> {
  await world.store().delete([events.metadataLocation ?? ''])
  forget()
}

/** A value that stands in rows and filters, and must not be seen anywhere else. */
const VALUE = 'Marker7f3e'

/** Every operation, as the span names it, on success. */
const OPERATIONS: Readonly<Record<string, () => Promise<unknown>>> = {
  createTable: () =>
    manager.createTable({ namespace: 'demo', name: 'fresh', schema: table({ id: t.long() }) }),
  loadTable: () => manager.loadTable('demo.events'),
  tableExists: () => manager.tableExists('demo.events'),
  listTables: () => manager.listTables('demo'),
  renameTable: () => manager.renameTable('demo.events', 'demo.moved'),
  registerTable: () => manager.registerTable('demo.again', events.metadataLocation ?? ''),
  dropTable: () => manager.dropTable('demo.events', { purge: true }),
  transaction: () => manager.transaction(events, (tx) => tx.writeData([{ id: 2n, kind: VALUE }])),
  updateProperties: () => manager.updateProperties(events, { set: { a: 'b' } }),
  upgradeFormatVersion: () => manager.upgradeFormatVersion(events, 3),
  writeData: () => manager.writeData(events, [{ id: 2n, kind: VALUE }]),
  inferSchema: () => manager.inferSchema({ rows: [{ id: VALUE }] }),
  listSnapshots: () => manager.listSnapshots(events),
  deleteRows: () => manager.deleteRows(events, `kind = '${VALUE}'`),
  planDeleteRows: () => manager.planDeleteRows(events, `kind = '${VALUE}'`),
  planUpdateRows: () => manager.planUpdateRows(events, { kind: VALUE }, 'id = 1'),
  planWriteData: () => manager.planWriteData(events, [{ id: 1n, kind: VALUE }], { mode: 'overwrite' }),
  planSchemaEvolution: () =>
    manager.planSchemaEvolution(events, [{ type: 'add_column', name: 'x', fieldType: 'int' }]),
  updateRows: () => manager.updateRows(events, { kind: VALUE }, 'id = 1'),
  evolveSchema: () => manager.evolveSchema(events, [{ type: 'add_column', name: 'x', fieldType: 'int' }]),
  evolvePartitionSpec: () => manager.evolvePartitionSpec(events, [{ type: 'add_field', source: 'id' }]),
  replaceSortOrder: () => manager.replaceSortOrder(events, [{ source: 'id' }]),
  schemaHistory: () => manager.schemaHistory(events),
  manageSnapshots: () => manager.manageSnapshots(events).createTag('q1').commit(),
  rollbackToSnapshot: () => manager.rollbackToSnapshot(events, events.currentSnapshot?.['snapshot-id'] ?? 0n),
  compareSchemas: () => manager.compareSchemas(table({ id: t.long() }), events),
  addFiles: async () => {
    const [file] = (await events.scan().plan()).tasks.map(({ entry }) => entry.file.location)
    await manager.deleteRows(events, 'true')
    forget()
    await manager.addFiles(events, [file ?? ''])
  },
  openTable: () => manager.openTable(events.location),
  sql: () => manager.sql(`select count(*) from demo.events where kind = '${VALUE}'`),
  exportTable: () =>
    manager.exportTable(events, join(root, 'out.csv'), { filter: `kind = '${VALUE}'`, replace: true }),
  compactTable: () => manager.compactTable(events, { where: `kind = '${VALUE}'`, rewriteAll: true }),
  planCompaction: () => manager.planCompaction(events, { where: `kind = '${VALUE}'` }),
  rewriteManifests: () => manager.rewriteManifests(events),
  planRewriteManifests: () => manager.planRewriteManifests(events),
  rewritePositionDeletes: () => manager.rewritePositionDeletes(events),
  planRewritePositionDeletes: () => manager.planRewritePositionDeletes(events),
  planExpireSnapshots: () => manager.planExpireSnapshots(events),
  expireSnapshots: () => manager.expireSnapshots(events),
  execute: async () => {
    const plan = await manager.planExpireSnapshots(events)
    forget()
    await manager.execute(plan)
  },
  planOrphanFiles: () => manager.planOrphanFiles(events),
  removeOrphanFiles: () => manager.removeOrphanFiles(events),
  planRepair: async () => {
    await breakTable()
    await manager.planRepair('demo.events')
  },
  repairTable: async () => {
    await breakTable()
    await manager.repairTable('demo.events')
  },
  planRelocate: () => manager.planRelocate(events, { to: 'memory://bucket/moved' }),
  relocateTable: () => manager.relocateTable(events, { to: 'memory://bucket/moved' }),
  createNamespace: () => manager.createNamespace('other'),
  listNamespaces: () => manager.listNamespaces(),
  namespaceExists: () => manager.namespaceExists('demo'),
  loadNamespace: () => manager.loadNamespace('demo'),
  updateNamespace: () => manager.updateNamespace('demo', { set: { a: 'b' } }),
  dropNamespace: async () => {
    await world.openAside().then((aside) => aside.createNamespace('empty'))
    forget()
    await manager.dropNamespace('empty')
  },
}

const TABLE_OPERATIONS: Readonly<Record<string, () => Promise<unknown>>> = {
  refresh: () => events.refresh(),
  plan: () => events.scan({ filter: `kind = '${VALUE}'` }).plan(),
  count: () => events.scan({ filter: `kind = '${VALUE}'` }).count(),
  scan: () => events.scan({ filter: `kind = '${VALUE}'` }).toArray(),
  toView: async () => {
    const instance = await DuckDBInstance.create()
    const connection = await instance.connect()
    try {
      await using _ = await events.scan({ filter: `kind = '${VALUE}'` }).toView(connection, VALUE)
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  },
  inspect_manifests: () => events.inspect.manifests(),
  inspect_files: () => events.inspect.files(),
  inspect_partitions: () => events.inspect.partitions(),
}

/** Operations about no single table. */
const ABOUT_NAMESPACES = new Set([
  'sql',
  'openTable',
  'listTables',
  'inferSchema',
  'createNamespace',
  'listNamespaces',
  'namespaceExists',
  'loadNamespace',
  'updateNamespace',
  'dropNamespace',
])

describe('each operation', () => {
  beforeEach(() => open(memoryManagerWorld))

  test('of the API is tried here', () => {
    expect(Object.keys(OPERATIONS).sort()).toEqual(managerMethods())
    expect(methodsOf('TableInspect')).toEqual(
      ['files', 'history', 'manifests', 'partitions', 'refs', 'snapshots'].sort(),
    )
  })

  test.each(Object.entries({ ...OPERATIONS, ...TABLE_OPERATIONS }))(
    '%s: one span and one line',
    async (name, run) => {
      await run()
      const [span, ...others] = spans.getFinishedSpans()
      expect(others).toEqual([])
      expect(span?.name).toBe(`floeberg.${name}`)
      expect(span?.status.code).toBe(SpanStatusCode.OK)
      expect(span?.attributes).toMatchObject({ 'floeberg.outcome': 'ok' })
      expect(lines).toMatchObject([
        { level: 'info', fields: { operation: name, outcome: 'ok' }, message: name },
      ])
      if (!ABOUT_NAMESPACES.has(name)) {
        expect(span?.attributes['iceberg.table']).toMatch(/^demo\.(events|fresh|again)$/)
        expect(lines[0]?.fields).toMatchObject({ table: span?.attributes['iceberg.table'] })
      }
      expect(allText()).not.toContain(VALUE)
      await reader.forceFlush()
      expect(countOf(name, 'ok')).toBeGreaterThan(0)
    },
  )

  test('writeData: its span says what was written', async () => {
    const result = await manager.writeData(events, [{ id: 2n, kind: VALUE }], { branch: 'main' })
    expect(spans.getFinishedSpans()[0]?.attributes).toMatchObject({
      'iceberg.snapshot.id': String(result.snapshotId),
      'iceberg.commit.attempts': 1,
      'floeberg.rows': 1,
      'floeberg.files': 1,
      'floeberg.bytes': result.bytes,
    })
    expect(lines[0]?.fields).toMatchObject({ snapshotId: String(result.snapshotId), rows: 1, attempts: 1 })
  })

  test('that fails: the span has the error’s code, and nothing of its text', async () => {
    const failing: Readonly<Record<string, () => Promise<unknown>>> = {
      ...Object.fromEntries(Object.entries({ ...OPERATIONS, ...TABLE_OPERATIONS })),
      dropNamespace: () => manager.dropNamespace('demo'),
    }
    await manager.close()
    for (const [name, run] of Object.entries(failing)) {
      forget()
      const error: unknown = await run().then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error, name).toMatchObject({ code: 'FLOEBERG_MANAGER_CLOSED' })
      const [span] = spans.getFinishedSpans()
      expect(span?.status, name).toEqual({ code: SpanStatusCode.ERROR, message: 'FLOEBERG_MANAGER_CLOSED' })
      expect(span?.attributes, name).toMatchObject({
        'floeberg.outcome': 'error',
        'error.type': 'FLOEBERG_MANAGER_CLOSED',
      })
      expect(span?.events, name).toEqual([])
      expect(lines, name).toMatchObject([
        { level: 'error', fields: { outcome: 'error', error: 'FLOEBERG_MANAGER_CLOSED' } },
      ])
    }
  })

  test('a scan that is left early ends its span', async () => {
    for await (const _ of events.scan()) break
    expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['floeberg.scan'])
  })
})

describe.each([
  ['in memory', memoryManagerWorld],
  ['on a disk', localManagerWorld],
])('no value shows when something fails, %s', (_, makeWorld) => {
  beforeEach(() => open(makeWorld))

  const rows = (...items: readonly object[]) => manager.writeData(events, items as never)
  const csv = async (text: string | Uint8Array): Promise<string> => {
    const path = join(world.scratchDir, '..', 'source.csv')
    await writeFile(path, text)
    return path
  }
  const damaged = async (bytes: Uint8Array | null): Promise<void> => {
    for (const { file_path } of await events.inspect.files()) {
      if (bytes === null) await world.store().delete([file_path])
      else await world.store().put(file_path, bytes)
    }
  }

  const FAILURES: Readonly<Record<string, () => Promise<unknown>>> = {
    'text for a number': () => rows({ id: VALUE }),
    'an object for text': () => rows({ id: 1n, kind: { text: VALUE } }),
    'a key twice in an upsert': () =>
      manager.writeData(
        events,
        [
          { id: 7n, kind: VALUE },
          { id: 7n, kind: VALUE },
        ] as never,
        {
          mode: 'upsert',
          joinColumns: ['id'],
        },
      ),
    'a new value of another type': () => manager.updateRows(events, { id: VALUE }, 'id = 1'),
    'a deletion by a filter that does not fit': () => manager.deleteRows(events, `id = '${VALUE}'`),
    'a null beside it': () => rows({ id: null, kind: VALUE }),
    'text in a CSV file': async () => manager.writeData(events, { csv: await csv(`id,kind\n${VALUE},a\n`) }),
    'a line too long in a CSV file': async () =>
      manager.writeData(events, { csv: await csv(`id,kind\n1,a,${VALUE}\n`) }),
    'bytes that are no text': async () => {
      const text = new TextEncoder().encode(`id,kind
1,${VALUE}`)
      return manager.writeData(events, { csv: await csv(Uint8Array.from([...text, 0xff, 0xfe, 0x0a])) })
    },
    'a literal of another type': async () => events.scan({ filter: `id = '${VALUE}'` }).toArray(),
    'a filter that is no filter': async () => events.scan({ filter: `kind = '${VALUE}' and` }).toArray(),
    'a literal without quotes': async () => events.scan({ filter: `kind = 'a' '${VALUE}'` }).toArray(),
    'a data file that is gone': async () => {
      await damaged(null)
      return events.scan().toArray()
    },
    'a data file that is damaged': async () => {
      await damaged(new TextEncoder().encode(`PAR1 ${VALUE} PAR1`))
      return events.scan().toArray()
    },
    'a data file that is cut': async () => {
      const [file] = await events.inspect.files()
      const bytes = await world.store().get(file?.file_path ?? '')
      await damaged(bytes.slice(0, bytes.length - 20))
      return events.scan({ filter: `kind = '${VALUE}'` }).toArray()
    },
    'a metadata file that is damaged': async () => {
      await world.store().put(events.metadataLocation ?? '', new TextEncoder().encode(`{"a": "${VALUE}`))
      return world.openAside({ logger }).then((aside) => aside.loadTable('demo.events'))
    },
  }

  test.each(Object.entries(FAILURES))('%s', async (_name, fail) => {
    const error: unknown = await fail().then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(FloebergError)
    expect(chainText(error)).not.toContain(VALUE)
    expect(allText()).not.toContain(VALUE)
  })
})

/** Everything that an error and its causes show. */
function chainText(error: unknown): string {
  const parts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    parts.push(at.message, at.stack ?? '', JSON.stringify({ ...at, cause: undefined, snapshotId: undefined }))
  }
  return parts.join('\n')
}

/** Everything that spans, measurements and lines show. */
function allText(): string {
  const shown = spans.getFinishedSpans().map(({ name, attributes, events: noted, status }) => ({
    name,
    attributes,
    noted,
    status,
  }))
  return JSON.stringify([shown, lines, measured.getMetrics()], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}

/** How many durations of an operation were measured. */
function countOf(operation: string, outcome: string): number {
  let count = 0
  for (const { scopeMetrics } of measured.getMetrics()) {
    for (const { metrics: known } of scopeMetrics) {
      for (const { descriptor, dataPoints } of known) {
        if (descriptor.name !== 'iceberg.operation.duration') continue
        for (const { attributes } of dataPoints) {
          const isIt = attributes['floeberg.operation'] === operation
          if (isIt && attributes['floeberg.outcome'] === outcome) count += 1
        }
      }
    }
  }
  return count
}
