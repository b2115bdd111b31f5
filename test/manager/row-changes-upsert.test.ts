/** Upserts: keys, switches, counts, and what an upsert leaves alone. */
import { describe, expect, test } from 'vitest'
import type { DataInput, Row, RowChangeResult, Table, WriteOptions } from '../../src/index.ts'
import { FloebergError } from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()

type Upsert = Omit<Extract<WriteOptions, { mode: 'upsert' }>, 'mode'>

function upsert(world: EvolutionWorld, tbl: Table, rows: DataInput<Row>, options: Upsert = {}) {
  return world.manager.writeData(tbl, rows, { mode: 'upsert', joinColumns: ['id'], ...options })
}

function counts({ rowsUpdated, rowsInserted, rowsDeleted, rowsUnchanged }: RowChangeResult) {
  return { updated: rowsUpdated, inserted: rowsInserted, deleted: rowsDeleted, unchanged: rowsUnchanged }
}

/** Fails as expected, and leaves table, snapshots and storage as they were. */
async function refused(
  world: EvolutionWorld,
  tbl: Table,
  call: () => Promise<unknown>,
): Promise<FloebergError> {
  const [objects, rows, snapshots] = [await world.objects(), await rowsOf(tbl), tbl.metadata.snapshots.length]
  world.controller.reset()
  const error: unknown = await call().then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof FloebergError)) throw new Error(`not refused by a typed error: ${String(error)}`)
  expect(world.controller.mutations).toEqual([])
  expect(await world.objects()).toEqual(objects)
  expect(await world.temporaries()).toEqual([])
  const after = await world.reload()
  expect(await rowsOf(after)).toEqual(rows)
  expect(after.metadata.snapshots).toHaveLength(snapshots)
  return error
}

describe('keys that are refused before anything is written', () => {
  const columns =
    'id: int, k2: string, d: double, f: float, s: struct<x: int>, l: list<int>, m: map<string, int>, v: int'

  test('null keys: column and count are named, and no row of the others is changed', async () => {
    const world = await open()
    const tbl = await createTable(world, columns)
    await world.manager.writeData(tbl, [{ id: 1, k2: null, v: 0 }])
    const rows = [
      { id: 1, k2: null, v: 1 },
      { id: null, k2: null, v: 2 },
      { id: 2, k2: 'b', v: 3 },
    ]
    const error = await refused(world, tbl, () => upsert(world, tbl, rows, { joinColumns: ['id', 'k2'] }))
    expect(error).toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: 'id', table: 'demo.t' })
    expect(error.message).toContain('1 row of the source has')
    const k2 = await refused(world, tbl, () => upsert(world, tbl, rows.slice(0, 1), { joinColumns: ['k2'] }))
    expect(k2).toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: 'k2' })
    expect(
      (await refused(world, tbl, () => upsert(world, tbl, rows.slice(0, 2), { joinColumns: ['k2'] })))
        .message,
    ).toContain('2 rows of the source have')
  })

  test('duplicate keys: how many rows share theirs', async () => {
    const world = await open()
    const tbl = await createTable(world, columns)
    const rows = [1, 1, 2, 3, 3, 3].map((id, v) => ({ id, k2: 'x', v }))
    for (const joinColumns of [['id'], ['id', 'k2'], ['k2', 'id']]) {
      const error = await refused(world, tbl, () => upsert(world, tbl, rows, { joinColumns }))
      expect(error).toMatchObject({ code: 'FLOEBERG_INVALID_DATA', column: joinColumns.join(', ') })
      expect(error.message).toContain(`5 rows of the source share their key (${joinColumns.join(', ')})`)
    }
  })

  test.each([
    [['d'], "'d' is of type double"],
    [['f'], "'f' is of type float"],
    [['s'], "'s' is of type struct"],
    [['l'], "'l' is of type list"],
    [['m'], "'m' is of type map"],
    [['id', 'd'], "'d' is of type double"],
    [['s.x'], "'s.x' is not a top-level column"],
    [['id', 'id'], 'twice'],
    [['nope'], "no column 'nope'"],
    [['ID'], "no column 'ID'"],
    [[], 'identifier fields'],
    [undefined, 'identifier fields'],
  ] as const)('%j: %s', async (joinColumns, message) => {
    const world = await open()
    const tbl = await createTable(world, columns)
    await world.manager.writeData(tbl, [{ id: 1, d: 0 }])
    let read = false
    async function* rows() {
      read = true
      yield* [0, -0, Number.NaN].map((d, id) => ({ id, d }))
    }
    const error = await refused(world, tbl, () => upsert(world, tbl, rows(), { joinColumns }))
    expect(error).toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
    expect(error.message).toContain(message)
    // Nor is the source begun: it may be one that can be read only once.
    expect(read).toBe(false)
  })

  test('a value of a key is in no message', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: string, v: int')
    const rows = ['secret', 'secret'].map((id) => ({ id, v: 1 }))
    const error = await refused(world, tbl, () => upsert(world, tbl, rows))
    expect(`${error.message} ${error.hint ?? ''}`).not.toContain('secret')
  })
})

