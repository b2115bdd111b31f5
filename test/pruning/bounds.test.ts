/** Where other implementations went wrong with bounds, end to end: written, looked into, filtered. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eq, gt, gte, isNaN, isNull, lt, notIn, t, table, type Row } from '../../src/index.ts'
import { rewriteAsForeign } from './foreign.ts'
import { dataFiles, idsWhere, openHazardTables, type HazardTables } from './hazard-tables.ts'

let hazards: HazardTables
beforeAll(async () => {
  hazards = await openHazardTables()
})
afterAll(() => hazards.world.close())

describe('NaN', () => {
  const schema = table({ id: t.int(), x: t.double() })
  const build = (...batches: readonly (readonly Row[])[]) => hazards.tableOf(schema, {}, ...batches)
  const three = [
    [
      { id: 1, x: 3 },
      { id: 2, x: NaN },
      { id: 3, x: 5 },
    ],
    [{ id: 4, x: NaN }],
    [
      { id: 5, x: 3 },
      { id: 6, x: -7 },
    ],
  ]

  test.each(['as written', 'with NaN as the last file’s bounds'])(
    'is found by its own filter, %s',
    async (kind) => {
      const of = await build(...three)
      if (kind !== 'as written') {
        const bytes = new Uint8Array(new Float64Array([NaN]).buffer)
        await rewriteAsForeign(hazards.world.manager, of, (file) => {
          const isLast = file.recordCount === 2
          return isLast
            ? { ...file, lowerBounds: new Map([[2, bytes]]), upperBounds: new Map([[2, bytes]]) }
            : file
        })
      }
      expect(await idsWhere(of, gt('x', 4))).toEqual([3])
      expect(await idsWhere(of, isNaN('x'))).toEqual([2, 4])
      expect(await idsWhere(of, notIn('x', [3]))).toEqual([2, 3, 4, 6])
      expect(await idsWhere(of, lt('x', 0))).toEqual([6])
    },
  )

  test('is in no bound, and a file of nothing else has none', async () => {
    const of = await build(...three)
    const bounds = (await dataFiles(of)).map(({ lower_bounds, upper_bounds, record_count }) => ({
      rows: record_count,
      lower: boundOf(lower_bounds, 2)?.readDoubleLE(),
      upper: boundOf(upper_bounds, 2)?.readDoubleLE(),
    }))
    expect(bounds).toEqual(
      expect.arrayContaining([
        { rows: 3n, lower: 3, upper: 5 },
        { rows: 1n, lower: undefined, upper: undefined },
        { rows: 2n, lower: -7, upper: 3 },
      ]),
    )
  })

  test('a file is left out only when it is known to hold nothing else', async () => {
    const of = await build([{ id: 4, x: NaN }])
    const counted = (nans: number) => new Map([[2, nans]])
    await rewriteAsForeign(hazards.world.manager, of, (file) => ({ ...file, nanValueCounts: counted(1) }))
    expect((await of.scan({ filter: gt('x', 4) }).plan()).report.filesScanned).toBe(0)
    const uncounted = await build([{ id: 4, x: NaN }])
    await rewriteAsForeign(hazards.world.manager, uncounted, (file) => ({ ...file, nanValueCounts: null }))
    expect((await uncounted.scan({ filter: gt('x', 4) }).plan()).report.filesScanned).toBe(1)
  })
})

test('decimals have bounds of as few bytes as they need, whatever the file keeps them in', async () => {
  const schema = table({ id: t.int(), a: t.decimal(6, 4), b: t.decimal(18, 2), c: t.decimal(38, 10) })
  const all = (text: string) => ({ a: text, b: Number(text).toFixed(2), c: text })
  const of = await hazards.tableOf(
    schema,
    {},
    [{ id: 1, ...all('-0.0001') }],
    [{ id: 2, ...all('12.3400') }],
    [
      { id: 3, a: '-99.9999', b: '-9999999999999999.99', c: `-${'9'.repeat(28)}.${'9'.repeat(10)}` },
      { id: 4, a: '99.9999', b: '9999999999999999.99', c: `${'9'.repeat(28)}.${'9'.repeat(10)}` },
    ],
  )
  const lower = (await dataFiles(of)).map((file) =>
    [2, 3, 4].map((id) => boundOf(file['lower_bounds'], id)?.toString('hex')),
  )
  const minimal = (unscaled: bigint): string => {
    const length =
      [...Array(17).keys()].find((n) => n > 0 && BigInt.asIntN(8 * n, unscaled) === unscaled) ?? 17
    return BigInt.asUintN(8 * length, unscaled)
      .toString(16)
      .padStart(2 * length, '0')
  }
  expect(lower).toEqual(
    expect.arrayContaining([
      ['ff', '00', minimal(-1_000_000n)],
      [minimal(123_400n), minimal(1234n), minimal(123_400_000_000n)],
      [minimal(-999_999n), minimal(-(10n ** 18n) + 1n), minimal(-(10n ** 38n) + 1n)],
    ]),
  )
  expect(await idsWhere(of, eq('a', '-0.0001'))).toEqual([1])
  expect(await idsWhere(of, lt('b', '-1'))).toEqual([3])
  expect(await idsWhere(of, gt('c', '12.34'))).toEqual([4])
  expect(await idsWhere(of, gte('c', '12.34'))).toEqual([2, 4])
})

test.each(['decimals-fixed.parquet', 'decimals-integer.parquet'])(
  'decimals come in whatever a file keeps them in: %s',
  async (name) => {
    const schema = table({
      d6: t.decimal(6, 4),
      d18: t.decimal(18, 2),
      d20: t.decimal(20, 0),
      d38: t.decimal(38, 10),
    })
    const of = await hazards.tableOf(schema, { partitionSpec: [{ source: 'd6', transform: 'bucket[4]' }] })
    const parquet = fileURLToPath(new URL(`../fixtures/parquet/${name}`, import.meta.url))
    await hazards.world.manager.writeData(of, { parquet })
    expect(await of.scan({ filter: eq('d6', '-0.0001') }).toArray()).toEqual([
      { d6: '-0.0001', d18: '-0.01', d20: '-1', d38: '-0.0000000001' },
    ])
    expect(await of.scan({ filter: gte('d20', '99999999999999999999'), select: ['d18'] }).toArray()).toEqual([
      { d18: '9999999999999999.99' },
    ])
    expect(await of.scan({ filter: lt('d38', 0), select: ['d6'] }).count()).toBe(2)
    expect(await of.scan({ filter: isNull('d18') }).count()).toBe(1)
  },
)

function boundOf(bounds: unknown, fieldId: number): Buffer | undefined {
  const pairs = (bounds ?? []) as readonly { readonly key: number; readonly value: Buffer }[]
  return pairs.find(({ key }) => key === fieldId)?.value
}
