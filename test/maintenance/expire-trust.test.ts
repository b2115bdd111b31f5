/** Expiry where what it is given cannot be relied on: plans, lists of files, what a catalog tells. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog, LoadedTable } from '../../src/catalog/catalog.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import {
  PolicyViolationError,
  UnsupportedFeatureError,
  type ExpirePlan,
  type IcebergTableManager,
  type Table,
} from '../../src/index.ts'
import { openEngine } from '../support/manager-world.ts'
import { DAY, ExpiryWorld, idsOf, newTable, rows, snapshotIds } from './expiring.ts'

let root: string
let plane: DataPlane
let world: ExpiryWorld
let manager: IcebergTableManager
let tbl: Table
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-expire-trust-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})
beforeEach(async () => {
  world = await ExpiryWorld.make(root, plane)
  manager = await world.openAside()
  tbl = await newTable(manager)
})

const EVERYTHING = { olderThanDays: 0 } as const

/** So many overwrites of one row each, a day apart; the last one was just now. */
async function days(count: number): Promise<readonly bigint[]> {
  for (let day = 1; day <= count; day += 1) {
    if (day > 1) world.now += DAY
    await manager.writeData(tbl, rows(day), { mode: 'overwrite' })
  }
  return snapshotIds(tbl)
}

describe('a plan', () => {
  test('that lists its files deletes no other', async () => {
    await days(3)
    const plan = await manager.planExpireSnapshots(tbl, { ...EVERYTHING, listFiles: true })
    const names = plan.files?.names ?? []
    const [spared = '', ...others] = names.filter((name) => name.endsWith('.parquet'))
    const files = plan.files && { ...plan.files, names: names.filter((name) => name !== spared) }
    const result = await manager.execute({ ...plan, files })
    expect(result).toMatchObject({ deletedFiles: { dataFiles: { count: others.length } }, failure: null })
    expect(result.skipped).toEqual([
      { what: 'files', name: null, reason: '1 files are not among those that the plan lists' },
    ])
    await tbl.refresh()
    expect(await world.unreached(tbl)).toEqual([spared])
  })

  test('of a manager without bounds is held to those of the one who executes it', async () => {
    const ids = await days(3)
    const bound = await world.openAside({
      retention: { minSnapshotsToKeep: 1, bounds: { maxAgeDays: { min: 1.5 } } },
    })
    const short = await manager.planExpireSnapshots(tbl, EVERYTHING)
    const named = await manager.planExpireSnapshots(tbl, { snapshotIds: ids.slice(1, 2) })
    const later = { ...short, rules: short.rules && { ...short.rules, nowMs: world.now + 9 * DAY } }
    for (const plan of [short, named, later])
      await expect(bound.execute(plan)).rejects.toThrow(PolicyViolationError)
    await tbl.refresh()
    expect(snapshotIds(tbl)).toEqual(ids)
    const long = await manager.planExpireSnapshots(tbl, { olderThanDays: 1.5 })
    expect((await bound.execute(long)).expiredSnapshotIds).toEqual(ids.slice(0, 1))
    await bound.close()
  })

  test('made by a clock that is ahead lets nothing go that is not old yet', async () => {
    const ids = await days(3)
    world.now += 10 * DAY
    const plan = await manager.planExpireSnapshots(tbl)
    expect(plan.snapshots).toHaveLength(2)
    world.now -= 10 * DAY
    expect((await manager.execute(plan)).expiredSnapshotIds).toEqual([])
    await tbl.refresh()
    expect(snapshotIds(tbl)).toEqual(ids)
  })
})

test('the table’s metadata stays, whatever names it as a file of a snapshot that goes', async () => {
  const ids = await days(2)
  const plan: ExpirePlan = await manager.planExpireSnapshots(tbl, EVERYTHING)
  const before = tbl.metadataLocation ?? ''
  const head = {
    version: 1,
    tableUuid: tbl.metadata['table-uuid'],
    snapshotIds: ids.slice(0, 1).map(String),
    parts: [],
  }
  const lines = [head, ['dataFiles', before, 1], ['manifests', before, 1]]
  await world.world.store().put(plan.fileList, gzipSync(lines.map((line) => JSON.stringify(line)).join('\n')))
  expect((await manager.execute(plan)).expiredSnapshotIds).toEqual(ids.slice(0, 1))
  expect(await world.world.objects()).toContain(before)
  await tbl.refresh()
  expect(await idsOf(tbl)).toEqual([2])
})

describe('a catalog that leaves out snapshots', () => {
  /** Answers of these calls lack all snapshots that no ref names. */
  async function partial(
    calls: readonly ('loadTable' | 'commitTable')[],
  ): Promise<{ readonly other: IcebergTableManager; readonly seen: Table }> {
    const partly = ({ metadata, ...answer }: LoadedTable): LoadedTable => {
      const heads = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']))
      const snapshots = metadata.snapshots.filter((snapshot) => heads.has(snapshot['snapshot-id']))
      return { ...answer, metadata: { ...metadata, snapshots }, snapshotsComplete: false }
    }
    const catalog: Catalog = new Proxy(manager.catalog, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        const call = async (...args: unknown[]): Promise<unknown> => Reflect.apply(value, target, args)
        if (!calls.some((name) => name === key)) return call
        return async (...args: unknown[]) => partly((await call(...args)) as LoadedTable)
      },
    })
    const other = await world.openAside({ catalogPlugin: { name: 'partial', connect: async () => catalog } })
    return { other, seen: await other.loadTable('demo.events') }
  }

  /** Of four snapshots the first two share a file that the others have lost. */
  async function sharing(): Promise<readonly bigint[]> {
    await manager.writeData(tbl, rows(1))
    await manager.writeData(tbl, rows(2))
    await manager.writeData(tbl, rows(3), { mode: 'overwrite' })
    world.now += 1
    return snapshotIds(tbl)
  }

  test('is no ground for expiring any', async () => {
    const ids = await sharing()
    const plan = await manager.planExpireSnapshots(tbl, { snapshotIds: ids.slice(0, 1) })
    const { other, seen } = await partial(['loadTable', 'commitTable'])
    await expect(other.expireSnapshots(seen, EVERYTHING)).rejects.toThrow(UnsupportedFeatureError)
    await expect(other.planExpireSnapshots(seen, EVERYTHING)).rejects.toThrow(UnsupportedFeatureError)
    await expect(other.execute(plan)).rejects.toThrow(UnsupportedFeatureError)
    await tbl.refresh()
    expect(snapshotIds(tbl)).toEqual(ids)
  })

  test('in its answer to a commit is asked for all of them', async () => {
    const [first = 0n, second = 0n] = await sharing()
    const { other, seen } = await partial(['commitTable'])
    expect(await other.expireSnapshots(seen, { snapshotIds: [first] })).toMatchObject({ failure: null })
    await tbl.refresh()
    expect(await idsOf(tbl, second)).toEqual([1, 2])
    expect(await world.unreached(tbl)).toEqual([])
  })
})
