/** Creating tables: what comes out, and what is refused before anything is written. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { t, table, type TableConfig } from '../../../src/index.ts'
import { createEvents, equal, EVENTS, EVENTS_CONFIG, fails, failsCleanly, isTrue } from './case.ts'
import type { ManagerCase } from './case.ts'

const base = { namespace: 'demo', name: 'refused', schema: EVENTS } as const
const column = (id: number, name: string, type: string) => ({ id, name, type, required: false })
const document = (...fields: ReturnType<typeof column>[]): TableConfig['schema'] => ({
  type: 'struct',
  'schema-id': 0,
  fields,
})

/** Configurations that the format's rules or ours forbid, and where. */
const INVALID: readonly (readonly [what: string, path: string, config: object])[] = [
  ['no schema', 'schema', { ...base, schema: undefined }],
  ['a schema of another kind', 'schema', { ...base, schema: 'id long' }],
  ['no column', 'schema', { ...base, schema: table({}) }],
  [
    'a column twice',
    'schema.a',
    { ...base, schema: document(column(1, 'a', 'int'), column(2, 'a', 'long')) },
  ],
  ['an id twice', 'schema', { ...base, schema: document(column(1, 'a', 'int'), column(1, 'b', 'long')) }],
  ['a type of format version 3', 'schema.a', { ...base, schema: document(column(1, 'a', 'timestamp_ns')) }],
  ['an unknown source column', 'partitionSpec[0]', { ...base, partitionSpec: [{ source: 'nowhere' }] }],
  [
    'an unknown transform',
    'partitionSpec[0]',
    { ...base, partitionSpec: [{ source: 'id', transform: 'sideways' }] },
  ],
  [
    'a transform that the type does not have',
    'partitionSpec[1]',
    { ...base, partitionSpec: [{ source: 'kind' }, { source: 'id', transform: 'month' }] },
  ],
  [
    'a bucket count of none',
    'partitionSpec[0]',
    { ...base, partitionSpec: [{ source: 'id', transform: 'bucket[0]' }] },
  ],
  [
    'two partition fields of one name',
    'partitionSpec[1]',
    {
      ...base,
      partitionSpec: [
        { source: 'at', transform: 'day', name: 'p' },
        { source: 'id', name: 'p' },
      ],
    },
  ],
  [
    'a partition field named as another column',
    'partitionSpec[0]',
    { ...base, partitionSpec: [{ source: 'at', transform: 'day', name: 'kind' }] },
  ],
  [
    'a key that is not known',
    'partitionSpec[0]',
    { ...base, partitionSpec: [{ source: 'id', transfrom: 'day' }] },
  ],
  ['an unknown column to sort by', 'sortOrder[0]', { ...base, sortOrder: [{ source: 'nowhere' }] }],
  [
    'a direction that is none',
    'sortOrder[0].direction',
    { ...base, sortOrder: [{ source: 'id', direction: 'up' }] },
  ],
  [
    'a property that is no number',
    'properties.commit.retry.num-retries',
    { ...base, properties: { 'commit.retry.num-retries': 'many' } },
  ],
  [
    'a property out of its bounds',
    'properties.write.target-file-size-bytes',
    { ...base, properties: { 'write.target-file-size-bytes': '0' } },
  ],
  [
    'a codec that is not known',
    'properties.write.metadata.compression-codec',
    { ...base, properties: { 'write.metadata.compression-codec': 'lzma' } },
  ],
  [
    'the format version as a property',
    'properties.format-version',
    { ...base, properties: { 'format-version': '3' } },
  ],
  ['a property that is no text', 'properties.a', { ...base, properties: { a: 1 } }],
  ['a format version that is not known', 'formatVersion', { ...base, formatVersion: 4 }],
  ['an empty location', 'location', { ...base, location: '' }],
  ['a location without a scheme', 'location', { ...base, location: 'somewhere/else' }],
]

