/**
 * Metadata files: `metadata/{version, five digits}-{uuid}.metadata.json`, gzipped as
 * `….gz.metadata.json` when `write.metadata.compression-codec` says so (Iceberg spec, "File System
 * Tables" and "Metastore Tables"). Reading goes by the bytes, never by the name: other writers also
 * use `.metadata.json.gz`.
 */
import { nodeCodecs } from '../compression.ts'
import {
  CorruptFileError,
  MissingFileError,
  ObjectNotFoundError,
  UnsupportedFeatureError,
} from '../errors.ts'
import { parseTableMetadata } from '../format/metadata/parse.ts'
import { serializeTableMetadata } from '../format/metadata/serialize.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { fileNameOf, isWithin, joinLocation } from '../storage/location.ts'
import type { CallOptions, ObjectInfo, ObjectStore } from '../storage/object-store.ts'
import type { Properties } from './catalog.ts'

/** No table comes near it; a file that claims more is damaged or hostile. */
const MAX_METADATA_BYTES = 1024 * 1024 * 1024

export interface MetadataFile {
  readonly metadata: TableMetadata
  /** Bytes as stored. */
  readonly size: number
}

export interface ReadOptions extends CallOptions {
  /** Of the file, and of what it unpacks to. Default 1 GiB. */
  readonly maxBytes?: number
  /** Dotted name of the table, for errors. */
  readonly table?: string
}

/** MissingFileError, CorruptFileError, UnsupportedFeatureError for a newer format version. */
export async function readMetadataFile(
  store: ObjectStore,
  location: string,
  options: ReadOptions = {},
): Promise<MetadataFile> {
  const maxBytes = options.maxBytes ?? MAX_METADATA_BYTES
  const stored = await readBounded(store, location, maxBytes, options)
  const isGzip = stored[0] === 0x1f && stored[1] === 0x8b
  const bytes = isGzip ? nodeCodecs.gunzip(stored, { maxBytes, file: location }) : stored
  return { metadata: parseTableMetadata(bytes, location), size: stored.length }
}

async function readBounded(
  store: ObjectStore,
  location: string,
  maxBytes: number,
  { signal, table }: ReadOptions,
): Promise<Uint8Array> {
  const bytes = await expectMetadataFile(location, table, () =>
    store.get(location, { range: { start: 0, end: maxBytes + 1 }, signal }),
  )
  if (bytes.length > maxBytes) {
    throw new CorruptFileError(`The metadata file has more than ${maxBytes} bytes`, { table, file: location })
  }
  return bytes
}

/** A catalog that points to a metadata file which is not there has a broken table, not a missing one. */
export async function expectMetadataFile<T>(
  location: string,
  table: string | undefined,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error
    throw new MissingFileError("The table's metadata file is not there", {
      table,
      file: location,
      hint: 'Restore the file; or drop the table (without purge) and register an older metadata file.',
      cause: error,
    })
  }
}

/** The folder of a table's metadata files: `write.metadata.path`, or `metadata` under its location. */
export function metadataFolder(location: string, properties: Properties): string {
  return properties['write.metadata.path'] ?? joinLocation(location, 'metadata')
}

/** Where the metadata that follows a file goes; null: where a table's first goes. */
export function nextMetadataLocation(metadata: TableMetadata, previous: string | null, uuid: string): string {
  const version = previous === null ? 0 : versionOf(previous) + 1
  const extension = isGzipped(metadata.properties) ? '.gz.metadata.json' : '.metadata.json'
  const name = `${String(version).padStart(5, '0')}-${uuid}${extension}`
  return joinLocation(metadataFolder(metadata.location, metadata.properties), name)
}

/** The number before the dash; -1 for names that others chose, so that counting begins again at 0. */
function versionOf(location: string): number {
  const digits = /^(\d{1,9})-/.exec(fileNameOf(location))?.[1]
  return digits === undefined ? -1 : Number(digits)
}

function isGzipped(properties: Properties): boolean {
  const codec = (properties['write.metadata.compression-codec'] ?? 'none').toLowerCase()
  if (codec === 'none' || codec === '') return false
  if (codec === 'gzip') return true
  throw new UnsupportedFeatureError(`write.metadata.compression-codec '${codec}' cannot be written`, {
    hint: "Set it to 'none' or 'gzip', which every Iceberg client reads.",
  })
}

export interface MetadataWriteOptions extends CallOptions {
  /** Until it is fulfilled, what the file leads to is not durable, and nobody may find the file. */
  readonly after?: Promise<void> | undefined
}

/** Create-only and durable on return: the pointer may move to it from then on. */
export async function writeMetadataFile(
  store: ObjectStore,
  location: string,
  metadata: TableMetadata,
  { after, signal }: MetadataWriteOptions = {},
): Promise<ObjectInfo> {
  const bytes = serializeTableMetadata(metadata)
  const stored = isGzipped(metadata.properties) ? nodeCodecs.gzip(bytes) : bytes
  if (store.heedsAfter !== true) await after
  return store.put(location, stored, { ifAbsent: true, signal, after })
}

/**
 * Of the files that left the metadata log with this commit, those that may be deleted: when
 * `write.metadata.delete-after-commit.enabled`, within the table's own folders, and neither the
 * current file nor one that the log still names.
 */
export function deletableMetadataFiles(
  metadata: TableMetadata,
  current: string,
  evicted: readonly { readonly 'metadata-file': string }[],
): readonly string[] {
  const { location, properties } = metadata
  if (properties['write.metadata.delete-after-commit.enabled']?.toLowerCase() !== 'true') return []
  const kept = new Set([current, ...metadata['metadata-log'].map((entry) => entry['metadata-file'])])
  const roots = [location, metadataFolder(location, properties)]
  return evicted
    .map((entry) => entry['metadata-file'])
    .filter((file) => !kept.has(file) && isMetadataName(file) && roots.some((root) => isWithin(file, root)))
}

// The log is other people's input: nothing but a metadata file is ever deleted because of it.
function isMetadataName(location: string): boolean {
  return /\.metadata\.json(\.gz)?$/.test(fileNameOf(location))
}
