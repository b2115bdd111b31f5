/**
 * A scan opens exactly the manifests and data files that can hold a matching row by what their
 * metadata says, as an independent walk finds them, counted where they are opened; and its rows are
 * those of a plain filter over all rows.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Datum, PrimitiveType } from '../../src/format/types.ts'
import { oracle } from '../format/expressions/oracle.ts'
import type { ColumnKind } from './columns.ts'
import { joinedOf, predicatesOf } from './filters.ts'
import {
  expressionOf,
  judgeFilter,
  partitionMayMatch,
  rangeMayMatch,
  summaryMayMatch,
  type JudgedFilter,
  type JudgedPredicate,
  type JudgedRange,
} from './judge-filters.ts'
import { judgeOrder } from './judge-values.ts'
import {
  resultTypeOf,
  SINGLE_FIELDS,
  writeTable,
  type TablePlan,
  type WrittenFile,
  type WrittenTable,
} from './tables.ts'
import { openPruningWorld, type PruningWorld } from './world.ts'

let world: PruningWorld
beforeAll(async () => {
  world = await openPruningWorld()
})
afterAll(() => world.close())

const NO_METRICS = { 'write.metadata.metrics.default': 'none' }
const FULL_METRICS = { 'write.metadata.metrics.default': 'full' }

function singleField(kind: ColumnKind, transform: string): TablePlan {
  const name = transform === 'identity' ? 'c' : 'c_part'
  const fields = [{ source: 'c', transform, name }]
  return { columns: { c: kind }, fields, properties: NO_METRICS, appends: 5 }
}

const TWO_COLUMNS: TablePlan = {
  columns: { d: 'date', s: 'string', n: 'int' },
  fields: [
    { source: 'd', transform: 'year', name: 'd_year' },
    { source: 's', transform: 'truncate[1]', name: 's_trunc' },
  ],
  properties: NO_METRICS,
}

const ONE_COLUMN_THRICE: TablePlan = {
  columns: { t: 'timestamp' },
  fields: [
    { source: 't', transform: 'bucket[3]', name: 't_bucket' },
    { source: 't', transform: 'month', name: 't_month' },
    { source: 't', transform: 'void', name: 't_void' },
  ],
  properties: NO_METRICS,
}

const METRICS_ALONE = (kind: ColumnKind): TablePlan => ({
  columns: { c: kind },
  fields: [],
  properties: FULL_METRICS,
  appends: 6,
})

const PLANS: readonly (readonly [string, TablePlan])[] = [
  ...SINGLE_FIELDS.map(
    ([kind, transform]) => [`${transform} of ${kind}`, singleField(kind, transform)] as const,
  ),
  ['a field on each of two columns, and a column without', TWO_COLUMNS],
  ['three fields on one column', ONE_COLUMN_THRICE],
  ...(
    [
      'boolean',
      'int',
      'long',
      'double',
      'decimal',
      'date',
      'time',
      'timestamptz',
      'string',
      'binary',
    ] as const
  ).map((kind) => [`metrics of ${kind}`, METRICS_ALONE(kind)] as const),
  ['metrics and partitions', { ...TWO_COLUMNS, properties: FULL_METRICS, formatVersion: 1 }],
]

describe.each(PLANS)('%s', (_name, plan) => {
  test('opens what can match, and answers what does', async () => {
    const written = await writeTable(world, plan)
    expect(written.manifests.length).toBeGreaterThan(2)
    const predicates = Object.entries(written.types).flatMap(([name, type]) =>
      predicatesOf(
        name,
        type,
        written.rows.map((row) => row[name] ?? null),
      ),
    )
    for (const filter of [...predicates, ...joinedOf(predicates, 12)]) await checkScan(written, filter)
  })
})

async function checkScan(written: WrittenTable, filter: JudgedFilter): Promise<void> {
  const { table, types, rows, files, manifests } = written
  const expression = expressionOf(filter)
  const said = JSON.stringify(expression, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))
  const scan = table.scan({ filter: expression, select: ['id'] })
  world.opened()
  const found = (await scan.toArray()).map(({ id }) => Number(id)).sort((a, b) => a - b)
  const opened = world.opened()

  const expected = rows.filter((row) => oracle(expression, row, { ...types, id: { kind: 'int' } }) === true)
  expect(found, said).toEqual(expected.map(({ id }) => id))

  const wanted = files.filter((file) => judgeFilter(filter, (one) => fileMayMatch(written, file, one)))
  expect(opened.files, said).toEqual(wanted.map(({ location }) => location).sort())
  const locations = manifests.map((manifest) => String(manifest['manifest_path'])).sort()
  const openedManifests = opened.objects.filter((location) => locations.includes(location))
  const wantedManifests = locations.filter((location) =>
    judgeFilter(filter, (one) => manifestMayMatch(written, location, one)),
  )
  // Summaries of uuids are loose or left out, since readers differ in how they order them.
  if (!hasUuids(written)) expect(openedManifests, said).toEqual(wantedManifests)
  expect(openedManifests, said).toEqual(expect.arrayContaining(wantedManifests))
  await checkReport(written, filter, { files: wanted.length, manifests: openedManifests.length })
}

function hasUuids({ types, plan }: WrittenTable): boolean {
  return plan.fields.some(
    (field) => resultTypeOf(field, types[field.source] ?? { kind: 'int' }).kind === 'uuid',
  )
}

/** The plan says the same, and which parts of the filter were of no use to it. */
async function checkReport(
  written: WrittenTable,
  filter: JudgedFilter,
  expected: { readonly files: number; readonly manifests: number },
): Promise<void> {
  const { report } = await written.table.scan({ filter: expressionOf(filter) }).plan()
  expect(report).toMatchObject({
    manifestsTotal: written.manifests.length,
    manifestsScanned: expected.manifests,
    filesTotal: written.files.length,
    filesScanned: expected.files,
  })
  if ('op' in filter) return
  if (canPrune(written, filter)) expect(report.notPruned).toEqual([])
  else expect(report.notPruned).toEqual([expect.stringContaining(filter.expression.column)])
}

