/** Whatever a catalog's pointer leads to is on the disk before the pointer moves: bytes first, then names. */
import fs from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { IcebergTableManager, t, table, type TableConfig } from '../../src/index.ts'
import { localPathOf } from '../../src/storage/location.ts'
import { temporaryFolder } from '../support/folders.ts'
import { reachableFiles } from '../support/observe.ts'
import { recordDisk, synced, type DiskEvent } from '../support/recorded-disk.ts'

test('create and append: each file and its folder are synced before the pointer moves', async () => {
  const folder = await temporaryFolder()
  const events = recordDisk()
  const manager = await IcebergTableManager.open({
    catalog: { uri: `sqlite:///${folder}/catalog.db`, warehouse: `${folder}/wh` },
    scratchDir: `${folder}/scratch`,
  })
  await manager.createNamespace('demo')
  const created = await manager.createTable({
    namespace: 'demo',
    name: 't',
    schema: table({ id: t.long(), kind: t.string() }),
    partitionSpec: [{ source: 'kind' }],
  })
  const afterCreate = await reachableFiles(manager)
  expectOrder(events, afterCreate, `${folder}/wh`)

  await manager.writeData(created, [
    { id: 1n, kind: 'a' },
    { id: 2n, kind: 'b' },
  ])
  const written = (await reachableFiles(manager)).filter((file) => !afterCreate.includes(file))
  // Two data files, a manifest, a list, a metadata file.
  expect(written).toHaveLength(5)
  expectOrder(events, written, `${folder}/wh`)
  await manager.close()
})

/** Which files are which while they bear names that do not tell. */
const kinds = {
  'a data file': (path: string) => path.includes('/data/'),
  'a manifest': (path: string) => holds(path, 'manifest_entry'),
  'the manifest list': (path: string) => holds(path, 'manifest_file'),
}

/** Whether a file is one of Avro records of a name. */
function holds(path: string, record: string): boolean {
  return path.includes('/metadata/') && fs.readFileSync(path, 'latin1').includes(`"name":"${record}"`)
}

const slow: readonly (keyof typeof kinds)[] = ['a data file', 'a manifest', 'the manifest list']
const layouts = [{ layout: 'one file' }, { layout: 'partitions', partitionSpec: [{ source: 'kind' }] }]

const schema = table({ id: t.long(), kind: t.string() })

/**
 * Ways for a row to come into a table, which write a data file, a manifest, a list and a metadata file:
 * each prepares the table, and answers the write.
 */
type Way = (manager: IcebergTableManager, layout: Layout) => Promise<() => Promise<unknown>>
type Layout = Pick<TableConfig, 'partitionSpec'>

const newTable = (layout: Layout) => ({ namespace: 'demo', name: 't', schema, ...layout })
const rows = [{ id: 1n, kind: 'a' }]

const ways: readonly (readonly [way: string, Way])[] = [
  [
    'append',
    async (manager, layout) => {
      const created = await manager.createTable(newTable(layout))
      return () => manager.writeData(created, rows)
    },
  ],
  [
    'append with a new column',
    async (manager, layout) => {
      await manager.createTable(newTable(layout))
      const loaded = await manager.loadTable('demo.t')
      return () => manager.writeData(loaded, [{ ...rows[0], extra: 2n }], { schemaMode: 'merge' })
    },
  ],
  [
    'table created with its rows',
    async (manager, layout) => () => manager.createTable(newTable(layout), { data: rows }),
  ],
  [
    'table put in the place of another with its rows',
    async (manager, layout) => {
      await manager.createTable(newTable(layout))
      return () => manager.createTable(newTable(layout), { data: rows, orReplace: true })
    },
  ],
]

