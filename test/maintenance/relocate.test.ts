/** Tables that move: the same rows, at every snapshot, from another place, and nothing left that leads back. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import {
  CommitConflictError,
  CommitRejectedError,
  CorruptFileError,
  IcebergTableManager,
  InvalidArgumentError,
  OperationAbortedError,
  t,
  table,
  NoSuchNamespaceError,
  TableAlreadyExistsError,
  UnsupportedFeatureError,
  type Table,
} from '../../src/index.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { collect } from '../../src/testing/case.ts'
import { readAvroFile } from '../support/avro.ts'
import { faultCatalog } from '../support/fault-catalog.ts'
import { localManagerWorld, openEngine, sharedEngine, type ManagerWorld } from '../support/manager-world.ts'
import { localPath, plainMetadata, PlainReader, reachableFiles } from '../support/reachable.ts'
import { withStatistics } from './statistics.ts'

const ID = 'demo.events'
const events = table({ id: t.long().required(), kind: t.string() })
const rows = (...ids: readonly bigint[]) => ids.map((id) => ({ id, kind: `k${id % 2n}` }))
const WIDE = Array.from({ length: 2000 }, (_, id) => BigInt(id))

let root: string
let plane: DataPlane
let world: ManagerWorld
let manager: IcebergTableManager
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-relocate-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})
beforeEach(async () => {
  world = await localManagerWorld(await mkdtemp(join(root, 'world-')), plane)
  manager = await world.openAside()
  await manager.createNamespace('demo')
  return () => manager.close()
})

/** Appends, position deletes of several files in one, an overwrite, a tag, another spec and schema. */
async function livedInTable(properties: Readonly<Record<string, string>> = {}): Promise<Table> {
  const created = await manager.createTable({
    namespace: 'demo',
    name: 'events',
    schema: events,
    partitionSpec: [{ source: 'kind' }],
    properties: {
      'write.delete.mode': 'merge-on-read',
      'write.delete.granularity': 'partition',
      ...properties,
    },
  })
  await manager.writeData(created, rows(...WIDE))
  await manager.writeData(created, rows(...WIDE.map((id) => id + 2000n)))
  await manager.deleteRows(created, 'id in (0, 1, 2000, 2001, 2003)')
  const evolved = await manager.loadTable(ID)
  await manager.evolveSchema(evolved, [{ type: 'add_column', name: 'at', fieldType: 'timestamp' }])
  await manager.evolvePartitionSpec(evolved, [{ type: 'remove_field', field: 'kind' }])
  await manager.writeData(evolved, [{ id: 9000n, kind: 'new' }])
  await manager.writeData(evolved, [{ id: 1n, kind: 'again' }], {
    mode: 'overwrite',
    overwriteFilter: 'id < 4',
  })
  return manager.loadTable(ID)
}

