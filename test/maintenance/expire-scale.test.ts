/** Many files under a heap that could not hold their names; killed in the middle, and taken up again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeExpiryTable } from '../../bench/expiry-history.ts'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { openEngine } from '../support/manager-world.ts'
import { NODE, startCommand, type ProcessResult } from '../support/processes.ts'
import { ExpiryWorld } from './expiring.ts'

const MANIFESTS = 300
const FILES = 90_000
/** Of which the process takes about half before it begins. */
const HEAP_MB = 32

let root: string
let plane: DataPlane
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-expire-scale-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

test('tens of thousands of files expire in little memory, killed once', { timeout: 120_000 }, async () => {
  const world = await ExpiryWorld.make(root, plane)
  const manager = await world.openAside()
  await makeExpiryTable(manager, 'wide', {
    snapshots: 2,
    manifestsPerSnapshot: MANIFESTS,
    filesPerManifest: FILES / MANIFESTS,
    window: 1,
  })
  const tbl = await manager.loadTable('bench.wide')
  const plan = await manager.planExpireSnapshots(tbl, { olderThanDays: 0 })
  expect(plan.files?.totals).toMatchObject({ dataFiles: { count: FILES }, manifests: { count: MANIFESTS } })
  await writeFile(join(world.folder, 'plan.json'), JSON.stringify(plan))

  const killed = await inChild(world, FILES / 3)
  expect(killed, killed.stderr).toMatchObject({ signal: 'SIGKILL' })
  await tbl.refresh()
  expect(tbl.metadata.snapshots).toHaveLength(1)
  expect(await world.world.objects()).toContain(plan.fileList)

  const resumed = await inChild(world, Number.POSITIVE_INFINITY)
  expect(resumed, resumed.stderr).toMatchObject({ exitCode: 0 })
  // Those that were gone already are gone.
  expect(JSON.parse(resumed.stdout)).toMatchObject({ dataFiles: { count: FILES } })
  const left = (await world.world.objects()).filter((file) => !file.endsWith('.metadata.json'))
  expect(left.filter((file) => /-m\d+\.avro$/.test(file))).toHaveLength(MANIFESTS)
  expect(left).toHaveLength(MANIFESTS + 1)
  await manager.close()
})

/** Under a small heap; killed when so many files are deleted. */
function inChild(world: ExpiryWorld, most: number): Promise<ProcessResult> {
  const worker = fileURLToPath(new URL('./workers/executed-plan.ts', import.meta.url))
  const args = [worker, world.folder, join(world.folder, 'plan.json'), String(most)]
  return startCommand([NODE, `--max-old-space-size=${HEAP_MB}`, '--max-semi-space-size=1', ...args]).result
}
