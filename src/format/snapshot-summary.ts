/**
 * The summary of a snapshot (Iceberg spec, Appendix F, "Optional Snapshot Summary Fields"), by the
 * names and rules of Java and PyIceberg. Made from the files of one commit and the totals before it:
 * its cost never depends on what the table holds.
 */
import type { ContentFile } from './manifest/entry.ts'
import { intProperty } from './properties.ts'
import type { SnapshotOperation, SnapshotSummary } from './snapshot.ts'

/** Content files that a commit adds to the table and takes out of it. */
export interface SummaryChange {
  readonly added: readonly ContentFile[]
  readonly removed: readonly ContentFile[]
}

export interface SummaryParts {
  readonly operation: SnapshotOperation
  readonly change: SummaryChange
  /** The parent's summary (empty when it has none: totals stay unknown); null = there is no parent. */
  readonly previous: Readonly<Record<string, string>> | null
  /** The table's: `write.summary.partition-limit` decides on entries per partition (default: none). */
  readonly properties: Readonly<Record<string, string>>
  /** Entries of the caller's own; the format's own counts win over them. */
  readonly extra: Readonly<Record<string, string>>
  /** Partition path of a file, for entries per partition; without it there are none. */
  readonly partitionPath?: (file: ContentFile) => string
}

const ADDED = [
  'added-data-files',
  'added-equality-delete-files',
  'added-position-delete-files',
  'added-dvs',
  'added-delete-files',
  'added-records',
  'added-files-size',
  'added-position-deletes',
  'added-equality-deletes',
] as const

const REMOVED = [
  'deleted-data-files',
  'removed-equality-delete-files',
  'removed-position-delete-files',
  'removed-dvs',
  'removed-delete-files',
  'deleted-records',
  'removed-files-size',
  'removed-position-deletes',
  'removed-equality-deletes',
] as const

type CountKey = (typeof ADDED)[number] | (typeof REMOVED)[number]
type Counts = Map<CountKey, number>

/** Each total, and what raises and lowers it. */
const TOTALS: readonly (readonly [string, CountKey, CountKey])[] = [
  ['total-records', 'added-records', 'deleted-records'],
  ['total-files-size', 'added-files-size', 'removed-files-size'],
  ['total-data-files', 'added-data-files', 'deleted-data-files'],
  ['total-delete-files', 'added-delete-files', 'removed-delete-files'],
  ['total-position-deletes', 'added-position-deletes', 'removed-position-deletes'],
  ['total-equality-deletes', 'added-equality-deletes', 'removed-equality-deletes'],
]

const PARTITION_COUNT = 'changed-partition-count'
const PARTITIONS_INCLUDED = 'partition-summaries-included'
const PARTITION_PREFIX = 'partitions.'
const PARTITION_LIMIT_PROPERTY = 'write.summary.partition-limit'

/** Keys whose values the format defines: a caller's own entries may not have them. */
export const SUMMARY_KEYS: ReadonlySet<string> = new Set([
  'operation',
  ...ADDED,
  ...REMOVED,
  ...TOTALS.map(([total]) => total),
  PARTITION_COUNT,
  PARTITIONS_INCLUDED,
])

/** The complete summary of a commit's snapshot. */
export function buildSummary(parts: SummaryParts): SnapshotSummary {
  const { added, removed } = parts.change
  const counts: Counts = new Map()
  for (const file of added) addFile(file, ADDED, counts)
  for (const file of removed) addFile(file, REMOVED, counts)
  const partitions = new Set([...added, ...removed].map(partitionKey)).size
  const { operation: _operation, ...extra } = parts.extra
  return {
    operation: parts.operation,
    ...extra,
    ...countEntries(counts),
    [PARTITION_COUNT]: String(partitions),
    ...partitionEntries(parts, partitions),
    ...totalEntries(counts, parts.previous),
  }
}

/** Adds a file up under the keys of its kind. */
function addFile(file: ContentFile, keys: typeof ADDED | typeof REMOVED, counts: Counts): void {
  const [
    dataFiles,
    equalityFiles,
    positionFiles,
    vectors,
    deleteFiles,
    records,
    size,
    positions,
    equalities,
  ] = keys
  // A deletion vector is a part of a file that several share.
  const isVector = file.contentOffset !== null
  add(counts, size, isVector ? (file.contentSizeInBytes ?? 0) : file.fileSizeInBytes)
  switch (file.content) {
    case 'data':
      add(counts, dataFiles, 1)
      add(counts, records, file.recordCount)
      break
    case 'position-deletes':
      add(counts, deleteFiles, 1)
      add(counts, isVector ? vectors : positionFiles, 1)
      add(counts, positions, file.recordCount)
      break
    case 'equality-deletes':
      add(counts, deleteFiles, 1)
      add(counts, equalityFiles, 1)
      add(counts, equalities, file.recordCount)
      break
    default:
      file.content satisfies never
  }
}

function add(counts: Counts, key: CountKey, value: number): void {
  counts.set(key, (counts.get(key) ?? 0) + value)
}

function countEntries(counts: Counts): Record<string, string> {
  const entries: Record<string, string> = {}
  for (const key of [...ADDED, ...REMOVED]) {
    const value = counts.get(key) ?? 0
    if (value > 0) entries[key] = String(value)
  }
  return entries
}

/** What tells partitions apart, whatever their values. */
function partitionKey(file: ContentFile): string {
  const values = file.partition.map((value) => {
    if (value === null) return 'null'
    const text = value instanceof Uint8Array ? [...value].join() : String(value)
    // -0.0 and 0.0 are two partitions, and print alike.
    return JSON.stringify(Object.is(value, -0) ? '-0' : text)
  })
  return `${file.specId}:${values.join()}`
}

/** A line per partition, where the table asks for it and there are not too many. */
function partitionEntries(parts: SummaryParts, changed: number): Record<string, string> {
  const { partitionPath, change } = parts
  if (partitionPath === undefined || changed > intProperty(parts.properties, PARTITION_LIMIT_PROPERTY))
    return {}
  const byPath = new Map<string, Counts>()
  const countInto = (files: readonly ContentFile[], keys: typeof ADDED | typeof REMOVED) => {
    for (const file of files) {
      const path = partitionPath(file)
      const counts: Counts = byPath.get(path) ?? new Map()
      byPath.set(path, counts)
      addFile(file, keys, counts)
    }
  }
  countInto(change.added, ADDED)
  countInto(change.removed, REMOVED)
  // The root of an unpartitioned table is no partition.
  byPath.delete('')
  if (byPath.size === 0) return {}
  const lines = [...byPath].map(([path, counts]) => {
    const line = Object.entries(countEntries(counts)).map(([key, value]) => `${key}=${value}`)
    return [`${PARTITION_PREFIX}${path}`, line.join(',')] as const
  })
  return { [PARTITIONS_INCLUDED]: 'true', ...Object.fromEntries(lines) }
}

/**
 * Totals go on from the parent's, from 0 without one. One that the parent does not know stays
 * unknown, and so does one that would go below 0.
 */
function totalEntries(counts: Counts, previous: SummaryParts['previous']): Record<string, string> {
  const entries: Record<string, string> = {}
  for (const [total, raised, lowered] of TOTALS) {
    const before = previous === null ? '0' : (previous[total] ?? '')
    if (!/^[0-9]+$/.test(before)) continue
    const after = BigInt(before) + BigInt(counts.get(raised) ?? 0) - BigInt(counts.get(lowered) ?? 0)
    if (after >= 0n) entries[total] = String(after)
  }
  return entries
}
