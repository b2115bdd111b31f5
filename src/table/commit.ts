/**
 * The commit loop: the one place from which a table's metadata changes.
 *
 * A change is a function from current metadata to requirements and updates. On a conflict it is
 * applied again to fresh metadata. Files are removed only after a definite failure, and only
 * files that this operation wrote; once any send had an unknown outcome, nothing ever is.
 */
import type { LoadedTable, TableCommit, TableIdentifier } from '../catalog/catalog.ts'
import {
  CatalogUnavailableError,
  CommitConflictError,
  CommitRejectedError,
  CommitStateUnknownError,
  NoSuchTableError,
  OperationAbortedError,
  TableAlreadyExistsError,
} from '../errors.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import { snapshotById } from '../format/metadata/views.ts'
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import { identifierToString } from './identifier.ts'
import {
  commitRetryPolicy,
  waitBeforeRetry,
  type CommitRetryOptions,
  type CommitRetryPolicy,
} from './retry-policy.ts'
import type { Runtime } from './runtime.ts'

/** One way to bring the change about, on one base. */
export interface CommitAttempt {
  readonly updates: readonly TableUpdate[]
  /** `assert-table-uuid` is added by the loop. */
  readonly requirements: readonly TableRequirement[]
}

/** An attempt whose files are still on their way. */
export interface AheadAttempt extends CommitAttempt {
  /** Fulfilled once all that it leads to is durable. Nothing may show the commit before. */
  readonly durable: Promise<void>
}

/** Content files that a change adds to a table, and those that it takes out of it. */
export interface ChangedFiles {
  readonly added: readonly ContentFile[]
  readonly removed: readonly ContentFile[]
}

/** A change that can be applied to any state of the table. */
export interface CommitChange {
  /** Word for error messages: `append`, `update properties`. */
  readonly operation: string
  /** Whether the table only begins to exist with it: the start is a staged table, in no catalog yet. */
  readonly creates?: boolean | undefined
  /** Id of the snapshot that the change adds, the same in every attempt; null when it adds none. */
  readonly snapshotId: bigint | null
  /**
   * Of a change that adds several: every id that an attempt may have sent. All of them come with one
   * commit, so that any of them in the table's history proves that it was made.
   */
  readonly snapshotIds?: readonly bigint[] | undefined
  /**
   * null: nothing to do on this base, which counts as done. Validation errors end the loop. Only
   * with `mayDiscard` may files of an earlier attempt be removed: not once an outcome was unknown.
   */
  apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<CommitAttempt | null>
  /** As `apply`, while what it writes is still on its way; asked instead of it where it is there. */
  applyAhead?(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<AheadAttempt | null>
  /** Whether the metadata already shows this change; asked only when a lost answer has to be settled. */
  isApplied?(metadata: TableMetadata): boolean
  /**
   * Content files that the change adds and removes, for later steps of the same transaction: the same
   * object as long as they are the same files. null while there are none.
   */
  files?(): ChangedFiles | null
  /**
   * Whether a rejection may come of what others did to the table since `base`, and the change would be
   * another one on the table as it is now; default false: the rejection stands.
   */
  isOutdated?(base: TableMetadata, now: TableMetadata): boolean
  /** Removes what the operation wrote and its commit does not use; called after a definite commit. */
  tidy?(): Promise<void>
  /** Removes what only the attempt that just failed for certain has written. */
  discardAttempt(): Promise<void>
  /** Removes everything that the operation has written; called when it gives up for certain. */
  discardAll(): Promise<void>
  /** Everything the operation has written, for the error of an unknown outcome. */
  writtenFiles(): readonly string[]
}

/** How one commit is sent. */
export interface CommitOptions extends CommitRetryOptions {
  readonly signal?: AbortSignal | undefined
}

export interface CommitResult {
  readonly table: LoadedTable
  /** How many times the commit was sent; 0 when there was nothing to do. */
  readonly attempts: number
}

/**
 * Applies a change to a table, starting from a state that the caller holds.
 *
 * Throws CommitConflictError when retries are used up, CommitRejectedError for what will never
 * succeed, CommitStateUnknownError when nobody knows, OperationAbortedError, and whatever the
 * change's own validation throws.
 */
export async function commitChange(
  runtime: Runtime,
  id: TableIdentifier,
  start: LoadedTable,
  change: CommitChange,
  options: CommitOptions = {},
): Promise<CommitResult> {
  return new CommitRun(runtime, id, start, change, options).run()
}

/** What a send came to. */
type SendOutcome =
  | { readonly kind: 'committed'; readonly table: LoadedTable }
  /** Others came first, or the catalog was away: apply the change again. */
  | { readonly kind: 'retry'; readonly error: Error }
  /** The answer was lost and nothing moved since: the same request again, byte for byte. */
  | { readonly kind: 'resend'; readonly error: Error }

interface CommitRequest {
  readonly base: LoadedTable
  readonly commit: TableCommit
  /** The same for every send of this request, so that a server can tell a repetition. */
  readonly idempotencyKey: string
  /** Absent where all that it leads to is durable already. */
  readonly durable: Promise<void> | undefined
}

class CommitRun {
  readonly #runtime: Runtime
  readonly #id: TableIdentifier
  readonly #start: LoadedTable
  readonly #change: CommitChange
  readonly #options: CommitOptions
  #base: LoadedTable
  /** Set for good as soon as one send may or may not have taken effect. */
  #anyUnknown = false
  #attempts = 0
  /** How often the catalog was away when the table was to be loaded again. */
  #absences = 0

