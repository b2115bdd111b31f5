/** Deletes, updates and overwrites by a filter: which rows, which files, and what is refused. */
import { describe, expect, test } from 'vitest'
import type { Expression, RowChangePlan, RowChangeResult, Table, WriteOptions } from '../../src/index.ts'
import { isIn, notIn } from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'
import { commitFiles, dataFiles } from './foreign-files.ts'

const open = evolutionWorlds()

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()

async function numbersOf(table: Table, column = 'x'): Promise<readonly unknown[]> {
  const rows = (await table.scan().toArray()) as unknown as Record<string, unknown>[]
  return rows.map((row) => row[column]).sort((a, b) => Number(a ?? 1e9) - Number(b ?? 1e9))
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Parquet files that were opened since the controller was reset. */
function opened(world: EvolutionWorld): readonly string[] {
  const gets = world.controller.calls.filter(({ target, method }) => target === 'store' && method === 'get')
  return [...new Set(gets.flatMap(({ about }) => about))].filter((location) => location.endsWith('.parquet'))
}

/** What a plan says and what a result says was done. */
function planned(result: RowChangeResult): RowChangePlan['files'] {
  return result.fileChanges.map(({ file, action, rows, reason }) => ({
    location: file.location,
    action,
    rows,
    reason,
  }))
}

describe('a delete', () => {
  async function twoFiles(world: EvolutionWorld, properties: Record<string, string> = {}) {
    const tbl = await createTable(world, 'x: int, d: double', { properties })
    await world.manager.writeData(
      tbl,
      range(1, 10).map((x) => ({ x, d: x })),
    )
    await world.manager.writeData(
      tbl,
      range(11, 20).map((x) => ({ x, d: x })),
    )
    world.controller.reset()
    return tbl
  }

  test.each(['copy-on-write', 'merge-on-read'])('of whole files opens none of them: %s', async (mode) => {
    const world = await open()
    const tbl = await twoFiles(world, { 'write.delete.mode': mode })
    const first = await world.manager.deleteRows(tbl, 'x <= 10')
    expect(opened(world)).toEqual([])
    expect(first).toMatchObject({ rowsDeleted: 10, rows: 0, files: 0 })
    expect(first.fileChanges.map(({ action }) => action)).toEqual(['drop'])
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      operation: 'delete',
      'deleted-data-files': '1',
      'deleted-records': '10',
      'total-data-files': '1',
      'total-records': '10',
      'total-delete-files': '0',
    })
    await world.manager.deleteRows(tbl, 'x > 0')
    expect(opened(world)).toEqual([])
    expect(tbl.currentSnapshot?.summary).toMatchObject({ 'total-data-files': '0', 'total-records': '0' })
    expect(await tbl.inspect.files()).toEqual([])
    expect(await tbl.scan().count()).toBe(0)
  })

  test('of nothing makes no snapshot and writes nothing', async () => {
    const world = await open()
    const tbl = await twoFiles(world)
    const before = await world.objects()
    for (const filter of ['x > 100', 'x is null', 'x = 5 and d = 6', 'd is nan']) {
      const result = await world.manager.deleteRows(tbl, filter)
      expect(result).toMatchObject({ snapshotId: null, rowsDeleted: 0, attempts: 0, fileChanges: [] })
    }
    expect(tbl.metadata.snapshots).toHaveLength(2)
    expect(await world.objects()).toEqual(before)
  })

  test.each(['copy-on-write', 'merge-on-read'])('never takes nulls and NaN for matches: %s', async (mode) => {
    const world = await open()
    const tbl = await createTable(world, 'x: int, d: double', { properties: { 'write.delete.mode': mode } })
    const nan = { x: 3, d: Number.NaN }
    await world.manager.writeData(tbl, [{ x: 1, d: 1 }, { x: 2, d: null }, nan, { x: null, d: 1 }])
    // By the bounds alone every row would match.
    expect((await world.manager.deleteRows(tbl, 'd <= 1 and x >= 1')).rowsDeleted).toBe(1)
    expect(await numbersOf(tbl)).toEqual([2, 3, null])
    expect((await world.manager.deleteRows(tbl, 'not (x = 7)')).rowsDeleted).toBe(2)
    expect(await numbersOf(tbl)).toEqual([null])
  })

  test('that takes some rows of a file is an overwrite, or a delete where it adds position deletes', async () => {
    const world = await open()
    const rewritten = await twoFiles(world, { 'write.delete.mode': 'copy-on-write' })
    const result = await world.manager.deleteRows(rewritten, 'x >= 8')
    expect(result).toMatchObject({ rowsDeleted: 13, rows: 7, files: 1 })
    expect(result.fileChanges.map(({ action, rows }) => [action, rows]).sort()).toEqual([
      ['drop', 10],
      ['rewrite', 3],
    ])
    expect(rewritten.currentSnapshot?.summary?.operation).toBe('overwrite')
    expect(await numbersOf(rewritten)).toEqual(range(1, 7))
  })

  test('counts only rows that were alive, also in files that it drops whole', async () => {
    const world = await open()
    const tbl = await twoFiles(world, { 'write.delete.mode': 'merge-on-read' })
    expect((await world.manager.deleteRows(tbl, 'x in (3, 4, 13)')).rowsDeleted).toBe(3)
    const plan = await world.manager.planDeleteRows(tbl, 'x <= 10')
    const dropped = await world.manager.deleteRows(tbl, 'x <= 10')
    expect([dropped.rowsDeleted, plan.files]).toEqual([8, planned(dropped)])
    const replaced = await world.manager.writeData(tbl, [{ x: 0, d: 0 }], { mode: 'overwrite' })
    expect([replaced.rowsDeleted, replaced.rowsInserted]).toEqual([9, 1])
    expect(await numbersOf(tbl)).toEqual([0])
  })

  test('of what is dead already changes nothing', async () => {
    const world = await open()
    const tbl = await twoFiles(world, { 'write.delete.mode': 'merge-on-read' })
    await world.manager.deleteRows(tbl, 'x = 3')
    expect(await world.manager.deleteRows(tbl, 'x = 3')).toMatchObject({ snapshotId: null, rowsDeleted: 0 })
  })

  test('of the last rows that are alive drops the file and leaves no other behind', async () => {
    const world = await open()
    const tbl = await twoFiles(world, { 'write.delete.mode': 'merge-on-read' })
    await world.manager.deleteRows(tbl, 'x < 9')
    const { fileChanges } = await world.manager.deleteRows(tbl, 'd in (9, 10)')
    expect(fileChanges.map(({ action, rows }) => [action, rows])).toEqual([['drop', 2]])
    expect((await dataFiles(tbl)).length).toBe(1)
    expect(await numbersOf(tbl)).toEqual(range(11, 20))
  })
})

