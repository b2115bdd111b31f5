import * as arrow from 'apache-arrow'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InferredSchema, RowSource } from '../../src/engine/data-plane.ts'
import { CorruptFileError, InvalidDataError, MissingFileError } from '../../src/errors.ts'
import { leafFields } from '../../src/format/schema.ts'
import { typeToString } from '../../src/format/types-json.ts'
import { openWorkshop, type Workshop } from './writing.ts'

let shop: Workshop

beforeAll(async () => {
  shop = await openWorkshop()
})

afterAll(() => shop.close())

function types({ schema }: InferredSchema): Readonly<Record<string, string>> {
  return Object.fromEntries(schema.fields.map((field) => [field.name, typeToString(field.type)]))
}

async function inferred(source: RowSource): Promise<InferredSchema> {
  return shop.plane.inferSchema(source)
}

async function file(format: 'parquet' | 'csv' | 'json', content: string): Promise<RowSource> {
  const path = join(shop.folder, `source.${format}`)
  if (format === 'parquet') await shop.sql(`COPY (${content}) TO '${path}' (FORMAT parquet)`)
  else await writeFile(path, content)
  return { kind: 'files', format, paths: [path] }
}

describe('Parquet', () => {
  test('types are those of the file; what has no exact counterpart is a guess and says so', async () => {
    const source = await file(
      'parquet',
      `SELECT 1::TINYINT AS i8, 1::UINTEGER AS u32, 1::BIGINT AS l, 1::UBIGINT AS u64, 1.5::FLOAT AS f, 1.5::DECIMAL(9,2) AS d,
       DATE '2026-01-31' AS day, TIME '12:00:00' AS t, TIMESTAMP '2026-01-31' AS ts, TIMESTAMPTZ '2026-01-31 00:00:00+00' AS tz,
       TIMESTAMP_NS '2026-01-31' AS ns, 'x' AS s, uuid() AS u, 'x'::BLOB AS b, [{'a': 1}] AS nested, MAP {'k': [1.5::DOUBLE]} AS m`,
    )
    const found = await inferred(source)
    expect(types(found)).toEqual({
      i8: 'int',
      u32: 'long',
      l: 'long',
      u64: 'decimal(20, 0)',
      f: 'float',
      d: 'decimal(9, 2)',
      day: 'date',
      t: 'time',
      ts: 'timestamp',
      tz: 'timestamptz',
      ns: 'timestamp',
      s: 'string',
      u: 'uuid',
      b: 'binary',
      nested: 'list<struct<a: int>>',
      m: 'map<string, list<double>>',
    })
    expect(found.unsure.map(({ column }) => column)).toEqual(['u64', 'ns'])
    expect(found.schema.fields.every((field) => !field.required)).toBe(true)
    expect(found.schema.fields.map((field) => field.id)).toEqual(
      Array.from({ length: 16 }, (_, at) => at + 1),
    )
    expect(leafFields(found.schema).length).toBe(17)
  })

  test('a schema that was inferred takes the rows it was inferred from', async () => {
    const source = await file(
      'parquet',
      `SELECT range AS n, range::VARCHAR AS s, [range] AS l FROM range(10)`,
    )
    const { schema } = await inferred(source)
    expect((await shop.write(source, schema)).rows).toBe(10)
  })
})

describe('texts', () => {
  test('CSV: what writing reads strictly, and text where it would have to guess', async () => {
    const source = await file(
      'csv',
      'n,x,b,day,odd,ts,tz,s\n1,1.5,true,2026-01-31,31/12/2026,2026-01-31T12:00:00,2026-01-31T12:00:00Z,a\n2,2,false,,,2026-01-31,2026-01-31 12:00:00+02,\n',
    )
    const found = await inferred(source)
    expect(types(found)).toEqual({
      n: 'long',
      x: 'double',
      b: 'boolean',
      day: 'date',
      odd: 'string',
      ts: 'timestamp',
      tz: 'timestamptz',
      s: 'string',
    })
    expect((await shop.write(source, found.schema)).rows).toBe(2)
  })

  test('JSON: nested values, zones, and columns that agree on nothing', async () => {
    const lines = [
      '{"n": 1, "o": {"a": 1.5, "l": ["x"]}, "at": "2026-01-31T12:00:00Z", "nothing": null, "mixed": 1}',
      '{"n": 2, "o": null, "at": "2026-01-31T12:00:00+01:00", "mixed": "x"}',
    ]
    const source = await file('json', lines.join('\n'))
    const found = await inferred(source)
    expect(types(found)).toEqual({
      n: 'long',
      o: 'struct<a: double, l: list<string>>',
      at: 'timestamptz',
      nothing: 'string',
      mixed: 'string',
    })
    expect(found.unsure.map(({ column }) => column)).toEqual(['nothing', 'mixed'])
  })
})

