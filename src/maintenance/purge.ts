/**
 * Deleting a dropped table's files: exactly those that its metadata reaches, never a folder.
 *
 * The catalog entry is gone before this starts. Data goes first and metadata last, so that after a
 * crash the table can be registered again from its newest metadata file and dropped again.
 */
import type { LoadedTable } from '../catalog/catalog.ts'
import { FloebergError, MissingFileError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import { entriesOf, manifestsOf, type ManifestContext } from '../table/manifest-reader.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import type { Runtime, TableStorage } from '../table/runtime.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import { checkGcEnabled } from './gc-enabled.ts'

/** What a purge deleted, and what it could not. */
export interface PurgeResult {
  /** Files that are gone, those that were not there included. */
  readonly deletedFiles: number
  /**
   * Files that stay: those that could not be deleted, with the metadata that names them, and those
   * that lie outside of the table's locations.
   */
  readonly keptFiles: readonly string[]
  /**
   * The first failure; null when there was none. The table is dropped all the same: once the store
   * works again, register it from its newest metadata file, and drop it again.
   */
  readonly failure: Error | null
}

/** InvalidArgumentError when the table forbids the deletion of its files (`gc.enabled`). */
export function checkPurgeAllowed(metadata: TableMetadata): void {
  checkGcEnabled(metadata, 'Drop it without purge, or set gc.enabled to true first.')
}

/** What a table's metadata reaches, read before the table is dropped so that nothing unreadable is half purged. */
export interface PurgePlan {
  readonly manifests: readonly ManifestFile[]
  readonly manifestLists: readonly string[]
  readonly metadataFiles: readonly string[]
}

/**
 * Reads all manifest lists and manifests; CorruptFileError when one cannot be read whole. Missing
 * ones are passed over: their snapshots are broken already.
 */
export async function planPurge(context: ManifestContext, loaded: LoadedTable): Promise<PurgePlan> {
  const { metadata } = loaded
  const manifests = new Map<string, ManifestFile>()
  // Snapshots share most of their manifests: each is held once, however many list it.
  await mapConcurrently(metadata.snapshots, async (snapshot) => {
    for (const manifest of await orNone(() => manifestsOf(context, snapshot)))
      manifests.set(manifest.location, manifest)
  })
  // Every manifest is read once before anything is dropped: one that cannot be read whole stops it here.
  await mapConcurrently(
    [...manifests.values()],
    async (manifest) => void (await orNone(() => entriesOf(context, manifest))),
  )
  const statistics = [...metadata.statistics, ...metadata['partition-statistics']]
  return {
    manifests: [...manifests.values()],
    manifestLists: metadata.snapshots.flatMap((snapshot) => snapshot['manifest-list'] ?? []),
    metadataFiles: [
      ...statistics.map((file) => file['statistics-path']),
      ...metadata['metadata-log'].map((entry) => entry['metadata-file']),
      ...(loaded.metadataLocation === null ? [] : [loaded.metadataLocation]),
    ],
  }
}

/**
 * Deletes what the plan reaches, one manifest's files at a time. The table is dropped already, so
 * that a failure does not end this, and is told in the result.
 */
export async function executePurge(context: ManifestContext, plan: PurgePlan): Promise<PurgeResult> {
  const purge = new Purge(context)
  for (const manifest of plan.manifests) await purge.deleteFilesOf(manifest)
  const levels = [plan.manifests.map((manifest) => manifest.location), plan.manifestLists, plan.metadataFiles]
  for (const level of levels) {
    // What could not be deleted stays reachable from what names it.
    if (purge.isComplete) await purge.delete(level)
    else purge.keep(level)
  }
  return purge.result()
}

/** The context that a purge reads and deletes in. */
export function purgeContext(
  runtime: Runtime,
  storage: TableStorage,
  metadata: TableMetadata,
): ManifestContext {
  return { runtime, store: storage.store, metadata, roots: new AllowedRoots(metadata, runtime.extraRoots) }
}

class Purge {
  readonly #context: ManifestContext
  readonly #kept = new Set<string>()
  #deleted = 0
  #failure: Error | null = null

  constructor(context: ManifestContext) {
    this.#context = context
  }

  get isComplete(): boolean {
    return this.#failure === null
  }

  /** The data and delete files that a manifest names. */
  async deleteFilesOf(manifest: ManifestFile): Promise<void> {
    try {
      const entries = await orNone(() => entriesOf(this.#context, manifest))
      await this.delete(entries.map((entry) => entry.file.location))
    } catch (error) {
      this.#failed(error)
    }
  }

  async delete(locations: readonly string[]): Promise<void> {
    const allowed = locations.filter((location) => this.#context.roots.allows(location))
    this.keep(locations.filter((location) => !this.#context.roots.allows(location)))
    if (allowed.length === 0) return
    try {
      const report = await this.#context.store.delete([...new Set(allowed)])
      this.#deleted += report.deleted.length
      this.keep(report.failed.map((failure) => failure.location))
      for (const { error } of report.failed) this.#failed(error)
    } catch (error) {
      this.keep(allowed)
      this.#failed(error)
    }
  }

  keep(locations: readonly string[]): void {
    for (const location of locations) this.#kept.add(location)
  }

  result(): PurgeResult {
    return { deletedFiles: this.#deleted, keptFiles: [...this.#kept], failure: this.#failure }
  }

  /** Anything but an error of storage or files is a fault of ours, and must not be swallowed. */
  #failed(error: unknown): void {
    if (!(error instanceof FloebergError)) throw error
    this.#failure ??= error
  }
}

async function orNone<T>(read: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await read()
  } catch (error) {
    // A file that is gone needs no deletion, and what only it named cannot be known any more.
    if (error instanceof MissingFileError) return []
    throw error
  }
}
