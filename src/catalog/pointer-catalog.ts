/** The Catalog over any PointerStore: what our memory and SQL catalogs have in common. */
import { randomUUID } from 'node:crypto'
import { throwIfAborted } from '../abort.ts'
import { CommitConflictError, InvalidArgumentError, NamespaceNotEmptyError } from '../errors.ts'
import { newTableMetadata } from '../format/metadata/create.ts'
import { checkRequirements } from '../format/metadata/requirements.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { newLocation, parseLocation, toFileUri } from '../storage/location.ts'
import type { CallOptions } from '../storage/object-store.ts'
import type {
  Catalog,
  CatalogCapabilities,
  CommitOptions,
  CreateTableRequest,
  LoadedTable,
  MetadataPointers,
  Namespace,
  Properties,
  TableCommit,
  TableIdentifier,
} from './catalog.ts'
import {
  canExist,
  checkNewNamespace,
  checkNewTable,
  defaultLocation,
  namespaceExists,
  noSuchNamespace,
  noSuchTable,
  tableExists,
  tableText,
  type Warehouse,
} from './names.ts'
import type { MetadataWriteOptions } from './metadata-files.ts'
import type { PointerStore, TablePointer } from './pointers.ts'
import { namingReadable } from './newest-readable.ts'
import { createFromUpdates } from './staged-create.ts'
import { loaded, TableCommits, type Ambience } from './table-commits.ts'
import { TableFiles, type ObjectStoreProvider } from './table-files.ts'

/** What a catalog of pointers is made with. */
export interface PointerCatalogOptions {
  /** The client's own name for the catalog; in SQL catalogs, part of every key. */
  readonly name: string
  /** Where new tables go; null: locations must be given. */
  readonly warehouse: Warehouse
  readonly getObjectStore: ObjectStoreProvider
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number
  /** Default: random version 4 UUIDs. */
  readonly uuid?: () => string
}

/** A catalog over anything that can keep a pointer to a metadata file and move it by compare-and-swap. */
export class PointerCatalog implements Catalog {
  readonly name: string
  readonly capabilities: CatalogCapabilities
  readonly metadataPointers: MetadataPointers
  readonly #pointers: PointerStore
  readonly #warehouse: Warehouse
  readonly #files: TableFiles
  readonly #commits: TableCommits
  readonly #ambience: Ambience

  constructor(pointers: PointerStore, options: PointerCatalogOptions) {
    this.name = options.name
    this.capabilities = pointers.capabilities
    this.#pointers = pointers
    this.#warehouse = options.warehouse
    this.#files = new TableFiles(options.getObjectStore)
    this.#ambience = { now: options.now ?? Date.now, uuid: options.uuid ?? randomUUID }
    this.#commits = new TableCommits(pointers, this.#files, this.#ambience)
    this.metadataPointers = {
      find: async (id, call = {}) => {
        const pointer = await this.#find(id, call)
        if (pointer === null) throw noSuchTable(id)
        return pointer
      },
      read: (id, location, call = {}) => this.#files.read(id, location, call),
      replace: (id, change, call = {}) => this.#commits.repoint(id, change, call),
    }
  }

  /** A catalog that extends this one by a `commitTable` of its own has to say whether that one does. */
  get heedsAfter(): boolean {
    return this.commitTable === PointerCatalog.prototype.commitTable
  }

  async createNamespace(
    namespace: Namespace,
    properties: Properties = {},
    options: CallOptions = {},
  ): Promise<void> {
    throwIfAborted(options.signal)
    checkNewNamespace(namespace, this.capabilities)
    const created = await this.#pointers.createNamespace(namespace, properties, options)
    if (!created) throw namespaceExists(namespace)
  }

  async listNamespaces(parent: Namespace = [], options: CallOptions = {}): Promise<readonly Namespace[]> {
    if (parent.length > 0) await this.loadNamespace(parent, options)
    return this.#pointers.children(parent, options)
  }

