/** What a newcomer waits for: a table, a first write, a read, and the oldest of many snapshots. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { table, t, type IcebergTableManager } from '../../src/index.ts'
import type { Figure } from '../figures.ts'
import { makeHistory } from '../synthetic-history.ts'
import type { CatalogPlace, World } from '../world.ts'

const flights = table({
  date: t.timestamp().required(),
  delay: t.long(),
  distance: t.long(),
  origin: t.string(),
  destination: t.string(),
})

const STEPS = ['create', 'write', 'read', 'travel'] as const
type Times = Readonly<Record<(typeof STEPS)[number], number>>

const NAMES: Readonly<Record<(typeof STEPS)[number], string>> = {
  create: 'creating a table, from nothing',
  write: 'its first write: 3M flights by month',
  read: 'a filtered read of them',
  travel: 'reading the oldest of 1,000 snapshots',
}
const GOALS: Times = { create: 5, write: 5, read: 5, travel: 10 }

export async function firstSteps(world: World): Promise<readonly Figure[]> {
  const old = world.catalog()
  const builder = await world.open(old)
  await makeHistory(builder, old, world.amount(1000, 50))
  await builder.close()
  const runs: Times[] = []
  for (let round = 0; round < world.rounds(3); round += 1) runs.push(await walk(world, old))
  return STEPS.map((step) => ({
    name: NAMES[step],
    unit: 's',
    ours: runs.map((run) => run[step]),
    goal: { value: GOALS[step] },
  }))
}

async function walk(world: World, old: CatalogPlace): Promise<Times> {
  let manager: IcebergTableManager | null = null
  try {
    const clock = stopwatch()
    manager = await world.open(world.catalog())
    const created = await manager.createTable(
      {
        namespace: 'bench',
        name: 'flights',
        schema: flights,
        partitionSpec: [{ source: 'date', transform: 'month' }],
      },
      { createNamespace: true },
    )
    const create = clock()
    await manager.writeData(created, { parquet: flightsFile() })
    const write = clock()
    const loaded = await manager.loadTable('bench.flights')
    await loaded.scan({ filter: "origin = 'SFO' and date >= '2001-04-01' and delay > 60" }).toArray()
    const read = clock()
    await manager.close()
    manager = await world.open(old)
    const table = await manager.loadTable('bench.history')
    const oldest = table.metadata.snapshots[0]?.['snapshot-id']
    const rows = await table.scan(oldest === undefined ? {} : { snapshotId: oldest }).toArray()
    if (rows.length !== 1)
      throw new Error(`${rows.length} rows in the oldest snapshot, where one was written`)
    return { create, write, read, travel: clock() }
  } finally {
    await manager?.close()
  }
}

function flightsFile(): string {
  const vegaDatasets = dirname(createRequire(import.meta.url).resolve('vega-datasets'))
  return join(vegaDatasets, '../data/flights-3m.parquet')
}

/** Seconds since it was last asked. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const seconds = (now - last) / 1000
    last = now
    return seconds
  }
}
