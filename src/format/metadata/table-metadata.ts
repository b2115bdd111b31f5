/**
 * Table metadata as the JSON document has it (Iceberg spec, "Table Metadata Fields"): same keys,
 * same nesting, readonly, with unknown keys carried through. Parsed views (`Schema`,
 * `PartitionSpec`, `SortOrder`) are derived from it on demand.
 *
 * After `parseTableMetadata` every v1, v2 and v3 document has the fields below (old v1 forms such
 * as `schema` without `schemas` are normalised in memory and written back as their version has
 * them).
 */
import type { MetadataLogEntry, Snapshot, SnapshotLogEntry, SnapshotRef } from '../snapshot.ts'

export type FormatVersion = 1 | 2 | 3

/** `"long"`, `"decimal(9,2)"`, or a nested type's object. */
export type TypeJson = string | StructTypeJson | ListTypeJson | MapTypeJson

export interface FieldJson {
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: TypeJson
  readonly doc?: string
  readonly 'initial-default'?: unknown
  readonly 'write-default'?: unknown
  readonly [key: string]: unknown
}

export interface StructTypeJson {
  readonly type: 'struct'
  readonly fields: readonly FieldJson[]
}

export interface ListTypeJson {
  readonly type: 'list'
  readonly 'element-id': number
  readonly element: TypeJson
  readonly 'element-required': boolean
}

export interface MapTypeJson {
  readonly type: 'map'
  readonly 'key-id': number
  readonly key: TypeJson
  readonly 'value-id': number
  readonly value: TypeJson
  readonly 'value-required': boolean
}

export interface SchemaJson extends StructTypeJson {
  readonly 'schema-id': number
  readonly 'identifier-field-ids'?: readonly number[]
  readonly [key: string]: unknown
}

export interface PartitionFieldJson {
  readonly 'source-id': number
  /** v3 multi-argument transforms; carried, never applied. */
  readonly 'source-ids'?: readonly number[]
  readonly 'field-id': number
  readonly name: string
  readonly transform: string
  readonly [key: string]: unknown
}

export interface PartitionSpecJson {
  readonly 'spec-id': number
  readonly fields: readonly PartitionFieldJson[]
  readonly [key: string]: unknown
}

export interface SortFieldJson {
  readonly 'source-id': number
  readonly 'source-ids'?: readonly number[]
  readonly transform: string
  readonly direction: 'asc' | 'desc'
  readonly 'null-order': 'nulls-first' | 'nulls-last'
  readonly [key: string]: unknown
}

export interface SortOrderJson {
  readonly 'order-id': number
  readonly fields: readonly SortFieldJson[]
  readonly [key: string]: unknown
}

export interface StatisticsFileJson {
  readonly 'snapshot-id': bigint
  readonly 'statistics-path': string
  readonly [key: string]: unknown
}

/** A table’s metadata document (Iceberg spec, "Table Metadata"). */
export interface TableMetadata {
  readonly 'format-version': FormatVersion
  readonly 'table-uuid': string
  readonly location: string
  /** 0 in v1. */
  readonly 'last-sequence-number': number
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly schemas: readonly SchemaJson[]
  readonly 'current-schema-id': number
  readonly 'partition-specs': readonly PartitionSpecJson[]
  readonly 'default-spec-id': number
  readonly 'last-partition-id': number
  readonly properties: Readonly<Record<string, string>>
  /** null = the table has no current snapshot (-1, null and a missing key all read as this). */
  readonly 'current-snapshot-id': bigint | null
  readonly snapshots: readonly Snapshot[]
  readonly 'snapshot-log': readonly SnapshotLogEntry[]
  readonly 'metadata-log': readonly MetadataLogEntry[]
  readonly 'sort-orders': readonly SortOrderJson[]
  readonly 'default-sort-order-id': number
  readonly refs: Readonly<Record<string, SnapshotRef>>
  readonly statistics: readonly StatisticsFileJson[]
  readonly 'partition-statistics': readonly StatisticsFileJson[]
  /** v3. */
  readonly 'next-row-id'?: bigint
  readonly 'encryption-keys'?: readonly unknown[]
  readonly [key: string]: unknown
}
