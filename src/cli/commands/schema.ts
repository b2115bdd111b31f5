/** `floeberg schema`: the columns of a table, now or as they were. */
import { Command } from 'commander'
import { stringifyLossless } from '../../format/metadata/lossless-json.ts'
import { schemaToJson } from '../../format/schema.ts'
import type { SchemaComparison } from '../../format/evolution/compare-schemas.ts'
import type { OutputColumn } from '../cells.ts'
import { refuseTogether, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { PartialFailure } from '../failure.ts'
import { readSchemaDocument } from '../schema-document.ts'
import type { Runner } from '../runner.ts'
import { SCHEMA_COLUMNS, schemaRows } from '../table-summary.ts'
import { timeTravelOf, withTimeTravel, type TimeTravelOptions } from '../time-travel-options.ts'

export function schemaCommand(run: Runner): Command {
  const command = new Command('schema')
    .description("show a table's columns; as JSON, the document that `create --schema` takes")
    .argument('<table>', 'namespace.table')
    .option('--diff <contract>', 'against a schema document instead; fails when the table is not as it says')
    .action(run(showSchema))
  return withCommonOptions(
    withTimeTravel(command),
    'floeberg schema demo.flights --output json > flights.json',
  )
}

interface SchemaOptions extends TimeTravelOptions {
  readonly diff?: string
}

async function showSchema(context: Context, name: string, options: SchemaOptions): Promise<void> {
  if (options.diff !== undefined) return showDifferences(context, name, options.diff, options)
  const { output, terminal } = context
  const travel = timeTravelOf(options)
  const schema = await withManager(context, 'read', async (manager) => {
    const table = await manager.loadTable(name, { signal: terminal.signal })
    return table.scan(travel).schema
  })
  // The format's own document: its numbers are ids and defaults, as the format has them.
  if (output.format === 'json') await terminal.write(`${stringifyLossless(schemaToJson(schema))}\n`)
  else await output.list(SCHEMA_COLUMNS, schemaRows(schema))
}

const DIFF_COLUMNS: readonly OutputColumn[] = [
  { name: 'column' },
  { name: 'finding' },
  { name: 'expected', none: '' },
  { name: 'actual', none: '' },
]

async function showDifferences(
  context: Context,
  name: string,
  path: string,
  options: TimeTravelOptions,
): Promise<void> {
  refuseTogether({
    '--diff': path,
    '--as-of': options.asOf,
    '--snapshot': options.snapshot,
    '--ref': options.ref,
  })
  const contract = await readSchemaDocument(path)
  const comparison = await withManager(context, 'read', async (manager) =>
    manager.compareSchemas(contract, await manager.loadTable(name, { signal: context.terminal.signal })),
  )
  await context.output.list(DIFF_COLUMNS, findings(comparison))
  if (!comparison.equal) throw new PartialFailure()
}

function findings(comparison: SchemaComparison) {
  const text = (type: string, required: boolean): string => (required ? `${type} required` : type)
  return [
    ...comparison.missing.map(({ column, type, required }) => ({
      column,
      finding: 'missing',
      expected: text(type, required),
    })),
    ...comparison.typeMismatches.map((mismatch) => ({ finding: 'type', ...mismatch })),
    ...comparison.optionalityMismatches.map(({ column, expected }) => ({
      column,
      finding: 'nulls',
      expected,
      actual: expected === 'required' ? 'optional' : 'required',
    })),
    ...comparison.extra.map(({ column, type, required }) => ({
      column,
      finding: 'extra',
      actual: text(type, required),
    })),
  ]
}
