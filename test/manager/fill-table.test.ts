/** Tables that come with their rows, and tables in the place of others. */
import { describe, expect, test } from 'vitest'
import { t, table, type CreateTableOptions, type Table } from '../../src/index.ts'
import { scriptedCatalog } from '../support/scripted-catalog.ts'
import { fakeClock } from '../support/memory-runtime.ts'
import {
  createTable,
  evolutionWorlds,
  rowsOf,
  schemaFromText,
  valueText,
  type EvolutionWorld,
} from './evolution-world.ts'

const open = evolutionWorlds()

const asText = (rows: readonly object[]): string[] => rows.map(valueText).sort()

function create(
  world: EvolutionWorld,
  columns: string,
  options: CreateTableOptions,
  config: object = {},
): Promise<Table> {
  const schema = schemaFromText(columns)
  return world.manager.createTable({ namespace: 'demo', name: 't', ...config, schema }, options)
}

const ids = ({ schema }: Table) => Object.fromEntries(schema.fields.map(({ name, id }) => [name, id]))

describe('a table that is created with its rows', () => {
  test('is there with them from its first version on', async () => {
    const world = await open()
    const tbl = await create(
      world,
      'x: int, s: string',
      {
        createNamespace: true,
        data: [
          { x: 1, s: 'a' },
          { x: 2, s: 'b' },
        ],
        snapshotProperties: { run: '7' },
      },
      { partitionSpec: [{ source: 's' }], sortOrder: [{ source: 'x' }], properties: { owner: 'me' } },
    )
    expect(tbl.creation).toEqual({ created: true, replaced: false, differences: [] })
    expect(tbl.metadata['metadata-log']).toEqual([])
    expect(tbl.metadata.snapshots.map(({ summary }) => [summary?.operation, summary?.['run']])).toEqual([
      ['append', '7'],
    ])
    const again = await world.reload()
    expect(await rowsOf(again)).toEqual(
      asText([
        { x: 1, s: 'a' },
        { x: 2, s: 'b' },
      ]),
    )
    expect(again.metadata).toEqual(tbl.metadata)
    // But for its snapshot it is what creating it alone makes of it.
    const alone = await open()
    const empty = await create(
      alone,
      'x: int, s: string',
      { createNamespace: true },
      { partitionSpec: [{ source: 's' }], sortOrder: [{ source: 'x' }], properties: { owner: 'me' } },
    )
    const layout = ({ metadata }: Table) => [
      metadata['format-version'],
      metadata.schemas,
      metadata['last-column-id'],
      metadata['partition-specs'],
      metadata['default-spec-id'],
      metadata['last-partition-id'],
      metadata['sort-orders'],
      metadata['default-sort-order-id'],
      metadata.properties,
    ]
    expect(layout(again)).toEqual(layout(empty))
  })

  test.each([1, 2] as const)('of format version %i', async (formatVersion) => {
    const world = await open()
    const config = { formatVersion, partitionSpec: [{ source: 'x' }] }
    await create(world, 'x: int', { createNamespace: true, data: [{ x: 1 }] }, config)
    const tbl = await world.reload()
    expect([tbl.formatVersion, await rowsOf(tbl)]).toEqual([formatVersion, asText([{ x: 1 }])])
  })

  test('without any row it is empty', async () => {
    const world = await open()
    const tbl = await create(world, 'x: int', { createNamespace: true, data: [] })
    expect([tbl.currentSnapshot, (await world.reload()).metadata.snapshots]).toEqual([null, []])
  })

  test('rows that do not fit: no table, no file', async () => {
    const world = await open()
    await world.manager.createNamespace('demo')
    await expect(create(world, 'x: int', { data: [{ x: 1 }, { x: 'a' }] })).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_DATA',
    })
    expect(await world.manager.tableExists('demo.t')).toBe(false)
    expect(await world.objects()).toEqual([])
  })

  test('others create it meanwhile: theirs stays, ours leaves nothing', async () => {
    const world = await open()
    await world.manager.createNamespace('demo')
    const rows = (async function* () {
      yield { x: 1 }
      await create(world, 'x: int', { data: [{ x: 2 }] })
    })()
    await expect(create(world, 'x: int', { data: rows })).rejects.toMatchObject({
      code: 'FLOEBERG_TABLE_ALREADY_EXISTS',
    })
    const tbl = await world.reload()
    expect(await rowsOf(tbl)).toEqual(asText([{ x: 2 }]))
    expect(await world.objects()).toHaveLength(4)
  })

  test('ifNotExists leaves one that is there as it is, and reads no rows', async () => {
    const world = await open()
    await createTable(world, 'x: int')
    const tbl = await create(world, 'x: int', { ifNotExists: true, data: [{ x: 1 }] })
    expect([tbl.creation?.created, await tbl.scan().count()]).toEqual([false, 0])
  })

  test.each(['lost answer', 'lost request'] as const)('%s: once', async (outcome) => {
    const world = await open()
    await world.manager.createNamespace('demo')
    const catalog = scriptedCatalog(world.manager.catalog, [{ outcome }])
    const mine = await world.open({
      catalogPlugin: { name: 'scripted', connect: async () => catalog },
      clock: fakeClock(),
    })
    const config = { namespace: 'demo', name: 't', schema: schemaFromText('x: int') }
    const tbl = await mine.createTable(config, { data: [{ x: 1 }] })
    expect(tbl.metadata).toEqual((await world.reload()).metadata)
    expect(await rowsOf(tbl)).toEqual(asText([{ x: 1 }]))
    await mine.close()
  })
})

