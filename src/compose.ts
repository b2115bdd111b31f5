/** The only file that knows every implementation: names become plugins, each loaded when first needed. */
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { throwIfAborted } from './abort.ts'
import type { Catalog, Properties } from './catalog/catalog.ts'
import { namespaceFolder } from './catalog/names.ts'
import type { Columns, DeclaredSchema, StructOut } from './format/schema-builder.ts'
import type { Row } from './format/values/value.ts'
import { InvalidConfigError, UnsupportedFeatureError } from './errors.ts'
import { catalogType, withoutDriver } from './manager/catalog-type.ts'
import {
  checkSettings,
  loadConfig,
  sizeInBytes,
  type ManagerConfig,
  type ManagerSettings,
} from './manager/config.ts'
import { IcebergTableManager as Manager } from './manager/manager.ts'
import type { CatalogPlugin, ConnectOptions, EnginePlugin, StoragePlugin } from './manager/plugins.ts'
import { buildRuntime, type ManagerOptions } from './manager/runtime.ts'
import type { ObjectStore } from './storage/object-store.ts'
import type { Table } from './table/table.ts'
import { joinLocation, localPathOf, parseLocation, toFileUri } from './storage/location.ts'

/** Properties of a catalog, with PyIceberg's names: `type`, `uri`, `warehouse`, `s3.endpoint` … */
export interface CatalogProperties {
  /** Part of every key in SQL catalogs. */
  readonly name: string
  readonly properties: Properties
}

/** Which catalog `type` makes which plugin. */
export function catalogPlugin({ name, properties }: CatalogProperties): CatalogPlugin {
  const type = catalogType(properties, `catalog.${name}`)
  return {
    name: type,
    connect: (options) => connectCatalog(type, name, properties, options),
  }
}

async function connectCatalog(
  type: string,
  name: string,
  properties: Properties,
  options: ConnectOptions,
): Promise<Catalog> {
  const warehouse = properties['warehouse'] ?? null
  const common: CatalogCommon = {
    name,
    warehouse: (namespace) =>
      options.getWarehouseUri(namespace) ?? (warehouse && namespaceFolder(warehouse, namespace)),
    getObjectStore: options.getObjectStore,
  }
  switch (type) {
    case 'memory': {
      const { MemoryCatalog } = await import('./catalog/memory.ts')
      return new MemoryCatalog(common)
    }
    case 'sql':
      return connectSql(properties, common)
    default:
      throw new UnsupportedFeatureError(`Catalogs of type '${type}' are not built yet`, {
        hint: "Use 'sql' (SQLite) or 'memory'.",
      })
  }
}

async function connectSql(properties: Properties, common: CatalogCommon): Promise<Catalog> {
  const given = properties['uri']
  if (given === undefined) {
    throw new InvalidConfigError('A sql catalog needs a uri', { path: `catalog.${common.name}.uri` })
  }
  const uri = withoutDriver(given)
  if (!uri.startsWith('sqlite')) {
    throw new UnsupportedFeatureError('SQL catalogs other than SQLite are not built yet', {
      hint: 'Use a uri such as sqlite:////path/catalog.db.',
    })
  }
  const { openSqliteCatalog } = await import('./catalog/sql/sqlite.ts')
  return openSqliteCatalog({ ...common, uri })
}

/** What every catalog is made with. */
interface CatalogCommon {
  readonly name: string
  readonly warehouse: (namespace: readonly string[]) => string | null
  readonly getObjectStore: ConnectOptions['getObjectStore']
}

/** Stores by the scheme of the location: the local disk and memory. */
export function storagePlugin(_properties: Properties): StoragePlugin {
  let memory: ObjectStore | null = null
  return {
    name: 'by-scheme',
    // The catalog's own rule, below its warehouse, serves.
    getWarehouseUri: () => null,
    async getObjectStore({ location }) {
      const { scheme } = parseLocation(location)
      switch (scheme) {
        case 'file': {
          const { LocalObjectStore } = await import('./storage/local.ts')
          return new LocalObjectStore()
        }
        case 'memory': {
          const { MemoryObjectStore } = await import('./storage/memory.ts')
          memory ??= new MemoryObjectStore()
          return memory
        }
        default:
          throw new UnsupportedFeatureError(`Storage of scheme '${scheme}' is not built yet`, {
            file: location,
            hint: 'Use the local disk: a path, or file:///path.',
          })
      }
    },
  }
}

