/** Eight processes that replace one table, columns and all, while others read it. */
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/folders.ts'
import { startProcess } from '../support/processes.ts'
import { openManager, SHARED } from './workers/manager.ts'

const WRITERS = 8
const TURNS = 2
const READERS = 2
const LOOKS = 8

interface Look {
  readonly whose: readonly string[]
  readonly rows: number
  readonly columns: number
}

/** How many rows a writer writes: enough to tell one version from a part of it, or from two. */
const rowsOf = (writer: number): number => 10 + writer

test(
  'readers see whole versions only, and every version is one of the writers’',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder()
    const manager = await openManager(folder)
    onTestFinished(() => manager.close())
    await manager.createNamespace('demo')
    const first = startProcess(new URL('./workers/replace.ts', import.meta.url), [folder, 'w0', '1', '10'])
    await first.said('ready')
    first.tell('go')
    expect((await first.result).exitCode).toBe(0)

    const writers = Array.from({ length: WRITERS }, (_, i) =>
      startProcess(new URL('./workers/replace.ts', import.meta.url), [
        folder,
        `w${i}`,
        String(TURNS),
        String(rowsOf(i)),
      ]),
    )
    const readers = Array.from({ length: READERS }, () =>
      startProcess(new URL('./workers/read-whole.ts', import.meta.url), [folder, String(LOOKS)]),
    )
    const all = [...writers, ...readers]
    await Promise.all(all.map((child) => child.said('ready')))
    for (const child of all) child.tell('go')
    for (const { exitCode, stderr } of await Promise.all(all.map((child) => child.result))) {
      expect(exitCode, stderr).toBe(0)
    }

    const looks = (await Promise.all(readers.map((reader) => reader.result))).flatMap(({ stdout }) =>
      stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line): Look => JSON.parse(line)),
    )
    expect(looks).toHaveLength(READERS * LOOKS)
    for (const { whose, rows, columns } of looks) {
      expect(whose).toHaveLength(1)
      const [writer = -1, turn = -1] = (whose[0] ?? '').slice(1).split('.').map(Number)
      expect([rows, columns]).toEqual([rowsOf(writer), turn % 2 === 0 ? 3 : 4])
    }

    const shared = await manager.loadTable(SHARED)
    const { snapshots } = shared.metadata
    expect(snapshots).toHaveLength(1 + WRITERS * TURNS)
    expect(snapshots.every((snapshot) => snapshot['parent-snapshot-id'] === undefined)).toBe(true)
    expect(snapshots.map((snapshot) => snapshot['sequence-number'])).toEqual(snapshots.map((_, i) => i + 1))
    const versions: string[] = []
    for (const snapshot of snapshots) {
      const rows = await shared.scan({ snapshotId: snapshot['snapshot-id'] }).toArray()
      const whose = new Set(rows.map((row) => `${String(row['writer'])}.${String(row['turn'])}`))
      expect(whose.size).toBe(1)
      versions.push(...whose)
    }
    const expected = Array.from({ length: WRITERS }, (_, i) =>
      Array.from({ length: TURNS }, (__, turn) => `w${i}.${turn}`),
    )
    expect(versions.toSorted()).toEqual(['w0.0', ...expected.flat()].toSorted())
  },
)
