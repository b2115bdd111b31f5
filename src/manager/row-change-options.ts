/** Options and results of changes of rows. */
import type { Expression } from '../format/expressions/expression.ts'
import type { FileDecision } from '../table/operations/file-action.ts'
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
export type WriteOptions =
  | WriteDataOptions
  | (OverwriteOptions & { readonly mode: 'overwrite' })
  | (UpsertOptions & { readonly mode: 'upsert' })

/** What a change of rows did. */
export interface RowChangeResult extends WriteDataResult {
  readonly rowsInserted: number
  readonly rowsUpdated: number
  readonly rowsDeleted: number
  /** Matched by an upsert, and equal in every column: neither rewritten nor counted elsewhere. */
  readonly rowsUnchanged: number
  /** What became of each data file that was hit, and why. */
  readonly fileChanges: readonly FileDecision[]
}
