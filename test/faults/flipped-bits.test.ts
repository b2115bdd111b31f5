/** Every single bit of what other writers' manifests and lists say, turned over: found out, or without effect. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeCodecs } from '../../src/compression.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { packedBlocks, readAvroHeader, unpackBlock } from '../../src/format/manifest/avro.ts'
import { FloebergError, t, table, type IcebergTableManager } from '../../src/index.ts'
import { memoryManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'
import { rowText } from '../support/observe.ts'
import { damage, flipped, TABLE } from './damage.ts'
import { aside } from './sweep.ts'

let root: string
let plane: DataPlane
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-bits-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

/** Four rows in two files that one manifest lists. */
async function someTable(world: ManagerWorld, codec: string): Promise<void> {
  await aside(world, async (manager) => {
    await manager.createNamespace('demo')
    const created = await manager.createTable({
      namespace: 'demo',
      name: 't',
      schema: table({ id: t.long().required(), text: t.string() }),
      properties: { 'write.avro.compression-codec': codec, 'commit.manifest.min-count-to-merge': '2' },
    })
    await manager.writeData(created, [{ id: 1n, text: 'one' }, { id: 2n }])
    await manager.writeData(created, [{ id: 3n }, { id: 4n }], { commitStrategy: 'merge_commit' })
  })
  for (const location of await metadataFiles(world)) await disownChecksum(world, location)
}

/** As other writers have it: the header does not say that the marker is a checksum. */
async function disownChecksum(world: ManagerWorld, location: string): Promise<void> {
  const bytes = Uint8Array.from(await world.store().get(location))
  const at = new TextDecoder('latin1').decode(bytes).indexOf('floeberg.sync-marker')
  expect(at).toBeGreaterThan(0)
  bytes.set(new TextEncoder().encode('somebody'), at)
  await world.store().put(location, bytes)
}

/** The current snapshot's manifest list and manifests. */
function metadataFiles(world: ManagerWorld): Promise<readonly string[]> {
  return aside(world, async (manager) => {
    const loaded = await manager.loadTable(TABLE)
    const manifests = await loaded.inspect.manifests()
    return [loaded.currentSnapshot?.['manifest-list'] ?? '', ...manifests.map(({ path }) => path)]
  })
}

/** What is read, and which deletes apply to it; the rows follow from that, and cost much more. */
async function planned(manager: IcebergTableManager): Promise<string> {
  const { tasks } = await (await manager.loadTable(TABLE)).scan().plan()
  const files = tasks.map(({ entry, deletes }) =>
    [entry, ...deletes].map(({ file }) => `${file.content} ${file.location} ${file.recordCount}`).join(', '),
  )
  return files.sort().join('\n')
}

async function scanned(manager: IcebergTableManager): Promise<string> {
  const rows = await (await manager.loadTable(TABLE)).scan().toArray()
  return rows.map(rowText).sort().join('\n')
}

/** What a read sees; null when it says what is wrong. */
async function seen(
  world: ManagerWorld,
  read: (manager: IcebergTableManager) => Promise<string>,
): Promise<string | null> {
  try {
    return await aside(world, read)
  } catch (error) {
    expect(error).toBeInstanceOf(FloebergError)
    return null
  }
}

/** Turns over each bit behind an Avro file's header in turn; `look` is told which. */
async function eachBit(
  world: ManagerWorld,
  location: string,
  look: (where: string) => Promise<void>,
): Promise<void> {
  const whole = await world.store().get(location)
  const body = readAvroHeader(whole, location).length
  for (let bit = body * 8; bit < whole.length * 8; bit += 1) {
    await damage(world, location, flipped(whole, bit))
    await look(`bit ${bit} of ${location}, ${whole.length} bytes, body at ${body}`)
  }
  await damage(world, location, whole)
}

describe.each(['gzip', 'uncompressed'])('manifests and lists without a checksum, %s', (codec) => {
  let world: ManagerWorld
  beforeAll(async () => {
    world = await memoryManagerWorld(root, plane)
    await someTable(world, codec)
  })

  test('a scan reads the rows that are there, or fails', async () => {
    const [plan, rows] = [await seen(world, planned), await seen(world, scanned)]
    expect([...(rows ?? '').matchAll(/"id":"(\d)n"/g)].map(([, id]) => Number(id))).toEqual([1, 2, 3, 4])
    for (const location of await metadataFiles(world)) {
      await eachBit(world, location, async (where) => {
        const damaged = await seen(world, planned)
        if (damaged === null || damaged === plan) return
        expect([null, rows], where).toContain(await seen(world, scanned))
      })
    }
  })

  test('expiry lets no file go that the table still has', async () => {
    const files = await aside(world, async (manager) => (await manager.loadTable(TABLE)).inspect.files())
    const live = files.map((file) => file.file_path).sort()
    // The first snapshot's own list and manifest.
    expect((await seen(world, leaving))?.split('\n')).toHaveLength(2)
    for (const location of await metadataFiles(world)) {
      await eachBit(world, location, async (where) => {
        const names = await seen(world, leaving)
        // A path with a letter changed is another file's: the table has lost the first already.
        const isManifest = !location.includes('/snap-')
        if (names === null || (isManifest && !(await isNaming(world, location, live)))) return
        expect(
          live.filter((path) => names.includes(path)),
          where,
        ).toEqual([])
      })
    }
  })
})

/** Whether a manifest has all of these paths somewhere, whatever it says of them. */
async function isNaming(world: ManagerWorld, file: string, paths: readonly string[]): Promise<boolean> {
  const bytes = await world.store().get(file)
  const header = readAvroHeader(bytes, file)
  const source = { file, codecs: nodeCodecs }
  const text = [...packedBlocks(bytes, header, file)]
    .map(({ data }) => Buffer.from(unpackBlock(data, header.codec, source)).toString('latin1'))
    .join('')
  return paths.every((path) => text.includes(path))
}

/** What would go if the first snapshot were expired. */
async function leaving(manager: IcebergTableManager): Promise<string> {
  const loaded = await manager.loadTable(TABLE)
  const snapshotIds = loaded.metadata.snapshots.slice(0, 1).map((snapshot) => snapshot['snapshot-id'])
  const plan = await manager.planExpireSnapshots(loaded, { snapshotIds, listFiles: true })
  return (plan.files?.names ?? []).join('\n')
}
