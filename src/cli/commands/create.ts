/** `floeberg create`: a new table, its schema from data or from a document. */
import { Command, Option } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import { schemaToJson, type Schema } from '../../format/schema.ts'
import type { TableConfigFromData } from '../../manager/infer-schema.ts'
import type { TableConfig } from '../../manager/models.ts'
import { toIdentifier } from '../../table/identifier.ts'
import type { Table } from '../../table/table.ts'
import { plural, type OutputColumn } from '../cells.ts'
import { collect, refuseTogether, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { UsageError } from '../failure.ts'
import { parseAssignments, parsePartitionField, parseSortField } from '../field-syntax.ts'
import {
  INPUT_FORMATS,
  inputFormat,
  withInputFiles,
  type InputFiles,
  type InputFormat,
} from '../input-files.ts'
import { progressLine } from '../progress.ts'
import type { Runner } from '../runner.ts'
import { readSchemaDocument } from '../schema-document.ts'
import { partitionTexts, SCHEMA_COLUMNS, schemaRows, sortTexts } from '../table-summary.ts'

interface CreateOptions {
  readonly from?: readonly string[]
  readonly format?: InputFormat
  readonly schema?: string
  readonly partition?: readonly string[]
  readonly sort?: readonly string[]
  readonly property?: readonly string[]
  readonly location?: string
  readonly formatVersion?: '1' | '2' | '3'
  readonly ifNotExists?: boolean
  readonly createNamespace?: boolean
  readonly rows?: boolean
  readonly orReplace?: boolean
}

const COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'created' },
  { name: 'replaced' },
  { name: 'uuid' },
  { name: 'location' },
  { name: 'metadata_location' },
  { name: 'format_version' },
  { name: 'partitioned_by' },
  { name: 'sorted_by' },
  { name: 'differences' },
  { name: 'schema' },
]

export function createCommand(run: Runner): Command {
  const command = new Command('create')
    .description(
      'create a table, with the schema of data or of a document; with --rows, together with its rows',
    )
    .argument('<table>', 'namespace.table')
    .option('--from <path...>', 'take the schema of these files (globs too; - is standard input)')
    .addOption(new Option('--format <format>', 'where the names do not tell').choices(INPUT_FORMATS))
    .option('--schema <file>', 'a schema as JSON, such as `floeberg schema --output json` prints')
    .option('--partition <field>', 'month(date), bucket(16, id), origin …; may be repeated', collect)
    .option('--sort <field>', 'date, delay desc nulls last …; may be repeated', collect)
    .option('--property <key=value>', 'a table property; may be repeated', collect)
    .option('--location <uri>', 'where the table lies (default: below the warehouse)')
    .addOption(new Option('--format-version <version>', 'default: 2').choices(['1', '2', '3']))
    .option('--if-not-exists', 'a table that is there already is no error; differences are told')
    .option('--rows', 'the rows of the --from files too: table and rows become visible at once')
    .option('--or-replace', 'in the place of a table that is there: history, uuid and column ids stay')
    .option('--create-namespace', 'create the namespace too, if it is not there')
    .action(run(create))
  return withCommonOptions(
    command,
    "floeberg create demo.flights --from flights.parquet --partition 'month(date)' --create-namespace\n" +
      'floeberg create demo.flights --from flights.parquet --rows --or-replace',
  )
}

async function create(context: Context, name: string, options: CreateOptions): Promise<void> {
  const { from, schema, rows, ifNotExists, orReplace } = options
  if (schema === undefined || rows !== true) refuseTogether({ '--from': from, '--schema': schema })
  refuseTogether({ '--if-not-exists': ifNotExists, '--or-replace': orReplace })
  if (rows === true && from === undefined)
    throw new UsageError('--rows are those of --from, which is not given')
  // An identifier that cannot be read is told before any file is looked at.
  const { namespace, name: table } = toIdentifier(name)
  const config = { namespace: [...namespace], name: table, ...settingsOf(options) }
  await withConfig(context, config, options, (whole, data) =>
    withManager(context, 'write', async (manager) =>
      print(context, await createTable(context, manager, whole, data, options)),
    ),
  )
}

