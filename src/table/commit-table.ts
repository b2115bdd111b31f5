/** Committing a change of a table that somebody holds a handle on: at once, or as a step of a transaction. */
import { commitChange, type CommitChange, type CommitOptions, type CommitResult } from './commit.ts'
import type { TableHandle } from './table.ts'

/** How a change of a table is committed. */
export interface TableCommitOptions extends CommitOptions {
  /** Frees what the change holds, once it is not applied any more. */
  readonly close?: (() => Promise<void>) | undefined
}

/**
 * Commits a change and moves the handle on. `outcome` says what it came to; of a step of a
 * transaction it is asked once with the table as staged, and again with the table as committed.
 */
export async function commitTable<In, Out, R>(
  table: TableHandle<In, Out>,
  change: CommitChange,
  { close = async () => {}, ...options }: TableCommitOptions,
  outcome: (result: CommitResult) => R,
): Promise<R> {
  const { runtime, id, loaded, transaction } = table.state
  if (transaction !== undefined) {
    const staged = await transaction.stage(change, { close, outcome })
    table.advance(transaction.change.staged)
    return staged
  }
  try {
    const result = await commitChange(runtime, id, loaded, change, options)
    table.advance(result.table)
    return outcome(result)
  } finally {
    await close()
  }
}
