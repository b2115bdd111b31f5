/**
 * Random tables against rows in an array: whatever the schema, the partitioning, the format version
 * and the commit strategy, a scan answers what a plain filter over the array does.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Expression } from '../../src/format/expressions/expression.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { NestedField } from '../../src/format/types.ts'
import type { CommitStrategy, Row, Table } from '../../src/index.ts'
import { anyFilter, COLUMNS } from '../format/expressions/generators.ts'
import { oracle } from '../format/expressions/oracle.ts'
import { anyRow, anySchema, flat, kindOf, leavesOf, rowIn, rowOut, type ModelRow } from './random-schemas.ts'
import { openPruningWorld, type PruningWorld } from './world.ts'

let world: PruningWorld
beforeAll(async () => {
  world = await openPruningWorld()
  await world.manager.createNamespace('model')
})
afterAll(() => world.close())

interface Batch {
  readonly rows: readonly ModelRow[]
  readonly strategy: CommitStrategy
}

interface Question {
  /** null: no filter. */
  readonly filter: Expression | null
  /** Top-level columns, or dotted names of struct fields; null: all columns. */
  readonly select: readonly string[] | null
  readonly limit: number | null
  /** How many batches ago; beyond the first means the present. */
  readonly ago: number
}

interface Case {
  readonly schema: Schema
  readonly formatVersion: 1 | 2
  readonly spec: readonly { readonly source: string; readonly transform: string; readonly name: string }[]
  readonly metrics: string
  readonly batches: readonly Batch[]
  readonly questions: readonly Question[]
}

