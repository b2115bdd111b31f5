import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type {
  Catalog,
  CommitOptions as CatalogCommitOptions,
  LoadedTable,
  TableCommit,
  TableIdentifier,
} from '../../src/catalog/catalog.ts'
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import {
  CatalogUnavailableError,
  CommitConflictError,
  CommitRejectedError,
  CommitStateUnknownError,
  InvalidArgumentError,
  NoSuchRefError,
  OperationAbortedError,
  StorageQuotaError,
} from '../../src/errors.ts'
import type { TableUpdate } from '../../src/format/metadata/updates.ts'
import { commitChange, type CommitOptions } from '../../src/table/commit.ts'
import { manifestsOf, type ManifestContext } from '../../src/table/manifest-reader.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { AppendChange } from '../../src/table/operations/append.ts'
import { UpdatePropertiesChange } from '../../src/table/operations/update-properties.ts'
import { TableHandle } from '../../src/table/table.ts'
import { AllowedRoots } from '../../src/table/table-locations.ts'
import {
  allObjects,
  createTestTable,
  memoryWorld,
  putDataFile,
  TABLE,
  type MemoryWorld,
} from '../support/memory-runtime.ts'
import { scriptedCatalog, type ScriptedCatalog, type Step } from '../support/scripted-catalog.ts'

interface Scene {
  readonly world: MemoryWorld
  readonly table: TableHandle
  readonly scripted: ScriptedCatalog
}

async function scene(steps: readonly Step[], properties: Record<string, string> = {}): Promise<Scene> {
  let scripted: ScriptedCatalog | undefined
  const world = memoryWorld((catalog) => (scripted = scriptedCatalog(catalog, steps)))
  const table = await createTestTable(world, properties)
  if (scripted === undefined) throw new Error('the world made no catalog')
  return { world, table, scripted }
}

interface Appending extends CommitOptions {
  readonly branch?: string
  /** When the data file is durable. */
  readonly placed?: Promise<void>
}

async function append(
  { world, table }: Scene,
  name: string,
  { branch = 'main', placed = Promise.resolve(), ...options }: Appending = {},
) {
  const file = await putDataFile(world, table, name)
  const { storage } = table.state
  const target = { runtime: world.runtime, storage, branch, snapshotProperties: {} }
  const change = new AppendChange(target, [file], {
    strategy: 'fast_append',
    schema: table.schema,
    discardData: async () => void (await world.store.delete([file.location])),
    placed: () => placed,
  })
  const result = await commitChange(world.runtime, TABLE, table.state.loaded, change, options)
  return { ...result, snapshotId: change.snapshotId }
}

/** Somebody else's append, through the real catalog. */
function otherAppend(world: MemoryWorld, name: string): (catalog: Catalog) => Promise<void> {
  return async (catalog) => {
    const runtime = { ...world.runtime, catalog }
    const table = await TableHandle.open(runtime, TABLE, await catalog.loadTable(TABLE))
    const file = await putDataFile(world, table, name)
    const target = { runtime, storage: table.state.storage, branch: 'main', snapshotProperties: {} }
    const change = new AppendChange(target, [file], {
      strategy: 'fast_append',
      schema: table.schema,
      discardData: async () => {},
    })
    await commitChange(runtime, TABLE, table.state.loaded, change)
  }
}

/** Names of the live data files by the current snapshot, which is read from the store. */
async function liveManifests(world: MemoryWorld) {
  const loaded = await world.catalog.loadTable(TABLE)
  const { metadata } = loaded
  const snapshot = metadata.snapshots.find((s) => s['snapshot-id'] === metadata['current-snapshot-id'])
  if (snapshot === undefined) return { metadata, manifests: [] }
  const roots = new AllowedRoots(metadata, [])
  const context: ManifestContext = { runtime: world.runtime, store: world.store, metadata, roots }
  return { metadata, manifests: await manifestsOf(context, snapshot) }
}

async function dataFiles(world: MemoryWorld): Promise<string[]> {
  return (await allObjects(world.store)).filter((location) => location.includes('/data/'))
}