test('a catalog that cannot stage a creation is asked for none', async () => {
  const world = await open()
  const { catalog } = world.manager
  const plain = new Proxy(catalog, {
    get: (target, key) =>
      key === 'capabilities'
        ? { ...catalog.capabilities, stageCreate: false }
        : Reflect.get(target, key, target),
  })
  const mine = await world.open({ catalogPlugin: { name: 'plain', connect: async () => plain } })
  const config = { namespace: 'demo', name: 't', schema: schemaFromText('x: int') }
  await expect(mine.createTable(config, { createNamespace: true, data: [{ x: 1 }] })).rejects.toMatchObject({
    code: 'FLOEBERG_UNSUPPORTED_FEATURE',
  })
  expect(await world.objects()).toEqual([])
})

test('rows are typed by a declared schema', async () => {
  const world = await open()
  const config = { namespace: 'demo', name: 't', schema: table({ x: t.int().required() }) }
  await world.manager.createTable(config, { createNamespace: true, data: [{ x: 1 }] })
  // @ts-expect-error: x is a number
  const wrong = () => world.manager.createTable(config, { orReplace: true, data: [{ x: 'a' }] })
  await expect(wrong()).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_DATA' })
})

describe('a table in the place of another', () => {
  async function old(world: EvolutionWorld, config: object = {}) {
    const tbl = await createTable(world, 'x: int, s: string', {
      partitionSpec: [{ source: 's' }],
      properties: { owner: 'me', kept: 'yes' },
      ...config,
    })
    await world.manager.writeData(tbl, [{ x: 1, s: 'a' }])
    return tbl
  }

  test('history stays and nothing is current; numbers and ids go on', async () => {
    const world = await open()
    const before = await old(world)
    const first = before.currentSnapshot?.['snapshot-id'] ?? 0n
    const tbl = await create(world, 'y: long, x: int', { orReplace: true }, { properties: { owner: 'you' } })
    expect(tbl.creation).toMatchObject({ created: false, replaced: true })
    expect([tbl.uuid, tbl.location]).toEqual([before.uuid, before.location])
    expect(tbl.currentSnapshot).toBeNull()
    expect((await world.manager.listSnapshots(tbl)).map(({ snapshotId }) => snapshotId)).toEqual([first])
    expect(tbl.inspect.history().map((entry) => entry.snapshot_id)).toEqual([first])
    expect(ids(tbl)).toEqual({ y: 3, x: 1 })
    expect(tbl.partitionSpec.fields).toEqual([])
    expect(tbl.properties).toEqual({ owner: 'you', kept: 'yes' })
    expect(await tbl.scan().count()).toBe(0)

    await world.manager.writeData(tbl, [{ y: 5n, x: 2 }])
    expect(tbl.currentSnapshot).not.toHaveProperty('parent-snapshot-id')
    expect(tbl.currentSnapshot?.['sequence-number']).toBe(2)
    expect(tbl.currentSnapshot?.summary?.['total-records']).toBe('1')
    expect(await rowsOf(await world.reload())).toEqual(asText([{ y: 5n, x: 2 }]))
    expect(asText(await tbl.scan({ snapshotId: first }).toArray())).toEqual(asText([{ x: 1, s: 'a' }]))
  })

  test('with rows, in one version; other branches and tags stay', async () => {
    const world = await open()
    const before = await old(world)
    await world.manager.manageSnapshots(before).createBranch('dev').createTag('q1').commit()
    const versions = before.metadata['metadata-log'].length
    const tbl = await create(
      world,
      's: string, x: long, z: double',
      { orReplace: true, data: [{ s: 'b', x: 2n, z: 1.5 }] },
      { partitionSpec: [{ source: 'x', transform: 'bucket[4]' }], sortOrder: [{ source: 'z' }] },
    )
    expect(tbl.metadata['metadata-log']).toHaveLength(versions + 1)
    expect(ids(tbl)).toEqual({ s: 2, x: 1, z: 3 })
    expect(await rowsOf(tbl)).toEqual(asText([{ s: 'b', x: 2n, z: 1.5 }]))
    expect(asText(await tbl.scan({ ref: 'q1' }).toArray())).toEqual(asText([{ x: 1, s: 'a' }]))
    // A branch is read with the columns that the table has now.
    expect(asText(await tbl.scan({ ref: 'dev' }).toArray())).toEqual(asText([{ s: 'a', x: 1n, z: null }]))
    expect(tbl.partitionSpec.fields.map(({ fieldId, name }) => [fieldId, name])).toEqual([[1001, 'x_bucket']])
  })

  test('columns whose values would not be read any more come back as new ones', async () => {
    const world = await open()
    const before = await old(world)
    await world.manager.manageSnapshots(before).createBranch('dev').commit()
    const tbl = await create(world, 'x: string, s: string', { orReplace: true, data: [{ x: 'one', s: 'b' }] })
    expect(ids(tbl)).toEqual({ x: 3, s: 2 })
    expect(asText(await tbl.scan({ ref: 'dev' }).toArray())).toEqual(asText([{ x: null, s: 'a' }]))
  })

  test('a table is emptied by one that is the same', async () => {
    const world = await open()
    const before = await old(world)
    const columns = before.schema.fields.map(({ name, type }) => `${name}: ${type.kind}`).join(', ')
    const tbl = await create(world, columns, { orReplace: true })
    expect(await tbl.scan().count()).toBe(0)
    expect(tbl.schema.schemaId).toBe(before.schema.schemaId)
    expect(tbl.metadata.snapshots.length).toBeGreaterThan(0)
    expect(tbl.metadata.refs).not.toHaveProperty('main')
  })

  test('layouts that the table has had before get their old ids', async () => {
    const world = await open()
    const before = await old(world, { sortOrder: [{ source: 'x' }] })
    await create(world, 'x: int', { orReplace: true })
    const tbl = await create(
      world,
      'x: int, s: string',
      { orReplace: true },
      { partitionSpec: [{ source: 's' }], sortOrder: [{ source: 'x' }] },
    )
    // `s` went and came back: it is another column than before, and so is what is partitioned by it.
    expect(ids(tbl)).toEqual({ x: 1, s: 3 })
    expect(tbl.partitionSpec.fields.map(({ fieldId, sourceId }) => [fieldId, sourceId])).toEqual([[1001, 3]])
    expect(tbl.sortOrder).toEqual(before.sortOrder)
  })

  test('the property that names columns follows them', async () => {
    const world = await open()
    const mapping = [
      { 'field-id': 1, names: ['x', 'ex'] },
      { 'field-id': 2, names: ['s'] },
    ]
    await old(world, { properties: { 'schema.name-mapping.default': JSON.stringify(mapping) } })
    const tbl = await create(world, 'x: int, z: int', { orReplace: true })
    expect(JSON.parse(tbl.properties['schema.name-mapping.default'] ?? '')).toEqual(
      expect.arrayContaining([
        { 'field-id': 1, names: ['x', 'ex'] },
        { 'field-id': 3, names: ['z'] },
      ]),
    )
  })

  test('format version 1: fields of the old spec become void', async () => {
    const world = await open()
    await old(world, { formatVersion: 1 })
    const tbl = await create(
      world,
      'x: int, s: string',
      { orReplace: true, data: [{ x: 2, s: 'b' }] },
      { partitionSpec: [{ source: 'x' }] },
    )
    expect(tbl.formatVersion).toBe(1)
    expect(
      tbl.partitionSpec.fields.map(({ fieldId, name, transform }) => [fieldId, name, transform.kind]),
    ).toEqual([
      [1000, 's', 'void'],
      [1001, 'x', 'identity'],
    ])
    expect(await rowsOf(await world.reload(), 'x = 2')).toEqual(asText([{ x: 2, s: 'b' }]))
  })

  test('format version 1: back and forth between two layouts, with rows', async () => {
    const world = await open()
    const layout = [{ source: 'x' }]
    await createTable(world, 'x: int, s: string', { formatVersion: 1, partitionSpec: layout })
    for (const partitionSpec of [[], layout, [], layout]) {
      const options = { orReplace: true, data: [{ x: 1, s: 'a' }] }
      const tbl = await create(world, 'x: int, s: string', options, { partitionSpec })
      const fields = tbl.partitionSpec.fields.filter(({ transform }) => transform.kind !== 'void')
      expect(fields).toHaveLength(partitionSpec.length)
      expect(await rowsOf(await world.reload(), 'x = 1')).toEqual(asText([{ x: 1, s: 'a' }]))
    }
    expect((await world.reload()).metadata['partition-specs']).toHaveLength(2)
  })

  test('a higher format version is taken, a lower one refused', async () => {
    const world = await open()
    await old(world)
    const lower = create(world, 'x: int', { orReplace: true }, { formatVersion: 1 })
    await expect(lower).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_TABLE_CONFIG',
      path: 'formatVersion',
    })
    expect((await create(world, 'x: int', { orReplace: true }, { formatVersion: 3 })).formatVersion).toBe(3)
  })

  test('the table stays where its files are', async () => {
    const world = await open()
    const before = await old(world)
    const location = `${world.warehouse}/elsewhere`
    await expect(create(world, 'x: int', { orReplace: true }, { location })).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_TABLE_CONFIG',
      path: 'location',
    })
    await create(world, 'x: int', { orReplace: true }, { location: before.location })
  })

  test('the same definition and no rows on an empty table is no commit', async () => {
    const world = await open()
    const { metadataLocation } = await createTable(world, 'x: int')
    expect((await create(world, 'x: int', { orReplace: true })).metadataLocation).toBe(metadataLocation)
  })

  test('rows that do not fit leave the table as it was', async () => {
    const world = await open()
    const before = await old(world)
    const objects = await world.objects()
    await expect(
      create(world, 'x: int, z: int', { orReplace: true, data: [{ x: 1, z: 'a' }] }),
    ).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_DATA' })
    expect((await world.reload()).metadata).toEqual(before.metadata)
    expect(await world.objects()).toEqual(objects)
  })

  test.each<[string, object]>([
    ['properties', { properties: { a: 'b' } }],
    ['a format version', { formatVersion: 3 }],
  ])('an answer that is lost, where nothing but %s is new: it is there in the end', async (_, config) => {
    const world = await open()
    await createTable(world, 'x: int')
    const catalog = scriptedCatalog(world.manager.catalog, [{ outcome: 'lost request' }])
    const mine = await world.open({
      catalogPlugin: { name: 'scripted', connect: async () => catalog },
      clock: fakeClock(),
    })
    const schema = schemaFromText('x: int')
    await mine.createTable({ namespace: 'demo', name: 't', schema, ...config }, { orReplace: true })
    const { formatVersion, properties } = await world.reload()
    expect({ formatVersion, properties }).toMatchObject(config)
    await mine.close()
  })

  test('ifNotExists and orReplace exclude each other', async () => {
    const world = await open()
    const both = create(world, 'x: int', { ifNotExists: true, orReplace: true })
    await expect(both).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
  })

  test('where there is none, it is created', async () => {
    const world = await open()
    const tbl = await create(world, 'x: int', { orReplace: true, createNamespace: true, data: [{ x: 1 }] })
    expect(tbl.creation).toEqual({ created: true, replaced: false, differences: [] })
  })

  test('defaults of the manager fill what is lacking, in new tables and in old ones', async () => {
    const world = await open()
    await old(world)
    const mine = await world.open({ tableProperties: { owner: 'default', team: 'ours' } })
    const schema = schemaFromText('x: int')
    const replaced = await mine.createTable({ namespace: 'demo', name: 't', schema }, { orReplace: true })
    expect(replaced.properties).toEqual({ owner: 'me', kept: 'yes', team: 'ours' })
    const config = { namespace: 'demo', name: 'u', schema, properties: { team: 'theirs' } }
    expect((await mine.createTable(config)).properties).toEqual({ owner: 'default', team: 'theirs' })
    await mine.close()
  })
})

