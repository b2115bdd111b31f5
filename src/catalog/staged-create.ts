/** The commit that brings a staged table to life: nothing but updates, and `assert-create`. */
import { CommitRejectedError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { applyUpdates, type TableUpdate } from '../format/metadata/updates.ts'

export interface StagedDefaults {
  /** For a commit without `assign-uuid`. */
  readonly uuid: string
  /** For a commit without `set-location`; answers for the uuid that the table has. */
  readonly location: (uuid: string) => string
  readonly nowMs: number
}

/** CommitRejectedError when the updates do not make a whole table. */
export function createFromUpdates(
  updates: readonly TableUpdate[],
  defaults: StagedDefaults,
  table: string,
): TableMetadata {
  const uuid = updates.find((update) => update.action === 'assign-uuid')?.uuid ?? defaults.uuid
  const located = updates.some((update) => update.action === 'set-location')
  const metadata = applyUpdates(
    nothing(uuid, located ? '' : defaults.location(uuid), updates, defaults.nowMs),
    updates.filter(({ action }) => action !== 'assign-uuid' && action !== 'upgrade-format-version'),
    { nowMs: defaults.nowMs },
  )
  const { schemas, 'current-schema-id': schemaId } = metadata
  const { 'partition-specs': specs, 'default-spec-id': specId } = metadata
  const { 'sort-orders': orders, 'default-sort-order-id': orderId } = metadata
  const whole =
    schemas.some((schema) => schema['schema-id'] === schemaId) &&
    specs.some((spec) => spec['spec-id'] === specId) &&
    orders.some((order) => order['order-id'] === orderId)
  if (whole) return metadata
  throw new CommitRejectedError('The commit that creates a table lacks its schema, spec or sort order', {
    table,
    hint: 'Send all the updates that the staged table was made of.',
  })
}

/** A table before its first update: what the updates leave out stays as the spec has it for none. */
function nothing(
  uuid: string,
  location: string,
  updates: readonly TableUpdate[],
  nowMs: number,
): TableMetadata {
  const upgrade = updates.find((update) => update.action === 'upgrade-format-version')
  const version = upgrade?.['format-version'] ?? 2
  return {
    'format-version': version,
    'table-uuid': uuid,
    location,
    'last-sequence-number': 0,
    'last-updated-ms': nowMs,
    'last-column-id': 0,
    schemas: [],
    'current-schema-id': -1,
    'partition-specs': [],
    'default-spec-id': -1,
    'last-partition-id': 999,
    properties: {},
    'current-snapshot-id': null,
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    'sort-orders': [],
    'default-sort-order-id': -1,
    refs: {},
    statistics: [],
    'partition-statistics': [],
    ...(version === 3 ? { 'next-row-id': 0n } : {}),
  }
}
