/** Every file that a table's metadata reaches. */
import type { LoadedTable } from '../catalog/catalog.ts'
import { ObjectNotFoundError } from '../errors.ts'
import { joinLocation } from '../storage/location.ts'
import type { ManifestContext } from '../table/manifest-reader.ts'
import { metadataLocation } from '../table/table-locations.ts'
import { metadataFiles, newManifests, statisticsFiles, visitFiles } from './reachability.ts'

/** What was visited before, and is passed over. */
export interface Visited {
  readonly snapshotIds: Set<bigint>
  /** Locations, in full: what is passed over by mistake would be taken for unreachable. */
  readonly manifests: Set<string>
}

/**
 * Metadata files (the log's, too), statistics, and of every snapshot its list, manifests and live
 * files. Nothing is held but which manifests were read. MissingFileError, CorruptFileError.
 */
export async function visitReachable(
  context: ManifestContext,
  loaded: LoadedTable,
  visit: (location: string) => void,
  { snapshotIds, manifests: seen }: Visited = newVisited(),
): Promise<void> {
  const { metadata } = context
  for (const location of metadataFiles(loaded)) visit(location)
  for (const location of statisticsFiles(metadata)) visit(location)
  for (const location of await hintedFiles(context)) visit(location)
  const snapshots = metadata.snapshots.filter((snapshot) => !snapshotIds.has(snapshot['snapshot-id']))
  for (const { 'manifest-list': list } of snapshots) if (list !== undefined) visit(list)
  for await (const manifests of newManifests(context, snapshots, seen)) {
    for (const { location } of manifests) visit(location)
    await visitFiles(context, manifests, (file) => visit(file.location))
  }
  for (const snapshot of snapshots) snapshotIds.add(snapshot['snapshot-id'])
}

/** Nothing yet. */
export function newVisited(): Visited {
  return { snapshotIds: new Set(), manifests: new Set() }
}

const HINT = 'version-hint.text'

/** What tables of a file system catalog are found by: the hint, and the version that it names. */
async function hintedFiles({ store, metadata, signal }: ManifestContext): Promise<readonly string[]> {
  const folder = metadataLocation(metadata.location, metadata.properties)
  const hint = joinLocation(folder, HINT)
  try {
    const version = new TextDecoder()
      .decode(await store.get(hint, { range: { start: 0, end: 20 }, signal }))
      .trim()
    const names = /^\d+$/.test(version) ? [`v${version}.metadata.json`, `v${version}.gz.metadata.json`] : []
    return [hint, ...names.map((name) => joinLocation(folder, name))]
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return []
    throw error
  }
}
