/**
 * Faults at chosen calls. One controller numbers every call that reaches a wrapped store or
 * catalog, in order, reading ones too; a test first runs an operation undisturbed to learn its
 * calls, then again with a fault at call n, for every n.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  CatalogUnavailableError,
  CommitStateUnknownError,
  StorageUnavailableError,
} from '../../src/errors.ts'

export type Target = 'store' | 'catalog'

/** One call that came through. */
export interface Call {
  /** From 1. */
  readonly n: number
  readonly target: Target
  readonly method: string
  /** Changes something when it succeeds. */
  readonly mutates: boolean
  /** Locations, or the dotted name of the table or namespace. */
  readonly about: readonly string[]
  /** Bytes put or got; 0 for other calls. */
  bytes: number
}

/**
 * - `error-before`: the call fails and has no effect; certain, and said so (unavailable).
 * - `error-after`: the call has its effect and then fails. A store says unavailable; a catalog,
 *   whose contract forbids that, says that the outcome is unknown.
 * - `lost`: the answer is lost and the call had no effect; a catalog says unknown.
 * - `late`: as `lost`, but the effect comes when the next call is made: the request was under way.
 * - `partial`: a delete removes half of its locations and reports the rest as failed, a listing
 *   fails after half of its entries, a get loses its second half; other calls as `error-before`.
 * - `abort-before`, `abort-after`: the operation's signal fires before, or after, the call.
 * - `meanwhile`: no fault: what the fault's `meanwhile` does comes just before the call.
 * - `kill-before`, `kill-after`: the process gets SIGKILL; for child processes only.
 */
export type FaultMode =
  | 'error-before'
  | 'error-after'
  | 'lost'
  | 'late'
  | 'partial'
  | 'abort-before'
  | 'abort-after'
  | 'meanwhile'
  | 'kill-before'
  | 'kill-after'

export interface Fault {
  readonly mode: FaultMode
  /** At the n-th call; every one from there on when `lasting`. */
  readonly at: number
  readonly lasting?: boolean
  /** After the struck call the catalog cannot be reached, so that nobody can ask how it ended. */
  readonly catalogDown?: boolean
  /** What others do, in mode `meanwhile`; not through this controller. */
  readonly meanwhile?: () => Promise<void>
  /** What to throw in place of the mode's own error. */
  readonly error?: Error
}

export class FaultController {
  readonly #calls: Call[] = []
  #fault: Fault | null = null
  #abort = new AbortController()
  #hits = 0
  readonly #late: (() => Promise<unknown>)[] = []
  #settling: Promise<void> = Promise.resolve()
  /** Set in whatever a late effect calls itself, which must not wait for that effect. */
  readonly #inEffect = new AsyncLocalStorage<true>()

  /** Everything that came through since the last `reset`. */
  get calls(): readonly Call[] {
    return this.#calls
  }

  get mutations(): readonly Call[] {
    return this.#calls.filter(({ mutates }) => mutates)
  }

  /** How often the fault has struck: a test in which it never did proves nothing. */
  get hits(): number {
    return this.#hits
  }

  /** For the operation under test; fires in the `abort-…` modes. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Forgets calls and counts from 1 again, with this fault or none. */
  reset(fault: Fault | null = null): void {
    this.#calls.length = 0
    this.#fault = fault
    this.#hits = 0
    this.#abort = new AbortController()
  }

  /** No more faults; calls are still recorded. */
  disarm(): void {
    this.#fault = null
  }

  /** Makes what `late` faults held back happen now. Calls that are made at once wait for it alike. */
  async settle(): Promise<void> {
    if (this.#inEffect.getStore() === true) return
    const effects = this.#late.splice(0)
    this.#settling = this.#settling.then(async () => {
      for (const effect of effects) {
        // The late request may find that it is refused now: nobody waits for its answer.
        await this.#inEffect.run(true, effect).catch(() => undefined)
      }
    })
    await this.#settling
  }

  /** For the wrappers: one call, whose effect is `run`. */
  async call<T>(call: Omit<Call, 'n' | 'bytes'>, run: () => Promise<T>, bytes = 0): Promise<T> {
    const { recorded, mode } = await this.begin(call, bytes)
    return this.strike(recorded, mode, run)
  }

  /** Records a call and says which fault, if any, is to strike it. */
  async begin(
    call: Omit<Call, 'n' | 'bytes'>,
    bytes = 0,
  ): Promise<{ readonly recorded: Call; readonly mode: FaultMode | null }> {
    await this.settle()
    const recorded: Call = { ...call, n: this.#calls.length + 1, bytes }
    this.#calls.push(recorded)
    const fault = this.#fault
    const struck =
      fault !== null && (fault.lasting === true ? recorded.n >= fault.at : recorded.n === fault.at)
    if (struck) this.#hits += 1
    const down =
      fault?.catalogDown === true && !struck && recorded.n > fault.at && recorded.target === 'catalog'
    return { recorded, mode: struck ? fault.mode : down ? 'error-before' : null }
  }

  /** The error that a failed call of this target shows. */
  error(target: Target, certain: boolean): Error {
    if (this.#fault?.error !== undefined) return this.#fault.error
    if (target === 'store') return new StorageUnavailableError('Injected: the store is unavailable')
    return certain
      ? new CatalogUnavailableError('Injected: the catalog is unavailable')
      : new CommitStateUnknownError('Injected: the answer of the catalog was lost')
  }

  /** Runs a call with the fault that `begin` named. */
  async strike<T>(call: Call, mode: FaultMode | null, run: () => Promise<T>): Promise<T> {
    switch (mode) {
      case null:
        return run()
      case 'error-before':
      case 'partial':
        throw this.error(call.target, true)
      case 'error-after':
        await run()
        throw this.error(call.target, !call.mutates)
      case 'lost':
        throw this.error(call.target, !call.mutates)
      case 'late':
        if (call.mutates) this.#late.push(run)
        throw this.error(call.target, !call.mutates)
      case 'abort-before':
        this.#abort.abort()
        return run()
      case 'abort-after': {
        const result = await run()
        this.#abort.abort()
        return result
      }
      case 'meanwhile':
        await this.#fault?.meanwhile?.()
        return run()
      case 'kill-before':
        return killed()
      case 'kill-after':
        await run()
        return killed()
    }
  }
}

function killed(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  // Nothing runs on after the signal.
  return new Promise(() => {})
}
