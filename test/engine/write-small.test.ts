/** Few rows are written without the engine: what comes of it is what the engine would have made. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ParquetWriteOptions, WriteRequest } from '../../src/engine/data-plane.ts'
import { openDuckDbPlane } from '../../src/engine/duckdb/duckdb-plane.ts'
import type { FileAccess } from '../../src/engine/file-access.ts'
import {
  InvalidArgumentError,
  InvalidDataError,
  OperationAbortedError,
  SchemaMismatchError,
  StorageUnavailableError,
} from '../../src/errors.ts'
import { openEnginePlane } from '../../src/engine/duckdb/engine-plane.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { metricsConfig } from '../../src/format/metrics-config.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import type { Schema } from '../../src/format/schema.ts'
import { createSortOrder, UNSORTED } from '../../src/format/sort-order.ts'
import type { NestedField, PrimitiveType, Type } from '../../src/format/types.ts'
import type { Row, Value } from '../../src/format/values/value.ts'
import { anyRow, anySchema, flat, leavesOf, rowIn, rowOut, type ModelRow } from '../pruning/random-schemas.ts'
import { startProcess } from '../support/processes.ts'
import { requestOf, taskOf } from './reading.ts'
import { defaults } from './requests.ts'
import { fieldsOf, footerOf, openWorkshop, pathOf, rowsOf, schemaOf, type Workshop } from './writing.ts'

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

function only(files: readonly ContentFile[]): ContentFile {
  const [file, ...others] = files
  if (file === undefined || others.length > 0) throw new Error(`not one file but ${files.length}`)
  return file
}

async function writtenBy(
  who: Workshop,
  rows: Iterable<Row> | AsyncIterable<Row>,
  schema: Schema,
  more: Partial<WriteRequest> = {},
): Promise<ContentFile> {
  return only((await who.write({ kind: 'rows', rows }, schema, more)).files)
}

/** A column's values, by a DuckDB that is not the one under test. */
async function valuesOf(file: ContentFile): Promise<readonly Record<string, unknown>[]> {
  return shop.sql(`SELECT * FROM read_parquet('${pathOf(file)}', hive_partitioning = false)`)
}

async function typesOf(file: ContentFile): Promise<readonly Record<string, unknown>[]> {
  return shop.sql(`DESCRIBE SELECT * FROM read_parquet('${pathOf(file)}', hive_partitioning = false)`)
}

async function writerOf(file: ContentFile): Promise<'small' | 'engine'> {
  const { created_by: by = '' } = await footerOf(file)
  return by.startsWith('DuckDB') ? 'engine' : 'small'
}

/** What must not depend on who wrote a file. */
async function expectSameAs(small: ContentFile, large: ContentFile): Promise<void> {
  expect(await writerOf(small)).toBe('small')
  expect(await writerOf(large)).toBe('engine')
  const own = ({ columnSizes, ...file }: ContentFile) => ({
    ...file,
    columnSizes: [...(columnSizes?.keys() ?? [])],
    location: '',
    fileSizeInBytes: 0,
    nanValueCounts: null,
  })
  expect(own(small)).toEqual(own(large))
  for (const [id, count] of large.nanValueCounts ?? []) expect(small.nanValueCounts?.get(id)).toBe(count)
  const ours = await footerOf(small)
  expect(ours.schema.slice(1)).toEqual((await footerOf(large)).schema.slice(1))
  expect(await typesOf(small)).toEqual(await typesOf(large))
  expect(small.fileSizeInBytes).toBe((await stat(pathOf(small))).size)
  const chunks = ours.row_groups.flatMap((group) => group.columns)
  expect([...(small.columnSizes?.values() ?? [])]).toEqual(
    chunks.map((chunk) => Number(chunk.meta_data?.total_compressed_size)),
  )
}

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
      await expectSameAs(small, large)
      expect(await valuesOf(small)).toEqual(await valuesOf(large))
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

