/** Changes of rows on branches, and scans that began before them. */
import { describe, expect, test } from 'vitest'
import type { IcebergTableManager, RowChangeResult, Table, WriteDataOptions } from '../../src/index.ts'
import { createTable, evolutionWorlds, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

async function rowsOn(tbl: Table, ref: string): Promise<readonly string[]> {
  return (await tbl.scan({ ref }).toArray()).map(valueText).sort()
}

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()

async function setRef(
  world: EvolutionWorld,
  tbl: Table,
  name: string,
  type: 'branch' | 'tag',
): Promise<void> {
  const snapshotId = tbl.currentSnapshot?.['snapshot-id']
  if (snapshotId === undefined) throw new Error('the table is empty')
  await world.manager.catalog.commitTable(tbl.identifier, {
    requirements: [],
    updates: [{ action: 'set-snapshot-ref', 'ref-name': name, type, 'snapshot-id': snapshotId }],
  })
  await tbl.refresh()
}

const row = (id: number, v: string) => ({ id, v })

/** main: A, then B; dev begins at A. */
async function forked(world: EvolutionWorld, properties: Record<string, string> = {}) {
  const tbl = await createTable(world, 'id: int, v: string', { properties })
  await world.manager.writeData(tbl, [row(1, 'a'), row(2, 'a')])
  const start = tbl.currentSnapshot?.['snapshot-id']
  await setRef(world, tbl, 'dev', 'branch')
  await setRef(world, tbl, 'v1', 'tag')
  await world.manager.writeData(tbl, [row(3, 'b')])
  return { tbl, start, main: [row(1, 'a'), row(2, 'a'), row(3, 'b')] }
}

type Change = (
  manager: IcebergTableManager,
  tbl: Table,
  options: { branch?: string },
) => Promise<RowChangeResult>

const CHANGES: Readonly<
  Record<string, { readonly run: Change; readonly after: readonly object[]; readonly rows: object }>
> = {
  append: {
    run: (manager, tbl, options) => manager.writeData(tbl, [row(4, 'c')], options as WriteDataOptions),
    after: [row(1, 'a'), row(2, 'a'), row(4, 'c')],
    rows: { rowsInserted: 1 },
  },
  'overwrite of the table': {
    run: (manager, tbl, options) => manager.writeData(tbl, [row(4, 'c')], { mode: 'overwrite', ...options }),
    after: [row(4, 'c')],
    rows: { rowsInserted: 1, rowsDeleted: 2 },
  },
  'overwrite of a filter': {
    run: (manager, tbl, options) =>
      manager.writeData(tbl, [row(4, 'c')], { mode: 'overwrite', overwriteFilter: 'id >= 2', ...options }),
    after: [row(1, 'a'), row(4, 'c')],
    rows: { rowsInserted: 1, rowsDeleted: 1 },
  },
  'overwrite of partitions': {
    run: (manager, tbl, options) =>
      manager.writeData(tbl, [row(4, 'c')], { mode: 'overwrite', overwriteScope: 'partitions', ...options }),
    after: [row(4, 'c')],
    rows: { rowsInserted: 1, rowsDeleted: 2 },
  },
  delete: {
    run: (manager, tbl, options) => manager.deleteRows(tbl, 'id >= 2', options),
    after: [row(1, 'a')],
    rows: { rowsDeleted: 1 },
  },
  update: {
    run: (manager, tbl, options) => manager.updateRows(tbl, { v: 'z' }, 'id >= 2', options),
    after: [row(1, 'a'), row(2, 'z')],
    rows: { rowsUpdated: 1 },
  },
  // Row 3 is on main only: on dev it is new.
  upsert: {
    run: (manager, tbl, options) =>
      manager.writeData(tbl, [row(2, 'z'), row(3, 'b')], { mode: 'upsert', joinColumns: ['id'], ...options }),
    after: [row(1, 'a'), row(2, 'z'), row(3, 'b')],
    rows: { rowsUpdated: 1, rowsInserted: 1, rowsUnchanged: 0 },
  },
}

describe.each(['copy-on-write', 'merge-on-read'])('on a branch, %s', (mode) => {
  test.each(Object.entries(CHANGES))(
    '%s: goes on from the branch, and main is as it was',
    async (_, change) => {
      const world = await open()
      const properties = { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode }
      const { tbl, start, main } = await forked(world, properties)
      const before = tbl.metadata.refs
      const result = await change.run(world.manager, tbl, { branch: 'dev' })
      expect(result).toMatchObject(change.rows)
      for (const table of [tbl, await world.reload()]) {
        expect(await rowsOn(table, 'dev')).toEqual(asText(change.after))
        expect(await rowsOn(table, 'main')).toEqual(asText(main))
        expect(await rowsOn(table, 'v1')).toEqual(asText(main.slice(0, 2)))
      }
      expect(tbl.metadata.refs).toEqual({
        ...before,
        dev: { type: 'branch', 'snapshot-id': result.snapshotId },
      })
      const made = tbl.metadata.snapshots.at(-1)
      expect([made?.['snapshot-id'], made?.['parent-snapshot-id']]).toEqual([result.snapshotId, start])
      // A second one finds the first.
      const again = await change.run(world.manager, tbl, { branch: 'dev' })
      if (again.snapshotId !== null) {
        expect(tbl.metadata.snapshots.at(-1)?.['parent-snapshot-id']).toBe(result.snapshotId)
      }
      expect(await rowsOn(tbl, 'main')).toEqual(asText(main))
    },
  )
})

describe('names that are no branch', () => {
  test.each(Object.entries(CHANGES))('%s: is refused, and nothing is made', async (_, change) => {
    const world = await open()
    const { tbl } = await forked(world)
    const [refs, objects] = [tbl.metadata.refs, await world.objects()]
    for (const [branch, code] of [
      ['v1', 'FLOEBERG_INVALID_ARGUMENT'],
      ['nope', 'FLOEBERG_NO_SUCH_REF'],
      ['', 'FLOEBERG_NO_SUCH_REF'],
      ['constructor', 'FLOEBERG_NO_SUCH_REF'],
    ] as const) {
      await expect(change.run(world.manager, tbl, { branch })).rejects.toMatchObject({
        code,
        table: 'demo.t',
      })
    }
    expect([(await world.reload()).metadata.refs, await world.objects()]).toEqual([refs, objects])
  })

  test('plans refuse them too', async () => {
    const world = await open()
    const { tbl } = await forked(world)
    for (const branch of ['v1', 'nope']) {
      await expect(world.manager.planDeleteRows(tbl, 'true', { branch })).rejects.toMatchObject({
        table: 'demo.t',
      })
      await expect(world.manager.planWriteData(tbl, [], { mode: 'overwrite', branch })).rejects.toMatchObject(
        { table: 'demo.t' },
      )
    }
    const plan = await world.manager.planDeleteRows(tbl, 'id = 3', { branch: 'dev' })
    expect(plan).toMatchObject({ branch: 'dev', files: [] })
    expect(plan.snapshotId).toBe(tbl.metadata.refs['dev']?.['snapshot-id'].toString())
  })

  test('a tag does not become a branch, nor a branch a tag', async () => {
    const world = await open()
    const { tbl, start } = await forked(world)
    if (start === undefined) throw new Error('the table is empty')
    const refs = tbl.metadata.refs
    for (const update of [
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'tag', 'snapshot-id': start },
      { action: 'set-snapshot-ref', 'ref-name': 'v1', type: 'branch', 'snapshot-id': start },
      { action: 'set-snapshot-ref', 'ref-name': 'dev', type: 'tag', 'snapshot-id': start },
    ] as const) {
      await expect(
        world.manager.catalog.commitTable(tbl.identifier, { requirements: [], updates: [update] }),
        JSON.stringify([update.action, update['ref-name']]),
      ).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_REJECTED' })
    }
    expect((await world.reload()).metadata.refs).toEqual(refs)
  })
})