describe('lists in filters', () => {
  const many = range(1, 1000)
  test.each<[string, Expression | string, readonly (number | null)[]]>([
    ['in ()', isIn('x', []), [1, 2, null]],
    ['not in ()', notIn('x', []), []],
    ['in 1,000', isIn('x', many), [null]],
    ['not in 1,000', notIn('x', [...many.slice(2), 0]), [null]],
    ['in one', 'x in (1)', [2, null]],
    ['not in one', 'x not in (1)', [1, null]],
  ])('%s: deletes by three-valued logic', async (_, filter, left) => {
    const world = await open()
    const tbl = await createTable(world, 'x: int')
    await world.manager.writeData(tbl, [{ x: 1 }, { x: 2 }, { x: null }])
    await world.manager.deleteRows(tbl, filter)
    expect(await numbersOf(tbl)).toEqual(left)
  })

  test.each(['x in (1, null)', 'x not in (1, null)', 'x = null', 'x != null'])(
    '%s is refused, by every change of rows',
    async (filter) => {
      const world = await open()
      const { manager } = world
      const tbl = await createTable(world, 'x: int')
      await manager.writeData(tbl, [{ x: 1 }, { x: 2 }])
      const before = await world.objects()
      for (const change of [
        () => manager.deleteRows(tbl, filter),
        () => manager.updateRows(tbl, { x: 5 }, filter),
        () => manager.writeData(tbl, [{ x: 3 }], { mode: 'overwrite', overwriteFilter: filter }),
        () => manager.writeData(tbl, [{ x: 3 }], { mode: 'upsert', joinColumns: ['x'], deleteWhen: filter }),
        () => manager.planDeleteRows(tbl, filter),
      ]) {
        await expect(change()).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_EXPRESSION' })
      }
      expect(await world.objects()).toEqual(before)
    },
  )
})

