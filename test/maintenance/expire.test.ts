/** Expiry: what goes, what stays, and what is deleted. */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import {
  CommitRejectedError,
  CorruptFileError,
  InvalidArgumentError,
  MissingFileError,
  NoSuchSnapshotError,
  PolicyViolationError,
  type ExpirePlan,
  type IcebergTableManager,
  type Table,
} from '../../src/index.ts'
import { openEngine } from '../support/manager-world.ts'
import { localPath } from '../support/reachable.ts'
import { DAY, ExpiryWorld, idsOf, newTable, rows, snapshotIds } from './expiring.ts'

let root: string
let plane: DataPlane
let world: ExpiryWorld
let manager: IcebergTableManager
let tbl: Table
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-expire-'))
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

/** So many appends of one row each, a day apart; the last one was just now. */
async function days(count: number): Promise<readonly bigint[]> {
  for (let day = 1; day <= count; day += 1) {
    if (day > 1) world.now += DAY
    await manager.writeData(tbl, rows(day))
  }
  return snapshotIds(tbl)
}

/** The tables' files are exactly those that are reached. */
async function expectNothingLeft(): Promise<void> {
  expect(await world.unreached(tbl)).toEqual([])
}

describe('which snapshots', () => {
  test('without a word, those of more than seven days; one of exactly seven stays', async () => {
    const ids = await days(9)
    const result = await manager.expireSnapshots(tbl)
    expect(result.expiredSnapshotIds).toEqual(ids.slice(0, 1))
    expect(snapshotIds(tbl)).toEqual(ids.slice(1))
    world.now += 1
    expect((await manager.expireSnapshots(tbl)).expiredSnapshotIds).toEqual(ids.slice(1, 2))
    await expectNothingLeft()
  })

  test('the manager keeps ten of a branch where nothing else is set', async () => {
    const ids = await days(13)
    const lenient = await world.openAside({ retention: undefined })
    const result = await lenient.expireSnapshots(await lenient.loadTable('demo.events'), EVERYTHING)
    expect(result.expiredSnapshotIds).toEqual(ids.slice(0, 3))
    await lenient.close()
  })

  test('by a time, with a minimum', async () => {
    const ids = await days(5)
    const result = await manager.expireSnapshots(tbl, { olderThan: new Date(world.now), keepLast: 3 })
    expect(result.expiredSnapshotIds).toEqual(ids.slice(0, 2))
    await expectNothingLeft()
  })

  test('named ones alone, whatever their age', async () => {
    const ids = await days(4)
    const middle = ids[1] ?? 0n
    const result = await manager.expireSnapshots(tbl, { snapshotIds: [middle, middle.toString()] })
    expect(result.expiredSnapshotIds).toEqual([middle])
    expect(await idsOf(tbl, ids[0])).toEqual([1])
    expect(await idsOf(tbl)).toEqual([1, 2, 3, 4])
    await expectNothingLeft()
  })

  test('named ones besides old ones', async () => {
    const ids = await days(4)
    const [first = 0n, second = 0n, third = 0n] = ids
    const result = await manager.expireSnapshots(tbl, { snapshotIds: [third], olderThanDays: 2 })
    expect(result.plan.snapshots.map(({ snapshotId, reason }) => [snapshotId, reason])).toEqual([
      [third.toString(), 'named'],
      [first.toString(), 'age'],
    ])
    expect(snapshotIds(tbl)).toEqual([second, ids[3]])
  })

  test('branches and tags keep theirs; old refs go when they are over their limit', async () => {
    const [first = 0n, second = 0n, third = 0n, , fifth = 0n] = await days(5)
    await manager
      .manageSnapshots(tbl)
      .createBranch('audit', { snapshotId: second })
      .createTag('q1', { snapshotId: first })
      .createTag('brief', { snapshotId: third, maxRefAgeMs: BigInt(DAY) })
      .commit()
    const result = await manager.expireSnapshots(tbl, EVERYTHING)
    expect(result.expiredRefs).toEqual(['brief'])
    expect(snapshotIds(tbl)).toEqual([first, second, fifth])
    expect(await tbl.scan({ ref: 'audit' }).count()).toBe(2)
    expect(await tbl.scan({ ref: 'q1' }).count()).toBe(1)
    await expectNothingLeft()
  })

  test('an empty table, and one that has nothing to let go of, stay as they are', async () => {
    const before = tbl.metadataLocation
    expect(await manager.expireSnapshots(tbl, EVERYTHING)).toMatchObject({ attempts: 0, failure: null })
    expect(tbl.metadataLocation).toBe(before)
    await days(1)
    expect((await manager.expireSnapshots(tbl, EVERYTHING)).expiredSnapshotIds).toEqual([])
    await expectNothingLeft()
  })

  test('as the table is now, whatever the handle shows', async () => {
    const stale = await manager.loadTable('demo.events')
    const ids = await days(3)
    const result = await manager.expireSnapshots(stale, EVERYTHING)
    expect(result.expiredSnapshotIds).toEqual(ids.slice(0, 2))
    expect(snapshotIds(stale)).toEqual(ids.slice(2))
    await manager.dropTable('demo.events')
    await newTable(manager)
    await expect(manager.expireSnapshots(stale, EVERYTHING)).rejects.toThrow(CommitRejectedError)
    await expect(manager.planExpireSnapshots(stale, EVERYTHING)).rejects.toThrow(CommitRejectedError)
  })

  test('an age beyond all time lets nothing go, and can be planned', async () => {
    await days(2)
    const plan = await manager.planExpireSnapshots(tbl, { olderThanDays: 1e12 })
    expect(plan.snapshots).toEqual([])
    expect(await manager.execute(JSON.parse(JSON.stringify(plan)) as ExpirePlan)).toMatchObject({
      attempts: 0,
    })
  })

  test('what cannot be meant is refused', async () => {
    const [first = 0n, second = 0n] = await days(2)
    await expect(manager.expireSnapshots(tbl, { snapshotIds: [7n] })).rejects.toThrow(NoSuchSnapshotError)
    await expect(manager.expireSnapshots(tbl, { snapshotIds: [second] })).rejects.toThrow(/'main' names it/)
    await manager.manageSnapshots(tbl).createTag('q1', { snapshotId: first }).commit()
    await expect(manager.expireSnapshots(tbl, { snapshotIds: [first] })).rejects.toThrow(/'q1' names it/)
    for (const options of [
      { olderThanDays: -1 },
      { olderThanDays: Number.NaN },
      { olderThanDays: 1, olderThan: new Date() },
      { olderThan: 'yesterday' },
      { keepLast: 0 },
      { keepLast: 1.5 },
      { snapshotIds: [first], keepLast: 3 },
      { snapshotIds: ['one'] },
    ]) {
      await expect(manager.expireSnapshots(tbl, options), JSON.stringify(options, String)).rejects.toThrow(
        InvalidArgumentError,
      )
    }
    expect(snapshotIds(tbl)).toEqual([first, second])
  })
})

