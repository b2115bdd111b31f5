/**
 * Random sequences of every change of rows, on random partitionings that change on the way, against
 * rows in an array: equal after every step, whatever the format version and write modes.
 */
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  and,
  eq,
  gte,
  isIn,
  isNaN,
  isNull,
  IcebergTableManager,
  lt,
  not,
  notEq,
  or,
  table,
  t,
} from '../../src/index.ts'
import type { Expression, Table } from '../../src/index.ts'
import { oracle, type OracleTypes } from '../format/expressions/oracle.ts'
import { temporaryFolder } from '../support/folders.ts'

interface ModelRow {
  readonly k: number
  readonly s: string | null
  readonly d: number | null
  readonly ts: string | null
}

const schema = table({ k: t.int().required(), s: t.string(), d: t.double(), ts: t.timestamp() })

const types: OracleTypes = {
  k: { kind: 'int' },
  s: { kind: 'string' },
  d: { kind: 'double' },
  ts: { kind: 'timestamp' },
}

const times = [
  '1969-12-31T23:59:59.999999',
  '2001-01-31T00:00:00.000000',
  '2001-01-31T12:00:00.000001',
  '2001-02-01T00:00:00.000000',
]

const row: fc.Arbitrary<ModelRow> = fc.record({
  k: fc.integer({ min: -4, max: 12 }),
  s: fc.constantFrom(null, '', 'a', 'ab', 'b'),
  d: fc.constantFrom(null, Number.NaN, 0, 1.5, -2, Number.POSITIVE_INFINITY),
  ts: fc.constantFrom(null, ...times),
})

const rows = fc.array(row, { maxLength: 8 })
const distinctRows = fc.uniqueArray(row, { maxLength: 8, selector: (each) => each.k })

const predicate: fc.Arbitrary<Expression> = fc.oneof(
  fc.integer({ min: -4, max: 12 }).map((k) => gte('k', k)),
  fc.integer({ min: -4, max: 12 }).map((k) => lt('k', k)),
  fc.array(fc.integer({ min: -4, max: 12 }), { maxLength: 3 }).map((ks) => isIn('k', ks)),
  fc.constantFrom(eq('s', 'a'), notEq('s', ''), isNull('s'), isIn('s', ['ab', 'b'])),
  fc.constantFrom(isNaN('d'), gte('d', 0), isNull('d'), notEq('d', 1.5)),
  fc.constantFrom(...times).chain((ts) => fc.constantFrom(gte('ts', ts), lt('ts', ts), eq('ts', ts))),
)

const filter: fc.Arbitrary<Expression> = fc.oneof(
  predicate,
  fc.tuple(predicate, predicate).map(([a, b]) => and(a, b)),
  fc.tuple(predicate, predicate).map(([a, b]) => or(a, b)),
  predicate.map((a) => not(a)),
)

const spec = fc.constantFrom(
  [],
  [{ source: 's', transform: 'identity' }],
  [{ source: 'k', transform: 'bucket[4]' }],
  [{ source: 's', transform: 'truncate[1]' }],
  [{ source: 'ts', transform: 'day' }],
  [
    { source: 'ts', transform: 'month' },
    { source: 's', transform: 'identity' },
  ],
)

const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('append' as const), rows }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), filter }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('upsert' as const), rows: distinctRows }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('update' as const),
      filter,
      set: fc.constantFrom({ s: 'b' }, { d: null }, { s: null, d: Number.NaN }, { ts: times[0] ?? null }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('overwrite filter' as const), filter, rows }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('overwrite table' as const), rows }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('sync' as const),
      rows: distinctRows,
      scope: filter,
      deleteWhen: predicate,
    }),
  },
)

const modes = fc.constantFrom(
  { formatVersion: 1 as const, properties: {} },
  { formatVersion: 2 as const, properties: {} },
  { formatVersion: 2 as const, properties: everyMode('copy-on-write') },
  { formatVersion: 2 as const, properties: everyMode('merge-on-read') },
  {
    formatVersion: 2 as const,
    properties: { ...everyMode('merge-on-read'), 'write.delete.granularity': 'partition' },
  },
)

function everyMode(mode: string): Record<string, string> {
  return { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode }
}

type Command = typeof command extends fc.Arbitrary<infer C> ? C : never

