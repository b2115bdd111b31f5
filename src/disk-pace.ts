/** Which files of the local disk are opened in place, and which through the thread pool. */
import { constants } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

/**
 * How a file is opened for reading in place: opening a pipe would wait for its writer, and all with it.
 * Windows has neither such files nor the flag.
 */
export const READ_IN_PLACE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

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

  /** Asked before a file is opened or looked at: whether in place. */
  async isInPlace(): Promise<boolean> {
    if (this.#pooled > 0) {
      this.#pooled -= 1
      return false
    }
    while (this.#sinceTurn >= TURN_EVERY) await (this.#turn ??= this.#give())
    this.#sinceTurn += 1
    return true
  }

  /** Told how long a call in place took. */
  took(milliseconds: number): void {
    if (milliseconds > SLOW_MS) this.#pooled = POOLED_AFTER_SLOW
  }

  /** Makes a call in place. */
  timed<T>(call: () => T): T {
    const begin = performance.now()
    const result = call()
    this.took(performance.now() - begin)
    return result
  }

  async #give(): Promise<void> {
    await setImmediate()
    this.#sinceTurn = 0
    this.#turn = null
  }
}