describe('bounds that an administrator set', () => {
  const open = (bounds: object) =>
    world.openAside({ retention: { maxAgeDays: 7, minSnapshotsToKeep: 2, bounds } })

  test.each([
    ['too short an age of the call', { maxAgeDays: { min: 1 } }, { olderThanDays: 0.5 }, {}],
    ['too long an age of the call', { maxAgeDays: { max: 30 } }, { olderThanDays: 31 }, {}],
    ['too many to keep', { minSnapshotsToKeep: { max: 5 } }, { keepLast: 6 }, {}],
    ['too few to keep', { minSnapshotsToKeep: { min: 3 } }, {}, {}],
    [
      'the table’s age',
      { maxAgeDays: { max: 30 } },
      {},
      { 'history.expire.max-snapshot-age-ms': String(31 * DAY) },
    ],
    [
      'the table’s minimum',
      { minSnapshotsToKeep: { max: 5 } },
      {},
      { 'history.expire.min-snapshots-to-keep': '6' },
    ],
  ])('%s', async (_, bounds, options, set) => {
    await days(3)
    await manager.updateProperties(tbl, { set })
    const bound = await open(bounds)
    const seen = await bound.loadTable('demo.events')
    await expect(bound.expireSnapshots(seen, options)).rejects.toThrow(PolicyViolationError)
    await expect(bound.planExpireSnapshots(seen, options)).rejects.toThrow(/branch 'main'/)
    expect(snapshotIds(seen)).toHaveLength(3)
    await bound.close()
  })

  test('a branch’s own retention', async () => {
    await days(3)
    await manager.manageSnapshots(tbl).createBranch('audit', { maxSnapshotAgeMs: 1n }).commit()
    const bound = await open({ maxAgeDays: { min: 1 } })
    const seen = await bound.loadTable('demo.events')
    await expect(bound.expireSnapshots(seen)).rejects.toThrow(/branch 'audit', its own retention/)
    await bound.close()
  })

  test('a named snapshot is not younger than they allow', async () => {
    const [first = 0n, second = 0n] = await days(3)
    const bound = await open({ maxAgeDays: { min: 1.5 } })
    const seen = await bound.loadTable('demo.events')
    await expect(bound.expireSnapshots(seen, { snapshotIds: [second] })).rejects.toThrow(PolicyViolationError)
    expect((await bound.expireSnapshots(seen, { snapshotIds: [first] })).expiredSnapshotIds).toEqual([first])
    await bound.close()
  })

  test('what lies within them is done', async () => {
    const ids = await days(4)
    const bound = await open({ maxAgeDays: { min: 1, max: 30 }, minSnapshotsToKeep: { min: 2, max: 2 } })
    const seen = await bound.loadTable('demo.events')
    const result = await bound.expireSnapshots(seen, { olderThanDays: 1 })
    expect(result.expiredSnapshotIds).toEqual(ids.slice(0, 2))
    await bound.close()
  })
})

