/** Several changes of a table in one commit. */
import { InvalidArgumentError } from '../errors.ts'
import type { Expression } from '../format/expressions/expression.ts'
import type { FormatVersion } from '../format/metadata/table-metadata.ts'
import type { Columns, DeclaredSchema, StructIn, StructOut } from '../format/schema-builder.ts'
import type { Row, Value } from '../format/values/value.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import { EvolvePartitionSpecChange } from '../table/operations/evolve-partition-spec.ts'
import { ReplaceSortOrderChange } from '../table/operations/replace-sort-order.ts'
import { UpdatePropertiesChange, type PropertyChanges } from '../table/operations/update-properties.ts'
import { UpgradeFormatVersionChange } from '../table/operations/upgrade-format-version.ts'
import type { OpenTransaction } from '../table/open-transaction.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import { runWithin } from '../table/table-operation.ts'
import type { Table, TableHandle } from '../table/table.ts'
import { prepareDelete, prepareUpdate } from './change-rows.ts'
import { checkCommitOptions, checkWriteOptions } from './check-write-options.ts'
import { commitRows } from './commit-rows.ts'
import {
  commitAndAdvance,
  evolveTableSchema,
  lookupOf,
  type EvolveOptions,
  type EvolveSchemaOptions,
} from './evolve.ts'
import { toPartitionEdits, toSortFields, type PartitionChange, type SortField } from './layout-changes.ts'
import { commitSnapshotEdits } from './commit-snapshots.ts'
import { ManageSnapshots } from './manage-snapshots.ts'
import type { RowChangeOptions, RowChangeResult, WriteOptions } from './row-change-options.ts'
import type { SchemaChange } from './schema-changes.ts'
import { rowFilterOf, toRowSource, type DataInput } from './sources.ts'
import { checkProperties } from './table-definition.ts'
import { writeRows } from './write-data.ts'

/** Options of a step: how often to try again, and under which key, is for the whole transaction to say. */
export type StepOptions<Options> = Options extends unknown ? Omit<Options, 'retry' | 'commitKey'> : never

/** How a transaction is committed. */
export interface TransactionOptions {
  /** Entries for the summary of every snapshot that the transaction makes. */
  readonly snapshotProperties?: Readonly<Record<string, string>> | undefined
  /**
   * Makes the transaction safe to repeat, as the `commitKey` of a write: where a branch's history has
   * it already, the steps are not run. InvalidArgumentError for a transaction that writes no rows: the
   * key is kept in its snapshots.
   */
  readonly commitKey?: string | undefined
  /** Overrides of the table's `commit.retry.*` for this call. */
  readonly retry?: CommitRetryOptions | undefined
  /** Honoured by every step, until the commit is sent, and between attempts. */
  readonly signal?: AbortSignal | undefined
}

/** What a transaction came to. */
export interface TransactionResult {
  /** Snapshots of its writes, in their order; none for a transaction of metadata alone. */
  readonly snapshotIds: readonly bigint[]
  /** Its writes, in their order, as they were committed: after a conflict they may differ from what the steps said. */
  readonly writes: readonly RowChangeResult[]
  /** How often the commit was sent; 0 when there was nothing to do. */
  readonly attempts: number
  /** The `commitKey` was in the history already: nothing was done, and `writes` is empty. */
  readonly alreadyCommitted?: boolean | undefined
}

/**
 * The inside of a transaction: each step sees what the ones before it did, and nobody else sees any
 * of it before all of it is committed. Steps run in the order in which they were called.
 */
