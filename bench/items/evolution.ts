/** A change of metadata alone, on a table with a history: nothing of the history is read or written twice. */
import { interleaved, timed, type Figure } from '../figures.ts'
import { makeHistory } from '../synthetic-history.ts'
import type { World } from '../world.ts'

export async function evolution(world: World): Promise<readonly Figure[]> {
  const snapshots = world.settings.quick ? 100 : 1000
  const place = world.catalog()
  const builder = await world.open(place)
  await makeHistory(builder, place, snapshots)
  await builder.close()

  const manager = await world.open(place)
  try {
    const table = await manager.loadTable('bench.history')
    const { schema, spec } = await interleaved(world.rounds(15), {
      schema: (round) =>
        timed(() =>
          manager.evolveSchema(table, [{ type: 'add_column', name: `n${round}`, fieldType: 'long' }]),
        ),
      spec: (round) =>
        timed(() =>
          manager.evolvePartitionSpec(table, [
            {
              type: 'add_field',
              source: table.schema.fields[0]?.name ?? '',
              transform: `bucket[${round + 2}]`,
            },
          ]),
        ),
    })
    const what = `at ${snapshots.toLocaleString('en')} snapshots`
    return [
      { name: `one change of the schema ${what}`, unit: 'ms', ours: schema, goal: { value: 100 } },
      { name: `one change of the partition spec ${what}`, unit: 'ms', ours: spec, goal: { value: 100 } },
    ]
  } finally {
    await manager.close()
  }
}
