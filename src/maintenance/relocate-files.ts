/** Copies the files of a table that moves, one manifest's at a time, and writes its manifests anew. */
import { throwIfAborted } from '../abort.ts'
import {
  CorruptFileError,
  MissingFileError,
  ObjectNotFoundError,
  UnsupportedFeatureError,
} from '../errors.ts'
import type { ContentFile, ManifestEntry } from '../format/manifest/entry.ts'
import { writeManifestList, type ManifestFile } from '../format/manifest/list.ts'
import { writeManifest } from '../format/manifest/manifest.ts'
import { currentSchema, specById } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { maskedPath } from '../format/partition-path.ts'
import { schemaFromJson } from '../format/schema.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import { entriesOf, manifestsOf, type ManifestContext } from '../table/manifest-reader.ts'
import type { TableStorage } from '../table/runtime.ts'
import { hashOf, LocationHashes } from './location-hashes.ts'
import type { PathMap } from './path-map.ts'
import type { MaintenanceProgress } from './plan.ts'
import { statisticsFiles } from './reachability.ts'
import { relocatePositionDeletes } from './relocate-deletes.ts'

export interface CopyRequest {
  /** Reads the source. */
  readonly context: ManifestContext
  readonly source: TableStorage
  readonly target: TableStorage
  readonly metadata: TableMetadata
  readonly paths: PathMap
  /** Files in all, for the progress. */
  readonly total: number
  readonly onProgress?: ((progress: MaintenanceProgress) => void) | undefined
}

/** What was copied, and what an earlier try had copied already. */
export interface CopyCounts {
  copiedFiles: number
  copiedBytes: number
  reusedFiles: number
}

/** Data files that are copied at the same time. */
const AT_ONCE = 4

export class TableCopy {
  readonly counts: CopyCounts = { copiedFiles: 0, copiedBytes: 0, reusedFiles: 0 }
  readonly #request: CopyRequest
  /** New lengths of manifests, and the counts that old writers left out, by their old locations. */
  readonly #manifests = new Map<string, ManifestFile>()
  /** Position delete files that are there anew, by their old locations. */
  readonly #deletes = new Map<string, ContentFile>()
  /** What was copied or found there: several manifests may name one file. Only counts rest on it. */
  readonly #settled = new LocationHashes()
  #done = 0

  constructor(request: CopyRequest) {
    this.#request = request
  }