export const CREATE_CASES: readonly ManagerCase[] = [
  {
    name: 'createTable: a table with defaults',
    run: async (manager, world) => {
      const created = await createEvents(manager, { owner: 'us' })
      equal(created.name, 'demo.events')
      equal(created.identifier, { namespace: ['demo'], name: 'events' })
      equal(created.formatVersion, 2)
      equal(created.currentSnapshot, null)
      equal(created.properties['owner'], 'us')
      equal(created.partitionSpec.fields, [])
      equal(created.sortOrder.fields, [])
      equal(created.creation, { created: true, replaced: false, differences: [] })
      equal(
        created.schema.fields.map(({ id, name, required }) => [id, name, required]),
        [
          [1, 'id', true],
          [2, 'kind', false],
          [3, 'at', false],
        ],
      )
      // The warehouse, the namespace, and eight digits of the table's own uuid.
      const digits = created.uuid.replaceAll('-', '').slice(0, 8)
      equal(created.location, `${world.warehouse}/demo/events-${digits}`)
      equal(await world.objects(), [created.metadataLocation])
    },
  },
  {
    name: 'createTable: partition spec, sort order, nested columns, format version',
    run: async (manager) => {
      await manager.createNamespace('demo')
      const created = await manager.createTable({
        namespace: ['demo'],
        name: 'full',
        schema: table({
          at: t.timestamp().required(),
          place: t.struct({ city: t.string(), tags: t.list(t.string()) }),
          counts: t.map(t.string(), t.long()),
        }),
        partitionSpec: [
          { source: 'at', transform: 'month' },
          { source: 'place.city', transform: 'bucket[4]', name: 'town' },
        ],
        sortOrder: [{ source: 'at', direction: 'desc' }],
        formatVersion: 1,
      })
      equal(created.formatVersion, 1)
      equal(
        created.partitionSpec.fields.map(({ name, fieldId }) => [name, fieldId]),
        [
          ['at_month', 1000],
          ['town', 1001],
        ],
      )
      // Level by level: the columns first, then what is inside of them.
      equal(
        created.schema.fields.map(({ id, name }) => [id, name]),
        [
          [1, 'at'],
          [2, 'place'],
          [3, 'counts'],
        ],
      )
      const [order] = created.sortOrder.fields
      equal([order?.sourceId, order?.direction, order?.nullOrder], [1, 'desc', 'nulls-last'])
    },
  },
  {
    name: 'createTable: a second one is refused',
    run: async (manager, world) => {
      await createEvents(manager)
      const before = await world.objects()
      await fails(() => manager.createTable(EVENTS_CONFIG), {
        code: 'FLOEBERG_TABLE_ALREADY_EXISTS',
        table: 'demo.events',
      })
      equal(await world.objects(), before)
    },
  },
  {
    name: 'createTable: ifNotExists gives the table as it is and tells the differences',
    run: async (manager) => {
      const first = await createEvents(manager)
      const same = await manager.createTable(EVENTS_CONFIG, { ifNotExists: true })
      equal([same.uuid, same.creation], [first.uuid, { created: false, replaced: false, differences: [] }])
      const other = await manager.createTable(
        {
          ...EVENTS_CONFIG,
          schema: table({ id: t.long().required(), kind: t.string() }),
          partitionSpec: [{ source: 'kind' }],
        },
        { ifNotExists: true },
      )
      equal(other.uuid, first.uuid)
      equal(other.creation?.differences.length, 2)
      isTrue(other.creation?.differences.some((text) => text.includes("'at'")) === true, 'the extra column')
      isTrue(other.creation?.differences.some((text) => text.includes('partition spec')) === true, 'the spec')
      const schema = table({ id: t.long().required(), more: t.string() })
      await fails(() => manager.createTable({ ...EVENTS_CONFIG, schema }, { ifNotExists: true }), {
        code: 'FLOEBERG_SCHEMA_MISMATCH',
        column: 'more',
        table: 'demo.events',
      })
    },
  },
  {
    name: 'createTable: its namespace has to be there, or be asked for',
    run: async (manager, world) => {
      await failsCleanly(world, () => manager.createTable({ ...EVENTS_CONFIG, namespace: ['demo'] }), {
        code: 'FLOEBERG_NO_SUCH_NAMESPACE',
      }).catch(async () => {
        // The refusal may come from the catalog's own createTable; nothing is written all the same.
        equal(await world.objects(), [])
      })
      await manager.createTable(EVENTS_CONFIG, { createNamespace: true })
      equal(await manager.listNamespaces(), [['demo']])
      await manager.createTable({ ...EVENTS_CONFIG, name: 'more' }, { createNamespace: true })
    },
  },
  ...INVALID.map(([what, path, config]): ManagerCase => ({
    name: `createTable: ${what} is refused at ${path}`,
    run: async (manager, world) => {
      await manager.createNamespace('demo')
      // What TypeScript refuses has to be refused at run time too.
      await failsCleanly(world, () => manager.createTable(config as TableConfig), {
        code: 'FLOEBERG_INVALID_TABLE_CONFIG',
        path,
        table: 'demo.refused',
      })
    },
  })),
  {
    name: 'createTable: locations never overlap, unless it is allowed',
    run: async (manager, world) => {
      await manager.createNamespace('demo')
      const location = `${world.warehouse}/place/a`
      const first = await manager.createTable({ ...EVENTS_CONFIG, location })
      equal(first.location, location)
      for (const [what, overlapping] of [
        ['the same', location],
        ['with a slash', `${location}/`],
        ['inside', `${location}/data/b`],
        ['around', `${world.warehouse}/place`],
      ] as const) {
        await failsCleanly(
          world,
          () => manager.createTable({ ...EVENTS_CONFIG, name: 'b', location: overlapping }),
          { code: 'FLOEBERG_INVALID_TABLE_CONFIG', path: 'location', table: 'demo.b' },
          what,
        )
      }
      // A name that only begins alike is another folder.
      await manager.createTable({ ...EVENTS_CONFIG, name: 'b', location: `${location}b` })
      await manager.createTable({ ...EVENTS_CONFIG, name: 'c', location }, { allowSharedLocation: true })
    },
  },
  {
    name: 'createTable: a location that holds metadata of a table that was dropped is refused',
    run: async (manager, world) => {
      await manager.createNamespace('demo')
      const location = `${world.warehouse}/place/a`
      await manager.createTable({ ...EVENTS_CONFIG, location })
      await manager.dropTable('demo.events')
      await failsCleanly(world, () => manager.createTable({ ...EVENTS_CONFIG, location }), {
        code: 'FLOEBERG_INVALID_LOCATION',
        table: 'demo.events',
      })
    },
  },
  {
    name: 'createTable: schemaFrom rows and files; unsure types are refused',
    run: async (manager, world) => {
      await manager.createNamespace('demo')
      const rows = [{ id: 1n, kind: 'a', score: 1.5 }]
      const fromRows = await manager.createTable({ namespace: 'demo', name: 'rows', schemaFrom: { rows } })
      equal(
        fromRows.schema.fields.map(({ name, type }) => [name, type.kind]),
        [
          ['id', 'long'],
          ['kind', 'string'],
          ['score', 'double'],
        ],
      )
      const path = join(world.filesDir, 'source.csv')
      await writeFile(path, 'day,n\n2026-01-31,7\n')
      const fromCsv = await manager.createTable({ namespace: 'demo', name: 'csv', schemaFrom: { csv: path } })
      equal(
        fromCsv.schema.fields.map(({ name, type }) => [name, type.kind]),
        [
          ['day', 'date'],
          ['n', 'long'],
        ],
      )
      const inferred = await manager.inferSchema({ rows: [{ a: null, b: 1n }] })
      equal(
        inferred.unsure.map(({ column: unsure }) => unsure),
        ['a'],
      )
      await failsCleanly(
        world,
        () => manager.createTable({ namespace: 'demo', name: 'x', schemaFrom: { rows: [{ a: null }] } }),
        { code: 'FLOEBERG_INVALID_TABLE_CONFIG', path: 'schemaFrom', table: 'demo.x' },
      )
    },
  },
]
