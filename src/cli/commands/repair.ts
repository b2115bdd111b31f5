/** `floeberg repair`: brings back a table whose newest metadata file is missing or damaged. */
import { Command } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import type { RepairPlan, TableVersion } from '../../maintenance/repair-plan.ts'
import type { RepairResult } from '../../maintenance/repair.ts'
import { toFileUri } from '../../storage/location.ts'
import { countText, type OutputColumn } from '../cells.ts'
import { withCommonOptions, withManager, type Context } from '../command-run.ts'
import type { Output } from '../output.ts'
import { checkAskable, runPlan, withPlanOptions, type PlannedWork, type PlanRunOptions } from '../plan-run.ts'
import type { Runner } from '../runner.ts'

interface RepairOptions extends PlanRunOptions {
  readonly to?: string
}

export function repairCommand(run: Runner): Command {
  const command = new Command('repair')
    .description('point the catalog back to an earlier version of a table that cannot be read any more')
    .argument('<table>', 'namespace.table')
    .option(
      '--to <metadata-location>',
      'full path or URI of the version to go back to (default: the newest that is certain)',
    )
    .action(run(repair))
  return withCommonOptions(withPlanOptions(command), 'floeberg repair demo.flights --dry-run')
}

async function repair(context: Context, name: string, options: RepairOptions): Promise<void> {
  const { signal } = context.terminal
  checkAskable(context, options)
  await withManager(context, 'read', async (manager) => {
    const { to } = options
    const metadataLocation = to === undefined || /^[a-z][a-z0-9+.-]+:/i.test(to) ? to : toFileUri(to)
    const plan = await manager.planRepair(name, { metadataLocation, signal })
    await runPlan(context, options, repairWork(context, manager, name, plan))
  })
}

/** A repair, shown, carried out and reported. */
export function repairWork(
  { terminal, output }: Context,
  manager: IcebergTableManager,
  name: string,
  plan: RepairPlan,
): PlannedWork<RepairResult> {
  return {
    plan,
    isEmpty: false,
    isUndecided: plan.target === null,
    show: () => showPlan(output, name, plan),
    question: `Go back to ${fileName(plan.target?.location ?? '')}?`,
    label: 'repairing',
    execute: () => manager.execute(plan, { signal: terminal.signal }),
    print: (result) => printResult(output, name, result),
  }
}

const COLUMNS: readonly OutputColumn[] = [
  { name: 'version' },
  { name: 'updated_at', none: '?' },
  { name: 'snapshot', align: 'right', none: '?' },
  { name: 'rows', align: 'right', none: '?', show: countText },
  { name: 'known_by' },
  { name: 'standing' },
  { name: 'problem', none: '' },
]

async function showPlan(output: Output, table: string, plan: RepairPlan): Promise<void> {
  const isTable = output.format === 'table'
  const rows = plan.versions.map((version) => rowOf(version, isTable))
  await output.list(COLUMNS, rows)
  if (!isTable) return
  const { broken, target, targetProblems } = plan
  await output.text(`\n${table} cannot be read: ${broken.location} is ${broken.problem}.`)
  if (target === null) {
    await output.text(
      `No version is certain. Choose one of these, and name it: floeberg repair ${table} --to …`,
    )
    return
  }
  await output.text(`It would go back to ${target.location}.`)
  if (target.standing !== 'committed') {
    await output.text('Whether that was ever committed is not known: it may be of a write that failed.')
  }
  await output.text('What was committed since is given up; no file is deleted.')
  for (const file of targetProblems)
    await output.text(`That version lacks ${file}: some rows cannot be read.`)
}

function rowOf(version: TableVersion, isTable: boolean) {
  const { location, updatedAt, snapshotId, totalRecords, source, standing, problem } = version
  return {
    version: isTable ? fileName(location) : location,
    updated_at: updatedAt,
    snapshot: snapshotId,
    rows: totalRecords,
    known_by: source,
    standing,
    problem,
  }
}

function fileName(location: string): string {
  return location.slice(location.lastIndexOf('/') + 1)
}

async function printResult(output: Output, table: string, result: RepairResult): Promise<void> {
  if (output.format === 'table') {
    await output.text(`${table} is back at ${result.metadataLocation}`)
    return
  }
  const record = {
    table,
    metadata_location: result.metadataLocation,
    previous_location: result.previousLocation,
    snapshot_id: result.snapshotId,
  }
  await output.record(
    Object.keys(record).map((name) => ({ name })),
    record,
  )
}
