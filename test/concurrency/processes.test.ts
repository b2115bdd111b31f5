/** Several processes on one SQLite catalog and one local warehouse. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { IcebergTableManager } from '../../src/index.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { temporaryFolder } from '../support/folders.ts'
import { race, startProcess } from '../support/processes.ts'
import { plainMetadata, reachableFiles, type PlainMetadata } from '../support/reachable.ts'
import { openManager, SCHEMA, SHARED } from './workers/manager.ts'

const PROCESSES = 8
const CREATE = new URL('./workers/create.ts', import.meta.url)
const APPEND = new URL('./workers/append.ts', import.meta.url)

async function openShared(folder: string): Promise<IcebergTableManager> {
  const manager = await openManager(folder)
  onTestFinished(() => manager.close())
  return manager
}

/** Locations of every file below the warehouse, hidden ones too. */
async function filesOf(folder: string): Promise<string[]> {
  const warehouse = join(folder, 'warehouse')
  const entries = await readdir(warehouse, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => toFileUri(join(entry.parentPath, entry.name))).sort()
}

function createShared(manager: IcebergTableManager) {
  // Every metadata file stays in the log, so that what is not reachable is a leftover.
  const properties = { 'write.metadata.previous-versions-max': '10000' }
  return manager.createTable(
    { namespace: 'demo', name: 'shared', schema: SCHEMA, properties },
    { createNamespace: true },
  )
}

async function sharedMetadata(manager: IcebergTableManager): Promise<[PlainMetadata, string]> {
  const { metadataLocation } = await manager.loadTable(SHARED)
  if (metadataLocation === null) throw new Error('a SQL catalog keeps its metadata in files')
  return [await plainMetadata(metadataLocation), metadataLocation]
}

/** Snapshot ids from the current one to the first. */
function lineage(metadata: PlainMetadata): string[] {
  const parents = new Map(
    (metadata.snapshots ?? []).map((one) => [one['snapshot-id'], one['parent-snapshot-id'] ?? null]),
  )
  const chain: string[] = []
  for (let id = metadata['current-snapshot-id'] ?? null; id !== null; id = parents.get(id) ?? null) {
    if (!parents.has(id)) throw new Error(`The table has no snapshot ${id}`)
    chain.push(id)
  }
  return chain
}

describe('8 processes create one table', () => {
  const argumentLists = (folder: string, ifNotExists: boolean) =>
    Array.from({ length: PROCESSES }, () => [folder, String(ifNotExists)])

  test('exactly one wins, and the others leave nothing behind', async () => {
    const folder = await temporaryFolder()
    const said = await race(CREATE, argumentLists(folder, false))
    const losers = said.filter((line) => line === 'FLOEBERG_TABLE_ALREADY_EXISTS')
    const winners = said.filter((line) => line.endsWith(' true'))
    expect([winners.length, losers.length], said.join()).toEqual([1, PROCESSES - 1])

    const manager = await openShared(folder)
    const { uuid, metadataLocation } = await manager.loadTable(SHARED)
    expect(`${uuid} true`).toBe(winners[0])
    expect(await filesOf(folder)).toEqual([metadataLocation])
  })

  test('with ifNotExists all have it, and one has made it', async () => {
    const folder = await temporaryFolder()
    const said = await race(CREATE, argumentLists(folder, true))
    const manager = await openShared(folder)
    const { uuid, metadataLocation } = await manager.loadTable(SHARED)
    const expected = Array.from({ length: PROCESSES }, (_, i) => `${uuid} ${i === 0}`)
    expect(said.toSorted()).toEqual(expected.toSorted())
    expect(await filesOf(folder)).toEqual([metadataLocation])
  })
})

