/** What a table may go through: writes, refs, upkeep, and others between a plan and its execution. */
import fc from 'fast-check'
import { eq, gte, isIn, lt, t, table, type Expression } from '../../src/index.ts'

export interface ModelRow {
  readonly k: number
  readonly s: string
}

export const schema = table({ k: t.int().required(), s: t.string() })
export const row = fc.record({ k: fc.integer({ min: 0, max: 9 }), s: fc.constantFrom('a', 'b', 'c') })
const predicates = [
  { filter: gte('k', 5), holds: ({ k }: ModelRow) => k >= 5 },
  { filter: lt('k', 3), holds: ({ k }: ModelRow) => k < 3 },
  { filter: eq('s', 'a'), holds: ({ s }: ModelRow) => s === 'a' },
  { filter: isIn('s', ['b', 'c']), holds: ({ s }: ModelRow) => s === 'b' || s === 'c' },
] satisfies readonly { filter: Expression; holds(row: ModelRow): boolean }[]

/** Which one of those that there are, whatever their number. */
const choice = fc.nat({ max: 11 })
const record = fc.record

export const write = fc.oneof(
  record({ op: fc.constant('append' as const), rows: fc.array(row, { minLength: 1, maxLength: 5 }) }),
  record({ op: fc.constant('delete' as const), predicate: fc.constantFrom(...predicates) }),
  record({
    op: fc.constant('upsert' as const),
    rows: fc.uniqueArray(row, { minLength: 1, maxLength: 5, selector: ({ k }) => k }),
  }),
  record({
    op: fc.constant('overwrite' as const),
    rows: fc.array(row, { maxLength: 5 }),
    predicate: fc.constantFrom(null, ...predicates),
  }),
)

const refChange = fc.oneof(
  record({ op: fc.constant('tag' as const), snapshot: choice }),
  record({ op: fc.constant('branch' as const), snapshot: choice }),
  record({ op: fc.constant('remove ref' as const), ref: choice }),
  record({ op: fc.constant('fast-forward' as const), ref: choice }),
  record({ op: fc.constant('replace main' as const), snapshot: choice }),
  record({ op: fc.constant('cherry-pick' as const), snapshot: choice }),
  record({ op: fc.constant('rollback' as const), snapshot: choice }),
)

export const byOthers = fc.oneof(
  record({ op: fc.constant('write' as const), branch: choice, write }),
  refChange,
)

const expiry = record({
  op: fc.constant('expire' as const),
  hours: fc.integer({ min: 0, max: 4 }),
  keepLast: fc.constantFrom(1, 1, 2),
  between: fc.option(byOthers),
})

export const upkeep = fc.oneof(
  { weight: 3, arbitrary: expiry },
  record({
    op: fc.constant('compact' as const),
    strategy: fc.constantFrom('bin_pack' as const, 'sort' as const),
    between: fc.option(byOthers),
  }),
  record({ op: fc.constant('rewrite manifests' as const) }),
  record({ op: fc.constant('rewrite position deletes' as const) }),
  record({ op: fc.constant('orphans' as const), between: fc.option(byOthers) }),
)

export type Write = typeof write extends fc.Arbitrary<infer T> ? T : never
export type ByOthers = typeof byOthers extends fc.Arbitrary<infer T> ? T : never
export type Upkeep = typeof upkeep extends fc.Arbitrary<infer T> ? T : never

const step = fc.oneof(
  { weight: 4, arbitrary: record({ kind: fc.constant('write' as const), change: byOthers }) },
  { weight: 3, arbitrary: record({ kind: fc.constant('upkeep' as const), change: upkeep }) },
)

export const beginning = fc.array(
  write.map((change) => ({
    kind: 'write' as const,
    change: { op: 'write' as const, branch: 0, write: change },
  })),
  { minLength: 2, maxLength: 5 },
)
export const rest = fc.array(step, { minLength: 2, maxLength: 9 })

export const tables = fc.constantFrom(
  { formatVersion: 1 as const, partitionSpec: [{ source: 's' }] },
  { formatVersion: 2 as const, partitionSpec: [{ source: 's' }] },
  {
    formatVersion: 2 as const,
    partitionSpec: [],
    properties: { 'write.delete.mode': 'merge-on-read', 'write.merge.mode': 'merge-on-read' },
  },
)
