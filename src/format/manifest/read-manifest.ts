/** Reads manifests of every format version and writer (Iceberg spec, "Manifests"). */
import type { ByteCodecs } from '../../compression.ts'
import { CorruptFileError, UnsupportedFeatureError } from '../../errors.ts'
import type { PartitionSpec } from '../partition-spec.ts'
import type { Schema } from '../schema.ts'
import type { AvroHeader } from './avro.ts'
import { avroBlocks } from './avro.ts'
import type { Step } from './avro-plan.ts'
import { runSteps } from './avro-plan.ts'
import type { FileContent, ManifestEntry } from './entry.ts'
import type { EntryDraft } from './entry-draft.ts'
import { finishEntry, newDraft, resetDraft } from './entry-draft.ts'
import { planEntry } from './entry-plan.ts'
import { inheritInto } from './inheritance.ts'
import { readKnownHeader } from './known-headers.ts'
import type { ManifestFile } from './manifest-file.ts'
import { ManifestCheck } from './manifest-check.ts'
import { headerSpec } from './manifest-header.ts'
import { partitionFieldTypes } from './partition-fields.ts'

export interface ReadManifestRequest {
  /** The manifest's entry in its manifest list: what its own entries inherit comes from here. */
  readonly manifest: ManifestFile
  /** Specs of the table by id; a spec that is not among them is taken from the manifest's header. */
  readonly specs: ReadonlyMap<number, PartitionSpec>
  /** Current schema of the table: gives the types of partition values. */
  readonly schema: Schema
  /** Asked for the types of source columns that `schema` has lost. */
  readonly earlierSchemas?: readonly Schema[] | undefined
  readonly codecs: ByteCodecs
}

export interface ReadManifestOptions {
  /** Leave out entries of deleted files. */
  readonly liveOnly?: boolean | undefined
  /**
   * Which columns' metrics to decode, by field id; default all. Anything but 'all' leaves out
   * column sizes too. Entries read with less than 'all' must not be written to a manifest again.
   */
  readonly metrics?: 'all' | 'none' | ReadonlySet<number> | undefined
}

/**
 * The entries of a manifest in file order, with snapshot ids, sequence numbers and first row ids
 * inherited. Throws CorruptFileError, UnsupportedFeatureError.
 */
export function readManifest(
  bytes: Uint8Array,
  request: ReadManifestRequest,
  options: ReadManifestOptions = {},
): readonly ManifestEntry[] {
  const { manifest } = request
  const file = manifest.location
  const header = openManifest(bytes, manifest)
  const spec = specOf(request, header)
  const partition = partitionFieldTypes(spec, request.schema, request.earlierSchemas)
  const steps = planEntry(header.schema, { file, partition, metrics: options.metrics ?? 'all' })
  const draft = newDraft(spec.specId, partition.length)
  const inherit = inheritInto(manifest)
  const entries: ManifestEntry[] = []
  const check = new ManifestCheck(manifest)
  for (const block of avroBlocks(bytes, header, { file, codecs: request.codecs })) {
    for (let index = 0; index < block.count; index += 1) {
      readEntry(draft, steps, block.cursor)
      inherit(draft)
      check.entry(draft)
      if (draft.status !== 'deleted' || options.liveOnly !== true) entries.push(finishEntry(draft))
    }
  }
  check.end()
  return entries
}

/** Where a content file is and what it holds: all that matters of files that may have to go. */
export interface ListedFile {
  readonly location: string
  readonly content: FileContent
  readonly fileSizeInBytes: number
}

/** Which manifest is shown. */
export interface VisitManifestRequest {
  readonly manifest: Pick<ManifestFile, 'location' | 'length' | 'specId' | 'content' | 'vouched'>
  readonly codecs: ByteCodecs
}

/**
 * Shows the live files of a manifest, one after another, without keeping any; neither its spec nor
 * its schema need be known. The object that is shown is used again for the next. CorruptFileError,
 * UnsupportedFeatureError.
 */
export function visitManifestFiles(
  bytes: Uint8Array,
  { manifest, codecs }: VisitManifestRequest,
  visit: (file: ListedFile) => void,
): void {
  const file = manifest.location
  const header = openManifest(bytes, manifest)
  const steps = planEntry(header.schema, { file, partition: [], metrics: 'none' })
  const draft = newDraft(manifest.specId, 0)
  const check = new ManifestCheck(manifest)
  for (const block of avroBlocks(bytes, header, { file, codecs })) {
    for (let index = 0; index < block.count; index += 1) {
      readEntry(draft, steps, block.cursor)
      check.entry(draft)
      if (draft.status !== 'deleted') visit(draft)
    }
  }
  check.end()
}

function openManifest(
  bytes: Uint8Array,
  { location: file, length }: Pick<ManifestFile, 'location' | 'length'>,
): AvroHeader {
  // Avro has no end mark: only the length tells a file that was cut off between two blocks.
  if (bytes.length < length) {
    throw new CorruptFileError(`the manifest is ${bytes.length} bytes long, not ${length}`, { file })
  }
  const header = readKnownHeader(bytes, file)
  refuseNewerFormat(header, file)
  return header
}

function readEntry(
  draft: EntryDraft,
  steps: readonly Step<EntryDraft>[],
  cursor: Parameters<Step<EntryDraft>>[0],
): void {
  resetDraft(draft)
  runSteps(steps, cursor, draft)
}

function refuseNewerFormat(header: AvroHeader, file: string): void {
  const version = header.metadata.get('format-version') ?? '1'
  if (version === '1' || version === '2' || version === '3') return
  throw new UnsupportedFeatureError('the manifest is of a format version that is not known', { file })
}

function specOf(request: ReadManifestRequest, header: AvroHeader): PartitionSpec {
  const { location, specId } = request.manifest
  const spec = request.specs.get(specId) ?? headerSpec(header, specId, location)
  if (spec !== null) return spec
  throw new CorruptFileError(
    `the manifest belongs to partition spec ${specId}, which is nowhere to be found`,
    {
      file: location,
    },
  )
}