describe('names of columns, whatever their case', () => {
  async function hours(world: EvolutionWorld) {
    const tbl = await createTable(world, 'business_hour: int, v: int', {
      partitionSpec: [{ source: 'business_hour' }],
    })
    await world.manager.writeData(
      tbl,
      [1, 2, 3].map((hour) => ({ business_hour: hour, v: 0 })),
    )
    return tbl
  }
  const loose = { caseSensitive: false }

  test('are found everywhere when they may be, and nowhere when not', async () => {
    const world = await open()
    const { manager } = world
    const tbl = await hours(world)
    expect(await tbl.scan({ filter: 'Business_Hour = 2', ...loose }).count()).toBe(1)
    await manager.updateRows(tbl, { V: 5 }, 'BUSINESS_HOUR = 1', loose)
    await manager.deleteRows(tbl, 'Business_Hour = 2', loose)
    const rows = [{ business_hour: 3, v: 7 }]
    await manager.writeData(tbl, rows, {
      mode: 'upsert',
      joinColumns: ['Business_hour'],
      deleteWhen: 'V = 8',
      ...loose,
    })
    const more = [{ business_hour: 4, v: 8 }]
    await manager.writeData(tbl, more, { mode: 'overwrite', overwriteFilter: 'Business_Hour = 1', ...loose })
    expect(await rowsOf(tbl)).toEqual(asText([...rows, ...more]))
    for (const change of [
      () => manager.deleteRows(tbl, 'Business_Hour = 3'),
      () => manager.updateRows(tbl, { v: 1 }, 'Business_Hour = 3'),
      () => manager.writeData(tbl, more, { mode: 'overwrite', overwriteFilter: 'Business_Hour = 3' }),
      () =>
        manager.writeData(tbl, more, { mode: 'upsert', joinColumns: ['business_hour'], deleteWhen: 'V = 1' }),
    ]) {
      await expect(change()).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_EXPRESSION' })
    }
  })

  test('that could be two columns are never picked', async () => {
    const world = await open()
    const { manager } = world
    const tbl = await createTable(world, 'data: int, DATA: int')
    await manager.writeData(tbl, [{ data: 1, DATA: 2 }])
    for (const change of [
      () => manager.deleteRows(tbl, 'Data = 1', loose),
      () => manager.updateRows(tbl, { Data: 1 }, 'DATA = 2', loose),
      () => manager.updateRows(tbl, { data: 1 }, 'Data = 2', loose),
      () =>
        manager.writeData(tbl, [{ data: 1 }], { mode: 'overwrite', overwriteFilter: 'Data = 1', ...loose }),
      () => manager.writeData(tbl, [{ data: 1 }], { mode: 'upsert', joinColumns: ['Data'], ...loose }),
    ]) {
      await expect(change()).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_EXPRESSION' })
    }
    expect(await rowsOf(tbl)).toEqual(asText([{ data: 1, DATA: 2 }]))
  })
})