export interface Transaction<RowIn = object, RowOut = Row> {
  /** The table as the steps so far have made it, to look at and to scan. */
  readonly table: Table<RowIn, RowOut>
  /** As the manager's `evolveSchema`. With a declared `schema`, later steps are typed by it. */
  evolveSchema<C extends Columns>(
    changes: readonly SchemaChange[],
    options: StepOptions<EvolveSchemaOptions> & { readonly schema: DeclaredSchema<C> },
  ): Promise<Transaction<StructIn<C>, StructOut<C>>>
  evolveSchema(
    changes: readonly SchemaChange[],
    options?: StepOptions<EvolveSchemaOptions>,
  ): Promise<Transaction>
  /** As the manager's `evolvePartitionSpec`. */
  evolvePartitionSpec(
    changes: readonly PartitionChange[],
    options?: StepOptions<EvolveOptions>,
  ): Promise<this>
  /** As the manager's `replaceSortOrder`. */
  replaceSortOrder(fields: readonly SortField[], options?: StepOptions<EvolveOptions>): Promise<this>
  /** As the manager's `updateProperties`. */
  updateProperties(changes: PropertyChanges): Promise<this>
  /** As the manager's `upgradeFormatVersion`. */
  upgradeFormatVersion(version: FormatVersion): Promise<this>
  /**
   * As the manager's `manageSnapshots`: branches, tags, rollbacks. Its `commit` makes them a step, on
   * what the steps before it did: a tag may name a snapshot of the transaction.
   */
  manageSnapshots(): ManageSnapshots
  /** As the manager's `writeData`, in any of its modes. Sources are read once, whatever happens later. */
  writeData(data: DataInput<NoInfer<RowIn>>, options?: StepOptions<WriteOptions>): Promise<RowChangeResult>
  /** As the manager's `deleteRows`. */
  deleteRows(filter: Expression | string, options?: StepOptions<RowChangeOptions>): Promise<RowChangeResult>
  /** As the manager's `updateRows`. */
  updateRows(
    values: Readonly<Record<string, Value>>,
    filter: Expression | string,
    options?: StepOptions<RowChangeOptions>,
  ): Promise<RowChangeResult>
}

/** What every step of a transaction is given. */
interface StepDefaults {
  readonly commitStrategy: CommitStrategy
  readonly snapshotProperties: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
}

/** The implementation behind every `Transaction`. */
export class TransactionScope<RowIn = object, RowOut = Row> implements Transaction<RowIn, RowOut> {
  readonly table: TableHandle<RowIn, RowOut>
  readonly #transaction: OpenTransaction
  readonly #defaults: StepDefaults
  /** The step that was called last, and all before it. */
  #last: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | null = null
  readonly #writes: RowChangeResult[] = []

  constructor(table: TableHandle<RowIn, RowOut>, transaction: OpenTransaction, defaults: StepDefaults) {
    this.table = table
    this.#transaction = transaction
    this.#defaults = defaults
  }

  evolveSchema<C extends Columns>(
    changes: readonly SchemaChange[],
    options: StepOptions<EvolveSchemaOptions> & { readonly schema: DeclaredSchema<C> },
  ): Promise<Transaction<StructIn<C>, StructOut<C>>>
  evolveSchema(
    changes: readonly SchemaChange[],
    options?: StepOptions<EvolveSchemaOptions>,
  ): Promise<Transaction>
  async evolveSchema(
    changes: readonly SchemaChange[],
    options: StepOptions<EvolveSchemaOptions> & { readonly schema?: DeclaredSchema } = {},
  ): Promise<unknown> {
    await this.#step(options, (all) => evolveTableSchema(this.table, changes, all))
    return this
  }

