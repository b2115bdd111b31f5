/** Changes of rows where partitions matter: transformed values, several specs, rows that move. */
import { describe, expect, test } from 'vitest'
import type { Table } from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'
import { commitFiles, dataFiles } from './foreign-files.ts'

const open = evolutionWorlds()

const EVERY_SPEC = [
  [],
  [{ source: 'k', transform: 'identity' }],
  [{ source: 'k', transform: 'bucket[8]' }],
  [{ source: 'k', transform: 'truncate[1]' }],
  [{ source: 'ts', transform: 'year' }],
  [{ source: 'ts', transform: 'month' }],
  [{ source: 'ts', transform: 'day' }],
  [{ source: 'ts', transform: 'hour' }],
  [{ source: 'ts', transform: 'void', name: 'nothing' }],
  [
    { source: 'ts', transform: 'day' },
    { source: 'k', transform: 'bucket[4]' },
  ],
] as const

const MODES = ['copy-on-write', 'merge-on-read'] as const

function everyMode(mode: string): Record<string, string> {
  return { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode }
}

const nameOf = (spec: (typeof EVERY_SPEC)[number]): string =>
  spec.map(({ source, transform }) => `${transform}(${source})`).join(', ') || 'nothing'

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()

const D1 = '1969-12-31T23:30:00.000000'
const D2 = '2024-02-29T12:00:00.000000'

describe.each(MODES)('%s, partitioned by', (mode) => {
  test.each(EVERY_SPEC.map((spec) => [nameOf(spec), spec] as const))(
    '%s: an upsert and a delete hit their row and no other',
    async (_, partitionSpec) => {
      const world = await open()
      const { manager } = world
      const tbl = await createTable(world, 'k: string, v: int, ts: timestamp', {
        partitionSpec,
        properties: everyMode(mode),
      })
      const [a, b] = [
        { k: 'a', v: 1, ts: D1 },
        { k: 'b', v: 2, ts: D1 },
      ]
      await manager.writeData(tbl, [a, b])
      // In the same partition, and then in another one, with a new neighbour there.
      for (const rows of [
        [{ k: 'a', v: 9, ts: D1 }],
        [
          { k: 'a', v: 10, ts: D2 },
          { k: 'c', v: 3, ts: D2 },
        ],
      ]) {
        const { rowsUpdated, rowsInserted, rowsDeleted } = await manager.writeData(tbl, rows, {
          mode: 'upsert',
          joinColumns: ['k'],
        })
        expect([rowsUpdated, rowsInserted, rowsDeleted]).toEqual([1, rows.length - 1, 0])
        expect(await rowsOf(tbl)).toEqual(asText([b, ...rows]))
      }
      expect(await manager.deleteRows(tbl, "k = 'a'")).toMatchObject({ rowsDeleted: 1 })
      expect(await rowsOf(tbl)).toEqual(asText([b, { k: 'c', v: 3, ts: D2 }]))
      // A row that is updated goes where its new values belong.
      expect(await manager.updateRows(tbl, { ts: D2, k: 'z' }, 'v = 2')).toMatchObject({ rowsUpdated: 1 })
      expect(await rowsOf(tbl, `ts = '${D2}'`)).toEqual(
        asText([
          { k: 'z', v: 2, ts: D2 },
          { k: 'c', v: 3, ts: D2 },
        ]),
      )
      expect(await rowsOf(tbl, `ts = '${D1}' or k = 'b'`)).toEqual([])
    },
  )
})

/** Rows by what they share with the new row: a hour, only a day, only a month, only a year, nothing. */
const HOUR = { v: 'hour', ts: '2001-01-31T10:00:00.000000' }
const DAY = { v: 'day', ts: '2001-01-31T11:00:00.000000' }
const MONTH = { v: 'month', ts: '2001-01-01T10:00:00.000000' }
const YEAR = { v: 'year', ts: '2001-12-31T23:59:59.999999' }
const OLD = { v: 'old', ts: '1969-12-31T23:59:59.999999' }
const NONE = { v: 'none', ts: null }
const TIMES = [HOUR, DAY, MONTH, YEAR, OLD, NONE]
const NEW = { v: 'new', ts: '2001-01-31T10:59:59.999999' }

