import * as arrow from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CorruptFileError,
  FloebergError,
  InvalidArgumentError,
  InvalidDataError,
  SchemaMismatchError,
} from '../../src/errors.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { Type } from '../../src/format/types.ts'
import { fieldsOf, openWorkshop, rowsOf, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop

beforeAll(async () => {
  shop = await openWorkshop()
})

afterAll(() => shop.close())

type Batches = readonly arrow.RecordBatch[]

async function through(batches: Batches, schema: Schema): Promise<readonly unknown[]> {
  const { files } = await shop.write({ kind: 'arrow', batches }, schema)
  return (await Promise.all(files.map(rowsOf))).flat()
}

async function refusal(batches: Batches, schema: Schema): Promise<FloebergError> {
  const before = await shop.leftovers()
  const error: unknown = await shop.write({ kind: 'arrow', batches }, schema).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(await shop.leftovers()).toEqual(before)
  if (!(error instanceof FloebergError)) throw error
  return error
}

/** A table of one column `x` of these values, in batches of three rows. */
function column(type: arrow.DataType, values: readonly unknown[]): Batches {
  const batches: arrow.RecordBatch[] = []
  for (let at = 0; at < values.length; at += 3) {
    const x = arrow.vectorFromArray(values.slice(at, at + 3), type)
    batches.push(...new arrow.Table({ x }).batches)
  }
  return batches
}

const list = (element: Type): Type => ({ kind: 'list', elementId: 9, elementRequired: false, element })
const long = 'a text that is longer than twelve bytes'

/** Ten of each, so that batches begin in the middle and bits do not end with a byte. */
const some = <T>(first: T, second: T): readonly (T | null)[] => [
  first,
  null,
  second,
  second,
  first,
  null,
  null,
  second,
  first,
  second,
]

/** Name, type and values in Arrow; type in the table; values as another reader sees them. */
type PlainCase = readonly [string, arrow.DataType, readonly unknown[], Type, ((value: never) => unknown)?]

describe('Arrow columns', () => {
  const plain: readonly PlainCase[] = [
    ['bool', new arrow.Bool(), some(true, false), { kind: 'boolean' }],
    ['int8', new arrow.Int8(), some(-128, 127), { kind: 'int' }],
    ['uint16', new arrow.Uint16(), some(0, 65535), { kind: 'int' }],
    ['uint32', new arrow.Uint32(), some(0, 4294967295), { kind: 'long' }, (value: number) => BigInt(value)],
    ['int64', new arrow.Int64(), some(-(2n ** 63n), 2n ** 63n - 1n), { kind: 'long' }],
    ['float32', new arrow.Float32(), some(0.5, Number.NaN), { kind: 'float' }],
    ['float64', new arrow.Float64(), some(0.1, -0), { kind: 'double' }],
    ['utf8', new arrow.Utf8(), some('é', long), { kind: 'string' }],
    ['large utf8', new arrow.LargeUtf8(), some('', long), { kind: 'string' }],
    [
      'dictionary',
      new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()),
      some('a', long),
      { kind: 'string' },
    ],
    [
      'binary',
      new arrow.Binary(),
      some(Uint8Array.of(), Uint8Array.of(0, 255)),
      { kind: 'binary' },
      (value: Uint8Array) => value,
    ],
    ['day', new arrow.DateDay(), some(new Date('1969-12-31'), new Date('2026-01-31')), { kind: 'date' }],
    [
      'date in ms',
      new arrow.DateMillisecond(),
      some(new Date('1969-12-31'), new Date('2026-01-31')),
      { kind: 'date' },
    ],
    [
      's',
      new arrow.TimestampSecond(),
      some(-1000, 5000),
      { kind: 'timestamp' },
      (value: number) => new Date(value),
    ],
    [
      'ms',
      new arrow.TimestampMillisecond(),
      some(-1, 1500),
      { kind: 'timestamp' },
      (value: number) => new Date(value),
    ],
    [
      'µs with zone',
      new arrow.Timestamp(arrow.TimeUnit.MICROSECOND, 'Europe/Paris'),
      some(-1000, 1500),
      { kind: 'timestamptz' },
      (value: number) => new Date(value),
    ],
    [
      'list',
      new arrow.List(new arrow.Field('item', new arrow.Utf8(), true)),
      some<unknown>([long, null, ''], []),
      list({ kind: 'string' }),
    ],
    [
      'list of lists',
      new arrow.List(
        new arrow.Field('item', new arrow.List(new arrow.Field('item', new arrow.Int32(), true)), true),
      ),
      some<unknown>([[1], null, []], [[2, 3]]),
      list({ kind: 'list', elementId: 10, elementRequired: false, element: { kind: 'int' } }),
    ],
  ]

  for (const [name, arrowType, values, type, seen] of plain) {
    test(`${name}`, async () => {
      const rows = await through(column(arrowType, values), schemaOf({ x: type }))
      const expected = values.map((value) => ({
        x: value === null || seen === undefined ? value : seen(value as never),
      }))
      expect(rows).toEqual(expected)
    })
  }

  test('half floats, times, decimals and UUIDs', async () => {
    const half = arrow.makeVector({
      type: new arrow.Float16(),
      length: 4,
      data: Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x0001),
    } as never)
    const decimals = arrow.makeVector({
      type: new arrow.Decimal(2, 9, 128),
      length: 4,
      data: Uint32Array.of(
        125,
        0,
        0,
        0,
        0xffffff83,
        0xffffffff,
        0xffffffff,
        0xffffffff,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
      ),
    } as never)
    const wide = arrow.makeVector({
      type: new arrow.Decimal(0, 38, 128),
      length: 4,
      data: Uint32Array.of(
        0,
        0,
        1,
        0,
        0xffffffff,
        0xffffffff,
        0xffffffff,
        0xffffffff,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
      ),
    } as never)
    const uuids = arrow.makeVector({
      type: new arrow.FixedSizeBinary(16),
      length: 4,
      data: Uint8Array.from({ length: 64 }, (_, at) => 255 - at),
    } as never)
    const times = arrow.vectorFromArray([0, 1, 86_399_999, null], new arrow.TimeMillisecond())
    const table = new arrow.Table({ half, decimals, wide, uuids, times } as never)
    const schema = schemaOf({
      half: { kind: 'float' },
      decimals: { kind: 'decimal', precision: 9, scale: 2 },
      wide: { kind: 'decimal', precision: 38, scale: 0 },
      uuids: { kind: 'uuid' },
      times: { kind: 'time' },
    })
    const rows = await through(table.batches, schema)
    expect(rows.map((row) => Reflect.get(Object(row), 'half'))).toEqual([
      1,
      -2,
      Number.POSITIVE_INFINITY,
      2 ** -24,
    ])
    expect(rows.map((row) => Reflect.get(Object(row), 'decimals'))).toEqual([1.25, -1.25, 0, 0.01])
    expect(rows.map((row) => Reflect.get(Object(row), 'wide'))).toEqual([2 ** 64, -1, 0, 1])
    expect(Reflect.get(Object(rows[0]), 'uuids')).toBe('fffefdfc-fbfa-f9f8-f7f6-f5f4f3f2f1f0')
    expect(rows.map((row) => Reflect.get(Object(row), 'times'))).toEqual([0n, 1000n, 86_399_999_000n, null])
  })

  test('structs and maps, by name, with null kept apart from empty', async () => {
    const struct = new arrow.Struct([
      new arrow.Field('b', new arrow.Utf8(), true),
      new arrow.Field('a', new arrow.Int16(), true),
    ])
    const map = new arrow.Map_(
      new arrow.Field(
        'entries',
        new arrow.Struct([
          new arrow.Field('key', new arrow.Utf8(), false),
          new arrow.Field('value', struct, true),
        ]),
        false,
      ) as never,
    )
    const s = arrow.vectorFromArray([{ b: long, a: 1 }, null, { b: null, a: null }], struct)
    const m = arrow.vectorFromArray([new Map([['k', { b: 'x', a: 2 }]]), null, new Map()], map as never)
    const inner: Type = {
      kind: 'struct',
      fields: [
        { id: 11, name: 'a', required: false, type: { kind: 'long' } },
        { id: 12, name: 'b', required: false, type: { kind: 'string' } },
      ],
    }
    const schema = schemaOf({
      s: inner,
      m: {
        kind: 'map',
        keyId: 13,
        key: { kind: 'string' },
        valueId: 14,
        valueRequired: false,
        value: { ...inner, fields: inner.fields.map((field) => ({ ...field, id: field.id + 10 })) },
      },
    })
    expect(await through(new arrow.Table({ s, m } as never).batches, schema)).toEqual([
      { s: { a: 1n, b: long }, m: { k: { a: 2n, b: 'x' } } },
      { s: null, m: null },
      { s: { a: null, b: null }, m: {} },
    ])
  })

  test('slices of batches', async () => {
    const values = Array.from({ length: 5000 }, (_, at) =>
      at % 7 === 0 ? null : `${at % 3 === 0 ? long : ''}${at}`,
    )
    const flags = values.map((value, at) => (value === null ? null : at % 2 === 0))
    const lists = values.map((value, at) => (at % 5 === 0 ? null : [value, String(at)]))
    const table = new arrow.Table({
      x: arrow.vectorFromArray(values, new arrow.Utf8()),
      f: arrow.vectorFromArray(flags, new arrow.Bool()),
      l: arrow.vectorFromArray(lists, new arrow.List(new arrow.Field('item', new arrow.Utf8(), true))),
    })
    const schema = schemaOf({ x: { kind: 'string' }, f: { kind: 'boolean' }, l: list({ kind: 'string' }) })
    const rows = await through(table.slice(13, 4790).batches, schema)
    expect(rows).toEqual(values.map((x, at) => ({ x, f: flags[at], l: lists[at] })).slice(13, 4790))
  })

  test('a column of nulls alone fits any type', async () => {
    const rows = await through(
      column(new arrow.Null(), [null, null]),
      schemaOf({ x: list({ kind: 'uuid' }) }),
    )
    expect(rows).toEqual([{ x: null }, { x: null }])
  })
})

