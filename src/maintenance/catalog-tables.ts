/** Every table of a catalog, for what must not be done behind another table's back. */
import type { Catalog, Namespace, TableIdentifier } from '../catalog/catalog.ts'
import { NoSuchNamespaceError } from '../errors.ts'

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
