/** Any sequence of writes and rewritings leaves the rows that a map of them has. */
import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { t, table, type CompactionOptions, type IcebergTableManager, type Table } from '../../src/index.ts'
import { memoryManagerWorld, openEngine } from '../support/manager-world.ts'

let folder: string
let plane: DataPlane

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floeberg-model-'))
  plane = await openEngine(folder)
})
afterAll(async () => {
  await plane.close()
  await rm(folder, { recursive: true })
})

const id = fc.integer({ min: 0, max: 30 })
const kind = fc.constantFrom('a', 'b', null)
const rows = fc.uniqueArray(fc.record({ id, kind, value: fc.double({ noNaN: false }) }), {
  selector: (row) => row.id,
  minLength: 1,
  maxLength: 8,
})

const compaction: fc.Arbitrary<CompactionOptions> = fc
  .record({
    how: fc.constantFrom<CompactionOptions>(
      { strategy: 'bin_pack' },
      { strategy: 'sort', sortBy: [{ source: 'kind' }, { source: 'value', direction: 'desc' }] },
      { strategy: 'z_order', zOrderBy: ['id', 'value', 'kind'] },
      { outputSpecId: 'current' },
    ),
    rewriteAll: fc.boolean(),
    minInputFiles: fc.constantFrom(1, 2, 5),
    deleteFileThreshold: fc.constantFrom(undefined, 1),
    maxFileGroupSizeBytes: fc.constantFrom(1, 3000, undefined),
    partialProgressEnabled: fc.boolean(),
    removeDanglingDeletes: fc.boolean(),
    where: fc.constantFrom(undefined, "kind = 'a'", 'id < 15'),
  })
  .map(({ how, ...others }) => ({ ...how, ...others }))

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('upsert' as const), rows }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), from: id, to: id }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('compact' as const), options: compaction }) },
  fc.record({ op: fc.constant('manifests' as const) }),
  fc.record({ op: fc.constant('deletes' as const), rewriteAll: fc.boolean() }),
  fc.record({ op: fc.constant('spec' as const) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface ModelRow {
  readonly id: number
  readonly kind: string | null
  readonly value: number
}

/** A table, and what should be in it. */
interface Run {
  readonly manager: IcebergTableManager
  readonly tbl: Table
  readonly rows: Map<number, ModelRow>
}

async function take({ manager, tbl, rows: model }: Run, each: Step): Promise<void> {
  const before = tbl.currentSnapshot?.summary
  switch (each.op) {
    case 'upsert':
      await manager.writeData(tbl, each.rows, { mode: 'upsert', joinColumns: ['id'] })
      for (const row of each.rows) model.set(row.id, row)
      break
    case 'delete':
      await manager.deleteRows(tbl, `id between ${each.from} and ${each.to}`)
      for (let one = each.from; one <= each.to; one += 1) model.delete(one)
      break
    case 'compact': {
      const { snapshotIds } = await manager.compactTable(tbl, each.options)
      if (snapshotIds.length === 0) expect(tbl.currentSnapshot?.summary).toEqual(before)
      break
    }
    case 'manifests':
      await manager.rewriteManifests(tbl)
      expect((await manager.planRewriteManifests(tbl)).groups).toEqual([])
      break
    case 'deletes':
      await manager.rewritePositionDeletes(tbl, { rewriteAll: each.rewriteAll })
      break
    case 'spec':
      await manager.evolvePartitionSpec(tbl, [
        { type: 'add_field', source: 'id', transform: `bucket[${1 + tbl.partitionSpec.fields.length}]` },
      ])
      break
  }
}

async function check({ tbl, rows: model }: Run): Promise<void> {
  const found = (await tbl.scan().toArray()).toSorted((a, b) => Number(a['id']) - Number(b['id']))
  expect(found).toEqual([...model.values()].toSorted((a, b) => a.id - b.id))
  // The counts of the summary are those of the files.
  const files = await tbl.inspect.files()
  const deletes = files.filter((file) => file.content !== 'data')
  const { summary } = tbl.currentSnapshot ?? {}
  if (summary === undefined) return
  expect(summary).toMatchObject({
    'total-data-files': String(files.length - deletes.length),
    'total-delete-files': String(deletes.length),
    'total-position-deletes': String(deletes.reduce((sum, file) => sum + file.record_count, 0)),
  })
}

test('writes and rewritings in any order', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 14 }),
      fc.constantFrom('file', 'partition'),
      async (steps, granularity) => {
        const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
        const manager = await world.openAside()
        await manager.createNamespace('demo')
        const tbl = await manager.createTable({
          namespace: 'demo',
          name: 'any',
          schema: table({ id: t.int().required(), kind: t.string(), value: t.double() }),
          partitionSpec: [{ source: 'kind' }],
          properties: {
            'write.delete.mode': 'merge-on-read',
            'write.merge.mode': 'merge-on-read',
            'write.delete.granularity': granularity,
          },
        })
        const run: Run = { manager, tbl, rows: new Map() }
        for (const each of steps) {
          await take(run, each)
          await check(run)
        }
      },
    ),
    { numRuns: 25 },
  )
})
