import { describe, expect, test } from 'vitest'
import {
  CommitConflictError,
  IncompatibleChangeError,
  InvalidArgumentError,
  type Table,
} from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, valueText } from './evolution-world.ts'

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
