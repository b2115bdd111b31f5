import { join } from 'node:path'
import { expect, test } from 'vitest'
import { IcebergTableManager } from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { startProcess, type RunningProcess } from '../support/processes.ts'
import { schemaFromText } from './evolution-world.ts'
import { CHANGE_NAMES, clashes, PAIR_COLUMNS, PAIR_SPEC, type ChangeName } from './evolution-pairs.ts'

const WORKER = new URL('./workers/evolve.ts', import.meta.url)
const CONFLICT = 'FLOEBERG_COMMIT_CONFLICT'

/** Every pair once, in either order: which one is first, the race decides. */
const PAIRS = CHANGE_NAMES.flatMap((a, i) => CHANGE_NAMES.slice(i).map((b) => [a, b] as const))

async function answerOf(child: RunningProcess, round: string): Promise<string> {
  const possible = ['landed', CONFLICT]
  return Promise.race(possible.map((answer) => child.said(`${round} ${answer}`).then(() => answer)))
}

/** Whether the outcomes of a pair are those of one after the other, in one order at least. */
function isSerial([a, b]: readonly [ChangeName, ChangeName], [ofA, ofB]: readonly string[]): boolean {
  const orders = [
    { first: a, second: b, outcomes: [ofA, ofB] },
    { first: b, second: a, outcomes: [ofB, ofA] },
  ]
  return orders.some(
    ({ first, second, outcomes }) =>
      outcomes[0] === 'landed' && outcomes[1] === (clashes(first, second) ? CONFLICT : 'landed'),
  )
}

test('every pair of changes, from two processes at once: as if one had come after the other', async () => {
  const folder = await temporaryFolder()
  const manager = await IcebergTableManager.open({
    catalog: {
      name: 'races',
      type: 'sql',
      uri: `sqlite:///${join(folder, 'catalog.db')}`,
      warehouse: join(folder, 'wh'),
    },
  })
  const children = ['left', 'right'].map((side) => startProcess(WORKER, [folder, side]))
  await Promise.all(children.map((child) => child.said('ready')))
  const wrong: string[] = []
  await manager.createNamespace('demo')
  for (const [index, pair] of PAIRS.entries()) {
    const round = String(index)
    const schema = schemaFromText(PAIR_COLUMNS)
    await manager.createTable({ namespace: 'demo', name: `t${round}`, schema, partitionSpec: PAIR_SPEC })
    children.forEach((child, side) => child.tell(`${round}|${pair[side]}`))
    await Promise.all(children.map((child) => child.said(`${round} loaded`)))
    for (const child of children) child.tell('go')
    const outcomes = await Promise.all(children.map((child) => answerOf(child, round)))
    if (!isSerial(pair, outcomes)) wrong.push(`${pair.join(' | ')}: ${outcomes.join(' | ')}`)
  }
  for (const child of children) child.end()
  await manager.close()
  expect(wrong).toEqual([])
}, 120_000)
