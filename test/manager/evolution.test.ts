import { describe, expect, test } from 'vitest'
import {
  CommitConflictError,
  IncompatibleChangeError,
  InvalidArgumentError,
  OperationAbortedError,
  SchemaMismatchError,
  UnsupportedFeatureError,
  t,
  table,
  type SchemaChange,
} from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, schemaFromText, valueText } from './evolution-world.ts'

const open = evolutionWorlds()

const DEEP = 'id: long required, l: list<map<string, struct<a: int, s: struct<b: string>>>>, z: string'
const deepRow = {
  id: 1n,
  l: [new Map([['k', { a: 7, s: { b: 'deep' } }]])],
  z: 'old',
}

describe('rows written before', () => {
  test('keep their values through renames at every depth', async () => {
    const world = await open()
    const tbl = await createTable(world, DEEP)
    await world.manager.writeData(tbl, [deepRow])
    await world.manager.evolveSchema(tbl, [
      { type: 'rename_column', name: 'l.element.value.s.b', newName: 'b2' },
      { type: 'rename_column', name: 'l.element.value.s', newName: 's2' },
      { type: 'rename_column', name: 'l.element.value.a', newName: 'a2' },
      { type: 'rename_column', name: 'l', newName: 'l2' },
    ])
    await world.manager.writeData(tbl, [
      { id: 2n, l2: [new Map([['k', { a2: 8, s2: { b2: 'new' } }]])], z: 'new' },
    ])
    expect(await rowsOf(await world.reload())).toEqual([
      '{"id":"1n","l2":[[["k",{"a2":7,"s2":{"b2":"deep"}}]]],"z":"old"}',
      '{"id":"2n","l2":[[["k",{"a2":8,"s2":{"b2":"new"}}]]],"z":"new"}',
    ])
  })

  test('show NULL for a column deleted and added again, never the old values', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: long, s: struct<x: int, y: int>')
    await world.manager.writeData(tbl, [{ id: 1n, s: { x: 1, y: 2 } }])
    await world.manager.evolveSchema(tbl, [
      { type: 'delete_column', name: 's.x' },
      { type: 'add_column', name: 's.x', fieldType: 'int' },
      { type: 'delete_column', name: 'id' },
      { type: 'add_column', name: 'id', fieldType: 'long', position: { first: true } },
    ])
    await world.manager.writeData(tbl, [{ id: 5n, s: { x: 6, y: 7 } }])
    const rows = ['{"id":"5n","s":{"y":7,"x":6}}', '{"id":null,"s":{"y":2,"x":null}}']
    expect(await rowsOf(await world.reload())).toEqual(rows)
    expect(await rowsOf(await world.reload(), 'id = 1')).toEqual([])
    expect(await rowsOf(await world.reload(), 's.x is null')).toEqual([rows[1]])
  })

  test('are found by equality and by ranges after a column was widened', async () => {
    const world = await open()
    const tbl = await createTable(world, 'i: int, f: float, d: decimal(4, 2), s: struct<i: int>')
    const old = [
      { i: -5, f: -0.5, d: '-1.50', s: { i: -5 } },
      { i: 2147483647, f: 1.5, d: '99.99', s: { i: 3 } },
    ]
    await world.manager.writeData(tbl, old)
    await world.manager.evolveSchema(tbl, [
      { type: 'widen_type', name: 'i', fieldType: t.long() },
      { type: 'widen_type', name: 'f', fieldType: 'double' },
      { type: 'widen_type', name: 'd', fieldType: 'decimal(12, 2)' },
      { type: 'widen_type', name: 's.i', fieldType: 'long' },
    ])
    await world.manager.writeData(tbl, [{ i: 2147483648n, f: 1e300, d: '1000000000.00', s: { i: 9n } }])
    const found = async (filter: string) =>
      (await (await world.reload()).scan({ filter }).toArray()).map(({ i }) => i)
    expect(await found('i = 2147483647')).toEqual([2147483647n])
    expect(await found('i < 0')).toEqual([-5n])
    expect(await found('i > 2147483647')).toEqual([2147483648n])
    expect(await found('f <= -0.5')).toEqual([-5n])
    expect(await found('f > 2')).toEqual([2147483648n])
    expect(await found('d = 99.99')).toEqual([2147483647n])
    expect(await found('d > 100')).toEqual([2147483648n])
    expect(await found('s.i = -5')).toEqual([-5n])
    expect(await found('s.i > 3')).toEqual([2147483648n])
    // One file each: the bounds of both widths prune.
    const plan = await (await world.reload()).scan({ filter: 'i > 2147483647' }).plan()
    expect(plan.report).toMatchObject({ filesTotal: 2, filesScanned: 1 })
  })

  test('are read with the schema of their snapshot when time travels', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int')
    const { snapshotId } = await world.manager.writeData(tbl, [{ a: 1 }])
    await world.manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'a', newName: 'b' }])
    const then = await tbl.scan({ snapshotId: snapshotId ?? 0n }).toArray()
    expect(then.map(valueText)).toEqual(['{"a":1}'])
    expect((await tbl.scan().toArray()).map(valueText)).toEqual(['{"b":1}'])
  })

  test('files without ids are read by a name mapping that follows the columns', async () => {
    const world = await open()
    const mapping = JSON.stringify([
      { 'field-id': 1, names: ['a'] },
      { 'field-id': 2, names: ['b'] },
    ])
    const properties = { 'schema.name-mapping.default': mapping, 'write.metadata.metrics.column.b': 'full' }
    const tbl = await createTable(world, 'a: int, b: int', { properties })
    await world.manager.evolveSchema(tbl, [
      { type: 'rename_column', name: 'b', newName: 'c' },
      { type: 'add_column', name: 'z', fieldType: 'int' },
    ])
    expect(tbl.metadata['metadata-log']).toHaveLength(1)
    expect(JSON.parse(tbl.properties['schema.name-mapping.default'] ?? '')).toEqual([
      { 'field-id': 1, names: ['a'] },
      { 'field-id': 2, names: ['b', 'c'] },
      { 'field-id': 3, names: ['z'] },
    ])
    expect(tbl.properties).toMatchObject({ 'write.metadata.metrics.column.c': 'full' })
    expect(tbl.properties).not.toHaveProperty(['write.metadata.metrics.column.b'])
  })
})

