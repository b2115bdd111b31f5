/** Reads manifest lists and manifests of a table from its store. */
import { CorruptFileError, MissingFileError, ObjectNotFoundError } from '../errors.ts'
import type { ManifestEntry } from '../format/manifest/entry.ts'
import {
  readManifestList,
  visitManifestList,
  type ListedManifest,
  type ManifestFile,
} from '../format/manifest/list.ts'
import {
  readManifest,
  visitManifestFiles,
  withCounts,
  type ListedFile,
  type ReadManifestOptions,
} from '../format/manifest/manifest.ts'
import { currentSchema, specsById } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { schemaFromJson } from '../format/schema.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { mapConcurrently } from './concurrency.ts'
import { ListCounts, type ListAgreement, vouchedManifests } from './list-counts.ts'
import type { ManifestBytes } from './manifest-bytes.ts'
import type { Runtime } from './runtime.ts'
import type { AllowedRoots } from './table-locations.ts'

/** What reading a table's manifests takes. */
export interface ManifestContext {
  readonly runtime: Runtime
  readonly store: ObjectStore
  readonly metadata: TableMetadata
  readonly roots: AllowedRoots
  readonly signal?: AbortSignal | undefined
  /** Manifests that were read before and will be read again. */
  readonly kept?: ManifestBytes | undefined
}

/** The manifests of a snapshot, in the list's order. MissingFileError, CorruptFileError. */
export async function manifestsOf(
  context: ManifestContext,
  snapshot: Snapshot,
): Promise<readonly ManifestFile[]> {
  const list = await manifestListOf(context, snapshot)
  if (list === null) return inlineManifests(context, snapshot)
  const manifests = readManifestList(list.bytes, { file: list.file, codecs: context.runtime.codecs })
  if (manifests.length === 0) checkEmpty(snapshot, list.file)
  // Only what could be read is remembered: a get that was cut short must not fail for ever.
  context.runtime.manifestLists.set(list.file, list.bytes)
  return vouchedManifests(snapshot, manifests)
}

/** The manifest list of a snapshot as it stands in its file; null for v1 snapshots that have none. */
export async function manifestListOf(
  context: ManifestContext,
  snapshot: Snapshot,
): Promise<ManifestListFile | null> {
  const file = snapshot['manifest-list']
  if (file === undefined) return null
  const cached = context.runtime.manifestLists.get(file)
  if (cached !== undefined) return { file, bytes: cached }
  return { file, bytes: await readFile(context, file) }
}

/**
 * A list that was cut off behind its header looks like one without manifests: only the snapshot's
 * own count of files tells the difference.
 */
function checkEmpty(snapshot: Snapshot, file: string): void {
  const files = snapshot.summary?.['total-data-files']
  if (files === undefined || files === '0') return
  throw new CorruptFileError("The manifest list is empty, and the snapshot's summary counts data files", {
    file,
  })
}

/**
 * What a new snapshot takes over from its parent, where it leaves all of it as it is: the list
 * itself, to be copied without being decoded, or its manifests.
 */
export async function inheritedManifests(
  context: ManifestContext,
  parent: Snapshot,
): Promise<ManifestListFile | readonly ManifestFile[]> {
  const isUpgraded = context.metadata['format-version'] > 1 && (parent['sequence-number'] ?? 0) === 0
  const list = isUpgraded ? null : await manifestListOf(context, parent)
  return list ?? writableManifests(context, parent)
}

/**
 * The manifests that a new snapshot takes over, with the counts that v2 requires and that lists of v1
 * may lack. One whose files were all deleted has nothing to say to later snapshots, and would be
 * listed and read for ever.
 */
export async function writableManifests(
  context: ManifestContext,
  snapshot: Snapshot,
): Promise<readonly ManifestFile[]> {
  const manifests = (await manifestsOf(context, snapshot)).filter(hasLiveFiles)
  if (context.metadata['format-version'] === 1) return manifests
  const counted = await mapConcurrently(manifests, async (manifest) =>
    hasCounts(manifest) ? manifest : withCounts(manifest, await entriesOf(context, manifest)),
  )
  return counted.filter(hasLiveFiles)
}

