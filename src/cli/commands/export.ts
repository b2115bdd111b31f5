/** `floeberg export`: rows of a table into one file. */
import { Command, Option } from 'commander'
import type { ExportResult } from '../../manager/export-table.ts'
import type { FileFormat } from '../../table/scan.ts'
import { appendRangeOf, withAppendRange, type RangeOptions } from '../append-range-options.ts'
import { plural } from '../cells.ts'
import { collect, withCommonOptions, type Context } from '../command-run.ts'
import { UsageError } from '../failure.ts'
import { parseCount, parseList } from '../field-syntax.ts'
import { progressLine } from '../progress.ts'
import type { Runner } from '../runner.ts'
import { TABLE_OR_LOCATION, withTable } from '../table-argument.ts'
import { timeTravelOf, withTimeTravel } from '../time-travel-options.ts'

interface ExportCommandOptions extends RangeOptions {
  readonly to: string
  readonly format?: FileFormat
  readonly where?: string
  readonly select?: readonly string[]
  readonly limit?: number
  readonly ignoreCase?: boolean
  readonly force?: boolean
}

const FORMATS: readonly FileFormat[] = ['parquet', 'csv', 'json', 'arrow']

export function exportCommand(run: Runner): Command {
  const command = new Command('export')
    .description('write rows of a table into one Parquet, CSV, JSON or Arrow file')
    .argument('<table>', TABLE_OR_LOCATION)
    .requiredOption('--to <file>', 'where to: a .parquet, .csv, .json or .arrow file')
    .addOption(new Option('--format <format>', 'when the name does not tell it').choices(FORMATS))
    .option('-w, --where <filter>', 'rows for which it is true: "origin = \'SFO\' and delay >= 60"')
    .option('-s, --select <columns>', 'columns, in this order: date,delay; may be repeated', collect)
    .option('-n, --limit <rows>', 'not more than so many rows', parseCount)
    .option('--ignore-case', 'find columns whatever the case of their names')
    .option('--force', 'replace the file if it is there')
    .action(run(exportRows))
  return withCommonOptions(
    withAppendRange(withTimeTravel(command)),
    'floeberg export demo.flights --to delayed.csv --where "delay >= 60" --select date,origin,delay',
  )
}

async function exportRows(context: Context, name: string, options: ExportCommandOptions): Promise<void> {
  const select = options.select === undefined ? undefined : parseList(options.select)
  if (select?.length === 0) throw new UsageError('--select names no column')
  const where = { ...timeTravelOf(options), ...appendRangeOf(options) }
  await withTable(context, name, async (manager, table) => {
    const { signal } = context.terminal
    const progress = progressLine(context.terminal, 'exporting')
    try {
      const result = await manager.exportTable(table, options.to, {
        ...where,
        format: options.format,
        filter: options.where,
        select,
        limit: options.limit,
        caseSensitive: options.ignoreCase !== true,
        replace: options.force === true,
        signal,
        onProgress: progress.update,
      })
      progress.clear()
      await printResult(context, name, result)
    } finally {
      progress.clear()
    }
  })
}

async function printResult({ output }: Context, table: string, result: ExportResult): Promise<void> {
  const { path, rows } = result
  if (output.format === 'table') return output.text(`Wrote ${plural(rows, 'row')} of ${table} to ${path}`)
  const columns = ['file', 'format', 'rows', 'snapshot_id'].map((name) => ({ name }))
  await output.record(columns, { file: path, format: result.format, rows, snapshot_id: result.snapshotId })
}
