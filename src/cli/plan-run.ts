/** How commands of upkeep go: the plan is shown, somebody is asked, and then it is carried out. */
import type { MaintenanceProgress } from '../maintenance/plan.ts'
import type { Context } from './command-run.ts'
import { confirm } from './confirm.ts'
import { PartialFailure, UsageError } from './failure.ts'
import { progressLine } from './progress.ts'

/** Options of every such command. */
export interface PlanRunOptions {
  readonly dryRun?: boolean
  readonly yes?: boolean
}

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

/** UsageError when nobody can be asked and nobody said yes beforehand. */
export function checkAskable({ terminal }: Context, { dryRun, yes }: PlanRunOptions): void {
  if (dryRun === true || yes === true || terminal.isInteractive) return
  throw new UsageError('nobody is there to be asked', 'Pass --yes, or --dry-run to only look.')
}

/** Shows, asks and does; with `--dry-run` only shows: as JSON the plan itself, which can be stored. */
export async function runPlan<Result>(
  context: Context,
  options: PlanRunOptions,
  work: PlannedWork<Result>,
): Promise<void> {
  const { terminal, output } = context
  if (options.dryRun === true && output.format === 'json') return output.document(work.plan)
  const isAsked = options.yes !== true && options.dryRun !== true && !work.isEmpty
  if (options.dryRun === true || (output.format === 'table' && !work.isEmpty)) await work.show()
  if (options.dryRun === true) return output.text('Nothing was changed.')
  if (isAsked && !(await confirm(terminal, work.question))) {
    terminal.note('Nothing was changed.\n')
    throw new PartialFailure()
  }
  const line = progressLine(terminal, work.label)
  let result: Result
  try {
    result = await work.execute(({ unit, done, total }) =>
      line.update({ rows: done, totalRows: total }, unit),
    )
  } finally {
    line.clear()
  }
  await work.print(result)
}
