/** `floeberg properties`: a table's properties, shown and changed. */
import { Command } from 'commander'
import type { PropertyChanges } from '../../table/operations/update-properties.ts'
import type { OutputColumn } from '../cells.ts'
import { withCommonOptions, withManager, type Context } from '../command-run.ts'
import { parseAssignments } from '../field-syntax.ts'
import type { Output } from '../output.ts'
import type { Runner } from '../runner.ts'

const COLUMNS: readonly OutputColumn[] = [{ name: 'property' }, { name: 'value' }]

export function propertiesCommand(run: Runner): Command {
  const list = new Command('list')
    .description("show a table's properties")
    .argument('<table>', 'namespace.table')
    .action(run(listProperties))
  const set = new Command('set')
    .description('set properties, all in one commit')
    .argument('<table>', 'namespace.table')
    .argument('<key=value...>')
    .action(
      run((context, name: string, pairs: string[]) =>
        change(context, name, { set: parseAssignments(pairs) }),
      ),
    )
  const remove = new Command('remove')
    .description('remove properties, all in one commit; one that is not there is no error')
    .argument('<table>', 'namespace.table')
    .argument('<key...>')
    .action(run((context, name: string, keys: string[]) => change(context, name, { remove: keys })))
  return new Command('properties')
    .description("show and change a table's properties")
    .addCommand(withCommonOptions(list, 'floeberg properties list demo.flights'))
    .addCommand(
      withCommonOptions(set, 'floeberg properties set demo.flights write.target-file-size-bytes=134217728'),
    )
    .addCommand(withCommonOptions(remove, 'floeberg properties remove demo.flights owner'))
}

async function listProperties(context: Context, name: string): Promise<void> {
  const properties = await withManager(context, 'read', async (manager) => {
    const table = await manager.loadTable(name, { signal: context.terminal.signal })
    return table.properties
  })
  await printProperties(context.output, properties)
}

async function change(context: Context, name: string, changes: PropertyChanges): Promise<void> {
  const { signal } = context.terminal
  const properties = await withManager(context, 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal })
    return (await manager.updateProperties(table, changes, { signal })).properties
  })
  await printProperties(context.output, properties)
}

/** As a table, or as one JSON object. */
export async function printProperties(
  output: Output,
  properties: Readonly<Record<string, string>>,
): Promise<void> {
  if (output.format === 'json') return output.document(properties)
  await output.list(
    COLUMNS,
    Object.entries(properties).map(([property, value]) => ({ property, value })),
  )
}