describe('a table of format version 3', () => {
  const upgraded = async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int, day: date, s: struct<x: int>', {
      partitionSpec: [{ source: 'day', transform: 'month' }],
    })
    await world.manager.writeData(tbl, [
      { id: 1, day: '2026-01-31', s: { x: 1 } },
      { id: 2, day: '1969-12-31', s: null },
    ])
    return { world, tbl: await world.manager.upgradeFormatVersion(tbl, 3) }
  }

  test('has defaults for rows from before their column', async () => {
    const { world, tbl } = await upgraded()
    await world.manager.evolveSchema(tbl, [
      { type: 'add_column', name: 'n', fieldType: 'int', required: true, defaultValue: 5 },
      { type: 'add_column', name: 's.y', fieldType: 'string', defaultValue: 'old' },
      { type: 'set_default', name: 'n', defaultValue: 6 },
    ])
    const read = await world.reload()
    expect(await rowsOf(read)).toEqual([
      '{"id":1,"day":"2026-01-31","s":{"x":1,"y":"old"},"n":5}',
      '{"id":2,"day":"1969-12-31","s":null,"n":5}',
    ])
    expect(await rowsOf(read, 'n = 5')).toHaveLength(2)
    expect(await rowsOf(read, 'n > 5')).toEqual([])
    // Where there is no struct, there is no member with a default either.
    const [withStruct, without] = await rowsOf(read)
    expect(await rowsOf(read, "s.y = 'old'")).toEqual([withStruct])
    expect(await rowsOf(read, 's.y is null')).toEqual([without])
    expect(await read.scan({ filter: "s.y = 'old'" }).count()).toBe(1)
  })

  test('promotes dates to timestamps, and what was unknown to anything', async () => {
    const { world, tbl } = await upgraded()
    await world.manager.evolveSchema(tbl, [
      { type: 'widen_type', name: 'day', fieldType: 'timestamp' },
      { type: 'add_column', name: 'u', fieldType: 'unknown' },
    ])
    await world.manager.evolveSchema(tbl, [{ type: 'widen_type', name: 'u', fieldType: 'list<int>' }])
    const read = await world.reload()
    const old = '{"id":2,"day":"1969-12-31T00:00:00.000000","s":null,"u":null}'
    expect(await rowsOf(read, "day < '1970-01-01T00:00:00'")).toEqual([old])
    const plan = await read.scan({ filter: "day < '1970-01-01T00:00:00'" }).plan()
    expect(plan.report).toMatchObject({ filesTotal: 2, filesScanned: 1 })
    expect(await rowsOf(read, "day = '2026-01-31T00:00:00'")).toHaveLength(1)
  })
})