describe('rows and Arrow', () => {
  test('rows: by all that is seen of a column', async () => {
    const rows = [
      {
        n: 1,
        big: 2n ** 60n,
        x: 1,
        s: 'a',
        b: true,
        bytes: Uint8Array.of(1),
        l: [1],
        o: { a: null },
        at: new Date(0),
        none: null,
      },
      { n: 2n, x: 1.5, l: [null, 2.5], o: { a: 1, c: 'x' }, m: new Map([['k', 1]]), mixed: 1 },
      { mixed: 'x' },
    ]
    for (const given of [
      rows,
      (async function* () {
        yield* rows
      })(),
    ]) {
      const found = await inferred({ kind: 'rows', rows: given })
      expect(types(found)).toEqual({
        n: 'long',
        big: 'long',
        x: 'double',
        s: 'string',
        b: 'boolean',
        bytes: 'binary',
        l: 'list<double>',
        o: 'struct<a: long, c: string>',
        at: 'timestamptz',
        none: 'string',
        m: 'map<string, long>',
        mixed: 'string',
      })
      expect(found.unsure.map(({ column }) => column).sort()).toEqual(['at', 'mixed', 'none'])
    }
  })

  test('Arrow: by its schema, and required where it says so', async () => {
    const fields = [
      new arrow.Field('id', new arrow.Int64(), false),
      new arrow.Field('tags', new arrow.List(new arrow.Field('item', new arrow.Utf8(), true)), true),
      new arrow.Field('u', new arrow.Uint64(), true),
      new arrow.Field('nothing', new arrow.Null(), true),
    ]
    const schema = new arrow.Schema(fields)
    const children = fields.map(
      (field) => arrow.vectorFromArray(field.nullable ? [null] : [1n], field.type).data[0],
    )
    const batch = new arrow.RecordBatch(
      schema,
      arrow.makeData({ type: new arrow.Struct(fields), length: 1, children } as never) as never,
    )
    const found = await inferred({ kind: 'arrow', batches: [batch] })
    expect(types(found)).toEqual({ id: 'long', tags: 'list<string>', u: 'decimal(20, 0)', nothing: 'string' })
    expect(found.schema.fields.map((field) => field.required)).toEqual([true, false, false, false])
    expect(found.unsure.map(({ column }) => column)).toEqual(['u', 'nothing'])
    const ipc = arrow.tableToIPC(new arrow.Table(schema, [batch]), 'stream')
    expect(await inferred({ kind: 'arrow-ipc', chunks: [ipc] })).toEqual(found)
  })

  test('nothing to look at is an error, not an empty schema', async () => {
    await expect(inferred({ kind: 'rows', rows: [] })).rejects.toThrow(InvalidDataError)
    await expect(inferred({ kind: 'rows', rows: [{}] })).rejects.toThrow(InvalidDataError)
    await expect(inferred({ kind: 'files', format: 'csv', paths: ['/no/such.csv'] })).rejects.toThrow(
      MissingFileError,
    )
    const path = join(shop.folder, 'broken.parquet')
    await writeFile(path, 'no Parquet file at all')
    await expect(inferred({ kind: 'files', format: 'parquet', paths: [path] })).rejects.toThrow(
      CorruptFileError,
    )
  })
})

describe('whole numbers of either sign in JSON', () => {
  test('are longs where a long holds them all', async () => {
    const found = await inferred(
      await file('json', '{"a": -1}\n{"a": 2}\n{"a": null}\n{"a": 9223372036854775807}\n'),
    )
    expect(types(found)).toEqual({ a: 'long' })
    expect(found.unsure).toEqual([])
  })

  test('are unsure where it does not', async () => {
    const found = await inferred(await file('json', '{"a": -1}\n{"a": 9223372036854775808}\n'))
    expect(found.unsure.map(({ column }) => column)).toEqual(['a'])
  })
})
