import { mkdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReadRequest } from '../../src/engine/data-plane.ts'
import { eq } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import type { NestedField } from '../../src/format/schema.ts'
import type { StructType, Type } from '../../src/format/types.ts'
import type { Row } from '../../src/format/values/value.ts'
import {
  allRows,
  columns,
  contentFile,
  openWorkshop,
  requestOf,
  residual,
  schemaOf,
  taskOf,
  type Workshop,
} from './reading.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

const fixture = (name: string): string => new URL(`../fixtures/parquet/${name}`, import.meta.url).pathname
const INT: Type = { kind: 'int' }
const LONG: Type = { kind: 'long' }
const STRING: Type = { kind: 'string' }

function field(id: number, name: string, type: Type, changes: Partial<NestedField> = {}): NestedField {
  return { id, name, required: false, type, ...changes }
}

function struct(...fields: readonly NestedField[]): StructType {
  return { kind: 'struct', fields }
}

function list(elementId: number, element: Type): Type {
  return { kind: 'list', elementId, elementRequired: false, element }
}

async function read(
  files: readonly ContentFile[],
  fields: readonly NestedField[],
  changes: Partial<ReadRequest> = {},
): Promise<readonly Row[]> {
  const tasks = files.map((file) => taskOf(file))
  return allRows(shop.reader, requestOf(schemaOf(fields), tasks, changes))
}

describe('forms that other writers use', () => {
  test.each(['decimals-fixed.parquet', 'decimals-integer.parquet'])('decimals: %s', async (name) => {
    const file = await contentFile(fixture(name), 5)
    const decimal = (precision: number, scale: number): Type => ({ kind: 'decimal', precision, scale })
    const rows = await read(
      [file],
      columns({ d6: decimal(6, 4), d18: decimal(18, 2), d20: decimal(20, 0), d38: decimal(38, 10) }),
    )
    expect(rows).toStrictEqual([
      { d6: '-0.0001', d18: '-0.01', d20: '-1', d38: '-0.0000000001' },
      { d6: '12.3400', d18: '12.34', d20: '12', d38: '12.3400000000' },
      {
        d6: '-99.9999',
        d18: '-9999999999999999.99',
        d20: '-99999999999999999999',
        d38: '-9999999999999999999999999999.9999999999',
      },
      {
        d6: '99.9999',
        d18: '9999999999999999.99',
        d20: '99999999999999999999',
        d38: '9999999999999999999999999999.9999999999',
      },
      { d6: null, d18: null, d20: null, d38: null },
    ])
  })

  test('annotations that are missing or another type’s', async () => {
    const file = await contentFile(fixture('odd-types.parquet'), 2)
    const fields = columns({
      uuid_as_bytes: { kind: 'uuid' },
      text_as_bytes: STRING,
      bytes_as_text: { kind: 'binary' },
      instant_as_local: { kind: 'timestamptz' },
      local_as_instant: { kind: 'timestamp' },
      millis: { kind: 'timestamp' },
      nanos: { kind: 'timestamp' },
      time_millis: { kind: 'time' },
      nothing: STRING,
      half: { kind: 'float' },
      byte: INT,
      unsigned: LONG,
      day: { kind: 'timestamp' },
    })
    const [first, second] = await read([file], fields)
    expect(first).toStrictEqual({
      uuid_as_bytes: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      text_as_bytes: 'züri',
      bytes_as_text: new TextEncoder().encode('züri'),
      instant_as_local: '1969-12-31T23:59:59.999999Z',
      local_as_instant: '1969-12-31T23:59:59.999999',
      millis: '1969-12-31T23:59:59.999000',
      nanos: '1969-12-31T23:59:59.999999',
      time_millis: '00:00:00.001000',
      nothing: null,
      half: 1.5,
      byte: -128,
      unsigned: 4294967295n,
      day: '1969-12-31T00:00:00.000000',
    })
    expect(Object.values(second ?? {})).toStrictEqual(fields.map(() => null))
  })

  test('INT96 timestamps, with and without zone', async () => {
    const file = await contentFile(fixture('int96.parquet'), 3)
    const read96 = async (type: Type): Promise<readonly unknown[]> =>
      (await read([file], columns({ t: type }))).map((row) => row['t'])
    expect(await read96({ kind: 'timestamp' })).toStrictEqual([
      '1969-12-31T23:59:59.999999',
      '1970-01-01T00:00:00.000000',
      null,
    ])
    expect(await read96({ kind: 'timestamptz' })).toStrictEqual([
      '1969-12-31T23:59:59.999999Z',
      '1970-01-01T00:00:00.000000Z',
      null,
    ])
  })

  test('list elements by other names', async () => {
    const file = await contentFile(fixture('lists.parquet'), 4)
    const rows = await read(
      [file],
      [field(1, 'plain', list(2, LONG)), field(3, 'wrapped', list(4, struct(field(5, 'v', INT))))],
    )
    expect(rows).toStrictEqual([
      { plain: [1n, 2n], wrapped: [{ v: 1 }] },
      { plain: null, wrapped: null },
      { plain: [], wrapped: [] },
      { plain: [null], wrapped: [null] },
    ])
  })

  test('names that differ in case only', async () => {
    const file = await contentFile(fixture('cases.parquet'), 2)
    const fields = [
      field(1, 'data', INT),
      field(2, 'DATA', INT),
      field(3, 's', struct(field(4, 'x', INT), field(5, 'X', INT))),
    ]
    expect(await read([file], fields)).toStrictEqual([
      { data: 1, DATA: 10, s: { x: 100, X: 1000 } },
      { data: 2, DATA: 20, s: null },
    ])
    const filtered = taskOf(file, { residual: residual(schemaOf(fields), eq('DATA', 20)) })
    expect(await allRows(shop.reader, requestOf(schemaOf(fields), [filtered]))).toHaveLength(1)
  })
})

