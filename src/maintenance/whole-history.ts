/** What may only be done to a table that the catalog tells everything of. */
import type { LoadedTable, TableIdentifier } from '../catalog/catalog.ts'
import { UnsupportedFeatureError } from '../errors.ts'
import { identifierToString } from '../table/identifier.ts'

/**
 * UnsupportedFeatureError where the catalog leaves snapshots out, or does not say where the metadata
 * file is: their files would look like nobody's.
 */
export function expectWhole({ metadataLocation, snapshotsComplete }: LoadedTable, id: TableIdentifier): void {
  if (snapshotsComplete && metadataLocation !== null) return
  throw new UnsupportedFeatureError(
    snapshotsComplete
      ? 'The catalog does not say where the table’s metadata file is'
      : 'The catalog leaves out snapshots of the table',
    {
      table: identifierToString(id),
      hint: 'What the table reaches cannot be told: use a catalog that keeps whole metadata files.',
    },
  )
}
