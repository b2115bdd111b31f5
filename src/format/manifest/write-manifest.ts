/** Writes manifests of v1 and v2 (Iceberg spec, "Manifests"). */
import type { ByteCodecs } from '../../compression.ts'
import { InvalidArgumentError, UnsupportedFeatureError } from '../../errors.ts'
import type { FormatVersion } from '../metadata/table-metadata.ts'
import type { PartitionSpec } from '../partition-spec.ts'
import type { Schema } from '../schema.ts'
import type { Sink } from './avro-sink.ts'
import { assembleAvroFile, avroCodecOf, BlockWriter } from './avro-writer.ts'
import type { ContentFile, ManifestEntry } from './entry.ts'
import { entrySchemaText } from './entry-schema.ts'
import type { ManifestFile } from './manifest-file.ts'
import { manifestHeader } from './manifest-header.ts'
import { ManifestSummary } from './manifest-summary.ts'
import type { PartitionFieldType } from './partition-fields.ts'
import { partitionFieldTypes } from './partition-fields.ts'
import { writePartitionValue } from './partition-values.ts'

export interface WriteManifestRequest {
  /** v3 is refused: UnsupportedFeatureError. */
  readonly formatVersion: FormatVersion
  /** Goes into the header, and gives the types of partition values. */
  readonly schema: Schema
  /** Asked for the types of source columns that `schema` has lost. */
  readonly earlierSchemas?: readonly Schema[] | undefined
  readonly spec: PartitionSpec
  readonly content: 'data' | 'deletes'
  /** The snapshot that adds the manifest; entries without an id of their own get it. */
  readonly snapshotId: bigint
  readonly entries: readonly ManifestEntry[]
  readonly codecs: ByteCodecs
  /** Properties of the table: `write.avro.compression-codec`. */
  readonly properties?: Readonly<Record<string, string>> | undefined
}

/** A manifest's bytes with all that its entry in a manifest list needs but its place. */
export type WrittenManifest = Omit<ManifestFile, 'location' | 'length'> & { readonly bytes: Uint8Array }

/**
 * Encodes a manifest. Its sequence number is UNASSIGNED_SEQUENCE_NUMBER until a manifest list
 * gives it one, so that one manifest serves every attempt of a commit.
 *
 * Throws InvalidArgumentError for entries that do not belong together, UnsupportedFeatureError.
 */
export function writeManifest(request: WriteManifestRequest): WrittenManifest {
  const { spec, schema, content, snapshotId, codecs } = request
  const formatVersion = writableVersion(request.formatVersion)
  if (formatVersion === 1 && content === 'deletes') {
    throw new InvalidArgumentError('a table of format version 1 cannot hold delete files')
  }
  const partition = partitionFieldTypes(spec, schema, request.earlierSchemas)
  const codec = avroCodecOf(request.properties ?? {})
  const blocks = new BlockWriter({ codec, codecs })
  const summary = new ManifestSummary(partition)
  for (const entry of request.entries) {
    checkEntry(entry, request)
    summary.add(entry)
    writeEntry(blocks.sink, entry, { formatVersion, partition, snapshotId })
    blocks.endRecord()
  }
  const schemaText = entrySchemaText(formatVersion, partition)
  const metadata = manifestHeader({ formatVersion, schema, spec, content })
  const bytes = assembleAvroFile({ schemaText, metadata, codec, codecs }, blocks.finish())
  return { bytes, ...summary.result({ specId: spec.specId, content, snapshotId }) }
}

function writableVersion(version: FormatVersion): 1 | 2 {
  if (version !== 3) return version
  throw new UnsupportedFeatureError('writing manifests of format version 3 is not built', {
    hint: 'Reading works; so do changes of properties, schema and references.',
  })
}

