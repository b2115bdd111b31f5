/** `floeberg schema`: the columns of a table, now or as they were. */
import { Command } from 'commander'
import { stringifyLossless } from '../../format/metadata/lossless-json.ts'
import { schemaToJson } from '../../format/schema.ts'
import { withCommonOptions, withManager, type Context } from '../command-run.ts'
import type { Runner } from '../runner.ts'
import { SCHEMA_COLUMNS, schemaRows } from '../table-summary.ts'
import { timeTravelOf, withTimeTravel, type TimeTravelOptions } from '../time-travel-options.ts'

export function schemaCommand(run: Runner): Command {
  const command = new Command('schema')
    .description("show a table's columns; as JSON, the document that `create --schema` takes")
    .argument('<table>', 'namespace.table')
    .action(run(showSchema))
  return withCommonOptions(
    withTimeTravel(command),
    'floeberg schema demo.flights --output json > flights.json',
  )
}

async function showSchema(context: Context, name: string, options: TimeTravelOptions): Promise<void> {
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
