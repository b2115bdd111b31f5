/** Whatever a catalog's pointer leads to is on the disk before the pointer moves: bytes first, then names. */
import fs from 'node:fs'
import { stat } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync } from 'node:sqlite'
import { dirname } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { IcebergTableManager, t, table } from '../../src/index.ts'
import { localPathOf } from '../../src/storage/location.ts'
import { temporaryFolder } from '../support/folders.ts'
import { reachableFiles } from '../support/observe.ts'

type Event =
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'link' | 'rename'; readonly from: string; readonly path: string }
  | { readonly kind: 'pointer' }

/**
 * Records fsyncs, new names, and changes of the catalog's table, in the order in which they
 * are done. What is slow reaches the disk when all others had the time to go on.
 */
function recordDisk(isSlow: (path: string) => boolean = () => false): Event[] {
  const events: Event[] = []
  const { openSync, fsync, linkSync, renameSync } = fs
  const { open } = fs.promises
  const paths = new Map<number, string>()
  fs.openSync = (path, ...rest) => {
    const file = openSync(path, ...rest)
    paths.set(file, String(path))
    return file
  }
  const recordedSync = (file: number, done: fs.NoParamCallback): void =>
    fsync(file, (error) => {
      const path = paths.get(file) ?? ''
      const finish = (): void => {
        if (error === null) events.push({ kind: 'sync', path })
        done(error)
      }
      if (isSlow(path)) void whileOthersGoOn().then(finish)
      else finish()
    })
  Object.assign(fs, { fsync: recordedSync })
  fs.promises.open = async (path, ...rest) => {
    const handle = await open(path, ...rest)
    const sync = handle.sync.bind(handle)
    handle.sync = async () => {
      await sync()
      events.push({ kind: 'sync', path: String(path) })
    }
    return handle
  }
  fs.linkSync = (from, to) => {
    linkSync(from, to)
    events.push({ kind: 'link', from: String(from), path: String(to) })
  }
  fs.renameSync = (from, to) => {
    renameSync(from, to)
    events.push({ kind: 'rename', from: String(from), path: String(to) })
  }
  syncBuiltinESMExports()
  const spy = vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (
    this: DatabaseSync,
    ...args: Parameters<DatabaseSync['prepare']>
  ) {
    if (/^\s*(insert into|update) "?iceberg_tables/i.test(args[0])) events.push({ kind: 'pointer' })
    return prepare.apply(this, args)
  })
  onTestFinished(() => {
    Object.assign(fs, { openSync, fsync, linkSync, renameSync })
    fs.promises.open = open
    syncBuiltinESMExports()
    spy.mockRestore()
  })
  return events
}
const { prepare } = DatabaseSync.prototype

/** As long as a thousand turns of the thread pool take: a commit has a dozen. */
async function whileOthersGoOn(): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) await stat('.')
}

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
  checkOrder(events, afterCreate, `${folder}/wh`)

  await manager.writeData(created, [
    { id: 1n, kind: 'a' },
    { id: 2n, kind: 'b' },
  ])
  const written = (await reachableFiles(manager)).filter((file) => !afterCreate.includes(file))
  // Two data files, a manifest, a list, a metadata file.
  expect(written).toHaveLength(5)
  checkOrder(events, written, `${folder}/wh`)
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

test.each(slow.flatMap((late) => layouts.map((layout) => ({ late, ...layout }))))(
  'append of $layout: no metadata file gets its name while $late is not on the disk',
  async ({ late, partitionSpec }) => {
    const folder = await temporaryFolder()
    const events = recordDisk(kinds[late])
    const manager = await IcebergTableManager.open({
      catalog: { uri: `sqlite:///${folder}/catalog.db`, warehouse: `${folder}/wh` },
      scratchDir: `${folder}/scratch`,
    })
    onTestFinished(() => manager.close())
    await manager.createNamespace('demo')
    const schema = table({ id: t.long(), kind: t.string() })
    const created = await manager.createTable({ namespace: 'demo', name: 't', schema, partitionSpec })
    const before = await reachableFiles(manager)
    await manager.writeData(created, [{ id: 1n, kind: 'a' }])
    const written = (await reachableFiles(manager)).filter((file) => !before.includes(file))
    expect(written).toHaveLength(4)
    checkOrder(events, written, `${folder}/wh`)
    const metadata = written.find((file) => file.endsWith('.metadata.json'))
    if (metadata === undefined) throw new Error('no metadata file was written')
    const others = written.filter((file) => file !== metadata)
    const last = Math.max(...others.map((file) => durability(events, file)))
    expect(naming(events, metadata)).toBeGreaterThan(last)
  },
)

/** When a file came to be under its location. */
function naming(events: readonly Event[], location: string): number {
  const named = events.findIndex((event) => 'from' in event && event.path === localPathOf(location))
  if (named === -1) throw new Error(`${location} never got its name`)
  return named
}

/** The sync that made a file's name durable. */
function durability(events: readonly Event[], location: string): number {
  const path = localPathOf(location)
  const named = naming(events, location)
  return events.findIndex((event, at) => at > named && event.kind === 'sync' && event.path === dirname(path))
}

function checkOrder(events: readonly Event[], files: readonly string[], warehouse: string): void {
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
function expectFoldersSynced(events: readonly Event[], folder: string, warehouse: string): void {
  const synced = new Set(events.map((event) => (event.kind === 'sync' ? event.path : '')))
  for (let at = folder; at !== warehouse; at = dirname(at)) {
    expect(synced, `${at}: its name in its parent`).toContain(dirname(at))
  }
}
