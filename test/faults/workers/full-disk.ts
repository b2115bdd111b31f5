/**
 * Works in a folder that holds few bytes. Each scenario checks by itself that a write which fails
 * leaves the table as it was and nothing behind; the last line of output says how the writes ended.
 */
import { deepStrictEqual, ok } from 'node:assert/strict'
import { link, readdir, statfs, truncate, writeFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  FloebergError,
  IcebergTableManager,
  t,
  table,
  type RowIn,
  type RowOut,
  type Table,
} from '../../../src/index.ts'
import { LocalObjectStore } from '../../../src/storage/local.ts'
import { toFileUri } from '../../../src/storage/location.ts'
import { createFileAccess } from '../../../src/storage/staging.ts'
import { collect } from '../../../src/testing/case.ts'
import { observe } from '../../support/observe.ts'
import { argumentsOf } from '../../support/worker.ts'

const [scenario = '', small = '', large = '', source = ''] = argumentsOf(
  'scenario',
  'small',
  'large',
  'source',
)

const COLUMNS = table({ id: t.long(), text: t.string() })

interface Place {
  readonly manager: IcebergTableManager
  readonly scratchDir: string
  readonly table: Table<RowIn<typeof COLUMNS>, RowOut<typeof COLUMNS>>
  readonly warehouse: string
}

interface PlaceOptions {
  readonly memoryLimitBytes?: number
  readonly sorted?: boolean
  /** One partition for each id. */
  readonly partitioned?: boolean
}

async function openPlace(folder: string, scratchDir: string, options: PlaceOptions = {}): Promise<Place> {
  const { memoryLimitBytes, sorted = false, partitioned = false } = options
  const warehouse = join(folder, 'wh')
  const manager = await IcebergTableManager.open({
    catalog: { uri: `sqlite:///${folder}/catalog.db`, warehouse },
    engine: { threads: 2, ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }) },
    scratchDir,
  })
  await manager.createNamespace('demo')
  const created = await manager.createTable({
    namespace: 'demo',
    name: 't',
    schema: COLUMNS,
    partitionSpec: partitioned ? [{ source: 'id' }] : [],
    sortOrder: sorted ? [{ source: 'text' }] : [],
  })
  await manager.writeData(created, [{ id: 1n, text: 'first' }])
  return { manager, table: created, warehouse, scratchDir }
}

async function files(place: Place): Promise<readonly string[]> {
  const store = new LocalObjectStore()
  const prefix = `${toFileUri(place.warehouse)}/`
  const found = [...(await collect(store.list(prefix))), ...(await collect(store.listTemporary(prefix)))]
  const scratch = await readdir(place.scratchDir, { recursive: true, withFileTypes: true })
  const inScratch = scratch.filter((entry) => entry.isFile()).map((entry) => `scratch ${entry.name}`)
  return [...found.map(({ location }) => location), ...inScratch].sort()
}

/** `ok`, or the code of the error after which everything has to be as before. */
async function attempt(
  place: Place,
  write: () => Promise<unknown>,
  afterwards = async () => {},
): Promise<string> {
  const [before, there] = [await observe(place.manager), await files(place)]
  try {
    await write()
    return 'ok'
  } catch (error) {
    ok(error instanceof FloebergError, `not a typed error: ${String(error)}`)
    await afterwards()
    deepStrictEqual(await observe(place.manager), before)
    deepStrictEqual(await files(place), there)
    return error.code
  }
}

async function bigThenSmall(place: Place): Promise<readonly string[]> {
  const { manager } = place
  const ends = [
    await attempt(place, () => manager.writeData(place.table, { parquet: source })),
    await attempt(place, () => manager.writeData(place.table, [{ id: 2n, text: 'second' }])),
  ]
  await manager.close()
  return ends
}

const SCENARIOS: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  /** Data that the warehouse's disk cannot hold; then some that it can. */
  warehouse: async () => bigThenSmall(await openPlace(small, join(large, 'scratch'))),
  /** The same of rows that are sorted on their way. */
  sorted: async () => bigThenSmall(await openPlace(small, join(large, 'scratch'), { sorted: true })),
  moved: adoptFromOtherDisk,
  /** Rows that have to be sorted outside of memory, with nowhere to put them. */
  spill: async () =>
    bigThenSmall(
      await openPlace(large, join(small, 'scratch'), { sorted: true, memoryLimitBytes: 180 * 2 ** 20 }),
    ),
  lastFile: overwriteWithLastFileMissing,
  /** As many free blocks as a commit needs, from none on: each of its writes is the one that fails. */
  async lastBlocks() {
    const place = await openPlace(small, join(large, 'scratch'))
    const filler = join(small, 'filler')
    const ends: string[] = []
    for (let free = 0; free < 16; free += 1) {
      await fillUp(filler, free)
      const write = () => place.manager.writeData(place.table, [{ id: BigInt(free), text: 'more' }])
      ends.push(await attempt(place, write, () => rm(filler)))
      await rm(filler, { force: true })
    }
    await place.manager.close()
    return ends
  },
}

/** Finished files that are brought there from another disk: one that is too large, and one that fits. */
async function adoptFromOtherDisk(): Promise<readonly string[]> {
  const store = new LocalObjectStore()
  const prefix = `${toFileUri(small)}/data/`
  const access = createFileAccess(store, { scratchDir: join(large, 'scratch') })
  const scratch = await access.scratch()
  const there = async (): Promise<readonly string[]> =>
    [...(await collect(store.list(prefix))), ...(await collect(store.listTemporary(prefix)))].map(
      ({ location }) => location,
    )
  const [big, little] = [join(scratch.path, 'big'), join(scratch.path, 'little')]
  await link(source, big)
  await writeFile(little, 'little')
  const failing = await access.adopt?.(big, `${prefix}big`)
  const failure: unknown = await failing?.commit().catch((error: unknown) => error)
  ok(failure instanceof FloebergError, `not a typed error: ${String(failure)}`)
  await failing?.discard()
  deepStrictEqual(await there(), [])
  await (await access.adopt?.(little, `${prefix}little`))?.commit()
  deepStrictEqual(await there(), [`${prefix}little`])
  deepStrictEqual(await readdir(scratch.path), [])
  await scratch.remove()
  return [failure.code, 'ok']
}

const PARTITIONS = 1000

/** An overwrite by a thousand files of a block each, where there is room for all but the last. */
async function overwriteWithLastFileMissing(): Promise<readonly string[]> {
  const place = await openPlace(small, join(large, 'scratch'), { partitioned: true })
  const rows = Array.from({ length: PARTITIONS }, (_, id) => ({ id: BigInt(id), text: 'new' }))
  const filler = join(small, 'filler')
  await fillUp(filler, PARTITIONS - 1)
  const overwrite = () => place.manager.writeData(place.table, rows, { mode: 'overwrite' })
  const ends = [await attempt(place, overwrite, () => rm(filler)), await attempt(place, overwrite)]
  await place.manager.close()
  return ends
}

async function fillUp(path: string, freeBlocks: number): Promise<void> {
  const { bavail, bsize } = await statfs(small)
  await writeFile(path, new Uint8Array(Math.max(0, bavail - freeBlocks) * bsize))
  await truncate(path, Math.max(0, bavail - freeBlocks) * bsize)
}

const run = SCENARIOS[scenario]
if (run === undefined) throw new Error(`No such scenario: ${scenario}`)
console.log(JSON.stringify(await run()))
