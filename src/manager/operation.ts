/** The one path that every operation takes: open check, telemetry, error location, in-flight count. */
import { locateError, ManagerClosedError } from '../errors.ts'
import type { OperationFields, OperationScope, Telemetry } from '../telemetry.ts'

/** A plain value that JSON can hold. Ids, longs and decimals are decimal strings. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined }

/**
 * What a manager was asked to do: plain, versioned and serializable, its data by reference, so that
 * it can be logged, stored, or one day be carried out elsewhere.
 */
export interface OperationRequest {
  readonly version: 1
  /** The manager's method. */
  readonly operation: string
  readonly table?: { readonly namespace: readonly string[]; readonly name: string }
  readonly namespace?: readonly string[]
  readonly arguments: JsonValue
}

/** Runs operations until it is closed; closing waits for those under way. */
export class OperationRunner {
  readonly #telemetry: Telemetry
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  /** Fires when closing begins. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Runs the body of a request. ManagerClosedError once closing has begun. */
  async run<T>(request: OperationRequest, body: (scope: OperationScope) => Promise<T>): Promise<T> {
    const fields = fieldsOf(request)
    const promise = this.#telemetry.operation(request.operation, fields, async (scope) => {
      this.#checkOpen()
      try {
        return await body(scope)
      } catch (error) {
        locateError(error, fields.table === undefined ? {} : { table: fields.table })
        throw error
      }
    })
    this.#running.add(promise)
    try {
      return await promise
    } finally {
      this.#running.delete(promise)
    }
  }

  /** Refuses new work, stops scans, and waits for operations under way. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new ManagerClosedError('The manager was closed'))
    await Promise.allSettled(this.#running)
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted)
      throw new ManagerClosedError('The manager is closed', { hint: 'Open a new one.' })
  }
}

function fieldsOf(request: OperationRequest): OperationFields {
  return {
    ...(request.table === undefined
      ? {}
      : { table: [...request.table.namespace, request.table.name].join('.') }),
    ...(request.namespace === undefined ? {} : { namespace: request.namespace.join('.') }),
  }
}