async function manifestListFiles(world: MemoryWorld): Promise<string[]> {
  return (await allObjects(world.store)).filter((location) => location.includes('/snap-'))
}

describe('a commit that meets others', () => {
  test('is built again on the new head, with its data files and manifest as they are', async () => {
    const world = memoryWorld()
    const table = await createTestTable(world)
    const scripted = scriptedCatalog(world.catalog, [
      { outcome: 'conflict', before: otherAppend(world, 'theirs') },
    ])
    const runtime = { ...world.runtime, catalog: scripted }
    const mine = { world: { ...world, runtime }, table, scripted }

    const { attempts, snapshotId } = await append(mine, 'ours')

    expect(attempts).toBe(2)
    const { metadata, manifests } = await liveManifests(world)
    expect(metadata.snapshots).toHaveLength(2)
    expect(metadata['current-snapshot-id']).toBe(snapshotId)
    expect(metadata.snapshots[1]?.['parent-snapshot-id']).toBe(metadata.snapshots[0]?.['snapshot-id'])
    expect(manifests.map((manifest) => manifest.sequenceNumber)).toEqual([2, 1])
    // The first attempt's manifest list is gone, the shared manifest is used.
    expect(await manifestListFiles(world)).toHaveLength(2)
    expect(new Set(scripted.sent.map(({ options }) => options?.idempotencyKey)).size).toBe(2)
  })

  test.each(['is gone', 'is a tag now'])(
    'is refused when its branch %s, and leaves nothing behind',
    async (how) => {
      const world = memoryWorld()
      const table = await createTestTable(world)
      await otherAppend(world, 'first')(world.catalog)
      const head = (await liveManifests(world)).metadata['current-snapshot-id'] ?? 0n
      const audit = { action: 'set-snapshot-ref', 'ref-name': 'audit', 'snapshot-id': head } as const
      const toAudit = (updates: readonly TableUpdate[]) =>
        world.catalog.commitTable(TABLE, { requirements: [], updates })
      await toAudit([{ ...audit, type: 'branch' }])
      await table.refresh()
      const scripted = scriptedCatalog(world.catalog, [
        {
          outcome: 'conflict',
          before: async () => {
            await toAudit([{ action: 'remove-snapshot-ref', 'ref-name': 'audit' }])
            if (how === 'is a tag now') await toAudit([{ ...audit, type: 'tag' }])
          },
        },
      ])
      const runtime = { ...world.runtime, catalog: scripted }
      const before = await allObjects(world.store)

      const ours = append({ world: { ...world, runtime }, table, scripted }, 'ours', { branch: 'audit' })

      await expect(ours).rejects.toThrow(how === 'is gone' ? NoSuchRefError : InvalidArgumentError)
      expect((await allObjects(world.store)).filter((location) => !location.endsWith('.json'))).toEqual(
        before.filter((location) => !location.endsWith('.json')),
      )
      expect((await liveManifests(world)).metadata.snapshots).toHaveLength(1)
    },
  )

  test('gives up after its retries, leaves nothing behind and says how often it tried', async () => {
    const conflicts: Step[] = Array.from({ length: 9 }, () => ({ outcome: 'conflict' }))
    const it = await scene(conflicts, { 'commit.retry.num-retries': '2' })
    const before = await allObjects(it.world.store)

    const error = await append(it, 'ours').catch((e: unknown) => e)

    expect(error).toBeInstanceOf(CommitConflictError)
    expect(error).toMatchObject({
      attempts: 3,
      table: 'demo.t',
      message: expect.stringContaining('scripted conflict'),
    })
    expect(await allObjects(it.world.store)).toEqual(before)
    expect(it.world.clock.waits).toEqual([50, 100])
  })

  test('keeps to its total time', async () => {
    const conflicts: Step[] = Array.from({ length: 9 }, () => ({ outcome: 'conflict' }))
    const it = await scene(conflicts)
    await expect(append(it, 'ours', { totalTimeoutMs: 200, retries: 100 })).rejects.toThrow(
      CommitConflictError,
    )
    expect(it.world.clock.waits).toEqual([50, 100])
  })
})