describe('what does not fit', () => {
  test.each<readonly [arrow.DataType, unknown, Type]>([
    [new arrow.Int64(), 1n, { kind: 'int' }],
    [new arrow.Uint64(), 1n, { kind: 'long' }],
    [new arrow.Float64(), 1, { kind: 'float' }],
    [new arrow.Utf8(), 'x', { kind: 'binary' }],
    [new arrow.TimestampMillisecond(), 1, { kind: 'timestamptz' }],
    [new arrow.IntervalDayTime(), Int32Array.of(1, 2), { kind: 'string' }],
  ])('%s is refused by type', async (type, value, target) => {
    const error = await refusal(column(type, [value]), schemaOf({ x: target }))
    expect(error).toBeInstanceOf(SchemaMismatchError)
    expect(error).toMatchObject({ column: 'x' })
  })

  test('a null in a required column, by row of all batches', async () => {
    const schema = fieldsOf([{ id: 1, name: 'x', required: true, type: { kind: 'int' } }])
    const error = await refusal(column(new arrow.Int32(), [1, 2, 3, 4, null]), schema)
    expect(error).toBeInstanceOf(InvalidDataError)
    expect(error).toMatchObject({ column: 'x', source: 'arrow', row: 4 })
  })

  test('a null in a required part of a value', async () => {
    const type: Type = { kind: 'list', elementId: 2, elementRequired: true, element: { kind: 'int' } }
    const schema = fieldsOf([{ id: 1, name: 'x', required: false, type }])
    const batches = column(new arrow.List(new arrow.Field('item', new arrow.Int32(), true)), [
      [1],
      null,
      [],
      [2, null],
    ])
    expect(await refusal(batches, schema)).toMatchObject({ column: 'x.element', source: 'arrow', row: 3 })
  })

  test('nanoseconds that a timestamp cannot keep; those under a null mean nothing', async () => {
    const type = new arrow.TimestampNanosecond()
    const data = BigInt64Array.of(1000n, 1001n)
    const nulls = arrow.makeVector({
      type,
      length: 2,
      nullCount: 1,
      nullBitmap: Uint8Array.of(1),
      data,
    } as never)
    const schema = schemaOf({ x: { kind: 'timestamp' } })
    expect(await through(new arrow.Table({ x: nulls } as never).batches, schema)).toHaveLength(2)
    const all = arrow.makeVector({ type, length: 2, data } as never)
    expect(await refusal(new arrow.Table({ x: all } as never).batches, schema)).toMatchObject({
      column: 'x',
      row: 1,
    })
    expect(
      await through(new arrow.Table({ x: all } as never).batches, schemaOf({ x: { kind: 'timestamp_ns' } })),
    ).toHaveLength(2)
  })

  test('columns that are unknown, or missing and required', async () => {
    const batches = column(new arrow.Int32(), [1])
    expect(await refusal(batches, schemaOf({ y: { kind: 'int' } }))).toMatchObject({ column: 'x' })
    const schema = fieldsOf([
      { id: 1, name: 'x', required: false, type: { kind: 'int' } },
      { id: 2, name: 'y', required: true, type: { kind: 'int' } },
    ])
    expect(await refusal(batches, schema)).toMatchObject({ column: 'y' })
  })

  test('batches of different schemas, and what is no batch', async () => {
    const schema = schemaOf({ x: { kind: 'long' } })
    const mixed = [...column(new arrow.Int32(), [1]), ...column(new arrow.Int64(), [1n])]
    expect(await refusal(mixed, schema)).toBeInstanceOf(InvalidDataError)
    expect(await refusal([{ numRows: 1, schema: { fields: [] } } as never], schema)).toBeInstanceOf(
      InvalidArgumentError,
    )
  })
})

