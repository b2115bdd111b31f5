/** Tables that move: the same rows, at every snapshot, from another place, and nothing left that leads back. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import {
  CommitConflictError,
  CorruptFileError,
  InvalidArgumentError,
  OperationAbortedError,
  t,
  table,
  TableAlreadyExistsError,
  UnsupportedFeatureError,
  type IcebergTableManager,
  type Table,
} from '../../src/index.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { collect } from '../../src/testing/case.ts'
import { readAvroFile } from '../support/avro.ts'
import { localManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'
import { localPath, plainMetadata, PlainReader, reachableFiles } from '../support/reachable.ts'

const ID = 'demo.events'
const events = table({ id: t.long().required(), kind: t.string() })
const rows = (...ids: readonly bigint[]) => ids.map((id) => ({ id, kind: `k${id % 2n}` }))
const WIDE = Array.from({ length: 2000 }, (_, id) => BigInt(id))

let root: string
let plane: DataPlane
let world: ManagerWorld
let manager: IcebergTableManager
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-relocate-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})
beforeEach(async () => {
  world = await localManagerWorld(await mkdtemp(join(root, 'world-')), plane)
  manager = await world.openAside()
  await manager.createNamespace('demo')
  return () => manager.close()
})

/** Appends, position deletes of several files in one, an overwrite, a tag, another spec and schema. */
async function livedInTable(properties: Readonly<Record<string, string>> = {}): Promise<Table> {
  const created = await manager.createTable({
    namespace: 'demo',
    name: 'events',
    schema: events,
    partitionSpec: [{ source: 'kind' }],
    properties: {
      'write.delete.mode': 'merge-on-read',
      'write.delete.granularity': 'partition',
      ...properties,
    },
  })
  await manager.writeData(created, rows(...WIDE))
  await manager.writeData(created, rows(...WIDE.map((id) => id + 2000n)))
  await manager.deleteRows(created, 'id in (0, 1, 2000, 2001, 2003)')
  const evolved = await manager.loadTable(ID)
  await manager.evolveSchema(evolved, [{ type: 'add_column', name: 'at', fieldType: 'timestamp' }])
  await manager.evolvePartitionSpec(evolved, [{ type: 'remove_field', field: 'kind' }])
  await manager.writeData(evolved, [{ id: 9000n, kind: 'new' }])
  await manager.writeData(evolved, [{ id: 1n, kind: 'again' }], {
    mode: 'overwrite',
    overwriteFilter: 'id < 4',
  })
  return manager.loadTable(ID)
}

/** Rows of every snapshot, as text. */
async function history(of: Table): Promise<readonly (readonly string[])[]> {
  const all: (readonly string[])[] = []
  for (const snapshot of of.metadata.snapshots) {
    const found = await of.scan({ snapshotId: snapshot['snapshot-id'] }).toArray()
    all.push(
      found
        .map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}` : value)))
        .sort(),
    )
  }
  return all
}

const place = (name: string): string => toFileUri(join(root, 'elsewhere', `${name}-${crypto.randomUUID()}`))

/** Whatever the new place's files say of the old one: nothing is to be found, by other decoders than ours. */
async function mentionsOf(old: string, metadataLocation: string): Promise<readonly string[]> {
  const found: string[] = []
  const look = (where: string, what: unknown): void => {
    const text = JSON.stringify(what, (_, value) => {
      if (typeof value === 'bigint') return value.toString()
      return value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value
    })
    if (text.includes(localPath(old))) found.push(where)
  }
  look('metadata', await readFile(localPath(metadataLocation), 'utf8'))
  const metadata = await plainMetadata(metadataLocation)
  const reader = new PlainReader()
  for (const snapshot of metadata.snapshots ?? []) {
    look('list', (await readAvroFile(localPath(snapshot['manifest-list']))).records)
    for (const manifest of await reader.manifests(snapshot)) {
      look('manifest', (await readAvroFile(localPath(String(manifest['manifest_path'])))).records)
    }
  }
  return found
}

describe('to another folder', () => {
  test('every snapshot has its rows from the new place alone, and the source is as it was', async () => {
    const source = await livedInTable()
    const [before, old, oldFiles] = [await history(source), source.location, await world.objects()]
    const to = place('moved')
    const plan = await manager.planRelocate(source, { to })
    expect(plan).toMatchObject({
      kind: 'relocate',
      to,
      roots: [{ from: old, to }],
      registration: 'replace',
      snapshots: 5,
      files: { positionDeleteFiles: { count: 4 } },
    })
    const done: number[] = []
    const result = await manager.execute(JSON.parse(JSON.stringify(plan)) as typeof plan, {
      onProgress: (progress) => done.push(progress.done),
    })
    expect(result).toMatchObject({ location: to, table: { name: 'events' }, reusedFiles: 0 })
    expect(done).toEqual(done.map((_, at) => at + 1))
    expect(await world.objects()).toEqual(oldFiles)

    const moved = await manager.loadTable(ID)
    expect(moved).toMatchObject({
      location: to,
      uuid: source.uuid,
      metadataLocation: result.metadataLocation,
    })
    expect(await mentionsOf(old, result.metadataLocation)).toEqual([])
    const there = (await collect(new LocalObjectStore().list(`${to}/`)))
      .map(({ location }) => location)
      .sort()
    expect(there).toEqual(await reachableFiles(result.metadataLocation))
    await new LocalObjectStore().delete(oldFiles)
    expect(await history(await manager.loadTable(ID))).toEqual(before)
    await manager.writeData(moved, rows(7n))
    expect((await manager.loadTable(ID)).metadata['metadata-log']).toHaveLength(1)
  })
})