describe('a commit that is refused', () => {
  test('is not tried again, and removes only its own files', async () => {
    const it = await scene([{ outcome: 'rejected' }])
    const bystander = await putDataFile(it.world, it.table, 'bystander')
    const before = await allObjects(it.world.store)

    await expect(append(it, 'ours')).rejects.toThrow(CommitRejectedError)

    expect(it.scripted.sent).toHaveLength(1)
    expect(await allObjects(it.world.store)).toEqual(before)
    expect(await dataFiles(it.world)).toEqual([bystander.location])
  })

  test('leaves the next call a fresh start', async () => {
    const it = await scene([{ outcome: 'rejected' }])
    await expect(append(it, 'ours')).rejects.toThrow(CommitRejectedError)
    await append(it, 'again')
    expect((await liveManifests(it.world)).metadata.snapshots).toHaveLength(1)
  })
})

describe('a catalog that is away', () => {
  test('is asked again', async () => {
    const it = await scene([{ outcome: 'unavailable' }, { outcome: 'unavailable' }])
    expect((await append(it, 'ours')).attempts).toBe(3)
    expect((await liveManifests(it.world)).metadata.snapshots).toHaveLength(1)
  })

  test('for too long: its own error, and nothing left behind', async () => {
    const it = await scene(
      Array.from({ length: 9 }, () => ({ outcome: 'unavailable' })),
      {
        'commit.retry.num-retries': '1',
      },
    )
    const before = await allObjects(it.world.store)
    await expect(append(it, 'ours')).rejects.toThrow(CatalogUnavailableError)
    expect(await allObjects(it.world.store)).toEqual(before)
  })
})

describe('a catalog that is away when the table is loaded again', () => {
  /** The catalog whose next loads fail as often as is said. */
  function absent(catalog: ScriptedCatalog, times: number): ScriptedCatalog {
    let left = times
    return new Proxy(catalog, {
      get(target, key) {
        if (key !== 'loadTable') return Reflect.get(target, key)
        return async (...args: Parameters<Catalog['loadTable']>) => {
          left -= 1
          if (left >= 0) throw new CatalogUnavailableError('scripted absence')
          return target.loadTable(...args)
        }
      },
    })
  }

  test('costs a retry, not the operation', async () => {
    const it = await scene([{ outcome: 'conflict' }])
    const runtime = { ...it.world.runtime, catalog: absent(it.scripted, 2) }
    const { attempts, snapshotId } = await append({ ...it, world: { ...it.world, runtime } }, 'ours')
    expect(attempts).toBe(2)
    expect(it.world.clock.waits).toEqual([50, 100, 200])
    expect((await liveManifests(it.world)).metadata['current-snapshot-id']).toBe(snapshotId)
  })

  test('ends the operation when its retries are used up, with nothing left behind', async () => {
    const it = await scene([{ outcome: 'conflict' }], { 'commit.retry.num-retries': '2' })
    const before = await allObjects(it.world.store)
    const runtime = { ...it.world.runtime, catalog: absent(it.scripted, 9) }
    await expect(append({ ...it, world: { ...it.world, runtime } }, 'ours')).rejects.toThrow(
      CatalogUnavailableError,
    )
    expect(await allObjects(it.world.store)).toEqual(before)
  })
})

describe('a format version that is raised meanwhile', () => {
  test('is no reason to give up: the snapshot is built again for it', async () => {
    const world = memoryWorld()
    const table = await createTestTable(world, { 'format-version': '1' })
    await world.catalog.commitTable(TABLE, {
      requirements: [],
      updates: [{ action: 'upgrade-format-version', 'format-version': 2 }],
    })
    const scripted = scriptedCatalog(world.catalog, [])
    const { snapshotId } = await append({ world, table, scripted }, 'ours')
    const { metadata, manifests } = await liveManifests(world)
    expect(metadata['format-version']).toBe(2)
    expect(metadata['current-snapshot-id']).toBe(snapshotId)
    expect(manifests.map((manifest) => manifest.sequenceNumber)).toEqual([1])
  })
})

