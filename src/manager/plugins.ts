/** What is injected into a manager: where tables are registered, and where their bytes live. */
import type { Catalog, Namespace, Properties, TableIdentifier } from '../catalog/catalog.ts'
import type { DataPlane } from '../engine/data-plane.ts'
import type { FileAccess } from '../engine/file-access.ts'
import type { ObjectStore, StorageCredential } from '../storage/object-store.ts'

/** What a store is wanted for. */
export interface ObjectStoreRequest {
  /** The table that the store is for; absent for a catalog's own needs. */
  readonly identifier?: TableIdentifier
  /** Any location that the store must reach; decides the scheme. */
  readonly location: string
  /** Client configuration that came with the table. */
  readonly config: Properties
  /** Short-lived credentials that came with the table; the longest matching prefix wins. */
  readonly credentials: readonly StorageCredential[]
}

/** Where bytes live. */
export interface StoragePlugin {
  readonly name: string
  /** A store for one table, or for a catalog. */
  getObjectStore(request: ObjectStoreRequest): ObjectStore | Promise<ObjectStore>
  /** Prefix of new tables' locations in a namespace; null leaves it to the catalog. */
  getWarehouseUri(namespace: Namespace): string | null
  /** How the data plane reaches a store's data files. Default: staged through the scratch folder. */
  getFileAccess?(store: ObjectStore): FileAccess
}

/** What a catalog plugin is given to connect with. */
export interface ConnectOptions {
  readonly getObjectStore: StoragePlugin['getObjectStore']
  /** The storage plugin's rule, for catalogs that decide locations themselves. */
  readonly getWarehouseUri: StoragePlugin['getWarehouseUri']
  readonly signal?: AbortSignal | undefined
}

/** Where tables are registered. */
export interface CatalogPlugin {
  readonly name: string
  /** Called once by a manager. */
  connect(options: ConnectOptions): Promise<Catalog>
}

/** What reads and writes rows. */
export interface EnginePlugin {
  readonly name: string
  /** Called once, when rows are first read or written. */
  open(): Promise<DataPlane>
}
