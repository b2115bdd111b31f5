/** What a transaction does when others commit while it is put together, or its answer is lost. */
import { expect, describe, test } from 'vitest'
import { CommitStateUnknownError, type Table, type Transaction } from '../../src/index.ts'
import { checkRequirements } from '../../src/format/metadata/requirements.ts'
import { fakeClock } from '../support/memory-runtime.ts'
import { scriptedCatalog, type Step } from '../support/scripted-catalog.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()
const row = (x: number, y: number | null = null) => ({ x, y })

async function filled(world: EvolutionWorld): Promise<Table> {
  const tbl = await createTable(world, 'x: int, y: int', { partitionSpec: [{ source: 'x' }] })
  await world.manager.writeData(tbl, [row(1, 10), row(2, 20), row(3, 30)])
  return tbl
}

/** Runs steps while somebody else does something to the table; answers it as it is then. */
async function against(
  world: EvolutionWorld,
  tbl: Table,
  steps: (tx: Transaction) => Promise<unknown>,
  others: (theirs: Table) => Promise<unknown>,
) {
  const before = new Set(await world.objects())
  const result = await world.manager.transaction(tbl, async (tx) => {
    await steps(tx)
    await others(await world.reload())
  })
  expect(result.attempts).toBe(2)
  await checkNothingLeft(world, tbl, before)
  return result
}

/** Every object that was not there before is one that the table needs. */
async function checkNothingLeft(world: EvolutionWorld, tbl: Table, before: ReadonlySet<string>) {
  const needed = new Set<string>([tbl.metadataLocation ?? ''])
  for (const entry of tbl.metadata['metadata-log']) needed.add(entry['metadata-file'])
  for (const snapshot of tbl.metadata.snapshots) {
    const travel = { snapshotId: snapshot['snapshot-id'] }
    needed.add(snapshot['manifest-list'] ?? '')
    for (const { path } of await tbl.inspect.manifests(travel)) needed.add(path)
    for (const file of await tbl.inspect.files(travel)) needed.add(file.file_path)
  }
  expect((await world.objects()).filter((each) => !before.has(each) && !needed.has(each))).toEqual([])
}

describe('every step is applied again, on top of what others committed', () => {
  test('appends and metadata: both writers’ changes', async () => {
    const world = await open()
    const tbl = await filled(world)
    await against(
      world,
      tbl,
      async (tx) => {
        await tx.writeData([row(4)])
        await tx.updateProperties({ set: { ours: 'yes' } })
        await tx.manageSnapshots().createTag('done').commit()
      },
      async (theirs) => {
        await world.manager.writeData(theirs, [row(5)])
        await world.manager.updateProperties(theirs, { set: { theirs: 'yes' } })
      },
    )
    const all = asText([row(1, 10), row(2, 20), row(3, 30), row(4), row(5)])
    expect(await rowsOf(tbl)).toEqual(all)
    expect(asText(await tbl.scan({ ref: 'done' }).toArray())).toEqual(all)
    expect(tbl.properties).toMatchObject({ ours: 'yes', theirs: 'yes' })
  })

  test('a delete takes the rows with it that others added meanwhile, below the steps before it', async () => {
    const world = await open()
    const tbl = await filled(world)
    const { writes } = await against(
      world,
      tbl,
      async (tx) => {
        await tx.writeData([row(1, 11), row(4, 40)])
        await tx.deleteRows('x = 1')
        await tx.updateRows({ y: 0 }, 'x = 4')
      },
      (theirs) => world.manager.writeData(theirs, [row(1, 12), row(5, 50)]),
    )
    expect(await rowsOf(tbl)).toEqual(asText([row(2, 20), row(3, 30), row(4, 0), row(5, 50)]))
    // The figures are those of what was committed.
    expect(writes.map(({ rowsDeleted }) => rowsDeleted)).toEqual([0, 3, 0])
  })

  test('a step that is done again takes later ones along that build on its rows', async () => {
    const world = await open()
    const tbl = await filled(world)
    await against(
      world,
      tbl,
      async (tx) => {
        await tx.writeData([row(1, 11), row(7, 70)], { mode: 'upsert', joinColumns: ['x'] })
        await tx.updateRows({ y: 1 }, 'x = 1 and y = 11')
        await tx.deleteRows('x = 7')
      },
      (theirs) => world.manager.updateRows(theirs, { y: 99 }, 'x = 1'),
    )
    expect(await rowsOf(tbl)).toEqual(asText([row(1, 1), row(2, 20), row(3, 30)]))
  })

  test('an upsert within: rows that others inserted are updated, not doubled', async () => {
    const world = await open()
    const tbl = await filled(world)
    await against(
      world,
      tbl,
      (tx) => tx.writeData([row(8, 81)], { mode: 'upsert', joinColumns: ['x'] }),
      (theirs) => world.manager.writeData(theirs, [row(8, 80)]),
    )
    expect(await rowsOf(tbl, 'x = 8')).toEqual(asText([row(8, 81)]))
  })
})