  async evolvePartitionSpec(
    changes: readonly PartitionChange[],
    options: StepOptions<EvolveOptions> = {},
  ): Promise<this> {
    await this.#step(options, (all) => {
      const change = new EvolvePartitionSpecChange(toPartitionEdits(changes), lookupOf(all))
      return commitAndAdvance(this.table, change, all)
    })
    return this
  }

  async replaceSortOrder(
    fields: readonly SortField[],
    options: StepOptions<EvolveOptions> = {},
  ): Promise<this> {
    await this.#step(options, (all) => {
      const change = new ReplaceSortOrderChange(toSortFields(fields), lookupOf(all))
      return commitAndAdvance(this.table, change, all)
    })
    return this
  }

  async updateProperties(changes: PropertyChanges): Promise<this> {
    await this.#step({}, (all) => {
      checkProperties(changes.set ?? {})
      return commitAndAdvance(this.table, new UpdatePropertiesChange(changes), all)
    })
    return this
  }

  async upgradeFormatVersion(version: FormatVersion): Promise<this> {
    await this.#step({}, (all) => commitAndAdvance(this.table, new UpgradeFormatVersionChange(version), all))
    return this
  }

  manageSnapshots(): ManageSnapshots {
    return new ManageSnapshots(this.table, (edits, options) =>
      this.#step(options, (all) => commitSnapshotEdits(this.table, edits, all)),
    )
  }

  writeData(
    data: DataInput<NoInfer<RowIn>>,
    options: StepOptions<WriteOptions> = {},
  ): Promise<RowChangeResult> {
    return this.#writeStep(options, async (all) => {
      checkWriteOptions(this.table, all)
      return writeRows(this.table, { source: toRowSource(data), filter: rowFilterOf(data) }, this.#write(all))
    })
  }

  deleteRows(
    filter: Expression | string,
    options: StepOptions<RowChangeOptions> = {},
  ): Promise<RowChangeResult> {
    return this.#writeStep(options, async (all) => {
      checkCommitOptions(this.table, all)
      const write = this.#write(all)
      return commitRows(this.table, prepareDelete(this.table, filter, write), write)
    })
  }

  updateRows(
    values: Readonly<Record<string, Value>>,
    filter: Expression | string,
    options: StepOptions<RowChangeOptions> = {},
  ): Promise<RowChangeResult> {
    return this.#writeStep(options, async (all) => {
      checkCommitOptions(this.table, all)
      const write = this.#write(all)
      return commitRows(this.table, prepareUpdate(this.table, values, filter, write), write)
    })
  }

  /** What the writes came to, in their order, as they were staged. */
  get writes(): readonly RowChangeResult[] {
    return this.#writes
  }

  /** Waits for steps that nobody awaited; throws what the first step that failed threw. */
  async finish(): Promise<void> {
    await this.#last
    this.#transaction.end()
    if (this.#failure !== null) throw this.#failure.error
  }

  async #writeStep<Options extends { readonly signal?: AbortSignal | undefined }>(
    options: Options,
    body: (options: Options & { readonly signal: AbortSignal | undefined }) => Promise<RowChangeResult>,
  ): Promise<RowChangeResult> {
    const result = await this.#step(options, body)
    this.#writes.push(result)
    return result
  }

  /** One step after the other; after one that failed there are no more. */
  #step<Options extends { readonly signal?: AbortSignal | undefined }, R>(
    options: Options,
    body: (options: Options & { readonly signal: AbortSignal | undefined }) => Promise<R>,
  ): Promise<R> {
    const step = this.#last.then(() => {
      if (this.#failure !== null) throw afterFailure(this.#failure.error)
      const signal = options.signal ?? this.#defaults.signal
      return runWithin(this.table.state, async () => {
        this.#transaction.checkOpen()
        refuseOptions(options)
        return body({ ...options, signal })
      })
    })
    this.#last = step.then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= { error }
      },
    )
    return step
  }

  /** A write's options, with what the transaction and the manager say. */
  #write<Options extends { readonly snapshotProperties?: Readonly<Record<string, string>> | undefined }>(
    options: Options & { readonly commitStrategy?: CommitStrategy | undefined },
  ) {
    const { commitStrategy, snapshotProperties } = this.#defaults
    return {
      ...options,
      commitStrategy: options.commitStrategy ?? commitStrategy,
      snapshotProperties: { ...snapshotProperties, ...options.snapshotProperties },
    }
  }
}

/** Options that only the whole can have: passed over, they would promise what nobody keeps. */
function refuseOptions(options: object): void {
  for (const name of ['retry', 'commitKey']) {
    if (Reflect.get(options, name) === undefined) continue
    throw new InvalidArgumentError(`'${name}' is an option of the whole transaction, not of a step`)
  }
}

function afterFailure(cause: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    'An earlier step of the transaction failed, so that nothing of it is committed',
    {
      hint: 'Begin a new transaction.',
      cause,
    },
  )
}
