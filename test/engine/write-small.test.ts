/** Few rows are written without the engine: what comes of it is what the engine would have made. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ParquetWriteOptions } from '../../src/engine/data-plane.ts'
import { openEnginePlane } from '../../src/engine/duckdb/engine-plane.ts'
import { metricsConfig } from '../../src/format/metrics-config.ts'
import type { Schema } from '../../src/format/schema.ts'
import { UNSORTED } from '../../src/format/sort-order.ts'
import type { NestedField, PrimitiveType, Type } from '../../src/format/types.ts'
import type { Row, Value } from '../../src/format/values/value.ts'
import { anyRow, anySchema, flat, leavesOf, rowIn, rowOut, type ModelRow } from '../pruning/random-schemas.ts'
import { requestOf, taskOf } from './reading.ts'
import { expectSameAs, options, valuesOf, writerOf, writtenBy } from './small-writing.ts'
import { fieldsOf, openWorkshop, pathOf, rowsOf, schemaOf, type Workshop } from './writing.ts'

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

const anyTable = anySchema.chain((schema) =>
  fc.record({
    schema: fc.constant(schema),
    rows: fc.array(anyRow(schema), { minLength: 1, maxLength: 40 }),
    metrics: fc.constantFrom('none', 'counts', 'truncate(2)', 'truncate(16)', 'full'),
    compression: fc.constantFrom<ParquetWriteOptions['compression']>(
      'zstd',
      'gzip',
      'snappy',
      'uncompressed',
    ),
  }),
)

function numbered(rows: readonly ModelRow[]): readonly ModelRow[] {
  return rows.map((row, id) => ({ ...row, id }))
}

test('random tables', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(anyTable, async ({ schema, rows, metrics, compression }) => {
      const model = numbered(rows)
      const given = model.map((row) => rowIn(schema, row))
      const more = {
        metrics: metricsConfig(schema, UNSORTED, { 'write.metadata.metrics.default': metrics }),
        parquet: options({ compression }),
      }
      const small = await writtenBy(shop, given, schema, more)
      const large = await writtenBy(engine, given, schema, more)
      await expectSameAs(shop, small, large)
      expect(await valuesOf(shop, small)).toEqual(await valuesOf(shop, large))
      const read = shop.plane.readRows(requestOf(schema, [taskOf(small)]))
      const found: Row[] = []
      for await (const batch of read) found.push(...batch)
      expect(found).toEqual(model.map((row) => rowOut(schema, row)))
      if (metrics !== 'none') {
        for (const { id, name } of leavesOf(schema.fields).filter(({ type }) => isFloating(type))) {
          const nans = model.filter((row) => Number.isNaN(flat([leaf(schema, name)], row)[name]))
          expect(small.nanValueCounts?.get(id)).toBe(nans.length)
        }
      }
    }),
    { numRuns: 60 },
  )
})

function leaf(schema: Schema, name: string) {
  const found = leavesOf(schema.fields).find((each) => each.name === name)
  if (found === undefined) throw new Error(`no leaf ${name}`)
  return found
}

function isFloating({ kind }: PrimitiveType): boolean {
  return kind === 'float' || kind === 'double'
}

describe('values at the ends of their types', () => {
  const decimal = (precision: number, scale: number): Type => ({ kind: 'decimal', precision, scale })
  const nines = (count: number): string => '9'.repeat(count)
  test.each<readonly [Type, readonly Value[]]>([
    [{ kind: 'boolean' }, [true, false]],
    [{ kind: 'int' }, [-2147483648, 2147483647, 0]],
    [{ kind: 'long' }, [-(2n ** 63n), 2n ** 63n - 1n, 0n]],
    [{ kind: 'float' }, [NaN, Infinity, -Infinity, 1e-45, 3.4028234663852886e38]],
    [{ kind: 'double' }, [NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE]],
    [decimal(4, 4), ['-0.9999', '0.9999', '0']],
    [decimal(9, 0), [nines(9), `-${nines(9)}`]],
    [decimal(10, 9), ['9.999999999', '-9.999999999']],
    [decimal(18, 0), [nines(18), `-${nines(18)}`]],
    [decimal(19, 0), [nines(19), `-${nines(19)}`, '0', '-1']],
    [decimal(38, 38), [`0.${nines(38)}`, `-0.${nines(38)}`]],
    [decimal(38, 0), [nines(38), `-${nines(38)}`]],
    [{ kind: 'date' }, ['0001-01-01', '9999-12-31', '1969-12-31']],
    [{ kind: 'time' }, ['00:00:00', '23:59:59.999999']],
    [
      { kind: 'timestamp' },
      ['0001-01-01T00:00:00', '9999-12-31T23:59:59.999999', '1969-12-31T23:59:59.999999'],
    ],
    [{ kind: 'timestamptz' }, ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z']],
    [{ kind: 'timestamp_ns' }, ['1700-01-01T00:00:00.000000001', '2262-04-11T23:47:16.854775806']],
    [{ kind: 'string' }, ['', '\0', 'a\0b', '\u{10FFFF}', '\uFFFF', '\u{10000}', 'é', ' ']],
    [{ kind: 'string' }, ['x'.repeat(256), 'x'.repeat(257), 'é'.repeat(5000)]],
    [
      { kind: 'uuid' },
      [
        '00000000-0000-0000-0000-000000000000',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
        '7fffffff-ffff-ffff-8000-000000000000',
      ],
    ],
    [
      { kind: 'binary' },
      [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(255, 255), new Uint8Array(300).fill(255)],
    ],
  ])('%#: $kind', async (type, values) => {
    const schema = schemaOf({ x: type })
    const rows = [...values, null].map((x) => ({ x }))
    for (const given of [rows, [{ x: null }], [{}], ...values.map((x) => [{ x }])]) {
      const small = await writtenBy(shop, given, schema)
      const large = await writtenBy(engine, given, schema)
      await expectSameAs(shop, small, large)
      expect(await valuesOf(shop, small)).toEqual(await valuesOf(shop, large))
      // Whoever answers from a file's own statistics must be right.
      const extremes = `SELECT min(x) AS least, max(x) AS greatest, count(x) AS n FROM read_parquet('`
      const [found] = await shop.sql(`${extremes}${pathOf(small)}')`)
      expect([found]).toEqual(await shop.sql(`${extremes}${pathOf(large)}')`))
    }
  })

  test.each<PrimitiveType>([{ kind: 'float' }, { kind: 'double' }])(
    'NaNs in a $kind are found, and are not found for numbers',
    async (type) => {
      const schema = schemaOf({
        x: type,
        st: { kind: 'struct', fields: [{ id: 9, name: 'y', required: false, type }] },
      })
      // Counted by DuckDB, to which NaN is the greatest of all numbers.
      for (const [given, counts] of [
        [[1, 3, NaN], { above: 1n, below: 2n, equal: 1n, nans: 1n }],
        [[3, 3, NaN, NaN], { above: 2n, below: 2n, equal: 2n, nans: 2n }],
        [[NaN], { above: 1n, below: 0n, equal: 0n, nans: 1n }],
      ] as const) {
        const rows = given.map((x) => ({ x, st: { y: x } }))
        const file = await writtenBy(shop, rows, schema)
        expect(await writerOf(file)).toBe('small')
        for (const column of ['x', 'st.y']) {
          const count = async (condition: string) => {
            const from = `read_parquet('${pathOf(file)}')`
            const [found] = await shop.sql(`SELECT count(*) AS n FROM ${from} WHERE ${column} ${condition}`)
            return found?.['n']
          }
          expect({
            above: await count('> 5'),
            below: await count('< 5'),
            equal: await count('= 3'),
            nans: await count("= 'NaN'"),
          }).toEqual(counts)
        }
      }
    },
  )

  test.each<PrimitiveType>([{ kind: 'float' }, { kind: 'double' }])(
    'zeros of both signs in a $kind',
    async (type) => {
      const schema = schemaOf({ x: type })
      const signs = Array.from({ length: 300 }, (_, at) => (at % 3 === 0 ? -0 : 0))
      const file = await writtenBy(
        shop,
        signs.map((x) => ({ x })),
        schema,
      )
      expect((await rowsOf(file)).map(({ x }) => x)).toEqual(signs)
      const [negative] = await shop.sql(
        `SELECT count(*) AS n FROM read_parquet('${pathOf(file)}') WHERE x = 0`,
      )
      expect(negative).toEqual({ n: 300n })
    },
  )
})

describe('nested columns', () => {
  const list = (elementId: number, element: Type, elementRequired = false): Type => ({
    kind: 'list',
    elementId,
    elementRequired,
    element,
  })
  const struct = (...fields: readonly NestedField[]): Type => ({ kind: 'struct', fields })
  const field = (id: number, name: string, type: Type, required = false): NestedField => ({
    id,
    name,
    type,
    required,
  })

  test('nulls and empties at every depth', async () => {
    const schema = fieldsOf([
      field(1, 'deep', list(2, list(3, list(4, struct(field(5, 'x', { kind: 'int' })))))),
      field(6, 'maps', {
        kind: 'map',
        keyId: 7,
        key: struct(field(8, 'k', { kind: 'string' }, true)),
        valueId: 9,
        valueRequired: false,
        value: {
          kind: 'map',
          keyId: 10,
          key: { kind: 'int' },
          valueId: 11,
          valueRequired: true,
          value: { kind: 'double' },
        },
      }),
      field(
        12,
        'outer',
        struct(field(13, 'inner', struct(field(14, 'flags', list(15, { kind: 'boolean' }, true))))),
      ),
    ])
    const rows: readonly Row[] = [
      {},
      { deep: [], maps: [], outer: {} },
      { deep: [null], maps: [[{ k: '' }, null]], outer: { inner: null } },
      { deep: [[]], maps: [[{ k: 'a' }, new Map()]], outer: { inner: {} } },
      { deep: [[null], [[]], [[null]]], outer: { inner: { flags: [] } } },
      {
        deep: [[[{ x: null }, { x: 1 }, null], []], null, [[{ x: 2 }]]],
        outer: { inner: { flags: [true, false] } },
      },
      {
        maps: [
          [{ k: 'b' }, new Map([[1, NaN]])],
          [
            { k: 'c' },
            new Map([
              [2, -0],
              [3, 1.5],
            ]),
          ],
        ],
      },
    ]
    for (const given of [rows, ...rows.map((row) => [row])]) {
      const small = await writtenBy(shop, given, schema)
      const large = await writtenBy(engine, given, schema)
      await expectSameAs(shop, small, large)
      expect(await valuesOf(shop, small)).toEqual(await valuesOf(shop, large))
    }
  })

  test('names that a path or an object could take for others', async () => {
    const names = [
      'a.b',
      'a',
      'A',
      'b"c',
      "it's",
      '__proto__',
      'constructor',
      'key',
      'list',
      'element',
      ' ',
      '1',
      '0',
      'ß',
      'SS',
    ]
    let id = 100
    const fields = names.map((name) => field(id++, name, { kind: 'int' }))
    const schema = fieldsOf([
      ...names.map((name, at) => field(at + 1, name, { kind: 'int' })),
      field(50, 'st', struct(...fields)),
      field(51, 'a.b.c', struct(field(52, 'a', { kind: 'string' }))),
    ])
    const row = Object.fromEntries(names.map((name, at) => [name, at]))
    // Nothing that an object has by itself is meant for a column.
    const bare = (more: Row): Row => Object.assign(Object.create(null), more)
    const given = [{ ...row, st: row, 'a.b.c': { a: 'x' } }, bare({ st: bare({}) })]
    const small = await writtenBy(shop, given, schema)
    const large = await writtenBy(engine, given, schema)
    await expectSameAs(shop, small, large)
    expect(await valuesOf(shop, small)).toEqual(await valuesOf(shop, large))
  })

  test('a member of type unknown', async () => {
    const schema = fieldsOf([
      field(1, 'st', struct(field(2, 'nothing', { kind: 'unknown' }), field(3, 'x', { kind: 'int' }))),
      field(4, 'nothing', { kind: 'unknown' }),
    ])
    const given = [{ st: { x: 1 } }, { st: null }, {}]
    const small = await writtenBy(shop, given, schema)
    await expectSameAs(shop, small, await writtenBy(engine, given, schema))
    expect(await rowsOf(small)).toEqual([{ st: { nothing: null, x: 1 } }, { st: null }, { st: null }])
  })
})