test('writers on two branches from one base both commit, each with a sequence number of its own', async () => {
  const world = await open()
  const { tbl } = await forked(world)
  await setRef(world, tbl, 'b2', 'branch')
  const handles = await Promise.all(['dev', 'b2'].map(() => world.reload()))
  const manager = world.manager
  const results = await Promise.all(
    handles.map((handle, i) =>
      manager.writeData(handle, [row(1, `from ${i}`)], {
        mode: 'upsert',
        joinColumns: ['id'],
        branch: i === 0 ? 'dev' : 'b2',
      }),
    ),
  )
  const after = await world.reload()
  expect(await rowsOn(after, 'dev')).toEqual(asText([row(1, 'from 0'), row(2, 'a')]))
  expect(await rowsOn(after, 'b2')).toEqual(asText([row(1, 'from 1'), row(2, 'a'), row(3, 'b')]))
  const numbers = results.map(
    ({ snapshotId }) =>
      after.metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === snapshotId)?.[
        'sequence-number'
      ],
  )
  expect(numbers.toSorted()).toEqual([3, 4])
})

test('what others do on another branch is no conflict', async () => {
  const world = await open()
  const { tbl } = await forked(world)
  const stale = await world.reload()
  await world.manager.deleteRows(tbl, 'true')
  const result = await world.manager.writeData(stale, [row(9, 'z')], { mode: 'overwrite', branch: 'dev' })
  // The conflict is the catalog’s alone: nothing is looked at again but the refs.
  expect(result.rowsDeleted).toBe(2)
  expect(await rowsOn(stale, 'dev')).toEqual(asText([row(9, 'z')]))
  expect(await rowsOn(stale, 'main')).toEqual([])
})

