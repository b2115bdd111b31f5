/** Scanning five million rows, into a file beside a bare COPY, into Arrow beside PyIceberg. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { localPathOf } from '../../src/storage/location.ts'
import { bareCopySql, makeFiveMillion, narrow } from '../five-million.ts'
import { interleaved, timed, type Figure } from '../figures.ts'
import type { World } from '../world.ts'

export async function bulkRead(world: World): Promise<readonly Figure[]> {
  const source = await makeFiveMillion(world)
  const place = world.catalog()
  const manager = await world.open(place)
  try {
    const table = await manager.createTable(
      { namespace: 'bench', name: 'bulk', schema: narrow },
      { createNamespace: true },
    )
    await manager.writeData(table, { parquet: source.path })
    const data = join(localPathOf(table.location), 'data')
    const files = (await readdir(data)).map((name) => join(data, name))
    const [mine, bare] = ['scanned.parquet', 'bare.parquet'].map((name) => join(world.folder, name))
    const toFile = (): Promise<unknown> => table.scan().toFile(mine ?? '')
    const copy = (): Promise<unknown> => source.duckdb.run(bareCopySql(files, bare ?? ''))
    await toFile()
    await copy()
    const parquet = await interleaved(world.rounds(5), {
      ours: () => timed(toFile),
      bare: () => timed(copy),
    })
    const what = `${source.rows / 1e6}M rows × 3 columns`
    const seconds = (values: readonly number[]): readonly number[] => values.map((value) => value / 1000)
    const intoParquet: Figure = {
      name: `scanning ${what} into Parquet`,
      unit: 's',
      ours: seconds(parquet.ours),
      beside: { name: 'bare COPY', values: seconds(parquet.bare) },
      goal: { ratio: 1.2 },
    }

    const toArrow = async (): Promise<void> => {
      const batches = []
      let rows = 0
      for await (const batch of table.scan().toArrow()) {
        batches.push(batch)
        rows += batch.numRows
      }
      if (rows !== source.rows) throw new Error(`${rows} rows in ${batches.length} batches`)
    }
    await toArrow()
    const name = `scanning ${what} into Arrow batches`
    if (world.pyiceberg === null) {
      const { ours } = await interleaved(world.rounds(5), { ours: () => timed(toArrow) })
      return [intoParquet, { name, unit: 's', ours: seconds(ours), goal: { ratio: 4 } }]
    }
    const theirs = async (): Promise<number> =>
      (await world.ask<{ readonly ms: number }>('to_arrow', { ...place, table: 'bench.bulk' })).ms
    await theirs()
    const arrow = await interleaved(world.rounds(5), { ours: () => timed(toArrow), theirs })
    const beside = { name: 'PyIceberg', values: seconds(arrow.theirs) }
    return [intoParquet, { name, unit: 's', ours: seconds(arrow.ours), beside, goal: { ratio: 4 } }]
  } finally {
    await manager.close()
    source.close()
  }
}