describe('steps on snapshots that were picked', () => {
  test.each<[string, (world: EvolutionWorld, theirs: Table) => Promise<unknown>, object[]]>([
    [
      'rows that others added meanwhile',
      (world, theirs) => world.manager.writeData(theirs, [row(1, 12)]),
      [row(2, 20)],
    ],
    [
      'rows that others rewrote meanwhile',
      (world, theirs) => world.manager.updateRows(theirs, { y: 21 }, 'x = 2'),
      [row(2, 21)],
    ],
  ])('a delete takes %s into account', async (_, others, expected) => {
    const world = await open()
    const properties = { 'write.delete.mode': 'merge-on-read', 'write.update.mode': 'copy-on-write' }
    const tbl = await createTable(world, 'x: int, y: int', { properties })
    await world.manager.writeData(tbl, [row(1, 10), row(2, 20)])
    await world.manager.manageSnapshots(tbl).createBranch('dev').commit()
    const picks = await Promise.all([
      world.manager.writeData(tbl, [row(7)], { branch: 'dev' }),
      world.manager.writeData(tbl, [row(8)], { branch: 'dev' }),
    ])
    await world.manager.writeData(tbl, [row(3)])
    const [one, two] = picks.map(({ snapshotId }) => snapshotId ?? -1n)
    await against(
      world,
      tbl,
      async (tx) => {
        await tx
          .manageSnapshots()
          .cherryPick(one ?? -1n)
          .cherryPick(two ?? -1n)
          .commit()
        await tx.deleteRows('x = 1')
      },
      (theirs) => others(world, theirs),
    )
    expect(await rowsOf(tbl)).toEqual(asText([...expected, row(3), row(7), row(8)]))
  })
})

test.each(['main', 'dev'])(
  'going back on %s after a write to it does not take others’ rows away',
  async (branch) => {
    const world = await open()
    const tbl = await filled(world)
    await world.manager.manageSnapshots(tbl).createBranch('dev').commit()
    const before = tbl.currentSnapshot?.['snapshot-id'] ?? -1n
    const run = world.manager.transaction(tbl, async (tx) => {
      await tx.writeData([row(4)], { branch })
      const snapshots = tx.manageSnapshots().createTag('candidate', { ref: branch })
      await (branch === 'main' ? snapshots.rollbackTo(before) : snapshots.removeBranch(branch)).commit()
      await world.manager.writeData(await world.reload(), [row(5)], { branch })
    })
    await expect(run).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT' })
    const rows = await (await world.reload()).scan({ ref: branch }).toArray()
    expect(asText(rows)).toContain(valueText(row(5)))
  },
)

