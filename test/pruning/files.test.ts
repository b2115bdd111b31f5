/**
 * What a write says of its files is true of the files: partition tuples, folders, counts and bounds,
 * as two other readers find the rows.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Datum, PrimitiveType } from '../../src/format/types.ts'
import type { AvroRecord } from '../support/avro.ts'
import { datumOfHyparquet, datumOfSql, exactSql, type ColumnKind } from './columns.ts'
import { judgeBytes, judgeFormEncode, judgeOrder, judgePathText } from './judge-values.ts'
import {
  judgeTuple,
  resultTypeOf,
  SINGLE_FIELDS,
  writeTable,
  type PlainRow,
  type TablePlan,
  type WrittenFile,
  type WrittenTable,
} from './tables.ts'
import { openPruningWorld, readByHyparquet, type PruningWorld } from './world.ts'

let world: PruningWorld
beforeAll(async () => {
  world = await openPruningWorld()
})
afterAll(() => world.close())

const FULL_METRICS = { 'write.metadata.metrics.default': 'full' }

function singleField(kind: ColumnKind, transform: string): TablePlan {
  const name = transform === 'identity' ? 'c' : 'c_part'
  return { columns: { c: kind }, fields: [{ source: 'c', transform, name }], properties: FULL_METRICS }
}

const PLANS: readonly (readonly [string, TablePlan])[] = [
  ...SINGLE_FIELDS.map(
    ([kind, transform]) => [`${transform} of ${kind}`, singleField(kind, transform)] as const,
  ),
  [
    'two columns',
    {
      columns: { d: 'date', s: 'string' },
      fields: [
        { source: 'd', transform: 'year', name: 'd year' },
        { source: 's', transform: 'bucket[3]', name: 's#3' },
      ],
      properties: FULL_METRICS,
    },
  ],
  [
    'three fields of one column, format version 1',
    {
      columns: { n: 'int', x: 'double' },
      fields: [
        { source: 'n', transform: 'bucket[2]', name: 'n_bucket' },
        { source: 'n', transform: 'truncate[20]', name: 'n_trunc' },
        { source: 'n', transform: 'void', name: 'n_void' },
      ],
      formatVersion: 1,
      properties: FULL_METRICS,
    },
  ],
  ['no partitioning', { columns: { x: 'double', s: 'string' }, fields: [], properties: FULL_METRICS }],
]

describe.each(PLANS)('%s', (_name, plan) => {
  test('each file holds the rows of its tuple, where and as its manifest says', async () => {
    const written = await writeTable(world, plan)
    const found = written.files.flatMap(({ rows }) => rows.map(({ id }) => id))
    expect(found.sort((a, b) => a - b)).toEqual(written.rows.map(({ id }) => id))
    for (const file of written.files) {
      await checkRows(written, file)
      checkFolder(written, file)
      for (const [i, name] of ['id', ...Object.keys(written.types)].entries()) {
        checkMetrics(
          file,
          i + 1,
          written.types[name] ?? { kind: 'int' },
          file.rows.map((row) => row[name] ?? null),
        )
      }
    }
  })
})

/** The same rows by both readers, value by value, and each gives the tuple. */
async function checkRows(
  { types, plan }: WrittenTable,
  { location, rows, tuple, file }: WrittenFile,
): Promise<void> {
  const columns = Object.entries(types)
  const select = columns.map(([name, type]) => `${exactSql(type, name)} AS "${name}"`)
  const byDuckDb = await world.readRaw(location, ['id', ...select].join(', '))
  const byHyparquet = await readByHyparquet(location)
  const readings = [
    byDuckDb.map((row) => rowOf(row, columns, datumOfSql)),
    byHyparquet.map((row) => rowOf(row, columns, datumOfHyparquet)),
  ]
  for (const reading of readings) {
    expect(reading.toSorted((a, b) => a.id - b.id)).toEqual(rows)
    for (const row of reading) expect(judgeTuple(plan, types, row)).toEqual(tuple)
  }
  expect(file['record_count']).toBe(BigInt(rows.length))
}

function rowOf(
  row: Readonly<Record<string, unknown>>,
  columns: readonly (readonly [string, PrimitiveType])[],
  decode: (type: PrimitiveType, value: unknown) => Datum | null,
): PlainRow {
  const cells = columns.map(([name, type]) => [name, decode(type, row[name])])
  return { ...Object.fromEntries(cells), id: Number(row['id']) }
}

function checkFolder({ plan, types, table }: WrittenTable, { location, tuple }: WrittenFile): void {
  const folders = location.slice(`${table.location}/data/`.length).split('/').slice(0, -1)
  expect(location.startsWith(`${table.location}/data/`)).toBe(true)
  expect(folders).toHaveLength(plan.fields.length)
  for (const [i, field] of plan.fields.entries()) {
    const type = resultTypeOf(field, types[field.source] ?? { kind: 'int' })
    const text = judgePathText(field.transform, type, tuple[i] ?? null)
    const name = judgeFormEncode(field.name)
    if (text === null) expect(folders[i]).toMatch(new RegExp(`^${name.replaceAll(/[.*+]/g, '\\$&')}=.*$`))
    else expect(folders[i]).toBe(`${name}=${judgeFormEncode(text)}`)
  }
}

function checkMetrics(
  { file }: WrittenFile,
  fieldId: number,
  type: PrimitiveType,
  values: readonly (Datum | null)[],
): void {
  const present = values.filter((value) => value !== null)
  const comparable = present.filter((value) => !Number.isNaN(value)).sort((a, b) => judgeOrder(type, a, b))
  const count = (key: string): unknown => metricOf(file, key, fieldId)
  expect(count('value_counts')).toBe(BigInt(values.length))
  expect(count('null_value_counts')).toBe(BigInt(values.length - present.length))
  if (type.kind === 'float' || type.kind === 'double') {
    // NaNs may be left uncounted, where there are some; never miscounted.
    const nans = present.length - comparable.length
    expect([BigInt(nans), nans > 0 ? undefined : 0n]).toContain(count('nan_value_counts'))
  }
  expect(Number(count('column_sizes'))).toBeGreaterThan(0)
  const [least, greatest] = [comparable[0], comparable.at(-1)]
  checkBound(type, count('lower_bounds'), least, -1)
  checkBound(type, count('upper_bounds'), greatest, 1)
}

/** The extreme itself, but where readers differ: zero has two signs, uuids two orders. */
function checkBound(type: PrimitiveType, bound: unknown, extreme: Datum | undefined, side: -1 | 1): void {
  if (extreme === undefined || (type.kind === 'uuid' && bound === undefined)) {
    expect(bound).toBeUndefined()
    return
  }
  const isFloat = type.kind === 'float' || type.kind === 'double'
  const bytes = judgeBytes(type, isFloat && extreme === 0 && side < 0 ? -0 : extreme)
  if (type.kind !== 'uuid') expect(bound).toEqual(bytes)
  else expect(Buffer.compare(bound as Buffer, bytes) * side).toBeGreaterThanOrEqual(0)
}

/** Maps with int keys are arrays of key and value in Avro. */
function metricOf(file: AvroRecord, key: string, fieldId: number): unknown {
  const pairs = (file[key] ?? []) as readonly { readonly key: number; readonly value: unknown }[]
  return pairs.find((pair) => pair.key === fieldId)?.value
}