describe('files', () => {
  /** Ten files, and a deletion of all of them. */
  async function tenAndNone(): Promise<readonly string[]> {
    for (let id = 1; id <= 10; id += 1) await manager.writeData(tbl, rows(id))
    const files = (await tbl.inspect.files()).map((file) => file.file_path)
    await manager.deleteRows(tbl, 'id > 0')
    world.now += 1
    return files
  }

  test('go, and are counted by kind', async () => {
    const files = await tenAndNone()
    const before = await world.world.objects()
    const dry = await manager.expireSnapshots(tbl, { ...EVERYTHING, dryRun: true, listFiles: true })
    expect(await world.world.objects()).toEqual(before)
    expect(snapshotIds(tbl)).toHaveLength(11)
    const result = await manager.expireSnapshots(tbl, EVERYTHING)
    const gone = before.filter((file) => !existsSync(localPath(file)))
    expect(result).toMatchObject({ failure: null, keptFiles: [], keptFileCount: 0, skipped: [] })
    expect(result.deletedFiles.dataFiles.count).toBe(10)
    expect(result.deletedFiles.manifestLists.count).toBe(10)
    expect(gone).toEqual(expect.arrayContaining([...files]))
    const counts = Object.values(result.deletedFiles).map(({ count }) => count)
    expect(counts.reduce((sum, count) => sum + count)).toBe(gone.length)
    // What was promised is what was done.
    expect([...(dry.plan.files?.names ?? [])].sort()).toEqual(gone)
    expect(dry.deletedFiles).toEqual(result.deletedFiles)
    await expectNothingLeft()
  })

  test('have the sizes that they had', async () => {
    await tenAndNone()
    const plan = await manager.planExpireSnapshots(tbl, { ...EVERYTHING, listFiles: true })
    const names = plan.files?.names ?? []
    const sizes = await Promise.all(names.map(async (file) => (await readFile(localPath(file))).length))
    const { deletedFiles } = await manager.expireSnapshots(tbl, EVERYTHING)
    const bytes = Object.values(deletedFiles).map((total) => total.bytes)
    expect(bytes.reduce((sum, each) => sum + each)).toBe(sizes.reduce((sum, size) => sum + size, 0))
    expect(deletedFiles.manifestLists.bytes).toBeGreaterThan(0)
  })

  test('stay when only metadata is to change', async () => {
    const files = await tenAndNone()
    const before = await world.world.objects()
    const result = await manager.expireSnapshots(tbl, { ...EVERYTHING, cleanExpiredFiles: false })
    expect(result.expiredSnapshotIds).toHaveLength(10)
    expect(result.plan.files).toBe(null)
    expect(Object.values(result.deletedFiles).every(({ count }) => count === 0)).toBe(true)
    expect(await world.world.objects()).toEqual(expect.arrayContaining([...before]))
    expect(files.every((file) => existsSync(localPath(file)))).toBe(true)
  })

  test('that an earlier snapshot still needs stay', async () => {
    await manager.writeData(tbl, rows(1))
    const first = tbl.currentSnapshot?.['snapshot-id'] ?? 0n
    await manager.deleteRows(tbl, 'id = 1')
    const second = tbl.currentSnapshot?.['snapshot-id'] ?? 0n
    await manager.writeData(tbl, rows(2))
    await manager.expireSnapshots(tbl, { snapshotIds: [second] })
    expect(await idsOf(tbl, first)).toEqual([1])
    await expectNothingLeft()
  })

  test('that came back under the same path stay', async () => {
    await manager.writeData(tbl, rows(1))
    const [{ file_path: file } = { file_path: '' }] = await tbl.inspect.files()
    await manager.deleteRows(tbl, 'id = 1')
    await manager.addFiles(tbl, [file])
    world.now += 1
    const { expiredSnapshotIds, deletedFiles } = await manager.expireSnapshots(tbl, EVERYTHING)
    expect(expiredSnapshotIds).toHaveLength(2)
    expect(deletedFiles.dataFiles.count).toBe(0)
    expect(await idsOf(tbl)).toEqual([1])
    await expectNothingLeft()
  })

  test('that another branch needs stay, position deletes too', async () => {
    await manager.updateProperties(tbl, { set: { 'write.delete.mode': 'merge-on-read' } })
    await manager.writeData(tbl, rows(...Array.from({ length: 2000 }, (_, id) => id)))
    await manager.deleteRows(tbl, 'id = 1')
    const withDeletes = tbl.currentSnapshot?.['snapshot-id'] ?? 0n
    expect((await tbl.inspect.files()).some((file) => file.content !== 'data')).toBe(true)
    await manager.manageSnapshots(tbl).createBranch('audit').commit()
    await manager.writeData(tbl, rows(7), { mode: 'overwrite' })
    world.now += 1
    await manager.expireSnapshots(tbl, EVERYTHING)
    expect((await idsOf(tbl, withDeletes)).length).toBe(1999)
    await expectNothingLeft()
    await manager.manageSnapshots(tbl).removeBranch('audit').commit()
    const { deletedFiles } = await manager.expireSnapshots(tbl, EVERYTHING)
    expect(deletedFiles).toMatchObject({ dataFiles: { count: 1 }, positionDeleteFiles: { count: 1 } })
    expect(await idsOf(tbl)).toEqual([7])
    await expectNothingLeft()
  })

  test.each([1, 2, 3] as const)('go from tables of format version %d', async (version) => {
    const made = await manager.createTable({
      namespace: 'demo',
      name: 'versioned',
      schema: tbl.schema,
      formatVersion: version === 1 ? 1 : 2,
    })
    await manager.writeData(made, rows(1))
    await manager.writeData(made, rows(2), { mode: 'overwrite' })
    await manager.writeData(made, rows(3))
    if (version === 3) await manager.upgradeFormatVersion(made, 3)
    world.now += 1
    const { deletedFiles, failure } = await manager.expireSnapshots(made, EVERYTHING)
    expect(failure).toBe(null)
    expect(deletedFiles).toMatchObject({ dataFiles: { count: 1 }, manifestLists: { count: 2 } })
    expect(await idsOf(made)).toEqual([2, 3])
    const ofTable = await world.unreached(made)
    expect(ofTable.filter((file) => file.includes('/versioned-'))).toEqual([])
  })

  test('of statistics go with their snapshot', async () => {
    const [first = 0n] = await days(2)
    const [kept, gone] = ['kept', 'gone'].map((name) => `${tbl.location}/metadata/${name}.stats`)
    for (const file of [kept, gone]) await writeFile(localPath(file ?? ''), 'statistics')
    const second = tbl.currentSnapshot?.['snapshot-id'] ?? 0n
    const update = (action: 'set-statistics', id: bigint, path = '') => ({
      action,
      'snapshot-id': id,
      statistics: {
        'snapshot-id': id,
        'statistics-path': path,
        'file-size-in-bytes': 10,
        'file-footer-size-in-bytes': 1,
        'blob-metadata': [],
      },
    })
    await manager.catalog.commitTable(tbl.identifier, {
      requirements: [],
      updates: [update('set-statistics', first, gone), update('set-statistics', second, kept)],
    })
    await tbl.refresh()
    const { deletedFiles } = await manager.expireSnapshots(tbl, EVERYTHING)
    expect(deletedFiles.statisticsFiles).toEqual({ count: 1, bytes: 10 })
    expect([kept, gone].map((file) => existsSync(localPath(file ?? '')))).toEqual([true, false])
    await expectNothingLeft()
  })

  test('outside of the table’s own locations are reported, and stay', async () => {
    const elsewhere = `${tbl.location}-elsewhere`
    await manager.updateProperties(tbl, { set: { 'write.data.path': elsewhere } })
    await manager.writeData(tbl, rows(1))
    const [{ file_path: file } = { file_path: '' }] = await tbl.inspect.files()
    await manager.deleteRows(tbl, 'id = 1')
    await manager.updateProperties(tbl, { remove: ['write.data.path'] })
    world.now += 1
    const result = await manager.expireSnapshots(tbl, EVERYTHING)
    expect(result).toMatchObject({ failure: null, keptFiles: [file], keptFileCount: 1 })
    expect(result.skipped).toEqual([
      { what: 'files', name: null, reason: expect.stringContaining('outside of the table') },
    ])
    expect(existsSync(localPath(file))).toBe(true)
  })

  test('are not deleted where the table forbids it', async () => {
    await tenAndNone()
    await manager.updateProperties(tbl, { set: { 'gc.enabled': 'false' } })
    const before = await world.world.objects()
    await expect(manager.expireSnapshots(tbl, EVERYTHING)).rejects.toThrow(InvalidArgumentError)
    expect(await world.world.objects()).toEqual(before)
    await manager.expireSnapshots(tbl, { ...EVERYTHING, cleanExpiredFiles: false })
    expect(snapshotIds(tbl)).toHaveLength(1)
  })

  test('a snapshot that cannot be read stops it before anything is changed', async () => {
    await tenAndNone()
    const list = tbl.metadata.snapshots[3]?.['manifest-list'] ?? ''
    await writeFile(localPath(list), 'no list at all')
    const before = await world.world.objects()
    await expect(manager.expireSnapshots(tbl, EVERYTHING)).rejects.toThrow(CorruptFileError)
    expect(await world.world.objects()).toEqual(before)
    expect((await manager.loadTable('demo.events')).metadata.snapshots).toHaveLength(11)
  })

  test('a snapshot whose files are gone already can go', async () => {
    await tenAndNone()
    await rm(localPath(tbl.metadata.snapshots[3]?.['manifest-list'] ?? ''))
    const result = await manager.expireSnapshots(tbl, EVERYTHING)
    expect(result.expiredSnapshotIds).toHaveLength(10)
    expect(result.failure).toBe(null)
  })

  test('what stays and cannot be read lets nothing be deleted', async () => {
    const files = await tenAndNone()
    const [manifest] = await tbl.inspect.manifests()
    await rm(localPath(manifest?.path ?? ''))
    const result = await manager.expireSnapshots(tbl, EVERYTHING)
    expect(result.failure).toBeInstanceOf(MissingFileError)
    expect(result.expiredSnapshotIds).toHaveLength(10)
    expect(files.every((file) => existsSync(localPath(file)))).toBe(true)
  })
})