describe.each(ways.flatMap(([name, way]) => layouts.map((layout) => ({ name, way, ...layout }))))(
  '$name, $layout',
  ({ way, partitionSpec }) => {
    async function writeWith(isSlow: (path: string) => boolean) {
      const folder = await temporaryFolder()
      const events = recordDisk({ isSlow })
      const manager = await IcebergTableManager.open({
        catalog: { uri: `sqlite:///${folder}/catalog.db`, warehouse: `${folder}/wh` },
        scratchDir: `${folder}/scratch`,
      })
      onTestFinished(() => manager.close())
      await manager.createNamespace('demo')
      const write = await way(manager, { partitionSpec })
      const before = await reachableFiles(manager)
      await write()
      const written = (await reachableFiles(manager)).filter((file) => !before.includes(file))
      expect(written).toHaveLength(4)
      expectOrder(events, written, `${folder}/wh`)
      return { events, written }
    }

    test.each(slow)('no metadata file gets its name while %s is not on the disk', async (late) => {
      const { events, written } = await writeWith(kinds[late])
      const metadata = fileOf(written, '.metadata.json')
      const others = written.filter((file) => file !== metadata)
      const last = Math.max(...others.map((file) => durability(events, file)))
      expect(naming(events, metadata)).toBeGreaterThan(last)
    })

    test('the manifest does not wait for the data file, which it names', async () => {
      const { events, written } = await writeWith(kinds['a data file'])
      expect(durability(events, fileOf(written, '-m0.avro'))).toBeLessThan(
        durability(events, fileOf(written, '.parquet')),
      )
    })
  },
)

function fileOf(written: readonly string[], ending: string): string {
  const found = written.find((file) => file.endsWith(ending))
  if (found === undefined) throw new Error(`no file ends in ${ending}`)
  return found
}

test.each(['metadata', 'data', 'data/kind=a'])(
  'a folder %s that another process has just made gets its name on the disk before the pointer moves',
  async (made) => {
    const folder = await temporaryFolder()
    const location = `${folder}/wh/demo/t`
    await mkdir(join(location, made), { recursive: true })
    const events = recordDisk()
    const manager = await IcebergTableManager.open({
      catalog: { uri: `sqlite:///${folder}/catalog.db`, warehouse: `${folder}/wh` },
      scratchDir: `${folder}/scratch`,
    })
    onTestFinished(() => manager.close())
    await manager.createNamespace('demo')
    const partitionSpec = [{ source: 'kind' }]
    const created = await manager.createTable({
      namespace: 'demo',
      name: 't',
      schema,
      partitionSpec,
      location,
    })
    await manager.writeData(created, [{ id: 1n, kind: 'a' }])
    expectOrder(events, await reachableFiles(manager), `${folder}/wh`)
  },
)

/** When a file came to be under its location. */
function naming(events: readonly DiskEvent[], location: string): number {
  const named = events.findIndex((event) => 'from' in event && event.path === localPathOf(location))
  if (named === -1) throw new Error(`${location} never got its name`)
  return named
}

/** The sync that made a file's name durable. */
function durability(events: readonly DiskEvent[], location: string): number {
  const path = localPathOf(location)
  const named = naming(events, location)
  return events.findIndex((event, at) => at > named && event.kind === 'sync' && event.path === dirname(path))
}

function expectOrder(events: readonly DiskEvent[], files: readonly string[], warehouse: string): void {
  const pointer = events.findLastIndex(({ kind }) => kind === 'pointer')
  expect(pointer).toBeGreaterThan(-1)
  for (const location of files) {
    const path = localPathOf(location)
    const named = events.findIndex((event) => 'from' in event && event.path === path)
    const event = events[named]
    if (event === undefined || !('from' in event)) throw new Error(`${path} never got its name`)
    const bytes = events.findIndex((e) => e.kind === 'sync' && e.path === event.from)
    const folder = events.findIndex((e, at) => at > named && e.kind === 'sync' && e.path === dirname(path))
    expect(bytes, `${path}: its bytes`).toBeGreaterThan(-1)
    expect([bytes, named, folder, pointer], path).toEqual(
      [bytes, named, folder, pointer].toSorted((a, b) => a - b),
    )
    expectFoldersSynced(events.slice(0, pointer), dirname(path), warehouse)
  }
}

/** A file in a folder whose own name is not on the disk is lost with it. */
function expectFoldersSynced(events: readonly DiskEvent[], folder: string, warehouse: string): void {
  const onDisk = synced(events)
  for (let at = folder; at !== warehouse; at = dirname(at)) {
    expect(onDisk, `${at}: its name in its parent`).toContain(dirname(at))
  }
}
