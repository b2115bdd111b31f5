/** `rename`, `register`, `drop`: what a catalog knows of a table. */
import { Command } from 'commander'
import { FloebergError, OperationAbortedError } from '../../errors.ts'
import type { IcebergTableManager } from '../../compose.ts'
import type { PurgeResult } from '../../maintenance/purge.ts'
import { toFileUri } from '../../storage/location.ts'
import { plural } from '../cells.ts'
import { withCommonOptions, withManager, type Context } from '../command-run.ts'
import { PartialFailure, UsageError } from '../failure.ts'
import { confirm } from '../confirm.ts'
import type { Runner } from '../runner.ts'

export function renameCommand(run: Runner): Command {
  const command = new Command('rename')
    .description('give a table another name or namespace; its files stay where they are')
    .argument('<table>', 'namespace.table')
    .argument('<new-name>', 'namespace.table')
    .action(run(rename))
  return withCommonOptions(command, 'floeberg rename demo.flights demo.flights_2001')
}

async function rename(context: Context, from: string, to: string): Promise<void> {
  await withManager(context, 'read', (manager) =>
    manager.renameTable(from, to, { signal: context.terminal.signal }),
  )
  const { output } = context
  if (output.format === 'table') await output.text(`Renamed ${from} to ${to}`)
  else await output.record([{ name: 'table' }, { name: 'was' }], { table: to, was: from })
}

export function registerCommand(run: Runner): Command {
  const command = new Command('register')
    .description('adopt a table that exists, by its newest metadata file')
    .argument('<table>', 'namespace.table')
    .argument('<metadata-location>', 'path or URI of a metadata.json')
    .action(run(register))
  return withCommonOptions(command, 'floeberg register demo.flights flights/metadata/00003-….metadata.json')
}

async function register(context: Context, name: string, location: string): Promise<void> {
  const { output, terminal } = context
  const uri = /^[a-z][a-z0-9+.-]+:/i.test(location) ? location : toFileUri(location)
  const table = await withManager(context, 'read', (manager) =>
    manager.registerTable(name, uri, { signal: terminal.signal }),
  )
  const columns = [{ name: 'table' }, { name: 'uuid' }, { name: 'metadata_location' }]
  const row = { table: table.name, uuid: table.uuid, metadata_location: table.metadataLocation }
  if (output.format === 'table') await output.text(`Registered ${table.name}: ${uri}`)
  else await output.record(columns, row)
}

interface DropOptions {
  readonly purge?: boolean
  readonly yes?: boolean
}

export function dropCommand(run: Runner): Command {
  const command = new Command('drop')
    .description('drop a table from the catalog, also one that is broken; its files stay, unless --purge')
    .argument('<table>', 'namespace.table')
    .option('--purge', 'also delete the files that its metadata reaches')
    .option('-y, --yes', 'do not ask')
    .action(run(drop))
  return withCommonOptions(command, 'floeberg drop demo.flights --purge')
}

async function drop(context: Context, name: string, options: DropOptions): Promise<void> {
  const { terminal } = context
  const purge = options.purge === true
  if (options.yes !== true && !terminal.isInteractive) {
    throw new UsageError('nobody is there to be asked', 'Pass --yes.')
  }
  await withManager(context, purge ? 'write' : 'read', async (manager) => {
    const metadata = await metadataLocation(manager, name, terminal.signal)
    const question = purge ? `Drop ${name} and delete its files?` : `Drop ${name}? Its files stay.`
    if (options.yes !== true && !(await confirm(terminal, question))) {
      terminal.note('Nothing was dropped.\n')
      throw new PartialFailure()
    }
    const result = await manager.dropTable(name, { purge, signal: terminal.signal })
    await printDropped(context, { name, metadata, result })
  })
}

/** To register the table again by; null where the catalog does not know, or the table is broken. */
async function metadataLocation(
  manager: IcebergTableManager,
  name: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    return (await manager.loadTable(name, { signal })).metadataLocation
  } catch (error) {
    if (!(error instanceof FloebergError) || error instanceof OperationAbortedError) throw error
    // A broken table can be dropped; one that is not there is told by the drop itself.
    return null
  }
}

interface Dropped {
  readonly name: string
  readonly metadata: string | null
  readonly result: PurgeResult | null
}

async function printDropped({ output }: Context, { name, metadata, result }: Dropped): Promise<void> {
  if (output.format !== 'table') {
    const columns = ['table', 'metadata_location', 'deleted_files', 'kept_files', 'failure']
    await output.record(
      columns.map((column) => ({ name: column })),
      {
        table: name,
        metadata_location: metadata,
        deleted_files: result?.deletedFiles ?? 0,
        kept_files: result?.keptFiles ?? [],
        failure: failureCode(result),
      },
    )
  } else if (result === null) {
    await output.text(`Dropped ${name}`)
    if (metadata !== null)
      await output.text(`Its files stay; to have it back: floeberg register ${name} ${metadata}`)
  } else {
    await output.text(`Dropped ${name} and deleted ${plural(result.deletedFiles, 'file')}`)
    for (const file of result.keptFiles) await output.text(`Kept ${file}`)
  }
  if (result !== null && result.failure !== null) throw result.failure
}

function failureCode(result: PurgeResult | null): string | null {
  const failure = result?.failure ?? null
  return failure instanceof FloebergError ? failure.code : failure === null ? null : 'FLOEBERG_INTERNAL'
}