function fileMayMatch(written: WrittenTable, file: WrittenFile, predicate: JudgedPredicate): boolean {
  const { column } = predicate.expression
  const type = typeOf(written, column)
  const isIn = written.plan.fields.every(
    ({ source, transform }, i) =>
      source !== column || partitionMayMatch(predicate, { transform, type }, file.tuple[i] ?? null),
  )
  if (!isIn || written.plan.properties?.['write.metadata.metrics.default'] !== 'full') return isIn
  return rangeMayMatch(
    predicate,
    type,
    // Of few rows the NaNs are counted: what holds nothing else is known for it.
    rangeOf(
      type,
      file.rows.map((row) => row[column] ?? null),
    ),
  )
}

function manifestMayMatch(written: WrittenTable, location: string, predicate: JudgedPredicate): boolean {
  const { column } = predicate.expression
  const type = typeOf(written, column)
  const files = written.files.filter(({ manifest }) => manifest === location)
  return written.plan.fields.every((field, i) => {
    if (field.source !== column || field.transform === 'void') return true
    const result = resultTypeOf(field, type)
    const range = rangeOf(
      result,
      files.map(({ tuple }) => tuple[i] ?? null),
    )
    return summaryMayMatch(predicate, { transform: field.transform, type }, result, range)
  })
}

function typeOf({ types }: WrittenTable, column: string): PrimitiveType {
  const type = types[column]
  if (type === undefined) throw new Error(`no column ${column}`)
  return type
}

function rangeOf(type: PrimitiveType, values: readonly (Datum | null)[]): JudgedRange {
  const plain = values
    .filter((value): value is Datum => value !== null && !Number.isNaN(value))
    .sort((a, b) => judgeOrder(type, a, b))
  const [lower, upper] = [plain[0], plain.at(-1)]
  return {
    hasNull: values.includes(null),
    hasNaN: values.some((value) => Number.isNaN(value)),
    hasValue: plain.length > 0,
    bounds: lower === undefined || upper === undefined ? null : [lower, upper],
  }
}

/** Whether a partition other than null could ever be left out because of the predicate. */
function canPrune({ plan, types }: WrittenTable, { expression, literals }: JudgedPredicate): boolean {
  const { op, column } = expression
  return plan.fields.some(({ source, transform }) => {
    if (source !== column || transform === 'void') return false
    if (transform === 'identity' || op === 'is-null' || op === 'not-null') return true
    if (transform.startsWith('bucket')) return op === 'eq' || op === 'in'
    const width = Number(/\d+/.exec(transform)?.[0])
    const lengths = literals.map(
      (literal) => [...(typeof literal === 'object' ? literal : String(literal))].length,
    )
    switch (op) {
      case 'not-eq':
      case 'not-in':
        // A partition value that is shorter than the width is the value itself.
        if (types[column]?.kind === 'string' || types[column]?.kind === 'binary') {
          return lengths.some((length) => length < width)
        }
        return transform === 'day' && types[column]?.kind === 'date'
      case 'not-starts-with':
        return lengths.every((length) => length <= width)
      default:
        return true
    }
  })
}