describe('8 processes append to one table', () => {
  const argumentLists = (folder: string, batches: number, rows: number, retries: string) =>
    Array.from({ length: PROCESSES }, (_, i) => [folder, `p${i}`, String(batches), String(rows), retries])

  test(
    '50 times each with retries enough: no append is lost, no file is left over',
    { timeout: 180_000 },
    async () => {
      const [batches, rows] = [50, 2]
      const folder = await temporaryFolder()
      const manager = await openShared(folder)
      const shared = await createShared(manager)
      const refused = await race(APPEND, argumentLists(folder, batches, rows, '100000'))
      expect(refused).toEqual(Array.from({ length: PROCESSES }, () => ''))

      const [metadata, location] = await sharedMetadata(manager)
      const commits = PROCESSES * batches
      expect(metadata.snapshots).toHaveLength(commits)
      expect(metadata['last-sequence-number']).toBe(commits)
      expect(new Set(lineage(metadata)).size).toBe(commits)
      expect(metadata.snapshots?.map((snapshot) => snapshot['sequence-number'])).toEqual(
        Array.from({ length: commits }, (_, i) => i + 1),
      )
      expect(metadata.snapshots?.at(-1)?.summary['total-records']).toBe(String(commits * rows))

      await shared.refresh()
      expect(await shared.scan().count()).toBe(commits * rows)
      const found = new Map<string, number>()
      for (const { writer, n } of await shared.scan().toArray()) {
        found.set(`${writer}.${n}`, (found.get(`${writer}.${n}`) ?? 0) + 1)
      }
      expect(found.size).toBe(commits)
      expect(new Set(found.values())).toEqual(new Set([rows]))
      expect(await filesOf(folder)).toEqual(await reachableFiles(location))
    },
  )

  // With no retries seven of the eight first appends are refused: all start from the same state.
  test.each(['default', '0'])(
    'with %s retries what was refused is absent, files too',
    { timeout: 120_000 },
    async (retries) => {
      const batches = 6
      const folder = await temporaryFolder()
      const manager = await openShared(folder)
      const shared = await createShared(manager)
      const said = await race(APPEND, argumentLists(folder, batches, 1, retries))
      const refused = said.flatMap((line, i) => (line === '' ? [] : line.split(',').map((n) => `p${i}.${n}`)))
      if (retries === '0') expect(refused.length).toBeGreaterThanOrEqual(PROCESSES - 1)

      const numbers = Array.from({ length: batches }, (_, n) => n)
      const all = Array.from({ length: PROCESSES }, (_, i) => numbers.map((n) => `p${i}.${n}`)).flat()
      await shared.refresh()
      const present = (await shared.scan().toArray()).map(({ writer, n }) => `${writer}.${n}`)
      expect([...present, ...refused].sort()).toEqual(all.sort())

      const [metadata, location] = await sharedMetadata(manager)
      expect(lineage(metadata)).toHaveLength(all.length - refused.length)
      expect(await filesOf(folder)).toEqual(await reachableFiles(location))
    },
  )
})

test('while 4 processes append, every scan sees a whole snapshot', { timeout: 120_000 }, async () => {
  const [writers, batches, rows] = [4, 15, 50]
  const folder = await temporaryFolder()
  const manager = await openShared(folder)
  const shared = await createShared(manager)
  const children = Array.from({ length: writers }, (_, i) =>
    startProcess(APPEND, [folder, `p${i}`, String(batches), String(rows), '100000']),
  )
  await Promise.all(children.map((child) => child.said('ready')))
  for (const child of children) child.tell('go')
  let running = writers
  for (const child of children) void child.result.then(() => (running -= 1))

  let seen = 0
  for (let isLast = false; !isLast;) {
    isLast = running === 0
    await shared.refresh()
    const scan = shared.scan()
    // One append, one sequence number.
    const snapshots = scan.snapshot?.['sequence-number'] ?? 0
    // Others commit between the two readings of one scan; it stays at its snapshot.
    for (const found of [await scan.toArray(), await scan.toArray()]) {
      const whole = Map.groupBy(found, ({ writer, n }) => `${writer}.${n}`)
      expect(whole.size).toBe(snapshots)
      for (const batch of whole.values()) expect(batch).toHaveLength(rows)
    }
    expect(snapshots).toBeGreaterThanOrEqual(seen)
    seen = snapshots
  }
  for (const { exitCode, stderr } of await Promise.all(children.map((child) => child.result))) {
    expect(exitCode, stderr).toBe(0)
  }
  expect(seen).toBe(writers * batches)
})
