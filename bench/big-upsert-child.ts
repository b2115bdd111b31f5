/**
 * One upsert in a process of its own, with little memory; answers what it took as JSON.
 *
 *     node bench/big-upsert-child.ts REQUEST
 */
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { IcebergTableManager } from '../src/index.ts'
import { timed } from './figures.ts'
import type { CatalogPlace } from './world.ts'

interface CommonRequest {
  readonly mode: 'merge-on-read' | 'copy-on-write'
  /** A Parquet file of the rows to put in. */
  readonly changes: string
  /** Bytes, of the engine. */
  readonly memoryLimit: number
}

export type BigUpsertRequest =
  | (CommonRequest & { readonly way: 'ours'; readonly place: CatalogPlace; readonly table: string })
  | (CommonRequest & {
      readonly way: 'bare'
      readonly files: readonly string[]
      /** An empty folder. */
      readonly target: string
    })

export interface BigUpsertRun {
  readonly ms: number
  /** Of that, without telling rows apart; ours does not do one without the other. */
  readonly writingMs: number
  /** Peak resident memory above that of the idle process, engine and table opened, in bytes. */
  readonly peakBytes: number
  readonly updated: number
  readonly inserted: number
}

const request: BigUpsertRequest = JSON.parse(process.argv[2] ?? '{}')
console.log(JSON.stringify(request.way === 'ours' ? await ours(request) : await bare(request)))

async function ours(given: BigUpsertRequest & { readonly way: 'ours' }): Promise<BigUpsertRun> {
  const manager = await IcebergTableManager.open({
    catalog: { name: 'bench', ...given.place },
    engine: { memoryLimitBytes: given.memoryLimit },
  })
  const tbl = await manager.loadTable(given.table)
  // Opens the engine.
  await tbl.scan({ limit: 1 }).toArray()
  const idle = process.memoryUsage().rss
  const start = performance.now()
  const result = await manager.writeData(
    tbl,
    { parquet: given.changes },
    { mode: 'upsert', joinColumns: ['id', 'name'] },
  )
  const ms = performance.now() - start
  const peakBytes = process.resourceUsage().maxRSS * 1024 - idle
  await manager.close()
  return { ms, writingMs: ms, peakBytes, updated: result.rowsUpdated, inserted: result.rowsInserted }
}

/**
 * The least that DuckDB itself needs: to write, and to tell new, changed and equal rows apart. Nothing
 * is checked, synced or committed.
 */
async function bare(given: BigUpsertRequest & { readonly way: 'bare' }): Promise<BigUpsertRun> {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: `${given.memoryLimit}B` })
  const duckdb = await instance.connect()
  const run = (statement: string): Promise<number> => timed(() => duckdb.run(statement))
  const list = given.files.map((file) => `'${file}'`).join(', ')
  const target = `read_parquet([${list}], filename = true, file_row_number = true) AS t`
  const changes = `read_parquet('${given.changes}')`
  const into = (name: string, more = ''): string =>
    `TO '${join(given.target, name)}' (FORMAT parquet, COMPRESSION zstd${more})`
  const writing =
    given.mode === 'copy-on-write'
      ? [
          `COPY (SELECT t.id, t.name, t.value FROM ${target} ANTI JOIN ${changes} USING (id, name) ` +
            `UNION ALL FROM ${changes}) ${into('rewritten', ", FILE_SIZE_BYTES '128MB', RETURN_STATS")}`,
        ]
      : [
          `COPY (SELECT t.filename AS file_path, t.file_row_number AS pos FROM ${target} ` +
            `SEMI JOIN ${changes} USING (id, name)) ${into('deletes.parquet')}`,
          `COPY (FROM ${changes}) ${into('rows.parquet', ', RETURN_STATS')}`,
        ]
  const counting =
    `SELECT count(*), count(*) FILTER (t.value IS DISTINCT FROM s.value) ` +
    `FROM ${target} JOIN ${changes} AS s USING (id, name)`
  const idle = process.memoryUsage().rss
  let writingMs = 0
  for (const statement of writing) writingMs += await run(statement)
  const ms = writingMs + (await run(counting))
  const peakBytes = process.resourceUsage().maxRSS * 1024 - idle
  duckdb.closeSync()
  instance.closeSync()
  return { ms, writingMs, peakBytes, updated: 0, inserted: 0 }
}
