/** Appends the same rows under the same key, once or as often as it takes; prints who did it. */
import { argumentsOf, start } from '../../support/worker.ts'
import { openManager, SCHEMA, SHARED } from './manager.ts'

const [folder = '', writer = '', key = ''] = argumentsOf('folder', 'writer', 'key')
const manager = await openManager(folder)
const shared = await manager.loadTable(SHARED, { schema: SCHEMA })
await start()
const { snapshotId, alreadyCommitted = false } = await manager.writeData(
  shared,
  Array.from({ length: 5 }, (_, n) => ({ writer, n })),
  { commitKey: key, retry: { retries: 100_000, minWaitMs: 1, maxWaitMs: 50, totalTimeoutMs: 3_600_000 } },
)
console.log(JSON.stringify({ snapshot: String(snapshotId), alreadyCommitted }))
await manager.close()
