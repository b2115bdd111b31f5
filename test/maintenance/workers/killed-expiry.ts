/** Executes a stored plan in a folder, and is killed at its n-th call. */
import { readFile } from 'node:fs/promises'
import { localManagerWorld, openEngine } from '../../support/manager-world.ts'
import { argumentsOf } from '../../support/worker.ts'

const [folder = '', file = '', mode = '', at = ''] = argumentsOf('folder', 'plan', 'mode', 'at')
if (mode !== 'kill-before' && mode !== 'kill-after') throw new Error(`No such mode: ${mode}`)
const plane = await openEngine(folder)
const world = await localManagerWorld(folder, plane)
const manager = await world.open()
world.controller.reset({ mode, at: Number(at) })
await manager.execute(JSON.parse(await readFile(file, 'utf8')))
await manager.close()
await plane.close()
