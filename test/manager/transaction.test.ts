/** Several changes in one commit: what its steps see, what others see, and what is left of one that fails. */
import { describe, expect, test } from 'vitest'
import { CommitConflictError, InvalidArgumentError, t, table, type Transaction } from '../../src/index.ts'
import { ancestorsOf } from '../../src/format/metadata/views.ts'
import { parseNameMapping } from '../../src/format/name-mapping.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()
const row = (x: number, y: number | null = null) => ({ x, y })

async function filled(world: EvolutionWorld, properties: Readonly<Record<string, string>> = {}) {
  const tbl = await createTable(world, 'x: int, y: int', { properties })
  await world.manager.writeData(tbl, [row(1, 10), row(2, 20)])
  await world.manager.writeData(tbl, [row(3, 30)])
  return tbl
}

describe('all of it at once', () => {
  test('a step sees what the ones before it did; nobody else sees any of it', async () => {
    const world = await open()
    const tbl = await filled(world)
    const before = tbl.metadata
    const result = await world.manager.transaction(tbl, async (tx) => {
      const wider = await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'string' }])
      expect(wider.table.schema.fields.map(({ name }) => name)).toEqual(['x', 'y', 'z'])
      await wider.writeData([{ x: 4, y: 40, z: 'new' }])
      await tx.deleteRows('x = 1 or x = 4 and z is null')
      await tx.updateRows({ y: 0 }, "z = 'new'")
      await tx.updateProperties({ set: { owner: 'me' } })
      expect(await rowsOf(tx.table)).toEqual(
        asText([
          { x: 2, y: 20, z: null },
          { x: 3, y: 30, z: null },
          { x: 4, y: 0, z: 'new' },
        ]),
      )
      expect(await tx.table.scan({ filter: "z = 'new'" }).count()).toBe(1)
      expect(tx.table.properties['owner']).toBe('me')
      expect(tbl.metadata).toBe(before)
      expect((await world.reload()).metadata).toEqual(before)
    })
    expect(tbl.metadata['metadata-log']).toHaveLength(before['metadata-log'].length + 1)
    expect(result.attempts).toBe(1)
    expect(result.snapshotIds).toHaveLength(3)
    expect(
      result.writes.map(({ rowsInserted, rowsUpdated, rowsDeleted }) => [
        rowsInserted,
        rowsUpdated,
        rowsDeleted,
      ]),
    ).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
    ])
    // One snapshot a write, each the child of the one before.
    const head = tbl.currentSnapshot?.['snapshot-id'] ?? 0n
    const line = ancestorsOf(tbl.metadata, head).map((snapshot) => snapshot['snapshot-id'])
    expect(line.slice(0, 3).toReversed()).toEqual(result.snapshotIds)
    expect(line).toHaveLength(5)
    expect(tbl.metadata.snapshots.map((snapshot) => snapshot['sequence-number'])).toEqual([1, 2, 3, 4, 5])
    // Those between were never current for anybody.
    expect(tbl.metadata['snapshot-log'].slice(-1).map((entry) => entry['snapshot-id'])).toEqual([head])
    expect(tbl.metadata['snapshot-log']).toHaveLength(3)
    expect(await rowsOf(await world.reload())).toEqual(await rowsOf(tbl))
  })

  test('every kind of write on rows of the transaction itself', async () => {
    const world = await open()
    const tbl = await createTable(world, 'x: int, y: int')
    await world.manager.transaction(tbl, async (tx) => {
      await tx.writeData([row(1, 1), row(2, 2), row(3, 3)])
      await tx.writeData([row(2, 22), row(4, 4)], { mode: 'upsert', joinColumns: ['x'] })
      await tx.writeData([row(9, 9)], { mode: 'overwrite', overwriteFilter: 'x = 1' })
      await tx.deleteRows('x = 4')
      await tx.updateRows({ y: 0 }, 'x = 3')
    })
    expect(await rowsOf(tbl)).toEqual(asText([row(2, 22), row(3, 0), row(9, 9)]))
    expect(tbl.metadata.snapshots).toHaveLength(5)
    // What a source was stored in to be read again is gone.
    expect(await world.temporaries()).toEqual([])
  })

  test('partitioning and order of the transaction are what its rows are written by', async () => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.transaction(tbl, async (tx) => {
      await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
      await tx.evolvePartitionSpec([{ type: 'add_field', source: 'z' }])
      await tx.replaceSortOrder([{ source: 'z', direction: 'desc' }])
      await tx.writeData([
        { x: 7, z: 1 },
        { x: 8, z: 2 },
        { x: 9, z: 2 },
      ] as object[])
    })
    const { tasks } = await tbl.scan({ filter: 'z = 2' }).plan()
    const layouts = tasks.map(({ entry: { file } }) => [file.specId, file.partition, file.sortOrderId])
    expect(layouts.filter(([spec]) => spec === 1)).toEqual([[1, [2], 1]])
    expect(await rowsOf(tbl, 'z >= 1')).toEqual(
      asText([
        { x: 7, y: null, z: 1 },
        { x: 8, y: null, z: 2 },
        { x: 9, y: null, z: 2 },
      ]),
    )
  })

  test('a table of format version 1 is raised and written to', async () => {
    const world = await open()
    const tbl = await createTable(world, 'x: int, y: int', {
      formatVersion: 1,
      properties: { 'write.delete.mode': 'merge-on-read' },
    })
    await world.manager.writeData(tbl, [row(1), row(2)])
    await world.manager.transaction(tbl, async (tx) => {
      await tx.upgradeFormatVersion(2)
      await tx.writeData([row(3)])
      await tx.deleteRows('x = 1')
    })
    expect(tbl.formatVersion).toBe(2)
    expect(tbl.metadata['last-sequence-number']).toBe(2)
    expect(await rowsOf(await world.reload())).toEqual(asText([row(2), row(3)]))
  })

  test('branches, tags and writes to several branches', async () => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.transaction(tbl, async (tx) => {
      await tx.manageSnapshots().createBranch('audit').createTag('before').commit()
      await tx.writeData([row(4)], { branch: 'audit' })
      await tx.writeData([row(5)])
      await tx.deleteRows('x < 3', { branch: 'audit' })
      await tx.manageSnapshots().createTag('checked', { ref: 'audit' }).commit()
    })
    const rows = async (ref: string) => asText(await tbl.scan({ ref }).toArray())
    expect(await rows('main')).toEqual(asText([row(1, 10), row(2, 20), row(3, 30), row(5)]))
    expect(await rows('audit')).toEqual(asText([row(3, 30), row(4)]))
    expect(await rows('checked')).toEqual(await rows('audit'))
    expect(await rows('before')).toEqual(asText([row(1, 10), row(2, 20), row(3, 30)]))
  })

  test('a branch is kept in another way, and written to', async () => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.manageSnapshots(tbl).createBranch('audit').commit()
    const { attempts } = await world.manager.transaction(tbl, async (tx) => {
      await tx.manageSnapshots().setRetention('audit', { minSnapshotsToKeep: 3 }).commit()
      await tx.writeData([row(4)], { branch: 'audit' })
      await tx.manageSnapshots().createBranch('dev', { minSnapshotsToKeep: 2 }).commit()
      await tx.writeData([row(5)], { branch: 'dev' })
    })
    expect(attempts).toBe(1)
    expect(tbl.metadata.refs['audit']).toMatchObject({ 'min-snapshots-to-keep': 3 })
    expect(tbl.metadata.refs['dev']).toMatchObject({ 'min-snapshots-to-keep': 2 })
  })

  test('write, audit, publish: in one commit, or not at all', async () => {
    const world = await open()
    const tbl = await filled(world)
    const publish = (good: boolean) => async (tx: Transaction) => {
      await tx.manageSnapshots().createBranch('audit').commit()
      await tx.writeData([row(good ? 4 : 0)], { branch: 'audit' })
      if ((await tx.table.scan({ ref: 'audit', filter: 'x < 1' }).count()) > 0) throw new Error('bad rows')
      await tx.manageSnapshots().fastForward('main', 'audit').removeBranch('audit').commit()
    }
    await expect(world.manager.transaction(tbl, publish(false))).rejects.toThrow('bad rows')
    await world.manager.transaction(tbl, publish(true))
    expect(Object.keys(tbl.metadata.refs)).toEqual(['main'])
    expect(await rowsOf(tbl)).toEqual(asText([row(1, 10), row(2, 20), row(3, 30), row(4)]))
  })

  test('columns change together with the property that names them, as they do alone', async () => {
    const changes = [
      { type: 'rename_column', name: 'bar', newName: 'var' },
      { type: 'add_column', name: 'z', fieldType: 'int' },
    ] as const
    const mapping = JSON.stringify([
      { 'field-id': 1, names: ['foo'] },
      { 'field-id': 2, names: ['bar'] },
    ])
    const config = { properties: { 'schema.name-mapping.default': mapping } }
    const [alone, together] = [await open(), await open()]
    const direct = await createTable(alone, 'foo: int, bar: int', config)
    await alone.manager.evolveSchema(direct, changes)
    const tbl = await createTable(together, 'foo: int, bar: int', config)
    await together.manager.transaction(tbl, async (tx) => {
      await tx.evolveSchema([changes[0]])
      await tx.updateProperties({ set: { a: 'b' } })
      await tx.evolveSchema([changes[1]])
    })
    const names = parseNameMapping(tbl.properties['schema.name-mapping.default'] ?? '')
    expect(names).toEqual(parseNameMapping(direct.properties['schema.name-mapping.default'] ?? ''))
    expect(JSON.parse(tbl.properties['schema.name-mapping.default'] ?? '')).toEqual([
      { 'field-id': 1, names: ['foo'] },
      { 'field-id': 2, names: ['bar', 'var'] },
      { 'field-id': 3, names: ['z'] },
    ])
    expect(tbl.schema.fields).toEqual(direct.schema.fields)
    expect(tbl.metadata['metadata-log']).toHaveLength(1)
  })

  test('an upsert is one snapshot, and every snapshot has the properties of the run', async () => {
    const world = await open()
    const tbl = await filled(world)
    const { snapshotIds } = await world.manager.transaction(
      tbl,
      async (tx) => {
        await tx.writeData([row(1, 11), row(4, 40)], {
          mode: 'upsert',
          joinColumns: ['x'],
          snapshotProperties: { step: 'merge' },
        })
        await tx.updateProperties({ set: { done: 'yes' } })
        await tx.writeData([row(5, 50)])
      },
      { snapshotProperties: { 'run-id': 'r1' } },
    )
    const made = tbl.metadata.snapshots.slice(2)
    expect(made.map((snapshot) => snapshot['snapshot-id'])).toEqual(snapshotIds)
    expect(made.map(({ summary }) => [summary?.operation, summary?.['run-id'], summary?.['step']])).toEqual([
      ['overwrite', 'r1', 'merge'],
      ['append', 'r1', undefined],
    ])
    expect(tbl.properties['done']).toBe('yes')
    expect(tbl.metadata['metadata-log']).toHaveLength(3)
  })

  test('nothing to do is no commit', async () => {
    const world = await open()
    const tbl = await filled(world)
    const { metadataLocation } = tbl
    const nothing = await world.manager.transaction(tbl, async () => {})
    expect(nothing).toEqual({ snapshotIds: [], writes: [], attempts: 0 })
    const again = await world.manager.transaction(tbl, async (tx) => {
      await tx.deleteRows('x = 99')
      await tx.writeData([])
      await tx.updateProperties({ remove: ['not-there'] })
    })
    expect(again.writes.map(({ snapshotId }) => snapshotId)).toEqual([null, null])
    expect(again.attempts).toBe(0)
    expect((await world.reload()).metadataLocation).toBe(metadataLocation)
  })

  test('rows are typed by a schema that a step declares', async () => {
    const world = await open()
    const tbl = await world.manager.createTable(
      { namespace: 'demo', name: 't', schema: table({ x: t.int().required() }) },
      { createNamespace: true },
    )
    const wider = table({ x: t.int().required(), z: t.string() })
    await world.manager.transaction(tbl, async (tx) => {
      // @ts-expect-error: the table has no such column yet
      const early = (): unknown => tx.writeData([{ x: 1, z: 'a' }])
      const typed = await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'string' }], {
        schema: wider,
      })
      // @ts-expect-error: z is text
      const wrong = (): unknown => typed.writeData([{ x: 1, z: 2 }])
      expect([early, wrong]).toHaveLength(2)
      await typed.writeData([{ x: 1, z: 'a' }])
    })
    expect(await rowsOf(tbl)).toEqual(asText([{ x: 1, z: 'a' }]))
  })
})