function checkEntry(entry: ManifestEntry, request: WriteManifestRequest): void {
  const { file } = entry
  const isDelete = file.content !== 'data'
  if (isDelete !== (request.content === 'deletes')) {
    throw new InvalidArgumentError('a manifest holds data files or delete files, never both')
  }
  if (file.specId !== request.spec.specId) {
    throw new InvalidArgumentError('a manifest holds files of one partition spec only')
  }
  if (file.partition.length !== request.spec.fields.length) {
    throw new InvalidArgumentError('a partition tuple does not have one value per field of its spec')
  }
  if (file.contentOffset !== null || file.firstRowId !== null) {
    throw new UnsupportedFeatureError('a deletion vector or row ids need format version 3', {
      hint: 'They cannot be kept in a manifest of an earlier version.',
    })
  }
  if (request.formatVersion === 1 || entry.status === 'added') return
  // Only what this commit adds may inherit; anything else would get the wrong number.
  if (entry.sequenceNumber === null || entry.snapshotId === null) {
    throw new InvalidArgumentError(
      `an entry with status ${entry.status} has no sequence number or snapshot id`,
    )
  }
}

interface EntryContext {
  readonly formatVersion: 1 | 2
  readonly partition: readonly PartitionFieldType[]
  readonly snapshotId: bigint
}

const STATUS_CODES = { existing: 0, added: 1, deleted: 2 } as const
const CONTENT_CODES = { data: 0, 'position-deletes': 1, 'equality-deletes': 2 } as const
/** v1 has a required field that nobody uses; this is the value that every writer puts there. */
const BLOCK_SIZE_IN_BYTES = 64 * 1024 * 1024

function writeEntry(sink: Sink, entry: ManifestEntry, context: EntryContext): void {
  const snapshotId = entry.snapshotId ?? context.snapshotId
  sink.long(STATUS_CODES[entry.status])
  if (context.formatVersion === 1) {
    sink.bigLong(snapshotId)
  } else {
    sink.optional(snapshotId, (value) => sink.bigLong(value))
    sink.optional(entry.sequenceNumber, (value) => sink.long(value))
    sink.optional(entry.fileSequenceNumber, (value) => sink.long(value))
  }
  writeFile(sink, entry.file, context)
}

function writeFile(sink: Sink, file: ContentFile, { formatVersion, partition }: EntryContext): void {
  const v1 = formatVersion === 1
  if (!v1) sink.long(CONTENT_CODES[file.content])
  sink.string(file.location)
  // In upper case, as Java has it: old readers look it up by that name.
  sink.string(file.format.toUpperCase())
  partition.forEach(({ type }, index) => {
    const value = file.partition[index] ?? null
    // A field of unknown type is Avro's null, which is no union.
    if (type.kind === 'unknown' && value === null) return
    sink.optional(value, (present) => writePartitionValue(sink, type, present))
  })
  sink.long(file.recordCount)
  sink.long(file.fileSizeInBytes)
  if (v1) sink.long(BLOCK_SIZE_IN_BYTES)
  writeMetrics(sink, file)
  sink.optional(file.keyMetadata, (value) => sink.bytes(value))
  sink.optional(file.splitOffsets, (value) => writeArray(sink, value))
  if (!v1) sink.optional(file.equalityIds, (value) => writeArray(sink, value))
  sink.optional(file.sortOrderId, (value) => sink.long(value))
  if (!v1) sink.optional(file.referencedDataFile, (value) => sink.string(value))
}

function writeMetrics(sink: Sink, file: ContentFile): void {
  for (const counts of [file.columnSizes, file.valueCounts, file.nullValueCounts, file.nanValueCounts]) {
    sink.optional(counts, (map) => writeMap(sink, map, (value) => sink.long(value)))
  }
  for (const bounds of [file.lowerBounds, file.upperBounds]) {
    sink.optional(bounds, (map) => writeMap(sink, map, (value) => sink.bytes(value)))
  }
}

function writeMap<T>(sink: Sink, map: ReadonlyMap<number, T>, write: (value: T) => void): void {
  if (map.size > 0) sink.long(map.size)
  for (const [key, value] of map) {
    sink.long(key)
    write(value)
  }
  sink.long(0)
}

function writeArray(sink: Sink, values: readonly number[]): void {
  if (values.length > 0) sink.long(values.length)
  for (const value of values) sink.long(value)
  sink.long(0)
}
