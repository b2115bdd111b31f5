/** Where other implementations went wrong with partitions, end to end: written, looked into, filtered. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LAST_ADDED } from '../../src/format/metadata/updates.ts'
import {
  eq,
  gte,
  InvalidDataError,
  isNull,
  lt,
  notNull,
  t,
  table,
  type DeclaredSchema,
  type LiteralValue,
} from '../../src/index.ts'
import { rewriteAsForeign } from './foreign.ts'
import { dataFiles, idsWhere, openHazardTables, type HazardTables } from './hazard-tables.ts'
import { judgeFormEncode } from './judge-values.ts'

let hazards: HazardTables
beforeAll(async () => {
  hazards = await openHazardTables()
})
afterAll(() => hazards.world.close())

describe('times before 1970 round down', () => {
  const schema = table({ id: t.int(), ts: t.timestamp() })
  const rows = [
    { id: 1, ts: '1969-12-31T23:59:59' },
    { id: 2, ts: '1969-12-31T22:59:59.999999' },
    { id: 3, ts: '1970-01-01T00:00:00' },
    { id: 4, ts: '1969-11-30T23:59:59.999999' },
  ]

  test.each([
    ['hour', { 1: -1, 2: -2, 3: 0, 4: -745 }],
    ['day', { 1: -1, 2: -1, 3: 0, 4: -32 }],
    ['month', { 1: -1, 2: -1, 3: 0, 4: -2 }],
    ['year', { 1: -1, 2: -1, 3: 0, 4: -1 }],
  ])('%s', async (transform, expected) => {
    const of = await hazards.tableOf(schema, { partitionSpec: [{ source: 'ts', transform }] }, rows)
    expect(await hazards.partitionOfId(of)).toEqual(expected)
    expect(await idsWhere(of, lt('ts', '1970-01-01T00:00:00'))).toEqual([1, 2, 4])
    expect(await idsWhere(of, gte('ts', '1970-01-01T00:00:00'))).toEqual([3])
    expect(await idsWhere(of, eq('ts', '1969-12-31T22:59:59.999999'))).toEqual([2])
  })

  test.each([1, 2] as const)(
    'format version %i: partitions that an old writer rounded up are still found',
    async (formatVersion) => {
      const of = await hazards.tableOf(
        schema,
        { formatVersion, partitionSpec: [{ source: 'ts', transform: 'hour' }] },
        [{ id: 1, ts: '1969-12-31T23:30:00' }],
      )
      expect((await dataFiles(of)).map((file) => file['partition'])).toEqual([{ ts_hour: -1 }])
      await rewriteAsForeign(hazards.world.manager, of, (file) => ({ ...file, partition: [0] }))
      expect((await dataFiles(of)).map((file) => file['partition'])).toEqual([{ ts_hour: 0 }])
      expect(await idsWhere(of, eq('ts', '1969-12-31T23:30:00'))).toEqual([1])
      expect(await idsWhere(of, lt('ts', '1970-01-01T00:00:00'))).toEqual([1])
      // Hour 0 proves nothing about its rows.
      expect(await idsWhere(of, gte('ts', '1970-01-01T00:00:00'))).toEqual([])
    },
  )

  test('also where the metrics are gone, and only the partition could prove it', async () => {
    const of = await hazards.tableOf(schema, { partitionSpec: [{ source: 'ts', transform: 'hour' }] }, [
      { id: 1, ts: '1969-12-31T23:30:00' },
    ])
    const unmeasured = { valueCounts: null, nullValueCounts: null, lowerBounds: null, upperBounds: null }
    await rewriteAsForeign(hazards.world.manager, of, (file) => ({ ...file, ...unmeasured, partition: [0] }))
    expect(await idsWhere(of, eq('ts', '1969-12-31T23:30:00'))).toEqual([1])
    expect(await idsWhere(of, gte('ts', '1970-01-01T00:00:00'))).toEqual([])
    expect(await idsWhere(of, lt('ts', '1970-01-01T00:00:00'))).toEqual([1])
  })
})

describe('buckets', () => {
  const CASES: readonly (readonly [string, DeclaredSchema, readonly (readonly [LiteralValue, number])[]])[] =
    [
      [
        'of negative decimals',
        table({ id: t.int(), v: t.decimal(7, 2) }),
        [
          ['-1.28', 13],
          ['-327.68', 3],
          ['1.28', 5],
          ['-1.29', 1],
        ],
      ],
      [
        'of the integers 0 and 1',
        table({ id: t.int(), v: t.int() }),
        [
          [0, 12],
          [1, 4],
        ],
      ],
      ['of the long 0', table({ id: t.int(), v: t.long() }), [[0n, 12]]],
      ['of the empty text', table({ id: t.int(), v: t.string() }), [['', 0]]],
      ['of no bytes', table({ id: t.int(), v: t.binary() }), [[new Uint8Array(), 0]]],
      ['of 1970-01-01', table({ id: t.int(), v: t.date() }), [['1970-01-01', 12]]],
      ['of a uuid', table({ id: t.int(), v: t.uuid() }), [['f79c3e09-677c-4bbd-a479-3f349cb785e7', 12]]],
    ]

  test.each(CASES)('%s; of null there is none', async (_name, schema, values) => {
    const rows = values.map(([v], id) => ({ id, v }))
    const spec = [{ source: 'v', transform: 'bucket[16]' }]
    const of = await hazards.tableOf(schema, { partitionSpec: spec }, [...rows, { id: 99, v: null }])
    const expected = Object.fromEntries(values.map(([, bucket], id) => [id, bucket]))
    expect(await hazards.partitionOfId(of)).toEqual({ ...expected, 99: null })
    for (const [id, [v]] of values.entries()) expect(await idsWhere(of, eq('v', v))).toEqual([id])
    expect(await idsWhere(of, isNull('v'))).toEqual([99])
    expect(await idsWhere(of, notNull('v'))).toEqual(values.map((_, id) => id))
  })

  test('a uuid in upper case is the same value', async () => {
    const schema = table({ id: t.int(), u: t.uuid() })
    const upper = 'F79C3E09-677C-4BBD-A479-3F349CB785E7'
    for (const transform of ['bucket[16]', 'identity']) {
      const of = await hazards.tableOf(schema, { partitionSpec: [{ source: 'u', transform }] }, [
        { id: 1, u: upper },
      ])
      expect(await idsWhere(of, eq('u', upper))).toEqual([1])
      expect(await idsWhere(of, `u = '${upper}'`)).toEqual([1])
      expect(await of.scan({ select: ['u'] }).toArray()).toEqual([{ u: upper.toLowerCase() }])
    }
  })
})

test('false and zero are partition values', async () => {
  const schema = table({ id: t.int(), b: t.boolean(), n: t.int() })
  const of = await hazards.tableOf(schema, { partitionSpec: [{ source: 'b' }, { source: 'n' }] }, [
    { id: 1, b: false, n: 0 },
    { id: 2, b: null, n: null },
  ])
  expect((await dataFiles(of)).map((file) => file['partition'])).toEqual(
    expect.arrayContaining([
      { b: false, n: 0 },
      { b: null, n: null },
    ]),
  )
  expect(await idsWhere(of, eq('b', false))).toEqual([1])
  expect(await idsWhere(of, eq('n', 0))).toEqual([1])
  expect(await idsWhere(of, isNull('b'))).toEqual([2])
})

test('names and values of any text make folders and are found again', async () => {
  const [first, second] = ['my#str%x', 'other str+b']
  const schema = table({ id: t.int(), [first]: t.string(), [second]: t.string() })
  const texts = ['my+str', '( )', 'a/b=c', 'x~y*', 'é', '', null, '..', '%2F', 'null']
  const rows = texts.map((text, id) => ({ id, [first]: text, [second]: texts.at(-1 - id) ?? null }))
  const of = await hazards.tableOf(schema, { partitionSpec: [{ source: first }, { source: second }] }, rows)
  const folders = (await dataFiles(of)).map((file) =>
    String(file['file_path']).slice(`${of.location}/data/`.length).split('/').slice(0, -1).join('/'),
  )
  const segment = (name: string, text: string | null): string =>
    `${judgeFormEncode(name)}=${judgeFormEncode(text ?? 'null')}`
  expect(folders.sort()).toEqual(
    rows
      .map((row) => `${segment(first, row[first] as string)}/${segment(second, row[second] as string)}`)
      .sort(),
  )
  expect(segment(first, 'my+str')).toBe('my%23str%25x=my%2Bstr')
  expect(segment(second, '( )')).toBe('other+str%2Bb=%28+%29')
  for (const [id, text] of texts.entries()) {
    expect(await idsWhere(of, text === null ? isNull(first) : eq(first, text))).toEqual([id])
  }
  // Folders alike keep different tuples: a text that reads null is not null.
  expect(await of.scan().count()).toBe(rows.length)
})

test.each([
  ['int', t.int(), -2147483648],
  ['long', t.long(), -(2n ** 63n)],
  ['decimal', t.decimal(2, 0), '-99'],
])(
  'the least %s has no partition by tens of thousands, and no file is left of it',
  async (_name, column, least) => {
    const spec = { partitionSpec: [{ source: 'v', transform: 'truncate[10000]' }] }
    const of = await hazards.tableOf(table({ id: t.int(), v: column }), spec)
    const write = hazards.world.manager.writeData(of, [{ id: 1, v: least }])
    await expect(write).rejects.toThrow(InvalidDataError)
    await expect(write).rejects.toMatchObject({ column: 'v' })
    expect((await of.refresh()).currentSnapshot).toBeNull()
  },
)

test('manifests of a spec whose column is gone are read by their own positions', async () => {
  const schema = table({ id: t.int(), q: t.int(), p: t.int() })
  const of = await hazards.tableOf(
    schema,
    { partitionSpec: [{ source: 'q' }, { source: 'p' }] },
    [10, 15, 20].map((q, id) => ({ id, q, p: 2 })),
  )
  const { catalog } = hazards.world.manager
  await catalog.commitTable(of.identifier, {
    requirements: [],
    updates: [
      {
        action: 'add-spec',
        spec: { fields: [{ 'source-id': 3, 'field-id': 1001, name: 'p', transform: 'identity' }] },
      },
      { action: 'set-default-spec', 'spec-id': LAST_ADDED },
    ],
  })
  const [current] = of.metadata.schemas
  if (current === undefined) throw new Error('the table has a schema')
  const fields = current.fields.filter((field) => field.name !== 'q')
  await catalog.commitTable(of.identifier, {
    requirements: [],
    updates: [
      { action: 'add-schema', schema: { ...current, 'schema-id': 1, fields } },
      { action: 'set-current-schema', 'schema-id': LAST_ADDED },
    ],
  })
  await of.refresh()
  await hazards.world.manager.writeData(of, [
    { id: 3, p: 2 },
    { id: 4, p: 3 },
  ])
  expect(await idsWhere(of, eq('p', 2))).toEqual([0, 1, 2, 3])
  expect(await idsWhere(of, eq('p', 3))).toEqual([4])
  expect(await of.scan({ select: ['id', 'p'], filter: eq('p', 3) }).toArray()).toEqual([{ id: 4, p: 3 }])
})

test('a void field neither prunes nor proves', async () => {
  const schema = table({ id: t.int(), data: t.string() })
  const of = await hazards.tableOf(schema, { formatVersion: 1, partitionSpec: [{ source: 'data' }] }, [
    { id: 1, data: 'a' },
    { id: 2, data: 'b' },
  ])
  await hazards.world.manager.catalog.commitTable(of.identifier, {
    requirements: [],
    updates: [
      {
        action: 'add-spec',
        spec: { fields: [{ 'source-id': 2, 'field-id': 1000, name: 'data', transform: 'void' }] },
      },
      { action: 'set-default-spec', 'spec-id': LAST_ADDED },
    ],
  })
  await of.refresh()
  await hazards.world.manager.writeData(of, [
    { id: 3, data: 'c' },
    { id: 4, data: null },
  ])
  for (const [id, data] of [
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
  ] as const) {
    expect(await idsWhere(of, eq('data', data))).toEqual([id])
  }
  expect(await idsWhere(of, isNull('data'))).toEqual([4])
  expect(await idsWhere(of, notNull('data'))).toEqual([1, 2, 3])
  expect(await idsWhere(of, 'not data is null')).toEqual([1, 2, 3])
})
