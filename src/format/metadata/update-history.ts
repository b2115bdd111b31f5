/** Updates of snapshots, refs and statistics (Iceberg spec, "Snapshots", "Snapshot References"). */
import { MAIN_BRANCH, type Snapshot, type SnapshotLogEntry, type SnapshotRef } from '../snapshot.ts'
import { refOf, withoutRef, withRef } from '../refs/refs.ts'
import { changed, reject, type Draft } from './draft.ts'
import type { StatisticsFileJson, TableMetadata } from './table-metadata.ts'
import { snapshotById } from './views.ts'

export function addSnapshot(draft: Draft, snapshot: Snapshot): Draft {
  const { metadata } = draft
  const id = snapshot['snapshot-id']
  if (id === -1n) throw reject('-1 means no snapshot and cannot be the id of one')
  if (metadata.snapshots.some((each) => each['snapshot-id'] === id))
    throw reject(`snapshot ${id} is there already`)
  checkSnapshot(metadata, snapshot)
  const next = changed(draft, {
    snapshots: [...metadata.snapshots, metadata['format-version'] === 1 ? unnumbered(snapshot) : snapshot],
    'last-sequence-number': Math.max(metadata['last-sequence-number'], snapshot['sequence-number'] ?? 0),
    ...nextRowId(metadata, snapshot),
  })
  return { ...next, added: new Set([...draft.added, id]) }
}

/** v1 has no sequence numbers, not even the 0 that stands for none. */
function unnumbered(snapshot: Snapshot): Snapshot {
  const { 'sequence-number': _none, ...others } = snapshot
  return others
}

function checkSnapshot(metadata: TableMetadata, snapshot: Snapshot): void {
  const schemaId = snapshot['schema-id']
  if (schemaId !== undefined && !metadata.schemas.some((schema) => schema['schema-id'] === schemaId)) {
    throw reject(`the snapshot names schema ${schemaId}, which the table does not have`)
  }
  if (metadata['format-version'] === 1) {
    if ((snapshot['sequence-number'] ?? 0) !== 0) throw reject('format version 1 has no sequence numbers')
    if (snapshot['manifest-list'] === undefined && snapshot.manifests === undefined) {
      throw reject('the snapshot has no manifest-list')
    }
    return
  }
  const sequence = snapshot['sequence-number']
  const last = metadata['last-sequence-number']
  if (sequence === undefined) throw reject('the snapshot has no sequence-number')
  // A snapshot without a parent begins a history of its own, whose numbers may be older.
  if (sequence <= last && snapshot['parent-snapshot-id'] !== undefined) {
    throw reject(`the snapshot's sequence number ${sequence} is not above ${last}, the last one`)
  }
  if (snapshot['manifest-list'] === undefined) throw reject('the snapshot has no manifest-list')
  if (snapshot.summary?.operation === undefined) throw reject('the snapshot has no summary with an operation')
}

/** v3: row ids are never given out twice. */
function nextRowId(metadata: TableMetadata, snapshot: Snapshot): Partial<TableMetadata> {
  if (metadata['format-version'] < 3) return {}
  const first = snapshot['first-row-id']
  const rows = snapshot['added-rows']
  const next = metadata['next-row-id'] ?? 0n
  if (first === undefined || rows === undefined)
    throw reject('the snapshot has no first-row-id and added-rows')
  if (first < next) throw reject(`the snapshot's first-row-id ${first} is below ${next}, the next one`)
  if (rows < 0n) throw reject('the snapshot has a negative number of added-rows')
  return { 'next-row-id': first + rows }
}

export function setRef(draft: Draft, name: string, ref: SnapshotRef): Draft {
  const { metadata } = draft
  const id = ref['snapshot-id']
  const before = refOf(metadata.refs, name)
  checkRef(name, ref)
  if (before !== undefined && before.type !== ref.type) {
    throw reject(`'${name}' is a ${before.type} and cannot become a ${ref.type}`, 'remove it first')
  }
  const snapshot = snapshotById(metadata, id)
  if (snapshot === null) throw reject(`'${name}' cannot name snapshot ${id}, which the table does not have`)
  const refs = withRef(metadata.refs, name, ref)
  if (refs === metadata.refs) return draft
  const next = changed(draft, { refs })
  return name === MAIN_BRANCH && metadata['current-snapshot-id'] !== id ? makeCurrent(next, snapshot) : next
}

