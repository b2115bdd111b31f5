/** Operations that let go of what a table no longer needs. */
import {
  executeExpire,
  planExpire,
  type ExpireResult,
  type PlanExpireOptions,
} from '../maintenance/expire.ts'
import type { ExpirePlan } from '../maintenance/expire-plan.ts'
import type { ExecuteOptions } from '../maintenance/plan.ts'
import { handleOf, type Table } from '../table/table.ts'
import { SnapshotOperations } from './snapshot-operations.ts'

export abstract class RetentionOperations extends SnapshotOperations {
  /** What `expireSnapshots` would remove and delete, as a plan for `execute`. Changes nothing. */
  async planExpireSnapshots<In, Out>(
    table: Table<In, Out>,
    options: PlanExpireOptions = {},
  ): Promise<ExpirePlan> {
    const handle = handleOf(table)
    return this.run('planExpireSnapshots', { table: handle.identifier }, () =>
      planExpire(handle.state, options),
    )
  }

  /** Lets go of snapshots that have outlived themselves. */
  async expireSnapshots<In, Out>(
    table: Table<In, Out>,
    options: PlanExpireOptions & ExecuteOptions = {},
  ): Promise<ExpireResult> {
    const handle = handleOf(table)
    return this.run('expireSnapshots', { table: handle.identifier }, async () => {
      const plan = await planExpire(handle.state, options)
      const { result, table } = await executeExpire(handle.state, plan, options)
      handle.advance(table)
      return result
    })
  }
}
