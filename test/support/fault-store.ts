/** A store whose calls are recorded and can be made to fail. */
import { StorageUnavailableError } from '../../src/errors.ts'
import type {
  CallOptions,
  DeleteReport,
  GetOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
} from '../../src/storage/object-store.ts'
import type { Call, FaultController } from './faults.ts'

/** The same store, seen by the controller. */
export function faultStore(store: ObjectStore, controller: FaultController): ObjectStore {
  return new FaultStore(store, controller)
}

class FaultStore implements ObjectStore {
  readonly schemes: readonly string[]
  readonly heedsAfter: boolean | undefined
  readonly localPath?: (location: string) => string
  /** Only looks at the disk: neither recorded nor struck. */
  readonly listTemporary?: (prefix: string, options?: CallOptions) => AsyncIterable<ObjectInfo>
  readonly #store: ObjectStore
  readonly #controller: FaultController

  constructor(store: ObjectStore, controller: FaultController) {
    this.#store = store
    this.#controller = controller
    this.schemes = store.schemes
    this.heedsAfter = store.heedsAfter
    if (store.localPath !== undefined) this.localPath = store.localPath.bind(store)
    if (store.listTemporary !== undefined) this.listTemporary = store.listTemporary.bind(store)
  }

  head(location: string, options?: CallOptions): Promise<ObjectInfo> {
    return this.#controller.call(read('head', location), () => this.#store.head(location, options))
  }

  async get(location: string, options?: GetOptions): Promise<Uint8Array> {
    const { recorded, mode } = await this.#controller.begin(read('get', location))
    const run = async (): Promise<Uint8Array> => {
      const bytes = await this.#store.get(location, options)
      recorded.bytes = bytes.length
      return bytes
    }
    if (mode !== 'partial') return this.#controller.strike(recorded, mode, run)
    const bytes = await run()
    return bytes.subarray(0, Math.floor(bytes.length / 2))
  }

  put(location: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo> {
    const bytes = body instanceof Uint8Array ? body.length : 0
    const call = { target: 'store', method: 'put', mutates: true, about: [location] } as const
    return this.#controller.call(call, () => this.#store.put(location, body, options), bytes)
  }

  async *list(prefix: string, options?: CallOptions): AsyncIterable<ObjectInfo> {
    const { recorded, mode } = await this.#controller.begin(read('list', prefix))
    if (mode !== 'partial') {
      yield* await this.#controller.strike(recorded, mode, async () => this.#store.list(prefix, options))
      return
    }
    for await (const info of this.#store.list(prefix, options)) {
      yield info
      break
    }
    throw this.#controller.error('store', true)
  }

  async delete(locations: readonly string[], options?: CallOptions): Promise<DeleteReport> {
    const call = { target: 'store', method: 'delete', mutates: true, about: locations } as const
    const { mode, recorded } = await this.#controller.begin(call)
    if (mode !== 'partial') {
      return this.#controller.strike(recorded, mode, () => this.#store.delete(locations, options))
    }
    const half = Math.ceil(locations.length / 2)
    const { deleted, failed } = await this.#store.delete(locations.slice(0, half), options)
    const left = locations.slice(half).map((location) => ({
      location,
      error: new StorageUnavailableError('Injected: not deleted'),
    }))
    return { deleted, failed: [...failed, ...left] }
  }

  async close(): Promise<void> {
    await this.#store.close?.()
  }
}

function read(method: string, location: string): Omit<Call, 'n' | 'bytes'> {
  return { target: 'store', method, mutates: false, about: [location] }
}