export interface EngineSettings {
  /** Bytes; half of the machine's memory when absent. */
  readonly memoryLimitBytes?: number | undefined
  readonly threads?: number | undefined
  readonly scratchDir: string
  /** Local folders that are known to be used, so that the engine need not be opened anew for them. */
  readonly folders: readonly string[]
}

/** The embedded DuckDB, loaded and opened by the first task that needs it: small writes do not. */
export function duckDbEngine(settings: EngineSettings): EnginePlugin {
  return {
    name: 'duckdb',
    async open() {
      const { openDuckDbPlane } = await import('./engine/duckdb/duckdb-plane.ts')
      return openDuckDbPlane({
        memoryLimitBytes: settings.memoryLimitBytes,
        threads: settings.threads,
        scratchDir: settings.scratchDir,
        allowedFolders: settings.folders,
      })
    },
  }
}

function configuredEngine(
  { engine: { memoryLimitBytes, threads } }: ManagerSettings,
  scratchDir: string,
  folders: readonly string[],
): EnginePlugin {
  const memory = memoryLimitBytes === undefined ? undefined : sizeInBytes(memoryLimitBytes)
  return duckDbEngine({ memoryLimitBytes: memory, threads, scratchDir, folders })
}

/** The warehouse's folder, where it is on the local disk. */
export function localFolders(properties: Properties): readonly string[] {
  const warehouse = properties['warehouse']
  if (warehouse === undefined || parseLocation(warehouse).scheme !== 'file') return []
  return [localPathOf(warehouse)]
}

const DEFAULT_SCRATCH = join(tmpdir(), 'floeberg')

/** How a manager is opened, beside its configuration. */
export interface OpenOptions {
  /**
   * What is tried out first. `write` (default): the catalog answers and the warehouse can be
   * written. `read`: the catalog answers.
   */
  readonly verify?: 'read' | 'write' | undefined
  /** One line for every operation. Default: none. */
  readonly logger?: ManagerOptions['logger']
  /** Ends the opening with OperationAbortedError. */
  readonly signal?: AbortSignal | undefined
}

/** Plugins, and what they do not bring along. */
export interface ConnectManagerOptions extends Omit<ManagerOptions, 'enginePlugin' | 'stageFiles'> {
  /** Default: the embedded DuckDB. */
  readonly enginePlugin?: EnginePlugin | undefined
  /** Folder for spills and staged files. Default: below the system's temporary folder. */
  readonly scratchDir?: string | undefined
}

/** The table manager, and the short ways to one. */
export class IcebergTableManager extends Manager {
  /**
   * A manager over injected plugins. `connect()` of the catalog plugin is called once, here.
   * InvalidConfigError, before that, for settings that are not right.
   */
  static async connect(options: ConnectManagerOptions): Promise<IcebergTableManager> {
    const { scratchDir = DEFAULT_SCRATCH, enginePlugin, ...rest } = options
    const { commitPolicy, retention, commitStrategy, tableProperties, extraRoots } = options
    checkSettings({ scratchDir, commitPolicy, retention, commitStrategy, tableProperties, extraRoots })
    const { createFileAccess } = await import('./storage/staging.ts')
    const full: ManagerOptions = {
      ...rest,
      enginePlugin: enginePlugin ?? duckDbEngine({ scratchDir, folders: [] }),
      stageFiles: (store) => createFileAccess(store, { scratchDir }),
    }
    return new IcebergTableManager(await buildRuntime(full), full.commitStrategy ?? 'fast_append')
  }

