/** From plugins to the runtime that tables work with. */
import { randomBytes, randomUUID } from 'node:crypto'
import { sleep } from '../abort.ts'
import { nodeCodecs } from '../compression.ts'
import type { Properties } from '../catalog/catalog.ts'
import type { DataPlane } from '../engine/data-plane.ts'
import type { FileAccess } from '../engine/file-access.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { LruCache } from '../table/lru-cache.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import type {
  Clock,
  CommitPolicy,
  Random,
  RetentionSettings,
  Runtime,
  StorageRequest,
  TableStorage,
} from '../table/runtime.ts'
import { createTelemetry, type Logger } from '../telemetry.ts'
import { OperationRunner } from './operation.ts'
import type { CatalogPlugin, EnginePlugin, StoragePlugin } from './plugins.ts'

/** What a manager is put together from. */
export interface ManagerOptions {
  readonly catalogPlugin: CatalogPlugin
  readonly storagePlugin: StoragePlugin
  readonly enginePlugin: EnginePlugin
  /** How the data plane reaches the files of a store that its plugin gives no access to. */
  readonly stageFiles: (store: ObjectStore) => FileAccess
  /** Defaults and caps of commit retries for all tables. */
  readonly commitPolicy?: CommitPolicy | undefined
  /** How long snapshots are kept, and what is allowed. */
  readonly retention?: RetentionSettings | undefined
  /** Default of `writeData`. */
  readonly commitStrategy?: CommitStrategy | undefined
  /** Properties of new tables, below those of the call. */
  readonly tableProperties?: Properties | undefined
  /** Locations besides a table's own that its metadata may point into. */
  readonly extraRoots?: readonly string[] | undefined
  /** One line for every operation. Default: none. */
  readonly logger?: Logger | undefined
  /** For tests: time and chance. */
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
}

const MANIFEST_LISTS_KEPT = 32

export const systemClock: Clock = { now: () => Date.now(), sleep }

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  // 63 bits: ids are signed in other engines, and 0 and -1 mean "none" in some.
  snapshotId: () => (randomBytes(8).readBigUInt64BE() >> 1n) | 1n,
  fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
}

export interface BuiltRuntime {
  readonly runtime: Runtime
  readonly runner: OperationRunner
  /** Frees the engine, the catalog and the stores. */
  readonly release: () => Promise<void>
}

/** Connects the catalog, once, and gets everything else ready to be opened on first use. */
export async function buildRuntime(options: ManagerOptions, signal?: AbortSignal): Promise<BuiltRuntime> {
  const { catalogPlugin, storagePlugin, enginePlugin } = options
  const telemetry = createTelemetry(options.logger)
  const runner = new OperationRunner(telemetry)
  const catalog = await catalogPlugin.connect({
    getObjectStore: (request) => storagePlugin.getObjectStore(request),
    getWarehouseUri: (namespace) => storagePlugin.getWarehouseUri(namespace),
    signal,
  })
  let plane: Promise<DataPlane> | null = null
  const openPlane = async (): Promise<DataPlane> => {
    try {
      return await enginePlugin.open()
    } catch (error) {
      // What was in the way may be gone the next time.
      plane = null
      throw error
    }
  }
  const runtime: Runtime = {
    catalog,
    dataPlane: () => (plane ??= openPlane()),
    openStorage: (request) => openStorage(options, request),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    codecs: nodeCodecs,
    commitPolicy: options.commitPolicy ?? {},
    retention: options.retention ?? {},
    newTableProperties: options.tableProperties ?? {},
    extraRoots: options.extraRoots ?? [],
    telemetry,
    closing: runner.closing,
    manifestLists: new LruCache(MANIFEST_LISTS_KEPT),
  }
  const release = async (): Promise<void> => {
    try {
      if (plane !== null) await (await plane).close()
    } finally {
      await catalog.close()
    }
  }
  return { runtime, runner, release }
}

async function openStorage(options: ManagerOptions, request: StorageRequest): Promise<TableStorage> {
  const store = await options.storagePlugin.getObjectStore(request)
  const files = options.storagePlugin.getFileAccess?.(store) ?? options.stageFiles(store)
  return { store, files }
}
