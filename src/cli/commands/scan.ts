/** `floeberg scan`: rows of a table, how many, or what reading them would take. */
import { Command } from 'commander'
import type { ScanReport } from '../../table/plan.ts'
import type { Scan } from '../../table/scan.ts'
import type { Row } from '../../format/values/value.ts'
import { bytesText, columnOf, countText, plural, type OutputColumn } from '../cells.ts'
import { collect, refuseTogether, withCommonOptions, type Context } from '../command-run.ts'
import { UsageError } from '../failure.ts'
import { parseCount, parseList } from '../field-syntax.ts'
import type { Runner } from '../runner.ts'
import { appendRangeOf, withAppendRange, type RangeOptions } from '../append-range-options.ts'
import { TABLE_OR_LOCATION, withTable } from '../table-argument.ts'
import { timeTravelOf, withTimeTravel } from '../time-travel-options.ts'

interface ScanCommandOptions extends RangeOptions {
  readonly where?: string
  readonly select?: readonly string[]
  readonly limit?: number
  readonly ignoreCase?: boolean
  readonly count?: boolean
  readonly plan?: boolean
  readonly to?: string
}

const PLAN_COLUMNS: readonly OutputColumn[] = [
  { name: 'snapshot_id', none: 'none: the table is empty' },
  { name: 'manifests_total' },
  { name: 'manifests_scanned' },
  { name: 'files_total' },
  { name: 'files_scanned' },
  { name: 'bytes_scanned' },
  { name: 'not_pruned' },
]

export function scanCommand(run: Runner): Command {
  const command = new Command('scan')
    .description('print rows of a table')
    .argument('<table>', TABLE_OR_LOCATION)
    .option('-w, --where <filter>', 'rows for which it is true: "origin = \'SFO\' and delay >= 60"')
    .option('-s, --select <columns>', 'columns, in this order: date,delay; may be repeated', collect)
    .option('-n, --limit <rows>', 'not more than so many rows', parseCount)
    .option('--ignore-case', 'find columns whatever the case of their names')
    .option('--count', 'only how many rows')
    .option('--plan', 'only which files would be read, and which part of the filter could not prune')
    .option('--to <file>', 'into a .parquet, .csv, .json or .arrow file instead, which is replaced')
    .action(run(scan))
  return withCommonOptions(
    withAppendRange(withTimeTravel(command)),
    'floeberg scan demo.flights --where "origin = \'SFO\'" --as-of 2026-01-01 --limit 5',
  )
}

async function scan(context: Context, name: string, options: ScanCommandOptions): Promise<void> {
  const { count, plan, to } = options
  refuseTogether({ '--count': count, '--plan': plan, '--to': to })
  const select = options.select === undefined ? undefined : parseList(options.select)
  if (select?.length === 0) throw new UsageError('--select names no column')
  const travel = { ...timeTravelOf(options), ...appendRangeOf(options) }
  await withTable(context, name, async (_, table) => {
    const { signal } = context.terminal
    const found = table.scan({
      ...travel,
      filter: options.where,
      select,
      limit: options.limit,
      caseSensitive: options.ignoreCase !== true,
      signal,
    })
    if (count === true) await printCount(context, await found.count())
    else if (plan === true) await printPlan(context, found)
    else if (to !== undefined) await writeFile(context, name, await found.toFile(to), to)
    else await printRows(context, found)
  })
}

function printRows({ output }: Context, found: Scan<Row>): Promise<void> {
  const columns = found.schema.fields.map((field) => columnOf(field.name, field.type))
  return output.rows(columns, found.batches())
}

async function printCount({ output, terminal }: Context, count: number): Promise<void> {
  if (output.format === 'table') await terminal.write(`${count}\n`)
  else await output.record([{ name: 'count' }], { count })
}

async function writeFile(
  { output }: Context,
  table: string,
  { rows }: { readonly rows: number },
  file: string,
): Promise<void> {
  if (output.format === 'table') await output.text(`Wrote ${plural(rows, 'row')} of ${table} to ${file}`)
  else await output.record([{ name: 'file' }, { name: 'rows' }], { file, rows })
}

async function printPlan({ output }: Context, found: Scan<Row>): Promise<void> {
  const { report } = await found.plan()
  const snapshotId = found.snapshot?.['snapshot-id'] ?? null
  if (output.format !== 'table') {
    return output.record(PLAN_COLUMNS, {
      snapshot_id: snapshotId,
      manifests_total: report.manifestsTotal,
      manifests_scanned: report.manifestsScanned,
      files_total: report.filesTotal,
      files_scanned: report.filesScanned,
      bytes_scanned: report.bytesScanned,
      not_pruned: report.notPruned,
    })
  }
  await output.text(`snapshot   ${snapshotId ?? 'none: the table is empty'}`)
  for (const line of planLines(report)) await output.text(line)
}

function planLines(report: ScanReport): readonly string[] {
  const files = report.filesTotal === null ? 'an unknown number' : countText(report.filesTotal)
  return [
    `manifests  ${countText(report.manifestsScanned)} of ${countText(report.manifestsTotal)} are read`,
    `files      ${countText(report.filesScanned)} of ${files} are read, ${bytesText(report.bytesScanned)}`,
    ...report.notPruned.map((part) => `not pruned by partition: ${part}`),
  ]
}
