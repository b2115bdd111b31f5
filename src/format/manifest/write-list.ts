/** Writes manifest lists of v1 and v2. */
import type { ByteCodecs } from '../../compression.ts'
import { InvalidArgumentError, UnsupportedFeatureError } from '../../errors.ts'
import type { FormatVersion } from '../metadata/table-metadata.ts'
import { checkChecksum, packedBlocks, readAvroHeader, unpackBlock } from './avro.ts'
import type { Sink } from './avro-sink.ts'
import type { AvroCodec, BlockBytes } from './avro-writer.ts'
import { assembleAvroFile, avroCodecOf, BlockWriter } from './avro-writer.ts'
import { listSchemaText } from './list-schema.ts'
import type { ManifestFile, PartitionFieldSummary } from './manifest-file.ts'
import { UNASSIGNED_SEQUENCE_NUMBER } from './manifest-file.ts'
import { readManifestList } from './read-list.ts'

export interface WriteManifestListRequest {
  /** v3 is refused: UnsupportedFeatureError. */
  readonly formatVersion: FormatVersion
  readonly snapshotId: bigint
  readonly parentSnapshotId: bigint | null
  /** Of the snapshot: what manifests without a number get. Not written in v1. */
  readonly sequenceNumber: number
  /** In the order of the list; the newest come first by custom. */
  readonly manifests: readonly ManifestFile[]
  readonly codecs: ByteCodecs
  /** Properties of the table: `write.avro.compression-codec`. */
  readonly properties?: Readonly<Record<string, string>> | undefined
}

/**
 * Encodes a manifest list. Throws InvalidArgumentError when a manifest of another snapshot has no
 * sequence number, or a count is missing that v2 requires.
 */
export function writeManifestList(request: WriteManifestListRequest): Uint8Array {
  const formatVersion = writableVersion(request.formatVersion)
  const codec = avroCodecOf(request.properties ?? {})
  const blocks = new BlockWriter({ codec, codecs: request.codecs })
  writeManifests(blocks, formatVersion, request)
  return assembleList(request, formatVersion, codec, blocks.finish())
}

export interface ExtendManifestListRequest extends WriteManifestListRequest {
  /** The manifest list of the parent snapshot, as it stands in its file. */
  readonly parent: { readonly bytes: Uint8Array; readonly file: string }
}

/**
 * Encodes the list of `manifests`, followed by all manifests of the parent's list.
 *
 * What the parent's list holds is copied without being decoded where its schema and codec are the
 * ones that would be written. Only a small block at its beginning is packed again, so that a list does
 * not fall apart into blocks of one manifest, and with the block behind it when it is small no more:
 * to pack a large block for every commit is the most that a list costs.
 */
export function extendManifestList(request: ExtendManifestListRequest): Uint8Array {
  const formatVersion = writableVersion(request.formatVersion)
  const codec = avroCodecOf(request.properties ?? {})
  const { bytes, file } = request.parent
  const header = readAvroHeader(bytes, file)
  if (header.schemaText !== listSchemaText(formatVersion) || header.codec !== codec) {
    const inherited = readManifestList(bytes, { file, codecs: request.codecs })
    return writeManifestList({ ...request, manifests: [...request.manifests, ...inherited] })
  }
  // What is copied gets a checksum that is right: it must be so before.
  checkChecksum(bytes, header, { file, codecs: request.codecs })
  const rest: BlockBytes[] = [...packedBlocks(bytes, header, file)]
  const blocks = new BlockWriter({ codec, codecs: request.codecs })
  writeManifests(blocks, formatVersion, request)
  for (let next = rest[0]; next !== undefined; next = rest[0]) {
    if (next.count >= SMALL_BLOCK && blocks.pending < SMALL_BLOCK) break
    const data = unpackBlock(next.data, codec, { file, codecs: request.codecs })
    if (!blocks.append(data, next.count)) break
    rest.shift()
  }
  return assembleList(request, formatVersion, codec, [...blocks.finish(), ...rest])
}

/** A block of fewer manifests is small. */
const SMALL_BLOCK = 32

function writableVersion(version: FormatVersion): 1 | 2 {
  if (version !== 3) return version
  throw new UnsupportedFeatureError('writing manifest lists of format version 3 is not built', {
    hint: 'Reading works; so do changes of properties, schema and references.',
  })
}