describe('an overwrite', () => {
  const before = [1, 2, 3].map((x) => ({ x, p: x < 3 ? 'a' : 'b' }))

  async function filled(world: EvolutionWorld) {
    const tbl = await createTable(world, 'x: int, p: string', { partitionSpec: [{ source: 'p' }] })
    await world.manager.writeData(tbl, before)
    return tbl
  }

  test('of the whole table by nothing empties it in one snapshot', async () => {
    const world = await open()
    const tbl = await filled(world)
    const result = await world.manager.writeData(tbl, [], { mode: 'overwrite' })
    expect(result).toMatchObject({ rowsDeleted: 3, rowsInserted: 0, rows: 0, files: 0 })
    expect(tbl.currentSnapshot?.summary?.operation).toBe('delete')
    expect(await tbl.scan().count()).toBe(0)
    expect(await world.manager.writeData(tbl, [], { mode: 'overwrite' })).toMatchObject({ snapshotId: null })
  })

  test('of partitions by nothing is nothing', async () => {
    const world = await open()
    const tbl = await filled(world)
    const result = await world.manager.writeData(tbl, [], { mode: 'overwrite', overwriteScope: 'partitions' })
    expect(result).toMatchObject({ snapshotId: null, rowsDeleted: 0 })
    expect(await tbl.scan().count()).toBe(3)
  })

  test('of a filter that matches nothing is an append', async () => {
    const world = await open()
    const tbl = await filled(world)
    const options = { mode: 'overwrite', overwriteFilter: 'x > 100' } as const
    expect(await world.manager.writeData(tbl, [{ x: 7, p: null }], options)).toMatchObject({
      rowsInserted: 1,
      rowsDeleted: 0,
    })
    expect(tbl.currentSnapshot?.summary?.operation).toBe('append')
  })

  test('with `validate` refuses rows that it would not have replaced, and counts them', async () => {
    const world = await open()
    const tbl = await filled(world)
    const objects = await world.objects()
    const options = { mode: 'overwrite', overwriteFilter: "p = 'a' and x < 10", validate: true } as const
    const strangers = [
      { x: 4, p: 'a' },
      { x: 10, p: 'a' },
      { x: 5, p: 'b' },
      { x: 5, p: null },
      { x: null, p: 'a' },
    ]
    await expect(world.manager.writeData(tbl, strangers, options)).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_DATA',
      message: expect.stringContaining('4 of the new rows') as string,
    })
    expect(await world.objects()).toEqual(objects)
    expect(await world.temporaries()).toEqual([])
    await world.manager.writeData(tbl, strangers.slice(0, 1), options)
    expect(await rowsOf(tbl)).toEqual(
      asText([
        { x: 4, p: 'a' },
        { x: 3, p: 'b' },
      ]),
    )
    // Without it they may be any.
    await world.manager.writeData(tbl, strangers, { mode: 'overwrite', overwriteFilter: 'x = 4' })
    expect(await tbl.scan().count()).toBe(6)
  })

  test('is never of more than was meant: options that contradict each other', async () => {
    const world = await open()
    const tbl = await filled(world)
    const objects = await world.objects()
    const wrong = [
      { mode: 'overwrite', overwriteFilter: undefined },
      { mode: 'overwrite', overwriteFilter: 'x = 1', overwriteScope: 'partitions' },
      { mode: 'overwrite', overwriteFilter: 'x = 1', overwriteScope: 'table' },
      { mode: 'overwrite', validate: true },
      { mode: 'overwrite', overwriteScope: 'everything' },
      // Of another mode: they would be passed over.
      { mode: 'append', overwriteFilter: 'x = 1' },
      { overwriteFilter: 'x = 1' },
      { overwriteScope: 'partitions' },
      { mode: 'append', joinColumns: ['x'] },
      { mode: 'upsert', joinColumns: ['x'], overwriteFilter: 'x = 1' },
      { mode: 'overwrite', joinColumns: ['x'] },
      { mode: 'overwrite', deleteWhen: 'x = 1' },
    ] as unknown as WriteOptions[]
    for (const options of wrong) {
      await expect(
        world.manager.writeData(tbl, [{ x: 9, p: 'a' }], options),
        JSON.stringify(options),
      ).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT', table: 'demo.t' })
    }
    expect(await world.objects()).toEqual(objects)
    expect(await rowsOf(tbl)).toEqual(asText(before))
  })
})

