/** `floeberg partition-spec` and `floeberg sort-order`: how new files are laid out; shown and changed. */
import { Command } from 'commander'
import { sortOrderFromJson } from '../../format/sort-order.ts'
import { specsById } from '../../format/metadata/views.ts'
import type { PartitionChange } from '../../manager/layout-changes.ts'
import type { Table } from '../../table/table.ts'
import type { OutputColumn } from '../cells.ts'
import { parseRename } from '../change-syntax.ts'
import { collect, refuseTogether, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { UsageError } from '../failure.ts'
import { parseFieldRef, parseNamedTerm, parseSortField } from '../field-syntax.ts'
import type { Runner } from '../runner.ts'
import { partitionTexts, sortTexts } from '../table-summary.ts'

const yes = (value: unknown): string => (value === true ? 'current' : '')

const SPEC_COLUMNS: readonly OutputColumn[] = [
  { name: 'spec_id', align: 'right' },
  { name: 'current', show: yes },
  { name: 'fields', show: (value) => (Array.isArray(value) ? value.join(', ') || '(not partitioned)' : '') },
]

export function partitionSpecCommand(run: Runner): Command {
  // Options of different names apply in the order in which they stand: all add to this one list.
  const changes: PartitionChange[] = []
  const into =
    (change: (text: string) => PartitionChange) =>
    (text: string): readonly PartitionChange[] => {
      changes.push(change(text))
      return changes
    }
  const command = new Command('partition-spec')
    .description('show how a table is and was partitioned, or change it for new files, all in one commit')
    .argument('<table>', 'namespace.table')
    .option('--add <field>', "month(date), 'bucket(16, id) as b', origin …", into(addition))
    .option('--remove <field>', 'by its name, or as it was added', into(removal))
    .option('--rename <old=new>', 'a field, by its name', into(renaming))
    .option('--replace <field=field>', "'date_month=day(date)'", into(replacement))
    .action(run((context, name: string) => partitionSpec(context, name, changes)))
  return withCommonOptions(command, "floeberg partition-spec demo.flights --replace 'date_month=day(date)'")
}

function addition(text: string): PartitionChange {
  return { type: 'add_field', ...parseNamedTerm(text, '--add') }
}

function removal(text: string): PartitionChange {
  return { type: 'remove_field', field: parseFieldRef(text, '--remove') }
}

function renaming(text: string): PartitionChange {
  const [name, newName] = parseRename(text)
  return { type: 'rename_field', name, newName }
}

function replacement(text: string): PartitionChange {
  const [field = '', by = '', ...more] = text.split('=')
  if (field === '' || by === '' || more.length > 0) {
    throw new UsageError(`--replace '${text}' cannot be read`, "Write 'date_month=day(date)'.")
  }
  const ref = parseFieldRef(field, '--replace')
  return { type: 'replace_field', field: ref, ...parseNamedTerm(by, '--replace') }
}

async function partitionSpec(
  context: Context,
  name: string,
  changes: readonly PartitionChange[],
): Promise<void> {
  const { signal } = context.terminal
  const table = await withManager(context, changes.length === 0 ? 'read' : 'write', async (manager) => {
    const loaded = await manager.loadTable(name, { signal })
    return changes.length === 0 ? loaded : manager.evolvePartitionSpec(loaded, changes, { signal })
  })
  await context.output.list(SPEC_COLUMNS, specRows(table))
}

function specRows({ metadata, partitionSpec: current, schema }: Table) {
  return [...specsById(metadata).values()].map((spec) => ({
    spec_id: spec.specId,
    current: spec.specId === current.specId,
    fields: partitionTexts(spec, schema),
  }))
}

const ORDER_COLUMNS: readonly OutputColumn[] = [
  { name: 'order_id', align: 'right' },
  { name: 'current', show: yes },
  { name: 'fields', show: (value) => (Array.isArray(value) ? value.join(', ') || '(unsorted)' : '') },
]

interface SortOrderOptions {
  readonly by?: readonly string[]
  readonly unsorted?: boolean
}

export function sortOrderCommand(run: Runner): Command {
  const command = new Command('sort-order')
    .description('show by what the files of a table are sorted, or set it for new files')
    .argument('<table>', 'namespace.table')
    .option('--by <field>', 'date, delay desc nulls last …; may be repeated', collect)
    .option('--unsorted', 'new files are not sorted')
    .action(run(sortOrder))
  return withCommonOptions(command, "floeberg sort-order demo.flights --by date --by 'delay desc'")
}

async function sortOrder(context: Context, name: string, options: SortOrderOptions): Promise<void> {
  refuseTogether({ '--by': options.by, '--unsorted': options.unsorted })
  const { signal } = context.terminal
  const fields = options.unsorted === true ? [] : options.by?.map((text) => parseSortField(text, '--by'))
  const table = await withManager(context, fields === undefined ? 'read' : 'write', async (manager) => {
    const loaded = await manager.loadTable(name, { signal })
    return fields === undefined ? loaded : manager.replaceSortOrder(loaded, fields, { signal })
  })
  await context.output.list(ORDER_COLUMNS, orderRows(table))
}

function orderRows({ metadata, sortOrder: current, schema }: Table) {
  return metadata['sort-orders'].map(sortOrderFromJson).map((order) => ({
    order_id: order.orderId,
    current: order.orderId === current.orderId,
    fields: sortTexts(order, schema),
  }))
}
