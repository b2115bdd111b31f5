/** What commands share that show a plan, ask, and carry it out. */
import type { Command } from 'commander'
import type { MaintenanceProgress } from '../maintenance/plan.ts'
import { countText } from './cells.ts'
import type { Context } from './command-run.ts'
import { confirm } from './confirm.ts'
import { PartialFailure, UsageError } from './failure.ts'
import type { Terminal } from './terminal.ts'

export interface PlanRunOptions {
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** Adds `--dry-run` and `--yes`. */
export function withPlanOptions(command: Command): Command {
  return command.option('-n, --dry-run', 'only show what would be done').option('-y, --yes', 'do not ask')
}

/** UsageError when it is to be asked and nobody is there; called before anything takes long. */
export function checkAskable({ terminal }: Context, { dryRun, yes }: PlanRunOptions): void {
  if (dryRun === true || yes === true || terminal.isInteractive) return
  throw new UsageError('nobody is there to be asked', 'Pass --yes, or --dry-run to see what would be done.')
}

/** Asks, unless that is not wanted. PartialFailure for a no. */
async function ask({ terminal }: Context, { yes }: PlanRunOptions, question: string): Promise<void> {
  if (yes === true || (await confirm(terminal, question))) return
  terminal.note('Nothing was changed.\n')
  throw new PartialFailure()
}

/** Shorter work needs no line. Milliseconds. */
const PATIENCE = 500
const INTERVAL = 100
const CLEAR = '\r\x1B[2K'

interface MaintenanceLine {
  readonly update: (progress: MaintenanceProgress) => void
  /** Takes the line away. */
  readonly clear: () => void
}

/** `expire  1,260 of 3,000 files` on standard error, for a person, while it takes long. */
function maintenanceLine(terminal: Terminal, label: string): MaintenanceLine {
  if (terminal.errorWidth === null) return { update: () => undefined, clear: () => undefined }
  const started = performance.now()
  let drawn: number | null = null
  return {
    update({ unit, done, total }) {
      const now = performance.now()
      if (now - started < PATIENCE || (drawn !== null && now - drawn < INTERVAL)) return
      drawn = now
      const of = total === null ? '' : ` of ${countText(total)}`
      const text = `${label}  ${countText(done)}${of} ${unit}`
      // A line that wraps could not be taken away again.
      terminal.note(`${CLEAR}${text.slice(0, (terminal.errorWidth ?? 1) - 1)}`)
    },
    clear() {
      if (drawn !== null) terminal.note(CLEAR)
      drawn = null
    },
  }
}

/** A plan, and what is to be done with it. */
export interface PlannedWork<Result> {
  /** The plan itself, for programs. */
  readonly plan: object
  readonly isEmpty: boolean
  /** The plan lacks what somebody has to decide first: people are only shown it. Default: false. */
  readonly isUndecided?: boolean
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
  if (work.isUndecided === true && output.format === 'table') throw new PartialFailure()
  if (!work.isEmpty && work.isUndecided !== true) await ask(context, options, work.question)
  const line = maintenanceLine(terminal, work.label)
  let result: Result
  try {
    result = await work.execute(line.update)
  } finally {
    line.clear()
  }
  await work.print(result)
}
