/** Writing rows: every form of data, what is refused, and how snapshots and manifests come out. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { RecordBatchStreamWriter, tableFromArrays, tableToIPC } from 'apache-arrow'
import type { DataInput, IcebergTableManager, Table } from '../../../src/index.ts'
import { createEvents, equal, fails, failsCleanly, idsOf, isTrue, rowsOf } from './case.ts'
import type { ManagerCase, SuiteWorld } from './case.ts'

const ROWS = [{ id: 1n, kind: 'a' }, { id: 2n }] as const
const WRITTEN = ['{"id":"1n","kind":"a","at":null}', '{"id":"2n","kind":null,"at":null}']

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve()
    yield item
  }
}

const arrow = () => tableFromArrays({ id: BigInt64Array.from([1n, 2n]), kind: ['a', null] })

/** The same two rows, in every form that data comes in. */
const FORMS: Readonly<Record<string, (world: SuiteWorld) => Promise<DataInput>>> = {
  'an array': async () => ROWS,
  'an iterable': async () => new Set(ROWS),
  'an async iterable': async () => later(ROWS),
  'a Node.js stream': async () => Readable.from(ROWS),
  'a web stream': async () => ReadableStream.from(later(ROWS)),
  'a CSV file': async (world) => ({ csv: await file(world, 'rows.csv', 'id,kind\n1,a\n2,\n') }),
  'a JSON file': async (world) => ({
    json: await file(world, 'rows.json', '{"id":1,"kind":"a"}\n{"id":2,"kind":null}\n'),
  }),
  'files by a pattern': async (world) => {
    await file(world, 'part-1.csv', 'id,kind\n1,a\n')
    await file(world, 'part-2.csv', 'id,kind\n2,\n')
    return { csv: join(world.filesDir, 'part-*.csv') }
  },
  'several files': async (world) => ({
    csv: [await file(world, 'one.csv', 'id,kind\n1,a\n'), await file(world, 'two.csv', 'id,kind\n2,\n')],
  }),
  'files, filtered': async (world) => ({
    csv: await file(world, 'more.csv', 'id,kind\n1,a\n2,\n3,c\n'),
    filter: 'id < 3',
  }),
  'an Arrow table': async () => arrow(),
  'Arrow batches': async () => ({ arrow: later(arrow().batches) }),
  'Arrow IPC bytes': async () => ({ arrowIpc: tableToIPC(arrow(), 'file') }),
  'an Arrow IPC stream': async () => ({
    arrowIpc: later([RecordBatchStreamWriter.writeAll(arrow()).toUint8Array(true)]),
  }),
}

async function file(world: SuiteWorld, name: string, text: string): Promise<string> {
  const path = join(world.filesDir, name)
  await writeFile(path, text)
  return path
}

const bad = (...rows: readonly object[]) => rows as unknown as DataInput

/** Rows that do not fit, and the error that says so. */
const BAD: readonly (readonly [
  string,
  () => DataInput,
  { readonly code: string } & Readonly<Record<string, unknown>>,
])[] = [
  [
    'a null in a required column',
    () => bad({ id: 1n }, { id: null }),
    { code: 'FLOEBERG_INVALID_DATA', column: 'id', row: 1 },
  ],
  [
    'a required column left out',
    () => bad({ kind: 'a' }),
    { code: 'FLOEBERG_INVALID_DATA', column: 'id', row: 0 },
  ],
  [
    'an unknown column',
    () => bad({ id: 1n, other: 1 }),
    { code: 'FLOEBERG_SCHEMA_MISMATCH', column: 'other' },
  ],
  [
    'text for a number',
    () => bad({ id: 1n }, { id: 'one' }),
    { code: 'FLOEBERG_INVALID_DATA', column: 'id', row: 1 },
  ],
  [
    'a number out of range',
    () => bad({ id: 2n ** 63n }),
    { code: 'FLOEBERG_INVALID_DATA', column: 'id', row: 0 },
  ],
  [
    'a number that is not whole',
    () => bad({ id: 1.5 }),
    { code: 'FLOEBERG_INVALID_DATA', column: 'id', row: 0 },
  ],
  [
    'a bare number for a time',
    () => bad({ id: 1n, at: 1 }),
    { code: 'FLOEBERG_INVALID_DATA', column: 'at', row: 0 },
  ],
  ['a row that is none', () => ['row'] as unknown as DataInput, { code: 'FLOEBERG_INVALID_DATA', row: 0 }],
]