describe('changes of the layout alone', () => {
  const changes: readonly SchemaChange[] = [
    { type: 'add_column', name: 's.z', fieldType: 'string' },
    { type: 'rename_column', name: 'a', newName: 'b' },
    { type: 'widen_type', name: 'b', fieldType: 'long' },
    { type: 'move_column', name: 'b', position: { first: true } },
    { type: 'make_optional', name: 'r' },
    { type: 'update_doc', name: 'r', doc: 'why' },
    { type: 'delete_column', name: 'd' },
  ]

  test('write one metadata file, read no manifest and no data, and commit once', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int, r: int required, d: date, s: struct<x: int>')
    await world.manager.writeData(tbl, [{ a: 1, r: 1, d: null, s: { x: 1 } }])
    const before = await world.objects()
    world.controller.reset()
    await world.manager.evolveSchema(tbl, changes)
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'r', transform: 'bucket[4]' }])
    await world.manager.replaceSortOrder(tbl, [{ source: 'b' }])
    const added = (await world.objects()).filter((object) => !before.includes(object))
    expect(added).toHaveLength(3)
    for (const object of added) expect(object).toMatch(/\.metadata\.json$/)
    const touched = world.controller.calls
      .filter(({ target }) => target === 'store')
      .flatMap(({ about }) => about)
    expect(touched.filter((object) => !object.endsWith('.metadata.json'))).toEqual([])
    const commits = world.controller.mutations.filter(({ target }) => target === 'catalog')
    expect(commits.map(({ method }) => method)).toEqual(['commitTable', 'commitTable', 'commitTable'])
  })

  test('that change nothing commit nothing', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int, b: int required')
    world.controller.reset()
    await world.manager.evolveSchema(tbl, [
      { type: 'make_required', name: 'b' },
      { type: 'widen_type', name: 'a', fieldType: 'int' },
      { type: 'move_column', name: 'a', position: { before: 'b' } },
    ])
    await world.manager.replaceSortOrder(tbl, [])
    expect(world.controller.mutations).toEqual([])
  })

  test('a schema equal to an older one takes its id again', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int, b: int')
    await world.manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'a', newName: 'c' }])
    expect(tbl.schema.schemaId).toBe(1)
    await world.manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'c', newName: 'a' }])
    expect(tbl.schema.schemaId).toBe(0)
    expect(tbl.metadata.schemas).toHaveLength(2)
  })

  test('ids of deleted columns stay used, by the number of the last one', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int, b: int')
    await world.manager.evolveSchema(tbl, [{ type: 'delete_column', name: 'b' }])
    await world.manager.evolveSchema(tbl, [{ type: 'add_column', name: 'b', fieldType: 'int' }])
    expect(tbl.schema.fields.map(({ id }) => id)).toEqual([1, 3])
    expect(tbl.metadata['last-column-id']).toBe(3)
  })
})