function checkRef(name: string, ref: SnapshotRef): void {
  if (name === '') throw reject('a ref needs a name')
  if (name === MAIN_BRANCH && ref.type !== 'branch') throw reject('main is a branch and cannot become a tag')
  const { 'min-snapshots-to-keep': keep, 'max-snapshot-age-ms': age, 'max-ref-age-ms': refAge } = ref
  if (ref.type === 'tag' && (keep !== undefined || age !== undefined)) {
    throw reject(`'${name}' is a tag: only max-ref-age-ms applies to it`)
  }
  if (keep !== undefined && keep <= 0) throw reject(`min-snapshots-to-keep of '${name}' must be above 0`)
  if (age !== undefined && age <= 0n) throw reject(`max-snapshot-age-ms of '${name}' must be above 0`)
  if (refAge !== undefined && refAge <= 0n) throw reject(`max-ref-age-ms of '${name}' must be above 0`)
}

/**
 * The log has when a snapshot became current: for one of this commit the snapshot's own time, for a
 * rollback the commit's. It never goes backwards, however much clocks differ.
 */
function makeCurrent(draft: Draft, snapshot: Snapshot): Draft {
  const id = snapshot['snapshot-id']
  const log = draft.metadata['snapshot-log']
  const time = draft.added.has(id) ? snapshot['timestamp-ms'] : draft.nowMs
  const latest = log.at(-1)?.['timestamp-ms'] ?? time
  return changed(draft, {
    'current-snapshot-id': id,
    'snapshot-log': [...log, { 'timestamp-ms': Math.max(time, latest), 'snapshot-id': id }],
  })
}

export function removeRef(draft: Draft, name: string): Draft {
  const { metadata } = draft
  if (refOf(metadata.refs, name) === undefined) return draft
  const refs = withoutRef(metadata.refs, name)
  // As replacing a table does: its history stays, and nothing is current.
  return changed(draft, name === MAIN_BRANCH ? { refs, 'current-snapshot-id': null } : { refs })
}

/** Ids that are not there are passed over: somebody else removed them. */
export function removeSnapshots(draft: Draft, ids: ReadonlySet<bigint>): Draft {
  const { metadata } = draft
  const snapshots = metadata.snapshots.filter((each) => !ids.has(each['snapshot-id']))
  if (snapshots.length === metadata.snapshots.length) return draft
  return changed(draft, {
    snapshots,
    statistics: without(metadata.statistics, ids),
    'partition-statistics': without(metadata['partition-statistics'], ids),
  })
}

export function setStatistics(
  draft: Draft,
  list: 'statistics' | 'partition-statistics',
  entry: StatisticsFileJson,
): Draft {
  const others = without(draft.metadata[list], new Set([entry['snapshot-id']]))
  return changed(draft, { [list]: [...others, entry] })
}

export function removeStatistics(
  draft: Draft,
  list: 'statistics' | 'partition-statistics',
  snapshotId: bigint,
): Draft {
  const kept = without(draft.metadata[list], new Set([snapshotId]))
  return kept === draft.metadata[list] ? draft : changed(draft, { [list]: kept })
}

function without(
  list: readonly StatisticsFileJson[],
  ids: ReadonlySet<bigint>,
): readonly StatisticsFileJson[] {
  const kept = list.filter((entry) => !ids.has(entry['snapshot-id']))
  return kept.length === list.length ? list : kept
}

/**
 * The log after the whole commit. Snapshots that this commit added and replaced again were never
 * current for anybody. What came before a removed snapshot goes too: with a gap, its neighbours
 * would seem to have been current in its place.
 */
export function settledSnapshotLog(base: TableMetadata, draft: Draft): readonly SnapshotLogEntry[] {
  const { metadata, added } = draft
  const log = metadata['snapshot-log']
  const passing = new Set([...added].filter((id) => id !== metadata['current-snapshot-id']))
  const removed = base.snapshots.length + added.size > metadata.snapshots.length
  if (passing.size === 0 && !removed) return log
  const entries = log.filter((entry) => !passing.has(entry['snapshot-id']))
  if (!removed) return entries.length === log.length ? log : entries
  const kept = new Set(metadata.snapshots.map((snapshot) => snapshot['snapshot-id']))
  const lastGap = entries.findLastIndex((entry) => !kept.has(entry['snapshot-id']))
  return entries.slice(lastGap + 1)
}
