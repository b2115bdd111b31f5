/** Reading: filters, columns, points in time, counts without data, and leaving early. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IcebergTableManager, Table, TableMetadata } from '../../../src/index.ts'
import { parseTableMetadata } from '../../../src/format/metadata/parse.ts'
import { createEvents, equal, EVENTS, fails, idsOf, isTrue, rowsOf } from './case.ts'
import type { ManagerCase, SuiteWorld } from './case.ts'
import { addRefs } from './write.ts'

const AT = '2026-01-31T12:00:00.000001'

/** Three snapshots of two, one and one rows. */
async function threeSnapshots(manager: IcebergTableManager) {
  const events = await createEvents(manager)
  await manager.writeData(events, [
    { id: 1n, kind: 'a', at: AT },
    { id: 2n, kind: 'b' },
  ])
  await manager.writeData(events, [{ id: 3n, kind: 'a' }])
  await manager.writeData(events, [{ id: 4n }])
  return events
}

/** The rows of `count` numbers in one data file. */
async function manyRows(manager: IcebergTableManager, world: SuiteWorld, count: number) {
  const events = await createEvents(manager)
  const path = join(world.filesDir, 'many.csv')
  await writeFile(path, `id\n${Array.from({ length: count }, (_, i) => i).join('\n')}\n`)
  await manager.writeData(events, { csv: path })
  return events
}

function touchesData(world: SuiteWorld): boolean {
  return world.controller.calls.some(({ about }) => about.some((location) => location.endsWith('.parquet')))
}