test('two columns with one id: the file is damaged', async () => {
  const file = await contentFile(fixture('twice.parquet'), 1)
  await expect(read([file], columns({ a: INT }))).rejects.toMatchObject({ code: 'FLOEBERG_CORRUPT_FILE' })
})

describe('names and places that mean something to the engine', () => {
  test('columns called as those that it adds itself', async () => {
    const file = await shop.write(
      'virtual.parquet',
      "SELECT 'mine' AS filename, 10::INT AS file_row_number, 20::INT AS file_index UNION ALL SELECT 'other', 11, 21",
      '{filename: 1, file_row_number: 2, file_index: 3}',
    )
    const rows = await read(
      [file],
      [
        ...columns({ filename: STRING, file_row_number: INT, file_index: INT }),
        field(2147483646, '_file', STRING),
        field(2147483645, '_pos', LONG),
      ],
    )
    expect(rows).toStrictEqual([
      { filename: 'mine', file_row_number: 10, file_index: 20, _file: file.location, _pos: 0n },
      { filename: 'other', file_row_number: 11, file_index: 21, _file: file.location, _pos: 1n },
    ])
  })

  test('quotes, dots, NULs of SQL and __proto__ in names', async () => {
    const file = await shop.write(
      'names.parquet',
      `SELECT 1::INT AS "a""b", 2::INT AS "it's", {"x.y": 3::INT, "q""'": 4::INT} AS "s t", 5::INT AS "__proto__"`,
      `{"a""b": 1, "it's": 2, "s t": {__duckdb_field_id: 3, "x.y": 4, "q""'": 5}, "__proto__": 6}`,
    )
    const [row] = await read(
      [file],
      [
        field(1, 'a"b', INT),
        field(2, "it's", LONG),
        field(3, 's t', struct(field(5, 'q"\'', INT), field(4, 'x.y', LONG))),
        field(6, '__proto__', INT),
      ],
    )
    expect(Object.entries(row ?? {})).toStrictEqual([
      ['a"b', 1],
      ["it's", 2n],
      ['s t', { 'q"\'': 4, 'x.y': 3n }],
      ['__proto__', 5],
    ])
  })

  test('wildcards and column=value folders in paths', async () => {
    const folder = `${shop.folder}/id=9/p=a*b [x]? 'q'`
    await mkdir(folder, { recursive: true })
    await mkdir(`${shop.folder}/id=9/p=aXb x? 'q'`, { recursive: true })
    const file = await shop.write("id=9/p=a*b [x]? 'q'/f.parquet", 'SELECT 1::INT AS id', '{id: 1}')
    await shop.write("id=9/p=aXb x? 'q'/f.parquet", 'SELECT 2::INT AS id', '{id: 1}')
    const rows = await read([file], [field(1, 'id', INT), field(2, 'p', STRING)])
    expect(rows).toStrictEqual([{ id: 1, p: null }])
  })

  test('metadata columns tell files of one group apart', async () => {
    const files = await Promise.all(
      [0, 1, 2].map((n) =>
        shop.write(`meta${n}.parquet`, `SELECT unnest([${n}, ${n}])::INT AS id`, '{id: 1}'),
      ),
    )
    const rows = await read(files, [
      field(1, 'id', INT),
      field(2147483646, '_file', STRING),
      field(2147483645, '_pos', LONG),
    ])
    expect(rows).toStrictEqual(
      files.flatMap(({ location }, id) => [0n, 1n].map((_pos) => ({ id, _file: location, _pos }))),
    )
  })

  test('metadata columns that are not built are refused by name', async () => {
    const file = await shop.write('meta.parquet', 'SELECT 1::INT AS id', '{id: 1}')
    await expect(read([file], [field(2147483643, '_spec_id', INT)])).rejects.toMatchObject({
      code: 'FLOEBERG_UNSUPPORTED_FEATURE',
    })
  })
})
