/** A thousand small files, made by a thousand appends, become one: beside a bare COPY and beside Spark. */
import { existsSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { IcebergTableManager, table, t, type Table } from '../../src/index.ts'
import { python } from '../../test/interop/support/json-lines.ts'
import { Spark } from '../../test/interop/support/spark.ts'
import { interleaved, timed, type Figure } from '../figures.ts'
import type { World } from '../world.ts'

const schema = table({ id: t.long(), name: t.string(), value: t.double() })

export async function compaction(world: World): Promise<readonly Figure[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const duckdb = await instance.connect()
  const place = world.catalog()
  // Part of the catalog's keys: Spark calls it so.
  const manager = await IcebergTableManager.open({ catalog: { name: 'c', ...place } })
  try {
    await manager.createNamespace('bench')
    const tbl: Table = await manager.createTable({ namespace: 'bench', name: 'small', schema })
    const files = world.amount(1000, 20)
    const rowsEach = world.amount(10_000, 100)
    const part = join(world.folder, 'part.parquet')
    for (let file = 0; file < files; file += 1) {
      const from = file * rowsEach
      await duckdb.run(
        `COPY (SELECT range::BIGINT AS id, 'name ' || range % 1000 AS name, random()::DOUBLE AS value ` +
          `FROM range(${from}, ${from + rowsEach})) TO '${part}' (FORMAT parquet)`,
      )
      await manager.writeData(tbl, { parquet: part })
    }
    const paths = (await tbl.inspect.files()).map((file) => fileURLToPath(file.file_path))
    const target = join(world.folder, 'bare.parquet')
    const list = paths.map((path) => `'${path}'`).join(', ')
    const copy = async (): Promise<void> => {
      await duckdb.run(
        `COPY (FROM read_parquet([${list}])) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`,
      )
    }
    const compact = async (round: number): Promise<number> => {
      // Each run on a branch of its own: the same thousand files again.
      const branch = `run-${round}`
      await manager.manageSnapshots(tbl).createBranch(branch).commit()
      return timed(() => manager.compactTable(tbl, { branch }))
    }
    await copy()
    await compact(-1)
    const both = await interleaved(world.rounds(5), {
      ours: compact,
      bare: () => timed(copy),
      synced: () => timed(async () => void (await copy(), await sync(target))),
    })
    await rm(target)
    const name = `${files} files of ${rowsEach} rows into one`
    const figures: Figure[] = [
      {
        name,
        unit: 's',
        ours: inSeconds(both.ours),
        beside: { name: 'bare COPY', values: inSeconds(both.bare) },
        goal: { ratio: 1.3 },
      },
      {
        name: 'the same, beside a COPY that is synced',
        unit: 's',
        ours: inSeconds(both.ours),
        beside: { name: 'COPY and fsync', values: inSeconds(both.synced) },
        goal: null,
      },
    ]
    if (!existsSync(python)) return figures
    const spark = new Spark({
      folder: world.folder,
      catalogFile: place.uri.replace('sqlite:///', ''),
      catalogUri: place.uri,
      warehouse: place.warehouse,
      remove: () => undefined,
    })
    try {
      // Everything once before: the time of a start is no part of it.
      await spark.sql('select count(*) from bench.small')
      const theirs = await timed(() => spark.sql(`call c.system.rewrite_data_files('bench.small')`))
      figures.push({
        name: 'the same, beside rewrite_data_files',
        unit: 's',
        ours: inSeconds(both.ours.slice(0, 1)),
        beside: { name: 'Spark', values: [theirs / 1000] },
        goal: null,
      })
    } finally {
      await spark.close()
    }
    return figures
  } finally {
    await manager.close()
    duckdb.closeSync()
    instance.closeSync()
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
