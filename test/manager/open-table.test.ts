/** Tables by their files alone. */
import { cp, readFile, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  CorruptFileError,
  FloebergError,
  IcebergTableManager,
  InvalidArgumentError,
  MissingFileError,
  openTable,
  SchemaMismatchError,
  t,
  table,
  UnsupportedFeatureError,
  type Table,
} from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { valueText } from './evolution-world.ts'

const events = table({ id: t.long().required(), kind: t.string() })
const rows = (...ids: number[]) => ids.map((id) => ({ id: BigInt(id), kind: `k${id % 2}` }))
const text = (all: readonly object[]): string[] => all.map(valueText).sort()

interface Place {
  readonly folder: string
  readonly manager: IcebergTableManager
  readonly tbl: Table
  /** The table's folder, as a path. */
  readonly path: string
  readonly versions: () => Promise<readonly string[]>
}

/** A table with two snapshots on the local disk. */
async function place(work: (place: Place) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder()
  const manager = await IcebergTableManager.open({
    catalog: { uri: `sqlite:///${folder}/catalog.db`, warehouse: join(folder, 'wh') },
    engine: { threads: 1 },
    scratchDir: join(folder, 'scratch'),
  })
  try {
    const tbl = await manager.createTable(
      { namespace: 'demo', name: 'events', schema: events, partitionSpec: [{ source: 'kind' }] },
      { createNamespace: true },
    )
    await manager.writeData(tbl, rows(1, 2))
    await manager.writeData(tbl, rows(3))
    const path = tbl.location.replace('file://', '')
    const versions = async (): Promise<readonly string[]> =>
      (await readdir(join(path, 'metadata'))).filter((name) => name.endsWith('.metadata.json')).sort()
    await work({ folder, manager, tbl, path, versions })
  } finally {
    await manager.close()
  }
}

