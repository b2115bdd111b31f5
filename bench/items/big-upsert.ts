/** 500,000 rows into five million with little memory, each way of writing, beside DuckDB's bare statements. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { table, t, type IcebergTableManager } from '../../src/index.ts'
import { localPathOf } from '../../src/storage/location.ts'
import { interleaved, type Figure } from '../figures.ts'
import type { BigUpsertRequest, BigUpsertRun } from '../big-upsert-child.ts'
import type { CatalogPlace, World } from '../world.ts'

const CHILD = fileURLToPath(new URL('../big-upsert-child.ts', import.meta.url))
const FILES = 5
const MEMORY_LIMIT = 512 * 2 ** 20
/** Beside the engine's limit: buffers of the process, and of what is outside of the limit. */
const MARGIN = 256 * 2 ** 20
const MODES = ['merge-on-read', 'copy-on-write'] as const

const schema = table({ id: t.long(), name: t.string(), value: t.double() })

export async function bigUpsert(world: World): Promise<readonly Figure[]> {
  const rows = world.amount(5_000_000, 50_000)
  const sources = await makeSources(world, rows)
  const place = world.catalog()
  const manager = await world.open(place)
  await manager.createNamespace('bench')
  const figures: Figure[] = []
  try {
    for (const mode of MODES) figures.push(...(await measured(world, manager, place, sources, mode, rows)))
  } finally {
    await manager.close()
  }
  return figures
}

interface Sources {
  readonly before: readonly string[]
  readonly changes: string
}

/** The table's rows in five files, and a tenth as many to put in: half with keys that are there, all over. */
async function makeSources(world: World, rows: number): Promise<Sources> {
  const instance = await DuckDBInstance.create(':memory:')
  const duckdb = await instance.connect()
  const select = (ids: string): string =>
    `SELECT id::BIGINT AS id, 'value ' || (id % 100000) || ' of ' || id AS name, random() AS value FROM (${ids})`
  const copy = async (name: string, ids: string): Promise<string> => {
    const path = join(world.folder, `${name}.parquet`)
    await duckdb.run(`COPY (${select(ids)}) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`)
    return path
  }
  const part = rows / FILES
  const before: string[] = []
  for (let file = 0; file < FILES; file += 1) {
    before.push(
      await copy(`before-${file}`, `SELECT range AS id FROM range(${file * part}, ${(file + 1) * part})`),
    )
  }
  const half = rows / 20
  const changes = await copy(
    'changes',
    `SELECT range * 20 AS id FROM range(${half}) UNION ALL SELECT range AS id FROM range(${rows}, ${rows + half})`,
  )
  duckdb.closeSync()
  instance.closeSync()
  return { before, changes }
}

async function measured(
  world: World,
  manager: IcebergTableManager,
  place: CatalogPlace,
  { before, changes }: Sources,
  mode: (typeof MODES)[number],
  rows: number,
): Promise<readonly Figure[]> {
  const runs: BigUpsertRun[] = []
  const bareRuns: BigUpsertRun[] = []
  const { ours, bare } = await interleaved(world.rounds(3), {
    ours: async (round) => {
      const name = `${mode.replaceAll('-', '_')}_${round}`
      const properties = { 'write.merge.mode': mode }
      const tbl = await manager.createTable({ namespace: 'bench', name, schema, properties })
      for (const parquet of before) await manager.writeData(tbl, { parquet })
      const run = child({ way: 'ours', mode, place, table: tbl.name, changes, memoryLimit: MEMORY_LIMIT })
      if (run.updated !== rows / 20 || run.inserted !== rows / 20)
        throw new Error('not the rows that were meant')
      runs.push(run)
      await manager.dropTable(tbl.identifier, { purge: true })
      return run.ms
    },
    bare: async (round) => {
      const name = `bare_${mode.replaceAll('-', '_')}_${round}`
      const tbl = await manager.createTable({ namespace: 'bench', name, schema })
      for (const parquet of before) await manager.writeData(tbl, { parquet })
      const data = join(localPathOf(tbl.location), 'data')
      const files = readdirSync(data).map((file) => join(data, file))
      const target = join(world.folder, name)
      mkdirSync(target)
      const run = child({ way: 'bare', mode, files, target, changes, memoryLimit: MEMORY_LIMIT })
      bareRuns.push(run)
      rmSync(target, { recursive: true })
      await manager.dropTable(tbl.identifier, { purge: true })
      return run.ms
    },
  })
  const seconds = (values: readonly number[]): readonly number[] => values.map((value) => value / 1000)
  const what = `upsert of ${rows / 1e4}k into ${rows / 1e6}M rows at 512 MB, ${mode}`
  return [
    {
      name: what,
      unit: 's',
      ours: seconds(ours),
      beside: { name: 'bare DuckDB', values: seconds(bare) },
      goal: { ratio: 1.5 },
    },
    {
      name: 'the same, beside statements that do not tell changed rows from equal ones',
      unit: 's',
      ours: seconds(ours),
      beside: { name: 'bare DuckDB', values: seconds(bareRuns.map((run) => run.writingMs)) },
      goal: null,
    },
    {
      name: `${what}: peak memory above the idle process`,
      unit: 'MB',
      ours: runs.map((run) => run.peakBytes / 1e6),
      goal: { value: (MEMORY_LIMIT + MARGIN) / 1e6 },
    },
  ]
}

function child(request: BigUpsertRequest): BigUpsertRun {
  const run: BigUpsertRun = JSON.parse(
    execFileSync(process.execPath, [CHILD, JSON.stringify(request)]).toString(),
  )
  return run
}
