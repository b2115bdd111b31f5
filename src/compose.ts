/** The only file that knows every implementation: names become plugins, each loaded when first needed. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Catalog, Properties } from './catalog/catalog.ts'
import { InvalidConfigError, UnsupportedFeatureError } from './errors.ts'
import { IcebergTableManager as Manager } from './manager/manager.ts'
import type { CatalogPlugin, ConnectOptions, EnginePlugin, StoragePlugin } from './manager/plugins.ts'
import type { ManagerOptions } from './manager/runtime.ts'
import type { ObjectStore } from './storage/object-store.ts'
import { joinLocation, localPathOf, parseLocation } from './storage/location.ts'

/** Properties of a catalog, with PyIceberg's names: `type`, `uri`, `warehouse`, `s3.endpoint` … */
export interface CatalogProperties {
  /** Part of every key in SQL catalogs. */
  readonly name: string
  readonly properties: Properties
}

/** Which catalog `type` makes which plugin. */
export function catalogPlugin({ name, properties }: CatalogProperties): CatalogPlugin {
  const type = catalogType(properties)
  return {
    name: type,
    connect: (options) => connectCatalog(type, name, properties, options),
  }
}

function catalogType(properties: Properties): string {
  if (properties['type'] !== undefined) return properties['type']
  const uri = properties['uri'] ?? ''
  if (/^(sqlite|postgresql)/.test(uri)) return 'sql'
  if (/^https?:/.test(uri)) return 'rest'
  throw new InvalidConfigError('The catalog has no type, and its uri does not tell it', {
    path: 'type',
    hint: "Set type to 'sql' or 'memory', or give a uri such as sqlite:////path/catalog.db.",
  })
}

async function connectCatalog(type: string, name: string, properties: Properties, options: ConnectOptions): Promise<Catalog> {
  const warehouse = properties['warehouse'] ?? null
  const common = {
    name,
    warehouse: (namespace: readonly string[]) => options.getWarehouseUri(namespace) ?? warehouse,
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

async function connectSql(properties: Properties, common: SqlCommon): Promise<Catalog> {
  const uri = properties['uri']
  if (uri === undefined) throw new InvalidConfigError('A sql catalog needs a uri', { path: 'uri' })
  if (!uri.startsWith('sqlite')) {
    throw new UnsupportedFeatureError('SQL catalogs other than SQLite are not built yet')
  }
  const { openSqliteCatalog } = await import('./catalog/sql/sqlite.ts')
  return openSqliteCatalog({ ...common, uri })
}

interface SqlCommon {
  readonly name: string
  readonly warehouse: (namespace: readonly string[]) => string | null
  readonly getObjectStore: ConnectOptions['getObjectStore']
}

/** Stores by the scheme of the location: the local disk and memory. */
export function storagePlugin(properties: Properties): StoragePlugin {
  const warehouse = properties['warehouse'] ?? null
  let memory: ObjectStore | null = null
  return {
    name: 'by-scheme',
    getWarehouseUri: (namespace) => (warehouse === null ? null : joinLocation(warehouse, ...namespace)),
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
          throw new UnsupportedFeatureError(`Storage of scheme '${scheme}' is not built yet`, { file: location })
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

/** The embedded DuckDB, opened when rows are first read or written. */
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

/** The warehouse's folder, where it is on the local disk. */
export function localFolders(properties: Properties): readonly string[] {
  const warehouse = properties['warehouse']
  if (warehouse === undefined || parseLocation(warehouse).scheme !== 'file') return []
  return [localPathOf(warehouse)]
}

export const DEFAULT_SCRATCH = join(tmpdir(), 'floeberg')

export { Manager, type ManagerOptions }