  /** Data first, then what names it. */
  async run(): Promise<void> {
    const { context, metadata } = this.#request
    for (const snapshot of metadata.snapshots) {
      for (const manifest of await manifestsOf(context, snapshot)) {
        // Snapshots share most of their manifests.
        if (!this.#manifests.has(manifest.location)) await this.#manifest(manifest)
      }
    }
    for (const location of statisticsFiles(metadata)) await this.#copy(location, null)
    for (const snapshot of metadata.snapshots) await this.#list(snapshot)
  }

  async #manifest(manifest: ManifestFile): Promise<void> {
    const { context, metadata, paths } = this.#request
    if (manifest.keyMetadata !== null) throw encrypted(manifest.location)
    const entries = await entriesOf(context, manifest)
    const moved = await mapConcurrently(entries, (entry) => this.#entry(entry, manifest), AT_ONCE)
    const { bytes, ...written } = writeManifest({
      formatVersion: metadata['format-version'],
      schema: currentSchema(metadata),
      earlierSchemas: metadata.schemas.map(schemaFromJson),
      spec: specById(metadata, manifest.specId),
      content: manifest.content,
      snapshotId: manifest.addedSnapshotId,
      entries: moved,
      codecs: context.runtime.codecs,
      properties: metadata.properties,
    })
    const location = paths.of(manifest.location)
    await this.#put(location, bytes)
    this.#manifests.set(manifest.location, {
      ...manifest,
      location,
      length: bytes.length,
      addedFilesCount: manifest.addedFilesCount ?? written.addedFilesCount,
      existingFilesCount: manifest.existingFilesCount ?? written.existingFilesCount,
      deletedFilesCount: manifest.deletedFilesCount ?? written.deletedFilesCount,
      addedRowsCount: manifest.addedRowsCount ?? written.addedRowsCount,
      existingRowsCount: manifest.existingRowsCount ?? written.existingRowsCount,
      deletedRowsCount: manifest.deletedRowsCount ?? written.deletedRowsCount,
      partitions: manifest.partitions ?? written.partitions,
    })
  }

  /** A file that was deleted is only named: it may be gone. */
  async #entry(entry: ManifestEntry, manifest: ManifestFile): Promise<ManifestEntry> {
    const { file } = entry
    throwIfAborted(this.#request.context.signal)
    if (file.keyMetadata !== null) throw encrypted(file.location)
    // Old writers leave numbers out of what is deleted; nothing asks for them any more.
    const sequenceNumber = entry.sequenceNumber ?? manifest.sequenceNumber
    if (entry.status === 'deleted') return { ...entry, sequenceNumber, file: this.#renamed(file) }
    if (file.content === 'position-deletes') {
      return { ...entry, sequenceNumber, file: await this.#positionDeletes(entry) }
    }
    await this.#copy(file.location, file.fileSizeInBytes)
    return { ...entry, sequenceNumber, file: this.#renamed(file) }
  }

  #renamed(file: ContentFile): ContentFile {
    const { paths } = this.#request
    const referenced = file.referencedDataFile
    return {
      ...file,
      location: paths.of(file.location),
      referencedDataFile: referenced === null ? null : (paths.find(referenced) ?? referenced),
    }
  }

  async #positionDeletes(entry: ManifestEntry): Promise<ContentFile> {
    const { location } = entry.file
    const known = this.#deletes.get(location)
    if (known !== undefined) return known
    const { context } = this.#request
    const file = await relocatePositionDeletes(
      { ...this.#request, runtime: context.runtime, signal: context.signal },
      entry,
    )
    this.#deletes.set(location, file)
    this.#copied(file.fileSizeInBytes)
    return file
  }

  /** As it is. What an earlier try has put there is whole, and is used again. */
  async #copy(location: string, size: number | null): Promise<void> {
    const { source, target, paths, context } = this.#request
    const { signal } = context
    const to = paths.of(location)
    const there = await sizeOf(target, to, signal)
    const isFirst = this.#settled.add(hashOf(to)) === 'new'
    if (there !== null && (size === null || there === size)) {
      if (isFirst) this.counts.reusedFiles += 1
      this.#progress()
      return
    }
    if (there !== null) await target.store.delete([to], { signal })
    if (target.files.copyIn === undefined) {
      throw new UnsupportedFeatureError('The storage of the new location does not take copies of files')
    }
    const input = await source.files.input({ location }, { signal })
    try {
      const copied = await target.files.copyIn(input.localPath, to, { signal })
      if (size !== null && copied.size !== size) throw otherSize(location, copied.size, size)
      this.#copied(copied.size)
    } catch (error) {
      if (error instanceof ObjectNotFoundError) throw missing(location, error)
      throw error
    } finally {
      await input.release()
    }
  }

  async #list(snapshot: Snapshot): Promise<void> {
    const { context, metadata, paths } = this.#request
    const list = snapshot['manifest-list']
    if (list === undefined) return
    throwIfAborted(context.signal)
    const manifests = (await manifestsOf(context, snapshot)).map((manifest) => {
      const moved = this.#manifests.get(manifest.location)
      if (moved === undefined) throw missing(manifest.location)
      // Another snapshot's list may say more, or less, of the same manifest.
      return {
        ...moved,
        sequenceNumber: manifest.sequenceNumber,
        minSequenceNumber: manifest.minSequenceNumber,
      }
    })
    const bytes = writeManifestList({
      formatVersion: metadata['format-version'],
      snapshotId: snapshot['snapshot-id'],
      parentSnapshotId: snapshot['parent-snapshot-id'] ?? null,
      sequenceNumber: snapshot['sequence-number'] ?? 0,
      manifests,
      codecs: context.runtime.codecs,
      properties: metadata.properties,
    })
    await this.#put(paths.of(list), bytes)
  }

  /** In place of what an earlier try may have left: nothing leads to it yet. */
  async #put(location: string, bytes: Uint8Array): Promise<void> {
    const { target, context } = this.#request
    await target.store.put(location, bytes, { signal: context.signal })
    this.#copied(bytes.length)
  }

  #copied(bytes: number): void {
    this.counts.copiedFiles += 1
    this.counts.copiedBytes += bytes
    this.#progress()
  }

  #progress(): void {
    this.#done += 1
    this.#request.onProgress?.({ unit: 'files', done: this.#done, total: this.#request.total })
  }
}

async function sizeOf(
  { store }: TableStorage,
  location: string,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  try {
    return (await store.head(location, { signal })).size
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return null
    throw error
  }
}

function otherSize(location: string, size: number, expected: number): CorruptFileError {
  return new CorruptFileError(`The file has ${size} bytes where the manifest says ${expected}`, {
    file: maskedPath(location),
  })
}

function missing(location: string, cause?: unknown): MissingFileError {
  return new MissingFileError('A file of the table is not there', { file: maskedPath(location), cause })
}

function encrypted(location: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError('Encrypted files cannot be relocated', { file: maskedPath(location) })
}