/** How a column is partitioned, the rows that are there, the new ones, and which of the old ones stay. */
const OVERWRITES = [
  ['hour', 'ts: timestamp', TIMES, [NEW], [DAY, MONTH, YEAR, OLD, NONE]],
  ['day', 'ts: timestamp', TIMES, [NEW], [MONTH, YEAR, OLD, NONE]],
  ['month', 'ts: timestamp', TIMES, [NEW], [YEAR, OLD, NONE]],
  ['year', 'ts: timestamp', TIMES, [NEW], [OLD, NONE]],
  ['identity', 'ts: timestamp', TIMES, [{ ...NEW, ts: DAY.ts }], [HOUR, MONTH, YEAR, OLD, NONE]],
  // Day -1 is not day 0, and null is a partition of its own.
  ['day', 'ts: timestamp', TIMES, [{ ...NEW, ts: '1970-01-01T00:00:00.000000' }], TIMES],
  [
    'day',
    'ts: timestamp',
    TIMES,
    [
      { ...NEW, ts: '1969-12-31T00:00:00.000000' },
      { ...NEW, ts: null },
    ],
    [HOUR, DAY, MONTH, YEAR],
  ],
  ['void', 'ts: timestamp', TIMES, [NEW], []],
  // Every value is in the one bucket there is; null is in none.
  ['bucket[1]', 'ts: timestamp', TIMES, [NEW], [NONE]],
  [
    'truncate[2]',
    'ts: string',
    texts('', 'a', 'ab', 'abc', 'b', null),
    texts('abd'),
    texts('', 'a', 'b', null),
  ],
  [
    'truncate[10]',
    'ts: int',
    numbers(-11, -10, -1, 0, 9, 10, null),
    numbers(-10),
    numbers(-11, 0, 9, 10, null),
  ],
  // NaN is one partition, the zeros are two.
  [
    'identity',
    'ts: double',
    numbers(Number.NaN, 0, -0, 1, null),
    numbers(Number.NaN, 0),
    numbers(-0, 1, null),
  ],
  ['identity', 'ts: boolean', flags(false, true, null), flags(false), flags(true, null)],
] as const

function texts(...values: (string | null)[]) {
  return values.map((ts) => ({ v: `t${ts}`, ts }))
}
function numbers(...values: (number | null)[]) {
  return values.map((ts) => ({ v: Object.is(ts, -0) ? 'n-0' : `n${ts}`, ts }))
}
function flags(...values: (boolean | null)[]) {
  return values.map((ts) => ({ v: `f${ts}`, ts }))
}

/** Zeros and NaN told apart. */
const exactText = (rows: readonly { readonly v: unknown; readonly ts: unknown }[]): string[] =>
  rows.map(({ v, ts }) => `${String(v)} ${Object.is(ts, -0) ? '-0' : String(ts)}`).sort()

describe.each([
  ['v2', {}],
  ['v1', { formatVersion: 1 as const }],
  ['merge-on-read', { properties: everyMode('merge-on-read') }],
] as const)('overwriting partitions, %s', (_, config) => {
  describe.each(['the same spec', 'other specs'] as const)('of rows written by %s', (specs) => {
    test.each(OVERWRITES)('%s of %s', async (transform, columns, before, rows, kept) => {
      const world = await open()
      const { manager } = world
      const spec = { source: 'ts', transform, name: 'p' }
      const tbl = await createTable(world, `v: string, ${columns}`, {
        partitionSpec: specs === 'the same spec' ? [spec] : [],
        ...config,
      })
      if (specs === 'the same spec') {
        await manager.writeData(tbl, before)
      } else {
        // All in one file; then some of them by another column; then by what counts.
        await manager.writeData(tbl, before.slice(0, 3))
        await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'v' }])
        await manager.writeData(tbl, before.slice(3))
        await manager.evolvePartitionSpec(tbl, [
          { type: 'remove_field', field: 'v' },
          { type: 'add_field', ...spec },
        ])
      }
      const plan = await manager.planWriteData(tbl, rows, { mode: 'overwrite', overwriteScope: 'partitions' })
      const result = await manager.writeData(tbl, rows, { mode: 'overwrite', overwriteScope: 'partitions' })
      const after = (await tbl.scan().toArray()) as unknown as { v: string; ts: unknown }[]
      expect(exactText(after)).toEqual(exactText([...kept, ...rows]))
      expect(result).toMatchObject({
        rowsInserted: rows.length,
        rowsDeleted: before.length - kept.length,
        attempts: 1,
      })
      expect(plan.files.reduce((sum, file) => sum + file.rows, 0)).toBe(result.rowsDeleted)
      expect(await tbl.scan().count()).toBe(after.length)
    })
  })
})

