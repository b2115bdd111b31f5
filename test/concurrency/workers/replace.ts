/**
 * Replaces the shared table again and again, each time with rows that all say the same: whose they
 * are and of which turn, so many as only the writer decides, by columns that differ from turn to turn.
 */
import { t, table } from '../../../src/index.ts'
import { argumentsOf, start } from '../../support/worker.ts'
import { openManager } from './manager.ts'

const [folder = '', writer = '', turns = '', count = ''] = argumentsOf('folder', 'writer', 'turns', 'rows')
const narrow = table({ writer: t.string().required(), turn: t.int().required(), n: t.int().required() })
const wide = table({ n: t.int().required(), extra: t.string(), turn: t.int().required(), writer: t.string() })
const manager = await openManager(folder)
await start()
for (let turn = 0; turn < Number(turns); turn += 1) {
  const data = Array.from({ length: Number(count) }, (_, n) => ({ writer, turn, n }))
  await manager.createTable(
    { namespace: 'demo', name: 'shared', schema: (turn % 2 === 0 ? narrow : wide).schema },
    {
      orReplace: true,
      data,
      retry: { retries: 100_000, minWaitMs: 1, maxWaitMs: 50, totalTimeoutMs: 3_600_000 },
    },
  )
}
await manager.close()
