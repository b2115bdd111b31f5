/** Planning a scan over many manifests of one entry each: the same table for both. */
import { interleaved, timed, type Figure } from '../figures.ts'
import { wide, wideRow } from '../wide-table.ts'
import type { World } from '../world.ts'

export async function planning(world: World): Promise<readonly Figure[]> {
  const count = world.amount(500, 50)
  const place = world.catalog()
  const manager = await world.open(place)
  try {
    const table = await manager.createTable(
      { namespace: 'bench', name: 'planning', schema: wide },
      { createNamespace: true },
    )
    for (let i = 0; i < count; i += 1) await manager.writeData(table, [wideRow(i)])
    // Each round plans the table as somebody sees it who has just loaded it.
    const floeberg = async (): Promise<number> => {
      const fresh = await manager.loadTable('bench.planning')
      let files = 0
      const elapsed = await timed(async () => (files = (await fresh.scan().plan()).tasks.length))
      expectFiles(files, count)
      return elapsed
    }
    const ask = async (): Promise<number> => {
      const plan = await world.ask<{ readonly ms: number; readonly files: number }>('plan', {
        ...place,
        table: 'bench.planning',
      })
      expectFiles(plan.files, count)
      return plan.ms
    }
    const name = `planning over ${count} manifests`
    if (world.pyiceberg === null) {
      const { ours } = await interleaved(world.rounds(7), { ours: floeberg })
      return [{ name, unit: 'ms', ours, goal: { ratio: 1 / 10 } }]
    }
    const { ours, theirs } = await interleaved(world.rounds(7), { ours: floeberg, theirs: ask })
    const beside = { name: 'PyIceberg', values: theirs }
    return [{ name, unit: 'ms', ours, beside, goal: { ratio: 1 / 10 } }]
  } finally {
    await manager.close()
  }
}

function expectFiles(files: number, expected: number): void {
  if (files !== expected) throw new Error(`${files} files planned, where there are ${expected}`)
}
