/** Writes that carry a key: what was committed under it before is answered, and not done again. */
import { InvalidArgumentError } from '../errors.ts'
import { MAIN_BRANCH, type Snapshot } from '../format/snapshot.ts'
import { COMMIT_KEY, KeyedChange, snapshotOfKey, type KeyScope } from '../table/commit-key.ts'
import { commitTable, type TableCommitOptions } from '../table/commit-table.ts'
import type { CommitChange, CommitResult } from '../table/commit.ts'
import type { TableHandle } from '../table/table.ts'
import type { UpsertCounts } from '../table/operations/upsert.ts'
import type { RowChangeResult } from './row-change-options.ts'
import type { WriteDataOptions } from './write-data.ts'

type KeyedOptions = Pick<WriteDataOptions, 'branch' | 'commitKey' | 'signal'>

/** Counts of rows that the format's own entries of a summary do not tell. */
const COUNTS = {
  rowsInserted: 'floeberg.rows-inserted',
  rowsUpdated: 'floeberg.rows-updated',
  rowsDeleted: 'floeberg.rows-deleted',
  rowsUnchanged: 'floeberg.rows-unchanged',
} as const

/** Entries of a summary that belong to keys, and are nobody else's to set. */
export const KEY_ENTRIES: ReadonlySet<string> = new Set([COMMIT_KEY, ...Object.values(COUNTS)])

/** InvalidArgumentError for a key that is none. */
export function checkCommitKey(key: unknown): void {
  if (key === undefined || (typeof key === 'string' && key !== '')) return
  throw new InvalidArgumentError('commitKey is a text that is not empty', {
    hint: 'Take what names the run and its part, such as an id of the orchestrator.',
  })
}

/** What a keyed snapshot has in its summary, so that whoever comes again can be told what it did. */
export function keyEntries(key: string, counts: UpsertCounts): Readonly<Record<string, string>> {
  return {
    [COMMIT_KEY]: key,
    [COUNTS.rowsInserted]: String(counts.rowsInserted),
    [COUNTS.rowsUpdated]: String(counts.rowsUpdated),
    [COUNTS.rowsDeleted]: String(counts.rowsDeleted),
    [COUNTS.rowsUnchanged]: String(counts.rowsUnchanged),
  }
}

/** Runs a write, unless the table has a snapshot with its key: then that one's result is the result. */
export async function once<In, Out>(
  table: TableHandle<In, Out>,
  options: KeyedOptions,
  write: () => Promise<RowChangeResult>,
): Promise<RowChangeResult> {
  const scope = scopeOf(options)
  if (scope === null) return write()
  // The handle may be older than the commit that is looked for.
  const found = await findCommitted(table, scope, options.signal)
  return found === null ? write() : committedBefore(found, 0)
}

/** The snapshot with a key on the table as it is now; the handle is moved on to it. */
export async function findCommitted<In, Out>(
  table: TableHandle<In, Out>,
  scope: KeyScope,
  signal?: AbortSignal,
): Promise<Snapshot | null> {
  const { runtime, id } = table.state
  const loaded = await runtime.catalog.loadTable(id, { signal })
  if (loaded.metadata['table-uuid'] !== table.uuid) return null
  const found = snapshotOfKey(loaded.metadata, scope)
  if (found !== null) table.advance(loaded)
  return found
}

/** Commits a write, as `commitTable`; one with a key only where nobody was faster. */
export async function commitWrite<In, Out>(
  table: TableHandle<In, Out>,
  change: CommitChange,
  options: TableCommitOptions & KeyedOptions,
  outcome: (result: CommitResult) => RowChangeResult,
): Promise<RowChangeResult> {
  const scope = scopeOf(options)
  if (scope === null) return commitTable(table, change, options, outcome)
  const keyed = new KeyedChange(change, scope)
  return commitTable(table, keyed, options, (result) => {
    const { found } = keyed
    const isOurs = found === null || found['snapshot-id'] === change.snapshotId
    return isOurs ? outcome(result) : committedBefore(found, result.attempts)
  })
}

/** The part of a write's options that its commit is told. */
export function keyOf({ branch, commitKey, signal }: KeyedOptions): KeyedOptions {
  return { branch, commitKey, signal }
}

function scopeOf({ commitKey, branch }: KeyedOptions): KeyScope | null {
  return commitKey === undefined ? null : { key: commitKey, branch: branch ?? MAIN_BRANCH }
}

/** What the summary of a snapshot tells of the write that made it. */
function committedBefore(snapshot: Snapshot, attempts: number): RowChangeResult {
  const count = (entry: string): number => Number(snapshot.summary?.[entry] ?? 0)
  return {
    snapshotId: snapshot['snapshot-id'],
    rows: count('added-records'),
    files: count('added-data-files'),
    bytes: count('added-files-size'),
    attempts,
    rowsInserted: count(COUNTS.rowsInserted),
    rowsUpdated: count(COUNTS.rowsUpdated),
    rowsDeleted: count(COUNTS.rowsDeleted),
    rowsUnchanged: count(COUNTS.rowsUnchanged),
    fileChanges: [],
    alreadyCommitted: true,
  }
}
