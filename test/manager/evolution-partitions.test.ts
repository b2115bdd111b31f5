import { describe, expect, test } from 'vitest'
import {
  CommitConflictError,
  IncompatibleChangeError,
  InvalidArgumentError,
  type Table,
} from '../../src/index.ts'
import { serializeTableMetadata } from '../../src/format/metadata/serialize.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

async function filesOf(table: Table): Promise<readonly string[]> {
  const files = await table.inspect.files()
  return files.map(({ spec_id: spec, partition }) => `${spec} ${valueText(partition)}`).sort()
}

/** Ids of the rows that a filter finds, and of how many files how many were opened. */
async function found(table: Table, filter: string) {
  const rows = await table.scan({ filter }).toArray()
  const { report } = await table.scan({ filter }).plan()
  return {
    ids: rows.map(({ id }) => Number(id)).sort((a, b) => a - b),
    files: `${report.filesScanned} of ${report.filesTotal}`,
  }
}

describe.each([1, 2] as const)('a table of format version %i', (formatVersion) => {
  test('prunes the files of every spec by their own', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: long, ts: timestamp, cat: string', {
      formatVersion,
      partitionSpec: [{ source: 'cat', transform: 'identity' }],
    })
    const row = (id: number, day: number, cat: string | null) => ({ id, ts: `2026-01-0${day}T12:00:00`, cat })
    await world.manager.writeData(tbl, [row(1, 1, 'a'), row(2, 2, 'b'), row(3, 3, null)])
    await world.manager.evolvePartitionSpec(tbl, [
      { type: 'remove_field', field: 'cat' },
      { type: 'add_field', source: 'ts', transform: 'day' },
    ])
    await world.manager.writeData(tbl, [row(4, 1, 'a'), row(5, 2, 'c')])
    await world.manager.evolvePartitionSpec(tbl, [
      { type: 'replace_field', field: 'ts_day', source: 'id', transform: 'bucket[8]' },
      { type: 'add_field', source: 'cat' },
    ])
    await world.manager.writeData(tbl, [row(6, 1, 'a'), row(7, 2, 'c')])
    const read = await world.reload()
    // What a void field stands for is never said to be null, and never left out for it.
    expect(await found(read, "cat = 'a'")).toEqual({ ids: [1, 4, 6], files: '3 of 7' })
    expect(await found(read, 'cat is null')).toEqual({ ids: [3], files: '1 of 7' })
    expect(await found(read, "ts < '2026-01-02T00:00:00'")).toMatchObject({ ids: [1, 4, 6] })
    expect(await found(read, 'id = 7')).toEqual({ ids: [7], files: '1 of 7' })
    expect(await read.scan().count()).toBe(7)
  })

  test('keeps an old spec working after its column was dropped', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: long, q: int, p: int', {
      formatVersion,
      partitionSpec: [
        { source: 'q', transform: 'identity' },
        { source: 'p', transform: 'truncate[10]' },
      ],
    })
    const evolve = world.manager.evolveSchema(tbl, [{ type: 'delete_column', name: 'q' }])
    await expect(evolve).rejects.toThrow(IncompatibleChangeError)
    await world.manager.writeData(tbl, [
      { id: 1, q: 10, p: 2 },
      { id: 2, q: 20, p: 13 },
    ])
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'remove_field', field: 'q' }])
    await world.manager.writeData(tbl, [{ id: 3, q: 10, p: 2 }])
    await world.manager.evolveSchema(tbl, [{ type: 'delete_column', name: 'q' }])
    await world.manager.writeData(tbl, [{ id: 4, p: 2 }])
    const read = await world.reload()
    expect(await found(read, 'p = 2')).toEqual({ ids: [1, 3, 4], files: '3 of 4' })
    expect(await found(read, 'id > 1')).toMatchObject({ ids: [2, 3, 4] })
    expect(await rowsOf(read)).toHaveLength(4)
    expect(await filesOf(read)).toHaveLength(4)
    expect(await read.inspect.partitions()).toHaveLength(3)
    const merged = await world.manager.writeData(read, [{ id: 5, p: 3 }], { commitStrategy: 'merge_commit' })
    expect(merged.rows).toBe(1)
    expect(await read.scan().count()).toBe(5)
    const { rowsDeleted } = await world.manager.deleteRows(read, 'id = 1 or id = 4')
    expect(rowsDeleted).toBe(2)
    expect(await found(read, 'p = 2')).toMatchObject({ ids: [3] })
  })
})

