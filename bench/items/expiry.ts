/**
 * Expiry of long histories and of many files: memory must not grow with either. The process may use a
 * heap of 40 MB, so that what is measured is what expiry needs, not how much garbage V8 lets wait.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { makeExpiryTable, type ExpiryShape } from '../expiry-history.ts'
import type { Figure } from '../figures.ts'
import type { World } from '../world.ts'

const HEAP = ['--max-old-space-size=40', '--max-semi-space-size=1']
const CHILD = fileURLToPath(new URL('../expiry-child.ts', import.meta.url))

/** What an expiry did, and what it took. */
export interface Expired {
  readonly ms: number
  /** Peak resident memory of the process. */
  readonly peakBytes: number
  readonly snapshots: number
  readonly files: number
  readonly manifests: number
}

/** Each snapshot lists what the last hundred have made. */
const history = (snapshots: number): ExpiryShape => ({
  snapshots,
  manifestsPerSnapshot: 1,
  filesPerManifest: 1,
  window: 100,
})

/** One snapshot of many files, replaced by the next. */
const wide = (manifests: number): ExpiryShape => ({
  snapshots: 2,
  manifestsPerSnapshot: manifests,
  filesPerManifest: 200,
  window: 1,
})

export async function expiry(world: World): Promise<readonly Figure[]> {
  const cases = [
    ...[1000, 3000, 10_000].map((count) => {
      const snapshots = world.amount(count, count / 100)
      return { name: `${snapshots} snapshots`, shape: history(snapshots) }
    }),
    ...[500, 5000].map((count) => {
      const manifests = world.amount(count, count / 100)
      return { name: `${manifests * 200} files in ${manifests} manifests`, shape: wide(manifests) }
    }),
  ]
  const done: { readonly name: string; readonly expired: Expired }[] = []
  for (const { name, shape } of cases) done.push({ name, expired: await measure(world, shape) })
  const peaks = done.map(({ expired }) => expired.peakBytes)
  return [
    ...done.flatMap(({ name, expired }): readonly Figure[] => [
      { name: `expiring ${name}`, unit: 'ms', ours: [expired.ms], goal: null },
      { name: `memory at most, expiring ${name}`, unit: 'MB', ours: [expired.peakBytes / 1e6], goal: null },
    ]),
    {
      name: 'the largest of these by the smallest',
      unit: '×',
      ours: [Math.max(...peaks) / Math.min(...peaks)],
      goal: { value: 1.2 },
    },
  ]
}

async function measure(world: World, shape: ExpiryShape): Promise<Expired> {
  const place = world.catalog()
  const manager = await world.open(place)
  await makeExpiryTable(manager, 'expiry', shape)
  await manager.close()
  const args = [...HEAP, CHILD, place.uri, place.warehouse, 'bench.expiry']
  const expired: Expired = JSON.parse(execFileSync(process.execPath, args).toString())
  const gone = shape.snapshots - 1
  if (expired.snapshots !== gone) throw new Error(`${expired.snapshots} snapshots expired, not ${gone}`)
  const kept = Math.min(shape.window, shape.snapshots)
  const manifests = (shape.snapshots - kept) * shape.manifestsPerSnapshot
  if (expired.manifests !== manifests || expired.files !== manifests * shape.filesPerManifest)
    throw new Error(`${expired.files} files in ${expired.manifests} manifests were deleted`)
  return expired
}