test('overwriting partitions after the spec has got another field: only what is in both goes', async () => {
  const world = await open()
  const { manager } = world
  const tbl = await createTable(world, 'id: int, category: string, region: string', {
    partitionSpec: [{ source: 'category' }],
  })
  const row = (id: number, category: string | null, region: string | null) => ({ id, category, region })
  await manager.writeData(tbl, [
    row(1, 'A', 'us'),
    row(2, 'A', 'eu'),
    row(3, 'B', 'us'),
    row(4, 'A', null),
    row(5, null, 'us'),
  ])
  await manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'region' }])
  await manager.writeData(tbl, [row(6, 'A', 'us'), row(7, 'A', 'eu')])
  const before = await dataFiles(tbl)
  const { rowsDeleted, fileChanges } = await manager.writeData(tbl, [row(8, 'A', 'us')], {
    mode: 'overwrite',
    overwriteScope: 'partitions',
  })
  expect(rowsDeleted).toBe(2)
  expect(fileChanges.map(({ action }) => action).sort()).toEqual(['drop', 'rewrite'])
  expect(await rowsOf(tbl)).toEqual(
    asText([
      row(2, 'A', 'eu'),
      row(3, 'B', 'us'),
      row(4, 'A', null),
      row(5, null, 'us'),
      row(7, 'A', 'eu'),
      row(8, 'A', 'us'),
    ]),
  )
  // Files of other categories, and of other regions, are the same as before.
  const after = new Set((await dataFiles(tbl)).map(({ location }) => location))
  expect(before.filter(({ location }) => after.has(location))).toHaveLength(3)
})

describe('after the spec has changed from day to hour', () => {
  const at = (hour: number): string => `2024-05-01T0${hour}:10:00.000000`

  async function respecified(world: EvolutionWorld, mode: string): Promise<Table> {
    const tbl = await createTable(world, 'id: int, ts: timestamp, v: string', {
      partitionSpec: [{ source: 'ts', transform: 'day' }],
      properties: everyMode(mode),
    })
    await world.manager.writeData(tbl, [
      { id: 1, ts: at(1), v: 'a' },
      { id: 2, ts: at(2), v: 'b' },
    ])
    await world.manager.evolvePartitionSpec(tbl, [
      { type: 'replace_field', field: 'ts_day', source: 'ts', transform: 'hour' },
    ])
    return tbl
  }

  test.each(MODES)('%s: deletes and updates of older files take effect, once', async (mode) => {
    const world = await open()
    const tbl = await respecified(world, mode)
    await world.manager.writeData(tbl, [{ id: 3, ts: at(3), v: 'c' }])
    await world.manager.deleteRows(tbl, "v = 'a'")
    await world.manager.updateRows(tbl, { v: 'B' }, "v = 'b'")
    const read = await world.reload()
    const expected = asText([
      { id: 2, ts: at(2), v: 'B' },
      { id: 3, ts: at(3), v: 'c' },
    ])
    expect(await rowsOf(read)).toEqual(expected)
    // Found by the partition, too, whichever spec it is of.
    expect(await rowsOf(read, `ts >= '${at(0)}'`)).toEqual(expected)
  })

  test('position deletes are of the spec and partition of the file that they are about', async () => {
    const world = await open()
    const tbl = await respecified(world, 'merge-on-read')
    await world.manager.deleteRows(tbl, "v = 'a'")
    const files = await tbl.inspect.files()
    expect(files.map(({ content, spec_id, partition }) => [content, spec_id, valueText(partition)])).toEqual([
      ['position-deletes', 0, '{"ts_day":"2024-05-01"}'],
      ['data', 0, '{"ts_day":"2024-05-01"}'],
    ])
  })

  test('a slice is replaced in one snapshot, whichever spec its rows have', async () => {
    const world = await open()
    const tbl = await respecified(world, 'copy-on-write')
    await world.manager.writeData(tbl, [{ id: 3, ts: at(2), v: 'c' }])
    const before = tbl.metadata.snapshots.length
    const { snapshotId } = await world.manager.writeData(tbl, [{ id: 4, ts: at(2), v: 'new' }], {
      mode: 'overwrite',
      overwriteFilter: `ts >= '${at(2)}' and ts < '${at(3)}'`,
      validate: true,
    })
    const expected = asText([
      { id: 1, ts: at(1), v: 'a' },
      { id: 4, ts: at(2), v: 'new' },
    ])
    expect(await rowsOf(tbl)).toEqual(expected)
    expect(tbl.metadata.snapshots).toHaveLength(before + 1)
    expect(tbl.currentSnapshot?.['snapshot-id']).toBe(snapshotId)
    expect(tbl.currentSnapshot?.summary?.operation).toBe('overwrite')
  })
})

