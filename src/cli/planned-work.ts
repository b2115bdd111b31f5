/** How commands go that rewrite files: the plan is shown, somebody is asked, and then it is carried out. */
import type { MaintenanceProgress } from '../maintenance/plan.ts'
import type { Context } from './command-run.ts'
import { ask, maintenanceLine, type PlanRunOptions } from './plan-run.ts'

/** A plan, and what is to be done with it. */
export interface PlannedWork<Result> {
  /** The plan itself, for programs. */
  readonly plan: object
  readonly isEmpty: boolean
  /** Prints the plan for a person, or as lines of CSV. */
  readonly show: () => Promise<void>
  /** `Rewrite 12 files?` */
  readonly question: string
  /** What is being done, for the line of progress. */
  readonly label: string
  readonly execute: (onProgress: (progress: MaintenanceProgress) => void) => Promise<Result>
  readonly print: (result: Result) => Promise<void>
}

/** Shows, asks and does; with `--dry-run` only shows: as JSON the plan itself, which can be stored. */
export async function runPlan<Result>(
  context: Context,
  options: PlanRunOptions,
  work: PlannedWork<Result>,
): Promise<void> {
  const { terminal, output } = context
  if (options.dryRun === true && output.format === 'json') return output.document(work.plan)
  if (options.dryRun === true || (output.format === 'table' && !work.isEmpty)) await work.show()
  if (options.dryRun === true) return output.text('Nothing was changed.')
  if (!work.isEmpty) await ask(context, options, work.question)
  const line = maintenanceLine(terminal, work.label)
  let result: Result
  try {
    result = await work.execute(line.update)
  } finally {
    line.clear()
  }
  await work.print(result)
}
