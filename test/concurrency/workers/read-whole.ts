/** Reads the shared table until it is told to stop; prints what each whole look at it saw. */
import { argumentsOf, start } from '../../support/worker.ts'
import { openManager, SHARED } from './manager.ts'

const [folder = '', looks = ''] = argumentsOf('folder', 'looks')
const manager = await openManager(folder)
await start()
for (let look = 0; look < Number(looks); look += 1) {
  const shared = await manager.loadTable(SHARED)
  const rows = await shared.scan().toArray()
  const whose = new Set(rows.map((row) => `${String(row['writer'])}.${String(row['turn'])}`))
  console.log(JSON.stringify({ whose: [...whose], rows: rows.length, columns: shared.schema.fields.length }))
}
await manager.close()
