/** `floeberg expire`: lets go of old snapshots and of the files that only they need. */
import { Command } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import type { ExpireResult } from '../../maintenance/expire.ts'
import type { ExpirePlan } from '../../maintenance/expire-plan.ts'
import type { PlanExpireOptions } from '../../maintenance/plan-expire.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { parseDuration } from '../duration-syntax.ts'
import { expireQuestion, isEmptyPlan, printExpired, showExpirePlan } from '../expire-report.ts'
import { checkAskable, runPlan, withPlanOptions, type PlannedWork, type PlanRunOptions } from '../plan-run.ts'
import type { Runner } from '../runner.ts'
import { parseWhole } from '../size-syntax.ts'

interface ExpireOptions extends PlanRunOptions {
  readonly olderThan?: string
  readonly keepLast?: number
  readonly snapshotId?: readonly string[]
  readonly metadataOnly?: boolean
  readonly cleanMetadata?: boolean
  readonly listFiles?: boolean
}

export function expireCommand(run: Runner): Command {
  const command = new Command('expire')
    .description('let go of old snapshots, and delete the files that only they need')
    .argument('<table>', 'namespace.table')
    .option(
      '--older-than <age or time>',
      '7d, 12h, 2026-01-31 (default: what branches, the table or the settings say; 7d at last)',
    )
    .option(
      '--keep-last <n>',
      'so many of each branch stay, whatever their age, where nothing else asks for more',
      parseWhole,
    )
    .option('--snapshot-id <id>', 'this snapshot, whatever its age; may be repeated', collect)
    .option('--metadata-only', 'delete no file')
    .option('--clean-metadata', 'also remove schemas and partition specs that nothing uses any more')
    .option('--list-files', 'name every file that would be deleted')
    .action(run(expire))
  return withCommonOptions(
    withPlanOptions(command),
    'floeberg expire demo.flights --older-than 7d --keep-last 10 --dry-run',
  )
}

async function expire(context: Context, name: string, options: ExpireOptions): Promise<void> {
  const { terminal } = context
  checkAskable(context, options)
  const choice = { ...choiceOf(options), signal: terminal.signal }
  await withManager(context, options.dryRun === true ? 'read' : 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal: terminal.signal })
    const plan = await manager.planExpireSnapshots(table, choice)
    await runPlan(context, options, expireWork(context, manager, name, plan))
  })
}

/** An expiry, shown, carried out and reported. */
export function expireWork(
  { terminal, output }: Context,
  manager: IcebergTableManager,
  name: string,
  plan: ExpirePlan,
): PlannedWork<ExpireResult> {
  return {
    plan,
    isEmpty: isEmptyPlan(plan),
    show: () => showExpirePlan(output, name, plan),
    question: expireQuestion(name, plan),
    label: 'expire',
    execute: (onProgress) => manager.execute(plan, { signal: terminal.signal, onProgress }),
    print: (result) => printExpired(output, name, result),
  }
}

function choiceOf(options: ExpireOptions): PlanExpireOptions {
  return {
    ...cutOffOf(options.olderThan),
    keepLast: options.keepLast,
    snapshotIds: options.snapshotId,
    cleanExpiredFiles: options.metadataOnly !== true,
    cleanExpiredMetadata: options.cleanMetadata === true,
    listFiles: options.listFiles === true,
  }
}

/** An age or a time: one begins with a number and a unit, the other with a year. */
function cutOffOf(text: string | undefined): Pick<PlanExpireOptions, 'olderThan'> {
  if (text === undefined) return {}
  if (/^\d{4}-/.test(text)) return { olderThan: text }
  return { olderThan: new Date(Date.now() - parseDuration(text, '--older-than')) }
}