describe('refused before anything is sent', () => {
  const expectRefused = async (
    columns: string,
    changes: readonly SchemaChange[],
    error: new (...args: never[]) => Error,
  ) => {
    const world = await open()
    const tbl = await createTable(world, columns)
    const before = await world.objects()
    world.controller.reset()
    await expect(world.manager.evolveSchema(tbl, changes)).rejects.toThrow(error)
    expect(world.controller.calls).toEqual([])
    expect(await world.objects()).toEqual(before)
  }

  test('what breaks a rule, with its table', async () => {
    await expectRefused('a: int', [{ type: 'delete_column', name: 'nope' }], IncompatibleChangeError)
    const world = await open()
    const tbl = await createTable(world, 'a: int')
    const change = world.manager.evolveSchema(tbl, [{ type: 'widen_type', name: 'a', fieldType: 'string' }])
    await expect(change).rejects.toMatchObject({
      table: 'demo.t',
      column: 'a',
      hint: expect.stringContaining('int to long'),
    })
  })

  test('all of the changes, when one is', async () => {
    await expectRefused(
      'a: int, b: int',
      [
        { type: 'rename_column', name: 'a', newName: 'c' },
        { type: 'rename_column', name: 'b', newName: 'c' },
      ],
      IncompatibleChangeError,
    )
  })

  test.each([
    ['no change at all', []],
    ['an unknown kind', [{ type: 'drop_column', name: 'a' }]],
    ['a part that is missing', [{ type: 'rename_column', name: 'a' }]],
    ['a part that is unknown', [{ type: 'delete_column', name: 'a', cascade: true }]],
    ['a type that is none', [{ type: 'add_column', name: 'b', fieldType: 'list<int' }]],
  ])('%s', async (_, changes) => {
    // As it may come from a program without types.
    await expectRefused('a: int', JSON.parse(JSON.stringify(changes)), InvalidArgumentError)
  })

  test('a type of a later format', async () => {
    await expectRefused(
      'a: int',
      [{ type: 'add_column', name: 'b', fieldType: 'money' }],
      UnsupportedFeatureError,
    )
  })
})

