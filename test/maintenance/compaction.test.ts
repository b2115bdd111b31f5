import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IcebergTableManager, t, table, type CompactionPlan, type Table } from '../../src/index.ts'

let manager: IcebergTableManager
let folder: string
let number = 0

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'floeberg-test-')))
  manager = await IcebergTableManager.open({
    catalog: { type: 'memory', warehouse: join(folder, 'warehouse') },
    scratchDir: join(folder, 'scratch'),
  })
  await manager.createNamespace('demo')
})
afterAll(async () => {
  await manager.close()
  await rm(folder, { recursive: true, force: true })
})

const events = table({ id: t.long().required(), kind: t.string() })

async function eventsTable(
  options: {
    readonly properties?: Readonly<Record<string, string>>
    readonly formatVersion?: 1 | 2
    readonly isPartitioned?: boolean
  } = {},
): Promise<Table> {
  number += 1
  const { properties = {}, formatVersion = 2, isPartitioned = true } = options
  return manager.createTable({
    namespace: 'demo',
    name: `events_${number}`,
    schema: events,
    partitionSpec: isPartitioned ? [{ source: 'kind' }] : [],
    properties,
    formatVersion,
  })
}

const row = (id: number, kind = 'a') => ({ id: BigInt(id), kind })

async function sortedIds(tbl: Table): Promise<readonly number[]> {
  const rows = await tbl.scan().toArray()
  return rows.map((each) => Number(each['id'])).toSorted((a, b) => a - b)
}

describe.each([1, 2] as const)('a table of format version %i', (formatVersion) => {
  test('small files of each partition become one, in one replace snapshot', async () => {
    const tbl = await eventsTable({ formatVersion })
    for (let id = 0; id < 6; id++) await manager.writeData(tbl, [row(id, 'a'), row(id + 100, 'b')])
    const result = await manager.compactTable(tbl)
    expect(result).toMatchObject({
      groups: 2,
      rewrittenDataFiles: 12,
      addedDataFiles: 2,
      rows: 12,
      removedDeleteFiles: 0,
      skippedFiles: [],
      failedGroups: 0,
      attempts: 1,
    })
    expect(result.snapshotIds).toEqual([tbl.currentSnapshot?.['snapshot-id']])
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'added-data-files': '2',
      'deleted-data-files': '12',
      'added-records': '12',
      'deleted-records': '12',
      'total-records': '12',
      'total-data-files': '2',
      'total-delete-files': '0',
      'changed-partition-count': '2',
    })
    expect(await sortedIds(tbl)).toEqual([0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 104, 105])
  })
})

test('what is as it should be is left alone, and no snapshot is made', async () => {
  const tbl = await eventsTable()
  expect((await manager.compactTable(tbl)).snapshotIds).toEqual([])
  for (let id = 0; id < 6; id++) await manager.writeData(tbl, [row(id)])
  await manager.compactTable(tbl)
  const { metadataLocation } = tbl
  const again = await manager.compactTable(tbl)
  expect(again).toMatchObject({ snapshotIds: [], groups: 0, attempts: 0 })
  expect(tbl.metadataLocation).toBe(metadataLocation)
  // Four small files are fewer than five, and less than one good file.
  for (let id = 6; id < 9; id++) await manager.writeData(tbl, [row(id)])
  expect((await manager.compactTable(tbl)).snapshotIds).toEqual([])
  expect((await manager.compactTable(tbl, { minInputFiles: 4 })).snapshotIds).toHaveLength(1)
})

