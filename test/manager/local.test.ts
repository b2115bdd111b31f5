/** The manager's behaviour on SQLite and the local disk. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { localManagerWorld, openEngine } from '../support/manager-world.ts'
import { MANAGER_CASES, runCase } from './suite/run.ts'

let root: string
let plane: DataPlane
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-manager-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

test.each(MANAGER_CASES.filter(({ manyCommits }) => manyCommits !== true))('$name', async (managerCase) => {
  await expect(runCase(managerCase, localManagerWorld, root, plane)).resolves.toBeUndefined()
})