describe('a scan that began before', () => {
  const many = Array.from({ length: 30_000 }, (_, id) => ({ id, p: id % 3, v: 'before' }))

  test.each(['copy-on-write', 'merge-on-read'])(
    'appends, overwrites, upserts, updates and deletes has exactly the rows of its snapshot: %s',
    async (mode) => {
      const world = await open()
      const { manager } = world
      const tbl = await createTable(world, 'id: int, p: int, v: string', {
        partitionSpec: [{ source: 'p' }],
        properties: { 'write.delete.mode': mode, 'write.update.mode': mode, 'write.merge.mode': mode },
      })
      await manager.writeData(tbl, many)
      const reader = await world.reload()
      const changes = [
        () => manager.writeData(tbl, [{ id: -1, p: 0, v: 'appended' }]),
        () => manager.deleteRows(tbl, 'id < 100'),
        () => manager.updateRows(tbl, { v: 'updated' }, 'id < 300'),
        () =>
          manager.writeData(tbl, [{ id: 400, p: 0, v: 'upserted' }], { mode: 'upsert', joinColumns: ['id'] }),
        () =>
          manager.writeData(tbl, [{ id: 1, p: 1, v: 'new' }], {
            mode: 'overwrite',
            overwriteScope: 'partitions',
          }),
        () => manager.writeData(tbl, [], { mode: 'overwrite' }),
      ]
      const seen: { id: number; v: string }[] = []
      for await (const batch of reader.scan().batches()) {
        for (const each of batch as unknown as { id: number; v: string }[]) seen.push(each)
        // Others commit while this one reads.
        await changes.shift()?.()
      }
      for (const change of changes.splice(0)) await change()
      expect(seen).toHaveLength(many.length)
      expect(new Set(seen.map(({ id }) => id)).size).toBe(many.length)
      expect(seen.every(({ v }) => v === 'before')).toBe(true)
      expect(await tbl.scan().count()).toBe(0)
      // Time travel finds the same rows as long as the snapshot is kept.
      const first = tbl.metadata.snapshots[0]?.['snapshot-id']
      if (first === undefined) throw new Error('the table is empty')
      expect(await tbl.scan({ snapshotId: first }).count()).toBe(many.length)
    },
  )
})