describe('a plan', () => {
  /** Three hundred files of two rows each, in ten partitions and two specs; and three in one of their own. */
  async function manyFiles(): Promise<Table> {
    const tbl = await eventsTable({ properties: { 'write.delete.mode': 'merge-on-read' } })
    for (let id = 0; id < 30; id++) {
      const rows = Array.from({ length: 10 }, (_, kind) => row(10 * id + kind, `k${kind}`))
      await manager.writeData(tbl, [...rows, ...rows.map((each) => ({ ...each, id: each.id + 500n }))])
      if (id === 14) {
        await manager.evolvePartitionSpec(tbl, [
          { type: 'add_field', source: 'id', transform: 'truncate[1000]', name: 'thousand' },
        ])
      }
    }
    for (let id = 0; id < 3; id++) await manager.writeData(tbl, [row(100_000 + id, 'few')])
    await manager.deleteRows(tbl, 'id in (5, 205)')
    return tbl
  }

  const limits = { targetFileSizeBytes: 2000, minFileSizeBytes: 1500, maxFileSizeBytes: 100_000 }

  test('names groups of a partition and a spec, and survives JSON', async () => {
    const tbl = await manyFiles()
    const { metadataLocation } = tbl
    const plan = await manager.planCompaction(tbl, { minInputFiles: 4 })
    expect(plan).toMatchObject({ version: 1, kind: 'compact', branch: 'main', strategy: 'bin_pack' })
    expect(plan.groups).toHaveLength(20)
    expect(plan.groups.every(({ files, specId }) => files.length === 15 && specId < 2)).toBe(true)
    expect(new Set(plan.groups.map(({ partition, specId }) => `${specId} ${partition}`)).size).toBe(20)
    // Of the three files of their own partition there are too few.
    expect(plan.groups.some(({ partition }) => partition.includes('few'))).toBe(false)
    expect((await tbl.refresh()).metadataLocation).toBe(metadataLocation)

    const stored: CompactionPlan = JSON.parse(JSON.stringify(plan))
    const result = await manager.execute(stored)
    expect(result).toMatchObject({ groups: 20, rewrittenDataFiles: 300, addedDataFiles: 20, rows: 598 })
    expect(result.removedDeleteFiles).toBe(2)
    await tbl.refresh()
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'total-records': '601',
      'total-data-files': '23',
      'total-delete-files': '0',
      'total-position-deletes': '0',
    })
    const ids = await sortedIds(tbl)
    expect(ids).toHaveLength(601)
    expect(ids).not.toContain(5)
    // Again: nothing that it names is there any more.
    const again = await manager.execute(stored)
    expect(again).toMatchObject({ snapshotIds: [], groups: 0 })
    expect(again.skippedFiles).toHaveLength(300)
  }, 60_000)

  test('that is not one is refused, and so is that of another table', async () => {
    const tbl = await eventsTable()
    for (let id = 0; id < 5; id++) await manager.writeData(tbl, [row(id)])
    const plan = await manager.planCompaction(tbl)
    const broken: unknown = { ...plan, groups: [{ files: [] }] }
    await expect(manager.execute(Object.assign({}, plan, broken))).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_ARGUMENT',
    })
    await manager.dropTable(tbl.identifier)
    await manager.createTable({ ...tbl.identifier, schema: events })
    await expect(manager.execute(plan)).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_REJECTED' })
  })

  test('whose groups somebody put together, or named twice, brings no row to another partition and none twice', async () => {
    const tbl = await eventsTable()
    for (let id = 0; id < 3; id++) await manager.writeData(tbl, [row(id, 'a'), row(id + 10, 'b')])
    const plan = await manager.planCompaction(tbl, { rewriteAll: true })
    const [first, second] = plan.groups
    if (first === undefined || second === undefined) throw new Error('expected two groups')
    const both = { ...first, files: [...first.files, ...second.files] }
    await manager.execute({ ...plan, groups: [both, first, both] })
    await tbl.refresh()
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'deleted-data-files': '6',
      'added-data-files': '2',
      'total-records': '6',
    })
    expect(await sortedIds(tbl)).toEqual([0, 1, 2, 10, 11, 12])
    const ofB = await tbl.scan({ filter: "kind = 'b'" }).toArray()
    expect(ofB.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual([10, 11, 12])
  })

  test('is carried out with the deletes that came since, and without the files that are gone', async () => {
    const tbl = await eventsTable({ properties: { 'write.delete.mode': 'merge-on-read' } })
    for (let id = 0; id < 5; id++) await manager.writeData(tbl, [row(2 * id), row(2 * id + 1)])
    const plan = await manager.planCompaction(tbl)
    await manager.deleteRows(tbl, 'id = 2 or id = 4 or id = 5')
    await manager.writeData(tbl, [row(100)])
    const result = await manager.execute(plan)
    expect(result).toMatchObject({ rewrittenDataFiles: 4, addedDataFiles: 1, rows: 7 })
    expect(result.skippedFiles).toHaveLength(1)
    await tbl.refresh()
    expect(await sortedIds(tbl)).toEqual([0, 1, 3, 6, 7, 8, 9, 100])
    // The delete was not in the plan: it stays, about nothing, until the next time.
    expect(tbl.currentSnapshot?.summary?.['total-delete-files']).toBe('1')
    await manager.compactTable(tbl)
    expect(tbl.currentSnapshot?.summary).toMatchObject({ operation: 'replace', 'total-delete-files': '0' })
    expect(await sortedIds(tbl)).toEqual([0, 1, 3, 6, 7, 8, 9, 100])
  })

  test('leaves good files alone', async () => {
    const tbl = await eventsTable({ isPartitioned: false })
    const wide = Array.from({ length: 2000 }, (_, id) => row(id * 7919, `kind ${(id * 31) % 1999}`))
    await manager.writeData(tbl, wide)
    for (let id = 0; id < 3; id++) await manager.writeData(tbl, [row(-1 - id)])
    const [large] = (await tbl.inspect.files()).filter((file) => file.record_count > 1)
    const plan = await manager.planCompaction(tbl, { ...limits, targetFileSizeBytes: 5000, minInputFiles: 3 })
    expect(plan.groups.map(({ files }) => files.map(({ reason }) => reason))).toEqual([
      ['it is small', 'it is small', 'it is small'],
    ])
    await manager.execute(plan)
    await tbl.refresh()
    expect((await tbl.inspect.files()).map((file) => file.file_path)).toContain(large?.file_path)
  })
})

