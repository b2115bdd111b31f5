/** One-row appends, each a commit: does the five hundredth cost more than the first? */
import { schemaToJson } from '../../src/format/schema.ts'
import type { IcebergTableManager, RowIn, RowOut, Table } from '../../src/index.ts'
import { timed, type Figure } from '../figures.ts'
import { wide, wideRow } from '../wide-table.ts'
import type { World } from '../world.ts'

interface Sides {
  readonly ours: number[]
  readonly theirs: number[]
}

export async function appends(world: World): Promise<readonly Figure[]> {
  const block = world.amount(100, 10)
  const count = world.amount(5, 2) * block
  const runs: Sides[] = []
  for (let run = 0; run < world.rounds(3); run += 1) runs.push(await oneRun(world, count, block))
  const total = (times: readonly number[]): number => times.reduce((sum, time) => sum + time, 0)
  const first = (times: readonly number[]): number => total(times.slice(0, block))
  const last = (times: readonly number[]): number => total(times.slice(-block))
  const theirs = runs.map((run) => total(run.theirs) / 1000)
  return [
    {
      name: `${count} one-row appends, 21 columns`,
      unit: 's',
      ours: runs.map((run) => total(run.ours) / 1000),
      ...(world.pyiceberg === null ? {} : { beside: { name: 'PyIceberg', values: theirs } }),
      goal: { ratio: 1 / 30 },
    },
    {
      name: `the last ${block} of them, beside the first ${block}`,
      unit: 'ms',
      ours: runs.map((run) => last(run.ours) / block),
      beside: { name: 'first', values: runs.map((run) => first(run.ours) / block) },
      goal: { ratio: 1.5 },
    },
  ]
}

/** In blocks by turns, so that a busy machine is busy for both. */
async function oneRun(world: World, count: number, block: number): Promise<Sides> {
  const sides: Sides = { ours: [], theirs: [] }
  const manager = await world.open(world.catalog())
  const name = `bench.appends_${crypto.randomUUID().slice(0, 8)}`
  try {
    const table = await manager.createTable(
      { namespace: 'bench', name: 'appends', schema: wide },
      { createNamespace: true },
    )
    const hasOther = world.pyiceberg !== null
    if (hasOther)
      await world.ask('create_table', { ...world.catalog(), table: name, schema: schemaToJson(table.schema) })
    for (let first = 0; first < count; first += block) {
      sides.ours.push(...(await appendBlock(manager, table, first, block)))
      if (!hasOther) continue
      sides.theirs.push(
        ...(await world.ask<readonly number[]>('append_rows', { table: name, first, count: block })),
      )
    }
  } finally {
    await manager.close()
  }
  return sides
}

async function appendBlock(
  manager: IcebergTableManager,
  table: Table<RowIn<typeof wide>, RowOut<typeof wide>>,
  first: number,
  block: number,
): Promise<readonly number[]> {
  const times: number[] = []
  for (let i = first; i < first + block; i += 1) {
    const row = wideRow(i)
    times.push(await timed(() => manager.writeData(table, [row])))
  }
  return times
}
