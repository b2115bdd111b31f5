/**
 * Contract: turns rows into data files and scan tasks into rows. Nothing above knows which engine
 * does it, and the engine reaches bytes only through the injected FileAccess.
 */
import type { BoundExpression } from '../format/expressions/expression.ts'
import type { ContentFile, ManifestEntry } from '../format/manifest/entry.ts'
import type { MetricsConfig } from '../format/metrics-config.ts'
import type { NameMapping } from '../format/name-mapping.ts'
import type { PartitionSpec } from '../format/partition-spec.ts'
import type { Schema } from '../format/schema.ts'
import type { SortOrder } from '../format/sort-order.ts'
import type { Row } from '../format/values/value.ts'
import type { FileAdoption } from './adoption.ts'
import type { FileAccess } from './file-access.ts'
import type { RowChanges, ScannedRows, SelectedRows } from './row-changes.ts'
import type { ScanViews } from './scan-views.ts'
import type { SqlQueries } from './sql.ts'

/** What the plane needs of an apache-arrow RecordBatch (any version): recognised by shape. */
export interface ArrowRecordBatch {
  readonly numRows: number
  readonly schema: { readonly fields: readonly { readonly name: string; readonly nullable: boolean }[] }
}

/** Rows to be written, or looked at to infer a schema. Iterables are read once. */
export type RowSource =
  /** Local paths; globs are expanded by the engine. */
  | {
      readonly kind: 'files'
      readonly format: 'parquet' | 'csv' | 'json'
      readonly paths: readonly string[]
    }
  | { readonly kind: 'rows'; readonly rows: Iterable<Row> | AsyncIterable<Row> }
  | {
      readonly kind: 'arrow'
      readonly batches: Iterable<ArrowRecordBatch> | AsyncIterable<ArrowRecordBatch>
    }
  /** An Arrow IPC stream or file, in chunks. */
  | { readonly kind: 'arrow-ipc'; readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array> }

/** How far a long run is. */
export interface Progress {
  /** Rows done so far. */
  readonly rows: number
  /** null when the total is not known. */
  readonly totalRows: number | null
}

/** How a long run is stopped and watched. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** `write.parquet.*` properties, parsed. Sizes in bytes. */
export interface ParquetWriteOptions {
  readonly compression: 'zstd' | 'snappy' | 'gzip' | 'lz4' | 'uncompressed' | 'brotli'
  readonly compressionLevel: number | null
  readonly rowGroupSizeBytes: number
  readonly rowGroupRowLimit: number
  readonly dictionarySizeBytes: number
  /** Top-level or full column names with a bloom filter. */
  readonly bloomFilterColumns: readonly string[]
}

/** What an engine is to write, and how. */
export interface WriteRequest extends RunOptions {
  readonly source: RowSource | ScannedRows | SelectedRows
  /** Which of the source's rows to take, bound to `schema`; default all. */
  readonly filter?: BoundExpression | undefined
  /** Columns with field ids; rows are matched to it by name. */
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  /**
   * Ids of columns whose z-order rows are to lie in: near in each of the columns is near in the
   * files. Takes the place of the sort order. Columns of primitive types outside of lists and maps.
   */
  readonly zOrder?: readonly number[] | undefined
  readonly targetFileSizeBytes: number
  readonly parquet: ParquetWriteOptions
  readonly metrics: MetricsConfig
  /** Unique per write; part of every file name. */
  readonly operationId: string
  /** Location of a new file: its partition's path ('' when unpartitioned) and its name. */
  readonly locate: (partitionPath: string, fileName: string) => string
  /** Location of a folder that is there for such files: what will be one may be made in it. */
  readonly dataFolder?: string | undefined
  readonly files: FileAccess
  /**
   * For who has something to do while finished files become durable: `write` may answer when they are
   * whole, and says here what to wait for before anything leads to them. Should that fail, they are
   * removed. Where it is absent, or never called, nothing is left to wait for.
   */
  readonly onPlacing?: ((placed: Promise<void>) => void) | undefined
}

/** What an engine wrote. */
export interface WriteResult {
  /** Committed to storage (see `onPlacing`), not yet to any snapshot. */
  readonly files: readonly ContentFile[]
  readonly rows: number
}

/** One data file to read, with all that decides which of its rows and values come out. */
export interface FileScanTask {
  /** With inherited snapshot id and sequence numbers: never null. */
  readonly entry: ManifestEntry
  readonly spec: PartitionSpec
  /** Delete entries that apply to this file, with inherited sequence numbers. */
  readonly deletes: readonly ManifestEntry[]
  /** What of the filter is left to check on its rows. */
  readonly residual: BoundExpression
}

/** What an engine is to read. */
export interface ReadRequest extends RunOptions {
  readonly tasks: readonly FileScanTask[]
  /** What comes out, in this order, matched by field id at every depth. */
  readonly projection: Schema
  /** The schema that residuals are bound to: may hold columns that the projection has not. */
  readonly tableSchema: Schema
  readonly nameMapping: NameMapping | null
  /** Stop after this many rows. */
  readonly limit?: number | undefined
  /** Parses the partition value of a column that the file itself does not hold. */
  readonly files: FileAccess
}

/** A schema read off data, and where the data leaves it open. */
export interface InferredSchema {
  /** With fresh ids, all columns optional unless the source says otherwise. */
  readonly schema: Schema
  /** Columns whose type the source does not decide (all null, mixed, …), with the reason. */
  readonly unsure: readonly { readonly column: string; readonly reason: string }[]
}

/** A single file on this machine's disk to be written. */
export interface OutputPath {
  readonly path: string
  /** `arrow` is an Arrow IPC file. */
  readonly format: 'parquet' | 'csv' | 'json' | 'arrow'
  /** False: InvalidArgumentError when the file is there already. Default: true. */
  readonly replace?: boolean | undefined
}

/** An engine: rows into data files, scan tasks into rows. */
export interface DataPlane extends RowChanges, FileAdoption, ScanViews, SqlQueries {
  readonly name: string
  /**
   * Writes rows as Parquet files. When it throws, every file it made is gone again.
   *
   * Throws SchemaMismatchError and InvalidDataError naming column, source and row;
   * StorageQuotaError on a full disk; EngineMemoryError; EngineError.
   */
  write(request: WriteRequest): Promise<WriteResult>
  /** Rows in batches. Leaving early or aborting frees everything. */
  readRows(request: ReadRequest): AsyncIterable<readonly Row[]>
  readArrow(request: ReadRequest): AsyncIterable<ArrowRecordBatch>
  /**
   * Writes what the request yields into one local file, which appears under its name only when whole;
   * answers its rows. MissingDependencyError for Arrow without `apache-arrow`.
   */
  readToFile(request: ReadRequest, file: OutputPath): Promise<{ readonly rows: number }>
  /** How many rows the request yields. */
  countRows(request: ReadRequest): Promise<number>
  inferSchema(source: RowSource, options?: RunOptions): Promise<InferredSchema>
  close(): Promise<void>
}
