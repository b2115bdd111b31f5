/** What a table without a catalog is opened with: everything can be read, and nothing written. */
import type {
  Catalog,
  CatalogCapabilities,
  LoadedTable,
  Properties,
  TableIdentifier,
} from '../catalog/catalog.ts'
import type { FileAccess } from '../engine/file-access.ts'
import { NoSuchTableError, UnsupportedFeatureError } from '../errors.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { identifierToString } from './identifier.ts'
import type { TableStorage } from './runtime.ts'

/** The error of every attempt to write. */
export function readOnly(table: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError('The table was opened without a catalog, and is read-only', {
    table,
    hint: 'Register it in a catalog to write to it: registerTable with its metadataLocation.',
  })
}

/** A table's storage, of which nothing can be changed. */
export function readOnlyStorage({ store, files }: TableStorage, table: string): TableStorage {
  const refuse = (): Promise<never> => Promise.reject(readOnly(table))
  const readingStore: ObjectStore = {
    schemes: store.schemes,
    head: (location, options) => store.head(location, options),
    get: (location, options) => store.get(location, options),
    list: (prefix, options) => store.list(prefix, options),
    ...(store.localPath === undefined ? {} : { localPath: (location) => store.localPath?.(location) ?? '' }),
    put: refuse,
    delete: refuse,
  }
  const readingFiles: FileAccess = {
    input: (file, options) => files.input(file, options),
    output: refuse,
    scratch: refuse,
  }
  return { store: readingStore, files: readingFiles }
}

const CAPABILITIES: CatalogCapabilities = {
  nestedNamespaces: false,
  dotsInNames: false,
  namespaceProperties: false,
  stageCreate: false,
  purge: 'client',
  shared: false,
}

/** A catalog of one table, which is found anew whenever it is loaded. */
export class OneTableCatalog implements Catalog {
  readonly name = 'none'
  readonly capabilities = CAPABILITIES
  readonly #id: TableIdentifier
  readonly #load: () => Promise<LoadedTable>

  constructor(id: TableIdentifier, load: () => Promise<LoadedTable>) {
    this.#id = id
    this.#load = load
  }

  async tableExists(id: TableIdentifier): Promise<boolean> {
    return this.#is(id)
  }

  async loadTable(id: TableIdentifier): Promise<LoadedTable> {
    if (this.#is(id)) return this.#load()
    throw new NoSuchTableError('A table without a catalog has no others beside it', {
      table: identifierToString(id),
    })
  }

  async listNamespaces(): Promise<readonly []> {
    return []
  }

  async listTables(): Promise<readonly []> {
    return []
  }

  async namespaceExists(): Promise<boolean> {
    return false
  }

  loadNamespace(): Promise<Properties> {
    return this.#refuse()
  }

  createNamespace(): Promise<void> {
    return this.#refuse()
  }

  updateNamespace(): Promise<void> {
    return this.#refuse()
  }

  dropNamespace(): Promise<void> {
    return this.#refuse()
  }

  createTable(): Promise<LoadedTable> {
    return this.#refuse()
  }

  stageCreateTable(): Promise<LoadedTable> {
    return this.#refuse()
  }

  commitTable(): Promise<LoadedTable> {
    return this.#refuse()
  }

  registerTable(): Promise<LoadedTable> {
    return this.#refuse()
  }

  renameTable(): Promise<void> {
    return this.#refuse()
  }

  dropTable(): Promise<void> {
    return this.#refuse()
  }

  async close(): Promise<void> {}

  #is(id: TableIdentifier): boolean {
    return identifierToString(id) === identifierToString(this.#id)
  }

  #refuse(): Promise<never> {
    return Promise.reject(readOnly(identifierToString(this.#id)))
  }
}
