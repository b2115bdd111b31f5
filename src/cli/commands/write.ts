/** `floeberg write`, `overwrite` and `upsert`: rows of files, or of standard input, in one snapshot. */
import { Command, Option } from 'commander'
import type { ReplacingWriteOptions, WriteOptions } from '../../manager/row-change-options.ts'
import type { WriteMode } from '../../manager/write-data.ts'
import { refuseTogether, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { commitOptionsOf, withCommitOptions, type CommitOptions } from '../commit-options.ts'
import { UsageError } from '../failure.ts'
import { parseList } from '../field-syntax.ts'
import { INPUT_FORMATS, inputFormat, withInputFiles, type InputFormat } from '../input-files.ts'
import { progressLine } from '../progress.ts'
import { printPlan, printResult, printStaged } from '../row-change-report.ts'
import type { Runner } from '../runner.ts'

interface WriteCommandOptions extends CommitOptions {
  readonly from: readonly string[]
  readonly format?: InputFormat
  readonly where?: string
  readonly mode?: WriteMode
  readonly mergeSchema?: boolean
  readonly filter?: string
  readonly partitions?: boolean
  readonly validate?: boolean
  readonly joinColumns?: readonly string[]
  readonly updateOnly?: boolean
  readonly insertOnly?: boolean
  readonly deleteWhen?: string
  readonly deleteMissing?: string
  readonly plan?: boolean
}

/** Of each mode, so that none is passed over in another. */
const OVERWRITE_OPTIONS = ['filter', 'partitions', 'validate'] as const
const UPSERT_OPTIONS = ['joinColumns', 'updateOnly', 'insertOnly', 'deleteWhen', 'deleteMissing'] as const

export function writeCommand(run: Runner): Command {
  const command = sourced('write')
    .description(
      'write the rows of files to a table: all of them become visible at once, or none; see --mode',
    )
    .addOption(
      new Option('--mode <mode>', 'append; overwrite what is there; or update by key and insert the rest')
        .choices(['append', 'overwrite', 'upsert'])
        .default('append'),
    )
    .option(
      '--merge-schema',
      'columns that the table lacks are added, types too narrow widened, with the rows',
    )
  withUpsertOptions(withOverwriteOptions(command, 'overwrite: '), 'upsert: ')
    .option('--plan', 'only show which data files would be dropped, rewritten or get deletes, and why')
    .action(run((context, name: string, options: WriteCommandOptions) => write(context, name, options)))
  return withCommonOptions(
    withCommitOptions(command),
    "floeberg write demo.flights --from 'flights/*.parquet'\n" +
      'floeberg write demo.flights --from fixed.csv --mode upsert --join-columns date,origin',
  )
}

export function overwriteCommand(run: Runner): Command {
  const command = withOverwriteOptions(sourced('overwrite'), '')
    .description(
      'replace rows by those of files, in one snapshot: the whole table, the rows of --filter, or --partitions',
    )
    .option('--plan', 'only show which data files would be dropped, rewritten or get deletes, and why')
    .action(
      run((context, name: string, options: WriteCommandOptions) =>
        write(context, name, { ...options, mode: 'overwrite' }),
      ),
    )
  return withCommonOptions(
    withCommitOptions(command),
    'floeberg overwrite demo.flights --from may.parquet --filter "date >= \'2026-05-01\'" --validate --plan',
  )
}

export function upsertCommand(run: Runner): Command {
  const command = withUpsertOptions(sourced('upsert'), '')
    .description(
      'update rows whose key is that of a row of the files, and insert the other rows of the files',
    )
    .option('--plan', 'only show which data files would be dropped, rewritten or get deletes, and why')
    .action(
      run((context, name: string, options: WriteCommandOptions) =>
        write(context, name, { ...options, mode: 'upsert' }),
      ),
    )
  return withCommonOptions(
    withCommitOptions(command),
    'floeberg upsert demo.flights --from changes.json --join-columns date,origin --plan',
  )
}

function sourced(name: string): Command {
  return new Command(name)
    .argument('<table>', 'namespace.table')
    .requiredOption('--from <path...>', "files, globs ('flights/*.parquet'), or - for standard input")
    .addOption(new Option('--format <format>', 'where the names do not tell').choices(INPUT_FORMATS))
    .option('--where <filter>', 'only rows of the files for which it is true: "origin = \'SFO\'"')
}

function withOverwriteOptions(command: Command, mode: string): Command {
  return command
    .option('--filter <filter>', `${mode}only rows of the table for which it is true leave`)
    .option('--partitions', `${mode}only the partitions that the new rows fall in are replaced`)
    .option('--validate', `${mode}refuse new rows for which --filter is not true`)
}

function withUpsertOptions(command: Command, mode: string): Command {
  return command
    .option(
      '--join-columns <columns...>',
      `${mode}a,b: the key of a row (default: the table’s identifier columns)`,
    )
    .option('--update-only', `${mode}insert nothing`)
    .option('--insert-only', `${mode}update nothing`)
    .option('--delete-when <filter>', `${mode}rows of the files that mean: delete the row of this key`)
    .option('--delete-missing <filter>', `${mode}of these rows of the table, delete those not in the files`)
}

async function write(context: Context, name: string, options: WriteCommandOptions): Promise<void> {
  const { terminal, output } = context
  const mode = options.mode ?? 'append'
  refuseStrangers(mode, options)
  const format = inputFormat(options.from, options.format)
  const progress = progressLine(terminal, options.plan === true ? 'reading' : 'writing')
  const settings = writeOptions(mode, options, commitOptionsOf(options, terminal, progress.update))
  await withInputFiles(options.from, format, terminal.signal, (files) =>
    withManager(context, options.plan === true ? 'read' : 'write', async (manager) => {
      const table = await manager.loadTable(name, { signal: terminal.signal })
      const data = { ...files, filter: options.where }
      try {
        if (options.plan === true && isReplacing(settings)) {
          const plan = await manager.planWriteData(table, data, settings)
          progress.clear()
          await printPlan(output, table, plan)
        } else {
          const result = await manager.writeData(table, data, settings)
          progress.clear()
          await printResult(output, name, mode, result)
          await printStaged(output, name, result, options)
        }
      } finally {
        progress.clear()
      }
    }),
  )
}

function isReplacing(options: WriteOptions): options is ReplacingWriteOptions {
  return options.mode === 'overwrite' || options.mode === 'upsert'
}

/** UsageError for options of another mode, and for those that exclude each other. */
function refuseStrangers(mode: WriteMode, options: WriteCommandOptions): void {
  const strangers: readonly (keyof WriteCommandOptions)[] = [
    ...(mode === 'overwrite' ? [] : OVERWRITE_OPTIONS),
    ...(mode === 'upsert' ? [] : UPSERT_OPTIONS),
    ...(mode === 'append' ? (['plan', 'isolation', 'ignoreCase'] as const) : (['mergeSchema'] as const)),
  ]
  const found = strangers.find((option) => options[option] !== undefined)
  if (found !== undefined) {
    const option = `--${found.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    throw new UsageError(`${option} means nothing for --mode ${mode}`)
  }
  refuseTogether({ '--filter': options.filter, '--partitions': options.partitions })
  refuseTogether({ '--update-only': options.updateOnly, '--insert-only': options.insertOnly })
  if (options.validate === true && options.filter === undefined)
    throw new UsageError('--validate checks new rows against --filter, which is not given')
}

function writeOptions(
  mode: WriteMode,
  options: WriteCommandOptions,
  commit: ReturnType<typeof commitOptionsOf>,
): WriteOptions {
  switch (mode) {
    case 'append': {
      const { isolation: _isolation, caseSensitive: _caseSensitive, ...common } = commit
      return { ...common, mode, schemaMode: options.mergeSchema === true ? 'merge' : 'strict' }
    }
    case 'overwrite':
      return {
        ...commit,
        mode,
        ...(options.filter === undefined ? {} : { overwriteFilter: options.filter }),
        overwriteScope: options.partitions === true ? 'partitions' : undefined,
        validate: options.validate,
      }
    case 'upsert':
      return {
        ...commit,
        mode,
        joinColumns: options.joinColumns === undefined ? undefined : parseList(options.joinColumns),
        whenMatchedUpdateAll: options.insertOnly !== true,
        whenNotMatchedInsertAll: options.updateOnly !== true,
        deleteWhen: options.deleteWhen,
        whenNotMatchedBySource:
          options.deleteMissing === undefined
            ? undefined
            : { action: 'delete', scope: options.deleteMissing },
      }
  }
}
