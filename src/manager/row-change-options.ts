/** Options and results of changes of rows. */
import type { Expression } from '../format/expressions/expression.ts'
import type { FileAction, FileDecision } from '../table/operations/file-action.ts'
import type { Isolation } from '../table/operations/row-change.ts'
import type { WriteDataOptions, WriteDataResult } from './write-data.ts'

/** How rows that are there are changed. */
export interface RowChangeOptions extends Omit<WriteDataOptions, 'mode' | 'schemaMode'> {
  /**
   * What counts as a conflict with other commits. `serializable`: rows that were added or deleted
   * and might match; `snapshot`: only those that were deleted. Default: the table's
   * `write.delete.isolation-level`, `write.update…`, `write.merge…`, else `serializable`.
   */
  readonly isolation?: Isolation | undefined
  /** After a conflict: do it again on the table as it is then (default), or CommitConflictError. */
  readonly onConflict?: 'redo' | 'fail' | undefined
  /** How column names are matched. Default: true. */
  readonly caseSensitive?: boolean | undefined
}

/** What `writeData` in mode `overwrite` replaces; by default the whole table. */
export interface OverwriteOptions extends RowChangeOptions {
  /** Rows for which this is true leave. */
  readonly overwriteFilter?: Expression | string
  /** `table`: every row leaves. `partitions`: the rows of the partitions that new rows fall in. */
  readonly overwriteScope?: 'table' | 'partitions' | undefined
  /** Refuse new rows for which `overwriteFilter` is not true. Default: false. */
  readonly validate?: boolean | undefined
  /** An overwrite is never done again by itself: CommitConflictError. */
  readonly onConflict?: 'fail' | undefined
}

/** How `writeData` in mode `upsert` matches rows and what it does with them. */
export interface UpsertOptions extends RowChangeOptions {
  /** Columns that make a row's key. Default: the schema's identifier fields. */
  readonly joinColumns?: readonly string[] | undefined
  /** Whether matched rows that differ take the source's values. Default: true. */
  readonly whenMatchedUpdateAll?: boolean | undefined
  /** Whether source rows that match nothing are inserted. Default: true. */
  readonly whenNotMatchedInsertAll?: boolean | undefined
  /** Source rows for which this is true delete the row they match, and are never inserted. */
  readonly deleteWhen?: Expression | string | undefined
  /** Deletes the rows within `scope` that no source row matches. */
  readonly whenNotMatchedBySource?:
    { readonly action: 'delete'; readonly scope: Expression | string } | undefined
}

/** How `writeData` writes, in each of its modes. */
export type WriteOptions = WriteDataOptions | ReplacingWriteOptions

/** How `writeData` writes in the modes that change rows which are there. */
export type ReplacingWriteOptions =
  (OverwriteOptions & { readonly mode: 'overwrite' }) | (UpsertOptions & { readonly mode: 'upsert' })

/** What a change of rows did. */
export interface RowChangeResult extends WriteDataResult {
  readonly rowsInserted: number
  readonly rowsUpdated: number
  readonly rowsDeleted: number
  /** Matched by an upsert, and equal in every column: neither rewritten nor counted elsewhere. */
  readonly rowsUnchanged: number
  /** What became of each data file that was hit, and why. */
  readonly fileChanges: readonly FileDecision[]
  /** The `commitKey` was in the history already: the figures are those of its snapshot's summary. */
  readonly alreadyCommitted?: boolean | undefined
}

/**
 * What a change of rows would do to each data file of one state of the table. Plain and
 * serializable: ids are decimal strings.
 */
export interface RowChangePlan {
  readonly version: 1
  /** `overwrite`, `delete`, `update` or `upsert`. */
  readonly operation: string
  readonly tableUuid: string
  /** The state that was looked at; null where the catalog keeps no file. */
  readonly metadataLocation: string | null
  readonly branch: string
  /** Head of the branch; null when it has none. */
  readonly snapshotId: string | null
  /** Files that would be hit; all others stay as they are. */
  readonly files: readonly PlannedFile[]
}

/** One data file of a {@link RowChangePlan}. */
export interface PlannedFile {
  readonly location: string
  readonly action: FileAction
  /** Rows that would go. */
  readonly rows: number
  readonly reason: string
}