test('another table that has come to bear the name is left alone by an old handle', async () => {
  const old = await eventsTable()
  await manager.dropTable(old.identifier)
  const tbl = await manager.createTable({ ...old.identifier, schema: events })
  for (let id = 0; id < 5; id++) await manager.writeData(tbl, [row(id)])
  const calls = [
    manager.compactTable(old),
    manager.planCompaction(old),
    manager.rewriteManifests(old),
    manager.rewritePositionDeletes(old),
  ]
  for (const end of await Promise.allSettled(calls)) {
    expect(end).toMatchObject({ status: 'rejected', reason: { code: 'FLOEBERG_COMMIT_REJECTED' } })
  }
  expect((await manager.loadTable(old.identifier)).metadataLocation).toBe(tbl.metadataLocation)
})

test('files of other specs move into the current one only when asked to', async () => {
  const tbl = await eventsTable({ isPartitioned: false })
  for (let id = 0; id < 6; id++) await manager.writeData(tbl, [row(id, `k${id % 2}`)])
  await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'kind' }])
  await manager.writeData(tbl, [row(6, 'k0')])
  await manager.compactTable(tbl)
  expect((await tbl.inspect.files()).map((file) => file.spec_id).toSorted()).toEqual([0, 1])
  const result = await manager.compactTable(tbl, { outputSpecId: 'current' })
  expect(result).toMatchObject({ rewrittenDataFiles: 1, addedDataFiles: 2 })
  const files = await tbl.inspect.files()
  expect(files.map((file) => file.spec_id)).toEqual([1, 1, 1])
  expect(await sortedIds(tbl)).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(await tbl.scan({ filter: "kind = 'k1'" }).count()).toBe(3)
  expect((await manager.compactTable(tbl, { outputSpecId: 'current' })).snapshotIds).toEqual([])
})

test('a spec whose source column is gone is kept', async () => {
  const tbl = await eventsTable()
  for (let id = 0; id < 5; id++) await manager.writeData(tbl, [row(id, 'gone')])
  await manager.evolvePartitionSpec(tbl, [{ type: 'remove_field', field: 'kind' }])
  await manager.evolveSchema(tbl, [{ type: 'delete_column', name: 'kind' }])
  await manager.compactTable(tbl)
  expect(await sortedIds(tbl)).toEqual([0, 1, 2, 3, 4])
  expect((await tbl.inspect.files()).map((file) => file.spec_id)).toEqual([0])
})

test('columns of every earlier schema keep their values', async () => {
  const schema = table({ id: t.int().required(), a: t.string(), s: t.struct({ x: t.int() }) })
  number += 1
  const tbl: Table = await manager.createTable({ namespace: 'demo', name: `evolved_${number}`, schema })
  await manager.writeData(tbl, [{ id: 1, a: 'one', s: { x: 1 } }])
  await manager.evolveSchema(tbl, [
    { type: 'rename_column', name: 'a', newName: 'b' },
    { type: 'widen_type', name: 'id', fieldType: 'long' },
    { type: 'add_column', name: 's.y', fieldType: 'double' },
  ])
  await manager.writeData(tbl, [{ id: 2n, b: 'two', s: { x: null, y: 2.5 } }])
  await manager.evolveSchema(tbl, [{ type: 'add_column', name: 'a', fieldType: 'string' }])
  await manager.writeData(tbl, [{ id: 3n, b: null, s: null, a: 'new' }])
  const before = await tbl.scan().toArray()
  await manager.compactTable(tbl, { minInputFiles: 2 })
  expect(await tbl.inspect.files()).toHaveLength(1)
  expect(await tbl.scan().toArray()).toEqual(before)
  expect(before.toSorted((a, b) => Number(a['id']) - Number(b['id']))).toEqual([
    { id: 1n, b: 'one', s: { x: 1, y: null }, a: null },
    { id: 2n, b: 'two', s: { x: null, y: 2.5 }, a: null },
    { id: 3n, b: null, s: null, a: 'new' },
  ])
})

