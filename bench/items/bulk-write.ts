/** Appending five million rows, from Parquet and from Arrow, beside a bare COPY of DuckDB. */
import { open, rm } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import { bareCopySql, makeFiveMillion, narrow } from '../five-million.ts'
import { interleaved, timed, type Figure } from '../figures.ts'
import type { World } from '../world.ts'

export async function bulkWrite(world: World): Promise<readonly Figure[]> {
  const source = await makeFiveMillion(world)
  const manager = await world.open(world.catalog())
  try {
    const table = await manager.createTable(
      { namespace: 'bench', name: 'bulk', schema: narrow },
      { createNamespace: true },
    )
    const target = join(world.folder, 'bare.parquet')
    const copy = (): Promise<unknown> => source.duckdb.run(bareCopySql([source.path], target))
    // Everything once outside the measurement: both read the file from the system's cache then.
    await copy()
    await manager.writeData(table, { parquet: source.path })
    const parquet = await interleaved(world.rounds(5), {
      ours: () => timed(() => manager.writeData(table, { parquet: source.path })),
      bare: () => timed(copy),
      synced: () => timed(async () => void (await copy(), await sync(target))),
    })
    const beside = { name: 'bare COPY', values: inSeconds(parquet.bare) }
    const what = `${source.rows / 1e6}M rows × 3 columns`
    const figures: Figure[] = [
      {
        name: `appending ${what} from Parquet`,
        unit: 's',
        ours: inSeconds(parquet.ours),
        beside,
        goal: { ratio: 1.2 },
      },
      {
        name: 'the same, beside a COPY that is synced',
        unit: 's',
        ours: inSeconds(parquet.ours),
        beside: { name: 'COPY and fsync', values: inSeconds(parquet.synced) },
        goal: null,
      },
    ]
    if (world.pyiceberg === null) return figures

    const ipc = join(world.folder, 'source.arrow')
    await world.ask('parquet_to_ipc', { path: source.path, target: ipc })
    const arrow = tableFromIPC(readFileSync(ipc))
    const fromArrow = await interleaved(world.rounds(5), {
      ours: () => timed(() => manager.writeData(table, { arrow })),
      bare: () => timed(copy),
    })
    figures.push({
      name: `appending ${what} from Arrow`,
      unit: 's',
      ours: inSeconds(fromArrow.ours),
      beside: { name: 'bare COPY', values: inSeconds(fromArrow.bare) },
      goal: { ratio: 1.5 },
    })
    await rm(ipc)
    return figures
  } finally {
    await manager.close()
    source.close()
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.sync()
  await file.close()
}

function inSeconds(milliseconds: readonly number[]): readonly number[] {
  return milliseconds.map((value) => value / 1000)
}
