/** `floeberg add-files`: Parquet files that are there already join a table as they are. */
import { Command, Option } from 'commander'
import type { AddFilesResult } from '../../manager/add-files.ts'
import type { CommitStrategy } from '../../table/operations/append.ts'
import { bytesText, countText, plural } from '../cells.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { parseAssignments } from '../field-syntax.ts'
import { progressLine } from '../progress.ts'
import type { Runner } from '../runner.ts'

interface AddFilesCommandOptions {
  readonly skipDuplicates?: boolean
  readonly checkDuplicates: boolean
  readonly branch?: string
  readonly commitStrategy?: CommitStrategy
  readonly snapshotProperty?: readonly string[]
}

export function addFilesCommand(run: Runner): Command {
  const command = new Command('add-files')
    .description('make Parquet files that are there already data files of a table, as they are')
    .argument('<table>', 'namespace.table')
    .argument('<files...>', 'files below the table’s location; a folder, ending in /, means those below it')
    .option('--skip-duplicates', 'leave out files that are in the table already, instead of refusing all')
    .option('--no-check-duplicates', 'do not look: a file that is in the table already has its rows doubled')
    .option('--branch <name>', 'branch to add to (default: main)')
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
    .action(run(addFiles))
  return withCommonOptions(
    command,
    'floeberg add-files demo.flights warehouse/demo/flights-6b1f00c2/data/2025/*.parquet',
  )
}

async function addFiles(
  context: Context,
  name: string,
  files: readonly string[],
  options: AddFilesCommandOptions,
): Promise<void> {
  await withManager(context, 'write', async (manager) => {
    const { signal } = context.terminal
    const table = await manager.loadTable(name, { signal })
    const progress = progressLine(context.terminal, 'looking at files')
    try {
      const result = await manager.addFiles(table, files, {
        onDuplicate: options.skipDuplicates === true ? 'skip' : 'error',
        checkDuplicates: options.checkDuplicates,
        branch: options.branch,
        commitStrategy: options.commitStrategy,
        snapshotProperties: parseAssignments(options.snapshotProperty ?? []),
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

async function printResult({ output }: Context, table: string, result: AddFilesResult): Promise<void> {
  if (output.format === 'table') {
    for (const line of resultLines(table, result)) await output.text(line)
    return
  }
  const row = {
    snapshot_id: result.snapshotId,
    files: result.files,
    rows: result.rows,
    bytes: result.bytes,
    skipped: result.skipped,
    readded: result.readded,
    name_mapping_created: result.nameMappingCreated,
    attempts: result.attempts,
  }
  await output.record(
    Object.keys(row).map((column) => ({ name: column })),
    row,
  )
}

function resultLines(table: string, result: AddFilesResult): readonly string[] {
  const { files, rows, bytes, snapshotId } = result
  const skipped = result.skipped.length
  const left =
    skipped === 0
      ? []
      : [`Left out ${plural(skipped, 'file')} that ${skipped === 1 ? 'is' : 'are'} there already`]
  if (snapshotId === null) return [`Added nothing to ${table}`, ...left]
  return [
    `Added ${plural(files, 'file')} with ${countText(rows)} ${rows === 1 ? 'row' : 'rows'} (${bytesText(bytes)}) to ${table} in snapshot ${snapshotId}`,
    ...left,
    ...(result.nameMappingCreated ? ['Set schema.name-mapping.default: the files have no field ids'] : []),
    ...(result.readded.length === 0
      ? []
      : [
          `${plural(result.readded.length, 'file')} had been removed before: do not let another client expire those snapshots`,
        ]),
  ]
}
