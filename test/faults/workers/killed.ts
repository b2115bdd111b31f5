/** Prepares an operation of the sweep in a folder, runs it, and is killed at its n-th call. */
import { argumentsOf } from '../../support/worker.ts'
import { localManagerWorld, openEngine } from '../../support/manager-world.ts'
import { startActing } from '../acting.ts'
import { SWEPT_OPERATIONS } from '../operations.ts'

const [folder = '', method = '', variant = '', mode = '', at = ''] = argumentsOf(
  'folder',
  'method',
  'variant',
  'mode',
  'at',
)
if (mode !== 'kill-before' && mode !== 'kill-after') throw new Error(`No such mode: ${mode}`)
const operation = SWEPT_OPERATIONS.find((known) => known.method === method && known.variant === variant)
if (operation === undefined) throw new Error(`No such operation: ${method}, ${variant}`)
const plane = await openEngine(folder)
const world = await localManagerWorld(folder, plane)
const preparing = await world.openAside()
await operation.prepare(preparing)
await preparing.close()
const acting = await startActing(world, operation)
world.controller.reset({ mode, at: Number(at) })
await acting.run()
await acting.manager.close()
await plane.close()