describe('one that fails leaves nothing', () => {
  const failing: readonly (readonly [string, (tx: Transaction) => Promise<unknown>])[] = [
    ['the function throws', () => Promise.reject(new Error('no'))],
    ['a step is refused', (tx) => tx.evolveSchema([{ type: 'delete_column', name: 'nothing' }])],
    ['rows do not fit', (tx) => tx.writeData([row(5), { x: 'text' }])],
    [
      'a failure that is caught counts all the same',
      async (tx) => {
        await tx.writeData([{ x: 'text' }]).catch(() => undefined)
      },
    ],
    [
      'a step after one that failed',
      async (tx) => {
        await tx.writeData([{ x: 'text' }]).catch(() => undefined)
        await expect(tx.writeData([row(6)])).rejects.toThrow(InvalidArgumentError)
      },
    ],
    [
      'a step that nobody waits for',
      async (tx) => {
        void tx.deleteRows('nothing = 1').catch(() => undefined)
      },
    ],
  ]
  test.each(failing)('%s', async (_, fail) => {
    const world = await open()
    const tbl = await filled(world)
    const { metadataLocation } = tbl
    const before = await world.objects()
    const run = world.manager.transaction(tbl, async (tx) => {
      await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
      await tx.writeData([row(4)])
      await tx.updateRows({ y: 0 }, 'x < 3')
      await tx.writeData([row(2, 22), row(8)], { mode: 'upsert', joinColumns: ['x'] })
      await fail(tx)
    })
    await expect(run).rejects.toBeInstanceOf(Error)
    expect(await world.objects()).toEqual(before)
    expect(await world.temporaries()).toEqual([])
    expect((await world.reload()).metadataLocation).toBe(metadataLocation)
    // The handle is good for the next one.
    await world.manager.transaction(tbl, (tx) => tx.writeData([row(5)]))
    expect(await tbl.scan().count()).toBe(4)
  })

  test('the abort of the transaction is an abort of its steps', async () => {
    const world = await open()
    const tbl = await filled(world)
    const before = await world.objects()
    const leaving = new AbortController()
    const run = world.manager.transaction(
      tbl,
      async (tx) => {
        await tx.writeData([row(4)])
        leaving.abort()
      },
      { signal: leaving.signal },
    )
    await expect(run).rejects.toMatchObject({ code: 'FLOEBERG_OPERATION_ABORTED' })
    expect(await world.objects()).toEqual(before)
  })
})

