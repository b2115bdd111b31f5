/** `floeberg evolve`: a table's columns change, in the order of the options, in one commit. */
import { Command } from 'commander'
import type { SchemaDifference } from '../../format/evolution/schema-diff.ts'
import { schemaToJson, type Schema } from '../../format/schema.ts'
import type { SchemaChange } from '../../manager/schema-changes.ts'
import type { OutputColumn } from '../cells.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { parseAddition, parseComment, parseMove, parseRename, parseWidening } from '../change-syntax.ts'
import { UsageError } from '../failure.ts'
import { parseList } from '../field-syntax.ts'
import { inputFormat, withInputFiles } from '../input-files.ts'
import type { Runner } from '../runner.ts'
import { readSchemaDocument } from '../schema-document.ts'
import { SCHEMA_COLUMNS, schemaRows } from '../table-summary.ts'

interface EvolveCommandOptions {
  readonly plan?: boolean
  readonly allowIncompatible?: boolean
  readonly ignoreCase?: boolean
  readonly like?: string
  readonly from?: readonly string[]
}

const COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'committed' },
  { name: 'schema_id' },
  { name: 'differences' },
  { name: 'schema' },
]

export function evolveCommand(run: Runner): Command {
  // Options of different names apply in the order in which they stand: all add to this one list.
  const changes: SchemaChange[] = []
  const into =
    (change: (text: string) => SchemaChange) =>
    (text: string): readonly SchemaChange[] => {
      changes.push(change(text))
      return changes
    }
  const command = new Command('evolve')
    .description(
      "change a table's columns, in the order of the options, all in one commit; no row is touched",
    )
    .argument('<table>', 'namespace.table')
    .option(
      '--add <column>',
      "'name type', then required, default 0, first, after x or before x",
      into(parseAddition),
    )
    .option('--rename <old=new>', 'in its struct: point.x=lon', into(renaming))
    .option(
      '--widen <column>',
      "'name type': int to long, float to double, decimals to more digits",
      into(parseWidening),
    )
    .option(
      '--optional <column>',
      'nulls are allowed',
      into((name) => ({ type: 'make_optional', name })),
    )
    .option('--required <column>', 'no nulls; with --allow-incompatible, if none is there', into(requiring))
    .option(
      '--delete <column>',
      'its id is never used again',
      into((name) => ({ type: 'delete_column', name })),
    )
    .option('--move <column>', "'name first', 'name after x' or 'name before x'", into(parseMove))
    .option('--doc <column=text>', 'a comment; nothing behind the sign takes it away', into(parseComment))
    .option('--identifier <columns>', 'a,b: what tells rows apart; none for none', into(identifying))
    .option('--like <file>', 'have all columns of a schema document, after all other changes')
    .option(
      '--from <path>',
      'have all columns of a data file, after all other changes; may be repeated',
      collect,
    )
    .option('--allow-incompatible', 'also what readers and writers of the old schema could trip over')
    .option(
      '--ignore-case',
      'find columns whatever the case of their names, and refuse names that differ in it only',
    )
    .option('--plan', 'only show what would change')
    .action(
      run((context, name: string, options: EvolveCommandOptions) => evolve(context, name, changes, options)),
    )
  return withCommonOptions(
    command,
    "floeberg evolve demo.flights --add 'carrier string after date' --rename delay=delay_minutes --plan",
  )
}

function renaming(text: string): SchemaChange {
  const [name, newName] = parseRename(text)
  return { type: 'rename_column', name, newName }
}

function requiring(name: string): SchemaChange {
  return { type: 'make_required', name }
}

function identifying(text: string): SchemaChange {
  return { type: 'set_identifier_fields', columns: text === 'none' ? [] : [...parseList([text])] }
}

async function evolve(
  context: Context,
  name: string,
  given: readonly SchemaChange[],
  options: EvolveCommandOptions,
): Promise<void> {
  const { signal } = context.terminal
  await withManager(context, options.plan === true ? 'read' : 'write', async (manager) => {
    const like = options.like === undefined ? [] : [await readSchemaDocument(options.like)]
    const data = await dataSchemas(
      context,
      options.from ?? [],
      async (files) => (await manager.inferSchema(files, { signal })).schema,
    )
    const changes = [
      ...given,
      ...[...like, ...data].map((schema): SchemaChange => ({ type: 'union_by_name', schema })),
    ]
    if (changes.length === 0)
      throw new UsageError('there is nothing to change', 'Pass --add, --rename, --delete …')
    const settings = {
      allowIncompatibleChanges: options.allowIncompatible === true,
      caseSensitive: options.ignoreCase !== true,
      signal,
    }
    const table = await manager.loadTable(name, { signal })
    const plan = await manager.planSchemaEvolution(table, changes, settings)
    if (options.plan === true) return print(context, table.name, null, plan.schema, plan.differences)
    const before = table.schema
    const evolved = await manager.evolveSchema(table, changes, settings)
    await print(
      context,
      evolved.name,
      evolved.schema.schemaId !== before.schemaId,
      evolved.schema,
      plan.differences,
    )
  })
}

function dataSchemas<T>(
  { terminal }: Context,
  paths: readonly string[],
  infer: (files: Parameters<Parameters<typeof withInputFiles>[3]>[0]) => Promise<T>,
): Promise<readonly T[]> {
  return Promise.all(
    paths.map((path) => withInputFiles([path], inputFormat([path], undefined), terminal.signal, infer)),
  )
}

async function print(
  { output }: Context,
  table: string,
  committed: boolean | null,
  schema: Schema,
  differences: readonly SchemaDifference[],
): Promise<void> {
  if (output.format !== 'table') {
    return output.record(COLUMNS, {
      table,
      committed: committed ?? false,
      schema_id: committed === null ? null : schema.schemaId,
      differences,
      schema: schemaToJson(schema),
    })
  }
  if (differences.length === 0) return output.text(`${table} is as asked for already`)
  for (const difference of differences) await output.text(differenceText(difference))
  await output.text(
    committed === null
      ? '\nNothing was changed; the columns would be:'
      : `\n${table} has schema ${schema.schemaId} now:`,
  )
  await output.list(SCHEMA_COLUMNS, schemaRows(schema))
}

/** A difference in words. */
export function differenceText(difference: SchemaDifference): string {
  switch (difference.kind) {
    case 'added':
      return `+ ${difference.column} ${difference.type}`
    case 'deleted':
      return `- ${difference.column} ${difference.type}`
    case 'renamed':
      return `~ ${difference.from} is ${difference.column} now`
    case 'retyped':
      return `~ ${difference.column} is ${difference.to}, was ${difference.from}`
    case 'made_optional':
      return `~ ${difference.column} is optional`
    case 'made_required':
      return `~ ${difference.column} is required`
    case 'moved':
      return `~ ${difference.column} has moved`
    case 'doc_changed':
      return `~ ${difference.column} has another comment`
    case 'default_changed':
      return `~ ${difference.column} has another default`
    case 'identifier_changed':
      return `~ rows are told apart by ${difference.to.join(', ') || 'nothing'}, were by ${difference.from.join(', ') || 'nothing'}`
  }
}
