/**
 * Contract: what a data plane does for changes of rows that are there: find them, and write what
 * takes their place. Whether rows found become position deletes or a rewritten file is decided
 * above, in `table/`.
 */
import type { ContentFile, PartitionTuple } from '../format/manifest/entry.ts'
import type { NameMapping } from '../format/name-mapping.ts'
import type { PartitionSpec } from '../format/partition-spec.ts'
import type { PositionSet } from '../format/position-set.ts'
import type { Schema } from '../format/schema.ts'
import type { BoundExpression } from '../format/expressions/expression.ts'
import type { Datum } from '../format/types.ts'
import type { FileScanTask, ParquetWriteOptions, ReadRequest, RowSource, RunOptions } from './data-plane.ts'
import type { FileAccess } from './file-access.ts'

/** Rows of one data file that are hit; rows that its deletes removed already are not among them. */
export interface FileMatch {
  readonly task: FileScanTask
  readonly positions: PositionSet
  /** Rows of the file that its deletes leave, those that are hit included. */
  readonly liveRows: number
}

/** Which rows to look for: those that a filter holds for. */
export interface MatchRequest extends RunOptions {
  /** Each task's residual is the condition for its rows. */
  readonly tasks: readonly FileScanTask[]
  readonly tableSchema: Schema
  readonly nameMapping: NameMapping | null
  readonly files: FileAccess
}

/** Which rows to look for: those of partitions that a source has rows for. */
export interface PartitionMatchRequest extends MatchRequest {
  /** Rows are hit whose values, transformed by this spec, are one of the tuples. */
  readonly spec: PartitionSpec
  readonly partitions: readonly PartitionTuple[]
}

/** Rows of data files, as a source for another write. */
export interface ScannedRows {
  readonly kind: 'scan'
  /** Its residuals are not applied: which rows are meant, the positions say. */
  readonly read: ReadRequest
  /**
   * By data file location. `except`: all live rows but these (a file that is not named keeps all);
   * `only`: these alone (a file that is not named gives none).
   */
  readonly rows: {
    readonly take: 'except' | 'only'
    readonly positions: ReadonlyMap<string, PositionSet>
  }
  /** New values by id of top-level column; null is the value null. */
  readonly assign?: ReadonlyMap<number, Datum | null>
}

/** Rows held ready in the plane's own scratch, checked against a schema, readable many times. */
export interface SpooledRows {
  readonly rows: number
  /** Frees the scratch. */
  close(): Promise<void>
}

/** A source to be read once and kept, so that it can be read again. */
export interface SpoolRequest extends RunOptions {
  readonly source: RowSource
  /** Which of the source's rows to take, bound to `schema`; default all. */
  readonly filter?: BoundExpression | undefined
  readonly schema: Schema
  readonly files: FileAccess
}

/** What is wrong with the keys of spooled rows, if anything. */
export interface KeyProblems {
  /** Rows with a null in this key column. */
  readonly nulls: ReadonlyMap<number, number>
  /** Rows whose whole key, without a null in it, another row has too. */
  readonly duplicateRows: number
}

/**
 * The span of the keys of spooled rows, by id of key column; null without rows. A column of which no
 * bounds can be told (nothing but nulls) is not in it.
 */
export type KeyBounds = ReadonlyMap<number, { readonly lower: Datum; readonly upper: Datum }> | null

/** Which rows to look for: those whose key columns equal those of a source. */
export interface KeyMatchRequest extends MatchRequest {
  // Residuals of tasks only leave out rows that no key can match and that lie outside of the scope.
  readonly source: SpooledRows
  /** Ids of the top-level key columns, the same in source and table. */
  readonly keys: readonly number[]
  /**
   * Columns that are compared; the others never count. Null equals null and NaN any NaN, at every
   * depth, and 0.0 equals -0.0; the entries of maps are compared in their order.
   */
  readonly compare: readonly number[]
  /** False: matched rows stay as they are, unless `deleteWhen` takes them. */
  readonly updateMatched: boolean
  /** False: source rows that match nothing are passed over. */
  readonly insertNotMatched: boolean
  /** Source rows for which this is true delete what they match and are never inserted. */
  readonly deleteWhen: BoundExpression | null
  /** Rows of the tasks within this scope that no source row matches are hit too; null: none. */
  readonly notMatchedBySource: BoundExpression | null
}

/**
 * Which source row meets which table row. Keys are unique in the source, not in the table: every
 * table row with a source row's key is matched, and one that differs is replaced by the source's
 * values, one for one, as SQL's MERGE does.
 */
export interface KeyMatch {
  /** Table rows that have to go: changed, deleted, or not matched by the source. */
  readonly matches: readonly FileMatch[]
  readonly rowsUpdated: number
  readonly rowsInserted: number
  readonly rowsDeleted: number
  /** Matched and left as they are: nothing differs, or `updateMatched` is false. */
  readonly rowsUnchanged: number
  /** The source rows that are to be written, updated and inserted ones: a source for `write`. */
  readonly selected: SelectedRows
  close(): Promise<void>
}

/**
 * Some of the spooled rows, as a source for a write. Opaque: only the plane that made it reads it,
 * and only until the spool is closed.
 */
export interface SelectedRows {
  readonly kind: 'selected'
}

/** Whose deletes to read. */
export interface DeletedPositionsRequest extends RunOptions {
  /** Only their position deletes are read. */
  readonly tasks: readonly FileScanTask[]
  readonly files: FileAccess
}

/** Positions of rows to be written as position delete files. */
export interface PositionDeleteRequest extends RunOptions {
  /** Data files with the positions to delete, all of one partition spec. */
  readonly deletes: readonly FileMatch[]
  readonly spec: PartitionSpec
  /** One delete file per data file, or one per partition. */
  readonly granularity: 'file' | 'partition'
  readonly parquet: ParquetWriteOptions
  readonly operationId: string
  readonly locate: (partitionPath: string, fileName: string) => string
  readonly schema: Schema
  readonly files: FileAccess
}

/** Looking for rows, and writing what removes or replaces them. */
export interface RowChanges {
  /** Files without a hit are left out. Order is of no meaning. */
  match(request: MatchRequest): Promise<readonly FileMatch[]>
  /** Rows that fall in given partitions of a spec, which need not be that of their files. */
  matchPartitions(request: PartitionMatchRequest): Promise<readonly FileMatch[]>
  /** The rows that the tasks' own position deletes remove; files of which none is removed are left out. */
  deletedPositions(request: DeletedPositionsRequest): Promise<readonly FileMatch[]>
  /** Writes position delete files; when it throws, all it made is gone again. v2 only. */
  writePositionDeletes(request: PositionDeleteRequest): Promise<readonly ContentFile[]>
  /** Reads a source once into scratch. Errors as `DataPlane.write`. */
  spool(request: SpoolRequest): Promise<SpooledRows>
  checkKeys(source: SpooledRows, keys: readonly number[], options?: RunOptions): Promise<KeyProblems>
  keyBounds(source: SpooledRows, keys: readonly number[], options?: RunOptions): Promise<KeyBounds>
  /** Out of core: memory is bounded by the plane's limit, whatever the sizes of both sides. */
  matchKeys(request: KeyMatchRequest): Promise<KeyMatch>
}