describe('ids that others took meanwhile', () => {
  test('a new column gets another one, and the rows are written by it', async () => {
    const world = await open()
    const tbl = await filled(world)
    await against(
      world,
      tbl,
      async (tx) => {
        await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'string' }])
        await tx.writeData([{ x: 4, y: 40, z: 'ours' }])
        await tx.updateRows({ y: 41 }, "z = 'ours'")
        await tx.deleteRows('x = 1')
      },
      (theirs) =>
        world.manager.transaction(theirs, async (tx) => {
          await tx.evolveSchema([{ type: 'add_column', name: 'w', fieldType: 'string' }])
          await tx.writeData([{ x: 5, y: 50, w: 'theirs' }])
        }),
    )
    expect(tbl.schema.fields.map(({ id, name }) => [id, name])).toEqual([
      [1, 'x'],
      [2, 'y'],
      [3, 'w'],
      [4, 'z'],
    ])
    expect(await rowsOf(tbl)).toEqual(
      asText([
        { x: 2, y: 20, w: null, z: null },
        { x: 3, y: 30, w: null, z: null },
        { x: 4, y: 41, w: null, z: 'ours' },
        { x: 5, y: 50, w: 'theirs', z: null },
      ]),
    )
  })

  test('rewritten files carry new columns too', async () => {
    const world = await open()
    const tbl = await filled(world)
    await against(
      world,
      tbl,
      async (tx) => {
        await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
        await tx.updateRows({ y: 0, z: 7 }, 'x = 1')
      },
      (theirs) => world.manager.evolveSchema(theirs, [{ type: 'add_column', name: 'w', fieldType: 'int' }]),
    )
    expect(await rowsOf(tbl, 'x = 1')).toEqual(asText([{ x: 1, y: 0, w: null, z: 7 }]))
  })

  test('an overwrite is not done again: the transaction is refused', async () => {
    const world = await open()
    const tbl = await filled(world)
    const before = new Set(await world.objects())
    const run = world.manager.transaction(tbl, async (tx) => {
      await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
      await tx.writeData([{ x: 1, z: 1 }] as object[], { mode: 'overwrite', overwriteFilter: 'x = 1' })
      await world.manager.evolveSchema(await world.reload(), [
        { type: 'add_column', name: 'w', fieldType: 'int' },
      ])
    })
    await expect(run).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT', attempts: 1 })
    const now = await world.reload()
    expect(now.schema.fields.map(({ name }) => name)).toEqual(['x', 'y', 'w'])
    await checkNothingLeft(world, now, before)
  })

  test('columns that come with the rows', async () => {
    const world = await open()
    const tbl = await filled(world)
    await against(
      world,
      tbl,
      async (tx) => {
        await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'string' }])
        await tx.writeData([{ x: 4, z: 'a', more: 'b' }] as object[], { schemaMode: 'merge' })
        await tx.writeData([{ x: 5, z: 'c', more: 'd' }] as object[])
      },
      (theirs) =>
        world.manager.evolveSchema(theirs, [
          { type: 'add_column', name: 'v', fieldType: 'string' },
          { type: 'add_column', name: 'w', fieldType: 'string' },
        ]),
    )
    expect(await rowsOf(tbl, 'x > 3')).toEqual(
      asText([
        { x: 4, y: null, v: null, w: null, z: 'a', more: 'b' },
        { x: 5, y: null, v: null, w: null, z: 'c', more: 'd' },
      ]),
    )
  })

  test('partition fields: rows are laid out by the spec that comes of both', async () => {
    const world = await open()
    const tbl = await filled(world)
    await against(
      world,
      tbl,
      async (tx) => {
        await tx.evolvePartitionSpec([{ type: 'add_field', source: 'y' }])
        await tx.writeData([row(4, 40)])
      },
      (theirs) =>
        world.manager.evolvePartitionSpec(theirs, [
          { type: 'add_field', source: 'x', transform: 'bucket[2]' },
        ]),
    )
    const { tasks } = await tbl.scan({ filter: 'x = 4' }).plan()
    const [file] = tasks.map(({ entry }) => entry.file)
    expect(file?.specId).toBe(tbl.partitionSpec.specId)
    expect(tbl.partitionSpec.fields.map(({ name }) => name)).toEqual(['x', 'x_bucket_2', 'y'])
    expect(file?.partition).toEqual([4, expect.any(Number), 40])
    expect(await rowsOf(tbl, 'y = 40')).toEqual(asText([row(4, 40)]))
  })

  describe('and gave back, or that were forgotten', () => {
    const partitioned = async (world: EvolutionWorld): Promise<Table> => {
      const tbl = await createTable(world, 'x: int, y: int', {
        partitionSpec: [{ source: 'x' }, { source: 'y' }],
      })
      await world.manager.writeData(tbl, [row(1, 10)])
      return tbl
    }
    /** Our row, by the snapshot’s own schema, and whether that is the table’s. */
    const readBack = async (world: EvolutionWorld) => {
      const tbl = await world.reload()
      const head = { snapshotId: tbl.currentSnapshot?.['snapshot-id'] }
      return {
        rows: asText(await tbl.scan({ ...head, filter: 'x = 4 and y = 40' }).toArray()),
        isCurrent: tbl.currentSnapshot?.['schema-id'] === tbl.schema.schemaId,
      }
    }

    test('of schemas', async () => {
      const world = await open()
      const ours = { x: 4, y: 40, z: 1 }
      await against(
        world,
        await partitioned(world),
        async (tx) => {
          await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
          await tx.writeData([ours])
        },
        async (theirs) => {
          await world.manager.evolveSchema(theirs, [{ type: 'rename_column', name: 'x', newName: 'w' }])
          await world.manager.evolveSchema(theirs, [{ type: 'rename_column', name: 'w', newName: 'x' }])
        },
      )
      expect(await readBack(world)).toEqual({ rows: asText([ours]), isCurrent: true })
    })

    test('of partition specs', async () => {
      const world = await open()
      await against(
        world,
        await partitioned(world),
        async (tx) => {
          await tx.evolvePartitionSpec([{ type: 'remove_field', field: 'y' }])
          await tx.writeData([row(4, 40)])
        },
        async (theirs) => {
          const { manager } = world
          await manager.evolvePartitionSpec(theirs, [{ type: 'remove_field', field: 'x' }])
          await manager.evolvePartitionSpec(theirs, [{ type: 'remove_field', field: 'y' }])
          await manager.evolvePartitionSpec(theirs, [{ type: 'add_field', source: 'x' }])
          await manager.evolvePartitionSpec(theirs, [{ type: 'add_field', source: 'y' }])
          expect(theirs.partitionSpec.specId).toBe(0)
        },
      )
      expect(await readBack(world)).toEqual({ rows: asText([row(4, 40)]), isCurrent: true })
    })

    test('of sort orders', async () => {
      const world = await open()
      const tbl = await partitioned(world)
      await against(
        world,
        tbl,
        async (tx) => {
          await tx.replaceSortOrder([{ source: 'y' }])
          await tx.writeData([row(4, 40)])
        },
        async (theirs) => {
          await world.manager.replaceSortOrder(theirs, [{ source: 'x' }])
          await world.manager.replaceSortOrder(theirs, [])
        },
      )
      const files = await tbl.inspect.files()
      expect(files.map((file) => file.sort_order_id)).toContain(tbl.sortOrder.orderId)
      expect(tbl.sortOrder.orderId).toBe(2)
    })

    test('a clean-up of what nobody uses gives them free again', async () => {
      const world = await open()
      const tbl = await partitioned(world)
      await world.manager.evolvePartitionSpec(tbl, [{ type: 'remove_field', field: 'y' }])
      await world.manager.evolvePartitionSpec(tbl, [{ type: 'add_field', source: 'y' }])
      await world.manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'x', newName: 'w' }])
      await world.manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'w', newName: 'x' }])
      const ours = { x: 4, y: 40, z: 1 }
      await against(
        world,
        tbl,
        async (tx) => {
          await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
          await tx.evolvePartitionSpec([{ type: 'remove_field', field: 'x' }])
          await tx.writeData([ours])
        },
        async (theirs) => {
          const cleaned = await world.manager.expireSnapshots(theirs, { cleanExpiredMetadata: true })
          expect(cleaned).toMatchObject({ removedSchemaIds: [1], removedSpecIds: [1] })
        },
      )
      expect(await readBack(world)).toEqual({ rows: asText([ours]), isCurrent: true })
    })
  })

  test('a column that others put in the place of one that the rows have is a conflict', async () => {
    const world = await open()
    const tbl = await filled(world)
    const run = world.manager.transaction(tbl, async (tx) => {
      await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
      await tx.writeData([{ x: 4, y: 40, z: 1 }])
      const theirs = await world.reload()
      await world.manager.evolveSchema(theirs, [{ type: 'delete_column', name: 'y' }])
      await world.manager.evolveSchema(theirs, [{ type: 'add_column', name: 'y', fieldType: 'string' }])
    })
    await expect(run).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT' })
    expect(await rowsOf(await world.reload(), 'x = 4')).toEqual([])
  })

  test('the same column by both is a conflict', async () => {
    const world = await open()
    const tbl = await filled(world)
    const add = [{ type: 'add_column', name: 'z', fieldType: 'int' }] as const
    const run = world.manager.transaction(tbl, async (tx) => {
      await tx.writeData([row(4)])
      await tx.evolveSchema(add)
      await world.manager.evolveSchema(await world.reload(), add)
    })
    await expect(run).rejects.toMatchObject({ code: 'FLOEBERG_COMMIT_CONFLICT' })
    expect(await (await world.reload()).scan().count()).toBe(3)
  })
})

