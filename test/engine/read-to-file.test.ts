import { readdir, readFile } from 'node:fs/promises'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readToFile } from '../../src/engine/duckdb/read.ts'
import { gte } from '../../src/format/expressions/expression.ts'
import type { NestedField } from '../../src/format/schema.ts'
import type { Type } from '../../src/format/types.ts'
import { columns, openWorkshop, requestOf, residual, schemaOf, taskOf, type Workshop } from './reading.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

const schema = schemaOf(columns({ id: { kind: 'long' }, text: { kind: 'string' } }))
const numbers = () =>
  shop.write(
    'numbers.parquet',
    "SELECT range AS id, 'row ' || range AS text FROM range(10)",
    '{id: 1, text: 2}',
  )

describe('a Parquet file', () => {
  test('carries the field ids of every depth', async () => {
    const INT: Type = { kind: 'int' }
    const field = (id: number, name: string, type: Type): NestedField => ({ id, name, type, required: false })
    const file = await shop.write(
      'nested.parquet',
      "SELECT 1::INT AS a, {x: 2::INT} AS s, [{y: 3::INT}] AS l, MAP {'k': 4::INT} AS m",
      '{a: 1, s: {__duckdb_field_id: 2, x: 3}, l: {__duckdb_field_id: 4, element: {__duckdb_field_id: 5, y: 6}}, m: {__duckdb_field_id: 7, key: 8, value: 9}}',
    )
    const fields = [
      field(7, 'map', {
        kind: 'map',
        keyId: 8,
        key: { kind: 'string' },
        valueId: 9,
        valueRequired: false,
        value: INT,
      }),
      field(4, 'list', {
        kind: 'list',
        elementId: 5,
        elementRequired: false,
        element: { kind: 'struct', fields: [field(6, 'renamed "y"', INT)] },
      }),
      field(2, 's', { kind: 'struct', fields: [field(3, 'x', { kind: 'long' }), field(10, 'new', INT)] }),
      field(1, 'a', INT),
    ]
    const path = `${shop.folder}/nested-out.parquet`
    expect(
      await readToFile(shop.reader, requestOf(schemaOf(fields), [taskOf(file)]), { path, format: 'parquet' }),
    ).toStrictEqual({ rows: 1 })
    const { schema: elements } = await parquetMetadataAsync(await asyncBufferFromFile(path))
    const ids = elements.flatMap(({ name, field_id }) => (field_id === undefined ? [] : [[name, field_id]]))
    expect(ids).toStrictEqual([
      ['map', 7],
      ['key', 8],
      ['value', 9],
      ['list', 4],
      ['element', 5],
      ['renamed "y"', 6],
      ['s', 2],
      ['x', 3],
      ['new', 10],
      ['a', 1],
    ])
  })

  test('holds the rows in the projection’s order', async () => {
    const path = `${shop.folder}/rows-out.parquet`
    const task = taskOf(await numbers(), { residual: residual(schema, gte('id', 8n)) })
    const request = { ...requestOf(schema, [task]), projection: schemaOf(schema.fields.toReversed()) }
    expect(await readToFile(shop.reader, request, { path, format: 'parquet' })).toStrictEqual({ rows: 2 })
    expect(
      await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors: await zstd() }),
    ).toStrictEqual([
      { text: 'row 8', id: 8n },
      { text: 'row 9', id: 9n },
    ])
  })

  test('of no rows still has its columns', async () => {
    const path = `${shop.folder}/empty-out.parquet`
    expect(await readToFile(shop.reader, requestOf(schema, []), { path, format: 'parquet' })).toStrictEqual({
      rows: 0,
    })
    const { schema: elements } = await parquetMetadataAsync(await asyncBufferFromFile(path))
    expect(elements.slice(1).map(({ name, field_id }) => [name, field_id])).toStrictEqual([
      ['id', 1],
      ['text', 2],
    ])
  })
})

async function zstd() {
  const { zstdDecompressSync } = await import('node:zlib')
  return { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }
}

test('CSV and JSON', async () => {
  const request = requestOf(schema, [taskOf(await numbers())], { limit: 2 })
  const csv = `${shop.folder}/out.csv`
  expect(await readToFile(shop.reader, request, { path: csv, format: 'csv' })).toStrictEqual({ rows: 2 })
  expect(await readFile(csv, 'utf8')).toBe('id,text\n0,row 0\n1,row 1\n')
  const json = `${shop.folder}/out.json`
  await readToFile(shop.reader, request, { path: json, format: 'json' })
  expect(await readFile(json, 'utf8')).toBe('{"id":0,"text":"row 0"}\n{"id":1,"text":"row 1"}\n')
})

test('a file that is there stays as it is when the read fails, and is replaced as a whole when not', async () => {
  const path = `${shop.folder}/kept.csv`
  const file = await numbers()
  await readToFile(shop.reader, requestOf(schema, [taskOf(file)], { limit: 1 }), { path, format: 'csv' })
  const before = await readFile(path, 'utf8')
  const broken = taskOf({ ...file, recordCount: 11 })
  await expect(
    readToFile(shop.reader, requestOf(schema, [broken]), { path, format: 'csv' }),
  ).rejects.toMatchObject({ code: 'FLOEBERG_CORRUPT_FILE' })
  expect(await readFile(path, 'utf8')).toBe(before)
  expect((await readdir(shop.folder)).filter((name) => name.includes('.tmp'))).toStrictEqual([])
})

test('columns that a file cannot have are refused', async () => {
  const twins = schemaOf(columns({ data: { kind: 'int' }, DATA: { kind: 'int' } }))
  const list: Type = {
    kind: 'list',
    elementId: 9,
    elementRequired: false,
    element: { kind: 'struct', fields: twins.fields },
  }
  for (const projection of [twins, schemaOf([]), schemaOf(columns({ deep: list }, 8))]) {
    const out = readToFile(
      shop.reader,
      { ...requestOf(schema, []), projection },
      { path: `${shop.folder}/x`, format: 'csv' },
    )
    await expect(out).rejects.toMatchObject({ code: 'FLOEBERG_UNSUPPORTED_FEATURE' })
  }
})

test('a folder that is not there is said so', async () => {
  const out = readToFile(shop.reader, requestOf(schema, [taskOf(await numbers())]), {
    path: `${shop.folder}/no/such/folder/out.parquet`,
    format: 'parquet',
  })
  await expect(out).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
})
