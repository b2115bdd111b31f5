/** A store that repeats calls which failed because the store was unavailable, and no others. */
import { sleep } from '../abort.ts'
import { StorageUnavailableError } from '../errors.ts'
import type {
  CallOptions,
  DeleteReport,
  GetOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
} from './object-store.ts'

/** How often, and for how long, a call is tried again. */
export interface RetryOptions {
  /** Repetitions after the first attempt. Default 4. */
  readonly retries?: number
  /** Milliseconds before the first repetition, doubled for each further one. Default 100. */
  readonly minDelayMs?: number
  /** Default 10,000. */
  readonly maxDelayMs?: number
  /** How to wait. Default: a timer. */
  readonly sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  /** Uniform in [0, 1). Default: Math.random. */
  readonly random?: () => number
}

/** The same store with its calls repeated; a put keeps one owner token through all attempts. */
export function withRetry(store: ObjectStore, options: RetryOptions = {}): ObjectStore {
  return new RetryingStore(store, options)
}

class RetryingStore implements ObjectStore {
  readonly schemes: readonly string[]
  readonly localPath?: (location: string) => string
  readonly listTemporary?: (prefix: string, options?: CallOptions) => AsyncIterable<ObjectInfo>
  readonly #store: ObjectStore
  readonly #options: Required<RetryOptions>

  constructor(store: ObjectStore, options: RetryOptions) {
    this.#store = store
    this.schemes = store.schemes
    if (store.localPath !== undefined) this.localPath = store.localPath.bind(store)
    if (store.listTemporary !== undefined) this.listTemporary = store.listTemporary.bind(store)
    this.#options = {
      retries: options.retries ?? 4,
      minDelayMs: options.minDelayMs ?? 100,
      maxDelayMs: options.maxDelayMs ?? 10_000,
      sleep: options.sleep ?? sleep,
      random: options.random ?? Math.random,
    }
  }

  head(location: string, options: CallOptions = {}): Promise<ObjectInfo> {
    return this.#repeat(options.signal, () => this.#store.head(location, options))
  }

  get(location: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#repeat(options.signal, () => this.#store.get(location, options))
  }

  put(location: string, body: PutBody, options: PutOptions = {}): Promise<ObjectInfo> {
    const owner = options.owner ?? crypto.randomUUID()
    return this.#repeat(options.signal, () => this.#store.put(location, body, { ...options, owner }))
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncIterable<ObjectInfo> {
    let yielded = false
    for (let attempt = 0; ; attempt += 1) {
      try {
        for await (const info of this.#store.list(prefix, options)) {
          yielded = true
          yield info
        }
        return
      } catch (error) {
        // A listing has no order to go on from: once something was given it cannot begin again.
        if (yielded) throw error
        await this.#wait(error, attempt, options.signal)
      }
    }
  }

  /** Repeats what failed because the store was unavailable; the rest is reported as it is. */
  async delete(locations: readonly string[], options: CallOptions = {}): Promise<DeleteReport> {
    const deleted: string[] = []
    const failed: DeleteReport['failed'][number][] = []
    let left = locations
    for (let attempt = 0; left.length > 0; attempt += 1) {
      const pending = left
      const report = await this.#repeat(options.signal, () => this.#store.delete(pending, options))
      deleted.push(...report.deleted)
      const again = report.failed.filter(({ error }) => error instanceof StorageUnavailableError)
      const giveUp = attempt >= this.#options.retries
      failed.push(...(giveUp ? report.failed : report.failed.filter((entry) => !again.includes(entry))))
      left = giveUp ? [] : again.map(({ location }) => location)
      const [first] = again
      if (left.length > 0 && first !== undefined) await this.#wait(first.error, attempt, options.signal)
    }
    return { deleted, failed }
  }

  async close(): Promise<void> {
    await this.#store.close?.()
  }

  async #repeat<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await call()
      } catch (error) {
        await this.#wait(error, attempt, signal)
      }
    }
  }

  /** Throws the error when it is not worth a repetition, or none is left. */
  async #wait(error: unknown, attempt: number, signal: AbortSignal | undefined): Promise<void> {
    const { retries, minDelayMs, maxDelayMs, random } = this.#options
    if (!(error instanceof StorageUnavailableError) || attempt >= retries) throw error
    const longest = Math.min(maxDelayMs, minDelayMs * 2 ** attempt)
    // Jitter keeps clients that failed together from coming back together.
    await this.#options.sleep(longest / 2 + (random() * longest) / 2, signal)
  }
}