export const WRITE_CASES: readonly ManagerCase[] = [
  ...Object.entries(FORMS).map(([form, data]): ManagerCase => ({
    name: `writeData: rows from ${form}`,
    run: async (manager, world) => {
      const events = await manager.loadTable((await createEvents(manager)).identifier)
      const result = await manager.writeData(events, await data(world))
      equal(
        [result.rows, result.attempts, result.snapshotId],
        [2, 1, events.currentSnapshot?.['snapshot-id']],
      )
      equal(await rowsOf(events), WRITTEN)
      equal(await world.temporaries(), [])
    },
  })),
  {
    name: 'writeData: rows from a Parquet file that a scan made',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.writeData(events, ROWS)
      const path = join(world.filesDir, 'out.parquet')
      equal(await events.scan().toFile(path), { rows: 2 })
      await manager.writeData(events, { parquet: path })
      equal(await events.scan().count(), 4)
    },
  },
  ...BAD.map(([what, data, expected]): ManagerCase => ({
    name: `writeData: ${what} is refused, and nothing stays`,
    run: async (manager, world) => {
      const events = await manager.loadTable((await createEvents(manager)).identifier)
      await manager.writeData(events, ROWS)
      await failsCleanly(world, () => manager.writeData(events, data()), {
        ...expected,
        table: 'demo.events',
      })
      equal(await rowsOf(events), WRITTEN)
    },
  })),
  {
    name: 'writeData: what is no data, an unknown mode, a path that is not there',
    run: async (manager, world) => {
      const events = await manager.loadTable((await createEvents(manager)).identifier)
      for (const nothing of [null, 7, 'rows.csv', {}, { csv: [] }, { csv: '' }, { arrow: 7 }]) {
        const data = nothing as unknown as DataInput
        await failsCleanly(world, () => manager.writeData(events, data), {
          code: 'FLOEBERG_INVALID_ARGUMENT',
        })
      }
      const options = { mode: 'sideways' } as unknown as { mode: 'append' }
      await failsCleanly(world, () => manager.writeData(events, ROWS, options), {
        code: 'FLOEBERG_INVALID_ARGUMENT',
      })
      const csv = join(world.filesDir, 'nowhere.csv')
      await failsCleanly(world, () => manager.writeData(events, { csv }), { code: 'FLOEBERG_MISSING_FILE' })
      const wrong = { csv: await file(world, 'x.csv', 'id,kind\n1,a\n'), filter: 'nowhere = 1' }
      await failsCleanly(world, () => manager.writeData(events, wrong), {
        code: 'FLOEBERG_INVALID_EXPRESSION',
      })
    },
  },
  {
    name: 'writeData: a source that fails half-way passes its own error on, and nothing stays',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      const failure = new Error('the source is gone')
      let closed = false
      async function* source() {
        try {
          for (let id = 0n; id < 5000n; id += 1n) yield { id }
          throw failure
        } finally {
          closed = true
        }
      }
      const before = await world.objects()
      let thrown: unknown = null
      try {
        await manager.writeData(events, source())
      } catch (error) {
        thrown = error
      }
      isTrue(thrown === failure, 'the very error')
      equal([closed, await world.objects(), await world.temporaries()], [true, before, []])
    },
  },
  {
    name: 'writeData: no rows make no snapshot',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      const before = await world.objects()
      for (const nothing of [[], later([])]) {
        const { snapshotId, rows, files, attempts } = await manager.writeData(events, nothing)
        equal([snapshotId, rows, files, attempts], [null, 0, 0, 0])
      }
      equal([events.currentSnapshot, await world.objects()], [null, before])
    },
  },
  {
    name: 'writeData: an abort leaves nothing, whenever it comes',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      const aborted = AbortSignal.abort()
      await failsCleanly(world, () => manager.writeData(events, ROWS, { signal: aborted }), {
        code: 'FLOEBERG_OPERATION_ABORTED',
      })
      const controller = new AbortController()
      async function* source() {
        yield { id: 1n }
        controller.abort()
        for (let id = 2n; id < 5000n; id += 1n) yield { id }
      }
      await failsCleanly(world, () => manager.writeData(events, source(), { signal: controller.signal }), {
        code: 'FLOEBERG_OPERATION_ABORTED',
        table: 'demo.events',
      })
    },
  },
  {
    name: 'writeData: snapshotProperties stand in the summary; the format’s own counts are refused',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.writeData(events, ROWS, { snapshotProperties: { 'job.id': '7', team: 'ours' } })
      const [info] = await manager.listSnapshots(events)
      equal(
        [info?.summary['job.id'], info?.summary['team'], info?.summary['added-records']],
        ['7', 'ours', '2'],
      )
      for (const key of ['operation', 'added-records', 'total-data-files']) {
        await failsCleanly(
          world,
          () => manager.writeData(events, ROWS, { snapshotProperties: { [key]: '1' } }),
          {
            code: 'FLOEBERG_INVALID_ARGUMENT',
            table: 'demo.events',
          },
        )
      }
    },
  },
  {
    name: 'writeData: a branch is written to, a tag never, a missing branch is not made',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      await manager.writeData(events, ROWS)
      const snapshotId = await addRefs(manager, events)
      const result = await manager.writeData(events, [{ id: 3n }], { branch: 'audit' })
      equal(await events.scan().count(), 2)
      equal(await events.scan({ ref: 'audit' }).count(), 3)
      equal(events.metadata.refs['audit']?.['snapshot-id'], result.snapshotId)
      equal(events.metadata.refs['main']?.['snapshot-id'], snapshotId)
      await failsCleanly(world, () => manager.writeData(events, ROWS, { branch: 'fixed' }), {
        code: 'FLOEBERG_INVALID_ARGUMENT',
        table: 'demo.events',
      })
      await failsCleanly(world, () => manager.writeData(events, ROWS, { branch: 'nowhere' }), {
        code: 'FLOEBERG_NO_SUCH_REF',
        table: 'demo.events',
      })
    },
  },
  {
    manyCommits: true,
    name: 'fast_append: 200 appends leave 200 manifests, the newest first, at a cost that does not grow',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      const costs = await appendMany(manager, world, events, 200, 'fast_append')
      const manifests = await events.inspect.manifests()
      const added = events.inspect.snapshots().map(({ snapshot_id }) => snapshot_id)
      equal(
        manifests.map(({ added_snapshot_id }) => added_snapshot_id),
        added.toReversed(),
      )
      isTrue(
        manifests.every((manifest) => countsOf(manifest) === '1+0'),
        'one file added in each',
      )
      equal(events.metadata['last-sequence-number'], 200)
      equal(
        await idsOf(events.scan()),
        Array.from({ length: 200 }, (_, i) => BigInt(i)),
      )
      // Every append makes the same calls, and none of them reads what history left.
      equal(costs[199], costs[9])
      isTrue(
        costs.slice(1).every((cost) => cost === costs[9]),
        'each append the same calls',
      )
    },
  },
  {
    // Rules: a group is merged when its bin has commit.manifest.min-count-to-merge manifests, the
    // new one counted. The 100th append makes 100 of them, which become 1; the 199th adds the 99th
    // to that one, which makes 100 again; the 200th stays beside it.
    manyCommits: true,
    name: 'merge_commit: 200 appends leave the manifests that commit.manifest.* says',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      const lengths: number[] = []
      for (let id = 0n; id < 200n; id += 1n) {
        await manager.writeData(events, [{ id }], { commitStrategy: 'merge_commit' })
        if ([99n, 100n, 198n, 199n, 200n].includes(id + 1n)) {
          lengths.push((await events.inspect.manifests()).length)
        }
      }
      equal(lengths, [99, 1, 99, 1, 2])
      // What was added by the merging snapshot itself is still "added"; all else exists already.
      equal((await events.inspect.manifests()).map(countsOf), ['1+0', '1+198'])
      const files = await events.inspect.files()
      const bySequence = files.toSorted((a, b) => (a.sequence_number ?? 0) - (b.sequence_number ?? 0))
      const snapshots = events.inspect.snapshots().map(({ snapshot_id }) => snapshot_id)
      equal(
        bySequence.map(({ sequence_number, snapshot_id }) => [sequence_number, snapshot_id]),
        snapshots.map((id, i) => [i + 1, id]),
      )
      equal(await events.scan().count(), 200)
      // Merged manifests of our own that no snapshot lists are gone again.
      const avro = (await world.objects()).filter((object) => /-m\d+\.avro$/.test(object))
      equal(avro.length, 200)
    },
  },
  {
    // Of five: merged at the 5th, 9th (the merged one and four more) and 13th append.
    manyCommits: true,
    name: 'merge_commit: commit.manifest.min-count-to-merge, target-size-bytes, merge.enabled',
    run: async (manager) => {
      await manager.createNamespace('demo')
      const expected = [
        [{ 'commit.manifest.min-count-to-merge': '5' }, [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2]],
        // No two manifests fit into one of this size.
        [
          { 'commit.manifest.min-count-to-merge': '2', 'commit.manifest.target-size-bytes': '4000' },
          [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
        ],
        [
          { 'commit.manifest.min-count-to-merge': '2', 'commit.manifest-merge.enabled': 'false' },
          [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
        ],
        [{ 'commit.manifest.min-count-to-merge': '2' }, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
      ] as const
      for (const [i, [properties, lengths]] of expected.entries()) {
        const created = await manager.createTable({
          namespace: 'demo',
          name: `t${i}`,
          schema: {
            type: 'struct',
            'schema-id': 0,
            fields: [{ id: 1, name: 'id', type: 'long', required: false }],
          },
          properties,
        })
        const seen: number[] = []
        for (const id of lengths.keys()) {
          await manager.writeData(created, [{ id: BigInt(id) }], { commitStrategy: 'merge_commit' })
          seen.push((await created.inspect.manifests()).length)
        }
        equal(seen, [...lengths], JSON.stringify(properties))
        equal(await created.scan().count(), lengths.length)
      }
    },
  },
  {
    name: 'commitStrategy: the manager’s default, and the call’s own',
    run: async (_, world) => {
      const manager = await world.open({ commitStrategy: 'merge_commit' })
      const events = await createEvents(manager, { 'commit.manifest.min-count-to-merge': '2' })
      for (const id of [1n, 2n]) await manager.writeData(events, [{ id }])
      equal((await events.inspect.manifests()).length, 1)
      await manager.writeData(events, [{ id: 3n }], { commitStrategy: 'fast_append' })
      equal((await events.inspect.manifests()).length, 2)
      await manager.close()
    },
  },
  {
    name: 'writeData: several at once on one manager lose nothing',
    run: async (manager) => {
      await createEvents(manager, { 'commit.retry.num-retries': '50' })
      const handles = await Promise.all(Array.from({ length: 8 }, () => manager.loadTable('demo.events')))
      await Promise.all(handles.map((handle, i) => manager.writeData(handle, [{ id: BigInt(i) }])))
      const events = await manager.loadTable('demo.events')
      equal(await idsOf(events.scan()), [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n])
      equal((await manager.listSnapshots(events)).length, 8)
    },
  },
  {
    name: 'writeData: without retries a race is a conflict, and the loser’s rows and files are absent',
    run: async (manager, world) => {
      const events = await createEvents(manager)
      const theirs = await manager.loadTable('demo.events')
      await manager.writeData(theirs, [{ id: 1n }])
      const before = await world.objects()
      await fails(() => manager.writeData(events, [{ id: 2n }], { retry: { retries: 0 } }), {
        code: 'FLOEBERG_COMMIT_CONFLICT',
        table: 'demo.events',
        attempts: 1,
      })
      equal(await world.objects(), before)
      equal(await idsOf((await events.refresh()).scan()), [1n])
    },
  },
]

function countsOf(manifest: {
  readonly added_files_count: number | null
  readonly existing_files_count: number | null
}): string {
  return `${manifest.added_files_count}+${manifest.existing_files_count}`
}

/** The calls that each of many appends makes, without the names of files. */
async function appendMany<In, Out>(
  manager: IcebergTableManager,
  world: SuiteWorld,
  events: Table<In, Out>,
  count: number,
  commitStrategy: 'fast_append',
): Promise<readonly string[]> {
  const costs: string[] = []
  for (let id = 0; id < count; id += 1) {
    world.controller.reset()
    const rows = [{ id: BigInt(id) }] as unknown as DataInput<In>
    await manager.writeData(events, rows, { commitStrategy })
    costs.push(world.controller.calls.map(({ target, method }) => `${target}.${method}`).join(' '))
  }
  return costs
}

/** A branch `audit` and a tag `fixed` at the current snapshot, whose id is the answer. */
export async function addRefs<In, Out>(
  manager: IcebergTableManager,
  events: Table<In, Out>,
): Promise<bigint | undefined> {
  const snapshotId = events.currentSnapshot?.['snapshot-id']
  if (snapshotId === undefined) throw new Error('the table is empty')
  await manager.catalog.commitTable(events.identifier, {
    requirements: [],
    updates: [
      { action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'branch', 'snapshot-id': snapshotId },
      { action: 'set-snapshot-ref', 'ref-name': 'fixed', type: 'tag', 'snapshot-id': snapshotId },
    ],
  })
  await events.refresh()
  return snapshotId
}
