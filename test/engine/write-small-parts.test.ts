/** Few rows go into few partitions, in the table's order, without the engine. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEnginePlane } from '../../src/engine/duckdb/engine-plane.ts'
import { InvalidDataError } from '../../src/errors.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import { createSortOrder, UNSORTED } from '../../src/format/sort-order.ts'
import { expectSameAs, valuesOf, writerOf } from './small-writing.ts'
import { openWorkshop, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop
let engine: Workshop

beforeAll(async () => {
  shop = await openWorkshop()
  engine = await openWorkshop({}, openEnginePlane)
})

afterAll(async () => {
  await shop.close()
  await engine.close()
})

describe('partitioned and sorted', () => {
  const schema = schemaOf({
    n: { kind: 'int' },
    at: { kind: 'timestamp' },
    s: { kind: 'string' },
    x: { kind: 'double' },
    d: { kind: 'decimal', precision: 9, scale: 2 },
    tags: { kind: 'list', elementId: 20, elementRequired: false, element: { kind: 'string' } },
  })
  const anyRows = fc.array(
    fc.record({
      at: fc.option(fc.constantFrom('1969-12-31T23:00:00', '1970-01-01T00:00:00', '2024-02-29T12:30:00')),
      s: fc.option(fc.constantFrom('', 'a', 'b/c', '\uFFFF', '\u{10000}', 'é'.repeat(20))),
      x: fc.option(fc.constantFrom(NaN, -1.5, 0, Infinity, -Infinity)),
      d: fc.option(fc.constantFrom('-0.01', '1.50', '12345.67')),
      tags: fc.option(fc.array(fc.option(fc.constantFrom('t', 'u')), { maxLength: 3 })),
    }),
    { minLength: 1, maxLength: 30 },
  )
  const anySpec = fc
    .subarray(
      [
        { source: 'at', transform: 'day' },
        { source: 's', transform: 'truncate[1]' },
        { source: 'd', transform: 'bucket[2]' },
        { source: 'n', transform: 'void' },
      ],
      { maxLength: 2 },
    )
    .map((fields) => createSpec(schema, fields))
  const anyOrder = fc
    .uniqueArray(
      fc.record({
        source: fc.constantFrom('at', 's', 'x', 'd'),
        direction: fc.constantFrom('asc' as const, 'desc' as const),
        nullOrder: fc.constantFrom('nulls-first' as const, 'nulls-last' as const),
      }),
      { maxLength: 2, selector: ({ source }) => source },
    )
    // Rows that are equal otherwise are in the order of their numbers.
    .map((fields) => [
      ...fields,
      { source: 'n', direction: 'asc' as const, nullOrder: 'nulls-last' as const },
    ])
    .map((fields) =>
      createSortOrder(
        schema,
        fields.map((each) => ({ ...each, transform: 'identity' })),
      ),
    )

  test('random rows: the same files of the same rows', { timeout: 120_000 }, async () => {
    let parted = 0
    await fc.assert(
      fc.asyncProperty(anyRows, anySpec, fc.option(anyOrder), async (rows, spec, order) => {
        const given = rows.map((row, n) => ({ n, ...row }))
        const more = { spec, sortOrder: order ?? UNSORTED }
        const byPartition = async (who: Workshop): Promise<ReadonlyMap<string, ContentFile>> => {
          const { files } = await who.write({ kind: 'rows', rows: given }, schema, more)
          return new Map(files.map((file) => [file.partition.map(String).join(), file]))
        }
        const [small, large] = [await byPartition(shop), await byPartition(engine)]
        expect([...small.keys()].toSorted()).toEqual([...large.keys()].toSorted())
        for (const [partition, file] of small) {
          const theirs = large.get(partition)
          if (theirs === undefined) throw new Error('no such partition')
          if (small.size > 8) continue
          parted += 1
          await expectSameAs(shop, file, theirs)
          // Without an order the engine keeps none either.
          const sorted = (all: readonly Record<string, unknown>[]) =>
            order === null ? all.toSorted((a, b) => Number(a['n']) - Number(b['n'])) : all
          expect(sorted(await valuesOf(shop, file))).toEqual(sorted(await valuesOf(shop, theirs)))
          const path = (of: ContentFile): string =>
            of.location.split('/data/')[1]?.replace(/[^/]*$/, '') ?? ''
          expect(path(file)).toBe(path(theirs))
        }
      }),
      { numRuns: 60 },
    )
    expect(parted).toBeGreaterThan(0)
  })

  test('many partitions, and those of zeros, are the engine’s', async () => {
    const byN = createSpec(schema, [{ source: 'n', transform: 'identity' }])
    const byX = createSpec(schema, [{ source: 'x', transform: 'identity' }])
    for (const [spec, count, writer] of [
      [byN, 8, 'small'],
      [byN, 9, 'engine'],
      [byX, 2, 'engine'],
    ] as const) {
      const rows = Array.from({ length: count }, (_, n) => ({ n, x: n }))
      const { files } = await shop.write({ kind: 'rows', rows }, schema, { spec })
      expect(files).toHaveLength(count)
      expect(new Set(await Promise.all(files.map(writerOf)))).toEqual(new Set([writer]))
    }
  })

  test('a value too small to be truncated is refused, and leaves nothing', async () => {
    const spec = createSpec(schema, [{ source: 'n', transform: 'truncate[10]' }])
    const before = await shop.leftovers()
    const rows = [{ n: 1 }, { n: -2147483648 }]
    for (const who of [shop, engine]) {
      await expect(who.write({ kind: 'rows', rows }, schema, { spec })).rejects.toThrow(InvalidDataError)
    }
    expect(await shop.leftovers()).toEqual(before)
  })
})
