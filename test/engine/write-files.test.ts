import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CorruptFileError,
  FloebergError,
  InvalidDataError,
  MissingFileError,
  SchemaMismatchError,
} from '../../src/errors.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { Type } from '../../src/format/types.ts'
import { fieldsOf, openWorkshop, pathOf, rowsOf, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop

beforeAll(async () => {
  shop = await openWorkshop()
})

afterAll(() => shop.close())

type Format = 'parquet' | 'csv' | 'json'

async function save(name: string, text: string): Promise<string> {
  const path = join(shop.folder, 'in', name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

/** Writes a Parquet file by a DuckDB that is not the one under test. */
async function parquet(name: string, query: string): Promise<string> {
  const path = await save(name, '')
  await shop.sql(`COPY (${query}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`)
  return path
}

/** The rows that come out of one file, written in and read back by another reader. */
async function through(
  format: Format,
  paths: readonly string[],
  schema: Schema,
): Promise<readonly unknown[]> {
  const { files } = await shop.write({ kind: 'files', format, paths }, schema)
  return (await Promise.all(files.map(rowsOf))).flat()
}

async function refusal(format: Format, paths: readonly string[], schema: Schema): Promise<FloebergError> {
  const before = await shop.leftovers()
  const error: unknown = await shop.write({ kind: 'files', format, paths }, schema).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(await shop.leftovers()).toEqual(before)
  if (!(error instanceof FloebergError)) throw error
  return error
}

describe('Parquet columns', () => {
  test.each<readonly [string, Type, unknown]>([
    ['1::TINYINT', { kind: 'int' }, 1],
    ['255::UTINYINT', { kind: 'int' }, 255],
    ['4294967295::UINTEGER', { kind: 'long' }, 4294967295n],
    ['5::INTEGER', { kind: 'long' }, 5n],
    ['5::INTEGER', { kind: 'double' }, 5],
    ['1.5::FLOAT', { kind: 'double' }, 1.5],
    ['1.5::DECIMAL(9,2)', { kind: 'decimal', precision: 12, scale: 4 }, 1.5],
    ['18446744073709551615::UBIGINT', { kind: 'decimal', precision: 20, scale: 0 }, 18446744073709551615],
    ["'x'::ENUM('x', 'y')", { kind: 'string' }, 'x'],
    [
      "TIMESTAMP_NS '2026-12-31 23:59:59.123456'",
      { kind: 'timestamp' },
      new Date('2026-12-31T23:59:59.123Z'),
    ],
    [
      '[1::SMALLINT, NULL]',
      { kind: 'list', elementId: 9, elementRequired: false, element: { kind: 'long' } },
      [1n, null],
    ],
    [
      "MAP {'a': 1::SMALLINT}",
      {
        kind: 'map',
        keyId: 8,
        key: { kind: 'string' },
        valueId: 9,
        valueRequired: true,
        value: { kind: 'long' },
      },
      { a: 1n },
    ],
    [
      "{'b': 1::SMALLINT, 'a': 'x'}",
      {
        kind: 'struct',
        fields: [
          { id: 8, name: 'a', required: false, type: { kind: 'string' } },
          { id: 9, name: 'b', required: true, type: { kind: 'int' } },
          { id: 10, name: 'c', required: false, type: { kind: 'date' } },
        ],
      },
      { a: 'x', b: 1, c: null },
    ],
  ])('%s fits $kind', async (value, type, expected) => {
    const path = await parquet('wider.parquet', `SELECT ${value} AS x UNION ALL SELECT NULL`)
    expect(await through('parquet', [path], schemaOf({ x: type }))).toEqual([{ x: expected }, { x: null }])
  })

  test.each<readonly [string, Type]>([
    ['1::BIGINT', { kind: 'int' }],
    ['1::UBIGINT', { kind: 'long' }],
    ['1::HUGEINT', { kind: 'long' }],
    ['1.5::DOUBLE', { kind: 'float' }],
    ['1::BIGINT', { kind: 'double' }],
    ['1.5::DECIMAL(9,2)', { kind: 'decimal', precision: 9, scale: 1 }],
    ['1.5::DECIMAL(9,2)', { kind: 'decimal', precision: 9, scale: 3 }],
    ["'1'", { kind: 'int' }],
    ['1', { kind: 'string' }],
    ["TIMESTAMP '2026-01-01'", { kind: 'timestamptz' }],
    ["TIMESTAMPTZ '2026-01-01 00:00:00+00'", { kind: 'timestamp' }],
    ["TIMESTAMP '2026-01-01'", { kind: 'date' }],
    ["'\\x00'::BLOB", { kind: 'string' }],
    ['[1]', { kind: 'int' }],
    ['1', { kind: 'list', elementId: 9, elementRequired: false, element: { kind: 'int' } }],
    ['[1::BIGINT]', { kind: 'list', elementId: 9, elementRequired: false, element: { kind: 'int' } }],
  ])('%s is refused for $kind by its type', async (value, type) => {
    const path = await parquet('narrower.parquet', `SELECT ${value} AS x`)
    const error = await refusal('parquet', [path], schemaOf({ x: type }))
    expect(error).toBeInstanceOf(SchemaMismatchError)
    expect(String(Reflect.get(error, 'column'))).toMatch(/^x/)
  })

  test('nanoseconds that a timestamp cannot keep are found by row', async () => {
    const path = await parquet('nanos.parquet', `SELECT make_timestamp_ns(range * 500) AS x FROM range(10)`)
    const error = await refusal('parquet', [path], schemaOf({ x: { kind: 'timestamp' } }))
    expect(error).toBeInstanceOf(InvalidDataError)
    expect(error).toMatchObject({ column: 'x', source: path, row: 1 })
  })

  test('are matched by name, whatever their order; what is missing is null', async () => {
    const path = await parquet('order.parquet', `SELECT 'x' AS b, 1 AS a`)
    const schema = schemaOf({ a: { kind: 'int' }, b: { kind: 'string' }, c: { kind: 'double' } })
    expect(await through('parquet', [path], schema)).toEqual([{ a: 1, b: 'x', c: null }])
    expect(await refusal('parquet', [path], schemaOf({ a: { kind: 'int' } }))).toMatchObject({ column: 'b' })
    const strict = fieldsOf([
      ...schema.fields,
      { id: 9, name: 'must', required: true, type: { kind: 'int' } },
    ])
    expect(await refusal('parquet', [path], strict)).toMatchObject({ column: 'must' })
  })

  test('of a required column are counted, and a null is found by row', async () => {
    const path = await parquet(
      'nulls.parquet',
      `SELECT CASE WHEN range <> 70000 THEN range END AS id FROM range(100000)`,
    )
    const schema = fieldsOf([{ id: 1, name: 'id', required: true, type: { kind: 'long' } }])
    expect(await refusal('parquet', [path], schema)).toMatchObject({ column: 'id', source: path, row: 70000 })
  })

  test('of nested required fields are checked at every depth', async () => {
    const type: Type = {
      kind: 'list',
      elementId: 2,
      elementRequired: true,
      element: { kind: 'struct', fields: [{ id: 3, name: 'x', required: true, type: { kind: 'int' } }] },
    }
    const schema = fieldsOf([{ id: 1, name: 'l', required: true, type }])
    const good = `SELECT [{'x': 1}, {'x': 2}] AS l`
    expect(await through('parquet', [await parquet('good.parquet', good)], schema)).toEqual([
      { l: [{ x: 1 }, { x: 2 }] },
    ])
    for (const bad of [`[{'x': 1}, NULL]`, `[{'x': NULL}]`, 'NULL']) {
      const path = await parquet('bad.parquet', `${good} UNION ALL SELECT ${bad}`)
      expect(await refusal('parquet', [path], schema)).toMatchObject({ column: 'l', source: path, row: 1 })
    }
  })
})

describe('CSV', () => {
  const schema = schemaOf({
    i: { kind: 'int' },
    s: { kind: 'string' },
    d: { kind: 'decimal', precision: 5, scale: 2 },
    b: { kind: 'boolean' },
    day: { kind: 'date' },
    at: { kind: 'timestamptz' },
    f: { kind: 'double' },
    u: { kind: 'uuid' },
  })
  const header = 'i,s,d,b,day,at,f,u\n'

  test('is read strictly by the types of the table', async () => {
    const path = await save(
      'good.csv',
      `${header}1,"a, ""b""",1.5,true,1969-12-31,2026-01-31T12:00:00.5+02:00,1e3,f79c3e09-677c-4bbd-a479-3f349cb785e7\n` +
        `-2.0,"",-999.990,F,0100-01-01,1969-12-31 23:59:59Z,NaN,\n,,,,,,,\n`,
    )
    const nothing = { i: null, s: null, d: null, b: null, day: null, at: null, f: null, u: null }
    expect(await through('csv', [path], schema)).toEqual([
      {
        i: 1,
        s: 'a, "b"',
        d: 1.5,
        b: true,
        day: new Date('1969-12-31'),
        at: new Date('2026-01-31T10:00:00.500Z'),
        f: 1000,
        u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      },
      {
        i: -2,
        s: '',
        d: -999.99,
        b: false,
        day: new Date('0100-01-01'),
        at: new Date('1969-12-31T23:59:59Z'),
        f: Number.NaN,
        u: null,
      },
      nothing,
    ])
  })

  test.each([
    ['i', '1.5'],
    ['i', '2147483648'],
    ['i', '1e3'],
    ['i', 'x'],
    ['i', '0x10'],
    ['d', '1.005'],
    ['d', '1000'],
    ['d', '1e1'],
    ['b', 'maybe'],
    ['b', '2'],
    ['day', '2026-02-30'],
    ['day', '31/12/2026'],
    ['day', '2026-01-01T00:00:00'],
    ['at', '2026-01-31T12:00:00'],
    ['at', '2026-01-31T25:00:00Z'],
    ['at', '2026-01-31T12:00:00.1234567Z'],
    ['f', '1e999'],
    ['f', 'one'],
    ['u', 'f79c3e09677c4bbda4793f349cb785e7'],
  ])('%s = %s is refused, by row', async (column, value) => {
    const names = header.trim().split(',')
    const line = names.map((name) => (name === column ? value : '')).join(',')
    const good = await save('first.csv', `${header},,,,,,,\n`)
    const path = await save('bad.csv', `${header},ok,,,,,,\n${line}\n`)
    const error = await refusal('csv', [good, path], schema)
    expect(error).toBeInstanceOf(InvalidDataError)
    expect(error).toMatchObject({ column, source: path, row: 1 })
    expect(error.message.replaceAll(path, '')).not.toContain(value)
  })

  test.each([
    ['tabs', 'i\ts\n1\ta,b;c|d\n'],
    ['semicolons', '"i";"s"\n1;a,b;c|d\n'.replace('a,b;c|d', '"a,b;c|d"')],
    ['bars, CRLF and a byte order mark', '\uFEFFi|s\r\n1|"a,b;c|d"\r\n'],
    ['no line break at the end', 'i,s\n1,"a,b;c|d"'],
  ])('%s', async (_, text) => {
    const rows = await through('csv', [await save('dialect.csv', text)], schema)
    expect(rows).toEqual([expect.objectContaining({ i: 1, s: 'a,b;c|d' })])
  })

  test('line breaks, quotes and empty lines within a column are its text', async () => {
    const one = schemaOf({ s: { kind: 'string' } })
    const path = await save('lines.csv', 's\n"a\n\n""b"""\n"x\r\ny"\n#z\n')
    expect(await through('csv', [path], one)).toEqual([{ s: 'a\n\n"b"' }, { s: 'x\r\ny' }, { s: '#z' }])
  })

  test.each([
    ['a row that is too short', 'i,s\n1,x\n2\n'],
    ['a row that is too long', 'i,s\n1,x\n2,y,z\n'],
    ['a quote that is not closed', 'i,s\n1,x\n2,"y\n3,z\n'],
    ['bytes that are no UTF-8', 'i,s\n1,\xff\n'],
  ])('%s is damage, never bent until it fits', async (_, text) => {
    const path = join(shop.folder, 'in', 'damaged.csv')
    await writeFile(path, text, 'latin1')
    const error = await refusal('csv', [path], schema)
    expect(error).toBeInstanceOf(CorruptFileError)
    expect(error.file).toBe(path)
  })

  test('a file without rows gives none; neither does an empty one', async () => {
    for (const text of ['i,s\n', 'i,s', '']) {
      expect(await through('csv', [await save('empty.csv', text)], schema)).toEqual([])
    }
    const empty = await save('empty.csv', '')
    const full = await save('full.csv', 'i\n5\n')
    expect(await through('csv', [empty, full], schema)).toEqual([expect.objectContaining({ i: 5 })])
  })

  test('nested columns are JSON', async () => {
    const nested = schemaOf({
      l: { kind: 'list', elementId: 9, elementRequired: false, element: { kind: 'int' } },
    })
    expect(await through('csv', [await save('nested.csv', 'l\n"[1, null]"\n')], nested)).toEqual([
      { l: [1, null] },
    ])
    expect(await refusal('csv', [await save('bad.csv', 'l\n[1]\n[x\n')], nested)).toMatchObject({
      column: 'l',
      row: 1,
    })
  })

  test("without the table's columns is refused", async () => {
    expect(await refusal('csv', [await save('other.csv', 'i,wrong\n1,2\n')], schema)).toMatchObject({
      column: 'wrong',
    })
  })
})

describe('JSON', () => {
  const schema = fieldsOf([
    { id: 1, name: 'id', required: true, type: { kind: 'long' } },
    { id: 2, name: 'd', required: false, type: { kind: 'decimal', precision: 20, scale: 2 } },
    { id: 3, name: 's', required: false, type: { kind: 'string' } },
    {
      id: 4,
      name: 'o',
      required: false,
      type: { kind: 'struct', fields: [{ id: 5, name: 'a/b', required: true, type: { kind: 'int' } }] },
    },
    {
      id: 6,
      name: 'l',
      required: false,
      type: { kind: 'list', elementId: 7, elementRequired: false, element: { kind: 'timestamp' } },
    },
    {
      id: 8,
      name: 'm',
      required: false,
      type: {
        kind: 'map',
        keyId: 9,
        key: { kind: 'int' },
        valueId: 10,
        valueRequired: false,
        value: { kind: 'boolean' },
      },
    },
  ])
  const lines = [
    '{"id": 9007199254740993, "d": 1.5, "s": "é\\u0000", "o": {"a/b": 1}, "l": ["2026-01-31T00:00:00", null], "m": {"1": true, "2": null}}',
    '{"id": "-9223372036854775808", "d": "12345678901234.25", "s": "", "o": null, "l": [], "m": {}}',
    '{"id": 3}',
  ]
  const rows = [
    {
      id: 9007199254740993n,
      d: 1.5,
      s: 'é\u0000',
      o: { 'a/b': 1 },
      l: [new Date('2026-01-31'), null],
      m: { 1: true, 2: null },
    },
    { id: -9223372036854775808n, d: 12345678901234.25, s: '', o: null, l: [], m: {} },
    { id: 3n, d: null, s: null, o: null, l: null, m: null },
  ]

  test('lines and arrays are read alike', async () => {
    expect(await through('json', [await save('a.jsonl', lines.join('\n'))], schema)).toEqual(rows)
    expect(await through('json', [await save('a.json', `[${lines.join(',\n')}]`)], schema)).toEqual(rows)
  })

  test.each<readonly [string | undefined, string]>([
    ['id', '{"id": null}'],
    ['id', '{"d": 1}'],
    ['id', '{"id": 1.5}'],
    ['id', '{"id": 9223372036854775808}'],
    ['id', '{"id": true}'],
    ['id', '{"id": [1]}'],
    ['d', '{"id": 1, "d": 1.005}'],
    ['d', '{"id": 1, "d": 12345678901234.25}'],
    ['s', '{"id": 1, "s": 5}'],
    ['s', '{"id": 1, "s": {"a": 1}}'],
    ['o', '{"id": 1, "o": {}}'],
    ['o', '{"id": 1, "o": {"a/b": null}}'],
    ['o', '{"id": 1, "o": {"a/b": 1, "c": 2}}'],
    ['o', '{"id": 1, "o": [1]}'],
    ['l', '{"id": 1, "l": ["2026-01-31T00:00:00Z"]}'],
    ['l', '{"id": 1, "l": [5]}'],
    ['l', '{"id": 1, "l": {"a": 1}}'],
    ['m', '{"id": 1, "m": {"x": true}}'],
    ['m', '{"id": 1, "m": {"1": 5}}'],
    ['m', '{"id": 1, "m": [1]}'],
    [undefined, '{"id": 1, "unknown": 2}'],
    [undefined, '[1]'],
    [undefined, '5'],
  ])('%s: %s is refused, by row', async (column, line) => {
    const path = await save('bad.jsonl', [...lines, line].join('\n'))
    const error = await refusal('json', [path], schema)
    expect(error).toBeInstanceOf(InvalidDataError)
    expect(error).toMatchObject({ column, source: path, row: 3 })
  })

  test('that is broken off is a damaged file', async () => {
    const path = await save('broken.jsonl', `${lines[0]}\n{"id": 1, "s": "x`)
    const error = await refusal('json', [path], schema)
    expect(error).toBeInstanceOf(CorruptFileError)
    expect(error.file).toBe(path)
  })
})

describe('which files', () => {
  const schema = schemaOf({ x: { kind: 'long' }, y: { kind: 'string' } })

  test('wildcards are expanded in order of names, and folders of partitions add no columns', async () => {
    await parquet('many/k=2/b.parquet', 'SELECT 2::BIGINT AS x')
    await parquet('many/k=1/a.parquet', `SELECT 1::BIGINT AS x, 'one' AS y`)
    const pattern = join(shop.folder, 'in', 'many', '*', '*.parquet')
    expect(await through('parquet', [pattern], schema)).toEqual([
      { x: 1n, y: 'one' },
      { x: 2n, y: null },
    ])
  })

  test('names that look like wildcards or SQL are names', async () => {
    for (const name of ['a[1].parquet', "it's.parquet", 'what?.parquet', 'a*b.parquet', '-- x.parquet']) {
      const path = await parquet('plain.parquet', 'SELECT 5::BIGINT AS x')
      const odd = join(dirname(path), name)
      await shop.sql(`COPY (SELECT 5::BIGINT AS x) TO '${odd.replaceAll("'", "''")}' (FORMAT parquet)`)
      await parquet('a1.parquet', 'SELECT 6::BIGINT AS x')
      expect(await through('parquet', [odd], schema)).toEqual([{ x: 5n, y: null }])
    }
  })

  test('that are not there, or are none, are named', async () => {
    for (const path of [join(shop.folder, 'no.parquet'), join(shop.folder, 'no*.parquet')]) {
      const error = await refusal('parquet', [path], schema)
      expect(error).toBeInstanceOf(MissingFileError)
      expect(error.file).toBe(path)
    }
    const path = await save('no.parquet', 'PAR1 and nothing else PAR1')
    const error = await refusal('parquet', [path], schema)
    expect(error).toBeInstanceOf(CorruptFileError)
    expect(error.file).toBe(path)
  })

  test('a data file of a table is a source like any other', async () => {
    const { files } = await shop.write({ kind: 'rows', rows: [{ x: 1, y: 'a' }] }, schema)
    const [file] = files
    if (file === undefined) throw new Error('no file')
    expect(await through('parquet', [pathOf(file)], schema)).toEqual([{ x: 1n, y: 'a' }])
  })
})
