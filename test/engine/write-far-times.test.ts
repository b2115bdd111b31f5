/** Dates and times that are infinite to the engine: in no year, and so in no partition. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as arrow from 'apache-arrow'
import type { SchemaElement } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FloebergError } from '../../src/errors.ts'
import type { Type } from '../../src/format/types.ts'
import { openWorkshop, rowsOf, schemaOf, WRITERS, type Workshop } from './writing.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
  await mkdir(join(shop.folder, 'in'))
})
afterAll(() => shop.close())

const TIMESTAMP: Type = { kind: 'timestamp' }
const TIMESTAMPTZ: Type = { kind: 'timestamptz' }
const DATE: Type = { kind: 'date' }
const LONG_MAX = 2n ** 63n - 1n
const INT_MAX = 2 ** 31 - 1

type Source = Parameters<Workshop['write']>[0]

/** What a write is refused with; nothing is left of it. */
async function refusal(source: Source, type: Type): Promise<FloebergError> {
  const before = await shop.leftovers()
  const error: unknown = await shop.write(source, schemaOf({ x: type })).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(await shop.leftovers()).toEqual(before)
  if (!(error instanceof FloebergError)) throw new Error('not refused', { cause: error })
  return error
}

describe('Parquet files', () => {
  const cases = [
    ['timestamp', TIMESTAMP, "'infinity'::TIMESTAMP"],
    ['timestamp, before all', TIMESTAMP, "'-infinity'::TIMESTAMP"],
    ['timestamptz', TIMESTAMPTZ, "'infinity'::TIMESTAMPTZ"],
    ['date', DATE, "'infinity'::DATE"],
    ['date, before all', DATE, "'-infinity'::DATE"],
  ] as const

  test.each(cases)('%s: the column and the row are named', async (_name, type, sql) => {
    const path = join(shop.folder, 'in', 'far.parquet')
    await shop.sql(
      `COPY (SELECT unnest([NULL, '2020-01-01'::${type.kind}, ${sql}]) AS x) TO '${path}' (FORMAT parquet)`,
    )
    const error = await refusal({ kind: 'files', format: 'parquet', paths: [path] }, type)
    expect(error).toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: 'x', row: 2, source: path })
    expect(error.message).toMatch(/too far/)
  })

  test('in a list', async () => {
    const path = join(shop.folder, 'in', 'list.parquet')
    await shop.sql(`COPY (SELECT ['infinity'::DATE] AS x) TO '${path}' (FORMAT parquet)`)
    const list: Type = { kind: 'list', elementId: 9, elementRequired: false, element: DATE }
    const error = await refusal({ kind: 'files', format: 'parquet', paths: [path] }, list)
    expect(error).toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: 'x' })
  })
})

