/** Five million rows of three columns, as a Parquet file that DuckDB made. */
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { table, t } from '../src/index.ts'
import type { World } from './world.ts'

export const narrow = table({ id: t.long(), name: t.string(), value: t.double() })

export interface FiveMillion {
  readonly rows: number
  readonly path: string
  /** A DuckDB of its own, with its own settings, for what it does when left alone. */
  readonly duckdb: DuckDBConnection
  close(): void
}

export async function makeFiveMillion(world: World): Promise<FiveMillion> {
  const rows = world.amount(5_000_000, 50_000)
  const path = join(world.folder, `source-${crypto.randomUUID()}.parquet`)
  const instance = await DuckDBInstance.create(':memory:')
  const duckdb = await instance.connect()
  await duckdb.run(
    `COPY (SELECT (random() * 1e12)::BIGINT AS id, 'value ' || (range % 100000) || ' of ' || range AS name, ` +
      `random() AS value FROM range(${rows})) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
  )
  return {
    rows,
    path,
    duckdb,
    close: () => {
      duckdb.closeSync()
      instance.closeSync()
    },
  }
}

/** What DuckDB needs for the same work when nothing is checked, kept track of, or synced. */
export function bareCopySql(sources: readonly string[], target: string): string {
  const list = sources.map((source) => `'${source}'`).join(', ')
  return `COPY (FROM read_parquet([${list}])) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`
}
