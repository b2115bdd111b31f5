import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tableFromArrays } from 'apache-arrow'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  CommitConflictError,
  IncompatibleChangeError,
  InvalidArgumentError,
  InvalidDataError,
  SchemaMismatchError,
  UnsupportedFeatureError,
} from '../../src/index.ts'
import {
  createTable,
  evolutionWorlds,
  rowsOf,
  schemaFromText,
  type EvolutionWorld,
} from './evolution-world.ts'
import { typeToString } from '../../src/format/types-json.ts'
import type { Table } from '../../src/index.ts'

const open = evolutionWorlds()
const merge = { schemaMode: 'merge' } as const

const columnsOf = (table: Table): readonly string[] =>
  table.schema.fields.map(
    ({ id, name, type, required }) => `${id} ${name}: ${typeToString(type)}${required ? ' required' : ''}`,
  )

async function fileIn(world: EvolutionWorld, name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(world.scratchDir, '..', 'files-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

describe('rows that bring columns', () => {
  test('land with them in one commit; rows before have nulls', async () => {
    const world = await open()
    const tbl = await createTable(
      world,
      'id: int required, d: decimal(4, 2), s: struct<x: int>, l: list<struct<a: int>>',
    )
    await world.manager.writeData(tbl, [{ id: 1, d: '1.50', s: { x: 1 }, l: [{ a: 1 }] }])
    world.controller.reset()
    const { snapshotId, rows } = await world.manager.writeData(
      tbl,
      [
        { id: 5_000_000_000, d: '123456.75', s: { x: 2, y: 'in' }, l: [{ a: 2, b: [1.5] }], n: true },
        { id: 3, d: null, s: null, l: null, n: null },
      ],
      merge,
    )
    expect(rows).toBe(2)
    expect(world.controller.mutations.filter(({ target }) => target === 'catalog')).toHaveLength(1)
    const read = await world.reload()
    expect(columnsOf(read)).toEqual([
      '1 id: long required',
      '2 d: decimal(8, 2)',
      '3 s: struct<x: int, y: string>',
      '4 l: list<struct<a: int, b: list<double>>>',
      '11 n: boolean',
    ])
    expect(read.currentSnapshot).toMatchObject({
      'snapshot-id': snapshotId,
      'schema-id': read.schema.schemaId,
    })
    expect(await rowsOf(read)).toEqual([
      '{"id":"1n","d":"1.50","s":{"x":1,"y":null},"l":[{"a":1,"b":null}],"n":null}',
      '{"id":"3n","d":null,"s":null,"l":null,"n":null}',
      '{"id":"5000000000n","d":"123456.75","s":{"x":2,"y":"in"},"l":[{"a":2,"b":[1.5]}],"n":true}',
    ])
  })

  test('are refused by default', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    await expect(world.manager.writeData(tbl, [{ id: 1, n: 1 }])).rejects.toThrow(SchemaMismatchError)
    await expect(
      world.manager.writeData(tbl, [{ id: 5_000_000_000 }], { schemaMode: 'strict' }),
    ).rejects.toThrow(InvalidDataError)
  })

  test('that the table has all of change no schema', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int, s: string')
    await world.manager.writeData(tbl, [{ id: 1, extra: null }], merge)
    expect(tbl.metadata.schemas).toHaveLength(1)
    expect(await rowsOf(tbl)).toEqual(['{"id":1,"s":null}'])
  })

  test('may come as a stream whose columns show late; it is read once', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    let reads = 0
    async function* rows() {
      reads += 1
      for (let id = 0; id < 25_000; id += 1) {
        yield id < 12_000 ? { id } : id < 22_000 ? { id, late: 'x' } : { id, later: id / 2 }
      }
    }
    const result = await world.manager.writeData(tbl, rows(), merge)
    expect(result.rows).toBe(25_000)
    expect(reads).toBe(1)
    expect(tbl.metadata.snapshots).toHaveLength(1)
    expect(columnsOf(tbl)).toEqual(['1 id: int', '2 late: string', '3 later: double'])
    expect(await tbl.scan({ filter: "late = 'x'" }).count()).toBe(10_000)
    expect(await tbl.scan({ filter: 'later is not null' }).count()).toBe(3_000)
    expect(await tbl.scan({ filter: 'later is null and late is null' }).count()).toBe(12_000)
  })

  test('without a row make nothing', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    expect(await world.manager.writeData(tbl, [], merge)).toMatchObject({
      rows: 0,
      snapshotId: null,
      attempts: 0,
    })
  })
})

