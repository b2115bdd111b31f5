/** Upserts, a write of many partitions and a delete, beside PyIceberg on tables of the same files. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { table, t, type IcebergTableManager, type SchemaInput, type Table } from '../../src/index.ts'
import { syncFolder } from '../../src/storage/folder-names.ts'
import { interleaved, timed, type Figure } from '../figures.ts'
import { bareWrite } from '../files.ts'
import type { CatalogPlace, World } from '../world.ts'

const keyed = table({ id: t.long(), name: t.string(), value: t.double() })
const parted = table({ p: t.int(), id: t.long(), value: t.double() })

/** One thing to measure: what is there before, and what each side then does. */
interface Case {
  readonly name: string
  readonly goal: number
  readonly rounds: number
  readonly schema: SchemaInput
  readonly partitionSpec?: readonly { readonly source: string }[]
  /** A file of the rows that are there before; null: none. */
  readonly before: string | null
  ours(manager: IcebergTableManager, table: Table): Promise<unknown>
  /** Milliseconds. */
  theirs(place: CatalogPlace, table: string): Promise<number>
}

export async function rowChanges(world: World): Promise<readonly Figure[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const duckdb = await instance.connect()
  const place = world.catalog()
  const manager = await world.open(place)
  try {
    await manager.createNamespace('bench')
    const figures: Figure[] = []
    for (const each of await cases(world, duckdb)) figures.push(await measured(world, manager, place, each))
    figures.push(await bareFiles(world))
    return figures
  } finally {
    await manager.close()
    duckdb.closeSync()
    instance.closeSync()
  }
}

async function cases(world: World, duckdb: DuckDBConnection): Promise<readonly Case[]> {
  const make = async (name: string, select: string): Promise<string> => {
    const path = join(world.folder, `${name}.parquet`)
    await duckdb.run(`COPY (${select}) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`)
    return path
  }
  const many = world.amount(200_000, 2_000)
  const rows = (from: number, to: number, value: string): string =>
    `SELECT range::BIGINT AS id, 'name ' || range % 1000 AS name, ${value}::DOUBLE AS value FROM range(${from}, ${to})`
  const target = await make('target', rows(0, many, 'random()'))
  // Half of the rows of a source are there, with another value; half are new.
  const source = (count: number): Promise<string> =>
    make(`source-${count}`, rows(many - count / 2, many + count / 2, '2 + random()'))
  const upsert = async (count: number, joinColumns: readonly string[], goal: number): Promise<Case> => {
    const path = await source(count)
    return {
      name: `upsert of ${count / 1e3}k into ${many / 1e3}k rows, ${joinColumns.length} key columns`,
      goal,
      rounds: 3,
      schema: keyed,
      before: target,
      ours: (manager, tbl) => manager.writeData(tbl, { parquet: path }, { mode: 'upsert', joinColumns }),
      theirs: async (place, name) =>
        (
          await world.ask<{ readonly ms: number }>('upsert_parquet', {
            ...place,
            table: name,
            path,
            join_cols: joinColumns,
          })
        ).ms,
    }
  }

  const spread = world.amount(1_000_000, 10_000)
  const partitions = world.amount(1000, 100)
  const unsorted = await make(
    'unsorted',
    `SELECT (hash(range) % ${partitions})::INTEGER AS p, range::BIGINT AS id, random() AS value FROM range(${spread})`,
  )
  const huge = world.amount(5_000_000, 50_000)
  const whole = await make('whole', rows(0, huge, 'random()'))
  return [
    await upsert(world.amount(20_000, 200), ['id'], 1 / 5),
    await upsert(world.amount(2_000, 100), ['id', 'name'], 1 / 50),
    {
      name: `${spread / 1e6}M rows into ${partitions} partitions`,
      goal: 1 / 3,
      rounds: 3,
      schema: parted,
      partitionSpec: [{ source: 'p' }],
      before: null,
      ours: (manager, tbl) => manager.writeData(tbl, { parquet: unsorted }),
      theirs: (place, name) => world.ask<number>('append_parquet', { ...place, table: name, path: unsorted }),
    },
    {
      name: `delete of 1 % of ${huge / 1e6}M rows, all over`,
      goal: 1 / 3,
      rounds: 3,
      schema: keyed,
      before: whole,
      ours: (manager, tbl) => manager.deleteRows(tbl, 'value < 0.01'),
      theirs: (place, name) =>
        world.ask<number>('delete_rows', { ...place, table: name, where: 'value < 0.01' }),
    },
  ]
}

/** As many small files as that, in a folder each, made durable as ours are: the disk's own share. */
async function bareFiles(world: World): Promise<Figure> {
  const count = world.amount(1000, 100)
  const rounds: number[] = []
  for (let round = 0; round < world.rounds(3); round += 1) {
    const folder = join(world.folder, `bare-files-${round}`)
    await mkdir(folder)
    rounds.push(
      await timed(async () => {
        for (let file = 0; file < count; file += 1) {
          const partition = join(folder, `p=${file}`)
          await mkdir(partition)
          await bareWrite(join(partition, 'data'), 9_000)
          await syncFolder(partition)
        }
      }),
    )
    await rm(folder, { recursive: true })
  }
  return {
    name: `${count} bare files in ${count} folders, synced`,
    unit: 's',
    ours: rounds.map((value) => value / 1000),
    goal: null,
  }
}

let tables = 0

/** Each run on a table of its own; making it is not measured. */
async function measured(
  world: World,
  manager: IcebergTableManager,
  place: CatalogPlace,
  { name, goal, rounds, schema, partitionSpec = [], before, ours, theirs }: Case,
): Promise<Figure> {
  const fresh = async (): Promise<Table> => {
    tables += 1
    const config = { namespace: 'bench', name: `t${tables}`, schema, partitionSpec }
    const tbl: Table = await manager.createTable(config)
    if (before !== null) await manager.writeData(tbl, { parquet: before })
    return tbl
  }
  const done = async (tbl: Table): Promise<void> =>
    void (await manager.dropTable(tbl.identifier, { purge: true }))
  const ourTurn = async (): Promise<number> => {
    const tbl = await fresh()
    const elapsed = await timed(() => ours(manager, tbl))
    await done(tbl)
    return elapsed
  }
  const theirTurn = async (): Promise<number> => {
    const tbl = await fresh()
    const elapsed = await theirs(place, tbl.name)
    await done(tbl)
    return elapsed
  }
  const seconds = (values: readonly number[]): readonly number[] => values.map((value) => value / 1000)
  if (world.pyiceberg === null) {
    const alone = await interleaved(world.rounds(rounds), { ours: ourTurn })
    return { name, unit: 's', ours: seconds(alone.ours), goal: null }
  }
  const both = await interleaved(world.rounds(rounds), { ours: ourTurn, theirs: theirTurn })
  return {
    name,
    unit: 's',
    ours: seconds(both.ours),
    beside: { name: 'PyIceberg', values: seconds(both.theirs) },
    goal: { ratio: goal },
  }
}