describe('an update', () => {
  test('that leaves a row as it is is still no second row', async () => {
    const world = await open()
    const tbl = await createTable(world, 'x: int, s: string', { partitionSpec: [{ source: 'x' }] })
    await world.manager.writeData(tbl, [
      { x: 1, s: 'a' },
      { x: 2, s: 'b' },
    ])
    const plan = await world.manager.planUpdateRows(tbl, { x: 2 }, "s = 'a'")
    const result = await world.manager.updateRows(tbl, { x: 2 }, "s = 'a'")
    expect(planned(result)).toEqual(plan.files)
    expect(result).toMatchObject({ rowsUpdated: 1, rowsInserted: 0, rowsDeleted: 0, rows: 1 })
    expect(await rowsOf(tbl)).toEqual(
      asText([
        { x: 2, s: 'a' },
        { x: 2, s: 'b' },
      ]),
    )
    expect(await world.manager.updateRows(tbl, { x: 3 }, 'x = 9')).toMatchObject({ snapshotId: null })
  })

  test.each([
    [{}, 'FLOEBERG_INVALID_ARGUMENT'],
    [{ nope: 1 }, 'FLOEBERG_INVALID_ARGUMENT'],
    [{ r: null }, 'FLOEBERG_INVALID_DATA'],
    [{ x: 2 ** 31 }, 'FLOEBERG_INVALID_DATA'],
    [{ x: 'text' }, 'FLOEBERG_INVALID_DATA'],
    [{ 'n.a': 1 }, 'FLOEBERG_INVALID_ARGUMENT'],
  ])('to %j is refused before anything is read', async (values, code) => {
    const world = await open()
    const tbl = await createTable(world, 'x: int, r: int required, n: struct<a: int>')
    await world.manager.writeData(tbl, [{ x: 1, r: 1 }])
    world.controller.reset()
    await expect(world.manager.updateRows(tbl, values, 'x = 1')).rejects.toMatchObject({
      code,
      table: 'demo.t',
    })
    expect(world.controller.calls).toEqual([])
  })
})

