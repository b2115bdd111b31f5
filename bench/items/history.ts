/** One more append to a table with a long history: time, and bytes, beside a bare write of those bytes. */
import { join } from 'node:path'
import { localPathOf } from '../../src/storage/location.ts'
import { bareWrite, sizesBelow } from '../files.ts'
import { interleaved, spreadOf, timed, type Figure } from '../figures.ts'
import { makeHistory } from '../synthetic-history.ts'
import { wideRow } from '../wide-table.ts'
import type { World } from '../world.ts'

export async function history(world: World): Promise<readonly Figure[]> {
  const lengths = world.settings.quick ? [10, 100] : [10, 1000, 50_000]
  const figures: Figure[] = []
  for (const length of lengths) figures.push(...(await atLength(world, length)))
  return figures
}

async function atLength(world: World, snapshots: number): Promise<readonly Figure[]> {
  const place = world.catalog()
  const builder = await world.open(place)
  await makeHistory(builder, place, snapshots)
  await builder.close()

  const manager = await world.open(place)
  try {
    const start = performance.now()
    const table = await manager.loadTable('bench.history')
    await manager.writeData(table, [wideRow(1)])
    const coldMs = performance.now() - start

    const folder = localPathOf(table.location)
    const before = await sizesBelow(folder)
    await manager.writeData(table, [wideRow(2)])
    const after = await sizesBelow(folder)
    const bytes = [...after].reduce((sum, [file, size]) => (before.has(file) ? sum : sum + size), 0)

    const { ours, bare } = await interleaved(world.rounds(9), {
      ours: (round) => timed(() => manager.writeData(table, [wideRow(round)])),
      bare: (round) => timed(() => bareWrite(join(folder, `bare-${round}`), bytes)),
    })
    const what = `at ${snapshots.toLocaleString('en')} snapshots`
    return [
      {
        name: `one append ${what}`,
        unit: 'ms',
        ours,
        beside: { name: 'bare write', values: bare },
        goal: null,
      },
      { name: `bytes that it writes ${what}`, unit: 'KB', ours: [bytes / 1000], goal: null },
      {
        name: `loading and appending by a new manager ${what}`,
        unit: 'ms',
        ours: [coldMs],
        beside: { name: 'the next', values: [spreadOf(ours).median] },
        goal: null,
      },
    ]
  } finally {
    await manager.close()
  }
}