describe('Arrow', () => {
  const times = (type: arrow.Timestamp | arrow.DateMillisecond, values: readonly bigint[]): Source => {
    const [length, longs] = [values.length, BigInt64Array.from(values)]
    const data: arrow.Data =
      type instanceof arrow.DateMillisecond
        ? arrow.makeData({ type, length, data: longs })
        : arrow.makeData({ type, length, data: longs })
    return { kind: 'arrow', batches: new arrow.Table({ x: new arrow.Vector([data]) }).batches }
  }
  const { SECOND, MILLISECOND, MICROSECOND } = arrow.TimeUnit

  test.each([
    [SECOND, 'UTC', TIMESTAMPTZ, LONG_MAX],
    [SECOND, 'UTC', TIMESTAMPTZ, LONG_MAX / 1_000_000n + 1n],
    [SECOND, 'UTC', TIMESTAMPTZ, -LONG_MAX],
    [MILLISECOND, 'UTC', TIMESTAMPTZ, LONG_MAX / 1000n + 1n],
    [MICROSECOND, 'UTC', TIMESTAMPTZ, LONG_MAX],
    [MICROSECOND, 'UTC', TIMESTAMPTZ, -LONG_MAX],
    [SECOND, null, TIMESTAMP, LONG_MAX],
    [MILLISECOND, null, TIMESTAMP, -LONG_MAX],
    [MICROSECOND, null, TIMESTAMP, LONG_MAX],
  ])('times of unit %i, zone %s', async (unit, zone, type, value) => {
    const error = await refusal(times(new arrow.Timestamp(unit, zone), [0n, value]), type)
    expect(error).toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: 'x' })
  })

  test('what stands in the place of a null means nothing', async () => {
    const type = new arrow.Timestamp(SECOND, 'UTC')
    const data = arrow.makeData({
      type,
      length: 2,
      nullCount: 1,
      nullBitmap: Uint8Array.of(1),
      data: BigInt64Array.of(7n, LONG_MAX),
    })
    const batches = new arrow.Table({ x: new arrow.Vector([data]) }).batches
    const { rows } = await shop.write({ kind: 'arrow', batches }, schemaOf({ x: TIMESTAMPTZ }))
    expect(rows).toBe(2)
  })

  test('nor does a day of milliseconds there', async () => {
    const data = arrow.makeData({
      type: new arrow.DateMillisecond(),
      length: 3,
      nullCount: 2,
      nullBitmap: Uint8Array.of(1),
      data: BigInt64Array.of(86_400_000n, 7n, LONG_MAX),
    })
    const batches = new arrow.Table({ x: new arrow.Vector([data]) }).batches
    const { files } = await shop.write({ kind: 'arrow', batches }, schemaOf({ x: DATE }))
    const rows = await Promise.all(files.map(rowsOf))
    expect(rows.flat()).toEqual([{ x: new Date(86_400_000) }, { x: null }, { x: null }])
  })

  test('days', async () => {
    const type = new arrow.DateDay()
    for (const value of [INT_MAX, -INT_MAX]) {
      const data = arrow.makeData({ type, length: 2, data: Int32Array.from([0, value]) })
      const batches = new arrow.Table({ x: new arrow.Vector([data]) }).batches
      const error = await refusal({ kind: 'arrow', batches }, DATE)
      expect(error).toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: 'x' })
    }
  })

  test('days in milliseconds, which fit no date', async () => {
    for (const value of [86_400_000n * 2n ** 31n, -86_400_000n * (2n ** 31n + 1n)]) {
      const error = await refusal(times(new arrow.DateMillisecond(), [0n, value]), DATE)
      expect(error).toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: 'x', row: 1 })
    }
  })
})

test('a file that the engine cannot even read is told as a write that failed', async () => {
  const path = join(shop.folder, 'in', 'millis.parquet')
  // A local time in milliseconds that is none in microseconds, which no engine of ours would write.
  const x: SchemaElement = {
    name: 'x',
    type: 'INT64',
    repetition_type: 'OPTIONAL',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MILLIS' },
  }
  const bytes = parquetWriteBuffer({
    columnData: [{ name: 'x', data: [0n, -(2n ** 63n)] }],
    schema: [{ name: 'root', num_children: 1 }, x],
    statistics: false,
  })
  await writeFile(path, new Uint8Array(bytes))
  const error = await refusal({ kind: 'files', format: 'parquet', paths: [path] }, TIMESTAMP)
  expect(error.message).toMatch(/could not write/)
})

describe.each(WRITERS)('rows, by $writer', ({ open }) => {
  // 2^31 - 1 days after 1970, and as many before; beside them the last days that are days.
  test.each(['+5881580-07-11', '-5877641-06-24'])('the day %s', async (x) => {
    const own = await openWorkshop({}, open)
    try {
      const write = own.write({ kind: 'rows', rows: [{ x: null }, { x }] }, schemaOf({ x: DATE }))
      await expect(write).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: 'x', row: 1 })
      const near = [{ x: '+5881580-07-10' }, { x: '-5877641-06-25' }, { x: '-5877641-06-23' }]
      const { rows } = await own.write({ kind: 'rows', rows: near }, schemaOf({ x: DATE }))
      expect(rows).toBe(near.length)
      expect(await own.leftovers()).toHaveLength(1)
    } finally {
      await own.close()
    }
  })
})
