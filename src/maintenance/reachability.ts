/**
 * What snapshots reach: manifest lists, manifests, data and delete files, shown one after another and
 * never held.
 */
import type { LoadedTable } from '../catalog/catalog.ts'
import { MissingFileError } from '../errors.ts'
import type { ListedManifest } from '../format/manifest/list.ts'
import type { ListedFile } from '../format/manifest/manifest.ts'
import type { StatisticsFileJson, TableMetadata } from '../format/metadata/table-metadata.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import { LruCache } from '../table/lru-cache.ts'
import {
  visitFilesOf,
  visitManifestsOf,
  type ManifestContext,
  type VisitedList,
} from '../table/manifest-reader.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'

/** Each may be in memory whole, so there are few of them at a time. */
export const FILES_AT_A_TIME = 4
const LISTS_AT_A_TIME = 16

/** The context for walking through a whole history: no list of it drives out those that scans need. */
export function historyContext(
  { runtime, storage }: TableState,
  metadata: TableMetadata,
  signal?: AbortSignal,
): ManifestContext {
  return {
    runtime: { ...runtime, manifestLists: new LruCache(1) },
    store: storage.store,
    metadata,
    roots: new AllowedRoots(metadata, runtime.extraRoots),
    signal,
  }
}

/** How a file that is not there is taken. */
export interface WalkOptions {
  /** What is gone reaches nothing any more. Default false: MissingFileError. */
  readonly passOverMissing?: boolean | undefined
  /** Told of every snapshot that was looked at, and of how many bytes its list has. */
  readonly onList?: ((snapshot: Snapshot, bytes: number) => void) | undefined
}

/**
 * The manifests of snapshots that `seen` does not have yet, a few snapshots' at a time; it has them
 * afterwards, by their full locations: one that is passed over by mistake would cost its live files.
 * MissingFileError, CorruptFileError.
 */
export async function* newManifests(
  context: ManifestContext,
  snapshots: readonly Snapshot[],
  seen: Set<string>,
  options: WalkOptions = {},
): AsyncGenerator<readonly ListedManifest[]> {
  for (const some of inSlices(snapshots, LISTS_AT_A_TIME)) {
    const found: ListedManifest[] = []
    await mapConcurrently(
      some,
      async (snapshot) => {
        const own: ListedManifest[] = []
        const visit = (manifest: ListedManifest): void => {
          if (seen.has(manifest.location)) return
          seen.add(manifest.location)
          own.push(listedOnly(manifest))
        }
        const list = await unlessMissing(options, visitManifestsOf(context, snapshot, visit), NO_LIST)
        for (const manifest of own) found.push(list.agreement?.vouch(manifest) ?? manifest)
        options.onList?.(snapshot, list.bytes)
      },
      FILES_AT_A_TIME,
    )
    yield found
  }
}

const NO_LIST: VisitedList = { bytes: 0, agreement: null }

/** A copy without all else that a reader may have put there: what a walk shows is used again. */
function listedOnly(manifest: ListedManifest): ListedManifest {
  const { location, length, specId, content } = manifest
  const { addedFilesCount, existingFilesCount, addedRowsCount, existingRowsCount } = manifest
  return {
    location,
    length,
    specId,
    content,
    addedFilesCount,
    existingFilesCount,
    addedRowsCount,
    existingRowsCount,
  }
}

/** The live files of manifests. MissingFileError, CorruptFileError. */
export async function visitFiles(
  context: ManifestContext,
  manifests: readonly ListedManifest[],
  visit: (file: ListedFile) => void,
  options: WalkOptions = {},
): Promise<void> {
  await mapConcurrently(
    manifests,
    (manifest) => unlessMissing(options, visitFilesOf(context, manifest, visit), undefined),
    FILES_AT_A_TIME,
  )
}

/** The current metadata file, and those that the log names. */
export function metadataFiles({ metadata, metadataLocation }: LoadedTable): readonly string[] {
  const earlier = metadata['metadata-log'].map((entry) => entry['metadata-file'])
  return metadataLocation === null ? earlier : [metadataLocation, ...earlier]
}

/** Statistics files of snapshots; all of the table's without. */
export function statisticsFiles(metadata: TableMetadata, ids?: ReadonlySet<bigint>): readonly string[] {
  return statisticsOf(metadata, ids).map((file) => file['statistics-path'])
}

/** As `statisticsFiles`, with all that the metadata has of them. */
export function statisticsOf(
  metadata: TableMetadata,
  ids?: ReadonlySet<bigint>,
): readonly StatisticsFileJson[] {
  return [...metadata.statistics, ...metadata['partition-statistics']].filter(
    (file) => ids === undefined || ids.has(file['snapshot-id']),
  )
}

async function unlessMissing<T>(
  { passOverMissing = false }: WalkOptions,
  read: Promise<T>,
  otherwise: T,
): Promise<T> {
  try {
    return await read
  } catch (error) {
    if (passOverMissing && error instanceof MissingFileError) return otherwise
    throw error
  }
}

/** A list cut into slices of at most so many. */
export function* inSlices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}