/** What the rows are afterwards, by the plainest means. */
function apply(before: readonly ModelRow[], step: Command): readonly ModelRow[] {
  switch (step.op) {
    case 'append':
      return [...before, ...step.rows]
    case 'delete':
      return before.filter((each) => !holds(step.filter, each))
    case 'update':
      return before.map((each) => (holds(step.filter, each) ? { ...each, ...step.set } : each))
    case 'overwrite filter':
      return [...before.filter((each) => !holds(step.filter, each)), ...step.rows]
    case 'overwrite table':
      return step.rows
    case 'upsert':
      return merge(
        before,
        step.rows,
        () => false,
        () => false,
      )
    case 'sync':
      return merge(
        before,
        step.rows,
        (source) => holds(step.deleteWhen, source),
        (target) => holds(step.scope, target),
      )
  }
}

function merge(
  before: readonly ModelRow[],
  source: readonly ModelRow[],
  deletes: (source: ModelRow) => boolean,
  inScope: (target: ModelRow) => boolean,
): readonly ModelRow[] {
  const byKey = new Map(source.map((each) => [each.k, each]))
  const known = new Set(before.map((each) => each.k))
  const kept = before.flatMap((each) => {
    const match = byKey.get(each.k)
    if (match === undefined) return inScope(each) ? [] : [each]
    return deletes(match) ? [] : [match]
  })
  return [...kept, ...source.filter((each) => !known.has(each.k) && !deletes(each))]
}

function holds(expression: Expression, each: ModelRow): boolean {
  const ts =
    each.ts === null
      ? null
      : BigInt(Date.parse(`${each.ts.slice(0, 23)}Z`)) * 1000n + BigInt(each.ts.slice(23))
  return oracle(expression, { ...each, ts }, types) === true
}

async function perform(manager: IcebergTableManager, tbl: Table, step: Command): Promise<void> {
  switch (step.op) {
    case 'append':
      return void (await manager.writeData(tbl, step.rows))
    case 'delete':
      return void (await manager.deleteRows(tbl, step.filter))
    case 'update':
      return void (await manager.updateRows(tbl, step.set, step.filter))
    case 'overwrite filter':
      return void (await manager.writeData(tbl, step.rows, {
        mode: 'overwrite',
        overwriteFilter: step.filter,
      }))
    case 'overwrite table':
      return void (await manager.writeData(tbl, step.rows, { mode: 'overwrite' }))
    case 'upsert':
      return void (await manager.writeData(tbl, step.rows, { mode: 'upsert', joinColumns: ['k'] }))
    case 'sync':
      return void (await manager.writeData(tbl, step.rows, {
        mode: 'upsert',
        joinColumns: ['k'],
        deleteWhen: step.deleteWhen,
        whenNotMatchedBySource: { action: 'delete', scope: step.scope },
      }))
  }
}

/** Rows as sorted text: order is of no meaning, NaN equals itself. */
function asText(all: readonly ModelRow[]): string[] {
  return all.map(({ k, s, d, ts }) => `${k} ${JSON.stringify(s)} ${d} ${ts}`).toSorted()
}

test('any sequence of changes leaves the rows that a plain array has', { timeout: 240_000 }, async () => {
  const folder = await temporaryFolder()
  const manager = await IcebergTableManager.open({
    catalog: { type: 'memory', warehouse: join(folder, 'warehouse') },
    scratchDir: join(folder, 'scratch'),
  })
  let count = 0
  const steps = fc.array(fc.tuple(command, fc.option(spec, { freq: 4 })), { minLength: 1, maxLength: 7 })
  try {
    await manager.createNamespace('model')
    await fc.assert(
      fc.asyncProperty(modes, spec, steps, async (mode, partitionSpec, commands) => {
        count += 1
        const config = { namespace: 'model', name: `t${count}`, schema, partitionSpec, ...mode }
        const tbl: Table = await manager.createTable(config)
        let expected: readonly ModelRow[] = []
        for (const [step, respec] of commands) {
          if (respec !== null) await replaceSpec(manager, tbl, respec)
          await perform(manager, tbl, step)
          expected = apply(expected, step)
          const found = (await tbl.scan().toArray()) as unknown as ModelRow[]
          expect(asText(found)).toEqual(asText(expected))
          expect(await tbl.scan().count()).toBe(expected.length)
        }
      }),
      { numRuns: 60 },
    )
  } finally {
    await manager.close()
  }
})

/** Takes every field out of the partitioning and puts the new ones in. */
async function replaceSpec(
  manager: IcebergTableManager,
  tbl: Table,
  fields: readonly { readonly source: string; readonly transform: string }[],
): Promise<void> {
  const live = tbl.partitionSpec.fields.filter((field) => field.transform.kind !== 'void')
  const removals = live.map(({ name }) => ({ type: 'remove_field' as const, field: name }))
  const additions = fields.map((field) => ({ type: 'add_field' as const, ...field }))
  const changes = [...removals, ...additions]
  if (changes.length > 0) await manager.evolvePartitionSpec(tbl, changes)
}
