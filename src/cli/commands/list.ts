/** `floeberg list`: which tables there are, and how they are; one that is broken is shown as that. */
import { Command } from 'commander'
import type { TableIdentifier } from '../../catalog/catalog.ts'
import type { IcebergTableManager } from '../../compose.ts'
import { mapConcurrently } from '../../table/concurrency.ts'
import { identifierToString } from '../../table/identifier.ts'
import { bytesText, countText, timeText, type OutputColumn } from '../cells.ts'
import { withCommonOptions, withManager, type Context } from '../command-run.ts'
import { brokenCode, PartialFailure } from '../failure.ts'
import { parseNamespace } from '../field-syntax.ts'
import type { Cells } from '../output.ts'
import type { Runner } from '../runner.ts'
import { totalsOf } from '../table-summary.ts'
import { tablesBelow } from '../walk.ts'

const COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'status' },
  { name: 'rows', align: 'right', show: countText, none: '' },
  { name: 'files', align: 'right', show: countText, none: '' },
  { name: 'size', align: 'right', show: bytesText, none: '' },
  { name: 'last_updated', show: timeText, none: '' },
  { name: 'error', none: '' },
]

interface ListOptions {
  readonly names?: boolean
}

export function listCommand(run: Runner): Command {
  const command = new Command('list')
    .description('list the tables of the catalog, or of one namespace and those below it')
    .argument('[namespace]', 'such as demo or demo.raw')
    .option('--names', 'names only, without looking into the tables')
    .action(run(listTables))
  return withCommonOptions(command, 'floeberg list demo')
}

async function listTables(
  context: Context,
  namespace: string | undefined,
  options: ListOptions,
): Promise<void> {
  const { output, terminal } = context
  const levels = namespace === undefined ? undefined : parseNamespace(namespace)
  const rows = await withManager(context, 'read', async (manager) => {
    const ids = await tablesBelow(manager, levels, terminal.signal)
    if (options.names === true) return ids.map((id): Cells => ({ table: identifierToString(id) }))
    return mapConcurrently(ids, (id) => tableRow(manager, id, terminal.signal))
  })
  await output.list(options.names === true ? COLUMNS.slice(0, 1) : COLUMNS, rows)
  if (rows.some(({ status }) => status === 'broken')) throw new PartialFailure()
}

async function tableRow(
  manager: IcebergTableManager,
  id: TableIdentifier,
  signal: AbortSignal,
): Promise<Cells> {
  const name = identifierToString(id)
  try {
    const table = await manager.loadTable(id, { signal })
    return {
      table: name,
      status: 'ok',
      ...totalsOf(table),
      last_updated: table.metadata['last-updated-ms'],
      error: null,
    }
  } catch (error) {
    // The others are to be seen all the same; the exit status tells of this one.
    return { table: name, status: 'broken', error: brokenCode(error) }
  }
}
