/** Which files of the local disk are opened in place, and which through the thread pool. */
import { constants, open, openSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'

const openPooled = promisify(open)

/**
 * How a file is opened for reading: opening a pipe would wait for its writer, and with it the whole
 * process or a thread of the pool. Windows has neither such files nor the flag.
 */
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** A call that took longer had to wait for the disk. */
const SLOW_MS = 0.25
/** How many go through the thread pool after one that had to wait. */
const POOLED_AFTER_SLOW = 64
/** How many are opened in place before all others in the process have their turn. */
const TURN_EVERY = 64

/**
 * A file that the system has at hand is opened and read in a fraction of the time that a turn of the
 * thread pool takes; one that it has to wait for, on a cold disk or another machine's, would hold up
 * the whole process. Which it is shows only afterwards, so the next ones pay for it.
 */
export class DiskPace {
  #pooled = 0
  #sinceTurn = 0
  #turn: Promise<void> | null = null
  readonly #now: () => number

  /** By a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Opens a file for reading. */
  open(path: string): Promise<number> {
    return this.call(
      () => openSync(path, READ_ONLY),
      () => openPooled(path, READ_ONLY),
    )
  }

  /** Opens a file or looks at one, either way. */
  async call<T>(inPlace: () => T, pooled: () => Promise<T>): Promise<T> {
    while (this.#pooled === 0 && this.#sinceTurn >= TURN_EVERY) await (this.#turn ??= this.#give())
    // Nothing may wait between this and the call: of many at once the second has to see how the first went.
    if (this.#pooled > 0) {
      this.#pooled -= 1
      return pooled()
    }
    this.#sinceTurn += 1
    return this.timed(inPlace)
  }

  /** Makes a call in place. One that fails may have waited as long. */
  timed<T>(call: () => T): T {
    const begin = this.#now()
    try {
      return call()
    } finally {
      if (this.#now() - begin > SLOW_MS) this.#pooled = POOLED_AFTER_SLOW
    }
  }

  async #give(): Promise<void> {
    await setImmediate()
    this.#sinceTurn = 0
    this.#turn = null
  }
}
