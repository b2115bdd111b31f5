/** `floeberg orphans`: files in a table's folders that nothing reaches. */
import { Command, Option } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import { FloebergError } from '../../errors.ts'
import type { OrphanFilesResult } from '../../maintenance/execute-orphans.ts'
import type { OrphanFilesOptions } from '../../maintenance/orphan-files.ts'
import type { OrphanFilesPlan, PrefixMismatch } from '../../maintenance/orphan-plan.ts'
import { ageOptions } from '../age-syntax.ts'
import { bytesText, plural, timeText, type OutputColumn } from '../cells.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import type { Output } from '../output.ts'
import { checkAskable, runPlan, withPlanOptions, type PlannedWork, type PlanRunOptions } from '../plan-run.ts'
import type { Runner } from '../runner.ts'
import { listItems } from '../size-syntax.ts'

interface OrphansOptions extends PlanRunOptions {
  readonly olderThan?: string
  readonly allowRecent?: boolean
  readonly location?: string
  readonly prefixMismatch?: PrefixMismatch
  readonly equalSchemes?: readonly string[]
  readonly equalAuthorities?: readonly string[]
  readonly nearbyTables?: boolean
}

export function orphansCommand(run: Runner): Command {
  const command = new Command('orphans')
    .description(
      'delete files in a table’s folders that nothing reaches: leftovers of writes that were killed',
    )
    .argument('<table>', 'namespace.table')
    .option('--older-than <age or time>', '3d, 36h, 2026-01-31: younger files stay (default: 3d)')
    .option('--allow-recent', 'allow a limit of less than a day; only if nobody is writing to the table')
    .option('--location <folder>', 'look only here, within the table’s folders')
    .addOption(
      new Option(
        '--prefix-mismatch <what>',
        'a file that is reachable under another scheme or bucket name: refuse, let it stay, or delete it',
      ).choices(['error', 'ignore', 'delete']),
    )
    .option('--equal-schemes <names>', 'schemes that are one store: s3,cos; may be repeated', collect)
    .option('--equal-authorities <names>', 'buckets or hosts that are one; may be repeated', collect)
    .option('--nearby-tables', 'ask only tables whose folders overlap what they reach, not every one')
    .action(run(orphans))
  return withCommonOptions(
    withPlanOptions(command),
    'floeberg orphans demo.flights --older-than 3d --dry-run',
  )
}

async function orphans(context: Context, name: string, options: OrphansOptions): Promise<void> {
  const { signal } = context.terminal
  checkAskable(context, options)
  const choice = choiceOf(options)
  await withManager(context, 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal })
    const plan = await manager.planOrphanFiles(table, { ...choice, signal })
    await runPlan(context, options, orphanFilesWork(context, manager, name, plan))
  })
}

/** A removal of orphan files, shown, carried out and reported. */
export function orphanFilesWork(
  { terminal, output }: Context,
  manager: IcebergTableManager,
  name: string,
  plan: OrphanFilesPlan,
): PlannedWork<OrphanFilesResult> {
  return {
    plan,
    isEmpty: plan.items.length === 0,
    show: () => showPlan(output, name, plan),
    question: `Delete ${plural(plan.items.length, 'file')} (${bytesText(plan.bytes)})?`,
    label: 'deleting',
    execute: (onProgress) => manager.execute(plan, { signal: terminal.signal, onProgress }),
    print: (result) => printResult(output, name, result),
  }
}

function choiceOf(options: OrphansOptions): OrphanFilesOptions {
  return {
    ...ageOptions(options.olderThan, '--older-than'),
    allowRecentFiles: options.allowRecent === true,
    location: options.location,
    prefixMismatch: options.prefixMismatch,
    equalSchemes: options.equalSchemes?.map(listItems),
    equalAuthorities: options.equalAuthorities?.map(listItems),
    checkAllTables: options.nearbyTables !== true,
  }
}

const COLUMNS: readonly OutputColumn[] = [
  { name: 'file' },
  { name: 'size', align: 'right', show: bytesText },
  { name: 'last_modified' },
  { name: 'why' },
]

/** More of them are no help to a person. */
const SHOWN = 20

async function showPlan(output: Output, table: string, plan: OrphanFilesPlan): Promise<void> {
  const { items, locations, sharing } = plan
  const [folder = ''] = locations
  const place = (location: string): string =>
    location.startsWith(`${folder}/`) ? location.slice(folder.length + 1) : location
  const isTable = output.format === 'table'
  const rows = items.map(({ location, size, lastModified, reason }) => ({
    file: isTable ? place(location) : location,
    size,
    last_modified: lastModified,
    why: reason,
  }))
  if (!isTable) return output.list(COLUMNS, rows)
  if (rows.length > 0) {
    await output.list(COLUMNS, rows.slice(0, SHOWN))
    if (rows.length > SHOWN) await output.text(`… and ${plural(rows.length - SHOWN, 'more file')}`)
    await output.text('')
  }
  await output.text(
    `Looked in ${locations.join(', ')} for files older than ${timeText(Date.parse(plan.olderThan))}.`,
  )
  await output.text(
    items.length === 0
      ? `${table} has no orphan files.`
      : `${plural(items.length, 'file')} that nothing reaches, ${bytesText(plan.bytes)}.`,
  )
  if (sharing.tablesRead.length > 0) {
    await output.text(`Files of ${sharing.tablesRead.join(', ')} in the same folders stay.`)
  }
  if (sharing.tablesUnreadable.length > 0) {
    await output.text(`Broken, and elsewhere: ${sharing.tablesUnreadable.join(', ')}.`)
  }
  await output.text(sharing.note)
}

async function printResult(output: Output, table: string, result: OrphanFilesResult): Promise<void> {
  const { deletedFiles, deletedBytes, skipped, failure } = result
  if (output.format !== 'table') {
    const record = {
      table,
      deleted_files: deletedFiles,
      deleted_bytes: deletedBytes,
      skipped,
      failure:
        failure instanceof FloebergError ? failure.code : failure === null ? null : 'FLOEBERG_INTERNAL',
    }
    await output.record(
      Object.keys(record).map((name) => ({ name })),
      record,
    )
  } else {
    await output.text(
      deletedFiles === 0 && skipped.length === 0
        ? `${table} has no orphan files.`
        : `Deleted ${plural(deletedFiles, 'file')} of ${table} (${bytesText(deletedBytes)})`,
    )
    for (const [reason, group] of Map.groupBy(skipped, (one) => one.reason)) {
      await output.text(`${plural(group.length, 'file')} of the plan ${STAYED[reason]}`)
    }
  }
  if (failure !== null) throw failure
}

const STAYED = {
  reachable: 'stayed: some table has them by now.',
  changed: 'stayed: they were put again meanwhile.',
  gone: 'had gone meanwhile.',
  outside: 'stayed: they are not in the table’s folders.',
  failed: 'could not be deleted.',
} as const