describe('Arrow IPC', () => {
  const schema = schemaOf({ x: { kind: 'long' } })
  const table = new arrow.Table({ x: arrow.vectorFromArray([1n, null, 3n], new arrow.Int64()) })

  test.each(['stream', 'file'] as const)('%s, in chunks of any size', async (format) => {
    const bytes = arrow.tableToIPC(table, format)
    const chunks = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) =>
      bytes.subarray(at * 7, at * 7 + 7),
    )
    const lazily = (async function* () {
      yield* chunks
    })()
    for (const given of [[bytes], chunks, lazily]) {
      const { files, rows } = await shop.write({ kind: 'arrow-ipc', chunks: given }, schema)
      expect(rows).toBe(3)
      expect((await Promise.all(files.map(rowsOf))).flat()).toEqual([{ x: 1n }, { x: null }, { x: 3n }])
    }
  })

  test('that is broken is refused; what its source throws is passed on', async () => {
    const bytes = arrow.tableToIPC(table, 'stream')
    for (const chunks of [[Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)], [bytes.subarray(0, bytes.length - 40)]]) {
      await expect(shop.write({ kind: 'arrow-ipc', chunks }, schema)).rejects.toThrow(CorruptFileError)
    }
    const mine = new Error('of the source itself')
    const failing = (async function* () {
      yield bytes.subarray(0, 100)
      throw mine
    })()
    await expect(shop.write({ kind: 'arrow-ipc', chunks: failing }, schema)).rejects.toBe(mine)
  })
})