test('what is required is about the table as it is committed to, each thing once', async () => {
  const world = await open()
  await filled(world)
  const catalog = scriptedCatalog(world.manager.catalog, [])
  const mine = await world.open({ catalogPlugin: { name: 'scripted', connect: async () => catalog } })
  const tbl = await mine.loadTable('demo.t')
  const before = tbl.metadata
  await mine.transaction(tbl, async (tx) => {
    await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
    await tx.evolveSchema([{ type: 'add_column', name: 'w', fieldType: 'int' }])
    await tx.evolvePartitionSpec([{ type: 'add_field', source: 'z' }])
    await tx.replaceSortOrder([{ source: 'w' }])
    await tx.writeData([row(4)])
    await tx.manageSnapshots().createBranch('b').commit()
    await tx.writeData([row(5)], { branch: 'b' })
  })
  const [{ commit } = { commit: { requirements: [] } }] = catalog.sent
  expect(checkRequirements(before, commit.requirements)).toBeNull()
  const things = commit.requirements.map((each) =>
    each.type === 'assert-ref-snapshot-id' ? `${each.type} ${each.ref}` : each.type,
  )
  expect(things.toSorted()).toEqual([
    'assert-current-schema-id',
    'assert-default-sort-order-id',
    'assert-default-spec-id',
    'assert-last-assigned-field-id',
    'assert-last-assigned-partition-id',
    'assert-ref-snapshot-id b',
    'assert-ref-snapshot-id main',
    'assert-table-uuid',
  ])
  await mine.close()
})

