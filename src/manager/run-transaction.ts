/** From the function that makes a transaction to its commit. */
import { commitChange } from '../table/commit.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import { OpenTransaction } from '../table/open-transaction.ts'
import { TableHandle } from '../table/table.ts'
import { TransactionChange } from '../table/transaction-change.ts'
import {
  TransactionScope,
  type Transaction,
  type TransactionOptions,
  type TransactionResult,
} from './transaction.ts'

/** Runs the steps on what the handle shows, and commits them together; after a failure nothing is left of them. */
export async function runTransaction<In, Out>(
  table: TableHandle<In, Out>,
  body: (transaction: Transaction<In, Out>) => Promise<unknown>,
  options: TransactionOptions & { readonly commitStrategy: CommitStrategy },
): Promise<TransactionResult> {
  const { runtime, id, loaded } = table.state
  const change = new TransactionChange(loaded, runtime.clock)
  const transaction = new OpenTransaction(change)
  const { commitStrategy, snapshotProperties = {}, retry, signal } = options
  const staged = TableHandle.staged<In, Out>({ ...table.state, transaction })
  const scope = new TransactionScope(staged, transaction, { commitStrategy, snapshotProperties, signal })
  try {
    await runSteps(scope, body, change)
    const result = await commitChange(runtime, id, loaded, change, { ...retry, signal })
    table.advance(result.table)
    const writes = scope.writes.map((staged) => transaction.outcomeOf(staged, result))
    return {
      snapshotIds: writes.flatMap(({ snapshotId }) => snapshotId ?? []),
      writes,
      attempts: result.attempts,
    }
  } finally {
    await transaction.close()
  }
}

async function runSteps<In, Out>(
  scope: TransactionScope<In, Out>,
  body: (transaction: Transaction<In, Out>) => Promise<unknown>,
  change: TransactionChange,
): Promise<void> {
  try {
    await body(scope)
    await scope.finish()
  } catch (error) {
    // Steps that nobody waited for must not write files after the clean-up.
    await scope.finish().catch(() => undefined)
    await change.discardAll().catch(() => undefined)
    throw error
  }
}