describe('files and Arrow that bring columns', () => {
  test('CSV: new columns by what its values look like; an int widens only when a value needs it', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    const small = await fileIn(world, 'a.csv', 'id,n\n1,1.5\n2,\n')
    await world.manager.writeData(tbl, { csv: small }, merge)
    expect(columnsOf(tbl)).toEqual(['1 id: int', '2 n: double'])
    const great = await fileIn(world, 'b.csv', 'id,n\n5000000000,2\n')
    await world.manager.writeData(tbl, { csv: great }, merge)
    expect(columnsOf(tbl)).toEqual(['1 id: long', '2 n: double'])
    expect(await tbl.scan().count()).toBe(3)
  })

  test('JSON, with a filter on a column that is new', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    const path = await fileIn(world, 'a.json', '{"id":1,"k":"a"}\n{"id":2,"k":"b"}\n')
    await world.manager.writeData(tbl, { json: path, filter: "k = 'b'" }, merge)
    expect(await rowsOf(tbl)).toEqual(['{"id":2,"k":"b"}'])
  })

  test('Parquet and Arrow: declared types widen', async () => {
    const world = await open()
    const source = await createTable(world, 'id: long, f: double, deep: struct<x: long>')
    await world.manager.writeData(source, [{ id: 1, f: 0.5, deep: { x: 1 } }])
    const path = await fileIn(world, 'made.parquet', '')
    await rm(path)
    await source.scan().toFile(path)
    await world.manager.dropTable('demo.t')
    const tbl = await createTable(world, 'id: int, f: float, deep: struct<x: int>')
    await world.manager.writeData(tbl, { parquet: path }, merge)
    expect(columnsOf(tbl)).toEqual(['1 id: long', '2 f: double', '3 deep: struct<x: long>'])
    const arrow = tableFromArrays({ id: BigInt64Array.of(2n), arrow: Float32Array.of(1.5) })
    await world.manager.writeData(tbl, { arrow }, merge)
    expect(columnsOf(tbl).at(-1)).toBe('5 arrow: float')
    expect(await tbl.scan().count()).toBe(2)
  })
})

describe('refused, with nothing left behind', () => {
  test.each([
    ['a type that cannot become the other', { s: 'text', id: 'no number' }, InvalidDataError],
    ['a new column of no certain type', { id: 1, at: new Date(0) }, IncompatibleChangeError],
    ['a null in a required column', { id: null }, InvalidDataError],
  ])('%s', async (_, row, error) => {
    const world = await open()
    const tbl = await createTable(world, 'id: int required, s: string')
    const before = await world.objects()
    await expect(world.manager.writeData(tbl, [{ id: 1, n: 1 }, row], merge)).rejects.toThrow(error)
    expect(await world.objects()).toEqual(before)
    expect(tbl.schema.fields).toHaveLength(2)
  })

  test('other modes, and unknown ones', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    const call = (options: object) => world.manager.writeData(tbl, [{ id: 1 }], options)
    await expect(call({ mode: 'overwrite', schemaMode: 'merge' })).rejects.toThrow(UnsupportedFeatureError)
    await expect(call({ schemaMode: 'union' })).rejects.toThrow(InvalidArgumentError)
  })
})

describe('when others changed the schema meanwhile', () => {
  test('ids that were given away are exchanged: no id is used twice, every value is under its name', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int, name: string')
    const stale = await world.reload()
    await world.manager.evolveSchema(tbl, [
      { type: 'add_column', name: 'theirs', fieldType: 'date' },
      { type: 'rename_column', name: 'name', newName: 'title' },
    ])
    const result = await world.manager.writeData(stale, [{ id: 1, name: 'n', ours: 1.5 }], merge)
    expect(result.attempts).toBe(2)
    const read = await world.reload()
    expect(columnsOf(read)).toEqual(['1 id: int', '2 title: string', '3 theirs: date', '4 ours: double'])
    expect(await rowsOf(read)).toEqual(['{"id":1,"title":"n","theirs":null,"ours":1.5}'])
    const files = (await world.objects()).filter((object) => object.endsWith('.parquet'))
    expect(files).toHaveLength(1)
  })

  test('the same column by two at once is one', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    const stale = await world.reload()
    await world.manager.writeData(tbl, [{ id: 1, n: 1 }], merge)
    await world.manager.writeData(stale, [{ id: 2, n: 2 }], merge)
    expect(columnsOf(stale)).toEqual(['1 id: int', '2 n: long'])
    expect(await rowsOf(stale)).toEqual(['{"id":1,"n":"1n"}', '{"id":2,"n":"2n"}'])
  })

  test('a column of that name and another type is a conflict, and nothing is left behind', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    const stale = await world.reload()
    await world.manager.evolveSchema(tbl, [{ type: 'add_column', name: 'n', fieldType: 'date' }])
    const before = await world.objects()
    await expect(world.manager.writeData(stale, [{ id: 2, n: 2 }], merge)).rejects.toThrow(
      CommitConflictError,
    )
    expect(await world.objects()).toEqual(before)
  })

  test('the table holds what a contract of the columns says', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    await world.manager.writeData(tbl, [{ id: 1, n: 'x' }], merge)
    expect(await world.manager.compareSchemas(schemaFromText('id: int, n: string'), tbl)).toMatchObject({
      equal: true,
    })
  })
})
