import * as arrow from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { decodeBinary } from '../../src/format/values/binary.ts'
import type { Row } from '../../src/format/values/value.ts'
import { readThrift, writeThrift } from '../../src/engine/duckdb/thrift-tree.ts'
import { footerOf, openWorkshop, pathOf, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop

beforeAll(async () => {
  shop = await openWorkshop()
})

afterAll(() => shop.close())

const schema = schemaOf({
  n: { kind: 'long' },
  s: { kind: 'string' },
  x: { kind: 'double' },
  d: { kind: 'decimal', precision: 20, scale: 2 },
  l: { kind: 'list', elementId: 10, elementRequired: false, element: { kind: 'int' } },
  late: { kind: 'date' },
})

const ROWS = 300_000

/** Three row groups of rows that can be told by their number. */
function* numbered(): Generator<Row> {
  for (let n = 0; n < ROWS; n++) {
    yield {
      n,
      s: n % 3 === 0 ? null : `text number ${ROWS - n}`,
      x: n === 200_000 ? Number.NaN : n === 250_000 ? -0.5 : n / 4,
      d: `${n}.25`,
      l: n % 5 === 0 ? null : [n, null],
      // The first two row groups have no value at all.
      late: n < 290_000 ? null : '2026-01-31',
    }
  }
}

async function expectAllRows(files: readonly ContentFile[]): Promise<void> {
  const list = files.map((file) => `'${pathOf(file)}'`).join(', ')
  const found = await shop.sql(
    `SELECT count(*) AS rows, count(s) AS texts, count(late) AS dates,
      bool_and(s IS NULL OR s = 'text number ' || (${ROWS} - n)) AS s, bool_and(d = n + 0.25) AS d,
      bool_and(l IS NULL OR l = [n, NULL]) AS l, bool_and(n = before + file_row_number) AS ordered
     FROM (SELECT *, (SELECT coalesce(sum(other.rows), 0) FROM files AS other WHERE other.path < filename) AS before
       FROM read_parquet([${list}], filename = true, file_row_number = true))`.replace(
      'FROM files AS other',
      `FROM (VALUES ${files.map((file) => `('${pathOf(file)}', ${file.recordCount})`).join(', ')}) AS other(path, rows)`,
    ),
  )
  expect(found).toEqual([
    { rows: BigInt(ROWS), texts: 200_000n, dates: 10_000n, s: true, d: true, l: true, ordered: true },
  ])
}

describe('rows of several segments', () => {
  test.each(['at hand', 'waited for'])('%s are one file, in order, with the metrics of all', async (kind) => {
    const rows =
      kind === 'at hand'
        ? numbered()
        : (async function* () {
            yield* numbered()
          })()
    const { files, rows: written } = await shop.write({ kind: 'rows', rows }, schema)
    expect(written).toBe(ROWS)
    expect(files).toHaveLength(1)
    await expectAllRows(files)
    const [file] = files
    if (file === undefined) throw new Error('no file')
    const { num_rows: rowCount, row_groups: groups } = await footerOf(file)
    expect(rowCount).toBe(BigInt(ROWS))
    expect(groups.map((group) => Number(group.num_rows))).toEqual([122_880, 122_880, 54_240])
    const starts = groups.map(({ columns }) => {
      const meta = columns[0]?.meta_data
      return Number(meta?.dictionary_page_offset ?? meta?.data_page_offset)
    })
    expect(file.splitOffsets).toEqual(starts)
    expect(new Set(starts).size).toBe(3)
    expect([...(file.valueCounts ?? [])]).toEqual([1, 2, 3, 4, 6].map((id) => [id, ROWS]))
    expect([...(file.nullValueCounts ?? [])]).toEqual([
      [1, 0],
      [2, 100_000],
      [3, 0],
      [4, 0],
      [6, 290_000],
    ])
    expect(file.nanValueCounts?.has(3)).toBe(false)
    const bound = (bounds: ContentFile['lowerBounds'], id: number): unknown => {
      const field = schema.fields.find((other) => other.id === id)
      const bytes = bounds?.get(id)
      if (field === undefined || bytes === undefined || field.type.kind === 'list') return null
      return decodeBinary(field.type as never, bytes)
    }
    expect([1, 2, 3, 4, 6].map((id) => bound(file.lowerBounds, id))).toEqual([
      0n,
      'text number 1',
      -0.5,
      25n,
      20484,
    ])
    expect([1, 2, 3, 4, 6].map((id) => bound(file.upperBounds, id))).toEqual([
      BigInt(ROWS - 1),
      // Cut at sixteen characters, and so raised.
      'text number 999:',
      (ROWS - 1) / 4,
      BigInt(ROWS - 1) * 100n + 25n,
      20484,
    ])
    const sizes = await shop.sql(
      `SELECT sum(total_compressed_size)::BIGINT AS bytes FROM parquet_metadata('${pathOf(file)}')`,
    )
    const [{ bytes } = {}] = sizes
    expect([...(file.columnSizes?.values() ?? [])].reduce((sum, size) => sum + size, 0)).toBe(Number(bytes))
  })

  test.each(['at hand', 'waited for'])(
    'of Arrow, %s, are all there, and their source is closed',
    async (kind) => {
      const values = Int32Array.from({ length: 50_000 }, (_, n) => n)
      const { batches } = arrow.tableFromArrays({ x: values })
      let given = 0
      let closed = 0
      function* some(): Generator<arrow.RecordBatch> {
        try {
          for (; given < 12; given++) yield* batches
        } finally {
          closed += 1
        }
      }
      const source =
        kind === 'at hand'
          ? some()
          : (async function* () {
              yield* some()
            })()
      const { files, rows } = await shop.write(
        { kind: 'arrow', batches: source },
        schemaOf({ x: { kind: 'long' } }),
      )
      expect([rows, given, closed]).toEqual([600_000, 12, 1])
      const found = await shop.sql(
        `SELECT count(*) AS rows, bool_and(x = file_row_number % 50000) AS ordered FROM read_parquet('${pathOf(files[0] ?? failed())}')`,
      )
      expect(found).toEqual([{ rows: 600_000n, ordered: true }])
    },
  )

  test('go on in a new file when one has its size', async () => {
    const { files } = await shop.write({ kind: 'rows', rows: numbered() }, schema, {
      targetFileSizeBytes: 100_000,
    })
    expect(files.map((file) => file.recordCount)).toEqual([122_880, 122_880, 54_240])
    await expectAllRows(files)
  })

  test('have as many row groups as the table asks for', async () => {
    const parquet = {
      compression: 'zstd' as const,
      compressionLevel: 1,
      rowGroupSizeBytes: 128 * 1024 * 1024,
      rowGroupRowLimit: 40_960,
      dictionarySizeBytes: 1024 * 1024,
      bloomFilterColumns: ['s'],
    }
    const { files } = await shop.write({ kind: 'rows', rows: numbered() }, schema, { parquet })
    await expectAllRows(files)
    const [file] = files
    if (file === undefined) throw new Error('no file')
    expect((await footerOf(file)).row_groups.length).toBe(8)
    expect(file.splitOffsets).toHaveLength(8)
    const found = await shop.sql(
      `SELECT bool_and(CASE WHEN path_in_schema = 's' THEN bloom_filter_offset > 0 ELSE true END) AS kept FROM parquet_metadata('${pathOf(file)}')`,
    )
    expect(found).toEqual([{ kept: true }])
    expect(
      await shop.sql(`SELECT n FROM read_parquet('${pathOf(file)}') WHERE s = 'text number 20000'`),
    ).toEqual([{ n: 280_000n }])
  })

  test('of few, wide rows are cut by their bytes', async () => {
    const wide = (function* (): Generator<Row> {
      for (let n = 0; n < 100; n++) yield { n, s: String(n).repeat(1_000_000) }
    })()
    const { files } = await shop.write({ kind: 'rows', rows: wide }, schema)
    expect(files).toHaveLength(1)
    const [file] = files
    if (file === undefined) throw new Error('no file')
    expect((await footerOf(file)).row_groups.length).toBeGreaterThan(1)
    const found = await shop.sql(
      `SELECT count(*) AS rows, bool_and(s = repeat(n::VARCHAR, 1000000)) AS same FROM read_parquet('${pathOf(file)}')`,
    )
    expect(found).toEqual([{ rows: 100n, same: true }])
  })
})

test('a footer that is read and written again is the same, byte for byte', async () => {
  const { files } = await shop.write({ kind: 'rows', rows: [{ n: 1, s: 'x', l: [1] }, {}] }, schema)
  const [file] = files
  if (file === undefined) throw new Error('no file')
  const { readFile } = await import('node:fs/promises')
  const bytes = new Uint8Array(await readFile(pathOf(file)))
  const length = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8).getUint32(0, true)
  const footer = bytes.subarray(bytes.length - 8 - length, bytes.length - 8)
  expect(writeThrift(readThrift(footer))).toEqual(footer)
})

function failed(): never {
  throw new Error('no file')
}