describe('summaries are complete', () => {
  const rows = range(1, 10).map((x) => ({ x, p: x <= 5 ? 'a' : 'b' }))

  /** The whole summary but for sizes, which must be those of the files. */
  async function summaryOf(tbl: Table): Promise<Record<string, string>> {
    const summary = { ...tbl.currentSnapshot?.summary }
    const files = await tbl.inspect.files()
    const size = files.reduce((bytes, file) => bytes + file.file_size_in_bytes, 0)
    expect(summary['total-files-size']).toBe(String(size))
    expect(summary['engine-name']).toBe('floeberg')
    expect(summary['engine-version']).toMatch(/^\d+\.\d+\.\d+/)
    for (const key of [
      'total-files-size',
      'added-files-size',
      'removed-files-size',
      'engine-name',
      'engine-version',
    ]) {
      delete summary[key]
    }
    return summary as Record<string, string>
  }

  const totals = (records: number, files: number, deletes: number, positions: number) => ({
    'total-records': String(records),
    'total-data-files': String(files),
    'total-delete-files': String(deletes),
    'total-position-deletes': String(positions),
    'total-equality-deletes': '0',
  })

  async function filled(mode: string) {
    const world = await open()
    const tbl = await createTable(world, 'x: int, p: string', {
      partitionSpec: [{ source: 'p' }],
      properties: { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode },
    })
    await world.manager.writeData(tbl, rows)
    return { ...world, tbl }
  }

  test('append, overwrite', async () => {
    const { manager, tbl } = await filled('copy-on-write')
    expect(await summaryOf(tbl)).toEqual({
      operation: 'append',
      'added-data-files': '2',
      'added-records': '10',
      'changed-partition-count': '2',
      ...totals(10, 2, 0, 0),
    })
    await manager.writeData(tbl, [{ x: 1, p: 'c' }], { mode: 'overwrite', overwriteFilter: "p = 'a'" })
    expect(await summaryOf(tbl)).toEqual({
      operation: 'overwrite',
      'added-data-files': '1',
      'added-records': '1',
      'deleted-data-files': '1',
      'deleted-records': '5',
      'changed-partition-count': '2',
      ...totals(6, 2, 0, 0),
    })
  })

  test('delete, update and upsert by rewriting', async () => {
    const { manager, tbl } = await filled('copy-on-write')
    await manager.deleteRows(tbl, 'x = 1')
    expect(await summaryOf(tbl)).toEqual({
      operation: 'overwrite',
      'added-data-files': '1',
      'added-records': '4',
      'deleted-data-files': '1',
      'deleted-records': '5',
      'changed-partition-count': '1',
      ...totals(9, 2, 0, 0),
    })
    await manager.updateRows(tbl, { p: 'b' }, 'x = 2')
    // The row that moves is a file of its own in b; what stays in a is written again.
    expect(await summaryOf(tbl)).toEqual({
      operation: 'overwrite',
      'added-data-files': '2',
      'added-records': '4',
      'deleted-data-files': '1',
      'deleted-records': '4',
      'changed-partition-count': '2',
      ...totals(9, 3, 0, 0),
    })
    await manager.writeData(tbl, [{ x: 3, p: 'c' }], { mode: 'upsert', joinColumns: ['x'] })
    expect(await summaryOf(tbl)).toEqual({
      operation: 'overwrite',
      'added-data-files': '2',
      'added-records': '3',
      'deleted-data-files': '1',
      'deleted-records': '3',
      'changed-partition-count': '2',
      ...totals(9, 4, 0, 0),
    })
  })

  test('delete, update and upsert by position deletes', async () => {
    const { manager, tbl } = await filled('merge-on-read')
    await manager.deleteRows(tbl, 'x in (1, 2, 6)')
    expect(await summaryOf(tbl)).toEqual({
      operation: 'delete',
      'added-delete-files': '2',
      'added-position-delete-files': '2',
      'added-position-deletes': '3',
      'changed-partition-count': '2',
      ...totals(10, 2, 2, 3),
    })
    await manager.updateRows(tbl, { p: 'b' }, 'x = 3')
    expect(await summaryOf(tbl)).toEqual({
      operation: 'overwrite',
      'added-data-files': '1',
      'added-records': '1',
      'added-delete-files': '1',
      'added-position-delete-files': '1',
      'added-position-deletes': '1',
      'changed-partition-count': '2',
      ...totals(11, 3, 3, 4),
    })
    await manager.writeData(tbl, [{ x: 4, p: 'c' }], { mode: 'upsert', joinColumns: ['x'] })
    expect(await summaryOf(tbl)).toMatchObject({ operation: 'overwrite', ...totals(12, 4, 4, 5) })
    expect(await tbl.scan().count()).toBe(7)
  })

  test('a caller’s own entries are on every kind of snapshot, and those of the format are refused', async () => {
    const { manager, tbl } = await filled('copy-on-write')
    const own = { snapshotProperties: { 'run-id': 'r1' } }
    const wrong = { snapshotProperties: { 'deleted-records': '1' } }
    const calls = [
      (options: typeof own) => manager.deleteRows(tbl, 'x = 1', options),
      (options: typeof own) => manager.updateRows(tbl, { p: 'z' }, 'x = 2', options),
      (options: typeof own) =>
        manager.writeData(tbl, [{ x: 2, p: 'y' }], { mode: 'upsert', joinColumns: ['x'], ...options }),
      (options: typeof own) => manager.writeData(tbl, [{ x: 2, p: 'y' }], { mode: 'overwrite', ...options }),
    ]
    for (const call of calls) {
      await expect(call(wrong as unknown as typeof own)).rejects.toMatchObject({
        code: 'FLOEBERG_INVALID_ARGUMENT',
      })
      await call(own)
      expect(tbl.currentSnapshot?.summary?.['run-id']).toBe('r1')
    }
    expect(tbl.metadata.snapshots).toHaveLength(1 + calls.length)
  })
})

