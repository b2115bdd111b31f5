/** From the function that makes a transaction to its commit. */
import { InvalidArgumentError } from '../errors.ts'
import { ancestorsOf } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { COMMIT_KEY, KeyedChange, snapshotOfKey } from '../table/commit-key.ts'
import { commitChange } from '../table/commit.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import { OpenTransaction } from '../table/open-transaction.ts'
import { TableHandle } from '../table/table.ts'
import { TransactionChange } from '../table/transaction-change.ts'
import { findCommitted } from './commit-once.ts'
import {
  TransactionScope,
  type Transaction,
  type TransactionOptions,
  type TransactionResult,
} from './transaction.ts'

type Steps<In, Out> = (transaction: Transaction<In, Out>) => Promise<unknown>
type RunOptions = TransactionOptions & { readonly commitStrategy: CommitStrategy }

/** Runs the steps on what the handle shows, and commits them together; after a failure nothing is left of them. */
export async function runTransaction<In, Out>(
  table: TableHandle<In, Out>,
  steps: Steps<In, Out>,
  options: RunOptions,
): Promise<TransactionResult> {
  const { commitKey, signal } = options
  if (commitKey !== undefined) {
    const found = await findCommitted(table, { key: commitKey, branch: null }, signal)
    if (found !== null) return committedBefore(table, found, 0)
  }
  const { runtime, loaded } = table.state
  const transaction = new OpenTransaction(new TransactionChange(loaded, runtime.clock), commitKey)
  try {
    const scope = scopeOf(table, transaction, options)
    await runSteps(scope, steps, transaction)
    return await commit(table, scope, transaction, options)
  } finally {
    await transaction.close()
  }
}

function scopeOf<In, Out>(
  table: TableHandle<In, Out>,
  transaction: OpenTransaction,
  { commitStrategy, snapshotProperties = {}, signal }: RunOptions,
): TransactionScope<In, Out> {
  const staged = TableHandle.staged<In, Out>({ ...table.state, transaction })
  return new TransactionScope(staged, transaction, { commitStrategy, snapshotProperties, signal })
}

async function runSteps<In, Out>(
  scope: TransactionScope<In, Out>,
  steps: Steps<In, Out>,
  { change, commitKey }: OpenTransaction,
): Promise<void> {
  try {
    await steps(scope)
    await scope.finish()
    if (commitKey !== undefined && !change.isEmpty) checkKeyIsKept(change.staged.metadata, commitKey)
  } catch (error) {
    // Steps that nobody waited for must not write files after the clean-up.
    await scope.finish().catch(() => undefined)
    await change.discardAll().catch(() => undefined)
    throw error
  }
}

async function commit<In, Out>(
  table: TableHandle<In, Out>,
  scope: TransactionScope<In, Out>,
  transaction: OpenTransaction,
  { commitKey, retry, signal }: RunOptions,
): Promise<TransactionResult> {
  const { runtime, id, loaded } = table.state
  const { change } = transaction
  const keyed = commitKey === undefined ? null : new KeyedChange(change, { key: commitKey, branch: null })
  const result = await commitChange(runtime, id, loaded, keyed ?? change, { ...retry, signal })
  table.advance(result.table)
  const found = keyed?.found ?? null
  if (found !== null && !change.isOwn(found['snapshot-id']))
    return committedBefore(table, found, result.attempts)
  const writes = scope.writes.map((staged) => transaction.outcomeOf(staged, result))
  const snapshotIds = writes.flatMap(({ snapshotId }) => snapshotId ?? [])
  return { snapshotIds, writes, attempts: result.attempts }
}

/** The snapshots of the transaction that had the key first, on the branch where the last of them is. */
function committedBefore<In, Out>(
  table: TableHandle<In, Out>,
  found: Snapshot,
  attempts: number,
): TransactionResult {
  const key = found.summary?.[COMMIT_KEY]
  const snapshots = ancestorsOf(table.metadata, found['snapshot-id']).filter(
    (snapshot) => snapshot.summary?.[COMMIT_KEY] === key,
  )
  const snapshotIds = snapshots.map((snapshot) => snapshot['snapshot-id']).toReversed()
  return { snapshotIds, writes: [], attempts, alreadyCommitted: true }
}

/** Picks and branches make snapshots too, but only writes give theirs the key. InvalidArgumentError. */
function checkKeyIsKept(staged: TableMetadata, key: string): void {
  if (snapshotOfKey(staged, { key, branch: null }) !== null) return
  throw new InvalidArgumentError(
    'A commitKey is kept in snapshots of writes, and the transaction makes none',
    {
      hint: 'Leave the key out: changes of metadata alone say for themselves whether they were made.',
    },
  )
}
