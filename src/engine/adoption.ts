/** Contract: Parquet files that are there already, and are to become a table's data files as they are. */
import type { ContentFile } from '../format/manifest/entry.ts'
import type { MetricsConfig } from '../format/metrics-config.ts'
import type { NameMapping } from '../format/name-mapping.ts'
import type { PartitionSpec } from '../format/partition-spec.ts'
import type { Schema } from '../format/schema.ts'
import type { RunOptions } from './data-plane.ts'
import type { FileAccess } from './file-access.ts'

/** Files to be looked at, and the table that they are to fit. */
export interface AdoptRequest extends RunOptions {
  /** Sizes in bytes. */
  readonly candidates: readonly { readonly location: string; readonly size: number }[]
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly metrics: MetricsConfig
  /** For columns without field ids. */
  readonly nameMapping: NameMapping
  /** Every name that each field has or had: a file whose ids go by other names is another table's. */
  readonly fieldNames: ReadonlyMap<number, ReadonlySet<string>>
  readonly files: FileAccess
}

/** What an engine saw of a file. */
export interface AdoptedFile {
  readonly file: ContentFile
  /** Whether some of its columns are found by name: the table needs its name mapping to read them. */
  readonly usesNameMapping: boolean
}

/** Looking at files that somebody else wrote. */
export interface FileAdoption {
  /**
   * What a manifest entry of each file needs, in the order of the candidates: metrics, split offsets
   * and, where it holds rows of one partition, its tuple. Footers are read, and data only where they
   * leave a partition value or a null in a required column open.
   *
   * SchemaMismatchError naming file and column for columns that the table lacks or that have another
   * type; InvalidDataError for nulls in required columns and for rows of several partitions;
   * MissingFileError; CorruptFileError for what is no Parquet file; InvalidLocationError for a symbolic link.
   */
  adopt(request: AdoptRequest): Promise<readonly AdoptedFile[]>
}
