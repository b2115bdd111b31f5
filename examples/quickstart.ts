/**
 * Three million real flights: from a Parquet file into a partitioned Iceberg table in several
 * commits, queried with pruning, and looked at as the table was before the last of them.
 *
 * Needs nothing but npm. Running it again starts over.
 */
import { mkdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { and, eq, gte, IcebergTableManager, lt, table, t } from '../src/index.ts'

const home = resolve('floeberg-quickstart')
const vegaDatasets = dirname(createRequire(import.meta.url).resolve('vega-datasets'))
const flightsFile = join(vegaDatasets, '../data/flights-3m.parquet')

/** One commit for each. */
const batches = [
  { label: 'January and February', filter: lt('date', '2001-03-01T00:00:00') },
  {
    label: 'March and April',
    filter: and(gte('date', '2001-03-01T00:00:00'), lt('date', '2001-05-01T00:00:00')),
  },
  { label: 'May to July', filter: gte('date', '2001-05-01T00:00:00') },
]

const flights = table({
  date: t.timestamp().required(),
  delay: t.long(),
  distance: t.long(),
  origin: t.string(),
  destination: t.string(),
})

async function main(): Promise<void> {
  await rm(home, { recursive: true, force: true })
  await mkdir(home)
  console.log(`Everything goes into ${relative('.', home)}/\n`)

  const manager = await step(
    'open a SQLite catalog',
    () =>
      IcebergTableManager.open({
        catalog: {
          name: 'quickstart',
          uri: `sqlite:///${join(home, 'catalog.db')}`,
          warehouse: join(home, 'warehouse'),
        },
      }),
    () => 'with a warehouse on the local disk',
  )
  try {
    await run(manager)
  } finally {
    await manager.close()
  }
}

async function run(manager: IcebergTableManager): Promise<void> {
  const tbl = await step(
    'create demo.flights',
    () =>
      manager.createTable(
        {
          namespace: 'demo',
          name: 'flights',
          schema: flights,
          partitionSpec: [{ source: 'date', transform: 'month' }],
        },
        { createNamespace: true },
      ),
    () => 'partitioned by month(date)',
  )

  for (const { label, filter } of batches) {
    await step(
      `append ${label}`,
      () => manager.writeData(tbl, { parquet: flightsFile, filter }),
      ({ rows, files, bytes }) => `${number(rows)} rows, ${files} files, ${number(bytes / 1e6)} MB`,
    )
  }

  const lateFromSfo = tbl.scan({
    filter: and(eq('origin', 'SFO'), gte('date', '2001-06-01T00:00:00'), gte('delay', 60n)),
    select: ['date', 'delay', 'destination'],
  })
  const { report } = await lateFromSfo.plan()
  await step(
    'flights from SFO since June, an hour late',
    () => lateFromSfo.toArray(),
    (rows) => `${number(rows.length)} rows from ${report.filesScanned} of ${report.filesTotal} files`,
  )

  await step(
    'count all rows',
    () => tbl.scan().count(),
    (rows) => `${number(rows)}, from metadata alone`,
  )

  const [, previous] = await manager.listSnapshots(tbl)
  if (previous === undefined) throw new Error('the table has fewer snapshots than were committed')
  await step(
    'count as it was before the last append',
    () => tbl.scan({ snapshotId: previous.snapshotId }).count(),
    (rows) => number(rows),
  )

  const catalog = `--catalog-uri sqlite:///${relative('.', join(home, 'catalog.db'))} --catalog quickstart`
  console.log(`
Go on with:
  npm run -s floeberg -- describe demo.flights ${catalog}
  npm run -s floeberg -- scan demo.flights --where "origin = 'SFO'" --limit 5 ${catalog}
  npm run -s floeberg -- snapshots demo.flights ${catalog}`)
}

/** Does one thing, and prints what came of it and how long it took. */
async function step<T>(what: string, work: () => Promise<T>, outcome: (result: T) => string): Promise<T> {
  const started = performance.now()
  const result = await work()
  const seconds = ((performance.now() - started) / 1000).toFixed(2)
  console.log(`${what.padEnd(42)} ${seconds.padStart(6)} s   ${outcome(result)}`)
  return result
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

await main()
