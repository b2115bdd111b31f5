/** Prints the schema history of a table as JSON. */
import { join } from 'node:path'
import { IcebergTableManager } from '../../../src/index.ts'
import { argumentsOf } from '../../support/worker.ts'

const [folder = ''] = argumentsOf('folder')
const manager = await IcebergTableManager.open({
  catalog: { type: 'sql', uri: `sqlite:///${join(folder, 'catalog.db')}`, warehouse: join(folder, 'wh') },
})
const history = await manager.schemaHistory(await manager.loadTable('demo.t'))
process.stdout.write(
  JSON.stringify(history.map(({ schemaId, changes, addedAtMs }) => ({ schemaId, changes, addedAtMs }))),
)
await manager.close()