/** Rows of every snapshot, as text. */
async function history(of: Table): Promise<readonly (readonly string[])[]> {
  const all: (readonly string[])[] = []
  for (const snapshot of of.metadata.snapshots) {
    const found = await of.scan({ snapshotId: snapshot['snapshot-id'] }).toArray()
    all.push(
      found
        .map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}` : value)))
        .sort(),
    )
  }
  return all
}

const place = (name: string): string => toFileUri(join(root, 'elsewhere', `${name}-${crypto.randomUUID()}`))

/** Whatever the new place's files say of the old one: nothing is to be found, by other decoders than ours. */
async function mentionsOf(old: string, metadataLocation: string): Promise<readonly string[]> {
  const found: string[] = []
  const look = (where: string, what: unknown): void => {
    const text = JSON.stringify(what, (_, value) => {
      if (typeof value === 'bigint') return value.toString()
      return value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value
    })
    if (text.includes(localPath(old))) found.push(where)
  }
  look('metadata', await readFile(localPath(metadataLocation), 'utf8'))
  const metadata = await plainMetadata(metadataLocation)
  const reader = new PlainReader()
  for (const snapshot of metadata.snapshots ?? []) {
    look('list', (await readAvroFile(localPath(snapshot['manifest-list']))).records)
    for (const manifest of await reader.manifests(snapshot)) {
      look('manifest', (await readAvroFile(localPath(String(manifest['manifest_path'])))).records)
    }
  }
  return found
}

describe('to another folder', () => {
  test('every snapshot has its rows from the new place alone, and the source is as it was', async () => {
    const source = await livedInTable()
    const [before, old, oldFiles] = [await history(source), source.location, await world.objects()]
    const to = place('moved')
    const plan = await manager.planRelocate(source, { to })
    expect(plan).toMatchObject({
      kind: 'relocate',
      to,
      roots: [{ from: old, to }],
      registration: 'replace',
      snapshots: 5,
      files: { positionDeleteFiles: { count: 4 } },
    })
    const done: number[] = []
    const result = await manager.execute(JSON.parse(JSON.stringify(plan)) as typeof plan, {
      onProgress: (progress) => done.push(progress.done),
    })
    expect(result).toMatchObject({ location: to, table: { name: 'events' }, reusedFiles: 0 })
    expect(done).toEqual(done.map((_, at) => at + 1))
    expect(await world.objects()).toEqual(oldFiles)

    const moved = await manager.loadTable(ID)
    expect(moved).toMatchObject({
      location: to,
      metadataLocation: result.metadataLocation,
    })
    expect(moved.uuid).not.toBe(source.uuid)
    expect(await mentionsOf(old, result.metadataLocation)).toEqual([])
    const there = (await collect(new LocalObjectStore().list(`${to}/`)))
      .map(({ location }) => location)
      .sort()
    expect(there).toEqual(await reachableFiles(result.metadataLocation))
    await new LocalObjectStore().delete(oldFiles)
    expect(await history(await manager.loadTable(ID))).toEqual(before)
    await manager.writeData(moved, rows(7n))
    expect((await manager.loadTable(ID)).metadata['metadata-log']).toHaveLength(1)
  })

  test('the handle moves along; one that was loaded before follows when it is refreshed', async () => {
    const source = await livedInTable()
    const other = await manager.loadTable(ID)
    const to = place('handle')
    await manager.relocateTable(source, { to })
    expect(source.location).toBe(to)
    expect((await other.refresh()).location).toBe(to)
    await manager.writeData(other, rows(5001n))
    expect(await source.scan({ filter: 'id = 5001' }).count()).toBe(0)
    expect(await (await source.refresh()).scan({ filter: 'id = 5001' }).count()).toBe(1)
  })

  test('a writer that still works with the old files is refused: nobody mixes both places', async () => {
    const source = await livedInTable()
    const [writer, evolver] = [await manager.loadTable(ID), await manager.loadTable(ID)]
    let move: Promise<unknown> = Promise.resolve()
    async function* slowly() {
      yield* rows(5001n)
      move = manager.relocateTable(source, { to: place('mixed') })
      await move
      yield* rows(5002n)
    }
    await expect(manager.writeData(writer, slowly())).rejects.toThrow(CommitRejectedError)
    const added = { type: 'add_column', name: 'x', fieldType: 'int' } as const
    await expect(manager.evolveSchema(evolver, [added])).rejects.toThrow(CommitRejectedError)
    const moved = await manager.loadTable(ID)
    expect(await moved.scan({ filter: 'id > 5000 and id < 9000' }).count()).toBe(0)
    await manager.writeData(await writer.refresh(), rows(5003n))
    expect(await (await manager.loadTable(ID)).scan({ filter: 'id = 5003' }).count()).toBe(1)
  })

  test('a table whose folders are apart: each goes to a place of its own', async () => {
    const far = toFileUri(join(root, `far-${crypto.randomUUID()}`))
    const properties = {
      'write.data.path': `${far}/data`,
      'write.metadata.path': `${far}/meta`,
      note: 'kept',
    }
    const source = await livedInTable(properties)
    const before = await history(source)
    const to = place('apart')
    const plan = await manager.planRelocate(source, { to })
    expect(plan.roots.map(({ from }) => from)).toEqual([source.location, `${far}/data`, `${far}/meta`])
    expect(new Set(plan.roots.map((moved) => moved.to)).size).toBe(3)
    const result = await manager.execute(plan)
    await rm(localPath(far), { recursive: true })
    const moved = await manager.loadTable(ID)
    expect(await history(moved)).toEqual(before)
    expect(await mentionsOf(far, result.metadataLocation)).toEqual([])
    expect(moved.properties).toMatchObject({
      'write.data.path': plan.roots[1]?.to,
      'write.metadata.path': plan.roots[2]?.to,
      note: 'kept',
    })
    await manager.writeData(moved, rows(7n))
    const [newest] = await moved.inspect.files({ snapshotId: moved.currentSnapshot!['snapshot-id'] })
    expect(newest?.file_path.startsWith(to)).toBe(true)
  })

  test('as another table: with an id of its own, and the two go their own ways', async () => {
    const source = await livedInTable({ 'write.metadata.compression-codec': 'gzip' })
    const before = await history(source)
    const to = place('copy')
    const plan = await manager.planRelocate(source, { to, as: 'demo.copy' })
    const result = await manager.execute(plan)
    expect(result.metadataLocation).toMatch(/\.gz\.metadata\.json$/)
    expect(result.table).toEqual({ namespace: ['demo'], name: 'copy' })
    const copy = await manager.loadTable('demo.copy')
    expect(copy.uuid).not.toBe(source.uuid)
    expect(await history(copy)).toEqual(before)
    await manager.writeData(copy, [], { mode: 'overwrite' })
    await manager.dropTable('demo.copy', { purge: true })
    expect(await history(await manager.loadTable(ID))).toEqual(before)
  })

  test('without the catalog: the metadata file can be registered by whoever wants it', async () => {
    const source = await livedInTable()
    const before = await history(source)
    const result = await manager.relocateTable(source, { to: place('unregistered'), register: false })
    expect(result.table).toBeNull()
    expect((await manager.loadTable(ID)).location).toBe(source.location)
    const adopted = await manager.registerTable('demo.adopted', result.metadataLocation)
    expect(await history(adopted)).toEqual(before)
  })

  test.each([1, 2] as const)('a table of format version %d', async (version) => {
    const created = await manager.createTable({
      namespace: 'demo',
      name: 'events',
      schema: events,
      formatVersion: version,
    })
    await manager.writeData(created, rows(1n, 2n))
    await manager.writeData(created, rows(3n))
    const before = await history(created)
    await manager.relocateTable(created, { to: place('version') })
    expect(created.formatVersion).toBe(version)
    expect(await history(created)).toEqual(before)
  })

  test('statistics files go along', async () => {
    const source = await withStatistics(world, manager, await livedInTable())
    const to = place('statistics')
    const plan = await manager.planRelocate(source, { to })
    expect(plan.files.statisticsFiles.count).toBe(2)
    const { metadataLocation } = await manager.execute(plan)
    const { metadata } = await manager.loadTable(ID)
    const paths = [...metadata.statistics, ...metadata['partition-statistics']].map(
      (each) => each['statistics-path'],
    )
    expect(paths).toEqual([`${to}/metadata/of-another.stats`, `${to}/metadata/of-another.stats`])
    expect(await reachableFiles(metadataLocation)).toContain(paths[0])
  })

  test('an empty table', async () => {
    const created = await manager.createTable({ namespace: 'demo', name: 'events', schema: events })
    const result = await manager.relocateTable(created, { to: place('empty') })
    expect(result).toMatchObject({ copiedFiles: 1, reusedFiles: 0 })
    await manager.writeData(created, rows(1n))
    expect(await created.scan().count()).toBe(1)
  })

  test('a table of version 3 is refused as long as its manifests cannot be written', async () => {
    const source = await livedInTable()
    await manager.upgradeFormatVersion(source, 3)
    await expect(manager.planRelocate(source, { to: place('three') })).rejects.toThrow(
      UnsupportedFeatureError,
    )
  })
})

describe('interrupted', () => {
  test('what was copied is used again, by the same plan and by a new one', async () => {
    const source = await livedInTable()
    const before = await history(source)
    const to = place('again')
    const plan = await manager.planRelocate(source, { to })
    const controller = new AbortController()
    let copied = 0
    const stop = manager.execute(plan, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        copied = done
        if (done === 6) controller.abort()
      },
    })
    await expect(stop).rejects.toThrow(OperationAbortedError)
    expect((await manager.loadTable(ID)).location).toBe(source.location)
    expect(copied).toBeGreaterThanOrEqual(6)

    await manager.writeData(source, rows(9001n))
    await expect(manager.execute(plan)).rejects.toThrow(CommitConflictError)
    const result = await manager.relocateTable(source, { to })
    expect(result.reusedFiles).toBeGreaterThan(0)
    expect((await history(source)).slice(0, -1)).toEqual(before)
    expect(await source.scan({ filter: 'id = 9001' }).count()).toBe(1)
    const left = (await collect(new LocalObjectStore().listTemporary(`${to}/`))).map(
      ({ location }) => location,
    )
    expect(left).toEqual([])
  })

  test('a file that two manifests name is not taken for one of an earlier try', async () => {
    const source = await livedInTable()
    const { snapshotId } = await manager.rewriteManifests(source)
    expect(snapshotId).not.toBeNull()
    const result = await manager.relocateTable(source, { to: place('twice') })
    expect(result.reusedFiles).toBe(0)
  })

  test('a half copy in the place of a file is made anew', async () => {
    const source = await livedInTable()
    const before = await history(source)
    const to = place('half')
    const plan = await manager.planRelocate(source, { to })
    const controller = new AbortController()
    await expect(
      manager.execute(plan, { signal: controller.signal, onProgress: () => controller.abort() }),
    ).rejects.toThrow(OperationAbortedError)
    const [first] = await collect(new LocalObjectStore().list(`${to}/data/`))
    await new LocalObjectStore().put(first?.location ?? '', new Uint8Array(3))
    await manager.execute(plan)
    expect(await history(await manager.loadTable(ID))).toEqual(before)
  })

  test('a plan that was carried out already changes nothing more', async () => {
    const source = await livedInTable()
    const to = place('twice')
    const plan = await manager.planRelocate(source, { to })
    const first = await manager.execute(plan)
    expect(await manager.execute(plan)).toEqual({ ...first, copiedFiles: 0, copiedBytes: 0, reusedFiles: 0 })
    await manager.writeData(await manager.loadTable(ID), rows(9001n))
    const { metadataLocation } = await manager.loadTable(ID)
    expect(await manager.execute(plan)).toMatchObject({ metadataLocation })
  })

  test('a commit during the copy is not lost: the catalog is not moved', async () => {
    const source = await livedInTable()
    const other = await manager.loadTable(ID)
    let commit: Promise<unknown> | null = null
    const moving = manager.execute(await manager.planRelocate(source, { to: place('race') }), {
      onProgress: () => void (commit ??= manager.writeData(other, rows(9001n))),
    })
    await expect(moving).rejects.toThrow(CommitConflictError)
    await commit
    expect(await (await manager.loadTable(ID)).scan({ filter: 'id = 9001' }).count()).toBe(1)
  })

  test('a file that is damaged on the way is found before anybody is led to it', async () => {
    const source = await livedInTable()
    const [file] = await source.inspect.files()
    const bytes = await world.store().get(file?.file_path ?? '')
    await world.store().put(file?.file_path ?? '', bytes.subarray(1))
    await expect(manager.relocateTable(source, { to: place('cut') })).rejects.toThrow(CorruptFileError)
    await world.store().delete([file?.file_path ?? ''])
    await expect(manager.relocateTable(source, { to: place('gone') })).rejects.toMatchObject({
      code: 'FLOEBERG_MISSING_FILE',
    })
    expect((await manager.loadTable(ID)).location).not.toContain('elsewhere')
  })
})

describe('places that are not free', () => {
  test('the table’s own, another’s, one with files, and names that are taken', async () => {
    const source = await livedInTable()
    const other = await manager.createTable({ namespace: 'demo', name: 'other', schema: events })
    const full = place('full')
    await new LocalObjectStore().put(`${full}/x`, new Uint8Array(1))
    for (const to of [
      source.location,
      `${source.location}/inside`,
      world.warehouse,
      other.location,
      `${other.location}/below`,
      full,
    ]) {
      await expect(manager.planRelocate(source, { to })).rejects.toThrow(InvalidArgumentError)
    }
    await expect(manager.planRelocate(source, { to: 'relative/place' })).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_LOCATION',
    })
    const taken = manager.planRelocate(source, { to: place('named'), as: 'demo.other' })
    await expect(taken).rejects.toThrow(TableAlreadyExistsError)
    const nowhere = manager.planRelocate(source, { to: place('named'), as: 'nowhere.copy' })
    await expect(nowhere).rejects.toThrow(NoSuchNamespaceError)
  })

  test('or not any more, when the plan is carried out', async () => {
    const source = await livedInTable()
    const to = place('late')
    const plan = await manager.planRelocate(source, { to, as: 'demo.copy' })
    await manager.createTable({ namespace: 'demo', name: 'copy', schema: events })
    await expect(manager.execute(plan)).rejects.toThrow(TableAlreadyExistsError)
    await manager.dropTable('demo.copy')
    await new LocalObjectStore().put(`${to}/x`, new Uint8Array(1))
    await expect(manager.execute(plan)).rejects.toThrow(InvalidArgumentError)
  })

  test('whatever an edited plan says: nothing is written outside of the new location', async () => {
    const source = await livedInTable()
    const other = await manager.createTable({ namespace: 'demo', name: 'other', schema: events })
    const plan = await manager.planRelocate(source, { to: place('edited') })
    const [root] = plan.roots
    for (const edited of [
      { ...plan, roots: [{ from: root?.from ?? '', to: other.location }] },
      { ...plan, targetMetadataLocation: other.metadataLocation ?? '' },
      { ...plan, to: other.location },
      { ...plan, roots: [] },
      { ...plan, targetUuid: plan.tableUuid },
    ]) {
      await expect(manager.execute(edited)).rejects.toThrow(InvalidArgumentError)
    }
    expect(await other.scan().count()).toBe(0)
    await expect(manager.execute({ ...plan, table: { ...plan.table, name: 'other' } })).rejects.toThrow(
      CommitRejectedError,
    )
  })

  test('a catalog that moves no pointers names the other way', async () => {
    const source = await livedInTable()
    const { catalog } = manager
    const closed = await world.openAside({
      catalogPlugin: {
        name: 'closed',
        connect: async () => {
          const { metadataPointers: _, ...rest } = faultCatalog(catalog, world.controller)
          return { ...rest, close: async () => {} }
        },
      },
    })
    const same = await closed.loadTable(ID)
    await expect(closed.planRelocate(same, { to: place('rest') })).rejects.toThrow(UnsupportedFeatureError)
    await closed.relocateTable(same, { to: place('rest'), as: 'demo.copy' })
    expect(await history(await manager.loadTable('demo.copy'))).toEqual(await history(source))
    await closed.close()
  })
})

test('from one store to another', async () => {
  const local = new LocalObjectStore()
  const memory = new MemoryObjectStore()
  const both = await IcebergTableManager.connect({
    catalogPlugin: {
      name: 'memory',
      connect: async ({ getObjectStore }) =>
        new MemoryCatalog({ name: 'm', warehouse: 'memory://bucket/wh', getObjectStore }),
    },
    storagePlugin: {
      name: 'both',
      getObjectStore: ({ location }) => (location.startsWith('memory:') ? memory : local),
      getWarehouseUri: () => null,
    },
    enginePlugin: sharedEngine(plane),
    scratchDir: join(root, 'staged'),
  })
  const aside = manager
  manager = both
  await both.createNamespace('demo')
  const source = await livedInTable()
  const before = await history(source)
  const stale = await both.loadTable(ID)
  const to = place('from-memory')
  const result = await both.relocateTable(source, { to })
  const inMemory = (await collect(memory.list('memory://bucket/wh/'))).map(({ location }) => location)
  await memory.delete(inMemory)
  expect(await history(await both.loadTable(ID))).toEqual(before)
  expect(await history(await stale.refresh())).toEqual(before)
  expect(await reachableFiles(result.metadataLocation)).not.toEqual([])
  await both.relocateTable(stale, { to: 'memory://bucket/back' })
  expect(await history(stale)).toEqual(before)
  expect(await readdir(join(root, 'staged'))).toEqual([])
  await both.close()
  manager = aside
})