  /**
   * A manager from configuration: `{ catalog: 'prod' }` of a `floeberg.yaml`, a `.pyiceberg.yaml` or
   * variables, `{ catalog: { uri, warehouse } }`, or nothing for the default catalog there. Checks
   * that the catalog answers and that the warehouse can be written.
   *
   * InvalidConfigError, UnsupportedFeatureError, CatalogUnavailableError, StorageDeniedError,
   * StorageUnavailableError.
   */
  static async open(config: ManagerConfig = {}, options: OpenOptions = {}): Promise<IcebergTableManager> {
    throwIfAborted(options.signal)
    const loaded = await loadConfig(config)
    const { name } = loaded.catalog
    const { settings } = loaded
    const properties = withWarehouseUri(await loaded.revealCatalog())
    const storage = storagePlugin(properties)
    const scratchDir = settings.scratchDir ?? DEFAULT_SCRATCH
    const manager = await IcebergTableManager.connect({
      catalogPlugin: catalogPlugin({ name, properties }),
      storagePlugin: storage,
      enginePlugin: configuredEngine(settings, scratchDir, localFolders(properties)),
      scratchDir,
      commitPolicy: settings.commitPolicy,
      retention: settings.retention,
      commitStrategy: settings.commitStrategy,
      extraRoots: settings.extraRoots,
      tableProperties: settings.tableProperties,
      logger: options.logger,
    })
    try {
      await manager.catalog.listNamespaces(undefined, { signal: options.signal })
      if (options.verify !== 'read') await checkWritable(storage, properties, options.signal)
      throwIfAborted(options.signal)
      return manager
    } catch (error) {
      await manager.close()
      throw error
    }
  }
}

/** How a table is opened without a catalog. */
export interface OpenTableOptions {
  readonly engine?: ManagerConfig['engine']
  /** Folder for spills and staged files. Default: below the system's temporary folder. */
  readonly scratchDir?: string | undefined
  /** Locations besides the table's own that its metadata may point into. */
  readonly extraRoots?: readonly string[] | undefined
  /** One line for every operation. Default: none. */
  readonly logger?: ManagerOptions['logger']
  /** Ends the opening with OperationAbortedError. */
  readonly signal?: AbortSignal | undefined
}

/** A table with all that it takes to read it; close it to free that. */
export type OpenedTable<RowOut = Row> = Table<object, RowOut> &
  AsyncDisposable & {
    /** Aborts scans and frees everything. Idempotent. */
    close(): Promise<void>
  }

/**
 * Opens a table by its files, read-only, where there is neither a catalog nor a manager: as the
 * manager's `openTable`, with an engine of its own.
 */
export function openTable<C extends Columns>(
  location: string,
  options: OpenTableOptions & { readonly schema: DeclaredSchema<C> },
): Promise<OpenedTable<StructOut<C>>>
/** As above, with rows as the table's own schema has them. */
export function openTable(location: string, options?: OpenTableOptions): Promise<OpenedTable>
/** Both of them. */
export async function openTable(
  location: string,
  options: OpenTableOptions & { readonly schema?: DeclaredSchema } = {},
): Promise<unknown> {
  const { logger, signal, schema, engine, scratchDir = DEFAULT_SCRATCH, extraRoots } = options
  const settings = checkSettings({ engine, scratchDir, extraRoots })
  const properties = { type: 'memory' }
  const manager = await IcebergTableManager.connect({
    catalogPlugin: catalogPlugin({ name: 'none', properties }),
    storagePlugin: storagePlugin(properties),
    enginePlugin: configuredEngine(settings, scratchDir, []),
    scratchDir,
    extraRoots,
    logger,
  })
  try {
    const table = await (schema === undefined
      ? manager.openTable(location, { signal })
      : manager.openTable(location, { signal, schema }))
    const close = (): Promise<void> => manager.close()
    return Object.assign(table, { close, [Symbol.asyncDispose]: close })
  } catch (error) {
    await manager.close()
    throw error
  }
}

/** A warehouse may be given as a path; everything from here on works with URIs. */
function withWarehouseUri(properties: Properties): Properties {
  const { warehouse } = properties
  if (warehouse === undefined || /^[a-z][a-z0-9+.-]+:/i.test(warehouse)) return properties
  return { ...properties, warehouse: toFileUri(resolve(warehouse)) }
}

/** Puts an object into the warehouse and takes it away again. */
async function checkWritable(
  storage: StoragePlugin,
  { warehouse }: Properties,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (warehouse === undefined) return
  const store = await storage.getObjectStore({ location: warehouse, config: {}, credentials: [] })
  const probe = joinLocation(warehouse, `.floeberg-probe-${randomUUID()}`)
  try {
    await store.put(probe, new Uint8Array(), { ifAbsent: true, signal })
  } finally {
    // Also after a put that failed: its answer may have been lost.
    await store.delete([probe])
  }
}
