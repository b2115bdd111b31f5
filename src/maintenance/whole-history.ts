/** What may only be done to a table that the catalog tells everything of. */
import type { LoadedTable, TableIdentifier } from '../catalog/catalog.ts'
import { UnsupportedFeatureError } from '../errors.ts'
import { identifierToString } from '../table/identifier.ts'

/**
 * UnsupportedFeatureError where the catalog leaves snapshots out, or does not say where the metadata
 * file is: their files would look like nobody's.
 */
export function expectWhole(loaded: LoadedTable, id: TableIdentifier): void {
  expectEverySnapshot(loaded, id)
  if (loaded.metadataLocation === null)
    throw untold(id, 'The catalog does not say where the table’s metadata file is')
}

/** UnsupportedFeatureError where the catalog leaves snapshots out. */
export function expectEverySnapshot({ snapshotsComplete }: LoadedTable, id: TableIdentifier): void {
  if (!snapshotsComplete) throw untold(id, 'The catalog leaves out snapshots of the table')
}

function untold(id: TableIdentifier, what: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(what, {
    table: identifierToString(id),
    hint: 'What the table reaches cannot be told: use a catalog that keeps whole metadata files.',
  })
}
