/** `floeberg write`: rows of files, or of standard input, into a table in one snapshot. */
import { Command, Option } from 'commander'
import type { CommitStrategy } from '../../table/operations/append.ts'
import type { WriteDataResult } from '../../manager/write-data.ts'
import { bytesText, plural, type OutputColumn } from '../cells.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { parseAssignments } from '../field-syntax.ts'
import { INPUT_FORMATS, inputFormat, withInputFiles, type InputFormat } from '../input-files.ts'
import { progressLine } from '../progress.ts'
import type { Runner } from '../runner.ts'

interface WriteOptions {
  readonly from: readonly string[]
  readonly format?: InputFormat
  readonly where?: string
  readonly branch?: string
  readonly mergeSchema?: boolean
  readonly commitStrategy?: CommitStrategy
  readonly snapshotProperty?: readonly string[]
}

const COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'snapshot_id' },
  { name: 'rows' },
  { name: 'files' },
  { name: 'bytes' },
  { name: 'attempts' },
]

export function writeCommand(run: Runner): Command {
  const command = new Command('write')
    .description('append the rows of files to a table: all of them become visible at once, or none')
    .argument('<table>', 'namespace.table')
    .requiredOption('--from <path...>', "files, globs ('flights/*.parquet'), or - for standard input")
    .addOption(new Option('--format <format>', 'where the names do not tell').choices(INPUT_FORMATS))
    .option('--where <filter>', 'only rows for which it is true: "origin = \'SFO\'"')
    .option(
      '--merge-schema',
      'columns that the table lacks are added, types too narrow widened, with the rows',
    )
    .option('--branch <name>', 'branch to write to (default: main)')
    .addOption(
      new Option('--commit-strategy <strategy>', 'how the new manifests join the old').choices([
        'fast_append',
        'merge_commit',
      ]),
    )
    .option(
      '--snapshot-property <key=value>',
      'an entry for the snapshot’s summary; may be repeated',
      collect,
    )
    .action(run(write))
  return withCommonOptions(command, "floeberg write demo.flights --from 'flights/*.parquet'")
}

async function write(context: Context, name: string, options: WriteOptions): Promise<void> {
  const { terminal, output } = context
  const format = inputFormat(options.from, options.format)
  const snapshotProperties = parseAssignments(options.snapshotProperty ?? [])
  const result = await withInputFiles(options.from, format, terminal.signal, (files) =>
    withManager(context, 'write', async (manager) => {
      const table = await manager.loadTable(name, { signal: terminal.signal })
      const progress = progressLine(terminal, 'writing')
      try {
        return await manager.writeData(
          table,
          { ...files, filter: options.where },
          {
            commitStrategy: options.commitStrategy,
            branch: options.branch,
            schemaMode: options.mergeSchema === true ? 'merge' : 'strict',
            snapshotProperties,
            signal: terminal.signal,
            onProgress: progress.update,
          },
        )
      } finally {
        progress.clear()
      }
    }),
  )
  if (output.format === 'table') await output.text(sentence(name, result))
  else await output.record(COLUMNS, { table: name, snapshot_id: result.snapshotId, ...result })
}

function sentence(name: string, { snapshotId, rows, files, bytes }: WriteDataResult): string {
  if (snapshotId === null) return `No rows: nothing was committed to ${name}.`
  const what = `${plural(rows, 'row')} in ${plural(files, 'file')}, ${bytesText(bytes)}`
  return `Appended ${what} to ${name}: snapshot ${snapshotId}`
}
