/** Which writes need the engine all the same, and what small ones leave when they fail: nothing. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ParquetWriteOptions } from '../../src/engine/data-plane.ts'
import { openDuckDbPlane } from '../../src/engine/duckdb/duckdb-plane.ts'
import type { FileAccess } from '../../src/engine/file-access.ts'
import {
  EngineError,
  InvalidArgumentError,
  InvalidDataError,
  OperationAbortedError,
  SchemaMismatchError,
  StorageUnavailableError,
} from '../../src/errors.ts'
import { createSortOrder } from '../../src/format/sort-order.ts'
import type { Type } from '../../src/format/types.ts'
import type { Row } from '../../src/format/values/value.ts'
import { startProcess } from '../support/processes.ts'
import { defaults } from './requests.ts'
import { options, writerOf, writtenBy } from './small-writing.ts'
import { footerOf, openWorkshop, pathOf, rowsOf, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop

beforeAll(async () => {
  shop = await openWorkshop()
})

afterAll(async () => {
  await shop.close()
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

  test('more columns', async () => {
    const columns = (count: number) =>
      schemaOf(Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at}`, { kind: 'int' }])))
    expect(await writerOf(await writtenBy(shop, [{ c7: 1 }], columns(900)))).toBe('small')
    expect(await writerOf(await writtenBy(shop, [{ c7: 1 }], columns(1100)))).toBe('engine')
  })

  test('more elements, at all depths', async () => {
    const struct = (id: number, member: Type): Type => ({
      kind: 'struct',
      fields: [{ id, name: 'm', required: false, type: member }],
    })
    const element = struct(10, struct(11, struct(12, { kind: 'boolean' })))
    const nested = schemaOf({ all: { kind: 'list', elementId: 9, elementRequired: false, element } })
    const all = (count: number) => Array.from({ length: count }, () => ({ m: { m: { m: true } } }))
    // Of one byte each, in three structs.
    for (const [count, writer] of [
      [10_000, 'small'],
      [20_000, 'engine'],
    ] as const) {
      const file = await writtenBy(shop, [{ all: all(count) }], nested)
      expect(await writerOf(file)).toBe(writer)
      expect(await rowsOf(file)).toEqual([{ all: all(count) }])
    }
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

  test('files in order that are to be smaller', async () => {
    const sortOrder = createSortOrder(schema, [
      { source: 'n', transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' },
    ])
    const given = rows(900)
    const source = { kind: 'rows', rows: given.values() } as const
    const { files } = await shop.write(source, schema, { sortOrder, targetFileSizeBytes: 1000 })
    expect(files.length).toBeGreaterThan(1)
    const found = (await Promise.all(files.map(rowsOf))).flat()
    expect(found.map(({ s }) => s)).toEqual(given.map(({ s }) => s).toReversed())
  })

  test('dictionaries are not larger than asked for', async () => {
    const given = Array.from({ length: 900 }, (_, n) => ({ n: 1, s: `text ${n % 10}` }))
    for (const [dictionarySizeBytes, hasDictionary] of [
      [2 * 1024 * 1024, true],
      [16, false],
      [0, false],
    ] as const) {
      const file = await writtenBy(shop, given, schema, { parquet: options({ dictionarySizeBytes }) })
      expect(await writerOf(file)).toBe('small')
      const [, texts] = (await footerOf(file)).row_groups[0]?.columns ?? []
      expect(texts?.meta_data?.dictionary_page_offset !== undefined).toBe(hasDictionary)
      expect((await rowsOf(file)).map(({ s }) => s)).toEqual(given.map(({ s }) => s))
    }
  })

  test('a struct is compressed whole, if only some of its members are worth it', async () => {
    const nested = schemaOf({
      st: {
        kind: 'struct',
        fields: [
          { id: 11, name: 'flag', required: false, type: { kind: 'boolean' } },
          { id: 12, name: 's', required: false, type: { kind: 'string' } },
        ],
      },
    })
    const given = Array.from({ length: 100 }, (_, n) => ({ st: { flag: n % 2 === 0, s: `a text, ${n}` } }))
    for (const compression of ['zstd', 'gzip', 'snappy'] as const) {
      const file = await writtenBy(shop, given, nested, { parquet: options({ compression }) })
      const [group] = (await footerOf(file)).row_groups
      const codec = compression.toUpperCase()
      expect(group?.columns.map((column) => column.meta_data?.codec)).toEqual([codec, codec])
      expect(await rowsOf(file)).toEqual(given)
      expect(await shop.sql(`SELECT st.flag, st.s FROM read_parquet('${pathOf(file)}')`)).toEqual(
        given.map(({ st }) => st),
      )
    }
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

  test('that is not installed is needed by other writes only, which say so', async () => {
    const without = new URL('./no-library-worker.ts', import.meta.url)
    const { exitCode, stdout, stderr } = await startProcess(without, [shop.folder]).result
    expect(exitCode, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual([1, 'FLOEBERG_MISSING_DEPENDENCY', 2])
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
    await expect(write(source)).rejects.toThrow(EngineError)
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