describe('deletes', () => {
  async function withDeletes(granularity: 'file' | 'partition'): Promise<Table> {
    const tbl = await eventsTable({
      properties: { 'write.delete.mode': 'merge-on-read', 'write.delete.granularity': granularity },
    })
    for (const first of [0, 100]) {
      await manager.writeData(
        tbl,
        Array.from({ length: 10 }, (_, id) => row(first + id)),
      )
    }
    await manager.deleteRows(tbl, 'id in (1, 101)')
    await manager.deleteRows(tbl, 'id in (2, 3, 4)')
    return tbl
  }
  const left = [0, 5, 6, 7, 8, 9, 100, 102, 103, 104, 105, 106, 107, 108, 109]

  test('a file with too large a share of deleted rows is rewritten by itself', async () => {
    const tbl = await withDeletes('file')
    const plan = await manager.planCompaction(tbl)
    expect(plan.groups.map(({ files }) => files.map(({ reason }) => reason))).toEqual(
      [
        // Small files of the same partition come along.
        ['it is small', '40 % of its rows are deleted'],
      ].map((reasons) => expect.arrayContaining(reasons)),
    )
    const strict = await manager.planCompaction(tbl, { minFileSizeBytes: 0 })
    expect(strict.groups.map(({ files }) => files.map(({ reason }) => reason))).toEqual([
      ['40 % of its rows are deleted'],
    ])
    const result = await manager.execute(strict)
    expect(result).toMatchObject({ rewrittenDataFiles: 1, rows: 6, removedDeleteFiles: 2 })
    await tbl.refresh()
    expect(await sortedIds(tbl)).toEqual(left)
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      'total-records': '16',
      'total-delete-files': '1',
      'total-position-deletes': '1',
    })
  })

  test('a delete file stays as long as one of its data files does', async () => {
    const tbl = await withDeletes('partition')
    const [older] = (await tbl.scan({ filter: 'id = 0' }).plan()).tasks
    const strict = await manager.planCompaction(tbl, { minFileSizeBytes: 0, deleteFileThreshold: 2 })
    expect(strict.groups.flatMap(({ files }) => files.map(({ location }) => location))).toEqual([
      older?.entry.file.location,
    ])
    await manager.execute(strict)
    await tbl.refresh()
    expect(await sortedIds(tbl)).toEqual(left)
    // The second delete was about the rewritten file alone.
    expect(tbl.currentSnapshot?.summary?.['total-delete-files']).toBe('1')
    await manager.compactTable(tbl, { rewriteAll: true })
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      'total-records': '15',
      'total-delete-files': '0',
      'total-data-files': '1',
    })
    expect(await sortedIds(tbl)).toEqual(left)
  })

  test('files of which every row is deleted leave without a successor', async () => {
    const tbl = await eventsTable({ properties: { 'write.delete.mode': 'merge-on-read' } })
    await manager.writeData(tbl, [row(1), row(2)])
    await manager.writeData(tbl, [row(3)])
    await manager.deleteRows(tbl, 'id = 1')
    // What a writer does that does not look whether a row is left.
    await manager.deleteRows(tbl, 'id = 2')
    await manager.compactTable(tbl, { rewriteAll: true, where: 'id < 3' })
    expect(await sortedIds(tbl)).toEqual([3])
    expect(tbl.currentSnapshot?.summary).toMatchObject({ 'total-data-files': '1', 'total-records': '1' })
  })

  test('may be left where they are', async () => {
    const tbl = await withDeletes('file')
    await manager.compactTable(tbl, { rewriteAll: true, removeDanglingDeletes: false })
    expect(tbl.currentSnapshot?.summary?.['total-delete-files']).toBe('3')
    expect(await sortedIds(tbl)).toEqual(left)
    // They alone are reason enough for a snapshot.
    const { snapshotIds, removedDeleteFiles } = await manager.compactTable(tbl)
    expect({ snapshots: snapshotIds.length, removedDeleteFiles }).toEqual({
      snapshots: 1,
      removedDeleteFiles: 3,
    })
  })
})