test('keys are by default the identifier fields, whatever they are called by now', async () => {
  const world = await open()
  const tbl = await createTable(world, 'id: int required, part: string required, v: int')
  await world.manager.evolveSchema(tbl, [{ type: 'set_identifier_fields', columns: ['id', 'part'] }])
  await world.manager.writeData(tbl, [{ id: 1, part: 'a', v: 0 }])
  await world.manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'part', newName: 'shard' }])
  const rows = [
    { id: 1, shard: 'a', v: 1 },
    { id: 1, shard: 'b', v: 2 },
  ]
  const result = await world.manager.writeData(tbl, rows, { mode: 'upsert' })
  expect(counts(result)).toEqual({ updated: 1, inserted: 1, deleted: 0, unchanged: 0 })
  expect(await rowsOf(tbl)).toEqual(asText(rows))
})

describe('what an upsert does', () => {
  const before = [
    { id: 1, v: 'one' },
    { id: 2, v: null },
    { id: 3, v: 'three' },
  ]
  const source = [
    { id: 1, v: 'one' },
    { id: 2, v: 'two' },
    { id: 4, v: 'four' },
  ]

  async function filled(mode: string) {
    const world = await open()
    const tbl = await createTable(world, 'id: int, v: string', { properties: { 'write.merge.mode': mode } })
    await world.manager.writeData(tbl, before)
    return { world, tbl }
  }

  // Options, rows afterwards, and counts.
  const cases: readonly (readonly [Upsert, readonly object[], object])[] = [
    [
      {},
      [
        { id: 1, v: 'one' },
        { id: 2, v: 'two' },
        { id: 3, v: 'three' },
        { id: 4, v: 'four' },
      ],
      { updated: 1, inserted: 1, deleted: 0, unchanged: 1 },
    ],
    [
      { whenMatchedUpdateAll: false },
      [...before, { id: 4, v: 'four' }],
      { updated: 0, inserted: 1, deleted: 0 },
    ],
    [
      { whenNotMatchedInsertAll: false },
      [
        { id: 1, v: 'one' },
        { id: 2, v: 'two' },
        { id: 3, v: 'three' },
      ],
      { updated: 1, inserted: 0, deleted: 0, unchanged: 1 },
    ],
    [
      { whenMatchedUpdateAll: false, whenNotMatchedInsertAll: false },
      before,
      { updated: 0, inserted: 0, deleted: 0 },
    ],
    // The matched row goes; a source row like that is never inserted; unknown is not true.
    [
      { deleteWhen: "v = 'two' or v = 'four'" },
      [
        { id: 1, v: 'one' },
        { id: 3, v: 'three' },
      ],
      { updated: 0, inserted: 0, deleted: 1, unchanged: 1 },
    ],
    [
      { whenNotMatchedBySource: { action: 'delete', scope: 'id >= 3' } },
      [
        { id: 1, v: 'one' },
        { id: 2, v: 'two' },
        { id: 4, v: 'four' },
      ],
      { updated: 1, inserted: 1, deleted: 1, unchanged: 1 },
    ],
    [
      { whenNotMatchedBySource: { action: 'delete', scope: 'id >= 4' } },
      [
        { id: 1, v: 'one' },
        { id: 2, v: 'two' },
        { id: 3, v: 'three' },
        { id: 4, v: 'four' },
      ],
      { updated: 1, inserted: 1, deleted: 0, unchanged: 1 },
    ],
    // A full sync, of which one row says that it is gone.
    [
      {
        deleteWhen: 'id = 1',
        whenNotMatchedBySource: { action: 'delete', scope: 'id is not null' },
      },
      [
        { id: 2, v: 'two' },
        { id: 4, v: 'four' },
      ],
      { updated: 1, inserted: 1, deleted: 2, unchanged: 0 },
    ],
  ]

  describe.each(['copy-on-write', 'merge-on-read'])('%s', (mode) => {
    test.each(cases)('%j', async (options, after, expected) => {
      const { world, tbl } = await filled(mode)
      const snapshots = tbl.metadata.snapshots.length
      const plan = await world.manager.planWriteData(tbl, source, {
        mode: 'upsert',
        joinColumns: ['id'],
        ...options,
      })
      const result = await upsert(world, tbl, source, options)
      expect(await rowsOf(await world.reload())).toEqual(asText(after))
      expect(counts(result)).toMatchObject(expected)
      expect(plan.files).toEqual(
        result.fileChanges.map(({ file, action, rows, reason }) => ({
          location: file.location,
          action,
          rows,
          reason,
        })),
      )
      // One snapshot, or none where nothing changed.
      const changes = result.rowsUpdated + result.rowsInserted + result.rowsDeleted
      expect(tbl.metadata.snapshots).toHaveLength(snapshots + Math.min(1, changes))
      expect(result.snapshotId === null).toBe(changes === 0)
    })
  })

  test('the same rows twice: no second snapshot, no file, nothing counted but what is the same', async () => {
    const { world, tbl } = await filled('merge-on-read')
    await upsert(world, tbl, source)
    const [objects, snapshot] = [await world.objects(), tbl.currentSnapshot?.['snapshot-id']]
    world.controller.reset()
    const again = await upsert(world, tbl, source)
    expect(again).toMatchObject({
      snapshotId: null,
      rows: 0,
      files: 0,
      bytes: 0,
      attempts: 0,
      fileChanges: [],
    })
    expect(counts(again)).toEqual({ updated: 0, inserted: 0, deleted: 0, unchanged: 3 })
    expect([await world.objects(), tbl.currentSnapshot?.['snapshot-id']]).toEqual([objects, snapshot])
    expect(world.controller.mutations).toEqual([])
    expect(await world.temporaries()).toEqual([])
  })

  test('no rows at all change nothing, on a table with rows and on one without', async () => {
    const { world, tbl } = await filled('copy-on-write')
    expect((await upsert(world, tbl, [])).snapshotId).toBeNull()
    const empty = await createTable(world, 'id: int, v: string', { name: 'empty' })
    expect((await upsert(world, empty, [])).snapshotId).toBeNull()
    expect(empty.currentSnapshot).toBeNull()
    expect(await rowsOf(tbl)).toEqual(asText(before))
  })

  test('no rows of a full sync delete what is in the scope', async () => {
    const { world, tbl } = await filled('copy-on-write')
    const result = await upsert(world, tbl, [], {
      whenNotMatchedBySource: { action: 'delete', scope: 'id > 1' },
    })
    expect(counts(result)).toEqual({ updated: 0, inserted: 0, deleted: 2, unchanged: 0 })
    expect(await rowsOf(tbl)).toEqual(asText([{ id: 1, v: 'one' }]))
  })

  test('into a table without a snapshot it is an append', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int, v: string')
    const onlyUpdates = await upsert(world, tbl, source, { whenNotMatchedInsertAll: false })
    expect(onlyUpdates.snapshotId).toBeNull()
    const result = await upsert(world, tbl, source)
    expect(counts(result)).toEqual({ updated: 0, inserted: 3, deleted: 0, unchanged: 0 })
    expect(tbl.metadata.snapshots.map(({ summary }) => summary?.operation)).toEqual(['append'])
    expect(await rowsOf(tbl)).toEqual(asText(source))
  })

  test('a changed and a new row are one snapshot, with the properties of the call', async () => {
    const { world, tbl } = await filled('copy-on-write')
    const { snapshotId } = await upsert(world, tbl, source, { snapshotProperties: { 'run-id': 'r1' } })
    const made = tbl.metadata.snapshots.slice(1)
    expect(made.map((snapshot) => [snapshot['snapshot-id'], snapshot.summary?.['run-id']])).toEqual([
      [snapshotId, 'r1'],
    ])
  })
})

