/** A transaction that is being put together: where the changes of a table go that is staged in it. */
import { InvalidArgumentError } from '../errors.ts'
import type { CommitChange, CommitResult } from './commit.ts'
import type { TransactionChange } from './transaction-change.ts'

/** How a step is staged. */
export interface StageOptions<R> {
  /** Frees what the change holds, once it is not applied any more. */
  readonly close: () => Promise<void>
  /** What to tell of the change, from the table as it is then: asked again after the commit. */
  readonly outcome: (result: CommitResult) => R
}

export class OpenTransaction {
  readonly change: TransactionChange
  /** Of every snapshot that is made in it. */
  readonly commitKey: string | undefined
  readonly #closings: (() => Promise<void>)[] = []
  readonly #outcomes = new Map<unknown, (result: CommitResult) => unknown>()
  #isOver = false

  constructor(change: TransactionChange, commitKey?: string) {
    this.change = change
    this.commitKey = commitKey
  }

  /** Adds a step; `close` is the transaction's to call from here on, also where it fails. */
  async stage<R>(change: CommitChange, { close, outcome }: StageOptions<R>): Promise<R> {
    try {
      this.checkOpen()
      await this.change.stage(change)
    } catch (error) {
      await close()
      throw error
    }
    this.#closings.push(close)
    const staged = outcome({ table: this.change.staged, attempts: 0 })
    this.#outcomes.set(staged, outcome)
    return staged
  }

  /** InvalidArgumentError once the transaction was committed or given up. */
  checkOpen(): void {
    if (!this.#isOver) return
    throw new InvalidArgumentError('The transaction is over', {
      hint: 'Await every step inside the function that the transaction is made by.',
    })
  }

  /** Takes no more steps. */
  end(): void {
    this.#isOver = true
  }

  /** What a step came to, by what was told of it when it was staged; the same where it staged nothing. */
  outcomeOf<R>(staged: R, result: CommitResult): R {
    const outcome = this.#outcomes.get(staged)
    // The map has the very function that made `staged`.
    return outcome === undefined ? staged : (outcome(result) as R)
  }

  /** Frees what the steps hold. */
  async close(): Promise<void> {
    this.#isOver = true
    await Promise.allSettled(this.#closings.map((close) => close()))
  }
}
