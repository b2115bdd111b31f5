/**
 * Takes data files out of a table: manifests that list them are written again, with those entries
 * marked as deleted; all others stay as they are.
 */
import { CommitConflictError } from '../errors.ts'
import { contentFileKey, type ContentFile, type ManifestEntry } from '../format/manifest/entry.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import { mapConcurrently } from './concurrency.ts'
import { entriesOf, type ManifestContext } from './manifest-reader.ts'
import type { SnapshotProducer } from './snapshot-producer.ts'

/** The manifests without the removed files. CommitConflictError when one of them is not listed any more. */
export async function filterManifests(
  producer: SnapshotProducer,
  context: ManifestContext,
  manifests: readonly ManifestFile[],
  removed: readonly ContentFile[],
): Promise<readonly ManifestFile[]> {
  if (removed.length === 0) return manifests
  const wanted = new Set(removed.map(contentFileKey))
  const found = new Set<string>()
  const filter = new ManifestFilter(producer, context, wanted, found)
  const specs = new Set(removed.map((file) => file.specId))
  const filtered = await mapConcurrently(manifests, (manifest) =>
    specs.has(manifest.specId) ? filter.apply(manifest) : Promise.resolve(manifest),
  )
  if (found.size < wanted.size) throw filesGone(wanted.size - found.size)
  return filtered
}

class ManifestFilter {
  readonly #producer: SnapshotProducer
  readonly #context: ManifestContext
  readonly #wanted: ReadonlySet<string>
  readonly #found: Set<string>

  constructor(
    producer: SnapshotProducer,
    context: ManifestContext,
    wanted: ReadonlySet<string>,
    found: Set<string>,
  ) {
    this.#producer = producer
    this.#context = context
    this.#wanted = wanted
    this.#found = found
  }

  async apply(manifest: ManifestFile): Promise<ManifestFile> {
    // Everything has been found: the rest cannot hold any of it.
    if (this.#found.size === this.#wanted.size) return manifest
    const entries = await entriesOf(this.#context, manifest)
    if (!entries.some((entry) => this.#isWanted(entry))) return manifest
    const kept = entries.filter((entry) => entry.status !== 'deleted').map((entry) => this.#rewritten(entry))
    return this.#producer.writeAttemptManifest(this.#context.metadata, kept)
  }

  #isWanted(entry: ManifestEntry): boolean {
    return entry.status !== 'deleted' && this.#wanted.has(contentFileKey(entry.file))
  }

  /** A deleted entry carries the deleting snapshot's id, and the sequence numbers that the file had. */
  #rewritten(entry: ManifestEntry): ManifestEntry {
    if (!this.#isWanted(entry)) return { ...entry, status: 'existing' }
    this.#found.add(contentFileKey(entry.file))
    return { ...entry, status: 'deleted', snapshotId: this.#producer.snapshotId }
  }
}

function filesGone(count: number): CommitConflictError {
  return new CommitConflictError(`${count} of the files to be replaced are not in the table any more`, {
    hint: 'Another commit removed them. Repeat the operation on the table as it is now.',
  })
}
