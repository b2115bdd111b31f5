/** Operations for tables that are broken, or have to move; and whatever was planned before. */
import { parsePlanHead, type ExecuteOptions } from '../maintenance/plan.ts'
import { CompactionOperations } from './compaction-operations.ts'
import { executePlan, type Plan, type PlanResult } from './execute-plan.ts'

export abstract class RecoveryOperations extends CompactionOperations {
  /**
   * Carries out what a `plan…` method planned: at most what the plan names, on the table as it is by
   * then. A plan may be stored as JSON in between, and executed again after it was interrupted.
   *
   * InvalidArgumentError for what is no plan; CommitRejectedError when the table is another one than
   * it was made for; NoSuchTableError; otherwise as the operation itself.
   */
  execute<P extends Plan>(plan: P, options?: ExecuteOptions): Promise<PlanResult<P>>
  async execute(plan: Plan, options: ExecuteOptions = {}): Promise<unknown> {
    const { kind, table } = parsePlanHead(plan)
    return this.run('execute', { table, arguments: { kind } }, () => executePlan(this.runtime, plan, options))
  }
}