describe('choices', () => {
  test('a filter chooses files, by partition and metrics', async () => {
    const tbl = await eventsTable()
    for (let id = 0; id < 5; id++) await manager.writeData(tbl, [row(id, 'a'), row(id + 100, 'b')])
    await manager.compactTable(tbl, { where: "kind = 'b'" })
    const files = await tbl.inspect.files()
    expect(files.map((file) => file.record_count).toSorted()).toEqual([1, 1, 1, 1, 1, 5])
    expect(await sortedIds(tbl)).toEqual([0, 1, 2, 3, 4, 100, 101, 102, 103, 104])
  })

  test('large files are split, and stay split', async () => {
    const tbl = await eventsTable({ isPartitioned: false })
    await manager.writeData(
      tbl,
      Array.from({ length: 50_000 }, (_, id) => row((id * 7919) % 50_021, `k${id}`)),
    )
    const [file] = await tbl.inspect.files()
    const targetFileSizeBytes = Math.ceil((file?.file_size_in_bytes ?? 0) / 4)
    const result = await manager.compactTable(tbl, { targetFileSizeBytes })
    expect(result.rewrittenDataFiles).toBe(1)
    expect(result.addedDataFiles).toBeGreaterThanOrEqual(3)
    expect(await tbl.scan().count()).toBe(50_000)
    expect((await manager.compactTable(tbl, { targetFileSizeBytes })).snapshotIds).toEqual([])
  })

  test('groups are committed one after the other, and progress is told', async () => {
    const tbl = await eventsTable()
    const kinds = ['a', 'b', 'c', 'd']
    for (let id = 0; id < 5; id++)
      await manager.writeData(
        tbl,
        kinds.map((kind) => row(id, kind)),
      )
    const seen: number[] = []
    const result = await manager.compactTable(tbl, {
      partialProgressEnabled: true,
      partialProgressMaxCommits: 2,
      maxConcurrentFileGroupRewrites: 1,
      rewriteJobOrder: 'bytes-desc',
      snapshotProperties: { by: 'night' },
      onProgress: ({ done, total, unit }) => {
        expect({ unit, total }).toEqual({ unit: 'rows', total: 20 })
        seen.push(done)
      },
    })
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect([...new Set(seen)].filter((done) => done % 5 === 0 && done > 0)).toEqual([5, 10, 15, 20])
    expect(result).toMatchObject({ groups: 4, addedDataFiles: 4, attempts: 2 })
    expect(result.snapshotIds).toHaveLength(2)
    expect(tbl.currentSnapshot?.summary).toMatchObject({ by: 'night', 'total-data-files': '4' })
  })

  test('a branch other than main', async () => {
    const tbl = await eventsTable()
    for (let id = 0; id < 5; id++) await manager.writeData(tbl, [row(id)])
    await manager.manageSnapshots(tbl).createBranch('audit').commit()
    const main = tbl.currentSnapshot?.['snapshot-id']
    const { snapshotIds } = await manager.compactTable(tbl, { branch: 'audit' })
    expect(tbl.metadata.refs['audit']?.['snapshot-id']).toBe(snapshotIds[0])
    expect(tbl.currentSnapshot?.['snapshot-id']).toBe(main)
    expect(await tbl.scan({ ref: 'audit' }).count()).toBe(5)
  })

  test.each([
    { strategy: 'zorder' },
    { targetFileSizeBytes: 0 },
    { minFileSizeBytes: 10, targetFileSizeBytes: 10 },
    { deleteRatioThreshold: 0 },
    { sortBy: [{ source: 'id' }] },
    { outputSpecId: 7 },
    { minimalInputFiles: 5 },
    { snapshotProperties: { 'total-records': '0' } },
  ])('%j is refused', async (options: object) => {
    const tbl = await eventsTable()
    await expect(manager.compactTable(tbl, options)).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_ARGUMENT',
    })
  })

  test('a table of format version 3 is refused before anything is read', async () => {
    const tbl = await eventsTable()
    for (let id = 0; id < 5; id++) await manager.writeData(tbl, [row(id)])
    await manager.upgradeFormatVersion(tbl, 3)
    for (const call of [
      () => manager.compactTable(tbl),
      () => manager.planCompaction(tbl),
      () => manager.rewriteManifests(tbl),
      () => manager.rewritePositionDeletes(tbl),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'FLOEBERG_UNSUPPORTED_FEATURE' })
    }
  })
})
