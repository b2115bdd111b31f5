/** Broken tables: what is said of them, and how they come back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import {
  CommitConflictError,
  CommitRejectedError,
  CorruptFileError,
  InvalidArgumentError,
  MissingFileError,
  t,
  table,
  UnsupportedFeatureError,
  type IcebergTableManager,
  type Table,
} from '../../src/index.ts'
import {
  localManagerWorld,
  memoryManagerWorld,
  openEngine,
  type ManagerWorld,
} from '../support/manager-world.ts'

const ID = 'demo.events'
const events = table({ id: t.long().required() })
const rows = (...ids: readonly bigint[]) => ids.map((id) => ({ id }))

const idsOf = async (of: Table): Promise<readonly unknown[]> =>
  (await of.scan().toArray()).map(({ id }) => id).sort()

let root: string
let plane: DataPlane
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-repair-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

const WORLDS = [
  ['memory', memoryManagerWorld],
  ['SQLite and local disk', localManagerWorld],
] as const

const DAMAGES = [
  ['missing', MissingFileError, null],
  ['cut', CorruptFileError, (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
  ['empty', CorruptFileError, () => new Uint8Array()],
  ['no JSON', CorruptFileError, (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x55)],
  ['JSON of something else', CorruptFileError, () => new TextEncoder().encode('{"format-version":2}')],
] as const

describe.each(WORLDS)('%s', (_, makeWorld) => {
  let world: ManagerWorld
  let manager: IcebergTableManager
  /** Metadata files from the first on. */
  let versions: string[]

  beforeEach(async () => {
    world = await makeWorld(await mkdtemp(join(root, 'world-')), plane)
    const writer = await world.openAside()
    await writer.createNamespace('demo')
    const created = await writer.createTable({ namespace: 'demo', name: 'events', schema: events })
    versions = [created.metadataLocation ?? '']
    for (const ids of [[1n, 2n], [3n], [4n]]) {
      await writer.writeData(created, rows(...ids))
      versions.push(created.metadataLocation ?? '')
    }
    await writer.close()
    manager = await world.openAside()
    return () => manager.close()
  })

  async function damage(location: string, change: ((bytes: Uint8Array) => Uint8Array) | null): Promise<void> {
    const bytes = await world.store().get(location)
    await world.store().delete([location])
    if (change !== null) await world.store().put(location, change(bytes))
  }

  const version = (number: number): string => versions.at(number) ?? ''

  test.each(DAMAGES)(
    'the newest metadata file is %s: a typed error, a plan, and all rows of before',
    async (__, type, change) => {
      await damage(version(-1), change)
      const failure = await manager.loadTable(ID).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(type)
      expect(failure).toMatchObject({ table: ID, file: version(-1) })
      expect(String((failure as MissingFileError).hint)).toContain(version(-2))

      const plan = await manager.planRepair(ID)
      expect(plan).toMatchObject({
        kind: 'repair',
        metadataLocation: version(-1),
        broken: { location: version(-1), problem: change === null ? 'missing' : 'corrupt' },
        target: {
          location: version(-2),
          source: 'previous-pointer',
          standing: 'committed',
          totalRecords: '3',
        },
        targetProblems: [],
      })
      expect(plan.versions.map(({ location }) => location)).toEqual([version(2), version(1), version(0)])
      expect(plan.versions.map(({ standing }) => standing)).toEqual(['committed', 'committed', 'committed'])

      const stored: typeof plan = JSON.parse(JSON.stringify(plan))
      expect(await manager.execute(stored)).toMatchObject({
        metadataLocation: version(-2),
        previousLocation: version(-1),
      })
      const repaired = await manager.loadTable(ID)
      expect(await idsOf(repaired)).toEqual([1n, 2n, 3n])
      await manager.writeData(repaired, rows(9n))
      expect(await (await manager.loadTable(ID)).scan().count()).toBe(4)
    },
  )

  test('a table that can be read is not repaired', async () => {
    await expect(manager.planRepair(ID)).rejects.toThrow(InvalidArgumentError)
    await expect(manager.planRepair('demo.other')).rejects.toMatchObject({ code: 'FLOEBERG_NO_SUCH_TABLE' })
  })

  test('a version that is only found in the folder is shown, and taken only by its full location', async () => {
    await damage(version(-1), null)
    await damage(version(-2), DAMAGES[1][2])
    const plan = await manager.planRepair(ID)
    expect(plan).toMatchObject({ target: null, tableUuid: 'unknown' })
    expect(plan.versions.map(({ location, standing, problem }) => [location, standing, problem])).toEqual(
      expect.arrayContaining([
        [version(2), 'committed', 'corrupt'],
        [version(1), 'uncommitted or unknown', null],
        [version(0), 'uncommitted or unknown', null],
      ]),
    )
    await expect(manager.execute(plan)).rejects.toThrow(InvalidArgumentError)
    await expect(manager.repairTable(ID)).rejects.toThrow(InvalidArgumentError)
    await expect(manager.loadTable(ID)).rejects.toThrow(MissingFileError)

    const named = await manager.planRepair(ID, { metadataLocation: version(1) })
    expect(named.target).toMatchObject({ location: version(1), standing: 'uncommitted or unknown' })
    await manager.execute(named)
    expect(await idsOf(await manager.loadTable(ID))).toEqual([1n, 2n])
  })

  test('an older version of the log can be chosen; its readers get its rows', async () => {
    await damage(version(-1), null)
    const result = await manager.repairTable(ID, { metadataLocation: version(1) })
    expect(result).toMatchObject({ metadataLocation: version(1), previousLocation: version(3) })
    expect(await idsOf(await manager.loadTable(ID))).toEqual([1n, 2n])
  })

  test('versions that do not serve are refused: not there, damaged, of another table', async () => {
    await damage(version(-1), null)
    await damage(version(1), DAMAGES[1][2])
    const other = await manager.createTable({ namespace: 'demo', name: 'other', schema: events })
    const plan = (metadataLocation: string) => manager.planRepair(ID, { metadataLocation })
    await expect(plan(version(-1))).rejects.toThrow(MissingFileError)
    await expect(plan(version(1))).rejects.toThrow(CorruptFileError)
    await expect(plan(other.metadataLocation ?? '')).rejects.toThrow(CommitRejectedError)
    const edited = { ...(await manager.planRepair(ID)) }
    const target = { ...edited.target!, location: other.metadataLocation ?? '' }
    for (const tableUuid of [edited.tableUuid, other.uuid])
      await expect(manager.execute({ ...edited, target, tableUuid })).rejects.toThrow(CommitRejectedError)
    await expect(manager.loadTable(ID)).rejects.toThrow(MissingFileError)
  })

  test('a file that was restored since the plan keeps the table where it was', async () => {
    const bytes = await world.store().get(version(-1))
    await damage(version(-1), null)
    const plan = await manager.planRepair(ID)
    await world.store().put(version(-1), bytes)
    await expect(manager.execute(plan)).rejects.toThrow(CommitRejectedError)
    expect(await idsOf(await manager.loadTable(ID))).toEqual([1n, 2n, 3n, 4n])
  })

  test('a repair of somebody else, and what was committed on it, is not undone', async () => {
    await damage(version(-1), null)
    const plan = await manager.planRepair(ID)
    await manager.execute(plan)
    // The same again, after an answer that was lost: nothing left to do.
    expect(await manager.execute(plan)).toMatchObject({ metadataLocation: version(-2) })
    await manager.writeData(await manager.loadTable(ID), rows(9n))
    await expect(manager.execute(plan)).rejects.toThrow(CommitConflictError)
    expect(await idsOf(await manager.loadTable(ID))).toEqual([1n, 2n, 3n, 9n])
  })

  test('of two repairs at once both end at the same version', async () => {
    await damage(version(-1), null)
    const results = await Promise.all([manager.repairTable(ID), manager.repairTable(ID)])
    expect(results.map(({ metadataLocation }) => metadataLocation)).toEqual([version(-2), version(-2)])
  })

  test('the plan says what the version itself lacks', async () => {
    const readable = await manager.loadTable(ID)
    const lists = readable.metadata.snapshots.map((snapshot) => snapshot['manifest-list'] ?? '')
    await damage(version(-1), null)
    await damage(lists[1] ?? '', null)
    const plan = await manager.planRepair(ID)
    expect(plan.targetProblems).toEqual([lists[1]])
  })

  test('a catalog that keeps its pointers to itself names the other way', async () => {
    await manager.close()
    const { catalog } = manager
    const withoutPointers: Catalog = new Proxy(catalog, {
      get(target, key) {
        if (key === 'metadataPointers') return undefined
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    manager = await world.openAside({
      catalogPlugin: { name: 'closed', connect: async () => withoutPointers },
    })
    const refused = await manager.planRepair(ID).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(UnsupportedFeatureError)
    expect(String((refused as UnsupportedFeatureError).hint)).toMatch(/drop .* register/i)
  })
})
