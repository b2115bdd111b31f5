/** Every file that a table's metadata reaches. */
import type { LoadedTable } from '../catalog/catalog.ts'
import { ObjectNotFoundError } from '../errors.ts'
import { joinLocation } from '../storage/location.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import { entriesOf, manifestsOf, type ManifestContext } from '../table/manifest-reader.ts'
import { metadataLocation } from '../table/table-locations.ts'

/**
 * Metadata files (the log's, too), statistics, and of every snapshot its list, manifests and live
 * files. Nothing is held but which manifests were read. MissingFileError, CorruptFileError.
 */
export async function visitReachable(
  context: ManifestContext,
  loaded: LoadedTable,
  visit: (location: string) => void,
): Promise<void> {
  const { metadata } = context
  if (loaded.metadataLocation !== null) visit(loaded.metadataLocation)
  for (const entry of metadata['metadata-log']) visit(entry['metadata-file'])
  for (const file of [...metadata.statistics, ...metadata['partition-statistics']])
    visit(file['statistics-path'])
  for (const location of await hintedFiles(context)) visit(location)
  const seen = new Set<string>()
  for (const snapshot of metadata.snapshots) {
    if (snapshot['manifest-list'] !== undefined) visit(snapshot['manifest-list'])
    const manifests = (await manifestsOf(context, snapshot)).filter(({ location }) => !seen.has(location))
    for (const { location } of manifests) seen.add(location)
    await mapConcurrently(manifests, async (manifest) => {
      visit(manifest.location)
      for (const { file } of await entriesOf(context, manifest, { liveOnly: true, metrics: 'none' }))
        visit(file.location)
    })
  }
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
