/** `floeberg sql`: a query over tables of the catalog. */
import { text } from 'node:stream/consumers'
import { Command, Option } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import type { SqlResult } from '../../manager/run-sql.ts'
import type { FileFormat } from '../../table/scan.ts'
import type { Table } from '../../table/table.ts'
import { columnOf, plural } from '../cells.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { UsageError } from '../failure.ts'
import { parseAssignments } from '../field-syntax.ts'
import { progressLine } from '../progress.ts'
import type { Runner } from '../runner.ts'

interface SqlCommandOptions {
  readonly namespace?: string
  readonly table?: readonly string[]
  readonly param?: readonly string[]
  readonly to?: string
  readonly format?: FileFormat
  readonly force?: boolean
}

const FORMATS: readonly FileFormat[] = ['parquet', 'csv', 'json', 'arrow']

export function sqlCommand(run: Runner): Command {
  const command = new Command('sql')
    .description('run a SQL query over tables of the catalog; only reads')
    .argument('<query>', 'the query; - reads it from standard input')
    .option('--namespace <namespace>', 'where tables are whose names stand alone')
    .option(
      '--table <name=location>',
      'a table by its files, without the catalog, under this name; may be repeated',
      collect,
    )
    .option('--param <name=value>', 'a value, always text, for $name in the query; may be repeated', collect)
    .option('--to <file>', 'into a .parquet, .csv, .json or .arrow file instead')
    .addOption(new Option('--format <format>', 'when the name of the file does not tell it').choices(FORMATS))
    .option('--force', 'replace the file if it is there')
    .action(run(sql))
  return withCommonOptions(
    command,
    'floeberg sql "select origin, avg(delay) from demo.flights where date >= \'2001-03-01\' group by 1"\n' +
      'floeberg sql "select count(*) from demo.flights FOR TIMESTAMP AS OF \'2026-01-01\'" --output json',
  )
}

async function sql(context: Context, given: string, options: SqlCommandOptions): Promise<void> {
  if (options.to === undefined && (options.format !== undefined || options.force === true)) {
    throw new UsageError('--format and --force are for --to')
  }
  const query = given === '-' ? await text(process.stdin) : given
  await withManager(context, 'read', async (manager) => {
    const { signal } = context.terminal
    const tables = await openTables(manager, options.table ?? [], signal)
    const parameters = options.param === undefined ? undefined : parseAssignments(options.param)
    const namespace = options.namespace?.split('.')
    const result = await manager.sql(query, { namespace, tables, parameters, signal })
    if (options.to !== undefined) await writeFile(context, result, options.to, options)
    else await printRows(context, result)
  })
}

async function openTables(
  manager: IcebergTableManager,
  given: readonly string[],
  signal: AbortSignal,
): Promise<Readonly<Record<string, Table>>> {
  const tables: Record<string, Table> = {}
  for (const [name, location] of Object.entries(parseAssignments(given))) {
    tables[name] = await manager.openTable(location, { signal })
  }
  return tables
}

function printRows({ output }: Context, result: SqlResult): Promise<void> {
  const columns = result.schema.fields.map((field) => columnOf(field.name, field.type))
  return output.rows(columns, result.batches())
}

async function writeFile(
  { output, terminal }: Context,
  result: SqlResult,
  file: string,
  { format, force }: SqlCommandOptions,
): Promise<void> {
  const progress = progressLine(terminal, 'writing')
  try {
    const { rows } = await result.toFile(file, {
      format,
      replace: force === true,
      onProgress: progress.update,
    })
    progress.clear()
    if (output.format === 'table') await output.text(`Wrote ${plural(rows, 'row')} to ${file}`)
    else await output.record([{ name: 'file' }, { name: 'rows' }], { file, rows })
  } finally {
    progress.clear()
  }
}
