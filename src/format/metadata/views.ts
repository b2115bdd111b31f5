/** Parsed and looked-up views of table metadata. Cheap to call again: what is costly is kept. */
import { CorruptFileError } from '../../errors.ts'
import { specFromJson, type PartitionSpec } from '../partition-spec.ts'
import { schemaFromJson, type Schema } from '../schema.ts'
import type { Snapshot } from '../snapshot.ts'
import { sortOrderFromJson, UNSORTED, type SortOrder } from '../sort-order.ts'
import type { PartitionSpecJson, TableMetadata } from './table-metadata.ts'

/** The schema that writers use. */
export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata['current-schema-id'])
}

/** CorruptFileError: the table does not have the schema, so whatever named it is damaged. */
export function schemaById(metadata: TableMetadata, id: number): Schema {
  const json = metadata.schemas.find((schema) => schema['schema-id'] === id)
  if (json === undefined) throw lacks(metadata, 'schema', id)
  return schemaFromJson(json)
}

/** The spec that writers use. */
export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return specById(metadata, metadata['default-spec-id'])
}

/** CorruptFileError: the table does not have the spec, so whatever named it is damaged. */
export function specById(metadata: TableMetadata, id: number): PartitionSpec {
  const spec = specsById(metadata).get(id)
  if (spec === undefined) throw lacks(metadata, 'partition spec', id)
  return spec
}

const specMaps = new WeakMap<readonly PartitionSpecJson[], ReadonlyMap<number, PartitionSpec>>()

/** Every spec that the table ever had and kept, by id. */
export function specsById(metadata: TableMetadata): ReadonlyMap<number, PartitionSpec> {
  const list = metadata['partition-specs']
  let map = specMaps.get(list)
  if (map === undefined) {
    map = new Map(list.map((json) => [json['spec-id'], specFromJson(json)]))
    specMaps.set(list, map)
  }
  return map
}

/** The order that writers should sort by. */
export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  const id = metadata['default-sort-order-id']
  const json = metadata['sort-orders'].find((order) => order['order-id'] === id)
  if (json === undefined) {
    if (id === UNSORTED.orderId) return UNSORTED
    throw lacks(metadata, 'sort order', id)
  }
  return sortOrderFromJson(json)
}

/** Head of main; null while nothing is committed to it. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | null {
  const id = metadata['current-snapshot-id']
  return id === null ? null : snapshotById(metadata, id)
}

/** Head of a branch, or what a tag names; null when the table has no such ref. */
export function refSnapshot(metadata: TableMetadata, ref: string): Snapshot | null {
  // A ref may have the name of something that every object inherits.
  const found = Object.hasOwn(metadata.refs, ref) ? metadata.refs[ref] : undefined
  return found === undefined ? null : snapshotById(metadata, found['snapshot-id'])
}

/** Snapshots looked at before the index of all is built: commits ask for the newest. */
const NEWEST = 16

const snapshotMaps = new WeakMap<readonly Snapshot[], ReadonlyMap<bigint, Snapshot>>()

/** null when no snapshot has the id (any more). */
export function snapshotById(metadata: TableMetadata, id: bigint): Snapshot | null {
  const list = metadata.snapshots
  const map = snapshotMaps.get(list)
  if (map !== undefined) return map.get(id) ?? null
  for (let at = list.length - 1; at >= 0 && at >= list.length - NEWEST; at--) {
    const snapshot = list[at]
    if (snapshot?.['snapshot-id'] === id) return snapshot
  }
  return list.length <= NEWEST ? null : (snapshotMap(list).get(id) ?? null)
}

function snapshotMap(list: readonly Snapshot[]): ReadonlyMap<bigint, Snapshot> {
  let map = snapshotMaps.get(list)
  if (map === undefined) {
    map = new Map(list.map((snapshot) => [snapshot['snapshot-id'], snapshot]))
    snapshotMaps.set(list, map)
  }
  return map
}

/**
 * The snapshot and its ancestors, newest first, as far as they are kept. Empty when the table does
 * not have the snapshot.
 */
export function ancestorsOf(metadata: TableMetadata, id: bigint): readonly Snapshot[] {
  const ancestors: Snapshot[] = []
  let next: bigint | undefined = id
  // A damaged file may have a circle of parents.
  while (next !== undefined && ancestors.length < metadata.snapshots.length) {
    const snapshot = snapshotById(metadata, next)
    if (snapshot === null) break
    ancestors.push(snapshot)
    next = snapshot['parent-snapshot-id']
  }
  return ancestors
}

/**
 * The snapshot that was current at a time (ms since 1970), as the snapshot log has it: the last
 * entry that is not later, so that rollbacks count. null when the log begins later, or when that
 * snapshot is no longer kept.
 */
export function snapshotAsOf(metadata: TableMetadata, timestampMs: number): Snapshot | null {
  const entry = metadata['snapshot-log'].findLast((candidate) => candidate['timestamp-ms'] <= timestampMs)
  return entry === undefined ? null : snapshotById(metadata, entry['snapshot-id'])
}

/** Sequence number of the next snapshot: 0 for ever in v1. */
export function nextSequenceNumber(metadata: TableMetadata): number {
  return metadata['format-version'] === 1 ? 0 : metadata['last-sequence-number'] + 1
}

/** Names of the refs that name one of the snapshots: those may not be removed while the refs stand. */
export function refsOf(metadata: TableMetadata, snapshotIds: Iterable<bigint>): readonly string[] {
  const ids = new Set(snapshotIds)
  return Object.entries(metadata.refs)
    .filter(([, ref]) => ids.has(ref['snapshot-id']))
    .map(([name]) => name)
}

function lacks(metadata: TableMetadata, kind: string, id: number): CorruptFileError {
  return new CorruptFileError(
    `the table at ${metadata.location} has no ${kind} ${id}, which its files name`,
    {
      hint: 'Its metadata is damaged, or something that was still in use was removed from it.',
    },
  )
}
