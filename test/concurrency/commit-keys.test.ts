/** Eight processes with one key, some of them killed at whatever they are doing: the write is there once. */
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/folders.ts'
import { localManagerWorld, openEngine } from '../support/manager-world.ts'
import { race, startProcess } from '../support/processes.ts'
import { openManager, SCHEMA, SHARED } from './workers/manager.ts'

const PROCESSES = 8
const WORKER = new URL('./workers/append-once.ts', import.meta.url)
const KILLED = new URL('./workers/append-killed.ts', import.meta.url)

test(
  'all at once: one commits, and every other answers with its snapshot',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder()
    const manager = await openManager(folder)
    onTestFinished(() => manager.close())
    const config = { namespace: 'demo', name: 'shared', schema: SCHEMA }
    const shared = await manager.createTable(config, { createNamespace: true })
    const said = await race(
      WORKER,
      Array.from({ length: PROCESSES }, (_, i) => [folder, `w${i}`, 'run']),
    )
    const answers = said.map((each): { snapshot: string; alreadyCommitted: boolean } => JSON.parse(each))
    expect(answers.filter(({ alreadyCommitted }) => !alreadyCommitted)).toHaveLength(1)
    expect(new Set(answers.map(({ snapshot }) => snapshot)).size).toBe(1)
    await shared.refresh()
    expect(shared.metadata.snapshots).toHaveLength(1)
    expect(await shared.scan().count()).toBe(5)
  },
)

test('each killed at another call of its write, until one is left alone', { timeout: 300_000 }, async () => {
  const folder = await temporaryFolder()
  const plane = await openEngine(folder)
  const world = await localManagerWorld(folder, plane)
  const manager = await world.openAside()
  onTestFinished(async () => {
    await manager.close()
    await plane.close()
  })
  const config = { namespace: 'demo', name: 'shared', schema: SCHEMA }
  const shared = await manager.createTable(config, { createNamespace: true })
  // How many calls such a write makes.
  const counted = await world.open()
  const handle = await counted.loadTable(SHARED)
  world.controller.reset()
  await counted.writeData(handle, rowsBy('counted'), { commitKey: 'counted' })
  const calls = world.controller.calls.length
  await counted.close()

  const modes = ['kill-before', 'kill-after']
  const points = Array.from({ length: calls }, (_, i) => i + 1).flatMap((at) =>
    modes.map((mode) => ({ mode, at })),
  )
  const rounds = Math.ceil(points.length / PROCESSES)
  for (let round = 0; round < rounds; round += 1) {
    const key = `run ${round}`
    // A point of each stretch of the write at once, so that some have committed while others have not begun.
    const struck = points.filter((_, i) => i % rounds === round)
    const children = struck.map(({ mode, at }, i) =>
      startProcess(KILLED, [folder, `w${i}`, key, mode, String(at)]),
    )
    await Promise.all(children.map((child) => child.said('ready')))
    for (const child of children) child.tell('go')
    await Promise.all(children.map((child) => child.result))
    await manager.writeData(await manager.loadTable(SHARED), rowsBy('last'), { commitKey: key })
    await shared.refresh()
    expect(shared.metadata.snapshots).toHaveLength(2 + round)
  }
  // Of each run the rows of one writer, and all of them.
  const rows = await shared.scan().toArray()
  for (const n of [0, 1, 2, 3, 4]) expect(rows.filter((row) => row.n === n)).toHaveLength(1 + rounds)
})

function rowsBy(writer: string) {
  return Array.from({ length: 5 }, (_, n) => ({ writer, n }))
}
