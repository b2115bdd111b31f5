/** `snapshots`, `history`, `refs`, `files`, `manifests`, `partitions`: a table's metadata as rows. */
import { Command } from 'commander'
import type { InspectOptions } from '../../table/inspect.ts'
import type { Table } from '../../table/table.ts'
import type { SnapshotInfo } from '../../manager/models.ts'
import { specsById } from '../../format/metadata/views.ts'
import { partitionValueToString } from '../../format/partition-path.ts'
import type { PartitionSpec } from '../../format/partition-spec.ts'
import { bytesText, cellText, countText, timeText, type OutputColumn } from '../cells.ts'
import { withCommonOptions, withManager, type Context } from '../command-run.ts'
import type { Cells } from '../output.ts'
import { schemaToJson } from '../../format/schema.ts'
import { differenceText } from './evolve.ts'
import type { Runner } from '../runner.ts'
import { timeTravelOf, withTimeTravel, type TimeTravelOptions } from '../time-travel-options.ts'

const count = { align: 'right', show: countText, none: '' } as const
const text = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value))

const SNAPSHOT_COLUMNS: readonly OutputColumn[] = [
  { name: 'snapshot_id' },
  { name: 'committed_at', show: timeText },
  { name: 'operation', none: 'unknown' },
  { name: 'added_rows', ...count },
  { name: 'deleted_rows', ...count },
  { name: 'total_rows', ...count },
  { name: 'refs', show: text },
  { name: 'parent_id', none: '', detail: true },
  { name: 'sequence_number', detail: true },
  { name: 'schema_id', detail: true },
  { name: 'summary', detail: true },
]

export function snapshotsCommand(run: Runner): Command {
  const command = new Command('snapshots')
    .description('the snapshots that a table keeps, newest first')
    .argument('<table>', 'namespace.table')
    .action(run(snapshots))
  return withCommonOptions(command, 'floeberg snapshots demo.flights --output json')
}

async function snapshots(context: Context, name: string): Promise<void> {
  const rows = await withManager(context, 'read', async (manager) =>
    manager.listSnapshots(await manager.loadTable(name, { signal: context.terminal.signal })),
  )
  await context.output.list(SNAPSHOT_COLUMNS, rows.map(snapshotRow))
}

function snapshotRow(info: SnapshotInfo): Cells {
  const { summary } = info
  return {
    snapshot_id: info.snapshotId,
    committed_at: info.timestampMs,
    operation: info.operation,
    added_rows: summary['added-records'],
    deleted_rows: summary['deleted-records'],
    total_rows: summary['total-records'],
    refs: info.refs,
    parent_id: info.parentId,
    sequence_number: info.sequenceNumber,
    schema_id: info.schemaId,
    summary,
  }
}

const HISTORY_COLUMNS: readonly OutputColumn[] = [
  { name: 'made_current_at', show: timeText },
  { name: 'snapshot_id' },
  { name: 'parent_id', none: '' },
  { name: 'is_current_ancestor', show: (value) => (value === true ? 'yes' : 'no, rolled back') },
]

const REF_COLUMNS: readonly OutputColumn[] = [
  { name: 'name' },
  { name: 'type' },
  { name: 'snapshot_id' },
  { name: 'max_reference_age_in_ms', none: '' },
  { name: 'min_snapshots_to_keep', none: '' },
  { name: 'max_snapshot_age_in_ms', none: '' },
]

const fileColumns = (table: Table): readonly OutputColumn[] => [
  { name: 'content' },
  { name: 'partition', show: (_, row) => partitionText(table, row) },
  { name: 'record_count', ...count },
  { name: 'file_size_in_bytes', align: 'right', show: bytesText },
  { name: 'file_path' },
  { name: 'file_format', detail: true },
  { name: 'spec_id', detail: true },
  { name: 'sort_order_id', detail: true },
  { name: 'split_offsets', detail: true },
  { name: 'equality_ids', detail: true },
  { name: 'snapshot_id', detail: true },
  { name: 'sequence_number', detail: true },
  { name: 'readable_metrics', detail: true },
]

const MANIFEST_COLUMNS: readonly OutputColumn[] = [
  { name: 'content' },
  { name: 'added_snapshot_id' },
  { name: 'partition_spec_id', align: 'right' },
  { name: 'added_files_count', ...count },
  { name: 'existing_files_count', ...count },
  { name: 'deleted_files_count', ...count },
  { name: 'length', align: 'right', show: bytesText },
  { name: 'path' },
]

const partitionColumns = (table: Table): readonly OutputColumn[] => [
  { name: 'partition', show: (_, row) => partitionText(table, row) },
  { name: 'spec_id', align: 'right' },
  { name: 'record_count', ...count },
  { name: 'file_count', ...count },
  { name: 'total_data_file_size_in_bytes', align: 'right', show: bytesText },
  { name: 'delete_file_count', ...count },
]

const SCHEMA_HISTORY_COLUMNS: readonly OutputColumn[] = [
  { name: 'schema_id', align: 'right' },
  { name: 'added_at', show: timeText, none: 'unknown' },
  { name: 'changes', show: (value) => (Array.isArray(value) ? value.join('; ') : '') },
  { name: 'first_snapshot_id', none: '' },
  { name: 'last_snapshot_id', none: '' },
  { name: 'schema', detail: true },
]

