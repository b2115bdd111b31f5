/** The sweep of one world, operation by operation. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { openEngine, type ManagerWorld } from '../support/manager-world.ts'
import { SWEPT_OPERATIONS } from './operations.ts'
import type { FaultMode } from '../support/faults.ts'
import { rehearse, strike } from './sweep.ts'

type OpenWorld = (folder: string, plane: DataPlane) => Promise<ManagerWorld>

/** Each mode at each call; and from each call on, the store and the catalog down for good. */
export function sweepEveryOperation(open: OpenWorld, modes: readonly FaultMode[]): void {
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

  describe.each(SWEPT_OPERATIONS)('$method, $variant', (operation) => {
    test('a fault at any call leaves all of it or nothing', async () => {
      const world = await open(await mkdtemp(join(folder, 'world-')), plane)
      const rehearsal = await rehearse(world, operation)
      expect(rehearsal.after).not.toEqual(rehearsal.before)
      expect(rehearsal.calls.length).toBeGreaterThan(0)
      for (let at = 1; at <= rehearsal.calls.length; at += 1) {
        for (const mode of modes) {
          expect(await strike(world, operation, rehearsal, { mode, at }), `${mode} at ${at}`).toBe(true)
        }
        const goesDown = { mode: 'error-before', at, lasting: true } as const
        expect(await strike(world, operation, rehearsal, goesDown)).toBe(true)
      }
    })
  })
}