describe('a reader', () => {
  test('of a snapshot that expired under it gets an error, never fewer rows', async () => {
    const [first = 0n] = await days(3)
    await manager.deleteRows(tbl, 'id = 1')
    const old = await manager.loadTable('demo.events')
    world.now += 1
    await manager.expireSnapshots(tbl, EVERYTHING)
    await expect(old.scan({ snapshotId: first }).toArray()).rejects.toThrow(MissingFileError)
    await expect(old.scan({ snapshotId: first }).count()).rejects.toThrow(MissingFileError)
    const fresh = await manager.loadTable('demo.events')
    expect(() => fresh.scan({ snapshotId: first })).toThrow(NoSuchSnapshotError)
  })

  test('that began before is told, whatever it had read by then', async () => {
    await manager.writeData(tbl, rows(1))
    await manager.writeData(tbl, rows(2))
    const reader = await manager.loadTable('demo.events')
    const scan = reader.scan()
    expect(await scan.count()).toBe(2)
    await manager.writeData(tbl, rows(3), { mode: 'overwrite' })
    world.now += 1
    await manager.expireSnapshots(tbl, EVERYTHING)
    await expect(scan.toArray()).rejects.toThrow(MissingFileError)
  })
})

describe('schemas and partition specs that nothing uses', () => {
  async function evolvedTable(): Promise<void> {
    await manager.writeData(tbl, rows(1))
    await manager.evolveSchema(tbl, [{ type: 'add_column', name: 'passing', fieldType: 'int' }])
    await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'passing' }])
    await manager.writeData(tbl, [{ id: 2n, kind: 'a', passing: 5 }])
    await manager.evolvePartitionSpec(tbl, [{ type: 'remove_field', field: 'passing' }])
    await manager.evolveSchema(tbl, [{ type: 'delete_column', name: 'passing' }])
    await manager.writeData(tbl, rows(3), { mode: 'overwrite' })
    // The manifest that says what the overwrite deleted is still of the earlier spec.
    await manager.writeData(tbl, rows(4), { commitStrategy: 'merge_commit' })
    world.now += 1
  }

  test('stay by default', async () => {
    await evolvedTable()
    const { schemas } = tbl.metadata
    const result = await manager.expireSnapshots(tbl, EVERYTHING)
    expect(result).toMatchObject({ removedSchemaIds: [], removedSpecIds: [] })
    expect(tbl.metadata.schemas).toEqual(schemas)
  })

  test('go when they are meant, and the plan says which', async () => {
    await evolvedTable()
    const current = tbl.metadata['current-schema-id']
    const plan = await manager.planExpireSnapshots(tbl, { ...EVERYTHING, cleanExpiredMetadata: true })
    const schemaIds = tbl.metadata.schemas.map((schema) => schema['schema-id']).filter((id) => id !== current)
    const specIds = tbl.metadata['partition-specs']
      .map((spec) => spec['spec-id'])
      .filter((id) => id !== tbl.metadata['default-spec-id'])
    expect(specIds.length).toBeGreaterThan(0)
    expect(plan.unusedMetadata).toEqual({ schemaIds, specIds })
    const result = await manager.execute(plan)
    expect(result).toMatchObject({ removedSchemaIds: schemaIds, removedSpecIds: specIds })
    await tbl.refresh()
    expect(tbl.metadata.schemas.map((schema) => schema['schema-id'])).toEqual([current])
    expect(tbl.metadata['partition-specs']).toHaveLength(1)
    expect(await idsOf(tbl)).toEqual([3, 4])
  })

  test('stay while a snapshot was written with them, or a manifest is of them', async () => {
    await evolvedTable()
    const second = snapshotIds(tbl)[1] ?? 0n
    await manager.manageSnapshots(tbl).createTag('keep', { snapshotId: second }).commit()
    const plan = await manager.planExpireSnapshots(tbl, { ...EVERYTHING, cleanExpiredMetadata: true })
    await manager.execute(plan)
    await tbl.refresh()
    const used = tbl.metadata.snapshots.map((snapshot) => snapshot['schema-id'])
    const schemaIds = tbl.metadata.schemas.map((schema) => schema['schema-id'])
    expect(schemaIds).toEqual(expect.arrayContaining(used))
    const kept = await tbl.scan({ ref: 'keep' }).toArray()
    expect(kept.toSorted((a, b) => Number(a['id']) - Number(b['id']))).toEqual([
      { id: 1n, kind: 'k1', passing: null },
      { id: 2n, kind: 'a', passing: 5 },
    ])
  })

  test('that came into use meanwhile stay', async () => {
    await evolvedTable()
    const plan = await manager.planExpireSnapshots(tbl, { ...EVERYTHING, cleanExpiredMetadata: true })
    const [back = -1] = plan.unusedMetadata?.schemaIds ?? []
    await manager.catalog.commitTable(tbl.identifier, {
      requirements: [],
      updates: [{ action: 'set-current-schema', 'schema-id': back }],
    })
    const result = await manager.execute(plan)
    expect(result.removedSchemaIds).not.toContain(back)
    await tbl.refresh()
    expect(tbl.metadata['current-schema-id']).toBe(back)
  })
})

