/** Orphan files: what nothing reaches goes when it is old enough, and nothing else. */
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog, TableIdentifier } from '../../src/catalog/catalog.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import {
  CommitRejectedError,
  CorruptFileError,
  IcebergTableManager,
  InvalidArgumentError,
  InvalidLocationError,
  MissingFileError,
  t,
  table,
  UnsupportedFeatureError,
  type OrphanFilesPlan,
  type Table,
} from '../../src/index.ts'
import { localPathOf, toFileUri } from '../../src/storage/location.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { temporaryName } from '../../src/storage/temporary-names.ts'
import { localManagerWorld, openEngine, sharedEngine, type ManagerWorld } from '../support/manager-world.ts'
import { reachableFiles } from '../support/reachable.ts'
import { withStatistics } from './statistics.ts'

const EVENTS = table({ id: t.long().required(), kind: t.string() })
const rows = (...ids: readonly bigint[]) => ids.map((id) => ({ id, kind: `k${id % 2n}` }))
const EVERYTHING = { olderThanDays: 0, allowRecentFiles: true } as const

let root: string
let plane: DataPlane
let world: ManagerWorld
let manager: IcebergTableManager
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-orphans-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

async function newTable(name = 'events', properties: Readonly<Record<string, string>> = {}): Promise<Table> {
  await manager.createNamespace('demo').catch(() => undefined)
  const created = await manager.createTable({
    namespace: 'demo',
    name,
    schema: EVENTS,
    partitionSpec: [{ source: 'kind' }],
    properties,
  })
  await manager.writeData(created, rows(1n, 2n))
  await manager.writeData(created, rows(3n, 4n))
  return manager.loadTable(`demo.${name}`)
}

/** Puts something below the table that nothing reaches. */
async function stray(of: Table, path: string, days = 0): Promise<string> {
  const location = `${of.location}/${path}`
  await world.store().put(location, new Uint8Array(10))
  if (days > 0) await age(location, days)
  return location
}

async function age(location: string, days: number): Promise<void> {
  const then = new Date(Date.now() - days * 86_400_000)
  await utimes(localPathOf(location), then, then)
}

/** Where `demo.inner` is asked for. */
const ASKED = { listTables: ['demo'], loadTable: { namespace: ['demo'], name: 'inner' } } as const

const locations = (plan: OrphanFilesPlan): readonly string[] =>
  plan.items.map(({ location }) => location).sort()