describe('temporal partitions that old writers rounded towards zero', () => {
  /** A row of 1969-12-31T23:30 in hour 0, where such writers put it. */
  async function misplaced(world: EvolutionWorld): Promise<Table> {
    const source = await createTable(world, 'ts: timestamp, v: int', { name: 'source' })
    await world.manager.writeData(source, [
      { ts: D1, v: 1 },
      { ts: '1970-01-01T00:30:00.000000', v: 2 },
    ])
    const tbl = await createTable(world, 'ts: timestamp, v: int', {
      formatVersion: 1,
      partitionSpec: [{ source: 'ts', transform: 'hour' }],
    })
    const [file] = await dataFiles(source)
    if (file === undefined) throw new Error('nothing was written')
    // Without bounds, as such writers left them out: the partition alone decides.
    await commitFiles(world, tbl, [{ ...file, partition: [0], lowerBounds: null, upperBounds: null }])
    return tbl
  }

  test.each([
    [`ts = '${D1}'`, [2]],
    ["ts < '1970-01-01T00:00:00'", [2]],
    ["ts >= '1970-01-01T00:00:00'", [1]],
    ["ts >= '1970-01-01T00:00:00' and ts < '1970-01-01T01:00:00'", [1]],
    [`ts != '${D1}'`, [1]],
    ["ts < '1970-01-01T01:00:00'", []],
  ] as const)('a delete of %s finds its rows, and proves nothing by the partition', async (filter, left) => {
    const world = await open()
    const tbl = await misplaced(world)
    await world.manager.deleteRows(tbl, filter)
    const rows = (await tbl.scan().toArray()) as unknown as { v: number }[]
    expect(rows.map(({ v }) => v)).toEqual(left)
  })
})

describe('uuid partitions', () => {
  const U = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
  const OTHER = '00000000-0000-0000-0000-000000000000'

  // The spec's own vector: the hash of U is 1488055340, which is bucket 12 of 16.
  test.each([
    ['bucket[16]', `{"u_bucket":12}`],
    ['identity', `{"u":"${U}"}`],
  ])('by %s: changes find their rows, however the value is written', async (transform, partition) => {
    const world = await open()
    const tbl = await createTable(world, 'u: uuid, v: int', { partitionSpec: [{ source: 'u', transform }] })
    await world.manager.writeData(tbl, [
      { u: U, v: 1 },
      { u: OTHER, v: 2 },
    ])
    const upper = U.toUpperCase()
    await world.manager.writeData(tbl, [{ u: upper, v: 3 }], { mode: 'upsert', joinColumns: ['u'] })
    expect(await rowsOf(tbl, `u = '${upper}'`)).toEqual(asText([{ u: U, v: 3 }]))
    expect((await tbl.inspect.files()).map((file) => valueText(file.partition))).toContain(partition)
    const { fileChanges } = await world.manager.writeData(tbl, [{ u: upper, v: 4 }], {
      mode: 'overwrite',
      overwriteScope: 'partitions',
    })
    expect(fileChanges.map(({ action, rows }) => [action, rows])).toEqual([['drop', 1]])
    await world.manager.deleteRows(tbl, `u = '${upper}'`, { commitStrategy: 'merge_commit' })
    expect(await rowsOf(await world.reload())).toEqual(asText([{ u: OTHER, v: 2 }]))
    // The manifest that lists what stays was written again: its partition values are the same.
    expect(await rowsOf(tbl, `u = '${OTHER}'`)).toEqual(asText([{ u: OTHER, v: 2 }]))
  })
})
