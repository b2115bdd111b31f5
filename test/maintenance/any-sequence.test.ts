/**
 * Random sequences of writes, refs, rollbacks and every kind of upkeep, with changes of others between
 * a plan and its execution: every live snapshot reads its exact rows, and the store holds what is
 * reachable and nothing that was expired.
 */
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { test } from 'vitest'
import { temporaryFolder } from '../support/folders.ts'
import { localManagerWorld, openEngine } from '../support/manager-world.ts'
import { Run } from './any-sequence-run.ts'
import { beginning, rest, schema, tables } from './any-sequence-steps.ts'

const HOUR_MS = 3_600_000

test('any sequence: live snapshots keep their rows, dead files go', { timeout: 240_000 }, async () => {
  const folder = await temporaryFolder()
  const plane = await openEngine(folder)
  const world = await localManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
  let now = Date.now()
  const clock = { now: () => now, sleep: async () => {} }
  const manager = await world.openAside({ clock, retention: { minSnapshotsToKeep: 1 } })
  let count = 0
  try {
    await manager.createNamespace('any')
    await fc.assert(
      fc.asyncProperty(tables, beginning, rest, async (config, first, then) => {
        count += 1
        await manager.createTable({ namespace: 'any', name: `t${count}`, schema, ...config })
        const run = new Run(world, manager, `t${count}`)
        for (const { kind, change } of [...first, ...then]) {
          now += HOUR_MS
          if (kind === 'write') await run.writeOrRef(change)
          else await run.keepUp(change)
          await run.check()
        }
      }),
      { numRuns: 30 },
    )
  } finally {
    await manager.close()
    await plane.close()
  }
})