  async namespaceExists(namespace: Namespace, options: CallOptions = {}): Promise<boolean> {
    return (await this.#namespace(namespace, options)) !== null
  }

  async loadNamespace(namespace: Namespace, options: CallOptions = {}): Promise<Properties> {
    const properties = await this.#namespace(namespace, options)
    if (properties === null) throw noSuchNamespace(namespace)
    return properties
  }

  async updateNamespace(
    namespace: Namespace,
    changes: { readonly set?: Properties; readonly remove?: readonly string[] },
    options: CallOptions = {},
  ): Promise<void> {
    await this.loadNamespace(namespace, options)
    const { set = {}, remove = [] } = changes
    if (remove.some((name) => Object.hasOwn(set, name))) {
      throw new InvalidArgumentError('A namespace property is both set and removed')
    }
    const updated = await this.#pointers.updateNamespace(namespace, { set, remove }, options)
    if (!updated) throw noSuchNamespace(namespace)
  }

  async dropNamespace(namespace: Namespace, options: CallOptions = {}): Promise<void> {
    await this.loadNamespace(namespace, options)
    const outcome = await this.#pointers.dropNamespace(namespace, options)
    if (outcome === 'no-namespace') throw noSuchNamespace(namespace)
    if (outcome === 'not-empty') {
      throw new NamespaceNotEmptyError(`The namespace is not empty: ${namespace.join('.')}`, {
        hint: 'Drop its tables and namespaces first.',
      })
    }
  }

  async listTables(namespace: Namespace, options: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    throwIfAborted(options.signal)
    const names = canExist(namespace, this.capabilities)
      ? await this.#pointers.names(namespace, options)
      : null
    if (names === null) throw noSuchNamespace(namespace)
    return names.map((name) => ({ namespace, name }))
  }

  async tableExists(id: TableIdentifier, options: CallOptions = {}): Promise<boolean> {
    return (await this.#find(id, options)) !== null
  }

  async loadTable(id: TableIdentifier, options: CallOptions = {}): Promise<LoadedTable> {
    const pointer = await this.#find(id, options)
    if (pointer === null) throw noSuchTable(id)
    try {
      const metadata = await this.#files.read(id, pointer.metadataLocation, options)
      return loaded(metadata, pointer.metadataLocation)
    } catch (error) {
      throw await namingReadable(this.#files, { id, pointer }, error, options)
    }
  }

  async createTable(
    id: TableIdentifier,
    request: CreateTableRequest,
    options: CallOptions = {},
  ): Promise<LoadedTable> {
    const { metadata } = await this.stageCreateTable(id, request, options)
    return this.#commits.create(id, metadata, options)
  }

  async stageCreateTable(
    id: TableIdentifier,
    request: CreateTableRequest,
    options: CallOptions = {},
  ): Promise<LoadedTable> {
    checkNewTable(id, this.capabilities)
    const namespace = await this.loadNamespace(id.namespace, options)
    if (await this.tableExists(id, options)) throw tableExists(id)
    return loaded(this.#newMetadata(id, request, namespace), null)
  }

  #newMetadata(id: TableIdentifier, request: CreateTableRequest, namespace: Properties): TableMetadata {
    const uuid = this.#ambience.uuid()
    const { schema, spec, sortOrder, properties = {} } = request
    const location =
      request.location === undefined
        ? defaultLocation(this.#warehouse, id, namespace, uuid)
        : newLocation(request.location)
    return newTableMetadata({
      schema,
      ...(spec === undefined ? {} : { spec }),
      ...(sortOrder === undefined ? {} : { sortOrder }),
      location,
      properties,
      uuid,
      nowMs: this.#ambience.now(),
    })
  }

  async commitTable(
    id: TableIdentifier,
    commit: TableCommit,
    options: CommitOptions = {},
  ): Promise<LoadedTable> {
    const pointer = await this.#find(id, options)
    const creates = commit.requirements.some(({ type }) => type === 'assert-create')
    if (pointer === null) {
      if (creates) return this.#commitCreate(id, commit, options)
      throw noSuchTable(id)
    }
    if (creates) throw tableExists(id)
    return this.#commits.commit(id, pointer, commit, options)
  }

  async #commitCreate(
    id: TableIdentifier,
    commit: TableCommit,
    options: MetadataWriteOptions,
  ): Promise<LoadedTable> {
    checkNewTable(id, this.capabilities)
    const failed = checkRequirements(null, commit.requirements)
    if (failed !== null) throw new CommitConflictError(failed, { table: tableText(id) })
    const namespace = await this.loadNamespace(id.namespace, options)
    const defaults = {
      uuid: this.#ambience.uuid(),
      location: (uuid: string) => defaultLocation(this.#warehouse, id, namespace, uuid),
      nowMs: this.#ambience.now(),
    }
    const metadata = createFromUpdates(commit.updates, defaults, tableText(id))
    return this.#commits.create(id, metadata, options)
  }

  async registerTable(
    id: TableIdentifier,
    metadataLocation: string,
    options: CallOptions = {},
  ): Promise<LoadedTable> {
    checkNewTable(id, this.capabilities)
    await this.loadNamespace(id.namespace, options)
    const location = fullLocation(metadataLocation)
    const metadata = await this.#files.read(id, location, options)
    return this.#commits.register(id, metadata, location, options)
  }

  async renameTable(from: TableIdentifier, to: TableIdentifier, options: CallOptions = {}): Promise<void> {
    throwIfAborted(options.signal)
    checkNewTable(to, this.capabilities)
    if (!canExist(from.namespace, this.capabilities)) throw noSuchTable(from)
    const outcome = await this.#pointers.rename(from, to, options)
    if (outcome === 'no-table') throw noSuchTable(from)
    if (outcome === 'no-namespace') throw noSuchNamespace(to.namespace)
    if (outcome === 'exists') throw tableExists(to)
  }

  async dropTable(id: TableIdentifier, options: CallOptions = {}): Promise<void> {
    throwIfAborted(options.signal)
    // The metadata is not looked at: a table that nobody can read any more can still be dropped.
    const dropped = canExist(id.namespace, this.capabilities) && (await this.#pointers.remove(id, options))
    if (!dropped) throw noSuchTable(id)
  }

  async close(): Promise<void> {
    await this.#pointers.close()
  }

  async #find(id: TableIdentifier, options: CallOptions): Promise<TablePointer | null> {
    throwIfAborted(options.signal)
    return canExist(id.namespace, this.capabilities) ? this.#pointers.find(id, options) : null
  }

  async #namespace(namespace: Namespace, options: CallOptions): Promise<Properties | null> {
    throwIfAborted(options.signal)
    return canExist(namespace, this.capabilities) ? this.#pointers.namespace(namespace, options) : null
  }
}

/** Others' locations are kept as they are; only a bare path gets its scheme. */
function fullLocation(location: string): string {
  parseLocation(location)
  return /^(\/|[a-zA-Z]:[\\/])/.test(location) ? toFileUri(location) : location
}
