import { tableToIPC, tableFromIPC, Table, type RecordBatch } from 'apache-arrow'
import { writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readArrow } from '../../src/engine/duckdb/read.ts'
import { datumSql } from '../../src/engine/duckdb/sql.ts'
import { gte } from '../../src/format/expressions/expression.ts'
import type { NestedField, Schema } from '../../src/format/schema.ts'
import type { Datum, PrimitiveType, Type } from '../../src/format/types.ts'
import {
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

type Request = ReturnType<typeof requestOf>

async function batchesOf(request: Request): Promise<readonly RecordBatch[]> {
  const batches: RecordBatch[] = []
  // The plane hands out batches of the installed apache-arrow.
  for await (const batch of readArrow(shop.reader, request)) batches.push(batch as RecordBatch)
  return batches
}

/** Through the wire format and back, as another process would get it. */
async function tableOf(request: Request): Promise<Table> {
  return tableFromIPC(tableToIPC(new Table([...(await batchesOf(request))]), 'stream'))
}

describe('types and values', () => {
  const sql = `
    SELECT true AS b, 1::INT AS i, 9223372036854775807::BIGINT AS l, 1.5::FLOAT AS f, 0.1::DOUBLE AS d,
      '-0.01'::DECIMAL(4,2) AS d4, '-12345.6789'::DECIMAL(9,4) AS d9, '-9999999999999999.99'::DECIMAL(18,2) AS d18,
      '-99999999999999999999999999999999999999'::DECIMAL(38,0) AS d38, '1969-12-31'::DATE AS da,
      '23:59:59.999999'::TIME AS t, '1969-12-31 23:59:59.999999'::TIMESTAMP AS ts,
      '1969-12-31 23:59:59.999999+00'::TIMESTAMPTZ AS tz, '1969-12-31 23:59:59.999999999'::TIMESTAMP_NS AS ns,
      'ein längerer Text 😀' AS s, 'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID AS u, '\\x00\\xFF'::BLOB AS bi,
      'abcd'::BLOB AS fx, [1, NULL, 3]::INT[] AS li, {x: 1::INT, y: NULL::VARCHAR} AS st, MAP {'k': 1::INT} AS m,
      [{p: [1::INT]}, NULL] AS deep`
  const decimal = (precision: number, scale: number): Type => ({ kind: 'decimal', precision, scale })
  const INT: Type = { kind: 'int' }
  const field = (id: number, name: string, type: Type, required = false): NestedField => ({
    id,
    name,
    type,
    required,
  })
  const fields = [
    ...columns({
      b: { kind: 'boolean' },
      i: INT,
      l: { kind: 'long' },
      f: { kind: 'float' },
      d: { kind: 'double' },
      d4: decimal(4, 2),
      d9: decimal(9, 4),
      d18: decimal(18, 2),
      d38: decimal(38, 0),
      da: { kind: 'date' },
      t: { kind: 'time' },
      ts: { kind: 'timestamp' },
      tz: { kind: 'timestamptz' },
      ns: { kind: 'timestamp_ns' },
      s: { kind: 'string' },
      u: { kind: 'uuid' },
      bi: { kind: 'binary' },
      fx: { kind: 'fixed', length: 4 },
    }),
    field(20, 'li', { kind: 'list', elementId: 21, elementRequired: false, element: INT }),
    field(30, 'st', { kind: 'struct', fields: [field(31, 'x', INT), field(32, 'y', { kind: 'string' })] }),
    field(40, 'm', {
      kind: 'map',
      keyId: 41,
      key: { kind: 'string' },
      valueId: 42,
      valueRequired: false,
      value: INT,
    }),
    field(50, 'deep', {
      kind: 'list',
      elementId: 51,
      elementRequired: false,
      element: {
        kind: 'struct',
        fields: [field(52, 'p', { kind: 'list', elementId: 53, elementRequired: false, element: INT })],
      },
    }),
    field(60, 'absent', { kind: 'unknown' }),
  ]
  const leaves = fields.slice(0, 18).map(({ id, name }) => `${name}: ${id}`)
  const ids = `{${leaves.join(', ')}, li: {__duckdb_field_id: 20, element: 21}, st: {__duckdb_field_id: 30, x: 31, y: 32}, m: {__duckdb_field_id: 40, key: 41, value: 42}, deep: {__duckdb_field_id: 50, element: {__duckdb_field_id: 51, p: {__duckdb_field_id: 52, element: 53}}}}`
  const nulls = `SELECT ${fields
    .slice(0, -1)
    .map(() => 'NULL')
    .join(', ')}`

  test('are those that PyIceberg gives in Arrow', async () => {
    const file = await shop.write('types.parquet', `${sql} UNION ALL ${nulls}`, ids)
    const table = await tableOf(requestOf(schemaOf(fields), [taskOf(file)]))
    expect(
      table.schema.fields.map((each) => [
        each.name,
        String(each.type),
        each.metadata.get('PARQUET:field_id'),
      ]),
    ).toStrictEqual([
      ['b', 'Bool', '1'],
      ['i', 'Int32', '2'],
      ['l', 'Int64', '3'],
      ['f', 'Float32', '4'],
      ['d', 'Float64', '5'],
      ['d4', 'Decimal[4e+2]', '6'],
      ['d9', 'Decimal[9e+4]', '7'],
      ['d18', 'Decimal[18e+2]', '8'],
      ['d38', 'Decimal[38e0]', '9'],
      ['da', 'Date32<DAY>', '10'],
      ['t', 'Time64<MICROSECOND>', '11'],
      ['ts', 'Timestamp<MICROSECOND>', '12'],
      ['tz', 'Timestamp<MICROSECOND, UTC>', '13'],
      ['ns', 'Timestamp<NANOSECOND>', '14'],
      ['s', 'Utf8', '15'],
      ['u', 'FixedSizeBinary[16]', '16'],
      ['bi', 'Binary', '17'],
      ['fx', 'FixedSizeBinary[4]', '18'],
      ['li', 'List<Int32>', '20'],
      ['st', 'Struct<{x:Int32, y:Utf8}>', '30'],
      ['m', 'Map<{key:Utf8, value:Int32}>', '40'],
      ['deep', 'List<Struct<{p:List<Int32>}>>', '50'],
      ['absent', 'Null', '60'],
    ])
    const raw = (name: string): unknown => table.getChild(name)?.data[0]?.values
    expect(table.getChild('l')?.get(0)).toBe(9223372036854775807n)
    expect(raw('da')).toStrictEqual(Int32Array.of(-1, 0))
    expect(raw('t')).toStrictEqual(BigInt64Array.of(86_399_999_999n, 0n))
    expect(raw('ts')).toStrictEqual(BigInt64Array.of(-1n, 0n))
    expect(raw('tz')).toStrictEqual(BigInt64Array.of(-1n, 0n))
    expect(raw('ns')).toStrictEqual(BigInt64Array.of(-1n, 0n))
    for (const [name, unscaled] of [
      ['d4', -1n],
      ['d9', -123456789n],
      ['d18', -999999999999999999n],
      ['d38', -(10n ** 38n) + 1n],
    ] as const) {
      const words = new BigInt64Array(Uint32Array.from(table.getChild(name)?.get(0) as Uint32Array).buffer)
      expect((words[1] ?? 0n) * 2n ** 64n + BigInt.asUintN(64, words[0] ?? 0n)).toBe(unscaled)
    }
    expect(table.getChild('s')?.get(0)).toBe('ein längerer Text 😀')
    expect(Buffer.from(table.getChild('u')?.get(0) as Uint8Array).toString('hex')).toBe(
      'f79c3e09677c4bbda4793f349cb785e7',
    )
    expect(table.getChild('bi')?.get(0)).toStrictEqual(Uint8Array.of(0, 255))
    expect(table.getChild('fx')?.get(0)).toStrictEqual(new TextEncoder().encode('abcd'))
    const first = table.get(0)?.toJSON() ?? {}
    expect(
      JSON.stringify([first['li'], first['st'], first['m'], first['deep'], first['b'], first['f']]),
    ).toBe('[[1,null,3],{"x":1,"y":null},{"k":1},[{"p":[1]},null],true,1.5]')
    for (const { name } of fields) expect(table.getChild(name)?.get(1)).toBeNull()
  })

  test('a fixed value of another length is refused', async () => {
    const file = await shop.write('fixed.parquet', "SELECT 'abc'::BLOB AS fx", '{fx: 18}')
    const request = requestOf(schemaOf([field(18, 'fx', { kind: 'fixed', length: 4 })]), [taskOf(file)])
    await expect(batchesOf(request)).rejects.toMatchObject({ code: 'FLOEBERG_CORRUPT_FILE' })
  })

  test('required columns say so', async () => {
    const file = await shop.write('required.parquet', 'SELECT 1::INT AS i', '{i: 2}')
    const [batch] = await batchesOf(requestOf(schemaOf([field(2, 'i', INT, true)]), [taskOf(file)]))
    expect(batch?.schema.fields[0]?.nullable).toBe(false)
  })
})

describe('batches', () => {
  const schema: Schema = schemaOf(
    columns({
      id: { kind: 'long' },
      text: { kind: 'string' },
      maybe: { kind: 'int' },
      flag: { kind: 'boolean' },
    }),
  )

  test('of many rows join without loss, nulls first seen late included', async () => {
    const path = `${shop.folder}/many.parquet`
    await shop.sql(
      `COPY (SELECT range AS id, 'text number ' || range AS text, CASE WHEN range > 5000 AND range % 3 = 0 THEN NULL ELSE range::INT END AS maybe, ` +
        `CASE WHEN range % 5 = 0 THEN NULL ELSE range % 2 = 0 END AS flag FROM range(300000)) TO '${path}' (FORMAT parquet, FIELD_IDS {id: 1, text: 2, maybe: 3, flag: 4})`,
    )
    const batches = await batchesOf(requestOf(schema, [taskOf(await contentFile(path, 300_000))]))
    expect(batches.length).toBeGreaterThan(1)
    expect(batches.reduce((sum, { numRows }) => sum + numRows, 0)).toBe(300_000)
    const table = tableFromIPC(tableToIPC(new Table([...batches])))
    let row = 0
    const wrong: number[] = []
    for (const each of table) {
      const maybe = row > 5000 && row % 3 === 0 ? null : row
      const flag = row % 5 === 0 ? null : row % 2 === 0
      if (
        each['id'] !== BigInt(row) ||
        each['text'] !== `text number ${row}` ||
        each['maybe'] !== maybe ||
        each['flag'] !== flag
      )
        wrong.push(row)
      row += 1
    }
    expect(wrong).toStrictEqual([])
  })

  test('hold nested values of their own rows only, the later ones too', async () => {
    const path = `${shop.folder}/nested.parquet`
    await shop.sql(
      `COPY (SELECT range AS id, CASE range % 4 WHEN 0 THEN NULL WHEN 1 THEN [] ELSE [range, NULL] END AS l, ` +
        `CASE WHEN range % 7 = 0 THEN NULL ELSE {'s': 'text ' || range} END AS o, ` +
        `CASE WHEN range < 290000 THEN range ELSE NULL END AS early FROM range(300000)) ` +
        `TO '${path}' (FORMAT parquet, FIELD_IDS {id: 1, l: {__duckdb_field_id: 2, element: 3}, o: {__duckdb_field_id: 4, s: 5}, early: 6})`,
    )
    const nested = schemaOf([
      { id: 1, name: 'id', required: false, type: { kind: 'long' } },
      {
        id: 2,
        name: 'l',
        required: false,
        type: { kind: 'list', elementId: 3, elementRequired: false, element: { kind: 'long' } },
      },
      {
        id: 4,
        name: 'o',
        required: false,
        type: {
          kind: 'struct',
          fields: [{ id: 5, name: 's', required: false, type: { kind: 'string' } }],
        },
      },
      { id: 6, name: 'early', required: false, type: { kind: 'long' } },
    ])
    const batches = await batchesOf(requestOf(nested, [taskOf(await contentFile(path, 300_000))]))
    expect(batches.length).toBeGreaterThan(2)
    let row = 0
    const wrong: number[] = []
    for (const each of tableFromIPC(tableToIPC(new Table([...batches])))) {
      const list = each['l'] === null ? null : [...each['l']]
      const expected = row % 4 === 0 ? null : row % 4 === 1 ? [] : [BigInt(row), null]
      const text = row % 7 === 0 ? undefined : `text ${row}`
      const isRight =
        JSON.stringify(list, bigints) === JSON.stringify(expected, bigints) &&
        each['o']?.s === text &&
        each['early'] === (row < 290_000 ? BigInt(row) : null)
      if (!isRight) wrong.push(row)
      row += 1
    }
    expect(row).toBe(300_000)
    expect(wrong).toStrictEqual([])
  })

  test('of wide rows are smaller', async () => {
    const path = `${shop.folder}/wide.parquet`
    await shop.sql(
      `COPY (SELECT range AS id, repeat(md5(range::VARCHAR), 200) AS text FROM range(22000)) TO '${path}' (FORMAT parquet, FIELD_IDS {id: 1, text: 2})`,
    )
    const request = requestOf(schemaOf(columns({ id: { kind: 'long' }, text: { kind: 'string' } })), [
      taskOf(await contentFile(path, 22_000)),
    ])
    const batches = await batchesOf(request)
    expect(batches.length).toBeGreaterThan(1)
    expect(batches.reduce((sum, { numRows }) => sum + numRows, 0)).toBe(22_000)
  })

  test('none where there is no row', async () => {
    const file = await shop.write(
      'few.parquet',
      "SELECT 1::BIGINT AS id, 'x' AS text, 1::INT AS maybe, true AS flag",
      '{id: 1, text: 2, maybe: 3, flag: 4}',
    )
    expect(
      await batchesOf(requestOf(schema, [taskOf(file, { residual: residual(schema, gte('id', 2n)) })])),
    ).toStrictEqual([])
  })
})

test('any column, filtered or not, holds the values that were written', async () => {
  const types: readonly (readonly [PrimitiveType, fc.Arbitrary<Datum>])[] = [
    [{ kind: 'long' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    [{ kind: 'string' }, fc.string({ unit: 'binary', maxLength: 40 })],
    [{ kind: 'boolean' }, fc.boolean()],
    [
      { kind: 'decimal', precision: 18, scale: 3 },
      fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }),
    ],
    [{ kind: 'binary' }, fc.uint8Array({ maxLength: 40 })],
  ]
  const cell = fc.constantFrom(...types).chain(([type, values]) =>
    fc.record({
      type: fc.constant(type),
      rows: fc.array(fc.option(values), { minLength: 1, maxLength: 60 }),
    }),
  )
  let n = 0
  await fc.assert(
    fc.asyncProperty(cell, fc.nat(60), async ({ type, rows }, from) => {
      n += 1
      const name = `column${n}.parquet`
      const list = rows
        .map((row, at) => `(${at}, [${datumSql(type, row)}], ${datumSql(type, row)})`)
        .join(', ')
      const file = await shop.write(
        name,
        `SELECT * FROM (VALUES ${list}) AS t(n, l, v)`,
        '{n: 1, l: {__duckdb_field_id: 2, element: 3}, v: 4}',
      )
      const schema = schemaOf([
        ...columns({ n: { kind: 'int' } }),
        {
          id: 2,
          name: 'l',
          required: false,
          type: { kind: 'list', elementId: 3, elementRequired: false, element: type },
        },
        { id: 4, name: 'v', required: false, type },
      ])
      const table = await tableOf(
        requestOf(schema, [taskOf(file, { residual: residual(schema, gte('n', from)) })]),
      )
      const left = rows.slice(from)
      expect(table.numRows).toBe(left.length)
      const plain = (value: unknown): unknown => {
        if (value instanceof Uint32Array)
          return BigInt.asIntN(64, new BigUint64Array(Uint32Array.from(value).buffer)[0] ?? 0n)
        return value instanceof Uint8Array ? Uint8Array.from(value) : value
      }
      for (const [at, expected] of left.entries()) {
        expect(plain(table.getChild('v')?.get(at))).toStrictEqual(expected)
        expect(plain(table.getChild('l')?.get(at)?.get(0))).toStrictEqual(expected)
      }
    }),
    { numRuns: 60 },
  )
})

test('without apache-arrow the error names the package', async () => {
  const { spawnSync } = await import('node:child_process')
  const hooks = `${shop.folder}/hooks.mjs`
  await writeFile(
    hooks,
    "import { registerHooks } from 'node:module'\n" +
      "registerHooks({ resolve: (name, context, next) => { if (name === 'apache-arrow') throw Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' }); return next(name, context) } })\n",
  )
  const script = `
    import { batchReader } from ${JSON.stringify(new URL('../../src/engine/duckdb/arrow-out.ts', import.meta.url).href)}
    try { await batchReader({ schemaId: 0, fields: [], identifierFieldIds: [] }) } catch (error) { console.log(error.code, error.hint) }`
  const { stdout } = spawnSync(process.execPath, ['--import', hooks, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect(stdout).toContain('FLOEBERG_MISSING_DEPENDENCY Install it with `npm install apache-arrow`.')
})

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}