describe('a lost answer', () => {
  test('of a commit that landed is success', async () => {
    const it = await scene([{ outcome: 'lost answer' }])
    const { snapshotId } = await append(it, 'ours')
    const { metadata } = await liveManifests(it.world)
    expect(metadata.snapshots.map((s) => s['snapshot-id'])).toEqual([snapshotId])
    expect(it.scripted.sent).toHaveLength(1)
  })

  test('of a commit that landed and was built upon is success too', async () => {
    const world = memoryWorld()
    const table = await createTestTable(world)
    let theirs: ((catalog: Catalog) => Promise<void>) | null = null
    const scripted = scriptedCatalog(world.catalog, [{ outcome: 'lost answer' }])
    const load = scripted.loadTable.bind(scripted)
    const catalog = new Proxy(scripted, {
      get: (target, key) =>
        key === 'loadTable'
          ? async (...args: Parameters<Catalog['loadTable']>) => {
              await theirs?.(world.catalog)
              return load(...args)
            }
          : Reflect.get(target, key),
    })
    theirs = otherAppend(world, 'theirs')
    const { snapshotId } = await append(
      { world: { ...world, runtime: { ...world.runtime, catalog } }, table, scripted },
      'ours',
    )
    const { metadata } = await liveManifests(world)
    expect(metadata.snapshots.map((s) => s['snapshot-id'])).toContain(snapshotId)
    expect(metadata.snapshots).toHaveLength(2)
    expect(scripted.sent).toHaveLength(1)
  })

  test('of a commit that did not land: the same request is sent again, with the same key', async () => {
    const it = await scene([{ outcome: 'lost request' }])
    const { snapshotId } = await append(it, 'ours')
    const [first, second] = it.scripted.sent
    expect(second).toEqual(first)
    expect((await liveManifests(it.world)).metadata.snapshots.map((s) => s['snapshot-id'])).toEqual([
      snapshotId,
    ])
  })

  test('where others have moved on: unknown, and every file is kept', async () => {
    const world = memoryWorld()
    const table = await createTestTable(world)
    const scripted = scriptedCatalog(world.catalog, [
      { outcome: 'lost request', before: otherAppend(world, 'theirs') },
    ])
    const it = { world: { ...world, runtime: { ...world.runtime, catalog: scripted } }, table, scripted }

    const error = await append(it, 'ours').catch((e: unknown) => e)

    expect(error).toBeInstanceOf(CommitStateUnknownError)
    const { keptFiles, snapshotId } = error as CommitStateUnknownError
    expect(snapshotId).not.toBeNull()
    expect(keptFiles).toHaveLength(3)
    const objects = await allObjects(world.store)
    for (const file of keptFiles) expect(objects).toContain(file)
  })

  test('and then a definite refusal: still unknown, still kept', async () => {
    const it = await scene([{ outcome: 'lost request' }, { outcome: 'rejected' }])
    await expect(append(it, 'ours')).rejects.toThrow(CommitStateUnknownError)
    expect(await dataFiles(it.world)).toHaveLength(1)
    expect(await manifestListFiles(it.world)).toHaveLength(1)
  })

  test('and then conflicts until the retries end: still unknown, still kept', async () => {
    const it = await scene([{ outcome: 'lost request' }, { outcome: 'conflict' }, { outcome: 'conflict' }], {
      'commit.retry.num-retries': '2',
    })
    await expect(append(it, 'ours')).rejects.toThrow(CommitStateUnknownError)
    expect(await dataFiles(it.world)).toHaveLength(1)
  })

  test('of a change without a snapshot is settled by the state that was wanted', async () => {
    const it = await scene([{ outcome: 'lost answer' }])
    const change = new UpdatePropertiesChange({ set: { owner: 'me' } })
    const { table } = await commitChange(it.world.runtime, TABLE, it.table.state.loaded, change)
    expect(table.metadata.properties['owner']).toBe('me')
    expect(it.scripted.sent).toHaveLength(1)
  })
})