describe('finding the metadata', () => {
  test('by its file, its folder, and its metadata folder', () =>
    place(async ({ manager, tbl, path }) => {
      const newest = tbl.metadataLocation ?? ''
      for (const location of [newest, newest.replace('file://', '')]) {
        const opened = await manager.openTable(location)
        expect(opened.opening).toEqual({ metadataLocation: newest, chosenBy: 'given', rivals: [] })
        expect(text(await opened.scan().toArray())).toEqual(text(rows(1, 2, 3)))
      }
      for (const location of [path, `${path}/`, tbl.location, `${path}/metadata`]) {
        const opened = await manager.openTable(location)
        expect(opened.opening).toEqual({ metadataLocation: newest, chosenBy: 'listing', rivals: [] })
        expect(opened.metadataLocation).toBe(newest)
        expect(opened.uuid).toBe(tbl.uuid)
        expect(await opened.scan().count()).toBe(3)
      }
    }))

  test('an older file is read as it was', () =>
    place(async ({ manager, path, versions }) => {
      const [, second = ''] = await versions()
      const opened = await manager.openTable(join(path, 'metadata', second))
      expect(text(await opened.scan().toArray())).toEqual(text(rows(1, 2)))
    }))

  test('by a version hint, and what came after it', () =>
    place(async ({ manager, tbl, path, versions }) => {
      const folder = join(path, 'metadata')
      for (const [at, name] of (await versions()).entries()) {
        await rename(join(folder, name), join(folder, `v${at + 1}.metadata.json`))
      }
      const hint = (value: string) => writeFile(join(folder, 'version-hint.text'), value)
      const opening = async () => (await manager.openTable(path)).opening
      const named = (name: string) => `${tbl.location}/metadata/${name}`
      await hint('3\n')
      expect(await opening()).toMatchObject({
        metadataLocation: named('v3.metadata.json'),
        chosenBy: 'version-hint',
      })
      // Its writer got no further than the version itself.
      await hint('2')
      expect(await opening()).toMatchObject({ metadataLocation: named('v3.metadata.json') })
      await hint('9')
      await expect(opening()).rejects.toThrow(MissingFileError)
      // v10 comes after v9, whatever their order as texts.
      await cp(join(folder, 'v3.metadata.json'), join(folder, 'v10.metadata.json'))
      await cp(join(folder, 'v2.metadata.json'), join(folder, 'v9.metadata.json'))
      await rm(join(folder, 'version-hint.text'))
      expect(await opening()).toMatchObject({
        metadataLocation: named('v10.metadata.json'),
        chosenBy: 'listing',
      })
    }))

  test('gzipped, under either name', () =>
    place(async ({ manager, tbl, path, versions }) => {
      const folder = join(path, 'metadata')
      const newest = (await versions()).at(-1) ?? ''
      const bytes = gzipSync(await readFile(join(folder, newest)))
      for (const name of ['00007-a.gz.metadata.json', '00008-b.metadata.json.gz']) {
        await writeFile(join(folder, name), bytes)
        const opened = await manager.openTable(path)
        expect(opened.metadataLocation).toBe(`${tbl.location}/metadata/${name}`)
        expect(await opened.scan().count()).toBe(3)
      }
      expect(gunzipSync(bytes).length).toBeGreaterThan(0)
    }))

  test('of several of one version the last modified is chosen, and the others are told', () =>
    place(async ({ manager, tbl, path, versions }) => {
      const folder = join(path, 'metadata')
      const newest = (await versions()).at(-1) ?? ''
      const lost = '00002-lost-a-race.metadata.json'
      await cp(join(folder, newest), join(folder, lost))
      await utimes(join(folder, lost), 1, 1)
      expect((await manager.openTable(path)).opening).toEqual({
        metadataLocation: tbl.metadataLocation,
        chosenBy: 'listing',
        rivals: [`${tbl.location}/metadata/${lost}`],
      })
    }))

  test('what is no table says so', () =>
    place(async ({ manager, folder, path }) => {
      await expect(manager.openTable(folder)).rejects.toThrow(MissingFileError)
      await expect(manager.openTable(join(path, 'metadata', 'none.metadata.json'))).rejects.toThrow(
        MissingFileError,
      )
      await writeFile(join(path, 'metadata', '00009-x.metadata.json'), '{"format-version": 2')
      await expect(manager.openTable(path)).rejects.toThrow(CorruptFileError)
      await expect(manager.openTable('')).rejects.toThrow(InvalidArgumentError)
    }))
})

describe('reading', () => {
  test('a declared schema types the rows, after a check', () =>
    place(async ({ manager, path }) => {
      const opened = await manager.openTable(path, { schema: events })
      for await (const row of opened.scan()) expect(row.kind?.startsWith('k')).toBe(true)
      const other = table({ id: t.string() })
      await expect(manager.openTable(path, { schema: other })).rejects.toThrow(SchemaMismatchError)
    }))

  test('refresh finds what was committed since', () =>
    place(async ({ manager, tbl, path }) => {
      const opened = await manager.openTable(path)
      const scan = opened.scan()
      await manager.writeData(tbl, rows(4))
      expect(await scan.count()).toBe(3)
      await opened.refresh()
      expect(opened.metadataLocation).toBe(tbl.metadataLocation)
      expect(opened.opening?.metadataLocation).toBe(tbl.metadataLocation)
      expect(await opened.scan().count()).toBe(4)
    }))

  test('time travel, metadata as rows, incremental reads, export', () =>
    place(async ({ manager, tbl, path, folder }) => {
      const opened = await manager.openTable(path)
      const first = tbl.metadata.snapshots[0]?.['snapshot-id']
      expect(await opened.scan({ snapshotId: first }).count()).toBe(2)
      expect(text(await opened.scan({ fromSnapshot: first }).toArray())).toEqual(text(rows(3)))
      expect(await opened.inspect.files()).toHaveLength(3)
      expect(await manager.listSnapshots(opened)).toHaveLength(2)
      expect((await manager.exportTable(opened, join(folder, 'out.csv'))).rows).toBe(3)
    }))

  test('without a manager', () =>
    place(async ({ tbl, path, folder }) => {
      const opened = await openTable(path, { schema: events, scratchDir: join(folder, 'other') })
      expect(text(await opened.scan({ filter: 'id > 1' }).toArray())).toEqual(text(rows(2, 3)))
      expect(opened.opening?.metadataLocation).toBe(tbl.metadataLocation)
      await opened.close()
      await expect(opened.scan().count()).rejects.toMatchObject({ code: 'FLOEBERG_MANAGER_CLOSED' })
      await expect(openTable(folder)).rejects.toThrow(MissingFileError)
    }))
})

