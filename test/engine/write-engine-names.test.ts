/** Columns that are called like those which the engine adds to a file's own. */
import { join } from 'node:path'
import { describe, afterAll, beforeAll, expect, test } from 'vitest'
import { InvalidDataError } from '../../src/errors.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import { createSortOrder } from '../../src/format/sort-order.ts'
import type { Row } from '../../src/format/values/value.ts'
import { fieldsOf, openWorkshop, pathOf, schemaOf, type Workshop, WRITERS } from './writing.ts'

describe.each(WRITERS)('rows by $writer', ({ open }) => {
  let shop: Workshop

  beforeAll(async () => {
    shop = await openWorkshop({}, open)
  })

  afterAll(() => shop.close())

  const ROWS = 40_000

  /** None of the values is the number of a row. */
  function* rowsWith(name: string): Generator<Row> {
    for (let i = 0; i < ROWS; i++) yield { [name]: -1 - i, text: `${i * 7919} ${i * 104_729} ${i}` }
  }

  test.each(['file_row_number', 'FILE_ROW_NUMBER', 'file_index', 'filename'])(
    'a column %s keeps all rows of files that are split, sorted or partitioned',
    async (name) => {
      const schema = schemaOf({ [name]: { kind: 'long' }, text: { kind: 'string' } })
      const layouts = [
        { sortOrder: createSortOrder(schema, [{ source: 'text' }]) },
        { spec: createSpec(schema, [{ source: 'text', transform: 'bucket[2]' }]) },
      ]
      for (const layout of layouts) {
        const source = { kind: 'rows', rows: rowsWith(name) } as const
        const { files } = await shop.write(source, schema, { ...layout, targetFileSizeBytes: 100_000 })
        expect(files.length).toBeGreaterThan(2)
        const counts = files.map((file) => file.recordCount)
        expect(Math.min(...counts)).toBeGreaterThan(0)
        const list = files.map((file) => `'${pathOf(file)}'`).join(', ')
        const found = await shop.sql(
          `SELECT count(DISTINCT c0) AS n, sum(c0) AS total FROM read_parquet([${list}]) AS f(c0)`,
        )
        expect(found).toEqual([{ n: BigInt(ROWS), total: BigInt((-ROWS * (ROWS + 1)) / 2) }])
      }
    },
  )

  test.each([
    ['parquet', 'filename'],
    ['parquet', 'file_row_number'],
    ['csv', 'filename'],
    ['csv', 'file_row_number'],
  ] as const)('a row at fault of a %s file with a column %s is named by its place', async (format, name) => {
    const path = join(shop.folder, `${name}.${format}`)
    await shop.sql(
      `COPY (SELECT 'secret' AS ${name}, CASE WHEN range <> 7 THEN range END AS n FROM range(10))
     TO '${path}' (FORMAT ${format})`,
    )
    const schema = fieldsOf([
      { id: 1, name, required: false, type: { kind: 'string' } },
      { id: 2, name: 'n', required: true, type: { kind: 'long' } },
    ])
    const error: unknown = await shop.write({ kind: 'files', paths: [path], format }, schema).catch((e) => e)
    if (!(error instanceof InvalidDataError)) throw error
    expect(error.message).not.toContain('secret')
    expect([error.source, error.row, error.column]).toEqual([path, 7, 'n'])
  })
})
