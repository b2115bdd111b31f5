/**
 * Looks whether a relocated table is what its source is: read back from the new place, snapshot by
 * snapshot, before anybody is led to it.
 */
import { CorruptFileError, ObjectNotFoundError } from '../errors.ts'
import type { ManifestEntry } from '../format/manifest/entry.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import { isWithin } from '../storage/location.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import { entriesOf, manifestsOf, type ManifestContext } from '../table/manifest-reader.ts'
import { hashOf, LocationHashes } from './location-hashes.ts'
import type { PathMap } from './path-map.ts'
import { statisticsFiles } from './reachability.ts'

/** The two places. */
export interface VerifyRequest {
  readonly source: ManifestContext
  readonly target: ManifestContext
  readonly paths: PathMap
  readonly to: string
}

/** CorruptFileError naming the first file that is not as it should be. */
export async function verifyRelocated({ source, target, paths, to }: VerifyRequest): Promise<void> {
  const checked = new LocationHashes()
  const check = new Check(target, to)
  for (const [index, snapshot] of source.metadata.snapshots.entries()) {
    const moved = target.metadata.snapshots[index]
    if (moved?.['snapshot-id'] !== snapshot['snapshot-id']) throw wrong('a snapshot is missing', to)
    const before = await manifestsOf(source, snapshot)
    const after = await manifestsOf(target, moved)
    if (before.length !== after.length) throw wrong('manifests are missing', moved['manifest-list'] ?? to)
    for (const [at, manifest] of after.entries()) {
      const original = before[at]
      if (original === undefined || manifest.location !== paths.of(original.location)) {
        throw wrong('it is not where it should be', manifest.location)
      }
      if (checked.add(hashOf(manifest.location)) === 'new') {
        await check.manifest(await entriesOf(source, original), manifest)
      }
    }
  }
  for (const location of statisticsFiles(target.metadata)) await check.object(location, null)
}

class Check {
  readonly #target: ManifestContext
  readonly #to: string

  constructor(target: ManifestContext, to: string) {
    this.#target = target
    this.#to = to
  }

  /** The same entries, with files that are there in the size that they should have. */
  async manifest(before: readonly ManifestEntry[], manifest: ManifestFile): Promise<void> {
    const after = await entriesOf(this.#target, manifest)
    const rows = (entries: readonly ManifestEntry[]): number =>
      entries.reduce((sum, { file }) => sum + (file.content === 'position-deletes' ? 0 : file.recordCount), 0)
    if (before.length !== after.length || rows(before) !== rows(after)) {
      throw wrong('it does not hold what its source holds', manifest.location)
    }
    await mapConcurrently(after, ({ status, file }) => {
      if (!isWithin(file.location, this.#to)) throw wrong('it names a file elsewhere', manifest.location)
      return status === 'deleted' ? Promise.resolve() : this.object(file.location, file.fileSizeInBytes)
    })
  }

  async object(location: string, size: number | null): Promise<void> {
    if (!isWithin(location, this.#to)) throw wrong('it is elsewhere', location)
    try {
      const found = await this.#target.store.head(location, { signal: this.#target.signal })
      if (size !== null && found.size !== size) throw wrong('it has another size', location)
    } catch (error) {
      if (error instanceof ObjectNotFoundError) throw wrong('it is not there', location)
      throw error
    }
  }
}

function wrong(what: string, file: string): CorruptFileError {
  return new CorruptFileError(`The copy of the table is not right: ${what}`, {
    file,
    hint: 'The table is where it was. Empty the new location and try again; look for who else writes there.',
  })
}
