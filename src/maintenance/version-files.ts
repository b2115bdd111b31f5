/** Whether a version of a table has what it needs: so far as that can be told without its data. */
import type { TableIdentifier } from '../catalog/catalog.ts'
import { CorruptFileError, InvalidLocationError, MissingFileError, ObjectNotFoundError } from '../errors.ts'
import { snapshotById } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import { manifestsOf, type ManifestContext } from '../table/manifest-reader.ts'
import type { Runtime } from '../table/runtime.ts'
import { AllowedRoots } from '../table/table-locations.ts'

/** Manifest lists that cannot be read and manifests that are not there, of all refs' snapshots. */
export async function missingFilesOf(
  runtime: Runtime,
  identifier: TableIdentifier,
  metadata: TableMetadata,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const request = { identifier, location: metadata.location, config: {}, credentials: [] }
  const { store } = await runtime.openStorage(request)
  const roots = new AllowedRoots(metadata, runtime.extraRoots)
  const context: ManifestContext = { runtime, store, metadata, roots, signal }
  const missing = new Set<string>()
  const heads = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']))
  for (const id of heads) {
    const snapshot = snapshotById(metadata, id)
    if (snapshot === null) continue
    const manifests = await orMissing(missing, snapshot['manifest-list'] ?? '', () =>
      manifestsOf(context, snapshot),
    )
    await mapConcurrently(manifests ?? [], ({ location }) =>
      orMissing(missing, location, () => store.head(roots.check(location), { signal })),
    )
  }
  return [...missing]
}

async function orMissing<T>(
  missing: Set<string>,
  location: string,
  read: () => Promise<T>,
): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    const isProblem =
      error instanceof MissingFileError ||
      error instanceof CorruptFileError ||
      error instanceof ObjectNotFoundError ||
      error instanceof InvalidLocationError
    if (!isProblem) throw error
    missing.add(location)
    return null
  }
}
