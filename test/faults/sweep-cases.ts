/** The sweep of one world, operation by operation. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { openEngine, type ManagerWorld } from '../support/manager-world.ts'
import type { SweptOperation } from './operations.ts'
import type { Call, Fault, FaultMode } from '../support/faults.ts'
import { rehearse, strike } from './sweep.ts'

type OpenWorld = (folder: string, plane: DataPlane) => Promise<ManagerWorld>

/** Each mode at each call; and from each call on, the store and the catalog down for good. */
export function sweepOperations(
  open: OpenWorld,
  operations: readonly SweptOperation[],
  modes: readonly FaultMode[],
): void {
  let folder: string
  let plane: DataPlane
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'floeberg-sweep-'))
    plane = await openEngine(folder)
  })
  afterAll(async () => {
    await plane.close()
    await rm(folder, { recursive: true })
  })

  describe.each(operations)('$method, $variant', (operation) => {
    test('a fault at any call leaves all of it or nothing', { timeout: 300_000 }, async () => {
      const world = await open(await mkdtemp(join(folder, 'world-')), plane)
      const rehearsal = await rehearse(world, operation)
      if (operation.inFilesOnly === true) expect(rehearsal.unreachedAfter).not.toBe(rehearsal.unreachedBefore)
      else expect(rehearsal.after).not.toEqual(rehearsal.before)
      expect(rehearsal.calls.length).toBeGreaterThan(0)
      for (let at = 1; at <= rehearsal.calls.length; at += 1) {
        for (const mode of modes) {
          expect(await strike(world, operation, rehearsal, { mode, at }), `${mode} at ${at}`).toBe(true)
        }
        for (const fault of worse(rehearsal.calls[at - 1], at)) {
          expect(await strike(world, operation, rehearsal, fault), JSON.stringify(fault)).toBe(true)
        }
      }
    })
  })
}

/** Everything is down from this call on; or this one's answer is lost, and nobody can ask how it ended. */
function worse(call: Call | undefined, at: number): readonly Fault[] {
  const down: Fault = { mode: 'error-before', at, lasting: true }
  if (call?.target !== 'catalog' || !call.mutates) return [down]
  const lost = (['error-after', 'lost', 'late'] as const).map((mode): Fault => ({
    mode,
    at,
    catalogDown: true,
  }))
  return [down, ...lost]
}
