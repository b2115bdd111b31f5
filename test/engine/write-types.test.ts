import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InvalidDataError, UnsupportedFeatureError } from '../../src/errors.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import { decodeBinary } from '../../src/format/values/binary.ts'
import type { Type } from '../../src/format/types.ts'
import type { Value } from '../../src/format/values/value.ts'
import {
  fieldsOf,
  footerOf,
  openWorkshop,
  pathOf,
  rowsOf,
  schemaOf,
  type Workshop,
  WRITERS,
} from './writing.ts'

describe.each(WRITERS)('rows by $writer', ({ open }) => {
  let shop: Workshop

  beforeAll(async () => {
    shop = await openWorkshop({}, open)
  })

  afterAll(() => shop.close())

  interface TypeCase {
    readonly type: Type
    readonly value: Value | { readonly micros: bigint } | { readonly nanos: bigint }
    /** Of the column in the file (Iceberg spec, Appendix A, "Parquet"). */
    readonly physical: string
    readonly logical?: object
    /** The older form of the annotation, where DuckDB writes only that. */
    readonly converted?: string
    /** The value as DuckDB prints it. */
    readonly text: string
  }

  const utc = { isAdjustedToUTC: true, unit: 'MICROS' }
  const local = { isAdjustedToUTC: false, unit: 'MICROS' }

  const CASES: readonly TypeCase[] = [
    { type: { kind: 'boolean' }, value: true, physical: 'BOOLEAN', text: 'true' },
    {
      type: { kind: 'int' },
      value: -2147483648,
      physical: 'INT32',
      converted: 'INT_32',
      text: '-2147483648',
    },
    {
      type: { kind: 'long' },
      value: -9223372036854775808n,
      physical: 'INT64',
      converted: 'INT_64',
      text: '-9223372036854775808',
    },
    { type: { kind: 'float' }, value: 0.5, physical: 'FLOAT', text: '0.5' },
    { type: { kind: 'double' }, value: 0.1, physical: 'DOUBLE', text: '0.1' },
    {
      type: { kind: 'date' },
      value: '1969-12-31',
      physical: 'INT32',
      converted: 'DATE',
      text: '1969-12-31',
    },
    {
      type: { kind: 'time' },
      value: '23:59:59.999999',
      physical: 'INT64',
      logical: { type: 'TIME', ...local },
      text: '23:59:59.999999',
    },
    {
      type: { kind: 'timestamp' },
      value: '1969-12-31T23:59:59.999999',
      physical: 'INT64',
      logical: { type: 'TIMESTAMP', ...local },
      text: '1969-12-31 23:59:59.999999',
    },
    {
      type: { kind: 'timestamptz' },
      value: '2026-01-31T12:00:00.5+02:00',
      physical: 'INT64',
      logical: { type: 'TIMESTAMP', ...utc },
      text: '2026-01-31 10:00:00.5+00',
    },
    {
      type: { kind: 'timestamp_ns' },
      value: { nanos: -1n },
      physical: 'INT64',
      logical: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'NANOS' },
      text: '1969-12-31 23:59:59.999999999',
    },
    {
      type: { kind: 'string' },
      value: 'x\u0000é😀',
      physical: 'BYTE_ARRAY',
      converted: 'UTF8',
      text: 'x\u0000é😀',
    },
    { type: { kind: 'string' }, value: '', physical: 'BYTE_ARRAY', converted: 'UTF8', text: '' },
    {
      type: { kind: 'uuid' },
      value: 'F79C3E09-677C-4BBD-A479-3F349CB785E7',
      physical: 'FIXED_LEN_BYTE_ARRAY',
      logical: { type: 'UUID' },
      text: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    },
    {
      type: { kind: 'binary' },
      value: Uint8Array.of(0, 255, 65),
      physical: 'BYTE_ARRAY',
      text: '\\x00\\xFFA',
    },
    {
      type: { kind: 'decimal', precision: 4, scale: 2 },
      value: '-99.99',
      physical: 'INT32',
      logical: { type: 'DECIMAL', precision: 4, scale: 2 },
      text: '-99.99',
    },
    {
      type: { kind: 'decimal', precision: 9, scale: 4 },
      value: '-0.0001',
      physical: 'INT32',
      logical: { type: 'DECIMAL', precision: 9, scale: 4 },
      text: '-0.0001',
    },
    {
      type: { kind: 'decimal', precision: 18, scale: 2 },
      value: '-9999999999999999.99',
      physical: 'INT64',
      logical: { type: 'DECIMAL', precision: 18, scale: 2 },
      text: '-9999999999999999.99',
    },
    {
      type: { kind: 'decimal', precision: 38, scale: 10 },
      value: '-9999999999999999999999999999.9999999999',
      physical: 'FIXED_LEN_BYTE_ARRAY',
      logical: { type: 'DECIMAL', precision: 38, scale: 10 },
      text: '-9999999999999999999999999999.9999999999',
    },
  ]

  describe('a column of each type', () => {
    for (const { type, value, physical, logical, converted, text } of CASES) {
      test(`${type.kind} ${text.slice(0, 12)} has its Parquet form, its field id, its value`, async () => {
        const schema = fieldsOf([{ id: 7, name: 'x', required: false, type }])
        const { files } = await shop.write(
          { kind: 'rows', rows: [{ x: value as Value }, { x: null }] },
          schema,
        )
        const [file] = files
        if (file === undefined) throw new Error('no file')
        expect(files).toHaveLength(1)
        expect(file).toMatchObject({ recordCount: 2, partition: [], specId: 0, splitOffsets: [4] })
        const element = (await footerOf(file)).schema[1]
        expect(element).toMatchObject({ name: 'x', type: physical, field_id: 7, repetition_type: 'OPTIONAL' })
        if (logical === undefined) expect(element?.converted_type).toBe(converted)
        else expect(element?.logical_type).toMatchObject(logical)
        const read = await shop.sql(`SELECT CAST(x AS VARCHAR) AS x FROM read_parquet('${pathOf(file)}')`)
        expect(read).toEqual([{ x: text }, { x: null }])
        expect(file.valueCounts?.get(7)).toBe(2)
        expect(file.nullValueCounts?.get(7)).toBe(1)
      })
    }

    test('a UUID is 16 bytes with its annotation; a decimal above 18 digits is fixed', async () => {
      const schema = schemaOf({ u: { kind: 'uuid' }, d: { kind: 'decimal', precision: 20, scale: 0 } })
      const { files } = await shop.write(
        { kind: 'rows', rows: [{ u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7', d: 1 }] },
        schema,
      )
      const [file] = files
      if (file === undefined) throw new Error('no file')
      const { schema: elements } = await footerOf(file)
      expect(elements[1]).toMatchObject({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 })
      expect(elements[2]).toMatchObject({
        type: 'FIXED_LEN_BYTE_ARRAY',
        logical_type: { type: 'DECIMAL', precision: 20 },
      })
    })

    test('a column of type unknown is null and not in the file', async () => {
      const schema = schemaOf({ a: { kind: 'int' }, nothing: { kind: 'unknown' } })
      const { files } = await shop.write({ kind: 'rows', rows: [{ a: 1, nothing: null }, { a: 2 }] }, schema)
      const [file] = files
      if (file === undefined) throw new Error('no file')
      expect((await footerOf(file)).schema.slice(1).map(({ name }) => name)).toEqual(['a'])
    })

    // DuckDB's range: https://duckdb.org/docs/stable/sql/data_types/timestamp
    test.each([
      ['timestamp', 'micros', -9_223_372_022_400_000_000n, 2n ** 63n - 2n, 86_400_000_000n],
      ['timestamptz', 'micros', -9_223_372_022_400_000_000n, 2n ** 63n - 2n, 86_400_000_000n],
      ['timestamp_ns', 'nanos', -9_223_286_400_000_000_000n, 2n ** 63n - 2n, 86_400_000_000_000n],
    ] as const)(
      'a %s that no partition could be computed of is refused',
      async (kind, unit, first, last, day) => {
        const schema = schemaOf({ x: { kind } })
        const spec = createSpec(schema, [{ source: 'x', transform: 'day' }])
        const written = (time: bigint) => {
          const rows = [{}, { x: { [unit]: time } as unknown as Value }]
          return shop.write({ kind: 'rows', rows }, schema, { spec })
        }
        for (const [time, days] of [
          [first, first / day],
          [last, last / day],
        ] as const) {
          const { files } = await written(time)
          expect(files.map(({ partition }) => partition)).toEqual(
            expect.arrayContaining([[null], [Number(days)]]),
          )
        }
        const least = -(2n ** 63n)
        for (const time of [first - 1n, least, least + 1n, 2n ** 63n - 1n]) {
          const error: unknown = await written(time).catch((thrown: unknown) => thrown)
          expect(error).toBeInstanceOf(InvalidDataError)
          expect(error).toMatchObject({ column: 'x', row: 1, source: 'rows' })
        }
      },
    )

    test.each<Type>([
      { kind: 'fixed', length: 4 },
      { kind: 'variant' },
      { kind: 'geometry', crs: null },
      { kind: 'geography', crs: null, algorithm: null },
      { kind: 'timestamptz_ns' },
      { kind: 'list', elementId: 9, elementRequired: false, element: { kind: 'fixed', length: 4 } },
    ])('$kind is refused by name', async (type) => {
      const written = shop.write(
        { kind: 'rows', rows: [{}] },
        fieldsOf([{ id: 1, name: 'odd', required: false, type }]),
      )
      await expect(written).rejects.toThrow(UnsupportedFeatureError)
      await expect(written).rejects.toThrow(/odd/)
    })
  })

  describe('nested columns', () => {
    const point: Type = {
      kind: 'struct',
      fields: [
        { id: 11, name: 'x', required: false, type: { kind: 'double' } },
        { id: 12, name: 'label', required: false, type: { kind: 'string' } },
      ],
    }
    const schema = fieldsOf([
      { id: 1, name: 'point', required: false, type: point },
      {
        id: 2,
        name: 'tags',
        required: false,
        type: { kind: 'list', elementId: 21, elementRequired: false, element: { kind: 'string' } },
      },
      {
        id: 3,
        name: 'places',
        required: false,
        type: {
          kind: 'map',
          keyId: 31,
          key: { kind: 'string' },
          valueId: 32,
          valueRequired: false,
          value: {
            kind: 'list',
            elementId: 33,
            elementRequired: false,
            element: {
              kind: 'struct',
              fields: [{ id: 34, name: 'at', required: false, type: { kind: 'timestamptz' } }],
            },
          },
        },
      },
    ])
    const long = 'a text that is longer than twelve bytes'
    const rows = [
      {
        point: { x: 1.5, label: long },
        tags: ['a', null, long, ''],
        places: new Map<Value, Value>([
          ['here', [{ at: '1970-01-01T00:00:00Z' }, null, { at: null }]],
          ['nowhere', null],
          ['empty', []],
        ]),
      },
      { point: null, tags: null, places: null },
      { point: { x: null }, tags: [], places: new Map() },
      {},
    ]

    test('keep every null apart from every empty', async () => {
      const { files } = await shop.write({ kind: 'rows', rows }, schema)
      const [file] = files
      if (file === undefined) throw new Error('no file')
      const epoch = new Date(0)
      expect(await rowsOf(file)).toEqual([
        {
          point: { x: 1.5, label: long },
          tags: ['a', null, long, ''],
          places: { here: [{ at: epoch }, null, { at: null }], nowhere: null, empty: [] },
        },
        { point: null, tags: null, places: null },
        { point: { x: null, label: null }, tags: [], places: {} },
        { point: null, tags: null, places: null },
      ])
    })

    test('have field ids at every depth', async () => {
      const { files } = await shop.write({ kind: 'rows', rows }, schema)
      const [file] = files
      if (file === undefined) throw new Error('no file')
      const ids = new Map((await footerOf(file)).schema.map((element) => [element.field_id, element.name]))
      ids.delete(undefined)
      expect([...ids].sort(([a = 0], [b = 0]) => a - b)).toEqual([
        [1, 'point'],
        [2, 'tags'],
        [3, 'places'],
        [11, 'x'],
        [12, 'label'],
        [21, 'element'],
        [31, 'key'],
        [32, 'value'],
        [33, 'element'],
        [34, 'at'],
      ])
    })

    test('have counts and bounds for what is in structs, and none for what is repeated', async () => {
      const { files } = await shop.write({ kind: 'rows', rows }, schema)
      const [file] = files
      expect(file?.valueCounts?.get(11)).toBe(4)
      expect(file?.nullValueCounts?.get(11)).toBe(3)
      expect(decodeBinary({ kind: 'double' }, file?.lowerBounds?.get(11) ?? new Uint8Array())).toBe(1.5)
      expect([...(file?.valueCounts?.keys() ?? [])].sort()).toEqual([11, 12])
      expect([...(file?.lowerBounds?.keys() ?? [])].sort()).toEqual([11, 12])
      expect([...(file?.columnSizes?.keys() ?? [])].sort((a, b) => a - b)).toEqual([11, 12, 21, 31, 34])
    })

    test('whose names differ in case only are told apart by their ids', async () => {
      const twins = fieldsOf([
        { id: 1, name: 'data', required: false, type: { kind: 'int' } },
        { id: 2, name: 'DATA', required: false, type: { kind: 'string' } },
        {
          id: 3,
          name: 'inner',
          required: false,
          type: {
            kind: 'struct',
            fields: [
              { id: 4, name: 'x', required: false, type: { kind: 'int' } },
              { id: 5, name: 'X', required: false, type: { kind: 'int' } },
            ],
          },
        },
      ])
      const { files } = await shop.write(
        { kind: 'rows', rows: [{ data: 1, DATA: 'two', inner: { x: 3, X: 4 } }] },
        twins,
      )
      const [file] = files
      if (file === undefined) throw new Error('no file')
      const ids = (await footerOf(file)).schema.map((element) => element.field_id)
      expect(ids).toEqual([undefined, 1, 2, 3, 4, 5])
      expect(Object.values((await rowsOf(file))[0] ?? {})).toEqual([1, 'two', { x: 3, X_1: 4 }])
      expect([...(file.lowerBounds ?? [])].map(([id]) => id)).toEqual([1, 2, 4, 5])
    })

    test('whose names look like numbers, paths or SQL keep their order and their values', async () => {
      const names = ['1', '0', 'a.b', 'say "hi"', "it's", 'select', 'é 😀']
      const odd = fieldsOf(
        ['top', ...names].map((name, at): { id: number; name: string; required: boolean; type: Type } => ({
          id: at + 1,
          name,
          required: false,
          type:
            name === 'top'
              ? {
                  kind: 'struct',
                  fields: names.map((inner, i) => ({
                    id: 100 + i,
                    name: inner,
                    required: false,
                    type: { kind: 'int' },
                  })),
                }
              : { kind: 'int' },
        })),
      )
      const values = Object.fromEntries(names.map((name, at) => [name, at]))
      const { files } = await shop.write({ kind: 'rows', rows: [{ ...values, top: values }] }, odd)
      const [file] = files
      if (file === undefined) throw new Error('no file')
      expect(await rowsOf(file)).toEqual([{ ...values, top: values }])
      for (const id of [2, 3, 4, 5, 6, 7, 8, 100, 101, 102, 103, 104, 105, 106])
        expect(file.valueCounts?.get(id)).toBe(1)
    })
  })
})
