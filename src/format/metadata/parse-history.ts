/**
 * Reads the parts of table metadata that grow with the table: snapshots, the two logs, refs and
 * statistics (Iceberg spec, "Snapshots", "Table Metadata Fields"). Elements are checked and put
 * right in place: a history of 200,000 snapshots must not be copied.
 */
import { asInt, asString, malformed } from '../json-checks.ts'
import {
  MAIN_BRANCH,
  type MetadataLogEntry,
  type Snapshot,
  type SnapshotLogEntry,
  type SnapshotRef,
} from '../snapshot.ts'
import {
  asCount,
  asLong,
  asRecord,
  asStringMap,
  isRecord,
  isSafeCount,
  listOrEmpty,
  longOf,
  withoutNulls,
  type JsonRecord,
} from './json-fields.ts'
import type { FormatVersion, StatisticsFileJson } from './table-metadata.ts'

/** Clocks of committers differ; so much disorder in the snapshot log is theirs, not damage. */
const CLOCK_SKEW_MS = 60_000

const OPTIONAL_OF_SNAPSHOT = [
  'parent-snapshot-id',
  'sequence-number',
  'manifest-list',
  'manifests',
  'summary',
  'schema-id',
  'first-row-id',
  'added-rows',
  'key-id',
]

export function readSnapshots(value: unknown, version: FormatVersion): readonly Snapshot[] {
  const list = listOrEmpty(value, 'snapshots')
  list.forEach((element: unknown, index) => {
    const raw = isRecord(element) ? withoutNulls(element, OPTIONAL_OF_SNAPSHOT) : element
    const problem = isRecord(raw) ? putSnapshotRight(raw, version) : ''
    if (problem !== null) throw malformed(`snapshots[${index}]${problem}`, 'a snapshot of the format')
    if (raw !== element) list[index] = raw
  })
  assertAll<Snapshot>(list)
  return list
}

/** null = it is a snapshot now; else the path of what is not. Paths are costly: made on failure only. */
function putSnapshotRight(raw: JsonRecord, version: FormatVersion): string | null {
  const id = longOf(raw['snapshot-id'])
  if (id === null) return '.snapshot-id'
  raw['snapshot-id'] = id
  if (!isSafeCount(raw['timestamp-ms'])) return '.timestamp-ms'
  if (raw['sequence-number'] === undefined) {
    // Written by v1, or by an upgrade that left it out.
    if (version > 1) raw['sequence-number'] = 0
  } else if (!isSafeCount(raw['sequence-number'])) return '.sequence-number'
  if (raw['schema-id'] !== undefined && !isInt(raw['schema-id'])) return '.schema-id'
  return putManifestsRight(raw) ?? putLongsRight(raw) ?? putSummaryRight(raw)
}

function putManifestsRight(raw: JsonRecord): string | null {
  if (typeof raw['manifest-list'] === 'string') return null
  if (raw['manifest-list'] !== undefined) return '.manifest-list'
  const inline = raw['manifests']
  return Array.isArray(inline) && inline.every((path) => typeof path === 'string') ? null : '.manifest-list'
}

function putLongsRight(raw: JsonRecord): string | null {
  for (const member of ['parent-snapshot-id', 'first-row-id', 'added-rows'] as const) {
    if (raw[member] === undefined) continue
    const long = longOf(raw[member])
    if (long === null) return `.${member}`
    raw[member] = long
  }
  return null
}

function putSummaryRight(raw: JsonRecord): string | null {
  const summary = raw['summary']
  if (summary === undefined) return null
  if (!isRecord(summary)) return '.summary'
  const strings = asStringMap(summary, 'snapshot summary')
  // As PyIceberg: nobody knows what it did, and an overwrite may have done anything.
  if (strings['operation'] === undefined) strings['operation'] = 'overwrite'
  return null
}

