import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { WriteResult } from '../../src/engine/data-plane.ts'
import { createSpec, type PartitionSpec } from '../../src/format/partition-spec.ts'
import { createSortOrder } from '../../src/format/sort-order.ts'
import { applyTransform } from '../../src/format/transforms/apply.ts'
import { canTransform, parseTransform } from '../../src/format/transforms/transform.ts'
import type { PrimitiveType } from '../../src/format/types.ts'
import { valueToDatum, type Value } from '../../src/format/values/value.ts'
import { openWorkshop, pathOf, rowsOf, schemaOf, type Workshop, WRITERS } from './writing.ts'

describe.each(WRITERS)('rows by $writer', ({ open }) => {
  let shop: Workshop

  beforeAll(async () => {
    shop = await openWorkshop({}, open)
  })

  afterAll(() => shop.close())

  /** The partition tuple of every row's number, as the files say. */
  async function tuplesByRow(result: WriteResult): Promise<ReadonlyMap<number, readonly unknown[]>> {
    const tuples = new Map<number, readonly unknown[]>()
    for (const file of result.files) {
      for (const row of await rowsOf(file)) tuples.set(Number(row['n']), file.partition)
    }
    return tuples
  }

  const longText = 'x'.repeat(300)

  /** Values that transforms get wrong elsewhere, and any others. */
  const VALUES: ReadonlyMap<
    PrimitiveType,
    fc.Arbitrary<Value | { micros: bigint } | { nanos: bigint }>
  > = new Map<PrimitiveType, fc.Arbitrary<Value | { micros: bigint } | { nanos: bigint }>>([
    [{ kind: 'boolean' }, fc.boolean()],
    [
      { kind: 'int' },
      fc.oneof(fc.constantFrom(0, -1, -10, 2147483647, -2147483640), fc.integer({ min: -2147483000 })),
    ],
    [
      { kind: 'long' },
      fc.oneof(fc.constantFrom(0n, -1n, 2n ** 63n - 1n), fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })),
    ],
    [{ kind: 'float' }, fc.oneof(fc.constantFrom(Number.NaN, 0, Number.POSITIVE_INFINITY), fc.float())],
    [{ kind: 'double' }, fc.oneof(fc.constantFrom(Number.NaN, 0, Number.NEGATIVE_INFINITY), fc.double())],
    [
      { kind: 'decimal', precision: 9, scale: 2 },
      fc.oneof(
        fc.constantFrom('-1.28', '-327.68', '1.28', '-1.29', '0'),
        fc.integer({ min: -(10 ** 9) + 1, max: 10 ** 9 - 1 }).map((unscaled) => decimal(BigInt(unscaled), 2)),
      ),
    ],
    [
      { kind: 'decimal', precision: 38, scale: 3 },
      fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }).map((unscaled) => decimal(unscaled, 3)),
    ],
    [
      { kind: 'date' },
      fc
        .date({ min: new Date('0100-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10)),
    ],
    [{ kind: 'time' }, fc.bigInt({ min: 0n, max: 86_399_999_999n }).map((micros) => ({ micros }))],
    [
      { kind: 'timestamp' },
      fc.oneof(
        fc.constantFrom({ micros: -1n }, { micros: 0n }, { micros: -3_600_000_000n }),
        fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }).map((micros) => ({ micros })),
      ),
    ],
    [
      { kind: 'timestamptz' },
      fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }).map((micros) => ({ micros })),
    ],
    [
      { kind: 'timestamp_ns' },
      fc.oneof(
        fc.constantFrom({ nanos: -1n }, { nanos: -1001n }),
        fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }).map((nanos) => ({ nanos })),
      ),
    ],
    [
      { kind: 'string' },
      fc.oneof(
        fc.constantFrom(
          '',
          'NULL',
          'null',
          '.',
          '..',
          'a/b=c',
          "it's",
          '__HIVE_DEFAULT_PARTITION__',
          'A',
          'a',
          longText,
          `${longText}y`,
        ),
        fc.string({ unit: 'binary', maxLength: 40 }),
      ),
    ],
    [{ kind: 'uuid' }, fc.uuid()],
    [
      { kind: 'binary' },
      fc.oneof(
        fc.constantFrom(new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(255, 0, 92, 120)),
        fc.uint8Array({ maxLength: 80 }),
      ),
    ],
  ])

  function decimal(unscaled: bigint, scale: number): string {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
    return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  }

  const TRANSFORMS = ['identity', 'bucket[7]', 'truncate[3]', 'year', 'month', 'day', 'hour', 'void']

  describe('partition values are those of the spec', () => {
    for (const [type, values] of VALUES) {
      for (const text of TRANSFORMS) {
        if (!canTransform(parseTransform(text), type)) continue
        const label = type.kind === 'decimal' ? `${type.kind}(${type.precision})` : type.kind
        test(`${text} of ${label}`, async () => {
          const schema = schemaOf({ n: { kind: 'int' }, x: type })
          const spec = createSpec(schema, [{ source: 'x', transform: text }])
          const transform = parseTransform(text)
          const run = async (
            given: readonly (Value | { micros: bigint } | { nanos: bigint })[],
          ): Promise<void> => {
            const rows = [...given, null].map((x, n) => ({ n, x: x as Value }))
            const tuples = await tuplesByRow(await shop.write({ kind: 'rows', rows }, schema, { spec }))
            const expected = rows.map(({ x }) =>
              applyTransform(transform, type, x === null ? null : valueToDatum(type, x)),
            )
            // Zeros of either sign are one partition.
            const plain = (value: unknown): unknown => (value === 0 ? 0 : value)
            expect(rows.map(({ n }) => plain(tuples.get(n)?.[0]))).toEqual(expected.map(plain))
          }
          await fc.assert(fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 30 }), run), {
            numRuns: 6,
          })
        })
      }
    }
  })

  describe('the files of a partitioned write', () => {
    const schema = schemaOf({
      n: { kind: 'long' },
      kind: { kind: 'string' },
      at: { kind: 'timestamp' },
      x: { kind: 'double' },
    })

    test.each([
      ['hour', [-1, -2, 0, -745]],
      ['day', [-1, -1, 0, -32]],
      ['month', [-1, -1, 0, -2]],
      ['year', [-1, -1, 0, -1]],
    ])('times before 1970 are rounded down by %s', async (transform, expected) => {
      const times = [
        '1969-12-31T23:59:59',
        '1969-12-31T22:59:59.999999',
        '1970-01-01T00:00:00',
        '1969-11-30T23:59:59.999999',
      ]
      const rows = times.map((at, n) => ({ n, at }))
      const spec = createSpec(schema, [{ source: 'at', transform }])
      const tuples = await tuplesByRow(await shop.write({ kind: 'rows', rows }, schema, { spec }))
      expect(rows.map(({ n }) => tuples.get(n)?.[0])).toEqual(expected)
    })

    test('zero, empty and false are values; null alone is the null partition', async () => {
      const values = schemaOf({
        n: { kind: 'int' },
        i: { kind: 'int' },
        l: { kind: 'long' },
        s: { kind: 'string' },
        b: { kind: 'binary' },
        d: { kind: 'date' },
      })
      const fields = ['i', 'l', 's', 'b', 'd'].map((source) => ({ source, transform: 'bucket[16]' }))
      const spec = createSpec(values, fields)
      const rows = [
        { n: 0, i: 0, l: 0n, s: '', b: new Uint8Array(0), d: '1970-01-01' },
        { n: 1, i: 1 },
      ]
      const tuples = await tuplesByRow(await shop.write({ kind: 'rows', rows }, values, { spec }))
      expect(tuples.get(0)?.[0]).toBe(12)
      for (const value of tuples.get(0) ?? []) expect(value).not.toBeNull()
      expect(tuples.get(1)?.slice(1)).toEqual([null, null, null, null])
    })

    test('lie under the paths of their partitions and hold their source columns', async () => {
      const spec = createSpec(schema, [{ source: 'kind', transform: 'identity' }])
      const rows = [
        { n: 1, kind: 'a/b c' },
        { n: 2, kind: null },
      ]
      const { files } = await shop.write({ kind: 'rows', rows }, schema, { spec })
      const paths = files.map((file) => file.location.split('/').at(-2)).sort()
      expect(paths).toEqual(['kind=a%2Fb+c', 'kind=null'])
      const [row] = await rowsOf(files.find((file) => file.partition[0] !== null) ?? files[0] ?? failed())
      expect(row).toMatchObject({ n: 1n, kind: 'a/b c' })
      const names = files.map((file) => file.location.split('/').at(-1) ?? '')
      for (const name of names) expect(name).toMatch(/^\d{5}-op\d+\.parquet$/)
      expect(new Set(names).size).toBe(files.length)
    })

    test('are one per partition, however many there are', async () => {
      const spec = createSpec(schema, [{ source: 'n', transform: 'identity' }])
      const rows = Array.from({ length: 6000 }, (_, i) => ({ n: i % 1500, kind: `k${i}` }))
      const { files } = await shop.write({ kind: 'rows', rows }, schema, { spec })
      expect(files).toHaveLength(1500)
      expect(files.every((file) => file.recordCount === 4)).toBe(true)
      const paths = files.map((file) => `'${pathOf(file)}'`).join(', ')
      const [found] = await shop.sql(
        `SELECT count(*) AS rows, count(DISTINCT kind) AS kinds, count(DISTINCT filename) AS files,
       count(*) FILTER (NOT contains(filename, 'n=' || n || '/')) AS misplaced FROM read_parquet([${paths}], filename = true)`,
      )
      expect(found).toEqual({ rows: 6000n, kinds: 6000n, files: 1500n, misplaced: 0n })
    })

    test('are split when a partition is much larger than the target', async () => {
      const spec = createSpec(schema, [{ source: 'kind', transform: 'identity' }])
      const rows = Array.from({ length: 40_000 }, (_, n) => ({
        n,
        kind: n < 100 ? 'small' : 'large',
        x: Math.sin(n),
      }))
      const parquet = { ...PARQUET, rowGroupRowLimit: 4096 }
      const { files } = await shop.write({ kind: 'rows', rows }, schema, {
        spec,
        targetFileSizeBytes: 100_000,
        parquet,
      })
      const large = files.filter((file) => file.partition[0] === 'large')
      expect(large.length).toBeGreaterThan(1)
      expect(large.reduce((sum, file) => sum + file.recordCount, 0)).toBe(39_900)
      for (const file of large) expect(file.splitOffsets?.length).toBe(Math.ceil(file.recordCount / 4096))
      expect(await shop.leftovers()).not.toContain('partitions')
    })
  })

  const PARQUET = {
    compression: 'zstd' as const,
    compressionLevel: null,
    rowGroupSizeBytes: 128 * 1024 * 1024,
    rowGroupRowLimit: 1_048_576,
    dictionarySizeBytes: 2 * 1024 * 1024,
    bloomFilterColumns: [],
  }

  function failed(): never {
    throw new Error('no file')
  }

  describe('sorted writes', () => {
    const schema = schemaOf({ n: { kind: 'long' }, k: { kind: 'int' }, x: { kind: 'double' } })
    const order = createSortOrder(schema, [
      { source: 'x', transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' },
      { source: 'n', transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' },
    ])
    const rows = Array.from({ length: 150_000 }, (_, n) => ({
      n,
      k: n % 3,
      x: n % 7 === 0 ? null : n % 11 === 0 ? Number.NaN : (n * 7919) % 1000,
    }))

    async function unsorted(path: string): Promise<unknown> {
      const [found] = await shop.sql(
        `SELECT count(*) AS bad FROM (SELECT x, n, lag(x) OVER w AS px, lag(n) OVER w AS pn, row_number() OVER w AS r
       FROM read_parquet('${path}', file_row_number = true) WINDOW w AS (ORDER BY file_row_number))
       WHERE r > 1 AND ((px IS NULL AND x IS NOT NULL) OR px < x OR (px IS NOT DISTINCT FROM x AND pn > n))`,
      )
      return found?.['bad']
    }

    test.each<readonly [string, PartitionSpec | undefined]>([
      ['unpartitioned', undefined],
      ['partitioned', createSpec(schema, [{ source: 'k', transform: 'identity' }])],
    ])('%s files are in the table order and say so', async (_, spec) => {
      const more = spec === undefined ? {} : { spec }
      const { files } = await shop.write({ kind: 'rows', rows }, schema, { sortOrder: order, ...more })
      expect(files).toHaveLength(spec === undefined ? 1 : 3)
      for (const file of files) {
        expect(file.sortOrderId).toBe(order.orderId)
        expect(await unsorted(pathOf(file))).toBe(0n)
      }
    })

    test.each(['unpartitioned', 'partitioned'])(
      '%s, too large for one file, go on from file to file',
      async (kind) => {
        const more =
          kind === 'partitioned' ? { spec: createSpec(schema, [{ source: 'k', transform: 'identity' }]) } : {}
        for (const targetFileSizeBytes of [20_000, 50_000]) {
          const source = { kind: 'rows' as const, rows }
          const { files } = await shop.write(source, schema, {
            sortOrder: order,
            targetFileSizeBytes,
            ...more,
          })
          expect(files.length).toBeGreaterThan(kind === 'partitioned' ? 3 : 1)
          expect(files.reduce((sum, file) => sum + file.recordCount, 0)).toBe(rows.length)
          let last = Number.POSITIVE_INFINITY
          let partition: unknown
          for (const file of files) {
            expect(await unsorted(pathOf(file))).toBe(0n)
            const values = (await rowsOf(file))
              .map((row) => row['x'])
              .filter((x) => typeof x === 'number' && !Number.isNaN(x))
            if (file.partition[0] !== partition) last = Number.POSITIVE_INFINITY
            partition = file.partition[0]
            expect(Number(values[0] ?? last)).toBeLessThanOrEqual(last)
            last = Number(values.at(-1) ?? last)
          }
        }
      },
    )

    test('rows of files and of iterables stay as they came where no order is asked for', async () => {
      const path = `${shop.folder}/source.parquet`
      await shop.sql(
        `COPY (SELECT range AS n, 1 AS k, 0.5::DOUBLE AS x FROM range(600000)) TO '${path}' (FORMAT parquet)`,
      )
      const counted = (function* () {
        for (let n = 0; n < 120_000; n++) yield { n }
      })()
      const sources = [
        { kind: 'files' as const, format: 'parquet' as const, paths: [path] },
        { kind: 'rows' as const, rows: counted },
      ]
      for (const source of sources) {
        const { files } = await shop.write(source, schema)
        expect(files).toHaveLength(1)
        const [found] = await shop.sql(
          `SELECT count(*) FILTER (n <> file_row_number) AS moved FROM read_parquet('${pathOf(files[0] ?? failed())}')`,
        )
        expect(found).toEqual({ moved: 0n })
      }
    })

    test('an order by a transform sorts by its values', async () => {
      const byBucket = createSortOrder(schema, [
        { source: 'n', transform: 'bucket[4]', direction: 'asc', nullOrder: 'nulls-first' },
      ])
      const { files } = await shop.write({ kind: 'rows', rows: rows.slice(0, 100) }, schema, {
        sortOrder: byBucket,
      })
      const [file] = files
      if (file === undefined) failed()
      const buckets = (await rowsOf(file)).map((row) =>
        Number(applyTransform(parseTransform('bucket[4]'), { kind: 'long' }, BigInt(String(row['n'])))),
      )
      expect(buckets).toEqual([...buckets].sort())
    })
  })
})
