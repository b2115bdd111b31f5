/** Appends rows under a key, and is killed at the n-th call of its write, before it or after it. */
import { localManagerWorld, openEngine } from '../../support/manager-world.ts'
import { argumentsOf, start } from '../../support/worker.ts'
import { SHARED } from './manager.ts'

const [folder = '', writer = '', key = '', mode = '', at = ''] = argumentsOf(
  'folder',
  'writer',
  'key',
  'mode',
  'at',
)
if (mode !== 'kill-before' && mode !== 'kill-after') throw new Error(`No such mode: ${mode}`)
const plane = await openEngine(folder)
const world = await localManagerWorld(folder, plane)
const manager = await world.open()
const shared = await manager.loadTable(SHARED)
await start()
world.controller.reset({ mode, at: Number(at) })
const rows = Array.from({ length: 5 }, (_, n) => ({ writer, n }))
await manager.writeData(shared, rows, {
  commitKey: key,
  retry: { retries: 100_000, minWaitMs: 1, maxWaitMs: 50, totalTimeoutMs: 3_600_000 },
})
await manager.close()
await plane.close()
