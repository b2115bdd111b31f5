/** `floeberg delete` and `floeberg update`: rows for which a filter is true, in one snapshot. */
import { Command, Option } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import type { RowChangeOptions, RowChangePlan, RowChangeResult } from '../../manager/row-change-options.ts'
import type { Table } from '../../table/table.ts'
import { collect, refuseTogether, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { commitOptionsOf, withCommitOptions, type CommitOptions } from '../commit-options.ts'
import { UsageError } from '../failure.ts'
import { progressLine } from '../progress.ts'
import { printPlan, printResult, printStaged } from '../row-change-report.ts'
import type { Runner } from '../runner.ts'
import { parseSettings, settingValues } from '../setting-syntax.ts'

interface ChangeOptions extends CommitOptions {
  readonly where?: string
  readonly filter?: string
  readonly onConflict?: 'redo' | 'fail'
  readonly plan?: boolean
  readonly set?: readonly string[]
}

/** What a command does with a table, once looked at and once done. */
interface Change {
  readonly operation: string
  plan(manager: IcebergTableManager, table: Table, options: RowChangeOptions): Promise<RowChangePlan>
  run(manager: IcebergTableManager, table: Table, options: RowChangeOptions): Promise<RowChangeResult>
}

export function deleteCommand(run: Runner): Command {
  const command = filtered('delete')
    .description('delete the rows for which a filter is true, in one snapshot')
    .action(
      run((context, name: string, options: ChangeOptions) => {
        const filter = filterOf(options)
        return change(context, name, options, {
          operation: 'delete',
          plan: (manager, table, settings) => manager.planDeleteRows(table, filter, settings),
          run: (manager, table, settings) => manager.deleteRows(table, filter, settings),
        })
      }),
    )
  return withCommonOptions(
    withCommitOptions(command),
    'floeberg delete demo.flights --where "origin = \'SFO\' and delay is null" --plan',
  )
}

export function updateCommand(run: Runner): Command {
  const command = filtered('update')
    .description('give columns new values in the rows for which a filter is true, in one snapshot')
    .requiredOption(
      '--set <column=value>',
      "delay=0, name='it''s', closed=null; text needs no quotes where it is no null; may be repeated",
      collect,
    )
    .action(
      run((context, name: string, options: ChangeOptions) => {
        const filter = filterOf(options)
        const settings = parseSettings(options.set ?? [])
        const valuesFor = (table: Table, given: RowChangeOptions) =>
          settingValues(table.schema, settings, given)
        return change(context, name, options, {
          operation: 'update',
          plan: (manager, table, given) =>
            manager.planUpdateRows(table, valuesFor(table, given), filter, given),
          run: (manager, table, given) => manager.updateRows(table, valuesFor(table, given), filter, given),
        })
      }),
    )
  return withCommonOptions(
    withCommitOptions(command),
    'floeberg update demo.flights --set delay=0 --set carrier=null --where "delay < 0"',
  )
}

function filtered(name: string): Command {
  return new Command(name)
    .argument('<table>', 'namespace.table')
    .option('-w, --where <filter>', 'rows for which it is true; true alone means all')
    .addOption(new Option('--filter <filter>', 'the same as --where').hideHelp())
    .addOption(
      new Option('--on-conflict <what>', 'after a conflict: do it again on the table as it is then').choices([
        'redo',
        'fail',
      ]),
    )
    .option('--plan', 'only show which data files would be dropped, rewritten or get deletes, and why')
}

/** Nothing is changed everywhere because a filter was forgotten. */
function filterOf({ where, filter }: ChangeOptions): string {
  refuseTogether({ '--where': where, '--filter': filter })
  const given = where ?? filter
  if (given !== undefined) return given
  throw new UsageError('which rows are meant is not said', 'Pass --where; --where true means all of them.')
}

async function change(
  context: Context,
  name: string,
  options: ChangeOptions,
  { operation, plan, run }: Change,
): Promise<void> {
  const { terminal, output } = context
  const progress = progressLine(terminal, options.plan === true ? 'looking' : operation)
  const settings: RowChangeOptions = {
    ...commitOptionsOf(options, terminal, progress.update),
    onConflict: options.onConflict,
  }
  await withManager(context, options.plan === true ? 'read' : 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal: terminal.signal })
    try {
      if (options.plan === true) {
        const planned = await plan(manager, table, settings)
        progress.clear()
        await printPlan(output, table, planned)
      } else {
        const result = await run(manager, table, settings)
        progress.clear()
        await printResult(output, name, operation, result)
        await printStaged(output, name, result, options)
      }
    } finally {
      progress.clear()
    }
  })
}
