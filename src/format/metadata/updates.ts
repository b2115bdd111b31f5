/** The REST protocol's `TableUpdate`s (open-api, "TableUpdate"), which every catalog speaks. */
import type { Snapshot, SnapshotRef } from '../snapshot.ts'
import type { FormatVersion, SchemaJson, SortOrderJson, StatisticsFileJson } from './table-metadata.ts'

/** In `set-current-schema`, `set-default-spec`, `set-default-sort-order`: the one added just before. */
export const LAST_ADDED = -1

/** A spec without its ids, which the table gives; ids that are there already are kept. */
export interface NewPartitionSpecJson {
  readonly 'spec-id'?: number
  readonly fields: readonly NewPartitionFieldJson[]
}

export interface NewPartitionFieldJson {
  readonly 'source-id': number
  readonly 'field-id'?: number
  readonly name: string
  readonly transform: string
}

/** One change of table metadata (Iceberg REST protocol, `TableUpdate`). */
export type TableUpdate =
  | { readonly action: 'assign-uuid'; readonly uuid: string }
  | { readonly action: 'upgrade-format-version'; readonly 'format-version': FormatVersion }
  | { readonly action: 'add-schema'; readonly schema: SchemaJson; readonly 'last-column-id'?: number }
  | { readonly action: 'set-current-schema'; readonly 'schema-id': number }
  | { readonly action: 'add-spec'; readonly spec: NewPartitionSpecJson }
  | { readonly action: 'set-default-spec'; readonly 'spec-id': number }
  | { readonly action: 'add-sort-order'; readonly 'sort-order': SortOrderJson }
  | { readonly action: 'set-default-sort-order'; readonly 'sort-order-id': number }
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | ({ readonly action: 'set-snapshot-ref'; readonly 'ref-name': string } & SnapshotRef)
  | { readonly action: 'remove-snapshots'; readonly 'snapshot-ids': readonly bigint[] }
  | { readonly action: 'remove-snapshot-ref'; readonly 'ref-name': string }
  | { readonly action: 'set-location'; readonly location: string }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] }
  | {
      readonly action: 'set-statistics'
      readonly 'snapshot-id': bigint
      readonly statistics: StatisticsFileJson
    }
  | { readonly action: 'remove-statistics'; readonly 'snapshot-id': bigint }
  | { readonly action: 'set-partition-statistics'; readonly 'partition-statistics': StatisticsFileJson }
  | { readonly action: 'remove-partition-statistics'; readonly 'snapshot-id': bigint }
  | { readonly action: 'remove-partition-specs'; readonly 'spec-ids': readonly number[] }
  | { readonly action: 'remove-schemas'; readonly 'schema-ids': readonly number[] }
  | { readonly action: 'add-encryption-key'; readonly 'encryption-key': Readonly<Record<string, unknown>> }
  | { readonly action: 'remove-encryption-key'; readonly 'key-id': string }

export { applyUpdates } from './apply-updates.ts'
