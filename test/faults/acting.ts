/** A user of the library, up to the moment of the call that a fault is to strike. */
import type { IcebergTableManager } from '../../src/index.ts'
import type { ManagerWorld } from '../support/manager-world.ts'
import type { SweptOperation } from './operations.ts'

export interface Acting {
  readonly manager: IcebergTableManager
  /** Makes the call; again, if it is called again. */
  readonly run: () => Promise<unknown>
}

/** Opens a manager and gets the operation's table; calls are counted from here on. */
export async function startActing(world: ManagerWorld, operation: SweptOperation): Promise<Acting> {
  const manager = await world.open()
  const handle = await operation.handle?.(manager)
  const table = () => {
    if (handle === undefined) throw new Error('the operation has no handle')
    return handle
  }
  world.controller.reset()
  return { manager, run: () => operation.run({ manager, table, signal: world.controller.signal }) }
}