function options(more: Partial<ParquetWriteOptions>): ParquetWriteOptions {
  return {
    compression: 'zstd',
    compressionLevel: null,
    rowGroupSizeBytes: 128 * 1024 * 1024,
    rowGroupRowLimit: 1_048_576,
    dictionarySizeBytes: 2 * 1024 * 1024,
    bloomFilterColumns: [],
    ...more,
  }
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
      await expectSameAs(small, large)
      expect(await valuesOf(small)).toEqual(await valuesOf(large))
      // Whoever answers from a file's own statistics must be right.
      const extremes = `SELECT min(x) AS least, max(x) AS greatest, count(x) AS n FROM read_parquet('`
      const [found] = await shop.sql(`${extremes}${pathOf(small)}')`)
      expect([found]).toEqual(await shop.sql(`${extremes}${pathOf(large)}')`))
    }
  })

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
      await expectSameAs(small, large)
      expect(await valuesOf(small)).toEqual(await valuesOf(large))
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
    await expectSameAs(small, large)
    expect(await valuesOf(small)).toEqual(await valuesOf(large))
  })

  test('a member of type unknown', async () => {
    const schema = fieldsOf([
      field(1, 'st', struct(field(2, 'nothing', { kind: 'unknown' }), field(3, 'x', { kind: 'int' }))),
      field(4, 'nothing', { kind: 'unknown' }),
    ])
    const given = [{ st: { x: 1 } }, { st: null }, {}]
    const small = await writtenBy(shop, given, schema)
    await expectSameAs(small, await writtenBy(engine, given, schema))
    expect(await rowsOf(small)).toEqual([{ st: { nothing: null, x: 1 } }, { st: null }, { st: null }])
  })
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
          await expectSameAs(file, theirs)
          // Without an order the engine keeps none either.
          const sorted = (all: readonly Record<string, unknown>[]) =>
            order === null ? all.toSorted((a, b) => Number(a['n']) - Number(b['n'])) : all
          expect(sorted(await valuesOf(file))).toEqual(sorted(await valuesOf(theirs)))
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

describe('what goes to the engine all the same', () => {
  const schema = schemaOf({ n: { kind: 'long' }, s: { kind: 'string' } })
  const rows = (count: number): readonly Row[] => Array.from({ length: count }, (_, n) => ({ n, s: `${n}` }))

  test('more rows, however they come', async () => {
    for (const [count, writer] of [
      [1000, 'small'],
      [1001, 'engine'],
      [5000, 'engine'],
    ] as const) {
      const given = rows(count)
      const async = (async function* () {
        yield* given
      })()
      for (const source of [given, new Set(given), given.values(), async]) {
        const file = await writtenBy(shop, source, schema)
        expect(await writerOf(file)).toBe(writer)
        expect((await rowsOf(file)).map(({ n }) => n)).toEqual(given.map(({ n }) => BigInt(Number(n))))
      }
    }
  })

  test('wider rows', async () => {
    const wide = (bytes: number) => [{ n: 1, s: 'x'.repeat(bytes) }]
    expect(await writerOf(await writtenBy(shop, wide(100_000), schema))).toBe('small')
    expect(await writerOf(await writtenBy(shop, wide(200_000), schema))).toBe('engine')
  })

  test.each<readonly [string, Partial<ParquetWriteOptions>, 'small' | 'engine', string]>([
    ['zstd', { compression: 'zstd' }, 'small', 'ZSTD'],
    ['zstd of a level', { compression: 'zstd', compressionLevel: 19 }, 'small', 'ZSTD'],
    ['gzip', { compression: 'gzip' }, 'small', 'GZIP'],
    ['snappy', { compression: 'snappy' }, 'small', 'SNAPPY'],
    ['uncompressed', { compression: 'uncompressed' }, 'small', 'UNCOMPRESSED'],
    ['lz4', { compression: 'lz4' }, 'engine', 'LZ4_RAW'],
    ['brotli', { compression: 'brotli' }, 'engine', 'BROTLI'],
    ['Bloom filters', { bloomFilterColumns: ['n'] }, 'engine', 'ZSTD'],
  ])('%s', async (_, more, writer, codec) => {
    const given = rows(900)
    const file = await writtenBy(shop, given, schema, { parquet: options(more) })
    expect(await writerOf(file)).toBe(writer)
    const [group] = (await footerOf(file)).row_groups
    expect(group?.columns.map((column) => column.meta_data?.codec)).toEqual([codec, codec])
    const [sums] = await shop.sql(
      `SELECT sum(n) AS n, count(DISTINCT s) AS s FROM read_parquet('${pathOf(file)}')`,
    )
    expect(sums).toEqual({ n: 404_550n, s: 900n })
  })

  test('few bytes are left as they are, as are columns of nothing', async () => {
    const file = await writtenBy(shop, [...rows(20), ...Array.from({ length: 500 }, () => ({}))], schema)
    const [group] = (await footerOf(file)).row_groups
    expect(group?.columns.map((column) => column.meta_data?.codec)).toEqual(['UNCOMPRESSED', 'UNCOMPRESSED'])
  })
})