describe('values that are the same', () => {
  const columns =
    'id: long, d: double, f: float, s: struct<a: int, b: string>, l: list<int>, m: map<string, int>, b: binary'
  const row = {
    id: 1n,
    d: Number.NaN,
    f: null,
    s: { a: null, b: 'x' },
    l: [1, null],
    m: new Map([['k', null]]),
    b: new Uint8Array([0, 255]),
  }

  test('in every kind of column are no change: null is null, and NaN is NaN', async () => {
    const world = await open()
    const tbl = await createTable(world, columns)
    await world.manager.writeData(tbl, [row, { id: 2n }])
    const result = await upsert(world, tbl, [row, { id: 2n }])
    expect(counts(result)).toEqual({ updated: 0, inserted: 0, deleted: 0, unchanged: 2 })
  })

  test.each([
    ['d', null],
    ['d', 0],
    ['f', Number.NaN],
    ['s', null],
    ['s', { a: null, b: null }],
    ['s', { a: 0, b: 'x' }],
    ['l', null],
    ['l', []],
    ['l', [1]],
    ['m', new Map()],
    ['b', new Uint8Array()],
  ])('another value of %s is one', async (column, value) => {
    const world = await open()
    const tbl = await createTable(world, columns)
    await world.manager.writeData(tbl, [row])
    const result = await upsert(world, tbl, [{ ...row, [column]: value }])
    expect(counts(result)).toEqual({ updated: 1, inserted: 0, deleted: 0, unchanged: 0 })
    expect(await rowsOf(tbl)).toEqual(asText([{ ...row, [column]: value }]))
  })
})