const anyCase: fc.Arbitrary<Case> = anySchema.chain((schema) =>
  fc.record({
    schema: fc.constant(schema),
    formatVersion: fc.constantFrom(1 as const, 2 as const),
    spec: anySpec(schema),
    metrics: fc.constantFrom('none', 'counts', 'truncate(2)', 'full'),
    batches: fc.array(
      fc.record({
        rows: fc.array(anyRow(schema), { maxLength: 10 }),
        strategy: fc.constantFrom('fast_append' as const, 'merge_commit' as const),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    questions: fc.array(anyQuestion(schema), { minLength: 3, maxLength: 6 }),
  }),
)

/** Up to two fields, each on a column of its own. */
function anySpec(schema: Schema): fc.Arbitrary<Case['spec']> {
  const fields = leavesOf(schema.fields).map(({ name, type }, i) =>
    fc
      .constantFrom(...COLUMNS[kindOf(type)].transforms)
      .filter((transform) => transform !== 'zorder')
      .map((transform) => ({ source: name, transform, name: `p${i}` })),
  )
  return fc.tuple(...fields).chain((all) => fc.subarray(all, { maxLength: Math.min(2, all.length) }))
}

function anyQuestion(schema: Schema): fc.Arbitrary<Question> {
  const leaves = leavesOf(schema.fields)
  const kinds = leaves.map(({ type }) => kindOf(type))
  const names = leaves.map(({ name }) => name)
  // The filters' generator looks at names and kinds alone.
  const filter = anyFilter({ schema, names, kinds, types: {}, ids: {} })
  const columns = [...new Set([...schema.fields.map(({ name }) => name), ...names])].filter(
    (name) => name !== 'id',
  )
  return fc.record({
    filter: fc.option(filter, { freq: 8 }),
    select: fc.option(fc.shuffledSubarray(columns).map((some) => ['id', ...some])),
    limit: fc.option(fc.nat(12), { freq: 1 }),
    ago: fc.nat(4),
  })
}

let tables = 0

test('scans answer as an array of rows does', async () => {
  await fc.assert(
    fc.asyncProperty(anyCase, async (one) => {
      tables += 1
      const table = await world.manager.createTable({
        namespace: 'model',
        name: `t${tables}`,
        schema: one.schema,
        partitionSpec: [...one.spec],
        formatVersion: one.formatVersion,
        properties: {
          'write.metadata.metrics.default': one.metrics,
          'commit.manifest.min-count-to-merge': '2',
        },
      })
      const states = await writeBatches(table, one)
      for (const question of one.questions) await ask(table, one.schema, states, question)
    }),
    { numRuns: 60 },
  )
}, 180_000)

interface State {
  readonly snapshotId: bigint
  readonly rows: readonly ModelRow[]
}

/** What the table holds after each batch that had rows. */
async function writeBatches(table: Table, { schema, batches }: Case): Promise<readonly State[]> {
  const states: State[] = []
  let id = 0
  for (const { rows, strategy } of batches) {
    const numbered = rows.map((row): ModelRow => ({ ...row, id: (id += 1) }))
    const options = { commitStrategy: strategy }
    const data = numbered.map((row) => rowIn(schema, row))
    const { snapshotId, rows: written } = await world.manager.writeData(table, data, options)
    expect(written).toBe(rows.length)
    expect(snapshotId === null).toBe(rows.length === 0)
    if (snapshotId !== null) states.push({ snapshotId, rows: [...(states.at(-1)?.rows ?? []), ...numbered] })
  }
  return states
}

async function ask(
  table: Table,
  schema: Schema,
  states: readonly State[],
  question: Question,
): Promise<void> {
  const { filter, select, limit, ago } = question
  const past = ago === 0 ? undefined : states.at(-1 - ago)
  const { rows } = past ?? states.at(-1) ?? { rows: [] }
  const leaves = leavesOf(schema.fields)
  const types = Object.fromEntries(leaves.map(({ name, type }) => [name, type]))
  const matching = rows.filter((row) => filter === null || oracle(filter, flat(leaves, row), types) === true)
  const expected = matching.map((row) => project(schema, select, rowOut(schema, row)))

  const scan = table.scan({
    ...(filter === null ? {} : { filter }),
    ...(select === null ? {} : { select }),
    ...(limit === null ? {} : { limit }),
    ...(past === undefined ? {} : { snapshotId: past.snapshotId }),
  })
  const found = (await scan.toArray()).toSorted((a, b) => Number(a['id']) - Number(b['id']))
  const ids = new Set(found.map((row) => row['id']))
  expect(ids.size).toBe(limit === null ? expected.length : Math.min(limit, expected.length))
  expect(found).toEqual(expected.filter((row) => ids.has(row['id'])))
  for (const row of found) expect(Object.keys(row)).toEqual(topLevelOf(schema, select))
  expect(await scan.count()).toBe(ids.size)
}

/** Top-level columns in the order of their first mention. */
function topLevelOf(schema: Schema, select: readonly string[] | null): readonly string[] {
  if (select === null) return schema.fields.map(({ name }) => name)
  return [...new Set(select.map((name) => name.split('.')[0] ?? name))]
}

/** The chosen columns of a row; of a struct that is chosen in part, the chosen fields. */
function project(schema: Schema, select: readonly string[] | null, row: Row): Row {
  if (select === null) return row
  const names = topLevelOf(schema, select)
  const chosen = names.map((name) => [name, pruned(fieldOf(schema.fields, name), name, select, row[name])])
  return Object.fromEntries(chosen)
}

function pruned(field: NestedField, path: string, select: readonly string[], value: unknown): unknown {
  if (select.includes(path) || field.type.kind !== 'struct' || value === null) return value
  const inside = field.type.fields.filter(({ name }) =>
    select.some((each) => each === `${path}.${name}` || each.startsWith(`${path}.${name}.`)),
  )
  const struct = value as Row
  return Object.fromEntries(
    inside.map((each) => [each.name, pruned(each, `${path}.${each.name}`, select, struct[each.name])]),
  )
}

function fieldOf(fields: readonly NestedField[], name: string): NestedField {
  const field = fields.find((each) => each.name === name)
  if (field === undefined) throw new Error(`no column ${name}`)
  return field
}
