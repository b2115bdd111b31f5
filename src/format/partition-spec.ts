/** Partition specs (Iceberg spec, "Partitioning"). */
import type { Transform } from './transforms/transform.ts'

export interface PartitionField {
  /** Field id of the source column; for a multi-argument transform, of its first. */
  readonly sourceId: number
  /** Partition field id, 1000 or above; unique across the specs of a table in v2. */
  readonly fieldId: number
  readonly name: string
  readonly transform: Transform
}

export interface PartitionSpec {
  readonly specId: number
  readonly fields: readonly PartitionField[]
}

/** The spec of an unpartitioned table: id 0, no fields. */
export const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] }

/** Partition field ids are assigned from here. */
export const FIRST_PARTITION_FIELD_ID = 1000
