/**
 * Whatever the steps and whatever others commit before each attempt: a transaction is as if it had come
 * after all of them, step by step; or it is refused, and as if it had never been.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  CommitConflictError,
  type IcebergTableManager,
  type Table,
  type Transaction,
} from '../../src/index.ts'
import { fakeClock } from '../support/memory-runtime.ts'
import { scriptedCatalog } from '../support/scripted-catalog.ts'
import { createTable, evolutionWorlds, rowsOf, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

/** One change, which a transaction and a manager can both make. */
type Change =
  | { readonly kind: 'append'; readonly rows: readonly Row[] }
  | { readonly kind: 'upsert'; readonly rows: readonly Row[] }
  | { readonly kind: 'overwrite'; readonly x: number; readonly rows: readonly Row[] }
  | { readonly kind: 'delete'; readonly x: number }
  | { readonly kind: 'update'; readonly x: number; readonly y: number }
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'property'; readonly value: string }

interface Row {
  readonly x: number
  readonly y: number
}

/** Columns that each side may add. */
const MINE = ['mine', 'own']
const THEIRS = ['theirs']

const x = fc.integer({ min: 0, max: 3 })
const y = fc.integer({ min: 0, max: 99 })
const rows = fc.array(fc.record({ x, y }), { minLength: 1, maxLength: 4 })
const keyed = fc.uniqueArray(fc.record({ x, y }), { minLength: 1, maxLength: 3, selector: (row) => row.x })

const change = (names: readonly string[], kinds: readonly Change['kind'][]): fc.Arbitrary<Change> =>
  fc
    .oneof(
      fc.record({ kind: fc.constant('append' as const), rows }),
      fc.record({ kind: fc.constant('upsert' as const), rows: keyed }),
      fc.record({ kind: fc.constant('overwrite' as const), x, rows }),
      fc.record({ kind: fc.constant('delete' as const), x }),
      fc.record({ kind: fc.constant('update' as const), x, y }),
      fc.record({ kind: fc.constant('column' as const), name: fc.constantFrom(...names) }),
      fc.record({ kind: fc.constant('property' as const), value: fc.constantFrom('a', 'b') }),
    )
    .filter(({ kind }) => kinds.includes(kind))

const steps = fc.array(
  change(MINE, ['append', 'upsert', 'overwrite', 'delete', 'update', 'column', 'property']),
  { minLength: 1, maxLength: 5 },
)
/** What others do before each attempt. */
const rivals = fc.array(
  fc.array(change(THEIRS, ['append', 'upsert', 'delete', 'update', 'column']), {
    minLength: 1,
    maxLength: 2,
  }),
  { maxLength: 2 },
)

const MODES = fc.constantFrom('copy-on-write', 'merge-on-read')

/** The methods that both have, on the table that is meant. */
interface Making {
  readonly table: Table
  write(rows: readonly object[], options: object): Promise<unknown>
  remove(filter: string): Promise<unknown>
  update(values: Readonly<Record<string, number>>, filter: string): Promise<unknown>
  add(name: string): Promise<unknown>
  set(value: string): Promise<unknown>
}

const within = (tx: Transaction): Making => ({
  table: tx.table,
  write: (data, options) => tx.writeData(data, options),
  remove: (filter) => tx.deleteRows(filter),
  update: (values, filter) => tx.updateRows(values, filter),
  add: (name) => tx.evolveSchema([{ type: 'add_column', name, fieldType: 'int' }]),
  set: (value) => tx.updateProperties({ set: { value } }),
})

const alone = (manager: IcebergTableManager, table: Table): Making => ({
  table,
  write: (data, options) => manager.writeData(table, data, options),
  remove: (filter) => manager.deleteRows(table, filter),
  update: (values, filter) => manager.updateRows(table, values, filter),
  add: (name) => manager.evolveSchema(table, [{ type: 'add_column', name, fieldType: 'int' }]),
  set: (value) => manager.updateProperties(table, { set: { value } }),
})

/** Columns of one's own, once they are there, get numbers of the rows', so that a value that moves is seen. */
async function make(on: Making, each: Change, own: readonly string[]): Promise<void> {
  const names = on.table.schema.fields.map(({ name }) => name).filter((name) => own.includes(name))
  const filled = (data: readonly Row[]) =>
    data.map((row) => ({
      ...row,
      ...Object.fromEntries(names.map((name) => [name, name.length * 1000 + row.y])),
    }))
  switch (each.kind) {
    case 'append':
      return void (await on.write(filled(each.rows), {}))
    case 'upsert':
      return void (await on.write(filled(each.rows), { mode: 'upsert', joinColumns: ['x'] }))
    case 'overwrite':
      return void (await on.write(filled(each.rows), { mode: 'overwrite', overwriteFilter: `x = ${each.x}` }))
    case 'delete':
      return void (await on.remove(`x = ${each.x}`))
    case 'update':
      return void (await on.update({ y: each.y }, `x = ${each.x}`))
    case 'column':
      if (!names.includes(each.name)) await on.add(each.name)
      return
    case 'property':
      return void (await on.set(each.value))
  }
}

async function start(world: EvolutionWorld, mode: string): Promise<Table> {
  const tbl = await createTable(world, 'x: int, y: int', {
    properties: { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode },
  })
  await world.manager.writeData(
    tbl,
    [0, 1, 2, 3].map((n) => ({ x: n, y: n })),
  )
  return tbl
}

/** What can be compared: columns by their ids, and rows. */
async function stateOf(tbl: Table) {
  const columns = tbl.schema.fields.map(({ id, name }) => `${id} ${name}`)
  return { columns, rows: await rowsOf(tbl), value: tbl.properties['value'] }
}

test('serial, or refused', { timeout: 120_000 }, async () => {
  let refused = 0
  const property = fc.asyncProperty(steps, rivals, MODES, async (mine, others, mode) => {
    const { done, isRefused, state } = await race(mine, others, mode)
    if (isRefused) refused += 1
    const serial = await open()
    const tbl = await start(serial, mode)
    for (const each of done) await make(alone(serial.manager, tbl), each, THEIRS)
    if (!isRefused) for (const each of mine) await make(alone(serial.manager, tbl), each, MINE)
    expect(state).toEqual(await stateOf(tbl))
  })
  await fc.assert(property, { numRuns: 40 })
  // A test that was refused most of the time would show little.
  expect(refused).toBeLessThan(25)
})

/** A transaction, with others before each of its attempts; what they did, and what came of it all. */
async function race(mine: readonly Change[], others: readonly (readonly Change[])[], mode: string) {
  const world = await open()
  await start(world, mode)
  const theirs = await world.reload()
  const done: Change[] = []
  const script = others.map((batch) => ({
    outcome: 'conflict' as const,
    before: async () => {
      await theirs.refresh()
      for (const each of batch) await make(alone(world.manager, theirs), each, THEIRS)
      done.push(...batch)
    },
  }))
  const catalog = scriptedCatalog(world.manager.catalog, script)
  const manager = await world.open({
    catalogPlugin: { name: 'scripted', connect: async () => catalog },
    clock: fakeClock(Date.now()),
  })
  const isRefused = await manager
    .transaction(await manager.loadTable('demo.t'), async (tx) => {
      for (const each of mine) await make(within(tx), each, MINE)
    })
    .then(
      () => false,
      (error: unknown) => {
        if (error instanceof CommitConflictError) return true
        throw error
      },
    )
  await manager.close()
  return { done, isRefused, state: await stateOf(await world.reload()) }
}
