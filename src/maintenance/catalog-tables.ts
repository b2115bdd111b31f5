/** Every table of a catalog, for what must not be done behind another table's back. */
import type { Catalog, Namespace, TableIdentifier } from '../catalog/catalog.ts'
import { CorruptFileError, MissingFileError, NoSuchNamespaceError, NoSuchTableError } from '../errors.ts'

/** Namespaces and tables that vanish on the way are left out. */
export async function* catalogTables(
  catalog: Catalog,
  signal?: AbortSignal,
): AsyncGenerator<TableIdentifier> {
  for await (const namespace of namespacesOf(catalog, undefined, signal)) {
    yield* await orNone(() => catalog.listTables(namespace, { signal }))
  }
}

async function* namespacesOf(
  catalog: Catalog,
  parent: Namespace | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Namespace> {
  for (const namespace of await orNone(() => catalog.listNamespaces(parent, { signal }))) {
    yield namespace
    if (catalog.capabilities.nestedNamespaces) yield* namespacesOf(catalog, namespace, signal)
  }
}

async function orNone<T>(list: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await list()
  } catch (error) {
    // Dropped by somebody else since its parent was listed: it has no tables.
    if (error instanceof NoSuchNamespaceError) return []
    throw error
  }
}

/** Where the catalog's tables are. One that cannot be read tells it by where its metadata file should be. */
export async function* tableLocations(
  catalog: Catalog,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly id: TableIdentifier; readonly location: string }> {
  for await (const id of catalogTables(catalog, signal)) {
    const location = await locationIfExists(catalog, id, signal)
    if (location !== null) yield { id, location }
  }
}

async function locationIfExists(
  catalog: Catalog,
  id: TableIdentifier,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  try {
    return (await catalog.loadTable(id, { snapshots: 'refs', signal })).metadata.location
  } catch (error) {
    if (error instanceof NoSuchTableError) return null
    const isBroken = error instanceof MissingFileError || error instanceof CorruptFileError
    if (!isBroken || error.file === undefined) throw error
    return folderOfBroken(error.file)
  }
}

/** A guess at a table's location: the folder above that of its metadata files. */
export function folderOfBroken(metadataFile: string): string {
  return metadataFile.replace(/(\/metadata)?\/[^/]*$/, '')
}
