/** `floeberg transaction`: the steps of a file, in one commit. */
import { Command } from 'commander'
import type { TransactionResult } from '../../manager/transaction.ts'
import { plural, type OutputColumn } from '../cells.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { parseAssignments } from '../field-syntax.ts'
import { progressLine } from '../progress.ts'
import type { Runner } from '../runner.ts'
import { readTransactionDocument, runSteps } from '../transaction-document.ts'

interface TransactionOptions {
  readonly file: string
  readonly commitKey?: string
  readonly snapshotProperty?: readonly string[]
}

const COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'snapshot_ids' },
  { name: 'rows_inserted' },
  { name: 'rows_updated' },
  { name: 'rows_deleted' },
  { name: 'attempts' },
  { name: 'already_committed' },
]

const EXAMPLE = `floeberg transaction demo.flights --file steps.yaml
  where steps.yaml is, for example:
    - evolveSchema: [{ type: add_column, name: carrier, fieldType: string }]
    - writeData: { from: may.csv, mode: upsert, joinColumns: [date, origin] }
    - deleteRows: "date < '2001-01-01'"
    - createTag: { name: may }`

export function transactionCommand(run: Runner): Command {
  const command = new Command('transaction')
    .description('carry out the steps of a file in one commit: all of it becomes visible at once, or none')
    .argument('<table>', 'namespace.table')
    .requiredOption('--file <path>', 'steps as YAML or JSON, each a method of the library’s transaction')
    .option('--commit-key <key>', 'do nothing if the table has a snapshot with this key already')
    .option(
      '--snapshot-property <key=value>',
      'an entry for the summary of every snapshot; may be repeated',
      collect,
    )
    .action(run(transaction))
  return withCommonOptions(command, EXAMPLE)
}

async function transaction(context: Context, name: string, options: TransactionOptions): Promise<void> {
  const { terminal } = context
  const steps = await readTransactionDocument(options.file)
  const progress = progressLine(terminal, 'writing')
  await withManager(context, 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal: terminal.signal })
    try {
      const result = await manager.transaction(table, (open) => runSteps(open, steps, progress.update), {
        commitKey: options.commitKey,
        snapshotProperties: parseAssignments(options.snapshotProperty ?? []),
        signal: terminal.signal,
      })
      progress.clear()
      await print(context, name, steps.length, result)
    } finally {
      progress.clear()
    }
  })
}

async function print(
  { output }: Context,
  name: string,
  steps: number,
  result: TransactionResult,
): Promise<void> {
  const { snapshotIds, writes, attempts, alreadyCommitted = false } = result
  const sum = (count: 'rowsInserted' | 'rowsUpdated' | 'rowsDeleted'): number =>
    writes.reduce((total, write) => total + write[count], 0)
  if (output.format !== 'table') {
    return output.record(COLUMNS, {
      table: name,
      snapshot_ids: snapshotIds,
      rows_inserted: sum('rowsInserted'),
      rows_updated: sum('rowsUpdated'),
      rows_deleted: sum('rowsDeleted'),
      attempts,
      already_committed: alreadyCommitted,
    })
  }
  const snapshots = snapshotIds.map((id) => `snapshot ${id}`).join(', ')
  if (alreadyCommitted) return output.text(`${name} has it already: ${snapshots}. Nothing was done.`)
  if (attempts === 0) return output.text(`There was nothing to do: nothing was committed to ${name}.`)
  await output.text(
    `${plural(steps, 'step')} in one commit to ${name}${snapshots === '' ? '' : `: ${snapshots}`}`,
  )
  if (writes.length === 0) return
  await output.text(
    `${plural(sum('rowsInserted'), 'row')} inserted, ${sum('rowsUpdated')} updated, ${sum('rowsDeleted')} deleted`,
  )
}
