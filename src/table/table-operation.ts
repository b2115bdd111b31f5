/** The one path of everything that a table itself does: telemetry, the end of its manager, errors that name it. */
import { locateError, ManagerClosedError, OperationAbortedError } from '../errors.ts'
import type { Runtime } from './runtime.ts'

/** Whose table it is, and how it is called; without a name for what is about several. */
export interface Opened {
  readonly runtime: Runtime
  readonly name?: string | undefined
}

/** Runs an operation of a table, by the name that its span gets. ManagerClosedError. */
export function runOn<T>(
  opened: Opened,
  operation: string,
  body: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return opened.runtime.telemetry.operation(operation, fieldsOf(opened), async () => {
    checkOpen(opened)
    try {
      return await body()
    } catch (error) {
      throw failureOf(opened, error, signal)
    }
  })
}

/** As `runOn`, for a part of an operation that has its span already. */
export async function runWithin<T>(opened: Opened, body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  checkOpen(opened)
  try {
    return await body()
  } catch (error) {
    throw failureOf(opened, error, signal)
  }
}

/** As `runOn`, for what is consumed later. */
export function streamOn<T>(
  opened: Opened,
  operation: string,
  open: () => AsyncIterable<T>,
  signal?: AbortSignal,
): AsyncIterable<T> {
  return opened.runtime.telemetry.stream(operation, fieldsOf(opened), async function* () {
    checkOpen(opened)
    try {
      yield* open()
    } catch (error) {
      throw failureOf(opened, error, signal)
    }
  })
}

function fieldsOf({ name }: Opened): { readonly table?: string } {
  return name === undefined ? {} : { table: name }
}

function checkOpen({ runtime, name }: Opened): void {
  if (runtime.closing.aborted) throw closed(name)
}

/** A run that the closing ended says so, and not that somebody aborted it. */
function failureOf({ runtime, name }: Opened, error: unknown, signal: AbortSignal | undefined): unknown {
  const endedByClosing =
    error instanceof OperationAbortedError && runtime.closing.aborted && signal?.aborted !== true
  if (endedByClosing) return closed(name, error)
  locateError(error, fieldsOf({ runtime, name }))
  return error
}

function closed(table: string | undefined, cause?: unknown): ManagerClosedError {
  return new ManagerClosedError('The manager that this table came from is closed', { table, cause })
}