export function readSnapshotLog(value: unknown): readonly SnapshotLogEntry[] {
  const list = listOrEmpty(value, 'snapshot-log')
  let latest = Number.NEGATIVE_INFINITY
  list.forEach((entry: unknown, index) => {
    const id = isRecord(entry) ? longOf(entry['snapshot-id']) : null
    if (!isRecord(entry) || id === null || !isSafeCount(entry['timestamp-ms'])) {
      throw malformed(`snapshot-log[${index}]`, 'a snapshot id and a time')
    }
    if (entry['timestamp-ms'] < latest - CLOCK_SKEW_MS) {
      throw malformed(`snapshot-log[${index}]`, 'a time not more than a minute before an earlier entry')
    }
    latest = Math.max(latest, entry['timestamp-ms'])
    entry['snapshot-id'] = id
  })
  assertAll<SnapshotLogEntry>(list)
  return list
}

export function readMetadataLog(value: unknown): readonly MetadataLogEntry[] {
  const list = listOrEmpty(value, 'metadata-log')
  list.forEach((entry: unknown, index) => {
    const path = `metadata-log[${index}]`
    const record = asRecord(entry, path)
    asString(record['metadata-file'], `${path}.metadata-file`)
    asCount(record['timestamp-ms'], `${path}.timestamp-ms`)
  })
  assertAll<MetadataLogEntry>(list)
  return list
}

/**
 * Refs by name. A table with a current snapshot always has main, even when the document (older than
 * refs) does not say so.
 */
export function readRefs(value: unknown, current: bigint | null): Readonly<Record<string, SnapshotRef>> {
  const record = asRecord(value ?? {}, 'refs')
  const refs = Object.keys(record).map((name): readonly [string, SnapshotRef] => [
    name,
    readRef(record[name], `refs.${name}`),
  ])
  if (current !== null && !Object.hasOwn(record, MAIN_BRANCH)) {
    refs.push([MAIN_BRANCH, { 'snapshot-id': current, type: 'branch' }])
  }
  return Object.fromEntries(refs)
}

const OPTIONAL_OF_REF = ['min-snapshots-to-keep', 'max-snapshot-age-ms', 'max-ref-age-ms']

function readRef(value: unknown, path: string): SnapshotRef {
  const raw = withoutNulls(asRecord(value, path), OPTIONAL_OF_REF)
  const type = asString(raw['type'], `${path}.type`).toLowerCase()
  if (type !== 'branch' && type !== 'tag') throw malformed(`${path}.type`, 'branch or tag')
  const { 'min-snapshots-to-keep': keep, 'max-snapshot-age-ms': age, 'max-ref-age-ms': refAge } = raw
  return {
    ...raw,
    'snapshot-id': asLong(raw['snapshot-id'], `${path}.snapshot-id`),
    type,
    ...(keep === undefined ? {} : { 'min-snapshots-to-keep': asInt(keep, `${path}.min-snapshots-to-keep`) }),
    ...(age === undefined ? {} : { 'max-snapshot-age-ms': asLong(age, `${path}.max-snapshot-age-ms`) }),
    ...(refAge === undefined ? {} : { 'max-ref-age-ms': asLong(refAge, `${path}.max-ref-age-ms`) }),
  }
}

export function readStatistics(value: unknown, name: string): readonly StatisticsFileJson[] {
  const list = listOrEmpty(value, name)
  list.forEach((element: unknown, index) => {
    const path = `${name}[${index}]`
    const record = asRecord(element, path)
    record['snapshot-id'] = asLong(record['snapshot-id'], `${path}.snapshot-id`)
    asString(record['statistics-path'], `${path}.statistics-path`)
  })
  assertAll<StatisticsFileJson>(list)
  return list
}

function isInt(value: unknown): boolean {
  return typeof value === 'number' && (value | 0) === value
}

/** Tells the compiler what the loops above have made true, element by element. */
function assertAll<T>(_list: readonly unknown[]): asserts _list is readonly T[] {}
