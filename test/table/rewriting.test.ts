/** Changes of files below the engine: what a snapshot lists, what is read, and what others did meanwhile. */
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { CommitConflictError, InvalidLocationError } from '../../src/errors.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { liveFilesOf, type ManifestFile } from '../../src/format/manifest/list.ts'
import { currentSchema, currentSnapshot } from '../../src/format/metadata/views.ts'
import { commitChange } from '../../src/table/commit.ts'
import { Intervening } from '../../src/table/intervening.ts'
import { manifestsOf, writableManifests, type ManifestContext } from '../../src/table/manifest-reader.ts'
import type { CommitStrategy } from '../../src/table/operations/append.ts'
import { RowLevelChange, type RowChange } from '../../src/table/operations/row-change.ts'
import { planScan } from '../../src/table/plan.ts'
import type { TableHandle } from '../../src/table/table.ts'
import { AllowedRoots } from '../../src/table/table-locations.ts'
import {
  createTestTable,
  memoryWorld,
  putDataFile,
  TABLE,
  type MemoryWorld,
} from '../support/memory-runtime.ts'

/** Commits files that come and files that go. */
async function change(
  world: MemoryWorld,
  table: TableHandle,
  files: Partial<RowChange>,
  strategy: CommitStrategy = 'fast_append',
): Promise<void> {
  const target = {
    runtime: world.runtime,
    storage: table.state.storage,
    branch: 'main',
    snapshotProperties: {},
  }
  const computation = {
    operation: 'test',
    isolation: 'serializable',
    onConflict: 'fail',
    compute: async () => ({ added: [], removed: [], removedDeletes: [], referenced: [], ...files }),
    touches: () => true,
    written: () => [],
    discard: async () => {},
  } as const
  const result = await commitChange(
    world.runtime,
    TABLE,
    table.state.loaded,
    new RowLevelChange(target, computation, { strategy }),
  )
  table.advance(result.table)
}

function contextOf(world: MemoryWorld, table: TableHandle): ManifestContext {
  const { metadata } = table
  return { runtime: world.runtime, store: world.store, metadata, roots: new AllowedRoots(metadata, []) }
}

function headOf(table: TableHandle) {
  const head = currentSnapshot(table.metadata)
  if (head === null) throw new Error('the table is empty')
  return head
}

describe.each(['fast_append', 'merge_commit'] as const)('%s', (strategy) => {
  test('a manifest without live files is listed by the snapshot that emptied it and by none after', async () => {
    const world = memoryWorld()
    const table = await createTestTable(world)
    let last: ContentFile | null = null
    for (let i = 0; i < 6; i += 1) {
      const next = await putDataFile(world, table, `file-${i}`)
      await change(world, table, { added: [next], removed: last === null ? [] : [last] }, strategy)
      last = next
    }
    const manifests = await manifestsOf(contextOf(world, table), headOf(table))
    const counts = manifests.map(({ addedFilesCount, existingFilesCount, deletedFilesCount }) => [
      addedFilesCount,
      existingFilesCount,
      deletedFilesCount,
    ])
    expect(counts).toEqual([
      [1, 0, 0],
      [0, 0, 1],
    ])
  })
})

test('a manifest whose count of no live files is in doubt is counted, and not listed again when it is right', async () => {
  const world = memoryWorld()
  const table = await createTestTable(world)
  const gone = await putDataFile(world, table, 'gone')
  await change(world, table, { added: [gone] })
  await change(world, table, { added: [await putDataFile(world, table, 'stays')], removed: [gone] })
  const head = headOf(table)
  // By its summary the snapshot has a file more than its list.
  const doubted = { ...head, summary: { operation: 'overwrite', ...head.summary, 'total-data-files': '2' } }
  const context = contextOf(world, table)
  const live = async (manifests: Promise<readonly ManifestFile[]>) => (await manifests).map(liveFilesOf)
  expect(await live(manifestsOf(context, head))).toEqual([1, 0])
  expect(await live(manifestsOf(context, doubted))).toEqual([1, null])
  expect(await live(writableManifests(context, doubted))).toEqual([1])
})

test('delete files outside of the locations of the table are not read', async () => {
  const world = memoryWorld()
  const table = await createTestTable(world)
  const data = await putDataFile(world, table, 'data')
  const stranger: ContentFile = {
    ...data,
    content: 'position-deletes',
    location: 'memory://elsewhere/p=secret/deletes.parquet',
    referencedDataFile: data.location,
  }
  await change(world, table, { added: [data] })
  await change(world, table, { added: [stranger] })
  const plan = planScan({
    context: contextOf(world, table),
    snapshot: headOf(table),
    schema: currentSchema(table.metadata),
    filter: { op: 'true' },
  })
  const error = await plan.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(InvalidLocationError)
  expect(inspect(error)).not.toContain('secret')
})

test('what came between an empty branch and its head is known whole or not at all', async () => {
  const world = memoryWorld()
  const table = await createTestTable(world)
  const empty = new Intervening(null)
  for (const name of ['one', 'two', 'three']) {
    await change(world, table, { added: [await putDataFile(world, table, name)] })
  }
  const whole = await empty.changes(contextOf(world, table), headOf(table))
  expect(whole.addedData).toHaveLength(3)

  const first = table.metadata.snapshots[0]?.['snapshot-id'] ?? 0n
  table.advance(
    await world.catalog.commitTable(TABLE, {
      requirements: [],
      updates: [{ action: 'remove-snapshots', 'snapshot-ids': [first] }],
    }),
  )
  const cut = new Intervening(null).changes(contextOf(world, table), headOf(table))
  await expect(cut).rejects.toThrow(CommitConflictError)
})