describe('on the local disk', () => {
  beforeEach(async () => {
    world = await localManagerWorld(await mkdtemp(join(root, 'local-')), plane)
    manager = await world.openAside()
    return () => manager.close()
  })

  test('without the age guard, what stays is what an independent walk reaches', async () => {
    const events = await newTable('events', {
      'write.metadata.previous-versions-max': '2',
      'write.delete.mode': 'merge-on-read',
    })
    await manager.deleteRows(events, 'id = 1')
    await manager.writeData(events, rows(9n), { mode: 'overwrite' })
    for (const path of [
      'data/kind=k0/stray.parquet',
      'metadata/stray-m0.avro',
      'deep/er/x',
      'data/%20 ü.parquet',
    ])
      await stray(events, path)
    const before = await world.objects()
    const result = await manager.removeOrphanFiles(events, EVERYTHING)
    const reachable = await reachableFiles(events.metadataLocation ?? '')
    expect(await world.objects()).toEqual(reachable)
    expect(result).toMatchObject({
      deletedFiles: before.length - reachable.length,
      skipped: [],
      failure: null,
    })
    expect(await events.scan().toArray()).toEqual(rows(9n))
    expect((await manager.planOrphanFiles(events, EVERYTHING)).items).toEqual([])
  })

  test('files of three days and more go by default, younger ones stay', async () => {
    const events = await newTable()
    const old = await stray(events, 'data/old.parquet', 3.01)
    await stray(events, 'data/young.parquet', 2.99)
    const plan = await manager.planOrphanFiles(events)
    expect(locations(plan)).toEqual([old])
    expect(plan).toMatchObject({ kind: 'orphans', bytes: 10, items: [{ size: 10, reason: 'unreachable' }] })
    expect(await manager.execute(plan)).toMatchObject({ deletedFiles: 1, deletedBytes: 10, skipped: [] })
    expect(await world.objects()).not.toContain(old)
    expect(await world.objects()).toContain(`${events.location}/data/young.parquet`)
  })

  test('a file as old as the limit goes, one that is a moment younger stays', async () => {
    const events = await newTable()
    const limit = new Date(Math.floor(Date.now() / 1000 - 2 * 86_400) * 1000)
    const [at, after] = [await stray(events, 'data/at'), await stray(events, 'data/after')]
    await utimes(localPathOf(at), limit, limit)
    const later = new Date(limit.getTime() + 2)
    await utimes(localPathOf(after), later, later)
    expect(locations(await manager.planOrphanFiles(events, { olderThan: limit }))).toEqual([at])
  })

  test.each([
    ['an age of less than a day', { olderThanDays: 0.9 }],
    ['a time of less than a day ago', { olderThan: new Date() }],
    ['a time to come', { olderThan: new Date(Date.now() + 86_400_000) }],
    ['a negative age', { olderThanDays: -1, allowRecentFiles: true }],
    ['no time at all', { olderThan: new Date(Number.NaN), allowRecentFiles: true }],
    ['a text that is no time', { olderThan: 'yesterday', allowRecentFiles: true }],
    ['two limits at once', { olderThan: '2020-01-01', olderThanDays: 3 }],
    ['a folder that is not the table’s', { location: 'file:///tmp' }],
  ])('%s is refused, and no probe is left', async (_, options) => {
    const events = await newTable()
    await expect(manager.planOrphanFiles(events, options)).rejects.toThrow(InvalidArgumentError)
    expect(await world.temporaries()).toEqual([])
  })

  test('gc.enabled=false forbids it, also when it is set after the plan', async () => {
    const events = await newTable()
    const orphan = await stray(events, 'data/old', 9)
    const plan = await manager.planOrphanFiles(events)
    expect(locations(plan)).toEqual([orphan])
    await manager.updateProperties(await manager.loadTable('demo.events'), { set: { 'gc.enabled': 'false' } })
    await expect(manager.execute(plan)).rejects.toThrow(InvalidArgumentError)
    await expect(manager.removeOrphanFiles(events)).rejects.toThrow(InvalidArgumentError)
    expect(await world.objects()).toContain(orphan)
  })

  test('what other systems hide, and the hint of file system tables, stays; partitions are not hidden', async () => {
    const events = await newTable()
    const orphans = [
      await stray(events, 'data/_day=1/x.parquet', 9),
      await stray(events, 'data/a_b/c.parquet', 9),
    ]
    for (const path of ['_delta_log/1.json', '.hoodie/hoodie.properties', 'data/_SUCCESS', 'data/.x.crc']) {
      await stray(events, path, 9)
    }
    await world.store().put(`${events.location}/metadata/version-hint.text`, new TextEncoder().encode('3'))
    await age(`${events.location}/metadata/version-hint.text`, 9)
    await stray(events, 'metadata/v3.metadata.json', 9)
    orphans.push(await stray(events, 'metadata/v2.metadata.json', 9))
    expect(locations(await manager.planOrphanFiles(events))).toEqual(orphans.sort())
  })

  test('unfinished files of killed processes go by their age', async () => {
    const events = await newTable()
    const names = [temporaryName('out', '.parquet'), temporaryName('put')]
    const folder = `${localPathOf(events.location)}/data`
    for (const name of names) await writeFile(join(folder, name), 'x')
    await age(`${events.location}/data/${names[0] ?? ''}`, 4)
    const plan = await manager.planOrphanFiles(events)
    expect(plan.items).toMatchObject([{ reason: 'unfinished', size: 1 }])
    expect(await manager.execute(plan)).toMatchObject({ deletedFiles: 1, skipped: [] })
    expect((await world.temporaries()).map((left) => left.split('/').at(-1))).toEqual([names[1]])
  })

  test.each(['part.parquet', 'kind=a/part.parquet'])(
    'the folder of a long write, whose own time stands still, is as young as what grows in it: %s',
    async (part) => {
      const events = await newTable()
      const name = temporaryName('dir')
      const folder = `${events.location}/data/${name}`
      const file = join(localPathOf(folder), '0', part)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, 'x')
      const folders = [dirname(file), join(localPathOf(folder), '0'), localPathOf(folder)]
      for (const path of folders) await age(toFileUri(path), 9)
      expect(locations(await manager.planOrphanFiles(events))).toEqual([])

      await age(toFileUri(file), 4)
      for (const path of folders) await age(toFileUri(path), 9)
      const plan = await manager.planOrphanFiles(events)
      expect(plan.items).toMatchObject([{ location: folder, reason: 'unfinished' }])
      const { lastModified } = plan.items[0]!
      expect(Date.now() - Date.parse(lastModified)).toBeLessThan(5 * 86_400_000)

      // Between plan and execute the write goes on.
      await age(toFileUri(file), 3.5)
      for (const path of folders) await age(toFileUri(path), 9)
      expect(await manager.execute(plan)).toMatchObject({
        deletedFiles: 0,
        skipped: [{ location: folder, reason: 'changed' }],
      })
      expect(await manager.removeOrphanFiles(events)).toMatchObject({ deletedFiles: 1, skipped: [] })
      expect(await world.temporaries()).toEqual([])
    },
  )

  test('between plan and execute: what was put again, is gone or is out of bounds is passed over', async () => {
    const events = await newTable()
    const [again, gone, left] = [
      await stray(events, 'data/again', 9),
      await stray(events, 'data/gone', 9),
      await stray(events, 'data/left', 9),
    ]
    const plan = await manager.planOrphanFiles(events)
    expect(locations(plan)).toEqual([again, gone, left].sort())
    await world.store().put(again, new Uint8Array(10))
    await world.store().delete([gone])
    const outside = `${world.warehouse}/other/x`
    await world.store().put(outside, new Uint8Array(1))
    await stray(events, 'data/later', 9)
    const item = plan.items[0]!
    const edited = { ...plan, items: [...plan.items, { ...item, location: outside }] }
    const result = await manager.execute(JSON.parse(JSON.stringify(edited)) as typeof edited)
    expect(result).toMatchObject({ deletedFiles: 1, deletedBytes: 10, failure: null })
    expect(new Map(result.skipped.map(({ location, reason }) => [location, reason]))).toEqual(
      new Map([
        [again, 'changed'],
        [gone, 'gone'],
        [outside, 'outside'],
      ]),
    )
    expect(await world.objects()).toEqual(
      expect.arrayContaining([again, outside, `${events.location}/data/later`]),
    )
  })

  test('between plan and execute: what a table reaches by then stays', async () => {
    const events = await newTable('events', { 'write.metadata.previous-versions-max': '1' })
    const plan = await manager.planOrphanFiles(events, EVERYTHING)
    const [item] = plan.items
    expect(item?.location).toMatch(/00000-.*\.metadata\.json$/)
    await manager.registerTable('demo.revived', item?.location ?? '')
    const result = await manager.execute(plan)
    expect(result).toMatchObject({
      deletedFiles: 0,
      skipped: [{ location: item?.location, reason: 'reachable' }],
    })
    expect(await (await manager.loadTable('demo.revived')).scan().count()).toBe(0)
  })

  test('a plan is for the table that it was made from', async () => {
    const events = await newTable()
    const plan = await manager.planOrphanFiles(events)
    await manager.dropTable('demo.events')
    await newTable()
    await expect(manager.execute(plan)).rejects.toThrow(CommitRejectedError)
    await expect(manager.removeOrphanFiles(events)).rejects.toThrow(CommitRejectedError)
  })

  test('folders outside of the location are the table’s too, each alone on request', async () => {
    const data = `${world.warehouse}/far/data`
    const events = await newTable('events', { 'write.data.path': data })
    await world.store().put(`${data}/stray`, new Uint8Array(1))
    const near = await stray(events, 'stray')
    expect(locations(await manager.planOrphanFiles(events, EVERYTHING))).toEqual(
      [`${data}/stray`, near].sort(),
    )
    const one = await manager.planOrphanFiles(events, { ...EVERYTHING, location: `${data}/` })
    expect(one.locations).toEqual([data])
    expect(await manager.execute(one)).toMatchObject({ deletedFiles: 1 })
    expect(await world.objects()).toContain(near)
    expect(await events.scan().count()).toBe(4)
  })

  test.each([1, 2, 3])('a file that is added again before look %d at the table stays', async (look) => {
    const events = await newTable()
    const [{ file_path: file } = { file_path: '' }] = await events.inspect.files()
    await manager.writeData(events, rows(9n), { mode: 'overwrite' })
    const [first, second] = events.metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])
    await manager.expireSnapshots(events, {
      snapshotIds: [first ?? 0n, second ?? 0n],
      cleanExpiredFiles: false,
    })
    const plan = await manager.planOrphanFiles(events, EVERYTHING)
    expect(locations(plan)).toContain(file)
    let looks = 0
    const catalog: Catalog = new Proxy(manager.catalog, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]): Promise<unknown> => {
          if (key === 'loadTable') looks += 1
          if (key === 'loadTable' && looks === look) await manager.addFiles(events, [file])
          return Reflect.apply(value, target, args)
        }
      },
    })
    const other = await world.openAside({ catalogPlugin: { name: 'looked', connect: async () => catalog } })
    const { skipped } = await other.execute(plan)
    expect(looks).toBe(3)
    expect(skipped).toContainEqual({ location: file, reason: 'reachable' })
    expect(await (await manager.loadTable('demo.events')).scan().count()).toBe(2)
  })

  describe('files of other tables', () => {
    test('of the same metadata, and of a table within the folder, stay', async () => {
      const events = await newTable()
      await manager.registerTable('demo.twin', events.metadataLocation ?? '')
      await manager.writeData(await manager.loadTable('demo.twin'), rows(5n))
      const inner = await manager.createTable(
        { namespace: 'demo', name: 'inner', schema: EVENTS, location: `${events.location}/inner` },
        { allowSharedLocation: true },
      )
      await manager.writeData(inner, rows(6n))
      const elsewhere = await newTable('elsewhere')
      const orphan = await stray(events, 'data/stray')
      const plan = await manager.planOrphanFiles(events, { ...EVERYTHING, checkAllTables: false })
      expect(locations(plan)).toEqual([orphan])
      expect(plan.sharing.tablesRead.toSorted()).toEqual(['demo.inner', 'demo.twin'])
      expect(plan.sharing.note).toMatch(/other catalogs/i)
      await manager.execute(plan)
      for (const name of ['twin', 'inner']) {
        const rest = await (await manager.loadTable(`demo.${name}`)).scan().count()
        expect(rest).toBe(name === 'twin' ? 5 : 1)
      }
      const all = await manager.planOrphanFiles(events, EVERYTHING)
      expect(all.sharing.tablesRead).toContain(elsewhere.name)
    })

    test('that a table far away has taken on stay', async () => {
      const events = await newTable()
      const elsewhere = await newTable('elsewhere')
      const taken = `${events.location}/data/taken.parquet`
      await manager.exportTable(elsewhere, localPathOf(taken), { filter: 'id = 2' })
      const wide = await world.openAside({ extraRoots: [events.location] })
      await wide.addFiles(await wide.loadTable('demo.elsewhere'), [taken])
      await wide.close()
      const orphan = await stray(events, 'data/stray')
      expect(locations(await manager.planOrphanFiles(events, EVERYTHING))).toEqual([orphan])
      const nearby = { ...EVERYTHING, checkAllTables: false }
      expect(locations(await manager.planOrphanFiles(events, nearby))).toEqual([orphan, taken])
    })

    test.each(['listTables', 'loadTable'] as const)(
      'that get another name before %s is asked for them stay',
      async (call) => {
        await manager.createNamespace('before')
        const events = await newTable()
        const inner = await manager.createTable(
          { namespace: 'demo', name: 'inner', schema: EVENTS, location: `${events.location}/inner` },
          { allowSharedLocation: true },
        )
        await manager.writeData(inner, rows(6n))
        const orphan = await stray(events, 'data/stray')
        let renames = 0
        const catalog: Catalog = new Proxy(manager.catalog, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key, target)
            if (typeof value !== 'function') return value
            return async (...args: unknown[]): Promise<unknown> => {
              const [asked] = args
              const isIt = JSON.stringify(asked) === JSON.stringify(ASKED[call])
              if (key === call && isIt && renames === 0) {
                renames += 1
                await manager.renameTable('demo.inner', 'before.inner')
              }
              return Reflect.apply(value, target, args)
            }
          },
        })
        const other = await world.openAside({
          catalogPlugin: { name: 'moving', connect: async () => catalog },
        })
        const plan = await other.planOrphanFiles(await other.loadTable('demo.events'), EVERYTHING)
        await other.close()
        expect(renames).toBe(1)
        expect(locations(plan)).toEqual([orphan])
        expect(plan.sharing.tablesRead).toEqual(['before.inner'])
      },
    )

    test('that cannot be read stop it where they may lie, and are told where they do not', async () => {
      const events = await newTable()
      const elsewhere = await newTable('elsewhere')
      await world.store().delete([elsewhere.metadataLocation ?? ''])
      const orphan = await stray(events, 'data/old', 9)
      const plan = await manager.planOrphanFiles(events)
      expect(plan).toMatchObject({
        items: [{ location: orphan }],
        sharing: { tablesUnreadable: ['demo.elsewhere'] },
      })

      await manager.registerTable('demo.twin', events.metadataLocation ?? '')
      const twin = await manager.loadTable('demo.twin')
      await manager.writeData(twin, rows(5n))
      await world.store().delete([twin.metadataLocation ?? ''])
      await expect(manager.planOrphanFiles(events)).rejects.toMatchObject({
        code: 'FLOEBERG_CORRUPT_FILE',
        table: 'demo.twin',
      })
      await expect(manager.execute(plan)).rejects.toThrow(CorruptFileError)
      expect(await world.objects()).toContain(orphan)
    })

    test('a manifest that is missing stops it: what it reached cannot be told', async () => {
      const events = await newTable()
      const [manifest] = await events.inspect.manifests()
      await world.store().delete([manifest?.path ?? ''])
      const orphan = await stray(events, 'data/x')
      await expect(manager.removeOrphanFiles(events, EVERYTHING)).rejects.toThrow(MissingFileError)
      expect(await world.objects()).toContain(orphan)
    })
  })

  test('statistics files that another client wrote are the table’s', async () => {
    const events = await withStatistics(world, manager, await newTable())
    await stray(events, 'data/stray')
    await manager.removeOrphanFiles(events, EVERYTHING)
    const [first] = events.metadata.statistics
    expect(await world.objects()).toContain(first?.['statistics-path'])
    expect(await world.objects()).not.toContain(`${events.location}/data/stray`)
  })

  test.each([
    ['leaves out snapshots', { snapshotsComplete: false }],
    ['does not say where the metadata is', { metadataLocation: null }],
  ])('a catalog that %s cannot say what is nobody’s', async (_, answer) => {
    const events = await newTable()
    const orphan = await stray(events, 'data/old', 9)
    const { catalog } = manager
    const partial: Catalog = new Proxy(catalog, {
      get(target, key) {
        if (key === 'loadTable') {
          return async (id: TableIdentifier) => ({ ...(await target.loadTable(id)), ...answer })
        }
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const other = await world.openAside({ catalogPlugin: { name: 'partial', connect: async () => partial } })
    const loaded = await other.loadTable('demo.events')
    await expect(other.removeOrphanFiles(loaded)).rejects.toThrow(UnsupportedFeatureError)
    expect(await world.objects()).toContain(orphan)
  })

  test('a folder that is reachable by two names shows nothing of the table, and nothing goes', async () => {
    const events = await newTable()
    const link = join(localPathOf(world.warehouse), 'link')
    await symlink(localPathOf(events.location), link)
    await manager.close()
    manager = await world.openAside({ extraRoots: [toFileUri(link)] })
    const loaded = await manager.loadTable('demo.events')
    // Listed by the name of the link, every file of the table looks like nobody's.
    await stray(loaded, 'data/old', 9)
    const plan = manager.planOrphanFiles(loaded, { ...EVERYTHING, location: toFileUri(link) })
    await expect(plan).rejects.toThrow(InvalidLocationError)
  })
})

/** A store that knows one bucket by two schemes. */
class TwoNames extends MemoryObjectStore {
  override list(prefix: string, options?: { readonly signal?: AbortSignal | undefined }) {
    return super.list(s3(prefix), options)
  }
  override head(location: string, options?: { readonly signal?: AbortSignal | undefined }) {
    return super.head(s3(location), options)
  }
  override get(location: string, options?: Parameters<MemoryObjectStore['get']>[1]) {
    return super.get(s3(location), options)
  }
  override put(...[location, ...rest]: Parameters<MemoryObjectStore['put']>) {
    return super.put(s3(location), ...rest)
  }
  override delete(locations: readonly string[], options?: { readonly signal?: AbortSignal | undefined }) {
    return super.delete(locations.map(s3), options)
  }
}

/** As Hadoop's clients do, who also take several slashes for one. */
const s3 = (location: string): string => location.replace(/^(cos|s3a):/, 's3:').replace(/(?<!:)\/{2,}/g, '/')

describe('one store by several names', () => {
  let store: MemoryObjectStore
  let events: Table
  const stays = (): Promise<number> => events.scan().count()

  /** A table at `s3://b/t` whose data was written to another name of that, and an orphan. */
  async function written(scheme: string, at = `${scheme}://b/t`): Promise<void> {
    store = new TwoNames({ schemes: ['s3', 's3a', 'cos'] })
    manager = await IcebergTableManager.connect({
      catalogPlugin: {
        name: 'memory',
        connect: async () =>
          new MemoryCatalog({ name: 'm', warehouse: 's3://b', getObjectStore: () => store }),
      },
      storagePlugin: { name: 'memory', getObjectStore: () => store, getWarehouseUri: () => null },
      enginePlugin: sharedEngine(plane),
      scratchDir: join(root, 'scratch'),
      extraRoots: [at],
    })
    await manager.createNamespace('demo')
    events = await manager.createTable({
      namespace: 'demo',
      name: 'events',
      schema: EVENTS,
      location: 's3://b/t',
      properties: { 'write.data.path': `${at}/data` },
    })
    await manager.writeData(events, rows(1n, 2n))
    await manager.updateProperties(events, { remove: ['write.data.path'] })
    await store.put('s3://b/t/data/stray', new Uint8Array(1))
  }
  afterEach(() => manager.close())

  test.each(['s3a://b/t', 's3a://b//t', 's3://b///t/'])('s3://b/t is also %s', async (at) => {
    await written('s3a', at)
    const plan = await manager.planOrphanFiles(events, EVERYTHING)
    expect(locations(plan)).toEqual(['s3://b/t/data/stray'])
    await manager.execute(plan)
    expect(await stays()).toBe(2)
  })

  test('schemes that nobody called equal are an error; equal, they are one; ignored, they stay', async () => {
    await written('cos')
    const refused = manager.planOrphanFiles(events, EVERYTHING)
    await expect(refused).rejects.toThrow(InvalidLocationError)
    await expect(refused).rejects.toThrow(/cos:\/\/b/)
    for (const options of [
      { equalSchemes: [['s3', 'cos']] },
      { prefixMismatch: 'ignore' },
      { equalSchemes: [['COS', 's3', 'x']], equalAuthorities: [['b', 'c']] },
    ] as const) {
      const plan = await manager.planOrphanFiles(events, { ...EVERYTHING, ...options })
      expect(locations(plan)).toEqual(['s3://b/t/data/stray'])
    }
    const all = await manager.planOrphanFiles(events, { ...EVERYTHING, prefixMismatch: 'delete' })
    expect(all.items).toHaveLength(2)
    await manager.execute(
      await manager.planOrphanFiles(events, { ...EVERYTHING, equalSchemes: [['s3', 'cos']] }),
    )
    expect(await stays()).toBe(2)
  })

  test.each(['s3a://b//t/inner', 'cos://b/t/inner'])('a table at %s is within s3://b/t', async (location) => {
    await written('s3a')
    const inner = await manager.createTable(
      { namespace: 'demo', name: 'inner', schema: EVENTS, location },
      { allowSharedLocation: true },
    )
    await manager.writeData(inner, rows(6n))
    if (location.startsWith('cos:'))
      await expect(manager.planOrphanFiles(events, EVERYTHING)).rejects.toThrow(InvalidLocationError)
    const plan = await manager.planOrphanFiles(events, { ...EVERYTHING, equalSchemes: [['s3', 'cos']] })
    expect(locations(plan)).toEqual(['s3://b/t/data/stray'])
    expect(plan.sharing.tablesRead).toEqual(['demo.inner'])
  })

  test('listed by both names, what one of them reaches is not taken for an orphan by the other', async () => {
    await written('cos')
    await manager.updateProperties(events, { set: { 'write.data.path': 'cos://b/t/data' } })
    await expect(manager.planOrphanFiles(events, EVERYTHING)).rejects.toThrow(InvalidLocationError)
  })
})