function assembleList(
  request: WriteManifestListRequest,
  formatVersion: 1 | 2,
  codec: AvroCodec,
  blocks: readonly BlockBytes[],
): Uint8Array {
  const metadata = {
    'snapshot-id': String(request.snapshotId),
    'parent-snapshot-id': String(request.parentSnapshotId),
    ...(formatVersion === 1 ? {} : { 'sequence-number': String(request.sequenceNumber) }),
    'format-version': String(formatVersion),
  }
  const { codecs } = request
  return assembleAvroFile({ schemaText: listSchemaText(formatVersion), metadata, codec, codecs }, blocks)
}

function writeManifests(blocks: BlockWriter, formatVersion: 1 | 2, request: WriteManifestListRequest): void {
  for (const manifest of request.manifests) {
    if (formatVersion === 1) writeV1(blocks.sink, manifest)
    else writeV2(blocks.sink, numbered(manifest, request))
    blocks.endRecord()
  }
}

/** Gives a new manifest the number of the commit that brings it. */
function numbered(manifest: ManifestFile, request: WriteManifestListRequest): ManifestFile {
  const { sequenceNumber, minSequenceNumber } = manifest
  if (sequenceNumber !== UNASSIGNED_SEQUENCE_NUMBER && minSequenceNumber !== UNASSIGNED_SEQUENCE_NUMBER) {
    return manifest
  }
  if (manifest.addedSnapshotId !== request.snapshotId) {
    throw new InvalidArgumentError('a manifest without a sequence number was added by another snapshot', {
      file: manifest.location,
    })
  }
  const assigned = (value: number) => (value === UNASSIGNED_SEQUENCE_NUMBER ? request.sequenceNumber : value)
  return {
    ...manifest,
    sequenceNumber: assigned(sequenceNumber),
    minSequenceNumber: assigned(minSequenceNumber),
  }
}

function writeV1(sink: Sink, manifest: ManifestFile): void {
  if (manifest.content === 'deletes') {
    throw new InvalidArgumentError('a table of format version 1 cannot hold delete manifests', {
      file: manifest.location,
    })
  }
  sink.string(manifest.location)
  sink.long(manifest.length)
  sink.long(manifest.specId)
  sink.bigLong(manifest.addedSnapshotId)
  for (const count of counts(manifest)) sink.optional(count, (value) => sink.long(value))
  writeTail(sink, manifest)
}

function writeV2(sink: Sink, manifest: ManifestFile): void {
  sink.string(manifest.location)
  sink.long(manifest.length)
  sink.long(manifest.specId)
  sink.long(manifest.content === 'data' ? 0 : 1)
  sink.long(manifest.sequenceNumber)
  sink.long(manifest.minSequenceNumber)
  sink.bigLong(manifest.addedSnapshotId)
  for (const count of counts(manifest)) {
    if (count === null) throw missingCount(manifest)
    sink.long(count)
  }
  writeTail(sink, manifest)
}

function counts(manifest: ManifestFile): readonly (number | null)[] {
  return [
    manifest.addedFilesCount,
    manifest.existingFilesCount,
    manifest.deletedFilesCount,
    manifest.addedRowsCount,
    manifest.existingRowsCount,
    manifest.deletedRowsCount,
  ]
}

/** An invented count would let readers skip files: the manifest has to be read and counted. */
function missingCount(manifest: ManifestFile): InvalidArgumentError {
  return new InvalidArgumentError('a manifest of an old writer has no file and row counts', {
    file: manifest.location,
    hint: 'Rewrite the manifest, or fill the counts in from its entries, before listing it in v2.',
  })
}

function writeTail(sink: Sink, manifest: ManifestFile): void {
  sink.optional(manifest.partitions, (summaries) => {
    if (summaries.length > 0) sink.long(summaries.length)
    for (const summary of summaries) writeSummary(sink, summary)
    sink.long(0)
  })
  sink.optional(manifest.keyMetadata, (value) => sink.bytes(value))
}

function writeSummary(sink: Sink, summary: PartitionFieldSummary): void {
  sink.boolean(summary.containsNull)
  sink.optional(summary.containsNaN, (value) => sink.boolean(value))
  sink.optional(summary.lowerBound, (value) => sink.bytes(value))
  sink.optional(summary.upperBound, (value) => sink.bytes(value))
}