describe('partition fields', () => {
  test('that come back have their old ids, and equal specs their old spec ids', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: long, ts: timestamp')
    const add = (transform: string) =>
      world.manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'id', transform }])
    await add('bucket[16]')
    expect(tbl.partitionSpec).toMatchObject({ specId: 1, fields: [{ fieldId: 1000 }] })
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'remove_field', field: 'id_bucket_16' }])
    expect(tbl.partitionSpec).toMatchObject({ specId: 0, fields: [] })
    await add('bucket[16]')
    expect(tbl.partitionSpec).toMatchObject({ specId: 1, fields: [{ fieldId: 1000 }] })
    await add('bucket[8]')
    expect(tbl.partitionSpec).toMatchObject({ specId: 2, fields: [{ fieldId: 1000 }, { fieldId: 1001 }] })
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'remove_field', field: 'id_bucket_8' }])
    expect(tbl.partitionSpec.specId).toBe(1)
    expect(tbl.metadata['last-partition-id']).toBe(1001)
    expect(tbl.metadata['partition-specs']).toHaveLength(3)
  })

  test('that nobody names stay, also odd ones of others', async () => {
    const world = await open()
    const tbl = await createTable(world, 'source: string, ts: timestamp', {
      partitionSpec: [
        { source: 'source', transform: 'identity' },
        { source: 'ts', transform: 'day' },
      ],
    })
    const before = tbl.partitionSpec.fields
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'rename_field', name: 'ts_day', newName: 'day' }])
    await world.manager.evolvePartitionSpec(tbl, [
      { type: 'add_field', source: 'source', transform: 'truncate[2]' },
    ])
    expect(tbl.partitionSpec.fields.slice(0, 2)).toEqual([before[0], { ...before[1], name: 'day' }])
  })

  test('are asked for in a form that is checked', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: long')
    const change: unknown = { type: 'add_field', column: 'id' }
    await expect(
      world.manager.evolvePartitionSpec(tbl, JSON.parse(JSON.stringify([change]))),
    ).rejects.toThrow(InvalidArgumentError)
    await expect(
      world.manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'id', transform: 'day' }]),
    ).rejects.toMatchObject({ code: 'FLOEBERG_INCOMPATIBLE_CHANGE', table: 'demo.t', column: 'id' })
  })
})

describe('sort orders', () => {
  test('are replaced: new files are sorted by the new one, old ids come back', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: long, s: struct<x: int>')
    await world.manager.replaceSortOrder(tbl, [
      { source: 's.x', direction: 'desc' },
      { source: 'id', transform: 'bucket[4]', nullOrder: 'nulls-last' },
    ])
    expect(tbl.sortOrder).toMatchObject({
      orderId: 1,
      fields: [
        { direction: 'desc', nullOrder: 'nulls-last' },
        { direction: 'asc', nullOrder: 'nulls-last' },
      ],
    })
    await world.manager.writeData(tbl, [
      { id: 1, s: { x: 1 } },
      { id: 2, s: { x: 3 } },
      { id: 3, s: { x: 2 } },
    ])
    expect((await tbl.scan().toArray()).map(({ id }) => Number(id))).toEqual([2, 3, 1])
    await world.manager.replaceSortOrder(tbl, [])
    expect(tbl.sortOrder.orderId).toBe(0)
    await world.manager.replaceSortOrder(tbl, [{ source: 'id' }])
    expect(tbl.sortOrder.orderId).toBe(2)
    await world.manager.replaceSortOrder(tbl, [])
    expect(tbl.metadata['sort-orders']).toHaveLength(3)
  })

  test('of columns that are not there are refused; columns in use are not deleted', async () => {
    const world = await open()
    const tbl = await createTable(world, 'c1: long, c2: long')
    await expect(world.manager.replaceSortOrder(tbl, [{ source: 'nope' }])).rejects.toThrow(
      IncompatibleChangeError,
    )
    await world.manager.replaceSortOrder(tbl, [{ source: 'c2' }])
    const drop = () => world.manager.evolveSchema(tbl, [{ type: 'delete_column', name: 'c2' }])
    await expect(drop()).rejects.toThrow(/sort/)
    await world.manager.replaceSortOrder(tbl, [{ source: 'c1' }])
    await drop()
    expect(await tbl.scan().count()).toBe(0)
  })

  test('that two replace at once: one has its way', async () => {
    const world = await open()
    const tbl = await createTable(world, 'a: long, b: long')
    const stale = await world.reload()
    await world.manager.replaceSortOrder(tbl, [{ source: 'a' }])
    await expect(world.manager.replaceSortOrder(stale, [{ source: 'b' }])).rejects.toThrow(
      CommitConflictError,
    )
    // Who wants what is there already has it.
    await world.manager.replaceSortOrder(await world.reload(), [{ source: 'a' }])
  })
})

