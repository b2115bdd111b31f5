/** `floeberg describe`: one table, or all, with schema, partitioning, order and properties. */
import { Command } from 'commander'
import type { TableReference } from '../../table/identifier.ts'
import { identifierToString } from '../../table/identifier.ts'
import type { IcebergTableManager } from '../../compose.ts'
import type { Table } from '../../table/table.ts'
import { bytesText, countText, timeText, type OutputColumn } from '../cells.ts'
import { withCommonOptions, withManager, type Context } from '../command-run.ts'
import { brokenCode, PartialFailure, UsageError } from '../failure.ts'
import type { Cells, Output } from '../output.ts'
import type { Runner } from '../runner.ts'
import { partitionTexts, SCHEMA_COLUMNS, schemaRows, sortTexts, totalsOf } from '../table-summary.ts'
import { tablesBelow } from '../walk.ts'

const listed = (value: unknown): string => (Array.isArray(value) ? value.join(', ') || 'none' : String(value))

const COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'status' },
  { name: 'error', none: '' },
  { name: 'uuid' },
  { name: 'location' },
  { name: 'metadata_location', none: 'none' },
  { name: 'format_version' },
  { name: 'last_updated', show: timeText },
  { name: 'current_snapshot_id', none: 'none: nothing is written yet' },
  { name: 'snapshots', show: countText },
  { name: 'rows', show: countText, none: 'not known from metadata' },
  { name: 'files', show: countText, none: 'not known from metadata' },
  { name: 'size', show: bytesText, none: 'not known from metadata' },
  { name: 'partitioned_by', show: listed },
  { name: 'sorted_by', show: listed },
  { name: 'refs', show: listed },
  { name: 'schema', detail: true },
  { name: 'properties', detail: true },
]
const BROKEN = new Set(['table', 'status', 'error'])
const PROPERTY_COLUMNS: readonly OutputColumn[] = [{ name: 'property' }, { name: 'value' }]

interface DescribeOptions {
  readonly all?: boolean
}

export function describeCommand(run: Runner): Command {
  const command = new Command('describe')
    .description('show a table: schema, partitioning, order, properties, size')
    .argument('[table]', 'namespace.table')
    .option('--all', 'every table of the catalog; one that is broken is shown as that')
    .action(run(describe))
  return withCommonOptions(command, 'floeberg describe demo.flights')
}

async function describe(context: Context, name: string | undefined, options: DescribeOptions): Promise<void> {
  if (options.all === true) return describeAll(context)
  if (name === undefined) throw new UsageError('the table is missing', 'Name one, or pass --all.')
  const description = await withManager(context, 'read', async (manager) =>
    describeTable(await manager.loadTable(name, { signal: context.terminal.signal })),
  )
  await print(context.output, description)
}

async function describeAll(context: Context): Promise<void> {
  const { output, terminal } = context
  await withManager(context, 'read', async (manager) => {
    const ids = await tablesBelow(manager, undefined, terminal.signal)
    const found: Description[] = []
    for (const id of ids) found.push(await describeOrBroken(manager, id, terminal.signal))
    if (output.format === 'table') {
      for (const [at, description] of found.entries()) {
        if (at > 0) await output.text('')
        await print(output, description)
      }
    } else {
      await output.list(
        COLUMNS,
        found.map(({ cells }) => cells),
      )
    }
    if (found.some(({ table }) => table === null)) throw new PartialFailure()
  })
}

interface Description {
  readonly cells: Cells
  /** null: it is broken. */
  readonly table: Table | null
}

async function describeOrBroken(
  manager: IcebergTableManager,
  id: Exclude<TableReference, string>,
  signal: AbortSignal,
): Promise<Description> {
  try {
    return describeTable(await manager.loadTable(id, { signal }))
  } catch (error) {
    // The others are to be seen all the same; the exit status tells of this one.
    const cells = { table: identifierToString(id), status: 'broken', error: brokenCode(error) }
    return { cells, table: null }
  }
}

function describeTable(table: Table): Description {
  const { metadata, schema } = table
  const cells = {
    table: table.name,
    status: 'ok',
    error: null,
    uuid: table.uuid,
    location: table.location,
    metadata_location: table.metadataLocation,
    format_version: table.formatVersion,
    last_updated: metadata['last-updated-ms'],
    current_snapshot_id: metadata['current-snapshot-id'],
    snapshots: metadata.snapshots.length,
    ...totalsOf(table),
    partitioned_by: partitionTexts(table.partitionSpec, schema),
    sorted_by: sortTexts(table.sortOrder, schema),
    refs: Object.keys(metadata.refs),
    schema: schemaRows(schema),
    properties: table.properties,
  }
  return { cells, table }
}

async function print(output: Output, { cells, table }: Description): Promise<void> {
  const isTable = output.format === 'table'
  const shown = COLUMNS.filter(
    ({ name }) => !isTable || BROKEN.has(name) === (table === null) || name === 'table',
  )
  await output.record(shown, cells)
  if (table === null || !isTable) return
  await output.text('')
  await output.list(SCHEMA_COLUMNS, schemaRows(table.schema))
  const properties = Object.entries(table.properties)
  if (properties.length === 0) return
  await output.text('')
  await output.list(
    PROPERTY_COLUMNS,
    properties.map(([property, value]) => ({ property, value })),
  )
}
