/**
 * Contract below our own catalogs: the few atomic steps on which everything else is built. A table
 * is a pointer to its current metadata file; whoever can swap such pointers atomically becomes a
 * catalog through PointerCatalog.
 *
 * Errors of a changing step: CommitStateUnknownError when it may or may not have taken effect; any
 * other error means that nothing was changed.
 */
import type { CallOptions } from '../storage/object-store.ts'
import type { CatalogCapabilities, Namespace, Properties, TableIdentifier } from './catalog.ts'

/** Where a table’s current metadata is, and where it was before. */
export interface TablePointer {
  readonly metadataLocation: string
  /** The location before the last swap; null after a creation, or where it is not kept. */
  readonly previousLocation: string | null
}

/** Changes of a namespace’s properties: what is set, and what is removed. */
export interface NamespaceChanges {
  readonly set: Properties
  readonly remove: readonly string[]
}

/** Keeps, for each table, where its current metadata is. */
export interface PointerStore {
  readonly capabilities: CatalogCapabilities

  /**
   * null: no such table. After a changing step of unknown outcome this is the judge: what it does
   * not see by then will not come.
   */
  find(id: TableIdentifier, options?: CallOptions): Promise<TablePointer | null>
  insert(
    id: TableIdentifier,
    metadataLocation: string,
    options?: CallOptions,
  ): Promise<'inserted' | 'exists' | 'no-namespace'>
  /** False when the pointer is not `expected` (any more). */
  swap(id: TableIdentifier, expected: string, metadataLocation: string): Promise<boolean>
  /** False when there was none. */
  remove(id: TableIdentifier, options?: CallOptions): Promise<boolean>
  rename(
    from: TableIdentifier,
    to: TableIdentifier,
    options?: CallOptions,
  ): Promise<'renamed' | 'no-table' | 'exists' | 'no-namespace'>
  /** Names of the tables directly in the namespace; null: no such namespace. */
  names(namespace: Namespace, options?: CallOptions): Promise<readonly string[] | null>

  /** Creates missing parents too. False when it exists, if only as the parent of something. */
  createNamespace(namespace: Namespace, properties: Properties, options?: CallOptions): Promise<boolean>
  /** Its properties; null: no such namespace. One that is only a parent has none. */
  namespace(namespace: Namespace, options?: CallOptions): Promise<Properties | null>
  /** Direct children, as full namespaces; of the root when `parent` is empty. */
  children(parent: Namespace, options?: CallOptions): Promise<readonly Namespace[]>
  /** False: no such namespace. */
  updateNamespace(namespace: Namespace, changes: NamespaceChanges, options?: CallOptions): Promise<boolean>
  dropNamespace(
    namespace: Namespace,
    options?: CallOptions,
  ): Promise<'dropped' | 'no-namespace' | 'not-empty'>
  close(): Promise<void>
}
