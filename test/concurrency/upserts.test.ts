/** Several processes that update and insert rows of one table at the same time. */
import { join } from 'node:path'
import { readdir } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { toFileUri } from '../../src/storage/location.ts'
import { temporaryFolder } from '../support/folders.ts'
import { race } from '../support/processes.ts'
import { reachableFiles } from '../support/reachable.ts'
import { COUNTERS, openManager, SHARED } from './workers/manager.ts'

const PROCESSES = 8
const UPSERT = new URL('./workers/upsert.ts', import.meta.url)

interface Counter {
  readonly part: string
  readonly key: number
  readonly writer: string | null
  readonly turn: number | null
}

/** Runs a writer for each partition named; answers the table, its rows and what each writer said. */
async function upserts(partitions: readonly string[], turns: number, keys: number, mode: string) {
  const folder = await temporaryFolder()
  const manager = await openManager(folder)
  onTestFinished(() => manager.close())
  const shared = await manager.createTable(
    {
      namespace: 'demo',
      name: 'shared',
      schema: COUNTERS,
      partitionSpec: [{ source: 'part' }],
      properties: { 'write.merge.mode': mode, 'write.metadata.previous-versions-max': '10000' },
    },
    { createNamespace: true },
  )
  const said = await race(
    UPSERT,
    partitions.map((partition, i) => [folder, `w${i}`, partition, String(turns), String(keys)]),
  )
  await shared.refresh()
  const rows: readonly Counter[] = await shared.scan().toArray()
  const entries = await readdir(join(folder, 'warehouse'), { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => toFileUri(join(entry.parentPath, entry.name)))
  const reachable = await reachableFiles((await manager.loadTable(SHARED)).metadataLocation ?? '')
  return { shared, rows, said, files: files.sort(), reachable }
}

test('on a partition each: all commit, and no row of others is touched', { timeout: 300_000 }, async () => {
  const [turns, keys] = [4, 5]
  const partitions = Array.from({ length: PROCESSES }, (_, i) => `p${i}`)
  const { shared, rows, files, reachable } = await upserts(partitions, turns, keys, 'copy-on-write')
  expect(shared.metadata.snapshots).toHaveLength(PROCESSES * turns)
  const expected = partitions.flatMap((part, i) =>
    Array.from({ length: keys }, (_, key) => ({ part, key, writer: `w${i}`, turn: turns - 1 })),
  )
  const order = (a: Counter, b: Counter): number => a.part.localeCompare(b.part) || a.key - b.key
  expect(rows.toSorted(order)).toEqual(expected)
  expect(files).toEqual(reachable)
})

test.each(['copy-on-write', 'merge-on-read'])(
  'on the same partition: one after the other, each done again on what the one before left (%s)',
  { timeout: 300_000 },
  async (mode) => {
    const [turns, keys] = [2, 5]
    const partitions = Array.from({ length: PROCESSES }, () => 'same')
    const { shared, rows, said, files, reachable } = await upserts(partitions, turns, keys, mode)
    // Every commit is a snapshot of its own, in one line.
    const { snapshots } = shared.metadata
    expect(snapshots).toHaveLength(PROCESSES * turns)
    expect(snapshots.map((snapshot) => snapshot['parent-snapshot-id'] ?? null)).toEqual([
      null,
      ...snapshots.slice(0, -1).map((snapshot) => snapshot['snapshot-id']),
    ])
    // Each snapshot is the state after one whole upsert: every key once, all by the same writer.
    const seen: string[] = []
    for (const snapshot of snapshots) {
      const then: readonly Counter[] = await shared.scan({ snapshotId: snapshot['snapshot-id'] }).toArray()
      expect(then.map(({ key }) => key).toSorted()).toEqual(Array.from({ length: keys }, (_, key) => key))
      const [by = '', ...others] = new Set(then.map(({ writer, turn }) => `${writer}.${turn}`))
      expect(others).toEqual([])
      seen.push(by)
    }
    // The order in which they came is a serial one: each writer's turns are in it, in their order.
    for (let writer = 0; writer < PROCESSES; writer += 1) {
      expect(seen.filter((by) => by.startsWith(`w${writer}.`))).toEqual(
        Array.from({ length: turns }, (_, turn) => `w${writer}.${turn}`),
      )
    }
    expect(rows).toHaveLength(keys)
    expect(said.map(Number).reduce((sum, attempts) => sum + attempts, 0)).toBeGreaterThanOrEqual(
      snapshots.length,
    )
    // What was written for an attempt that had to be done again is gone.
    expect(files).toEqual(reachable)
  },
)
