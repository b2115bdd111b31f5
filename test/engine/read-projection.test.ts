import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReadRequest } from '../../src/engine/data-plane.ts'
import { eq, gt, isNull } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import type { NameMapping } from '../../src/format/name-mapping.ts'
import type { PartitionSpec } from '../../src/format/partition-spec.ts'
import type { NestedField } from '../../src/format/schema.ts'
import type { StructType, Type } from '../../src/format/types.ts'
import type { Row } from '../../src/format/values/value.ts'
import {
  allRows,
  columns,
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

describe('columns are found by field id', () => {
  test('renamed, reordered, dropped and added', async () => {
    const file = await shop.write(
      'by-id.parquet',
      "SELECT 1::INT a, 'two' b, 3.0::DOUBLE c",
      '{a: 1, b: 2, c: 3}',
    )
    // The example of the Iceberg spec, "Column Projection".
    const rows = await read(
      [file],
      [field(3, 'measurement', { kind: 'double' }), field(2, 'name', STRING), field(4, 'a', INT)],
    )
    expect(rows).toStrictEqual([{ measurement: 3, name: 'two', a: null }])
  })

  test('two that swapped their names', async () => {
    const before = await shop.write('before.parquet', 'SELECT 1::INT a, 2::INT b', '{a: 1, b: 2}')
    const after = await shop.write('after.parquet', 'SELECT 2::INT a, 1::INT b', '{a: 2, b: 1}')
    const rows = await read([before, after], [field(1, 'b', INT), field(2, 'a', INT)])
    expect(rows).toStrictEqual([
      { b: 1, a: 2 },
      { b: 1, a: 2 },
    ])
  })

  test('widened: int to long, float to double, decimal to more digits', async () => {
    const file = await shop.write(
      'narrow.parquet',
      "SELECT (-2147483648)::INT a, 0.1::FLOAT b, '-99.99'::DECIMAL(4,2) c",
      '{a: 1, b: 2, c: 3}',
    )
    const rows = await read(
      [file],
      columns({ a: LONG, b: { kind: 'double' }, c: { kind: 'decimal', precision: 38, scale: 2 } }),
    )
    expect(rows).toStrictEqual([{ a: -2147483648n, b: Math.fround(0.1), c: '-99.99' }])
  })

  test('narrowed or of another kind: refused, naming file and column', async () => {
    const file = await shop.write(
      'other.parquet',
      'SELECT 1::BIGINT a, 1.5::DECIMAL(9,3) b, {x: 1} c, [1] d',
      '{a: 1, b: 2, c: {__duckdb_field_id: 3, x: 9}, d: {__duckdb_field_id: 4, element: 8}}',
    )
    const wrong: readonly NestedField[] = [
      field(1, 'a', INT),
      field(1, 'a', STRING),
      field(2, 'b', { kind: 'decimal', precision: 9, scale: 2 }),
      field(2, 'b', { kind: 'decimal', precision: 8, scale: 3 }),
      field(3, 'c', INT),
      field(4, 'd', struct(field(8, 'element', INT))),
    ]
    for (const each of wrong) {
      await expect(read([file], [each])).rejects.toMatchObject({
        code: 'FLOEBERG_SCHEMA_MISMATCH',
        column: each.name,
        file: file.location,
      })
    }
  })

  test('in files of many layouts at once, in one result', async () => {
    const files = await Promise.all([
      shop.write('l1.parquet', "SELECT 1::INT id, 'x' v", '{id: 1, v: 2}'),
      shop.write('l2.parquet', "SELECT 'y' v2, 2::BIGINT id2", '{v2: 2, id2: 1}'),
      shop.write('l3.parquet', 'SELECT 3::BIGINT id', '{id: 1}'),
      shop.write('l4.parquet', "SELECT 4::INT id, 'x' v", '{id: 1, v: 2}'),
    ])
    const rows = await read(files, columns({ id: LONG, v: STRING }))
    expect([...rows].sort((a, b) => Number(a['id']) - Number(b['id']))).toStrictEqual([
      { id: 1n, v: 'x' },
      { id: 2n, v: 'y' },
      { id: 3n, v: null },
      { id: 4n, v: 'x' },
    ])
  })
})

describe('nested fields', () => {
  const ids =
    '{s: {__duckdb_field_id: 1, a: 2, "inner": {__duckdb_field_id: 3, x: 4}}, ' +
    'l: {__duckdb_field_id: 5, element: {__duckdb_field_id: 6, p: 7, q: 8}}, ' +
    'm: {__duckdb_field_id: 9, key: 10, value: {__duckdb_field_id: 11, y: 12}}}'
  const query = `
    SELECT {a: 1::INT, "inner": {x: 2::INT}} AS s, [{p: 3::INT, q: 'q'}, NULL, {p: NULL, q: NULL}] AS l,
      MAP {'k': {y: 4::INT}, 'n': NULL} AS m
    UNION ALL SELECT {a: NULL, "inner": NULL}, [], MAP {}
    UNION ALL SELECT NULL, NULL, NULL`

  test('as they are', async () => {
    const file = await shop.write('nested.parquet', query, ids)
    const rows = await read(
      [file],
      [
        field(1, 's', struct(field(2, 'a', INT), field(3, 'inner', struct(field(4, 'x', INT))))),
        field(5, 'l', list(6, struct(field(7, 'p', INT), field(8, 'q', STRING)))),
        field(9, 'm', {
          kind: 'map',
          keyId: 10,
          key: STRING,
          valueId: 11,
          valueRequired: false,
          value: struct(field(12, 'y', INT)),
        }),
      ],
    )
    expect(rows).toStrictEqual([
      {
        s: { a: 1, inner: { x: 2 } },
        l: [{ p: 3, q: 'q' }, null, { p: null, q: null }],
        m: new Map<string, unknown>([
          ['k', { y: 4 }],
          ['n', null],
        ]),
      },
      { s: { a: null, inner: null }, l: [], m: new Map() },
      { s: null, l: null, m: null },
    ])
  })

  test('renamed, swapped, widened, added and dropped at every depth; what is null stays null', async () => {
    const file = await shop.write('nested2.parquet', query, ids)
    const rows = await read(
      [file],
      [
        field(9, 'map', {
          kind: 'map',
          keyId: 10,
          key: STRING,
          valueId: 11,
          valueRequired: false,
          value: struct(field(30, 'fresh', STRING), field(12, 'z', LONG)),
        }),
        field(
          5,
          'list',
          list(6, struct(field(8, 'p', STRING), field(7, 'q', LONG), field(31, 'r', { kind: 'double' }))),
        ),
        field(
          1,
          's',
          struct(
            field(3, 'renamed', struct(field(32, 'added', INT), field(4, 'x', LONG))),
            field(33, 'new', struct(field(34, 'deep', INT))),
          ),
        ),
      ],
    )
    expect(rows).toStrictEqual([
      {
        map: new Map<string, unknown>([
          ['k', { fresh: null, z: 4n }],
          ['n', null],
        ]),
        list: [{ p: 'q', q: 3n, r: null }, null, { p: null, q: null, r: null }],
        s: { renamed: { added: null, x: 2n }, new: null },
      },
      { map: new Map(), list: [], s: { renamed: null, new: null } },
      { map: null, list: null, s: null },
    ])
  })

  test('chosen alone out of their struct', async () => {
    const file = await shop.write('nested3.parquet', query, ids)
    const rows = await read([file], [field(1, 's', struct(field(3, 'inner', struct(field(4, 'x', INT)))))])
    expect(rows).toStrictEqual([{ s: { inner: { x: 2 } } }, { s: { inner: null } }, { s: null }])
  })

  test('lists of lists, maps in lists, keys that are structs', async () => {
    const file = await shop.write(
      'deep.parquet',
      "SELECT [[{a: 1::INT}], NULL, []] AS ll, [MAP {1::INT: [2::INT]}] AS lm, MAP {{k: 1::INT}: 'v'} AS ms",
      '{ll: {__duckdb_field_id: 1, element: {__duckdb_field_id: 2, element: {__duckdb_field_id: 3, a: 4}}}, ' +
        'lm: {__duckdb_field_id: 5, element: {__duckdb_field_id: 6, key: 7, value: {__duckdb_field_id: 8, element: 9}}}, ' +
        'ms: {__duckdb_field_id: 10, key: {__duckdb_field_id: 11, k: 12}, value: 13}}',
    )
    const fields = (a: NestedField, value: Type, k: NestedField): readonly NestedField[] => [
      field(1, 'll', list(2, list(3, struct(a)))),
      field(
        5,
        'lm',
        list(6, { kind: 'map', keyId: 7, key: INT, valueId: 8, valueRequired: false, value: list(9, value) }),
      ),
      field(10, 'ms', {
        kind: 'map',
        keyId: 11,
        key: struct(k),
        valueId: 13,
        valueRequired: false,
        value: STRING,
      }),
    ]
    expect(await read([file], fields(field(4, 'a', INT), INT, field(12, 'k', INT)))).toStrictEqual([
      { ll: [[{ a: 1 }], null, []], lm: [new Map([[1, [2]]])], ms: [[{ k: 1 }, 'v']] },
    ])
    expect(await read([file], fields(field(4, 'b', LONG), LONG, field(12, 'key', LONG)))).toStrictEqual([
      { ll: [[{ b: 1n }], null, []], lm: [new Map([[1, [2n]]])], ms: [[{ key: 1n }, 'v']] },
    ])
  })

  test('lists after a filter hold their own elements, though their memory has gaps', async () => {
    const file = await shop.write(
      'gaps.parquet',
      "SELECT range::INT AS n, list_transform(range(range % 5), lambda e: 'element ' || range || '-' || e) AS l FROM range(4000)",
      '{n: 1, l: {__duckdb_field_id: 2, element: 3}}',
    )
    const fields = [field(1, 'n', INT), field(2, 'l', list(3, STRING))]
    const odd = taskOf(file, { residual: residual(schemaOf(fields), gt('n', 3990)) })
    const rows = await allRows(shop.reader, requestOf(schemaOf(fields), [odd]))
    expect(rows).toStrictEqual(
      Array.from({ length: 9 }, (_, at) => {
        const n = 3991 + at
        return { n, l: Array.from({ length: n % 5 }, (_, e) => `element ${n}-${e}`) }
      }),
    )
  })

  test('filtered by a field of a struct, wherever its null comes from', async () => {
    const file = await shop.write('nested4.parquet', query, ids)
    const fields = [field(1, 's', struct(field(2, 'a', INT), field(40, 'b', INT)))]
    const count = async (filter: Parameters<typeof residual>[1]): Promise<number> => {
      const task = taskOf(file, { residual: residual(schemaOf(fields), filter) })
      return (await allRows(shop.reader, requestOf(schemaOf(fields), [task]))).length
    }
    expect(await count(eq('s.a', 1))).toBe(1)
    expect(await count(isNull('s.a'))).toBe(2)
    expect(await count(isNull('s.b'))).toBe(3)
    expect(await count(eq('s.b', 1))).toBe(0)
  })
})

describe('a field that the file does not hold', () => {
  const identity: PartitionSpec = {
    specId: 1,
    fields: [{ sourceId: 2, fieldId: 1000, name: 'day', transform: { kind: 'identity' } }],
  }

  test('is the identity partition value, for filters too', async () => {
    const [a, b, c] = await Promise.all(
      ['pa', 'pb', 'pc'].map((name, n) => shop.write(`${name}.parquet`, `SELECT ${n}::INT AS id`, '{id: 1}')),
    )
    const fields = [field(1, 'id', INT), field(2, 'day', { kind: 'date' })]
    const files: readonly (readonly [ContentFile | undefined, number | null])[] = [
      [a, 0],
      [b, -1],
      [c, null],
    ]
    const tasks = files.flatMap(([file, day]) =>
      file === undefined ? [] : [taskOf({ ...file, partition: [day] }, { spec: identity })],
    )
    const request = requestOf(schemaOf(fields), tasks)
    expect(await allRows(shop.reader, request)).toStrictEqual([
      { id: 0, day: '1970-01-01' },
      { id: 1, day: '1969-12-31' },
      { id: 2, day: null },
    ])
    const filtered = tasks.map((task) => ({
      ...task,
      residual: residual(schemaOf(fields), eq('day', '1969-12-31')),
    }))
    expect(await allRows(shop.reader, { ...request, tasks: filtered })).toStrictEqual([
      { id: 1, day: '1969-12-31' },
    ])
  })

  test('but what the file holds is not overruled by the partition', async () => {
    const file = await shop.write(
      'held.parquet',
      "SELECT 1::INT AS id, '2020-02-02'::DATE AS day",
      '{id: 1, day: 2}',
    )
    const task = taskOf({ ...file, partition: [0] }, { spec: identity })
    const fields = [field(2, 'day', { kind: 'date' })]
    expect(await allRows(shop.reader, requestOf(schemaOf(fields), [task]))).toStrictEqual([
      { day: '2020-02-02' },
    ])
  })

  test('is no value of a transform other than identity', async () => {
    const file = await shop.write('bucketed.parquet', 'SELECT 1::INT AS id', '{id: 1}')
    const spec: PartitionSpec = {
      specId: 1,
      fields: [{ sourceId: 2, fieldId: 1000, name: 'b', transform: { kind: 'bucket', buckets: 4 } }],
    }
    const task = taskOf({ ...file, partition: [3] }, { spec })
    expect(await allRows(shop.reader, requestOf(schemaOf([field(2, 'b', INT)]), [task]))).toStrictEqual([
      { b: null },
    ])
  })

  test('is its initial default', async () => {
    const file = await shop.write(
      'defaults.parquet',
      'SELECT {a: 1::INT} AS s',
      '{s: {__duckdb_field_id: 1, a: 2}}',
    )
    const rows = await read(
      [file],
      [
        field(
          1,
          's',
          struct(
            field(2, 'a', INT),
            field(3, 'b', { kind: 'decimal', precision: 9, scale: 2 }, { initialDefault: '14.20' }),
          ),
        ),
        field(
          4,
          'when',
          { kind: 'timestamptz' },
          { initialDefault: '2026-01-31T12:00:00.000001+00:00', required: true },
        ),
      ],
    )
    expect(rows).toStrictEqual([{ s: { a: 1, b: '14.20' }, when: '2026-01-31T12:00:00.000001Z' }])
  })

  test('is refused when it is required and has no default', async () => {
    const file = await shop.write('required.parquet', 'SELECT 1::INT AS a', '{a: 1}')
    await expect(read([file], [field(2, 'b', INT, { required: true })])).rejects.toMatchObject({
      code: 'FLOEBERG_SCHEMA_MISMATCH',
      column: 'b',
      file: file.location,
    })
  })
})

describe('files without field ids', () => {
  const plain = (): Promise<ContentFile> =>
    shop.write(
      'plain.parquet',
      "SELECT 1::INT AS a, 2::INT AS b, {x: 3::INT} AS s, [{y: 4::INT}] AS l, MAP {'k': {z: 5::INT}} AS m",
      '',
    )
  const map = (id: number, value: Type): Type => ({
    kind: 'map',
    keyId: id,
    key: STRING,
    valueId: id + 1,
    valueRequired: false,
    value,
  })

  test('are read through the name mapping, at every depth', async () => {
    const nameMapping: NameMapping = [
      { 'field-id': 1, names: ['b'] },
      { 'field-id': 2, names: ['gone', 'a'] },
      { 'field-id': 3, names: ['s'], fields: [{ 'field-id': 4, names: ['x'] }] },
      {
        'field-id': 5,
        names: ['l'],
        fields: [{ 'field-id': 6, names: ['element'], fields: [{ 'field-id': 7, names: ['y'] }] }],
      },
      {
        'field-id': 8,
        names: ['m'],
        fields: [
          { 'field-id': 9, names: ['key'] },
          { 'field-id': 10, names: ['value'], fields: [{ 'field-id': 11, names: ['z'] }] },
        ],
      },
    ]
    const rows = await read(
      [await plain()],
      [
        field(1, 'one', INT),
        field(2, 'two', LONG),
        field(3, 'st', struct(field(4, 'ex', INT))),
        field(5, 'li', list(6, struct(field(7, 'why', INT)))),
        field(8, 'ma', map(9, struct(field(11, 'zed', INT)))),
        field(12, 'absent', INT),
      ],
      { nameMapping },
    )
    expect(rows).toStrictEqual([
      { one: 2, two: 1n, st: { ex: 3 }, li: [{ why: 4 }], ma: new Map([['k', { zed: 5 }]]), absent: null },
    ])
  })

  // `a` with id 1 and `b` with id 2 were imported; then names moved. A name belongs to the field that now carries it.
  const moved: readonly (readonly [string, NameMapping, readonly NestedField[], Row])[] = [
    [
      'drop a, add a',
      [
        { 'field-id': 2, names: ['b'] },
        { 'field-id': 3, names: ['a'] },
      ],
      [field(2, 'b', INT), field(3, 'a', INT)],
      { b: 2, a: 1 },
    ],
    ['drop a, rename b to a', [{ 'field-id': 2, names: ['b', 'a'] }], [field(2, 'a', INT)], { a: 2 }],
    [
      'rename a to c, add a',
      [
        { 'field-id': 1, names: ['c'] },
        { 'field-id': 2, names: ['b'] },
        { 'field-id': 3, names: ['a'] },
      ],
      [field(1, 'c', INT), field(3, 'a', INT)],
      { c: null, a: 1 },
    ],
    [
      'rename a to c, rename b to a',
      [
        { 'field-id': 1, names: ['c'] },
        { 'field-id': 2, names: ['b', 'a'] },
      ],
      [field(1, 'c', INT), field(2, 'a', INT)],
      { c: null, a: 2 },
    ],
  ]
  test.each(moved)('%s', async (_, nameMapping, fields, expected) => {
    expect(await read([await plain()], fields, { nameMapping })).toStrictEqual([expected])
  })

  test('and without a mapping are refused, never guessed', async () => {
    const file = await plain()
    await expect(read([file], [field(1, 'a', INT)])).rejects.toMatchObject({
      code: 'FLOEBERG_SCHEMA_MISMATCH',
      file: file.location,
    })
  })

  test('take the identity partition value before a mapped column', async () => {
    const file = await plain()
    const spec: PartitionSpec = {
      specId: 1,
      fields: [{ sourceId: 1, fieldId: 1000, name: 'a', transform: { kind: 'identity' } }],
    }
    const request = requestOf(
      schemaOf([field(1, 'a', INT)]),
      [taskOf({ ...file, partition: [77] }, { spec })],
      {
        nameMapping: [{ 'field-id': 1, names: ['a'] }],
      },
    )
    expect(await allRows(shop.reader, request)).toStrictEqual([{ a: 77 }])
  })

  test('or with ids for some columns only: those by id, the others by name or null', async () => {
    const file = await shop.write('partial.parquet', 'SELECT 1::INT AS a, 2::INT AS b, 3::INT AS c', '{b: 2}')
    const fields = [field(1, 'a', INT), field(2, 'renamed', INT), field(3, 'c', INT)]
    expect(await read([file], fields)).toStrictEqual([{ a: null, renamed: 2, c: null }])
    const nameMapping: NameMapping = [
      { 'field-id': 1, names: ['b'] },
      { 'field-id': 3, names: ['c'] },
    ]
    expect(await read([file], fields, { nameMapping })).toStrictEqual([{ a: null, renamed: 2, c: 3 }])
  })
})
