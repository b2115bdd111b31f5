/** What every group of a manager's operations stands on: the runtime, and the one path to run. */
import type { Catalog, Namespace, TableIdentifier } from '../catalog/catalog.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import type { Runtime } from '../table/runtime.ts'
import type { OperationScope } from '../telemetry.ts'
import type { JsonValue, OperationRequest, OperationRunner } from './operation.ts'
import type { BuiltRuntime } from './runtime.ts'

/** Options of every call. */
export interface CallOptions {
  /** Ends the call with OperationAbortedError. */
  readonly signal?: AbortSignal | undefined
}

/** What an operation is about, for its request. */
interface About {
  readonly table?: TableIdentifier
  readonly namespace?: Namespace
  readonly arguments?: JsonValue
}

export abstract class ManagerBase {
  /** @internal */
  protected readonly runtime: Runtime
  /** @internal */
  protected readonly commitStrategy: CommitStrategy
  readonly #runner: OperationRunner
  readonly #release: () => Promise<void>
  #closed: Promise<void> | null = null

  /** @internal */
  protected constructor(built: BuiltRuntime, commitStrategy: CommitStrategy) {
    this.runtime = built.runtime
    this.commitStrategy = commitStrategy
    this.#runner = built.runner
    this.#release = built.release
  }

  /** The catalog behind this manager, for what the manager does not offer. */
  get catalog(): Catalog {
    return this.runtime.catalog
  }

  /** Refuses new work, aborts scans, waits for commits under way, and frees everything. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#runner.close()
    await this.#release()
  }

  /** @internal */
  protected run<T>(operation: string, about: About, body: (scope: OperationScope) => Promise<T>): Promise<T> {
    const request: OperationRequest = { version: 1, operation, arguments: {}, ...about }
    return this.#runner.run(request, body)
  }
}