describe('tables that others made oddly', () => {
  /** Registers a copy of the table whose first partition field is named and transformed so. */
  async function withOddField(
    world: EvolutionWorld,
    formatVersion: 1 | 2,
    odd: { readonly name: string; readonly transform: string },
  ): Promise<Table> {
    const tbl = await createTable(world, 'id: long, ts: timestamp, cat: string', {
      formatVersion,
      partitionSpec: [{ source: odd.transform === 'void' ? 'cat' : 'ts', transform: 'identity' }],
    })
    const { metadata, metadataLocation } = tbl
    const specs = metadata['partition-specs'].map((spec) => ({
      ...spec,
      fields: spec.fields.map((field) => ({ ...field, ...odd })),
    }))
    const file = metadataLocation?.replace('00000-', '00001-') ?? ''
    await world.manager.dropTable('demo.t')
    await world.store().put(file, serializeTableMetadata({ ...metadata, 'partition-specs': specs }))
    return world.manager.registerTable('demo.t', file)
  }

  test('month(ts) named ts: loads, writes, and other fields join it', async () => {
    const world = await open()
    const tbl = await withOddField(world, 2, { name: 'ts', transform: 'month' })
    await world.manager.writeData(tbl, [{ id: 1, ts: '2026-01-31T00:00:00', cat: 'a' }])
    await world.manager.evolvePartitionSpec(tbl, [
      { type: 'add_field', source: 'cat' },
      { type: 'add_field', source: 'id', transform: 'bucket[4]' },
    ])
    await world.manager.writeData(tbl, [{ id: 2, ts: '2026-02-01T00:00:00', cat: 'a' }])
    const read = await world.reload()
    expect(read.partitionSpec.fields.map(({ name }) => name)).toEqual(['ts', 'cat', 'id_bucket_4'])
    expect(await found(read, "ts >= '2026-02-01T00:00:00'")).toEqual({ ids: [2], files: '1 of 2' })
    // And columns still change beside it.
    await world.manager.evolveSchema(read, [{ type: 'add_column', name: 'n', fieldType: 'int' }])
  })

  test('void(cat) named cat, in version 1: loads, writes, and cat can be partitioned by anew', async () => {
    const world = await open()
    const tbl = await withOddField(world, 1, { name: 'cat', transform: 'void' })
    await world.manager.writeData(tbl, [{ id: 1, ts: null, cat: 'a' }])
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'cat' }])
    await world.manager.writeData(tbl, [
      { id: 2, ts: null, cat: 'a' },
      { id: 3, ts: null, cat: null },
    ])
    const read = await world.reload()
    expect(read.partitionSpec.fields.map(({ name }) => name)).toEqual(['cat_1000', 'cat'])
    expect(await found(read, "cat = 'a'")).toEqual({ ids: [1, 2], files: '2 of 3' })
    expect(await found(read, 'cat is null')).toEqual({ ids: [3], files: '1 of 3' })
  })
})

describe('changes of rows after a change of the spec', () => {
  test('replacing partitions takes old rows of the new partitions, whichever spec their file has', async () => {
    const world = await open()
    const tbl = await createTable(world, 'category: string, region: string, v: int', {
      partitionSpec: [{ source: 'category', transform: 'identity' }],
    })
    await world.manager.writeData(tbl, [
      { category: 'A', region: 'us', v: 1 },
      { category: 'A', region: 'eu', v: 2 },
      { category: 'B', region: 'us', v: 3 },
    ])
    await world.manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'region' }])
    await world.manager.writeData(tbl, [{ category: 'A', region: 'us', v: 4 }])
    const rows = [{ category: 'A', region: 'us', v: 5 }]
    await world.manager.writeData(tbl, rows, { mode: 'overwrite', overwriteScope: 'partitions' })
    expect(await rowsOf(await world.reload())).toEqual([
      '{"category":"A","region":"eu","v":2}',
      '{"category":"A","region":"us","v":5}',
      '{"category":"B","region":"us","v":3}',
    ])
  })

  test.each(['copy-on-write', 'merge-on-read'])(
    'deletes and updates reach files of every spec, %s',
    async (mode) => {
      const world = await open()
      const properties = { 'write.delete.mode': mode, 'write.update.mode': mode }
      const tbl = await createTable(world, 'id: long, ts: timestamp, v: int', {
        properties,
        partitionSpec: [{ source: 'ts', transform: 'day' }],
      })
      await world.manager.writeData(tbl, [
        { id: 1, ts: '2026-01-01T01:00:00', v: 1 },
        { id: 2, ts: '2026-01-01T02:00:00', v: 2 },
        { id: 3, ts: '2026-01-01T03:00:00', v: 3 },
      ])
      await world.manager.evolvePartitionSpec(tbl, [
        { type: 'replace_field', field: 'ts_day', source: 'ts', transform: 'hour' },
      ])
      await world.manager.writeData(tbl, [{ id: 4, ts: '2026-01-01T01:30:00', v: 4 }])
      await world.manager.deleteRows(tbl, 'v = 1')
      await world.manager.updateRows(tbl, { v: 20 }, 'id = 2')
      const read = await world.reload()
      const rows = await read.scan().toArray()
      expect(rows.map(({ id, v }) => [Number(id), v]).sort()).toEqual([
        [2, 20],
        [3, 3],
        [4, 4],
      ])
      expect(await found(read, "ts < '2026-01-01T02:00:00'")).toMatchObject({ ids: [4] })
    },
  )
})
