/** Rows appended between two snapshots. */
import { describe, expect, test } from 'vitest'
import {
  InvalidArgumentError,
  NoSuchSnapshotError,
  UnsupportedFeatureError,
  type ScanOptions,
  type Table,
} from '../../src/index.ts'
import { createTable, evolutionWorlds, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const row = (id: number, v: string) => ({ id, v })
const text = (rows: readonly object[]): string[] => rows.map(valueText)

async function read(tbl: Table, options: ScanOptions): Promise<string[]> {
  return text(await tbl.scan(options).toArray()).sort()
}

function head(tbl: Table): bigint {
  const id = tbl.currentSnapshot?.['snapshot-id']
  if (id === undefined) throw new Error('the table is empty')
  return id
}

async function append(
  { manager }: EvolutionWorld,
  tbl: Table,
  rows: readonly object[],
  merge = false,
): Promise<bigint> {
  await manager.writeData(tbl, rows, { commitStrategy: merge ? 'merge_commit' : 'fast_append' })
  return head(tbl)
}

describe.each([1, 2] as const)('format version %s', (formatVersion) => {
  const table = (world: EvolutionWorld) =>
    createTable(world, 'id: int, v: string', {
      partitionSpec: [{ source: 'v' }],
      formatVersion,
      properties: { 'commit.manifest.min-count-to-merge': '2' },
    })

  test.each([false, true])('every range of a history of appends, merged: %s', async (merge) => {
    const world = await open()
    const tbl = await table(world)
    const batches = [0, 1, 2, 3].map((at) => [row(at * 10, 'a'), row(at * 10 + 1, at % 2 === 0 ? 'b' : 'a')])
    const ids: bigint[] = []
    for (const batch of batches) ids.push(await append(world, tbl, batch, merge))
    for (let from = -1; from < 4; from++) {
      for (let to = Math.max(from, 0); to < 4; to++) {
        const options = { fromSnapshot: from === -1 ? null : ids[from], toSnapshot: ids[to] }
        const rows = batches.slice(from + 1, to + 1).flat()
        expect(await read(tbl, options)).toEqual(text(rows).sort())
        expect(await tbl.scan(options).count()).toBe(rows.length)
        expect(await read(tbl, { ...options, filter: "v = 'b'" })).toEqual(
          text(rows.filter(({ v }) => v === 'b')).sort(),
        )
      }
    }
    expect(await read(tbl, { fromSnapshot: String(ids[2]), select: ['id'] })).toEqual(
      text([{ id: 30 }, { id: 31 }]).sort(),
    )
  })

  test('rows that were changed since are as they were appended; changes fail, or are skipped', async () => {
    const world = await open()
    const tbl = await table(world)
    const start = await append(world, tbl, [row(1, 'a'), row(2, 'a')])
    await append(world, tbl, [row(3, 'a'), row(4, 'b')])
    const appended = head(tbl)
    await world.manager.deleteRows(tbl, 'id = 3')
    const deleted = head(tbl)
    const last = await append(world, tbl, [row(5, 'a')])
    expect(await read(tbl, { fromSnapshot: start, toSnapshot: appended })).toEqual(
      text([row(3, 'a'), row(4, 'b')]).sort(),
    )
    expect(await read(tbl, { fromSnapshot: deleted, toSnapshot: last })).toEqual(text([row(5, 'a')]))
    await expect(read(tbl, { fromSnapshot: start })).rejects.toThrow(UnsupportedFeatureError)
    // Whatever the filter leaves of it.
    await expect(read(tbl, { fromSnapshot: start, filter: 'id = 5' })).rejects.toThrow(String(deleted))
    expect(await read(tbl, { fromSnapshot: start, onChangedRows: 'skip' })).toEqual(
      text([row(3, 'a'), row(4, 'b'), row(5, 'a')]).sort(),
    )
  })

  test('an overwrite that replaced nothing is an append; one that did is skipped with its rows', async () => {
    const world = await open()
    const tbl = await table(world)
    const start = await append(world, tbl, [row(1, 'a')])
    await world.manager.writeData(tbl, [row(2, 'n')], { mode: 'overwrite', overwriteFilter: "v = 'n'" })
    expect(await read(tbl, { fromSnapshot: start })).toEqual(text([row(2, 'n')]))
    await world.manager.writeData(tbl, [row(3, 'n')], { mode: 'overwrite', overwriteFilter: "v = 'n'" })
    expect(await read(tbl, { fromSnapshot: start, onChangedRows: 'skip' })).toEqual(text([row(2, 'n')]))
    await expect(read(tbl, { fromSnapshot: start })).rejects.toThrow(UnsupportedFeatureError)
  })
})

test('merge-on-read deletes count as changes, and do not apply to what was appended', async () => {
  const world = await open()
  const tbl = await createTable(world, 'id: int, v: string', {
    properties: { 'write.delete.mode': 'merge-on-read' },
  })
  const start = await append(world, tbl, [row(1, 'a')])
  const rows = Array.from({ length: 50 }, (_, id) => row(id, 'b'))
  const appended = await append(world, tbl, rows)
  await world.manager.deleteRows(tbl, 'id = 7')
  await expect(read(tbl, { fromSnapshot: appended })).rejects.toThrow(UnsupportedFeatureError)
  expect(await read(tbl, { fromSnapshot: start, onChangedRows: 'skip' })).toEqual(text(rows).sort())
})

test('an expired start, one elsewhere, and options that exclude each other are refused', async () => {
  const world = await open()
  const tbl = await createTable(world, 'id: int, v: string')
  const ids: bigint[] = []
  for (const id of [1, 2, 3, 4]) ids.push(await append(world, tbl, [row(id, 'a')]))
  const [first = 0n, second = 0n, third = 0n] = ids
  const commit = (updates: Parameters<typeof world.manager.catalog.commitTable>[1]['updates']) =>
    world.manager.catalog.commitTable(tbl.identifier, { requirements: [], updates })
  await commit([{ action: 'set-snapshot-ref', 'ref-name': 'side', type: 'branch', 'snapshot-id': third }])
  await tbl.refresh()
  await world.manager.writeData(tbl, [row(9, 'side')], { branch: 'side' })
  const side = tbl.metadata.refs['side']?.['snapshot-id']
  expect(await read(tbl, { fromSnapshot: third, ref: 'side' })).toEqual(text([row(9, 'side')]))
  expect(() => tbl.scan({ fromSnapshot: side })).toThrow(InvalidArgumentError)
  expect(() => tbl.scan({ fromSnapshot: ids[3], toSnapshot: third })).toThrow(InvalidArgumentError)
  expect(() => tbl.scan({ fromSnapshot: 12345n })).toThrow(NoSuchSnapshotError)
  expect(() => tbl.scan({ fromSnapshot: first, toSnapshot: 12345n })).toThrow(NoSuchSnapshotError)
  expect(() => tbl.scan({ toSnapshot: third })).toThrow(InvalidArgumentError)
  expect(() => tbl.scan({ fromSnapshot: first, snapshotId: third })).toThrow(InvalidArgumentError)
  expect(() => tbl.scan({ fromSnapshot: first, ref: 'side', toSnapshot: third })).toThrow(
    InvalidArgumentError,
  )

  await commit([{ action: 'remove-snapshots', 'snapshot-ids': [first, second] }])
  await tbl.refresh()
  expect(() => tbl.scan({ fromSnapshot: first })).toThrow(NoSuchSnapshotError)
  expect(() => tbl.scan({ fromSnapshot: null })).toThrow(NoSuchSnapshotError)
  // Everything after this one is still there.
  expect(await read(tbl, { fromSnapshot: second })).toEqual(text([row(3, 'a'), row(4, 'a')]).sort())
})

test('an empty table, and one that was read up to its end, have nothing new', async () => {
  const world = await open()
  const tbl = await createTable(world, 'id: int, v: string')
  expect(await read(tbl, { fromSnapshot: null })).toEqual([])
  const start = await append(world, tbl, [row(1, 'a')])
  expect(await read(tbl, { fromSnapshot: start })).toEqual([])
  expect(await tbl.scan({ fromSnapshot: start }).count()).toBe(0)
})

test('columns are those of the end of the range', async () => {
  const world = await open()
  const tbl = await createTable(world, 'id: int, v: string')
  const start = await append(world, tbl, [row(1, 'a')])
  const middle = await append(world, tbl, [row(2, 'b')])
  await world.manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'v', newName: 'w' }])
  expect(await read(tbl, { fromSnapshot: start, toSnapshot: middle })).toEqual(text([row(2, 'b')]))
  expect(await read(tbl, { fromSnapshot: start })).toEqual(text([{ id: 2, w: 'b' }]))
})
