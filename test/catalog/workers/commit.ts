/** Commits one property after the other, each until it is in; prints the number of conflicts met. */
import { CommitConflictError } from '../../../src/errors.ts'
import { setProperty, TABLE } from '../../../src/testing/catalog-fixtures.ts'
import { argumentsOf, start } from '../../support/worker.ts'
import { openClient } from './client.ts'

const [folder = '', name = '', count = ''] = argumentsOf('folder', 'name', 'count')
const catalog = await openClient(folder)
await start()
let conflicts = 0
for (let i = 0; i < Number(count);) {
  try {
    await catalog.commitTable(TABLE, { requirements: [], updates: [setProperty(`${name}.${i}`, 'in')] })
    i += 1
  } catch (error) {
    if (!(error instanceof CommitConflictError)) throw error
    conflicts += 1
  }
}
console.log(conflicts)
await catalog.close()