describe('a small write that fails', () => {
  const schema = schemaOf({ n: { kind: 'int' } })

  /** Rows that tell when nobody wants more of them. */
  function watched(rows: readonly unknown[]) {
    let ended = false
    return {
      hasEnded: () => ended,
      rows: (function* () {
        try {
          for (const row of rows) {
            if (row instanceof Error) throw row
            yield row as Row
          }
        } finally {
          ended = true
        }
      })(),
    }
  }

  test('leaves nothing, and tells the rows', async () => {
    const broken = new Error('the rows came over a line that broke')
    const before = await shop.leftovers()
    for (const [given, failure] of [
      [[{ n: 1 }, broken], broken],
      [[{ n: 1 }, { n: 'x' }, { n: 2 }], InvalidDataError],
      [[{ n: 1 }, { m: 1 }], SchemaMismatchError],
    ] as const) {
      const source = watched(given)
      const written = shop.write({ kind: 'rows', rows: source.rows }, schema)
      await expect(written).rejects.toThrow(failure)
      expect(source.hasEnded()).toBe(true)
      expect(await shop.leftovers()).toEqual(before)
    }
  })

  test('because it was called off leaves nothing', async () => {
    const before = await shop.leftovers()
    const controller = new AbortController()
    const source = (async function* () {
      yield { n: 1 }
      controller.abort()
      yield { n: 2 }
    })()
    const written = shop.write({ kind: 'rows', rows: source }, schema, { signal: controller.signal })
    await expect(written).rejects.toThrow(OperationAbortedError)
    expect(await shop.leftovers()).toEqual(before)
  })

  test('where a file cannot be made says so, without its path', async () => {
    const files: FileAccess = {
      ...shop.files,
      output: async (location, more) => ({
        ...(await shop.files.output(location, more)),
        localPath: join(shop.folder, 'nowhere', 'at=secret', 'all.parquet'),
      }),
    }
    const error: unknown = await shop
      .write({ kind: 'rows', rows: [{ n: 1 }] }, schema, { files })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StorageUnavailableError)
    expect(String(error)).not.toContain('secret')
  })
})

describe('the engine', () => {
  const schema = schemaOf({ n: { kind: 'int' } })
  const worker = new URL('./small-write-worker.ts', import.meta.url)

  test('is not even loaded for small writes', async () => {
    const { exitCode, stdout, stderr } = await startProcess(worker, [shop.folder]).result
    expect(exitCode, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ before: false, rows: 1, after: true })
  })

  test('that could not be opened is tried again, and small writes do without it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'floeberg-late-'))
    const scratchDir = join(folder, 'scratch')
    await writeFile(scratchDir, 'a file where a folder should be')
    const plane = await openDuckDbPlane({ scratchDir, threads: 1 })
    const write = (rows: Iterable<Row>) =>
      plane.write({ ...defaults(folder, schema), files: shop.files, schema, source: { kind: 'rows', rows } })
    expect(await write([{ n: 1 }])).toMatchObject({ rows: 1 })
    const many = Array.from({ length: 3000 }, (_, n) => ({ n }))
    let ended = false
    const source = (function* () {
      try {
        yield* many
      } finally {
        ended = true
      }
    })()
    await expect(write(source)).rejects.toThrow(/EEXIST/)
    expect(ended).toBe(true)
    await rm(scratchDir)
    expect(await write(many)).toMatchObject({ rows: 3000 })
    await plane.close()
    await expect(write([{ n: 1 }])).rejects.toThrow(InvalidArgumentError)
    await expect(write(many)).rejects.toThrow(InvalidArgumentError)
    await plane.close()
    await rm(folder, { recursive: true })
  })
})