describe('others replace it at the same time', () => {
  const rival = (world: EvolutionWorld, columns: string, data: readonly object[]) =>
    create(world, columns, { orReplace: true, createNamespace: true, data })

  /** Rows whose reading makes somebody else come first. */
  async function* slow(rows: readonly object[], meanwhile: () => Promise<unknown>) {
    yield* rows
    await meanwhile()
  }

  test.each<[string, string, Record<string, number>]>([
    ['the same columns', 'x: int, s: string', { x: 1, s: 2 }],
    ['other columns', 'w: int', { x: 4, s: 5 }],
    ['a column of another type', 'x: string, w: int', { x: 5, s: 6 }],
  ])(
    'with %s: one version after the other, our rows by the ids that they come to',
    async (_, columns, expected) => {
      const world = await open()
      await createTable(world, 'x: int, s: string')
      const theirs = columns.includes('x: string')
        ? [{ x: 'theirs' }]
        : columns.includes('w')
          ? [{ w: 1 }]
          : [{ x: 9 }]
      const rows = slow([{ x: 1, s: 'ours' }], () => rival(world, columns, theirs))
      const tbl = await create(world, 'x: int, s: string', { orReplace: true, data: rows })
      expect(ids(tbl)).toMatchObject(expected)
      expect(await rowsOf(await world.reload())).toEqual(asText([{ x: 1, s: 'ours' }]))
      const [first, second] = tbl.metadata.snapshots
      expect([first, second].map((each) => each?.['parent-snapshot-id'])).toEqual([undefined, undefined])
      expect(asText(await tbl.scan({ snapshotId: first?.['snapshot-id'] }).toArray()).join()).toContain(
        String(Object.values(theirs[0] ?? {})[0]),
      )
      // What was written for the lost attempt is gone: a data file, a manifest and a list for each version.
      expect((await world.objects()).filter((each) => !each.endsWith('.metadata.json'))).toHaveLength(6)
    },
  )

  test('one that is created meanwhile is replaced by the rows that were read', async () => {
    const world = await open()
    await world.manager.createNamespace('demo')
    const rows = slow([{ x: 1, s: 'ours' }], () => rival(world, 's: string', [{ s: 'theirs' }]))
    const tbl = await create(world, 'x: int, s: string', { orReplace: true, data: rows })
    expect(tbl.creation).toMatchObject({ created: false, replaced: true })
    expect(await rowsOf(await world.reload())).toEqual(asText([{ x: 1, s: 'ours' }]))
    expect((await world.objects()).filter((each) => !each.endsWith('.metadata.json'))).toHaveLength(6)
  })

  test.each(['x: string, y: int', 'w: int'])(
    'an append that comes later does not lose its values to other columns: %s',
    async (columns) => {
      const world = await open()
      const before = await createTable(world, 'x: int, y: int')
      const rows = slow([{ x: 1, y: 1 }], () => rival(world, columns, []))
      await expect(world.manager.writeData(before, rows)).rejects.toMatchObject({
        code: 'FLOEBERG_COMMIT_CONFLICT',
        attempts: 1,
      })
      expect((await world.objects()).filter((each) => !each.endsWith('.metadata.json'))).toEqual([])
    },
  )

  test('an append that comes later joins the rows of columns that are the same', async () => {
    const world = await open()
    const before = await createTable(world, 'x: int, y: int')
    const rows = slow([{ x: 1, y: 1 }], () => rival(world, 'y: int, z: int, x: long', [{ x: 2n }]))
    await world.manager.writeData(before, rows)
    const all = [
      { y: 1, z: null, x: 1n },
      { y: null, z: null, x: 2n },
    ]
    expect(await rowsOf(await world.reload())).toEqual(asText(all))
  })

  test('an append that comes first is history', async () => {
    const world = await open()
    const before = await createTable(world, 'x: int')
    const rows = slow([{ x: 1 }], () => world.manager.writeData(before, [{ x: 2 }]))
    const tbl = await create(world, 'x: int', { orReplace: true, data: rows })
    expect(await rowsOf(tbl)).toEqual(asText([{ x: 1 }]))
    expect(tbl.metadata.snapshots.map((each) => each['sequence-number'])).toEqual([1, 2])
  })
})