describe('what a transaction is not', () => {
  test('its table is not given to the manager, nor refreshed', async () => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.transaction(tbl, async (tx) => {
      await expect(world.manager.writeData(tx.table, [row(4)])).rejects.toThrow(InvalidArgumentError)
      expect(() => world.manager.transaction(tx.table, async () => {})).toThrow(InvalidArgumentError)
      await expect(tx.table.refresh()).rejects.toThrow(InvalidArgumentError)
    })
  })

  test('steps run one after the other, in the order of the calls', async () => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.transaction(tbl, async (tx) => {
      await Promise.all([
        tx.writeData([row(4)]),
        tx.deleteRows('x = 4'),
        tx.writeData([row(4, 44)]),
        tx.updateProperties({ set: { a: '1' } }),
        tx.updateProperties({ set: { a: '2' } }),
      ])
    })
    expect(await rowsOf(tbl, 'x = 4')).toEqual(asText([row(4, 44)]))
    expect(tbl.properties['a']).toBe('2')
  })

  test('steps that nobody waits for are waited for, and none comes after the end', async () => {
    const world = await open()
    const tbl = await filled(world)
    let kept: Transaction | undefined
    await world.manager.transaction(tbl, async (tx) => {
      kept = tx
      void tx.writeData([row(4)])
    })
    expect(await tbl.scan().count()).toBe(4)
    await expect(kept?.writeData([row(5)])).rejects.toThrow('over')
    expect(await (await world.reload()).scan().count()).toBe(4)
  })

  test.each(['retry', 'commitKey', 'stageOnly'])('%s is no option of a step', async (option) => {
    const world = await open()
    const tbl = await filled(world)
    const value = { retry: { retries: 1 }, commitKey: 'k', stageOnly: true }[option]
    const run = world.manager.transaction(tbl, (tx) => tx.writeData([row(4)], { [option]: value }))
    await expect(run).rejects.toMatchObject({
      code: option === 'stageOnly' ? 'FLOEBERG_UNSUPPORTED_FEATURE' : 'FLOEBERG_INVALID_ARGUMENT',
    })
  })

  test('a manager that closes waits for it', async () => {
    const world = await open()
    const manager = await world.open()
    await filled(world)
    const tbl = await manager.loadTable('demo.t')
    let closing: Promise<void> | undefined
    const run = manager.transaction(tbl, async (tx) => {
      await tx.writeData([row(4)])
      closing = manager.close()
      await tx.writeData([row(5)])
    })
    await expect(run).rejects.toMatchObject({ code: 'FLOEBERG_MANAGER_CLOSED' })
    await closing
    expect(await (await world.reload()).scan().count()).toBe(3)
  })
})

test('conflicts name the transaction', async () => {
  const world = await open()
  const tbl = await filled(world)
  const run = world.manager.transaction(tbl, async (tx) => {
    await tx.writeData([row(4)], { mode: 'overwrite' })
    await world.manager.writeData(await world.reload(), [row(5)])
  })
  await expect(run).rejects.toBeInstanceOf(CommitConflictError)
  expect(await rowsOf(await world.reload())).toEqual(asText([row(1, 10), row(2, 20), row(3, 30), row(5)]))
})