/** Views of the whole table. */
export function historyCommand(run: Runner): Command {
  const command = new Command('history')
    .description('which snapshot was current when, oldest first')
    .argument('<table>', 'namespace.table')
    .option('--schemas', 'the schemas instead: what each changed, and which snapshots were written with it')
    .action(
      run((context, name: string, { schemas }: { readonly schemas?: boolean }) =>
        schemas === true
          ? printSchemaHistory(context, name)
          : printView(context, name, HISTORY_VIEW, undefined),
      ),
    )
  return withCommonOptions(command, 'floeberg history demo.flights --schemas')
}

const HISTORY_VIEW: View<undefined> = {
  name: 'history',
  about: '',
  columns: () => HISTORY_COLUMNS,
  rows: (table) => table.inspect.history(),
}

async function printSchemaHistory(context: Context, name: string): Promise<void> {
  const versions = await withManager(context, 'read', async (manager) =>
    manager.schemaHistory(await manager.loadTable(name, { signal: context.terminal.signal })),
  )
  await context.output.list(
    SCHEMA_HISTORY_COLUMNS,
    versions.map((version) => ({
      schema_id: version.schemaId,
      added_at: version.addedAtMs,
      changes: version.changes.map(differenceText),
      first_snapshot_id: version.firstSnapshotId,
      last_snapshot_id: version.lastSnapshotId,
      schema: schemaToJson(version.schema),
    })),
  )
}

export function refsCommand(run: Runner): Command {
  const about = 'branches and tags'
  return wholeView(run, {
    name: 'refs',
    about,
    columns: () => REF_COLUMNS,
    rows: (table) => table.inspect.refs(),
  })
}

interface View<Options> {
  readonly name: string
  readonly about: string
  readonly columns: (table: Table) => readonly OutputColumn[]
  readonly rows: (table: Table, options: Options) => readonly object[] | Promise<readonly object[]>
}

function wholeView(run: Runner, view: View<undefined>): Command {
  const command = new Command(view.name)
    .description(view.about)
    .argument('<table>', 'namespace.table')
    .action(run((context, name: string) => printView(context, name, view, undefined)))
  return withCommonOptions(command, `floeberg ${view.name} demo.flights`)
}

/** Views of one snapshot. */
export function filesCommand(run: Runner): Command {
  const about = 'the data and delete files of a snapshot; JSON and CSV also have metrics by column'
  return snapshotView(run, {
    name: 'files',
    about,
    columns: fileColumns,
    rows: (table, options) => table.inspect.files(options),
  })
}

export function manifestsCommand(run: Runner): Command {
  const about = 'the manifests of a snapshot'
  return snapshotView(run, {
    name: 'manifests',
    about,
    columns: () => MANIFEST_COLUMNS,
    rows: (table, options) => table.inspect.manifests(options),
  })
}

export function partitionsCommand(run: Runner): Command {
  const about = 'the partitions of a snapshot, with what their files add up to'
  return snapshotView(run, {
    name: 'partitions',
    about,
    columns: partitionColumns,
    rows: (table, options) => table.inspect.partitions(options),
  })
}

function snapshotView(run: Runner, view: View<InspectOptions>): Command {
  const command = new Command(view.name)
    .description(view.about)
    .argument('<table>', 'namespace.table')
    .action(
      run((context, name: string, options: TimeTravelOptions) =>
        printView(context, name, view, { ...timeTravelOf(options), signal: context.terminal.signal }),
      ),
    )
  return withCommonOptions(withTimeTravel(command), `floeberg ${view.name} demo.flights --as-of 2026-01-31`)
}

async function printView<O>(context: Context, name: string, view: View<O>, options: O): Promise<void> {
  const { table, rows } = await withManager(context, 'read', async (manager) => {
    const loaded = await manager.loadTable(name, { signal: context.terminal.signal })
    return { table: loaded, rows: await view.rows(loaded, options) }
  })
  await context.output.list(
    view.columns(table),
    rows.map((row): Cells => ({ ...row })),
  )
}

/** `date_month=2001-01`, as in the names of the folders. */
function partitionText(table: Table, row: Cells): string {
  const spec = specsById(table.metadata).get(Number(row['spec_id']))
  const values = Object.entries(row['partition'] ?? {})
  if (values.length === 0) return '(not partitioned)'
  return values.map(([name, value]) => `${name}=${valueText(spec, name, value)}`).join(', ')
}

function valueText(spec: PartitionSpec | undefined, name: string, value: unknown): string {
  const transform = spec?.fields.find((field) => field.name === name)?.transform
  // Years, months and hours are counted since 1970; a day is a date already.
  const isCount = transform?.kind === 'year' || transform?.kind === 'month' || transform?.kind === 'hour'
  if (isCount && typeof value === 'number') return partitionValueToString(transform, { kind: 'int' }, value)
  return cellText({ name }, value) ?? 'null'
}
