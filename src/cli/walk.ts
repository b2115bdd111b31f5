/** All tables of a catalog, or of a part of it. */
import type { Namespace, TableIdentifier } from '../catalog/catalog.ts'
import type { IcebergTableManager } from '../compose.ts'

/** Tables of a namespace and of those below it; of all namespaces by default. NoSuchNamespaceError. */
export async function tablesBelow(
  manager: IcebergTableManager,
  root: Namespace | undefined,
  signal: AbortSignal,
): Promise<readonly TableIdentifier[]> {
  const found: TableIdentifier[] = []
  for await (const namespace of namespacesBelow(manager, root, signal)) {
    found.push(...(await manager.listTables(namespace, { signal })))
  }
  return found
}

/** `root` itself first, then everything below it, depth first. */
export async function* namespacesBelow(
  manager: IcebergTableManager,
  root: Namespace | undefined,
  signal: AbortSignal,
): AsyncGenerator<Namespace> {
  if (root !== undefined) yield root
  if (root !== undefined && !manager.catalog.capabilities.nestedNamespaces) return
  for (const child of await manager.listNamespaces(root, { signal })) {
    yield* namespacesBelow(manager, child, signal)
  }
}