type Settings = Omit<TableConfig, 'schema'>
/** A table whose columns are those of a document, or of data. */
type NewTable = (TableConfig & { readonly schema: Schema }) | TableConfigFromData

function settingsOf(options: CreateOptions): Omit<Settings, 'namespace' | 'name'> {
  const { partition, sort, property, location, formatVersion } = options
  return {
    ...(partition === undefined ? {} : { partitionSpec: partition.map(parsePartitionField) }),
    ...(sort === undefined ? {} : { sortOrder: sort.map((text) => parseSortField(text)) }),
    ...(property === undefined ? {} : { properties: parseAssignments(property) }),
    ...(location === undefined ? {} : { location }),
    ...(formatVersion === undefined ? {} : { formatVersion: versionOf(formatVersion) }),
  }
}

function versionOf(text: '1' | '2' | '3'): 1 | 2 | 3 {
  return text === '1' ? 1 : text === '2' ? 2 : 3
}

async function withConfig(
  { terminal }: Context,
  settings: Settings,
  { from, schema, format, rows }: CreateOptions,
  work: (config: NewTable, data: InputFiles | undefined) => Promise<void>,
): Promise<void> {
  const declared = schema === undefined ? null : await readSchemaDocument(schema)
  if (from === undefined) {
    if (declared !== null) return work({ ...settings, schema: declared }, undefined)
    throw new UsageError(
      'the schema is missing',
      'Pass --from with a data file, or --schema with a document.',
    )
  }
  await withInputFiles(from, inputFormat(from, format), terminal.signal, (files) =>
    work(
      declared === null ? { ...settings, schemaFrom: files } : { ...settings, schema: declared },
      rows === true ? files : undefined,
    ),
  )
}

async function createTable(
  { terminal }: Context,
  manager: IcebergTableManager,
  config: NewTable,
  data: InputFiles | undefined,
  { ifNotExists, createNamespace, orReplace }: CreateOptions,
): Promise<Table> {
  const progress = progressLine(terminal, 'writing')
  try {
    return await manager.createTable(config, {
      ifNotExists,
      createNamespace,
      orReplace,
      data,
      signal: terminal.signal,
      onProgress: progress.update,
    })
  } finally {
    progress.clear()
  }
}

async function print({ output }: Context, table: Table): Promise<void> {
  const { created, replaced, differences } = table.creation ?? {
    created: true,
    replaced: false,
    differences: [],
  }
  const rows = table.currentSnapshot?.summary?.['total-records'] ?? '0'
  const partitionedBy = partitionTexts(table.partitionSpec, table.schema)
  const sortedBy = sortTexts(table.sortOrder, table.schema)
  if (output.format !== 'table') {
    return output.record(COLUMNS, {
      table: table.name,
      created,
      replaced,
      uuid: table.uuid,
      location: table.location,
      metadata_location: table.metadataLocation,
      format_version: table.formatVersion,
      partitioned_by: partitionedBy,
      sorted_by: sortedBy,
      differences,
      schema: schemaToJson(table.schema),
    })
  }
  const verb = created ? 'Created' : replaced ? 'Replaced' : null
  await output.text(
    verb === null ? `${table.name} is there already` : `${verb} ${table.name} in ${table.location}`,
  )
  for (const difference of differences) {
    await output.text(`${replaced ? 'Before' : 'It differs'}: ${difference}`)
  }
  if (verb !== null && rows !== '0') await output.text(plural(Number(rows), 'row'))
  if (partitionedBy.length > 0) await output.text(`Partitioned by ${partitionedBy.join(', ')}`)
  if (sortedBy.length > 0) await output.text(`Sorted by ${sortedBy.join(', ')}`)
  await output.text('')
  await output.list(SCHEMA_COLUMNS, schemaRows(table.schema))
}