/** False only when the list is sure that everything in the manifest was deleted. */
export function hasLiveFiles(manifest: ManifestFile): boolean {
  return manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0
}

function hasCounts(manifest: ManifestFile): boolean {
  return [
    manifest.addedFilesCount,
    manifest.existingFilesCount,
    manifest.deletedFilesCount,
    manifest.addedRowsCount,
    manifest.existingRowsCount,
    manifest.deletedRowsCount,
  ].every((count) => count !== null)
}

export interface ManifestListFile {
  readonly file: string
  readonly bytes: Uint8Array
}

/** The entries of a manifest with ids and sequence numbers inherited. MissingFileError, CorruptFileError. */
export async function entriesOf(
  context: ManifestContext,
  manifest: ManifestFile,
  options: ReadManifestOptions = {},
): Promise<readonly ManifestEntry[]> {
  const bytes = context.kept?.get(manifest.location) ?? (await readFile(context, manifest.location))
  context.kept?.set(manifest.location, bytes)
  const { metadata } = context
  return readManifest(
    bytes,
    {
      manifest,
      specs: specsById(metadata),
      schema: currentSchema(metadata),
      // A field that a later schema dropped still types the partition values of old manifests.
      earlierSchemas: metadata.schemas.map(schemaFromJson),
      codecs: context.runtime.codecs,
    },
    options,
  )
}

/** What a walk over a manifest list found of it as a whole. */
export interface VisitedList {
  /** 0 where there is none. */
  readonly bytes: number
  /** Known when all of the list was seen. null = there is none. */
  readonly agreement: ListAgreement | null
}

/**
 * Shows the manifests of a snapshot without keeping any, before it is known who vouches for their
 * counts. MissingFileError, CorruptFileError.
 */
export async function visitManifestsOf(
  context: ManifestContext,
  snapshot: Snapshot,
  visit: (manifest: ListedManifest) => void,
): Promise<VisitedList> {
  const list = await manifestListOf(context, snapshot)
  if (list === null) {
    for (const manifest of await inlineManifests(context, snapshot)) visit(manifest)
    return { bytes: 0, agreement: null }
  }
  const { file, bytes } = list
  const counted = new ListCounts()
  const count = visitManifestList(bytes, { file, codecs: context.runtime.codecs }, (manifest) => {
    counted.add(manifest)
    visit(manifest)
  })
  if (count === 0) checkEmpty(snapshot, file)
  return { bytes: bytes.length, agreement: counted.against(snapshot) }
}

/** Shows a manifest's live files without keeping any. MissingFileError, CorruptFileError. */
export async function visitFilesOf(
  context: ManifestContext,
  manifest: ListedManifest,
  visit: (file: ListedFile) => void,
): Promise<void> {
  const bytes = await readFile(context, manifest.location)
  visitManifestFiles(bytes, { manifest, codecs: context.runtime.codecs }, visit)
}

/** v1 snapshots without a manifest list name their manifests inline; nothing is known of their contents. */
async function inlineManifests(
  context: ManifestContext,
  snapshot: Snapshot,
): Promise<readonly ManifestFile[]> {
  const locations = snapshot.manifests ?? []
  return mapConcurrently(locations, async (location) => {
    const { size } = await missingAsTyped(location, () =>
      context.store.head(context.roots.check(location), { signal: context.signal }),
    )
    return {
      location,
      length: size,
      specId: context.metadata['default-spec-id'],
      content: 'data',
      sequenceNumber: 0,
      minSequenceNumber: 0,
      addedSnapshotId: snapshot['snapshot-id'],
      addedFilesCount: null,
      existingFilesCount: null,
      deletedFilesCount: null,
      addedRowsCount: null,
      existingRowsCount: null,
      deletedRowsCount: null,
      partitions: null,
      keyMetadata: null,
      firstRowId: null,
    } as const
  })
}

function readFile(context: ManifestContext, location: string): Promise<Uint8Array> {
  return missingAsTyped(location, () =>
    context.store.get(context.roots.check(location), { signal: context.signal }),
  )
}

async function missingAsTyped<T>(location: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error
    throw new MissingFileError('A metadata file that the snapshot needs is not there', {
      file: location,
      hint: 'The snapshot may have been expired while it was read: refresh the table and try again.',
      cause: error,
    })
  }
}
