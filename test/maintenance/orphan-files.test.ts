/** Orphan files: what nothing reaches goes when it is old enough, and nothing else. */
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import {
  CommitRejectedError,
  CorruptFileError,
  InvalidArgumentError,
  InvalidLocationError,
  t,
  table,
  type IcebergTableManager,
  type OrphanFilesPlan,
  type Table,
} from '../../src/index.ts'
import { localPathOf } from '../../src/storage/location.ts'
import {
  localManagerWorld,
  memoryManagerWorld,
  openEngine,
  type ManagerWorld,
} from '../support/manager-world.ts'
import { localPath, reachableFiles } from '../support/reachable.ts'

const events = table({ id: t.long().required(), kind: t.string() })
const rows = (...ids: readonly bigint[]) => ids.map((id) => ({ id, kind: `k${id % 2n}` }))
const EVERYTHING = { olderThan: { days: 0 }, allowRecentFiles: true } as const

let root: string
let plane: DataPlane
let world: ManagerWorld
let manager: IcebergTableManager
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-orphans-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

async function newTable(name = 'events', properties: Readonly<Record<string, string>> = {}): Promise<Table> {
  await manager.createNamespace('demo').catch(() => undefined)
  const created = await manager.createTable({
    namespace: 'demo',
    name,
    schema: events,
    partitionSpec: [{ source: 'kind' }],
    properties,
  })
  await manager.writeData(created, rows(1n, 2n))
  await manager.writeData(created, rows(3n, 4n))
  return manager.loadTable(`demo.${name}`)
}

/** Puts something below the table that nothing reaches. */
async function stray(of: Table, path: string, days = 0): Promise<string> {
  const location = `${of.location}/${path}`
  await world.store().put(location, new Uint8Array(10))
  if (days > 0) await age(location, days)
  return location
}

async function age(location: string, days: number): Promise<void> {
  const then = new Date(Date.now() - days * 86_400_000)
  await utimes(localPathOf(location), then, then)
}

const locations = (plan: OrphanFilesPlan): readonly string[] =>
  plan.items.map(({ location }) => location).sort()

describe('on the local disk', () => {
  beforeEach(async () => {
    world = await localManagerWorld(await mkdtemp(join(root, 'local-')), plane)
    manager = await world.openAside()
    return () => manager.close()
  })

  test('without the age guard, what stays is what an independent walk reaches', async () => {
    const events = await newTable('events', {
      'write.metadata.previous-versions-max': '2',
      'write.delete.mode': 'merge-on-read',
    })
    await manager.deleteRows(events, 'id = 1')
    await manager.writeData(events, rows(9n), { mode: 'overwrite' })
    for (const path of [
      'data/kind=k0/stray.parquet',
      'metadata/stray-m0.avro',
      'deep/er/x',
      'data/%20 ü.parquet',
    ])
      await stray(events, path)
    const before = await world.objects()
    const result = await manager.removeOrphanFiles(events, EVERYTHING)
    const reachable = await reachableFiles(events.metadataLocation ?? '')
    expect(await world.objects()).toEqual(reachable)
    expect(result).toMatchObject({
      deletedFiles: before.length - reachable.length,
      skipped: [],
      failure: null,
    })
    expect(await events.scan().toArray()).toEqual(rows(9n))
    expect((await manager.planOrphanFiles(events, EVERYTHING)).items).toEqual([])
  })

  test('files of three days and more go by default, younger ones stay', async () => {
    const events = await newTable()
    const old = await stray(events, 'data/old.parquet', 3.01)
    await stray(events, 'data/young.parquet', 2.99)
    const plan = await manager.planOrphanFiles(events)
    expect(locations(plan)).toEqual([old])
    expect(plan).toMatchObject({ kind: 'orphans', bytes: 10, items: [{ size: 10, reason: 'unreachable' }] })
    expect(await manager.execute(plan)).toMatchObject({ deletedFiles: 1, deletedBytes: 10, skipped: [] })
    expect(await world.objects()).not.toContain(old)
    expect(await world.objects()).toContain(`${events.location}/data/young.parquet`)
  })
})
