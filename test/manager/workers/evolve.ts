/**
 * Takes part in races of evolutions: of each table told, it loads the table, says so, and at the next
 * line changes it. Says `landed`, or the code of the error.
 */
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { FloebergError, IcebergTableManager, type Table } from '../../../src/index.ts'
import { argumentsOf } from '../../support/worker.ts'
import { CHANGES, type ChangeName } from '../evolution-pairs.ts'

const [folder = '', change = ''] = argumentsOf('folder', 'side')
const manager = await IcebergTableManager.open({
  catalog: {
    name: 'races',
    type: 'sql',
    uri: `sqlite:///${join(folder, 'catalog.db')}`,
    warehouse: join(folder, 'wh'),
  },
  scratchDir: join(folder, `scratch-${change}`),
})

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function outcome(name: ChangeName, table: Table): Promise<string> {
  try {
    await CHANGES[name](manager, table)
    return 'landed'
  } catch (error) {
    return error instanceof FloebergError ? error.code : String(error)
  }
}

let loaded: { readonly name: ChangeName; readonly table: Table; readonly round: string } | null = null
say('ready')
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'go') {
    if (loaded === null) throw new Error('Nothing was loaded')
    say(`${loaded.round} ${await outcome(loaded.name, loaded.table)}`)
    continue
  }
  const [round = '', name = ''] = line.split('|')
  if (!Object.hasOwn(CHANGES, name)) throw new Error(`No such change: ${name}`)
  // Its presence was just looked up.
  loaded = { round, name: name as ChangeName, table: await manager.loadTable(`demo.t${round}`) }
  say(`${round} loaded`)
}
await manager.close()
