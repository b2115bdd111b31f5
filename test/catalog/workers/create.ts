/** Creates one table; prints how that ended. */
import { FloebergError, NamespaceAlreadyExistsError } from '../../../src/errors.ts'
import { REQUEST, TABLE } from '../../../src/testing/catalog-fixtures.ts'
import { argumentsOf, start } from '../../support/worker.ts'
import { openClient } from './client.ts'

const [folder = ''] = argumentsOf('folder')
await start()
const catalog = await openClient(folder)
try {
  await catalog.createNamespace(TABLE.namespace)
} catch (error) {
  if (!(error instanceof NamespaceAlreadyExistsError)) throw error
}
try {
  const { metadata } = await catalog.createTable(TABLE, REQUEST)
  console.log(metadata['table-uuid'])
} catch (error) {
  if (!(error instanceof FloebergError)) throw error
  console.log(error.code)
}
await catalog.close()