describe('aborting', () => {
  test('before anything: typed, and nothing left behind', async () => {
    const it = await scene([])
    const before = await allObjects(it.world.store)
    await expect(append(it, 'ours', { signal: AbortSignal.abort() })).rejects.toThrow(OperationAbortedError)
    expect(await allObjects(it.world.store)).toEqual(before)
  })

  test('between attempts: typed, and nothing left behind', async () => {
    const abort = new AbortController()
    const it = await scene([{ outcome: 'conflict', before: async () => abort.abort() }])
    const before = await allObjects(it.world.store)
    await expect(append(it, 'ours', { signal: abort.signal })).rejects.toThrow(OperationAbortedError)
    expect(await allObjects(it.world.store)).toEqual(before)
  })

  test('while the commit is under way changes nothing: it is committed', async () => {
    const abort = new AbortController()
    const underWay = async (_: Catalog, sent?: CatalogCommitOptions): Promise<void> => {
      await sent?.after
      abort.abort()
    }
    const it = await scene([{ outcome: 'lost answer', before: underWay }])
    const { snapshotId } = await append(it, 'ours', { signal: abort.signal })
    expect((await liveManifests(it.world)).metadata['current-snapshot-id']).toBe(snapshotId)
  })
})

describe('while a data file is on its way', () => {
  const late = () => Promise.withResolvers<void>()
  const settled = (): Promise<void> => setImmediate()

  test.each([true, undefined])('a catalog that heeds it (%s) shows nothing', async (heedsAfter) => {
    const world = memoryWorld(
      (catalog) =>
        new Proxy(catalog, {
          get(target, key) {
            if (key === 'heedsAfter') return heedsAfter
            const value: unknown = Reflect.get(target, key, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    )
    const table = await createTestTable(world)
    const metadataFiles = async () =>
      (await allObjects(world.store)).filter((location) => location.endsWith('.metadata.json'))
    const before = await metadataFiles()
    const { promise: placed, resolve } = late()
    const ours = append({ world, table, scripted: scriptedCatalog(world.catalog, []) }, 'ours', { placed })
    await settled()
    expect(await metadataFiles()).toEqual(before)
    expect((await liveManifests(world)).metadata.snapshots).toEqual([])
    resolve()
    const { snapshotId } = await ours
    expect((await liveManifests(world)).metadata['current-snapshot-id']).toBe(snapshotId)
  })

  test('a catalog that does not say that it heeds it is not called', async () => {
    const { scripted, ...it } = await scene([])
    Object.defineProperty(it.world.catalog, 'heedsAfter', { value: undefined })
    const { promise: placed, resolve } = late()
    const ours = append({ ...it, scripted }, 'ours', { placed })
    await settled()
    expect(scripted.sent).toEqual([])
    resolve()
    await ours
    expect(scripted.sent.map(({ options }) => Object.keys(options ?? {}))).toEqual([['idempotencyKey']])
  })

  test('nor is one that commits in a way of its own', async () => {
    class AuditedCatalog extends MemoryCatalog {
      commits = 0
      override commitTable(id: TableIdentifier, commit: TableCommit): Promise<LoadedTable> {
        this.commits += 1
        return super.commitTable(id, commit)
      }
    }
    const ground = memoryWorld()
    const catalog = new AuditedCatalog({
      name: 'audited',
      warehouse: 'memory://warehouse',
      getObjectStore: () => ground.store,
    })
    const world = { ...ground, catalog, runtime: { ...ground.runtime, catalog } }
    const table = await createTestTable(world)
    const { promise: placed, resolve } = late()
    const ours = append({ world, table, scripted: scriptedCatalog(catalog, []) }, 'ours', { placed })
    await settled()
    expect(catalog.commits).toBe(0)
    resolve()
    await ours
    expect(catalog.commits).toBe(1)
  })

  test('a conflict is met as ever, and the next attempt waits for it too', async () => {
    const { promise: placed, resolve } = late()
    const it = await scene([
      {
        outcome: 'conflict',
        before: async (catalog) => {
          await otherAppend(it.world, 'theirs')(catalog)
          resolve()
        },
      },
    ])
    const { attempts } = await append(it, 'ours', { placed })
    expect(attempts).toBe(2)
    expect(it.scripted.sent.map(({ options }) => options?.after !== undefined)).toEqual([true, true])
    expect(await manifestListFiles(it.world)).toHaveLength(2)
    expect((await liveManifests(it.world)).manifests.map((manifest) => manifest.sequenceNumber)).toEqual([
      2, 1,
    ])
  })

  test.each(['conflict', 'unavailable', 'lost request'] as const)(
    'and is not placed at last, after a catalog said %s: its own error, and nothing left behind',
    async (outcome) => {
      const { promise: placed, reject } = late()
      const reason = new StorageQuotaError('the disk is full')
      const it = await scene([{ outcome, before: async () => reject(reason) }])
      const before = await allObjects(it.world.store)
      await expect(append(it, 'ours', { placed })).rejects.toBe(reason)
      expect(it.scripted.sent).toHaveLength(1)
      expect(await allObjects(it.world.store)).toEqual(before)
    },
  )

  test('an abort ends it: typed, and nothing left behind', async () => {
    const { promise: placed, resolve } = late()
    const abort = new AbortController()
    const it = await scene([])
    const before = await allObjects(it.world.store)
    const ours = append(it, 'ours', { placed, signal: abort.signal })
    await settled()
    abort.abort()
    resolve()
    await expect(ours).rejects.toThrow(OperationAbortedError)
    expect(await allObjects(it.world.store)).toEqual(before)
  })
})

test('a manifest list that is late is removed with the attempt that wrote it', async () => {
  const it = await scene([
    { outcome: 'conflict', before: (catalog) => otherAppend(it.world, 'theirs')(catalog) },
  ])
  const table = await withLatePuts(it, '/snap-')
  const { attempts } = await append({ ...it, table }, 'ours')
  expect(attempts).toBe(2)
  expect(await manifestListFiles(it.world)).toHaveLength(2)
})

test('manifests that are late are removed with an operation that is aborted before it is sent', async () => {
  const it = await scene([])
  const before = await allObjects(it.world.store)
  const abort = new AbortController()
  const table = await withLatePuts(it, '.avro', () => abort.abort())
  await expect(append({ ...it, table }, 'ours', { signal: abort.signal })).rejects.toThrow(
    OperationAbortedError,
  )
  await setImmediate()
  expect(it.scripted.sent).toEqual([])
  expect(await allObjects(it.world.store)).toEqual(before)
})

/** The table on a store whose puts of some files come late. */
async function withLatePuts(
  { world, table }: Scene,
  part: string,
  begun: () => void = () => undefined,
): Promise<TableHandle> {
  const { storage, loaded } = table.state
  const put: ObjectStore['put'] = async (location, ...rest) => {
    if (location.includes(part)) {
      begun()
      await setImmediate()
    }
    return storage.store.put(location, ...rest)
  }
  const late = { ...storage, store: withPut(storage.store, put) }
  return TableHandle.open({ ...world.runtime, openStorage: async () => late }, TABLE, loaded)
}

function withPut(store: ObjectStore, put: ObjectStore['put']): ObjectStore {
  return {
    schemes: store.schemes,
    head: (...call) => store.head(...call),
    get: (...call) => store.get(...call),
    list: (...call) => store.list(...call),
    delete: (...call) => store.delete(...call),
    put,
  }
}

describe('a table that was dropped and created again meanwhile', () => {
  test('is not the table that was meant', async () => {
    const it = await scene([
      {
        outcome: 'conflict',
        before: async (catalog) => {
          const { metadata } = await catalog.loadTable(TABLE)
          await catalog.dropTable(TABLE)
          await catalog.createTable(TABLE, {
            schema: metadata.schemas[0] ?? { type: 'struct', 'schema-id': 0, fields: [] },
          })
        },
      },
    ])
    await expect(append(it, 'ours')).rejects.toThrow(CommitRejectedError)
    expect((await liveManifests(it.world)).metadata.snapshots).toHaveLength(0)
    expect(await dataFiles(it.world)).toEqual([])
  })
})