describe('making a column required', () => {
  const required = (name: string): readonly SchemaChange[] => [{ type: 'make_required', name }]
  const allow = { allowIncompatibleChanges: true }

  test('reads no data once the caller has left', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: long, l: list<int>')
    await world.manager.writeData(tbl, [{ id: 1n, l: [1] }])
    // Of elements no file counts the nulls.
    const plan = (signal?: AbortSignal) =>
      world.manager.planSchemaEvolution(tbl, required('l.element'), { ...allow, signal })
    await expect(plan()).resolves.toMatchObject({ differences: [{ kind: 'made_required' }] })
    await expect(plan(AbortSignal.abort())).rejects.toThrow(OperationAbortedError)
  })

  test('needs that no row has a null there, as null counts say', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int, b: int')
    await world.manager.writeData(tbl, [{ a: 1, b: null }])
    await expect(world.manager.evolveSchema(tbl, required('b'), allow)).rejects.toThrow(
      IncompatibleChangeError,
    )
    world.controller.reset()
    await world.manager.evolveSchema(tbl, required('a'), allow)
    // Counts were enough: no data file was opened.
    const opened = world.controller.calls
      .flatMap(({ about }) => about)
      .filter((each) => each.endsWith('.parquet'))
    expect(opened).toEqual([])
    expect(tbl.schema.fields.map(({ required: is }) => is)).toEqual([true, false])
  })

  test('reads the column where counts are missing', async () => {
    const world = await open()
    const properties = { 'write.metadata.metrics.default': 'none' }
    const tbl = await createTable(world, 'a: int, b: int', { properties })
    await world.manager.writeData(tbl, [{ a: 1, b: null }])
    await expect(world.manager.evolveSchema(tbl, required('b'), allow)).rejects.toThrow(
      IncompatibleChangeError,
    )
    await world.manager.evolveSchema(tbl, required('a'), allow)
  })

  test('counts rows from before the column was there', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int')
    await world.manager.writeData(tbl, [{ a: 1 }])
    await world.manager.evolveSchema(tbl, [{ type: 'add_column', name: 'b', fieldType: 'int' }])
    await world.manager.writeData(tbl, [{ a: 2, b: 2 }])
    await expect(world.manager.evolveSchema(tbl, required('b'), allow)).rejects.toThrow(
      IncompatibleChangeError,
    )
  })

  test.each([
    ['a member of an optional struct, absent whole', 's.x', { s: null }, true],
    ['a member of an optional struct, null', 's.x', { s: { x: null } }, false],
    ['a struct', 's', { s: null }, false],
    ['a struct with null members', 's', { s: { x: null } }, true],
    ['an element, list absent', 'l.element', { l: null }, true],
    ['an element', 'l.element', { l: [1, null] }, false],
    ['a map’s value', 'm.value', { m: new Map([['k', null]]) }, false],
    ['a map’s value, map empty', 'm.value', { m: new Map() }, true],
    ['a list', 'l', { l: null }, false],
    ['deep inside', 'd.element.value.v', { d: [new Map([['k', { v: null }]])] }, false],
    ['deep inside, absent above', 'd.element.value.v', { d: [null, new Map([['k', null]])] }, true],
  ])('looks at %s', async (_, name, row, isAllowed) => {
    const world = await open()
    const tbl = await createTable(
      world,
      's: struct<x: int>, l: list<int>, m: map<string, int>, d: list<map<string, struct<v: int>>>',
    )
    await world.manager.writeData(tbl, [{ s: { x: 1 }, l: [1], m: new Map([['k', 1]]), d: [] }])
    await world.manager.writeData(tbl, [{ s: { x: 1 }, l: [1], m: new Map(), d: [], ...row }])
    const change = world.manager.evolveSchema(tbl, required(name), allow)
    if (isAllowed) await change
    else await expect(change).rejects.toThrow(IncompatibleChangeError)
  })

  test('asserts the heads of all branches', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int')
    await world.manager.writeData(tbl, [{ a: 1 }])
    world.controller.reset()
    const stale = await world.reload()
    await world.manager.writeData(tbl, [{ a: null }])
    const change = world.manager.evolveSchema(stale, required('a'), allow)
    await expect(change).rejects.toThrow(CommitConflictError)
  })
})

describe('the handle', () => {
  test('comes back typed by a declared schema, which is checked', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: long required')
    const declared = table({ id: t.long().required(), note: t.string() })
    const typed = await world.manager.evolveSchema(
      tbl,
      [{ type: 'add_column', name: 'note', fieldType: t.string() }],
      {
        schema: declared,
      },
    )
    await world.manager.writeData(typed, [{ id: 1n, note: 'x' }])
    for await (const row of typed.scan()) expect(row.note?.length).toBe(1)
    const wrong = table({ id: t.long().required(), other: t.string() })
    await expect(
      world.manager.evolveSchema(tbl, [{ type: 'update_doc', name: 'id', doc: 'key' }], { schema: wrong }),
    ).rejects.toThrow(SchemaMismatchError)
  })

  test('takes types, requiredness and comments from t', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int')
    await world.manager.evolveSchema(
      tbl,
      [{ type: 'add_column', name: 'b', fieldType: t.decimal(9, 2).required().doc('price') }],
      { allowIncompatibleChanges: true },
    )
    expect(tbl.schema.fields[1]).toMatchObject({ required: true, doc: 'price', type: { kind: 'decimal' } })
  })

  test('unites with a schema of data', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: int, s: struct<x: int>')
    const { schema } = await world.manager.inferSchema({ rows: [{ a: 5000000000, s: { y: 'q' }, n: 1.5 }] })
    await world.manager.evolveSchema(tbl, [{ type: 'union_by_name', schema }])
    expect(
      await world.manager.compareSchemas(
        schemaFromText('a: long, s: struct<x: int, y: string>, n: double'),
        tbl,
      ),
    ).toMatchObject({
      equal: true,
    })
  })
})