describe('a plan', () => {
  test('goes through JSON, and does no more than it names', async () => {
    const ids = await days(4)
    const plan: ExpirePlan = JSON.parse(
      JSON.stringify(await manager.planExpireSnapshots(tbl, { olderThanDays: 2 })),
    )
    expect(plan.snapshots).toEqual([
      { snapshotId: String(ids[0]), timestampMs: world.now - 3 * DAY, operation: 'append', reason: 'age' },
    ])
    expect(plan.limits).toMatchObject([
      { branch: 'main', cutOffMs: world.now - 2 * DAY, ageFrom: 'call', keep: 1 },
      { branch: null },
    ])
    world.now += 10 * DAY
    await manager.writeData(tbl, rows(9))
    const result = await manager.execute(plan)
    expect(result.expiredSnapshotIds).toEqual([ids[0]])
    await tbl.refresh()
    expect(snapshotIds(tbl)).toHaveLength(4)
    await expectNothingLeft()
  })

  test('made anew names nothing that is gone; executed again does nothing', async () => {
    await days(3)
    const plan = await manager.planExpireSnapshots(tbl, EVERYTHING)
    await manager.execute(plan)
    const again = await manager.execute(plan)
    expect(again).toMatchObject({ expiredSnapshotIds: [], attempts: 0, failure: null })
    expect(again.skipped.map(({ reason }) => reason)).toEqual(['it was gone already', 'it was gone already'])
    await tbl.refresh()
    await expectNothingLeft()
  })

  test('a tag that came meanwhile keeps its snapshot and files', async () => {
    const [first = 0n] = await days(3)
    await manager.deleteRows(tbl, 'id = 1')
    world.now += 1
    const plan = await manager.planExpireSnapshots(tbl, EVERYTHING)
    await manager.manageSnapshots(tbl).createTag('late', { snapshotId: first }).commit()
    const result = await manager.execute(plan)
    expect(result.expiredSnapshotIds).not.toContain(first)
    expect(result.skipped).toEqual([
      { what: 'snapshot', name: String(first), reason: "'late' names it by now" },
    ])
    await tbl.refresh()
    expect(await idsOf(tbl, first)).toEqual([1])
    await expectNothingLeft()
  })

  test('a ref that went meanwhile, and its snapshot with it, keeps the files that it reached', async () => {
    const [first = 0n, second = 0n] = await days(4)
    await manager.manageSnapshots(tbl).createTag('q2', { snapshotId: second }).commit()
    await manager.deleteRows(tbl, 'id = 1 or id = 2')
    const reached = (await tbl.inspect.files({ ref: 'q2' })).map((file) => file.file_path)
    world.now += 1
    const stale = await manager.loadTable('demo.events')
    const plan = await manager.planExpireSnapshots(tbl, { snapshotIds: [first] })
    // Somebody else drops the tag and expires its snapshot, and leaves the files to us.
    await manager.manageSnapshots(tbl).removeTag('q2').commit()
    await manager.expireSnapshots(tbl, { snapshotIds: [second], cleanExpiredFiles: false })
    const result = await manager.execute(plan)
    expect(result.expiredSnapshotIds).toEqual([first])
    expect(reached.every((file) => existsSync(localPath(file)))).toBe(true)
    expect(result.skipped).toContainEqual({
      what: 'files',
      name: null,
      reason: expect.stringContaining('q2 went meanwhile'),
    })
    expect(snapshotIds(stale)).toContain(second)
  })

  test('for another table of the same name is refused', async () => {
    await days(2)
    const plan = await manager.planExpireSnapshots(tbl, EVERYTHING)
    await manager.dropTable('demo.events')
    tbl = await newTable(manager)
    await days(2)
    await expect(manager.execute(plan)).rejects.toThrow(CommitRejectedError)
    await tbl.refresh()
    expect(snapshotIds(tbl)).toHaveLength(2)
  })

  test('that is none, or was tampered with, is refused', async () => {
    await days(2)
    const plan = await manager.planExpireSnapshots(tbl, EVERYTHING)
    const broken: readonly unknown[] = [
      null,
      {},
      { ...plan, version: 2 },
      { ...plan, kind: 'nothing' },
      { ...plan, snapshots: [{ snapshotId: 12 }] },
      { ...plan, fileList: 'file:///etc/passwd' },
    ]
    for (const each of broken)
      await expect(manager.execute(each as ExpirePlan)).rejects.toMatchObject({
        code: expect.stringMatching(/^FLOEBERG_/),
      })
    await tbl.refresh()
    expect(snapshotIds(tbl)).toHaveLength(2)
  })

  test('leaves no list of files behind', async () => {
    await days(3)
    const plan = await manager.planExpireSnapshots(tbl, EVERYTHING)
    await manager.execute(plan)
    expect((await world.world.objects()).map((file) => basename(file))).not.toContainEqual(
      expect.stringContaining('expired'),
    )
  })
})