export const READ_CASES: readonly ManagerCase[] = [
  {
    name: 'scan: filters by text and by expression, chosen columns, a limit',
    run: async (manager) => {
      const events = await threeSnapshots(manager)
      equal(await idsOf(events.scan({ filter: "kind = 'a'" })), [1n, 3n])
      equal(await idsOf(events.scan({ filter: 'kind is null or id < 2' })), [1n, 4n])
      equal(await idsOf(events.scan({ filter: 'KIND is not null', caseSensitive: false })), [1n, 2n, 3n])
      equal(await events.scan({ select: ['kind'], filter: 'id = 2' }).toArray(), [{ kind: 'b' }])
      equal(await events.scan({ select: ['at', 'id'], filter: 'id = 1' }).toArray(), [{ at: AT, id: 1n }])
      equal((await events.scan({ limit: 3 }).toArray()).length, 3)
      equal(await events.scan({ limit: 0 }).toArray(), [])
      equal(await events.scan({ limit: 3 }).count(), 3)
      await fails(() => events.scan({ filter: 'nowhere = 1' }), { code: 'FLOEBERG_INVALID_EXPRESSION' })
      await fails(() => events.scan({ filter: 'KIND is null' }), { code: 'FLOEBERG_INVALID_EXPRESSION' })
      await fails(() => events.scan({ filter: 'id = ' }), { code: 'FLOEBERG_INVALID_EXPRESSION' })
      await fails(() => events.scan({ limit: -1 }), { code: 'FLOEBERG_INVALID_ARGUMENT' })
      await fails(() => events.scan({ limit: 1.5 }), { code: 'FLOEBERG_INVALID_ARGUMENT' })
    },
  },
  {
    name: 'scan: as rows, batches, a stream, Arrow and a file, each run anew',
    run: async (manager, world) => {
      const scan = (await threeSnapshots(manager)).scan()
      for (let run = 0; run < 2; run += 1) {
        equal(await idsOf(scan), [1n, 2n, 3n, 4n])
        let rows = 0
        for await (const batch of scan.batches()) rows += batch.length
        for await (const _ of scan.toStream()) rows += 1
        for await (const batch of scan.toArrow()) rows += batch.numRows
        equal(rows, 12)
      }
      const path = join(world.filesDir, 'out.csv')
      equal(await scan.toFile(path), { rows: 4 })
      equal((await readFile(path, 'utf8')).split('\n')[0], 'id,kind,at')
      await fails(() => scan.toFile(join(world.filesDir, 'out.txt')), { code: 'FLOEBERG_INVALID_ARGUMENT' })
      equal(await world.temporaries(), [])
    },
  },
  {
    name: 'scan: an empty table has no rows',
    run: async (manager) => {
      const scan = (await createEvents(manager)).scan()
      equal([scan.snapshot, await scan.toArray(), await scan.count()], [null, [], 0])
      equal((await scan.plan()).report.filesScanned, 0)
    },
  },
  {
    name: 'scan: back in time by id, time, tag and branch',
    run: async (manager) => {
      const events = await threeSnapshots(manager)
      const [third, second, first] = await manager.listSnapshots(events)
      if (first === undefined || second === undefined || third === undefined) throw new Error('no snapshots')
      equal(await idsOf(events.scan({ snapshotId: first.snapshotId })), [1n, 2n])
      equal(await idsOf(events.scan({ snapshotId: String(second.snapshotId) })), [1n, 2n, 3n])
      // The log may hold equal times: the last one of them counts.
      const log = events.metadata['snapshot-log']
      for (const { 'timestamp-ms': time } of log) {
        const last = log.findLast((entry) => entry['timestamp-ms'] === time)
        equal(events.scan({ asOf: new Date(time) }).snapshot?.['snapshot-id'], last?.['snapshot-id'])
        equal(
          events.scan({ asOf: new Date(time).toISOString() }).snapshot?.['snapshot-id'],
          last?.['snapshot-id'],
        )
      }
      equal(await events.scan({ asOf: '2999-01-01' }).count(), 4)
      await fails(() => events.scan({ asOf: '1999-01-01' }), { code: 'FLOEBERG_NO_SUCH_SNAPSHOT' })
      await fails(() => events.scan({ asOf: 'yesterday' }), { code: 'FLOEBERG_INVALID_ARGUMENT' })
      await fails(() => events.scan({ snapshotId: 1n }), { code: 'FLOEBERG_NO_SUCH_SNAPSHOT' })
      await fails(() => events.scan({ snapshotId: 'first' }), { code: 'FLOEBERG_INVALID_ARGUMENT' })
      await fails(() => events.scan({ ref: 'nowhere' }), { code: 'FLOEBERG_NO_SUCH_REF' })
      await fails(() => events.scan({ ref: 'main', snapshotId: first.snapshotId }), {
        code: 'FLOEBERG_INVALID_ARGUMENT',
      })
      await addRefs(manager, events)
      await manager.writeData(events, [{ id: 5n }])
      equal(await events.scan({ ref: 'fixed' }).count(), 4)
      equal(await events.scan({ ref: 'main' }).count(), 5)
    },
  },
  {
    name: 'scan: a snapshot and a tag are read with their own schema, a branch with the current one',
    run: async (manager) => {
      const events = await threeSnapshots(manager)
      const snapshotId = await addRefs(manager, events)
      await renameKind(manager, events)
      const fresh = await manager.loadTable('demo.events')
      const names = (options: Parameters<Table['scan']>[0]) =>
        fresh.scan(options).schema.fields.map((f) => f.name)
      equal(names({}), ['id', 'sort', 'at'])
      equal(names({ ref: 'audit' }), ['id', 'sort', 'at'])
      equal(names({ ref: 'fixed' }), ['id', 'kind', 'at'])
      equal(names({ snapshotId: String(snapshotId) }), ['id', 'kind', 'at'])
      equal(await idsOf(fresh.scan({ filter: "sort = 'a'" })), [1n, 3n])
      equal(await idsOf(fresh.scan({ ref: 'fixed', filter: "kind = 'a'" })), [1n, 3n])
      await fails(() => fresh.scan({ ref: 'fixed', filter: "sort = 'a'" }), {
        code: 'FLOEBERG_INVALID_EXPRESSION',
      })
      // Others' commits are taken up by the next write of an old handle.
      await manager.writeData(fresh, [{ id: 5n, sort: 'a' }])
      equal(await idsOf(fresh.scan({ filter: "sort = 'a'" })), [1n, 3n, 5n])
    },
  },
  {
    name: 'scan: pinned to its snapshot, whatever is committed meanwhile',
    run: async (manager) => {
      const events = await threeSnapshots(manager)
      const scan = events.scan()
      await manager.writeData(events, [{ id: 5n }])
      equal(await idsOf(scan), [1n, 2n, 3n, 4n])
      equal(await idsOf(events.scan()), [1n, 2n, 3n, 4n, 5n])
    },
  },
  {
    name: 'count: from metadata where that is exact, without a look at any data file',
    run: async (manager, world) => {
      await threeSnapshots(manager)
      const events = await manager.loadTable('demo.events')
      world.controller.reset()
      equal(await events.scan().count(), 4)
      // Every row of the files that can match does match.
      equal(await events.scan({ filter: 'id > 0' }).count(), 4)
      equal(await events.scan({ filter: 'id >= 3' }).count(), 2)
      equal(await events.scan({ filter: 'kind is null' }).count(), 1)
      equal(await events.scan({ filter: 'id > 4' }).count(), 0)
      equal(touchesData(world), false)
      equal(await events.scan({ filter: 'id = 2' }).count(), 1)
      equal(touchesData(world), true)
    },
  },
  {
    name: 'plan: says what it left out and what stood in the way',
    run: async (manager) => {
      const events = await threeSnapshots(manager)
      const { report, tasks } = await events.scan({ filter: 'id >= 3' }).plan()
      equal([report.manifestsTotal, report.filesTotal, report.filesScanned, tasks.length], [3, 3, 2, 2])
      equal(report.notPruned.length, 1)
    },
  },
  {
    name: 'listSnapshots: the newest first, with refs and parents',
    run: async (manager) => {
      const events = await threeSnapshots(manager)
      const snapshotId = await addRefs(manager, events)
      const infos = await manager.listSnapshots(events)
      equal(
        infos.map(({ sequenceNumber }) => sequenceNumber),
        [3, 2, 1],
      )
      equal(
        infos.map(({ parentId }) => parentId),
        [infos[1]?.snapshotId, infos[2]?.snapshotId, null],
      )
      equal([infos[0]?.snapshotId, infos[0]?.refs.toSorted()], [snapshotId, ['audit', 'fixed', 'main']])
      equal(
        infos.map(({ operation, schemaId }) => [operation, schemaId]),
        [
          ['append', 0],
          ['append', 0],
          ['append', 0],
        ],
      )
      equal(
        infos.map(({ summary }) => summary['total-records']),
        ['4', '3', '2'],
      )
    },
  },
  {
    name: 'inspect: snapshots, history, refs, manifests, files and partitions',
    run: async (manager, world) => {
      await manager.createNamespace('demo')
      const parts = await manager.createTable({
        namespace: 'demo',
        name: 'parts',
        schema: EVENTS,
        partitionSpec: [{ source: 'kind' }],
      })
      await manager.writeData(parts, [
        { id: 1n, kind: 'a' },
        { id: 2n, kind: 'b' },
        { id: 3n, kind: 'b' },
      ])
      const first = parts.currentSnapshot?.['snapshot-id']
      await manager.writeData(parts, [{ id: 9n }])
      const { inspect } = parts
      equal(
        inspect.snapshots().map(({ parent_id }) => parent_id),
        [null, first],
      )
      equal(
        inspect.history().map(({ is_current_ancestor }) => is_current_ancestor),
        [true, true],
      )
      equal(
        inspect.refs().map(({ name, type, snapshot_id }) => [name, type, snapshot_id]),
        [['main', 'branch', parts.currentSnapshot?.['snapshot-id']]],
      )
      equal(
        (await inspect.manifests()).map(({ added_files_count }) => added_files_count),
        [1, 2],
      )
      equal((await inspect.manifests({ snapshotId: String(first) })).length, 1)
      const files = await inspect.files()
      equal(files.map(({ partition, record_count }) => `${partition['kind']} ${record_count}`).sort(), [
        'a 1',
        'b 2',
        'null 1',
      ])
      const objects = await world.objects()
      isTrue(
        files.every(({ file_path }) => objects.includes(file_path)),
        'each file is there',
      )
      const metrics = files.find(({ partition }) => partition['kind'] === 'b')?.readable_metrics['id']
      equal(
        [metrics?.lower_bound, metrics?.upper_bound, metrics?.value_count, metrics?.null_value_count],
        [2n, 3n, 2, 0],
      )
      equal(
        (await inspect.partitions())
          .map(
            ({ partition, record_count, file_count }) => `${partition['kind']} ${record_count} ${file_count}`,
          )
          .sort(),
        ['a 1 1', 'b 2 1', 'null 1 1'],
      )
    },
  },
  {
    name: 'scan: a consumer that stops after ten rows frees everything',
    run: async (manager, world) => {
      const events = await manyRows(manager, world, 20_000)
      for (let run = 0; run < 20; run += 1) {
        let seen = 0
        for await (const _ of events.scan()) {
          seen += 1
          if (seen === 10) break
        }
        equal(seen, 10)
        equal(await world.temporaries(), [])
      }
      const stream = events.scan().toStream().getReader()
      await stream.read()
      await stream.cancel()
      equal(await world.temporaries(), [])
      // A consumer that throws is a consumer that leaves.
      let thrown: unknown = null
      try {
        for await (const _ of events.scan()) throw new Error('enough')
      } catch (error) {
        thrown = error
      }
      equal([String(thrown), await world.temporaries()], ['Error: enough', []])
    },
  },
  {
    name: 'scan: an abort ends it with its own error, before and in the middle',
    run: async (manager, world) => {
      const events = await manyRows(manager, world, 20_000)
      const code = 'FLOEBERG_OPERATION_ABORTED'
      await fails(() => events.scan({ signal: AbortSignal.abort() }).toArray(), { code })
      await fails(() => events.scan({ signal: AbortSignal.abort() }).count(), { code })
      const controller = new AbortController()
      const run = async (): Promise<void> => {
        for await (const _ of events.scan({ signal: controller.signal })) controller.abort()
      }
      await fails(run, { code })
      equal(await world.temporaries(), [])
    },
  },
  {
    name: 'scan: files that vanished are an error, never fewer rows',
    run: async (manager, world) => {
      const events = await threeSnapshots(manager)
      const [file] = await events.inspect.files()
      if (file === undefined) throw new Error('no file')
      await world.store().delete([file.file_path])
      await fails(() => events.scan().toArray(), { code: 'FLOEBERG_MISSING_FILE', file: file.file_path })
      await fails(() => events.scan().toFile(join(world.filesDir, 'x.csv')), {
        code: 'FLOEBERG_MISSING_FILE',
      })
      equal(await world.temporaries(), [])
    },
  },
  ...(['-1', 'null', 'missing'] as const).map((form): ManagerCase => ({
    name: `an empty table whose current snapshot is ${form}, as others write it, is empty and takes a first append`,
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.dropTable(events.identifier)
      const store = world.store()
      const bytes = await store.get(events.metadataLocation ?? '')
      const json = JSON.parse(new TextDecoder().decode(bytes))
      delete json['current-snapshot-id']
      if (form === '-1') json['current-snapshot-id'] = -1
      if (form === 'null') json['current-snapshot-id'] = null
      const location = `${events.location}/metadata/00007-${crypto.randomUUID()}.metadata.json`
      await store.put(location, new TextEncoder().encode(JSON.stringify(json)))
      const adopted = await manager.registerTable('demo.adopted', location)
      equal([adopted.currentSnapshot, await adopted.scan().toArray(), adopted.inspect.refs()], [null, [], []])
      const result = await manager.writeData(adopted, [{ id: 1n }])
      equal([result.attempts, await rowsOf(adopted)], [1, ['{"id":"1n","kind":null,"at":null}']])
      const metadata: TableMetadata = parseTableMetadata(
        await store.get(adopted.metadataLocation ?? ''),
        location,
      )
      equal(
        metadata.snapshots.map((snapshot) => snapshot['parent-snapshot-id']),
        [undefined],
      )
    },
  })),
]

/** `kind` becomes `sort`, as an evolution of the schema does it. */
async function renameKind<In, Out>(manager: IcebergTableManager, events: Table<In, Out>): Promise<void> {
  const [schema] = events.metadata.schemas
  if (schema === undefined) throw new Error('no schema')
  const fields = schema.fields.map((field) => (field.name === 'kind' ? { ...field, name: 'sort' } : field))
  await manager.catalog.commitTable(events.identifier, {
    requirements: [],
    updates: [
      { action: 'add-schema', schema: { ...schema, 'schema-id': 1, fields } },
      { action: 'set-current-schema', 'schema-id': -1 },
    ],
  })
}
