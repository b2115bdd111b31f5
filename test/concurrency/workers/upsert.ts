/**
 * Upserts into the shared table again and again: in each turn all `keys` of a partition, each with
 * the writer's name and the turn as its value. Prints how many attempts its commits took.
 */
import { argumentsOf, start } from '../../support/worker.ts'
import { COUNTERS, openManager, SHARED } from './manager.ts'

const names = ['folder', 'writer', 'partition', 'turns', 'keys'] as const
const [folder = '', writer = '', partition = '', turns = '', keys = ''] = argumentsOf(...names)
const manager = await openManager(folder)
const shared = await manager.loadTable(SHARED, { schema: COUNTERS })
await start()
let attempts = 0
for (let turn = 0; turn < Number(turns); turn++) {
  const rows = Array.from({ length: Number(keys) }, (_, key) => ({ part: partition, key, writer, turn }))
  const result = await manager.writeData(shared, rows, {
    mode: 'upsert',
    joinColumns: ['part', 'key'],
    retry: { retries: 100_000, minWaitMs: 1, maxWaitMs: 50, totalTimeoutMs: 3_600_000 },
  })
  attempts += result.attempts
}
console.log(attempts)
await manager.close()
