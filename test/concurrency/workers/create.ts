/** Creates the shared table; prints how that ended: its uuid and whether it is new, or a code. */
import { FloebergError } from '../../../src/index.ts'
import { argumentsOf, start } from '../../support/worker.ts'
import { openManager, SCHEMA } from './manager.ts'

const [folder = '', ifNotExists = ''] = argumentsOf('folder', 'ifNotExists')
const manager = await openManager(folder)
await start()
try {
  const config = { namespace: 'demo', name: 'shared', schema: SCHEMA }
  const options = { createNamespace: true, ifNotExists: ifNotExists === 'true' }
  const created = await manager.createTable(config, options)
  console.log(`${created.uuid} ${created.creation?.created}`)
} catch (error) {
  if (!(error instanceof FloebergError)) throw error
  console.log(error.code)
}
await manager.close()