describe('tables with deletes that are not understood', () => {
  type Kind = 'equality deletes' | 'deletion vectors'

  /** One data file, and a delete file about it as others commit later: Flink's, or one of format version 3. */
  async function withForeignDeletes(world: EvolutionWorld, kind: Kind) {
    const source = await createTable(world, 'status: string, name: string', { name: 'source' })
    await world.manager.writeData(source, [{ status: 'x', name: null }])
    const tbl = await createTable(world, 'status: string, name: string')
    await world.manager.writeData(
      tbl,
      ['x', null, 'y'].map((status) => ({ status, name: 'n' })),
    )
    const [file] = await dataFiles(source)
    if (file === undefined) throw new Error('nothing was written')
    const [id = 0] = tbl.schema.fields.map((field) => field.id)
    await commitFiles(world, tbl, [
      kind === 'equality deletes'
        ? { ...file, content: 'equality-deletes', equalityIds: [id] }
        : { ...file, content: 'position-deletes', format: 'puffin' },
    ])
    return tbl
  }

  test.each(['equality deletes', 'deletion vectors'] as const)(
    '%s: every read and every change of rows refuses, naming file and feature',
    async (kind) => {
      const world = await open()
      const { manager } = world
      const tbl = await withForeignDeletes(world, kind)
      const before = await world.objects()
      const overwrite = { mode: 'overwrite' } as const
      const rows = [{ status: 'z' }]
      const refusing: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['scan', () => tbl.scan().toArray()],
        ['scan of a filter', () => tbl.scan({ filter: "name = 'n'" }).toArray()],
        ['count', () => tbl.scan().count()],
        ['delete', () => manager.deleteRows(tbl, "status = 'y'")],
        ['delete of everything', () => manager.deleteRows(tbl, 'true')],
        ['update', () => manager.updateRows(tbl, { name: 'm' }, "status = 'y'")],
        ['overwrite', () => manager.writeData(tbl, rows, overwrite)],
        ['a filter', () => manager.writeData(tbl, rows, { ...overwrite, overwriteFilter: "status = 'y'" })],
        ['partitions', () => manager.writeData(tbl, rows, { ...overwrite, overwriteScope: 'partitions' })],
        [
          'upsert',
          () => manager.writeData(tbl, [{ status: 'x' }], { mode: 'upsert', joinColumns: ['status'] }),
        ],
        ['plan', () => manager.planDeleteRows(tbl, "status = 'y'")],
      ]
      for (const [name, call] of refusing) {
        await expect(call(), name).rejects.toMatchObject({
          code: 'FLOEBERG_UNSUPPORTED_FEATURE',
          message: expect.stringContaining(kind) as string,
        })
      }
      expect(await world.objects()).toEqual(before)
      expect(tbl.metadata.snapshots).toHaveLength(2)
    },
  )

  test('new rows beside them are no matter: the delete file stays, and is not about them', async () => {
    const world = await open()
    const tbl = await withForeignDeletes(world, 'equality deletes')
    await world.manager.writeData(tbl, [{ status: 'new', name: null }])
    const files = await tbl.inspect.files()
    expect(files.map(({ content, sequence_number }) => [content, sequence_number])).toEqual([
      ['data', 3],
      ['equality-deletes', 2],
      ['data', 1],
    ])
    await expect(tbl.scan().count()).rejects.toMatchObject({ code: 'FLOEBERG_UNSUPPORTED_FEATURE' })
  })
})