  constructor(
    runtime: Runtime,
    id: TableIdentifier,
    start: LoadedTable,
    change: CommitChange,
    options: CommitOptions,
  ) {
    this.#runtime = runtime
    this.#id = id
    this.#start = start
    this.#base = start
    this.#change = change
    this.#options = options
  }

  async run(): Promise<CommitResult> {
    try {
      const result = await this.#loop()
      if (!this.#anyUnknown) await this.#discard(async () => this.#change.tidy?.())
      return result
    } catch (error) {
      if (!this.#anyUnknown && !(error instanceof CommitStateUnknownError))
        await this.#discard(() => this.#change.discardAll())
      throw this.#anyUnknown ? this.#stateUnknown(error) : error
    }
  }

  async #loop(): Promise<CommitResult> {
    const policy = commitRetryPolicy(
      this.#start.metadata.properties,
      this.#options,
      this.#runtime.commitPolicy,
    )
    const started = this.#runtime.clock.now()
    let request: CommitRequest | null = null
    for (;;) {
      this.#checkAborted()
      this.#checkSameTable()
      request ??= await this.#prepare()
      if (request === null) return { table: this.#base, attempts: this.#attempts }
      this.#checkAborted()
      const outcome = await this.#send(request)
      if (outcome.kind === 'committed') return { table: outcome.table, attempts: this.#attempts }
      if (outcome.kind === 'retry') request = null
      await this.#waitAndReload(policy, started, outcome.error)
      if (this.#hasLanded()) return { table: this.#base, attempts: this.#attempts }
      if (this.#base.metadataLocation !== request?.base.metadataLocation) request = null
    }
  }

  /** A catalog that is away when it is asked again costs a retry, as one that is away when it is sent to. */
  async #waitAndReload(policy: CommitRetryPolicy, started: number, reason: Error): Promise<void> {
    const { clock, random } = this.#runtime
    for (let error = reason; ; this.#absences += 1) {
      const tries = this.#attempts + this.#absences
      const wait = waitBeforeRetry(policy, tries, clock.now() - started, random.fraction())
      if (wait === null) throw this.#outOfRetries(error)
      await clock.sleep(wait, this.#options.signal)
      try {
        return await this.#reload()
      } catch (absence) {
        if (!(absence instanceof CatalogUnavailableError)) throw absence
        error = absence
      }
    }
  }

  async #prepare(): Promise<CommitRequest | null> {
    const attempt = await this.#apply()
    if (attempt === null) return null
    const uuid = this.#start.metadata['table-uuid']
    const sameTable: TableRequirement = { type: 'assert-table-uuid', uuid }
    return {
      base: this.#base,
      commit: {
        requirements:
          this.#change.creates === true ? attempt.requirements : [sameTable, ...attempt.requirements],
        updates: attempt.updates,
      },
      idempotencyKey: this.#runtime.random.uuid(),
      durable: 'durable' in attempt ? attempt.durable : undefined,
    }
  }

  async #apply(): Promise<CommitAttempt | AheadAttempt | null> {
    const { metadata } = this.#base
    const attempt = this.#attempts + 1
    const mayDiscard = !this.#anyUnknown
    try {
      return this.#change.applyAhead === undefined
        ? await this.#change.apply(metadata, attempt, mayDiscard)
        : await this.#change.applyAhead(metadata, attempt, mayDiscard)
    } catch (error) {
      if (!(error instanceof CommitConflictError)) throw error
      // What others did is in the way for good: the same error, with how often it was tried.
      const { message, hint, cause } = error
      const table = identifierToString(this.#id)
      throw new CommitConflictError(message, { table, attempts: this.#attempts, hint, cause })
    }
  }

  /**
   * Once all files are durable, the caller's signal is not heeded up to the outcome: a commit under way
   * cannot be taken back.
   */
  async #send(request: CommitRequest): Promise<SendOutcome> {
    this.#attempts += 1
    const after = this.#unlessAborted(request.durable)
    try {
      return { kind: 'committed', table: await this.#commit(request, after) }
    } catch (error) {
      // Of files that did not become durable no commit was made, whatever the catalog says of it.
      await after
      if (error instanceof CommitStateUnknownError) return this.#settleUnknown(error)
      if (error instanceof CommitConflictError || error instanceof CatalogUnavailableError) {
        if (!this.#anyUnknown) await this.#discard(() => this.#change.discardAttempt())
        return { kind: 'retry', error }
      }
      if (error instanceof TableAlreadyExistsError && this.#anyUnknown) {
        // Perhaps it is the one that an earlier send of ours has created.
        await this.#reload()
        if (this.#hasLanded()) return { kind: 'committed', table: this.#base }
      }
      if (error instanceof CommitRejectedError && (await this.#isOutdated())) {
        if (!this.#anyUnknown) await this.#discard(() => this.#change.discardAttempt())
        return { kind: 'retry', error }
      }
      throw error
    }
  }

  async #commit(
    { commit, idempotencyKey }: CommitRequest,
    after: Promise<void> | undefined,
  ): Promise<LoadedTable> {
    const { catalog } = this.#runtime
    if (catalog.heedsAfter === true) return catalog.commitTable(this.#id, commit, { idempotencyKey, after })
    await after
    return catalog.commitTable(this.#id, commit, { idempotencyKey })
  }

  /** Until its files are durable a commit is only being prepared, and the signal is heeded. */
  #unlessAborted(durable: Promise<void> | undefined): Promise<void> | undefined {
    if (durable === undefined) return undefined
    const after = durable.then(() => this.#checkAborted())
    // Whoever waits for it is told; a catalog that fails before has no need to.
    after.catch(() => undefined)
    return after
  }

  /** What moved meanwhile, such as the format version, is no fault of the change: it is built again. */
  async #isOutdated(): Promise<boolean> {
    try {
      const { metadata: now } = await this.#runtime.catalog.loadTable(this.#id, { snapshots: 'all' })
      const base = this.#base.metadata
      if (now['format-version'] !== base['format-version']) return true
      if (!keepsIds(base, now)) return true
      return this.#change.isOutdated?.(base, now) === true
    } catch {
      // The rejection is what the caller must hear, not that the look failed.
      return false
    }
  }

  /** A lost answer: the table itself tells, unless others have moved it on in between. */
  async #settleUnknown(error: CommitStateUnknownError): Promise<SendOutcome> {
    this.#anyUnknown = true
    const before = this.#base
    await this.#reload()
    if (this.#hasLanded()) return { kind: 'committed', table: this.#base }
    // Nobody has committed since: our request may still land, and sending the same snapshot again
    // cannot double it. Anything else stays unknown.
    const isKnown = this.#base.metadataLocation !== null || this.#base === this.#start
    if (isKnown && this.#base.metadataLocation === before.metadataLocation) {
      return { kind: 'resend', error }
    }
    throw this.#stateUnknown(error)
  }

  #hasLanded(): boolean {
    // What was to be created is not there.
    if (this.#change.creates === true && this.#base === this.#start) return false
    const { snapshotId, snapshotIds = snapshotId === null ? [] : [snapshotId] } = this.#change
    if (snapshotIds.some((id) => snapshotById(this.#base.metadata, id) !== null)) return true
    return this.#anyUnknown && this.#change.isApplied?.(this.#base.metadata) === true
  }

  async #reload(): Promise<void> {
    try {
      this.#base = await this.#runtime.catalog.loadTable(this.#id, { snapshots: 'all' })
    } catch (error) {
      // What is yet to be created need not be there.
      if (this.#change.creates !== true || !(error instanceof NoSuchTableError)) throw error
      this.#base = this.#start
    }
  }

  #checkSameTable(): void {
    if (this.#base.metadata['table-uuid'] === this.#start.metadata['table-uuid']) return
    if (this.#change.creates === true) {
      throw new TableAlreadyExistsError('The table was created by somebody else', {
        table: identifierToString(this.#id),
      })
    }
    throw new CommitRejectedError('The table was dropped and created again by somebody else', {
      table: identifierToString(this.#id),
      hint: 'Load the table again and look at what it holds now.',
    })
  }

  #checkAborted(): void {
    if (this.#options.signal?.aborted !== true) return
    throw new OperationAbortedError(`The ${this.#change.operation} was aborted before it was committed`, {
      table: identifierToString(this.#id),
      cause: this.#options.signal.reason,
    })
  }

  #outOfRetries(error: Error): Error {
    if (error instanceof CommitStateUnknownError) return this.#stateUnknown(error)
    if (error instanceof CatalogUnavailableError) return error
    return new CommitConflictError(
      `The ${this.#change.operation} met other commits in ${this.#attempts} attempts: ${error.message}`,
      {
        table: identifierToString(this.#id),
        attempts: this.#attempts,
        hint: 'Nothing was changed. Try again, or raise commit.retry.num-retries.',
        cause: error,
      },
    )
  }

  #stateUnknown(cause: unknown): CommitStateUnknownError {
    return new CommitStateUnknownError(
      `It is not known whether the ${this.#change.operation} was committed; all its files are kept`,
      {
        table: identifierToString(this.#id),
        snapshotId: this.#change.snapshotId,
        keptFiles: this.#change.writtenFiles(),
        hint: 'Load the table and look whether the snapshot is in its history before trying again.',
        cause,
      },
    )
  }

  /** Clean-up must never hide the failure that led to it: what stays behind is an orphan file. */
  async #discard(remove: () => Promise<void>): Promise<void> {
    try {
      await remove()
    } catch {
      // The files keep names that orphan removal finds; the first error is the one that counts.
    }
  }
}

/** Whether all schemas and specs are there that a commit on `base` may name. */
function keepsIds(base: TableMetadata, now: TableMetadata): boolean {
  const schemas = new Set(now.schemas.map((schema) => schema['schema-id']))
  const specs = new Set(now['partition-specs'].map((spec) => spec['spec-id']))
  return (
    base.schemas.every((schema) => schemas.has(schema['schema-id'])) &&
    base['partition-specs'].every((spec) => specs.has(spec['spec-id']))
  )
}
