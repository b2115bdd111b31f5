/**
 * Appends small batches one after the other: `rows` rows in each, numbered through. Prints the
 * numbers of the batches that were refused, comma-separated.
 */
import { CatalogUnavailableError, CommitConflictError } from '../../../src/index.ts'
import { argumentsOf, start } from '../../support/worker.ts'
import { openManager, SCHEMA, SHARED } from './manager.ts'

const names = ['folder', 'writer', 'batches', 'rows', 'retries'] as const
const [folder = '', writer = '', batches = '', rows = '', retries = ''] = argumentsOf(...names)
const manager = await openManager(folder)
const shared = await manager.loadTable(SHARED, { schema: SCHEMA })
// `default` leaves it to the table's properties.
const retry =
  retries === 'default'
    ? {}
    : { retries: Number(retries), minWaitMs: 1, maxWaitMs: 50, totalTimeoutMs: 3_600_000 }
await start()
const refused: number[] = []
for (let batch = 0; batch < Number(batches); batch++) {
  const data = Array.from({ length: Number(rows) }, () => ({ writer, n: batch }))
  try {
    await manager.writeData(shared, data, { retry })
  } catch (error) {
    // Both are certain: nothing was changed.
    if (!(error instanceof CommitConflictError || error instanceof CatalogUnavailableError)) throw error
    refused.push(batch)
  }
}
console.log(refused.join())
await manager.close()
