/** `floeberg execute`: carries out a plan of upkeep that was stored. */
import { Command } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import type { Plan } from '../../manager/execute-plan.ts'
import { identifierToString } from '../../table/identifier.ts'
import { withCommonOptions, withManager, type Access, type Context } from '../command-run.ts'
import { UsageError } from '../failure.ts'
import { readPlanDocument, STDIN } from '../plan-document.ts'
import { checkAskable, runPlan, withPlanOptions, type PlanRunOptions } from '../plan-run.ts'
import type { Runner } from '../runner.ts'
import { compactionWork } from './compact.ts'
import { expireWork } from './expire.ts'
import { orphanFilesWork } from './orphans.ts'
import { relocateWork } from './relocate.ts'
import { repairWork } from './repair.ts'
import { manifestsWork, positionDeletesWork } from './rewrite.ts'

const EXAMPLE = `floeberg execute plan.json --yes
  where plan.json is what a command of upkeep would do, for example:
    floeberg expire demo.flights --older-than 7d --dry-run --output json > plan.json`

export function executeCommand(run: Runner): Command {
  const command = new Command('execute')
    .description('carry out a stored plan of upkeep: at most what it names, on the table as it is by then')
    .argument('<plan>', 'file with what --dry-run --output json printed; - reads it from standard input')
    .action(run(execute))
  return withCommonOptions(withPlanOptions(command), EXAMPLE)
}

async function execute(context: Context, path: string, options: PlanRunOptions): Promise<void> {
  checkAskable(context, options)
  if (path === STDIN && options.dryRun !== true && options.yes !== true) {
    throw new UsageError('the plan comes from where the answer would come from', 'Pass --yes, or --dry-run.')
  }
  const plan = await readPlanDocument(path, context.terminal.signal)
  await withManager(context, accessFor(plan, options), (manager) => runAny(context, manager, options, plan))
}

/** A repair only moves the catalog's pointer. */
function accessFor({ kind }: Plan, { dryRun }: PlanRunOptions): Access {
  return dryRun === true || kind === 'repair' ? 'read' : 'write'
}

/** As the command that made the plan goes on with it. */
function runAny(
  context: Context,
  manager: IcebergTableManager,
  options: PlanRunOptions,
  plan: Plan,
): Promise<void> {
  const name = identifierToString(plan.table)
  switch (plan.kind) {
    case 'compact':
      return runPlan(context, options, compactionWork(context, manager, name, plan))
    case 'rewrite-manifests':
      return runPlan(context, options, manifestsWork(context, manager, name, plan))
    case 'rewrite-position-deletes':
      return runPlan(context, options, positionDeletesWork(context, manager, name, plan))
    case 'expire':
      return runPlan(context, options, expireWork(context, manager, name, plan))
    case 'orphans':
      return runPlan(context, options, orphanFilesWork(context, manager, name, plan))
    case 'repair':
      return runPlan(context, options, repairWork(context, manager, name, plan))
    case 'relocate':
      return runPlan(context, options, relocateWork(context, manager, name, plan))
  }
}