describe('answers that are lost', () => {
  async function scripted(world: EvolutionWorld, steps: readonly Step[]) {
    await filled(world)
    const catalog = scriptedCatalog(world.manager.catalog, steps)
    const mine = await world.open({
      catalogPlugin: { name: 'scripted', connect: async () => catalog },
      clock: fakeClock(),
    })
    return { mine, tbl: await mine.loadTable('demo.t') }
  }
  const both = async (tx: Transaction): Promise<void> => {
    await tx.updateProperties({ set: { a: 'b' } })
    await tx.writeData([row(4)])
    await tx.deleteRows('x = 1')
  }

  test.each(['lost answer', 'lost request'] as const)('%s: once', async (outcome) => {
    const world = await open()
    const { mine, tbl } = await scripted(world, [{ outcome }])
    await mine.transaction(tbl, both)
    expect(tbl.metadata.snapshots).toHaveLength(3)
    expect(await rowsOf(await world.reload())).toEqual(asText([row(2, 20), row(3, 30), row(4)]))
    await mine.close()
  })

  test('and others moved on: nobody knows, and all files are kept', async () => {
    const world = await open()
    const others = async () => void (await world.manager.writeData(await world.reload(), [row(9)]))
    const { mine, tbl } = await scripted(world, [{ outcome: 'lost request', before: others }])
    const error: unknown = await mine.transaction(tbl, both).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CommitStateUnknownError)
    const { keptFiles, snapshotId } = error as CommitStateUnknownError
    expect(snapshotId).not.toBeNull()
    expect(keptFiles.length).toBeGreaterThan(3)
    expect(await world.objects()).toEqual(expect.arrayContaining([...keptFiles]))
    await mine.close()
  })

  test('of metadata alone', async () => {
    const world = await open()
    const { mine, tbl } = await scripted(world, [{ outcome: 'lost answer' }])
    await mine.transaction(tbl, async (tx) => {
      await tx.updateProperties({ set: { a: 'b' } })
      await tx.evolveSchema([{ type: 'add_column', name: 'z', fieldType: 'int' }])
      await tx.manageSnapshots().createTag('q1').commit()
    })
    expect(tbl.schema.fields.map(({ name }) => name)).toEqual(['x', 'y', 'z'])
    expect(Object.keys(tbl.metadata.refs)).toEqual(['main', 'q1'])
    await mine.close()
  })
})
