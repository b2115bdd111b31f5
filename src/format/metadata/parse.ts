/**
 * Reads table metadata of format versions 1 to 3 (Iceberg spec, "Table Metadata"). Lenient with what
 * others left out and with what we do not know, strict with what we could not use rightly.
 */
import { CorruptFileError, InvalidArgumentError, UnsupportedFeatureError } from '../../errors.ts'
import { asArray, asInt, asString, malformed } from '../json-checks.ts'
import { MAIN_BRANCH } from '../snapshot.ts'
import { asCount, asLong, asRecord, asStringMap, type JsonRecord } from './json-fields.ts'
import { parseLossless } from './lossless-json.ts'
import { readMetadataLog, readRefs, readSnapshotLog, readSnapshots, readStatistics } from './parse-history.ts'
import { readStructure } from './parse-structure.ts'
import { standInUuid } from './stand-in-uuid.ts'
import type { FormatVersion, TableMetadata } from './table-metadata.ts'

/**
 * Parses a metadata file, already decompressed. `file` is its location, for errors.
 *
 * Throws CorruptFileError naming the file and the JSON path at fault; UnsupportedFeatureError for a
 * format version that we do not know.
 */
export function parseTableMetadata(bytes: Uint8Array, file: string): TableMetadata {
  return tableMetadataFromJson(parseLossless(bytes, file), file)
}

/**
 * As parseTableMetadata, from a value that `parseLossless` made (such as a part of a catalog's
 * answer). Takes the value over: it is changed, and must not be used again.
 */
export function tableMetadataFromJson(json: unknown, file: string): TableMetadata {
  try {
    const metadata = readMetadata(json, file)
    checkReferences(metadata)
    return metadata
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new CorruptFileError(`table metadata is malformed: ${error.message}`, {
      file,
      hint: 'Restore the file from a copy, or point the catalog at an earlier metadata file.',
      cause: error,
    })
  }
}

function readMetadata(json: unknown, file: string): TableMetadata {
  const root = asRecord(json, 'table metadata')
  const version = readVersion(root, file)
  const location = asString(root['location'], 'location')
  const current = readCurrentSnapshotId(root['current-snapshot-id'])
  return {
    ...unread(root),
    'format-version': version,
    'table-uuid': readUuid(root['table-uuid'], version, location),
    location,
    'last-sequence-number': version === 1 ? 0 : asCount(root['last-sequence-number'], 'last-sequence-number'),
    'last-updated-ms': asCount(root['last-updated-ms'], 'last-updated-ms'),
    'last-column-id': asInt(root['last-column-id'], 'last-column-id'),
    ...readStructure(root, version),
    properties: asStringMap(root['properties'] ?? {}, 'properties'),
    'current-snapshot-id': current,
    snapshots: readSnapshots(root['snapshots'], version),
    'snapshot-log': readSnapshotLog(root['snapshot-log']),
    'metadata-log': readMetadataLog(root['metadata-log']),
    refs: readRefs(root['refs'], current),
    statistics: readStatistics(root['statistics'], 'statistics'),
    'partition-statistics': readStatistics(root['partition-statistics'], 'partition-statistics'),
    ...readV3(root),
  }
}

/** Members that are kept as they are: all but those that the version's other members replace. */
function unread(root: JsonRecord): JsonRecord {
  const {
    schema: _schema,
    'partition-spec': _spec,
    'next-row-id': _rowId,
    'encryption-keys': _keys,
    ...others
  } = root
  return others
}

function readVersion(root: JsonRecord, file: string): FormatVersion {
  const version = asInt(root['format-version'], 'format-version')
  if (version === 1 || version === 2 || version === 3) return version
  throw new UnsupportedFeatureError(`tables of format version ${version} are not supported`, {
    file,
    hint: 'Versions 1, 2 and 3 are; a newer release of floeberg may read it.',
  })
}

function readUuid(value: unknown, version: FormatVersion, location: string): string {
  if (version === 1 && (value === undefined || value === null)) return standInUuid(location)
  return asString(value, 'table-uuid')
}

/** Java writes -1 where there is no snapshot. */
function readCurrentSnapshotId(value: unknown): bigint | null {
  if (value === undefined || value === null) return null
  const id = asLong(value, 'current-snapshot-id')
  return id === -1n ? null : id
}

function readV3(root: JsonRecord) {
  const { 'next-row-id': next, 'encryption-keys': keys } = root
  return {
    ...(next === undefined || next === null ? {} : { 'next-row-id': asLong(next, 'next-row-id') }),
    ...(keys === undefined || keys === null ? {} : { 'encryption-keys': asArray(keys, 'encryption-keys') }),
  }
}

/** What names a snapshot must name one that is there, and main must be current. */
function checkReferences(metadata: TableMetadata): void {
  const ids = new Set(metadata.snapshots.map((snapshot) => snapshot['snapshot-id']))
  if (ids.size < metadata.snapshots.length) throw malformed('snapshots', 'a different id for each snapshot')
  const last = metadata['last-sequence-number']
  if (
    metadata['format-version'] > 1 &&
    metadata.snapshots.some((each) => (each['sequence-number'] ?? 0) > last)
  ) {
    throw malformed('last-sequence-number', 'the highest sequence number of all snapshots')
  }
  const current = metadata['current-snapshot-id']
  const main = Object.hasOwn(metadata.refs, MAIN_BRANCH) ? metadata.refs[MAIN_BRANCH] : undefined
  if ((main?.['snapshot-id'] ?? null) !== current) {
    throw malformed('refs.main.snapshot-id', 'the same id as current-snapshot-id')
  }
  if (current !== null && !ids.has(current))
    throw malformed('current-snapshot-id', 'the id of one of snapshots')
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (!ids.has(ref['snapshot-id']))
      throw malformed(`refs.${name}.snapshot-id`, 'the id of one of snapshots')
  }
}
