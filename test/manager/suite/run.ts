/** Runs one case in a fresh world. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataPlane } from '../../../src/engine/data-plane.ts'
import type { ManagerWorld } from '../../support/manager-world.ts'
import type { ManagerCase } from './case.ts'
import { CLOSE_CASES } from './close.ts'
import { CREATE_CASES } from './create.ts'
import { READ_CASES } from './read.ts'
import { NAMESPACE_CASES, TABLE_CASES } from './tables.ts'
import { WRITE_CASES } from './write.ts'

export const MANAGER_CASES: readonly ManagerCase[] = [
  ...CREATE_CASES,
  ...TABLE_CASES,
  ...NAMESPACE_CASES,
  ...WRITE_CASES,
  ...READ_CASES,
  ...CLOSE_CASES,
]

export type OpenWorld = (folder: string, plane: DataPlane) => Promise<ManagerWorld>

/** In a folder of its own below `root`, which the engine may use. */
export async function runCase(
  managerCase: ManagerCase,
  open: OpenWorld,
  root: string,
  plane: DataPlane,
): Promise<void> {
  const folder = await mkdtemp(join(root, 'case-'))
  const filesDir = join(folder, 'files')
  await mkdir(filesDir)
  const world = { ...(await open(folder, plane)), filesDir }
  const manager = await world.open()
  try {
    await managerCase.run(manager, world)
  } finally {
    await manager.close()
    await rm(folder, { recursive: true })
  }
}
