/** `floeberg relocate`: a table's files to another folder or store. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import type { RelocateResult } from '../../maintenance/execute-relocate.ts'
import type { RelocatePlan, RelocationTotals } from '../../maintenance/relocate-plan.ts'
import { toFileUri } from '../../storage/location.ts'
import { identifierToString } from '../../table/identifier.ts'
import { bytesText, countText, plural, type OutputColumn } from '../cells.ts'
import { refuseTogether, withCommonOptions, withManager, type Context } from '../command-run.ts'
import type { Output } from '../output.ts'
import { checkAskable, runPlan, withPlanOptions, type PlannedWork, type PlanRunOptions } from '../plan-run.ts'
import type { Runner } from '../runner.ts'

interface RelocateOptions extends PlanRunOptions {
  readonly to: string
  readonly as?: string
  readonly register: boolean
}

export function relocateCommand(run: Runner): Command {
  const command = new Command('relocate')
    .description(
      'copy a table’s files to another folder or store, and point the catalog there; the old ones stay',
    )
    .argument('<table>', 'namespace.table')
    .requiredOption(
      '--to <location>',
      'new folder of the table: a path or URI; empty, or from an earlier try',
    )
    .option('--as <table>', 'make the copy another table, by this name; the table stays where it is')
    .option('--no-register', 'leave the catalog alone; the metadata file to register is printed')
    .action(run(relocate))
  return withCommonOptions(
    withPlanOptions(command),
    'floeberg relocate demo.flights --to file:///data/flights --dry-run',
  )
}

async function relocate(context: Context, name: string, options: RelocateOptions): Promise<void> {
  const { signal } = context.terminal
  checkAskable(context, options)
  refuseTogether({ '--as': options.as, '--no-register': !options.register })
  const to = /^[a-z][a-z0-9+.-]+:/i.test(options.to) ? options.to : toFileUri(resolve(options.to))
  await withManager(context, options.dryRun === true ? 'read' : 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal })
    const { as, register } = options
    const plan = await manager.planRelocate(table, { to, as, register, signal })
    await runPlan(context, options, relocateWork(context, manager, name, plan))
  })
}

/** A relocation, shown, carried out and reported. */
export function relocateWork(
  { terminal, output }: Context,
  manager: IcebergTableManager,
  name: string,
  plan: RelocatePlan,
): PlannedWork<RelocateResult> {
  const { count, bytes } = sumOf(plan.files)
  return {
    plan,
    isEmpty: false,
    show: () => showPlan(output, name, plan),
    question: `Copy ${plural(count, 'file')} (${bytesText(bytes)})?`,
    label: 'copying',
    execute: (onProgress) => manager.execute(plan, { signal: terminal.signal, onProgress }),
    print: (result) => printResult(output, name, result),
  }
}

const COLUMNS: readonly OutputColumn[] = [
  { name: 'files' },
  { name: 'count', align: 'right', show: countText },
  { name: 'bytes', align: 'right', show: bytesText, none: '' },
]

const KINDS: readonly (readonly [keyof RelocationTotals, string])[] = [
  ['dataFiles', 'data'],
  ['positionDeleteFiles', 'position deletes'],
  ['equalityDeleteFiles', 'equality deletes'],
  ['manifests', 'manifests'],
  ['manifestLists', 'manifest lists'],
  ['statisticsFiles', 'statistics'],
]

async function showPlan(output: Output, table: string, plan: RelocatePlan): Promise<void> {
  const rows = KINDS.map(([kind, files]) => {
    const { count, bytes } = plan.files[kind]
    // Nothing tells how large some are before they are read.
    return { files, count, bytes: count > 0 && bytes === 0 ? null : bytes }
  })
  await output.list(
    COLUMNS,
    rows.filter(({ count }) => output.format !== 'table' || count > 0),
  )
  if (output.format !== 'table') return
  await output.text(`\n${table} with ${plural(plan.snapshots, 'snapshot')}:`)
  for (const { from, to } of plan.roots) await output.text(`  ${from}\n  → ${to}`)
  await output.text(endText(table, plan))
}

function endText(table: string, { registration, as }: RelocatePlan): string {
  switch (registration) {
    case 'replace':
      return `Then ${table} is there. The old files stay, for you to delete.`
    case 'register':
      return `Then it is a table of its own, ${as === null ? '' : identifierToString(as)}; ${table} stays where it is.`
    case 'none':
      return 'The catalog is not told.'
  }
}

function sumOf(files: RelocationTotals): { readonly count: number; readonly bytes: number } {
  const totals = Object.values(files)
  return {
    count: totals.reduce((sum, { count }) => sum + count, 0),
    bytes: totals.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

async function printResult(output: Output, name: string, result: RelocateResult): Promise<void> {
  const { table, location, metadataLocation, copiedFiles, copiedBytes, reusedFiles } = result
  if (output.format !== 'table') {
    const record = {
      table: table === null ? null : identifierToString(table),
      location,
      metadata_location: metadataLocation,
      copied_files: copiedFiles,
      copied_bytes: copiedBytes,
      reused_files: reusedFiles,
    }
    await output.record(
      Object.keys(record).map((column) => ({ name: column })),
      record,
    )
    return
  }
  const reused = reusedFiles > 0 ? `; ${plural(reusedFiles, 'file')} were there from an earlier try` : ''
  await output.text(`Copied ${plural(copiedFiles, 'file')} (${bytesText(copiedBytes)})${reused}`)
  if (table === null) await output.text(`In another catalog: floeberg register ${name} ${metadataLocation}`)
  else await output.text(`${identifierToString(table)} is at ${location}`)
}