test('keys of every type that may be one match by value', async () => {
  const world = await open()
  const row = {
    b: false,
    i: 0,
    l: 9007199254740993n,
    dec: '-0.10',
    dt: '1969-12-31',
    t: '00:00:00.000000',
    ts: '1969-12-31T23:59:59.999999',
    tz: '1969-12-31T23:59:59.999999Z',
    s: '',
    u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    bin: new Uint8Array(),
  }
  const columns =
    'b: boolean, i: int, l: long, dec: decimal(9, 2), dt: date, t: time, ts: timestamp, tz: timestamptz, s: string, u: uuid, bin: binary, v: int'
  for (const key of Object.keys(row)) {
    const tbl = await createTable(world, columns, { name: `by_${key}` })
    await world.manager.writeData(tbl, [{ ...row, v: 1 }])
    const result = await upsert(world, tbl, [{ ...row, v: 2 }], { joinColumns: [key] })
    expect([key, counts(result).updated]).toEqual([key, 1])
    expect(await rowsOf(tbl)).toHaveLength(1)
  }
  const all = await createTable(world, columns, { name: 'by_all' })
  await world.manager.writeData(all, [{ ...row, v: 1 }])
  const result = await upsert(
    world,
    all,
    [
      { ...row, v: 2 },
      { ...row, i: 1, v: 3 },
    ],
    { joinColumns: Object.keys(row) },
  )
  expect(counts(result)).toEqual({ updated: 1, inserted: 1, deleted: 0, unchanged: 0 })
})

test('only files whose keys can match are opened, and only those with a match are touched', async () => {
  const world = await open()
  const { manager } = world
  const tbl = await createTable(world, 'id: int, v: int')
  for (const start of [0, 100, 200, 300]) {
    await manager.writeData(
      tbl,
      Array.from({ length: 100 }, (_, i) => ({ id: start + i, v: 0 })),
    )
  }
  const before = (await tbl.inspect.files()).map((file) => file.file_path)
  world.controller.reset()
  // Keys from 150 to 250: the first and the last file cannot hold any; the second has no match that differs.
  const { fileChanges } = await upsert(world, tbl, [
    { id: 150, v: 0 },
    { id: 250, v: 1 },
  ])
  const opened = new Set(
    world.controller.calls
      .filter(({ method }) => method === 'get')
      .flatMap(({ about }) => about)
      .filter((location) => location.endsWith('.parquet')),
  )
  const after = (await tbl.inspect.files()).map((file) => file.file_path)
  const second = before[2]
  const third = before[1]
  expect([...opened].sort()).toEqual([second, third].sort())
  expect(fileChanges.map(({ file }) => file.location)).toEqual([third])
  expect(before.filter((file) => !after.includes(file))).toEqual([third])
})

test('of a source that is an iterator: it is read once, and only as far as it goes', async () => {
  const world = await open()
  const tbl = await createTable(world, 'id: int, v: int')
  await world.manager.writeData(tbl, [{ id: 1, v: 0 }])
  let yielded = 0
  async function* source() {
    for (const id of [1, 2, 3]) {
      yielded += 1
      yield { id, v: 1 }
    }
  }
  expect(counts(await upsert(world, tbl, source()))).toMatchObject({ updated: 1, inserted: 2 })
  expect(yielded).toBe(3)
})