test('whatever would write is refused, and leaves every file as it is', () =>
  place(async ({ manager, path }) => {
    const opened = await manager.openTable(path)
    const snapshotId = opened.currentSnapshot?.['snapshot-id'] ?? 0n
    const first = opened.metadata.snapshots[0]?.['snapshot-id'] ?? 0n
    const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
      addFiles: () => manager.addFiles(opened, [`${path}/data/none.parquet`]),
      deleteRows: () => manager.deleteRows(opened, 'id = 1'),
      evolvePartitionSpec: () => manager.evolvePartitionSpec(opened, [{ type: 'add_field', source: 'id' }]),
      evolveSchema: () => manager.evolveSchema(opened, [{ type: 'add_column', name: 'x', fieldType: 'int' }]),
      replaceSortOrder: () => manager.replaceSortOrder(opened, [{ source: 'id' }]),
      updateProperties: () => manager.updateProperties(opened, { set: { a: 'b' } }),
      updateRows: () => manager.updateRows(opened, { kind: 'x' }, 'id = 1'),
      upgradeFormatVersion: () => manager.upgradeFormatVersion(opened, 3),
      writeData: () => manager.writeData(opened, rows(9)),
      'writeData, overwrite': () => manager.writeData(opened, rows(9), { mode: 'overwrite' }),
      'writeData, upsert': () => manager.writeData(opened, rows(1), { mode: 'upsert', joinColumns: ['id'] }),
      transaction: () => manager.transaction(opened, async (tx) => void (await tx.writeData(rows(9)))),
      manageSnapshots: () => manager.manageSnapshots(opened).createTag('t', { snapshotId }).commit(),
    }
    const upkeep: Readonly<Record<string, () => Promise<unknown>>> = {
      compactTable: () => manager.compactTable(opened, { minInputFiles: 2 }),
      expireSnapshots: () => manager.expireSnapshots(opened, { snapshotIds: [first] }),
      removeOrphanFiles: () => manager.removeOrphanFiles(opened),
      relocateTable: () => manager.relocateTable(opened, { to: `${path}-moved` }),
      rewriteManifests: () => manager.rewriteManifests(opened),
      rollbackToSnapshot: () => manager.rollbackToSnapshot(opened, first),
    }
    const before = await readdir(path, { recursive: true })
    for (const [name, attempt] of Object.entries(upkeep)) {
      await expect(attempt(), name).rejects.toThrow(FloebergError)
    }
    for (const [name, attempt] of Object.entries(attempts)) {
      await expect(attempt(), name).rejects.toThrow(UnsupportedFeatureError)
    }
    expect((await readdir(path, { recursive: true })).sort()).toEqual(before.sort())
  }))

test.each<[string, unknown]>([
  ['engine.memoryLimitBytes', { engine: { memoryLimitBytes: '4 apples' } }],
  ['engine.memoryLimitBytes', { engine: { memoryLimitBytes: -1 } }],
  ['engine.threads', { engine: { threads: 0 } }],
  ['engine.memoryLimit', { engine: { memoryLimit: '4GiB' } }],
  ['scratchDir', { scratchDir: '' }],
  ['extraRoots', { extraRoots: 'file:///a' }],
])('a setting that is not right is refused: %s', async (path, options) => {
  const opened = openTable('/nowhere', Object(options))
  await expect(opened).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_CONFIG', path })
})
