/** The table manager: every operation on tables and namespaces, over injected plugins. */
import type { InferredSchema, RunOptions } from '../engine/data-plane.ts'
import { handleOf, type Table } from '../table/table.ts'
import type { OperationFields } from '../telemetry.ts'
import type { SnapshotInfo } from './models.ts'
import { listSnapshotInfos } from './snapshots.ts'
import { describeSource, rowFilterOf, toRowSource, type DataInput } from './sources.ts'
import { prepareDelete, prepareUpdate } from './change-rows.ts'
import { once } from './commit-once.ts'
import { commitRows, planRows } from './commit-rows.ts'
import type {
  ReplacingWriteOptions,
  RowChangeOptions,
  RowChangePlan,
  RowChangeResult,
  WriteOptions,
} from './row-change-options.ts'
import { checkCommitOptions, checkWriteOptions } from './check-write-options.ts'
import { runTransaction } from './run-transaction.ts'
import type { Transaction, TransactionOptions, TransactionResult } from './transaction.ts'
import { planWriteRows, writeRows } from './write-data.ts'
import type { Expression } from '../format/expressions/expression.ts'
import type { Value } from '../format/values/value.ts'
import { inferTableSchema, type SchemaSource } from './infer-schema.ts'

import { ExchangeOperations } from './exchange-operations.ts'

/**
 * Manages Iceberg tables of one catalog.
 *
 * Every method is asynchronous, takes an AbortSignal where it may take long, and throws typed
 * errors with stable codes (docs/errors.md).
 */
export class IcebergTableManager extends ExchangeOperations {
  /**
   * Writes rows in one snapshot: all of them become visible at once, or none.
   *
   * `append` adds rows; `overwrite` replaces the table, the rows of `overwriteFilter`, or the
   * partitions that the new rows fall in; `upsert` updates rows whose `joinColumns` match and
   * inserts the others.
   *
   * SchemaMismatchError and InvalidDataError name the column, the source and the row;
   * CommitConflictError when retries are used up, or others changed what the write depends on;
   * CommitStateUnknownError when the outcome is not known (all files are kept); StorageQuotaError
   * on a full disk; OperationAbortedError.
   */
  async writeData<In, Out>(
    table: Table<In, Out>,
    data: DataInput<NoInfer<In>>,
    options: WriteOptions = {},
  ): Promise<RowChangeResult> {
    const handle = handleOf(table)
    const source = toRowSource(data)
    const { commitStrategy = this.commitStrategy } = options
    const args = { mode: options.mode ?? 'append', commitStrategy, data: describeSource(source) }
    return this.run('writeData', { table: handle.identifier, arguments: args }, async (scope) => {
      checkWriteOptions(handle, options)
      const input = { source, filter: rowFilterOf(data) }
      const result = await once(handle, options, () =>
        writeRows(handle, input, { ...options, commitStrategy }),
      )
      scope.record(outcomeOf(result))
      return result
    })
  }

  /**
   * Deletes the rows for which a filter is true (not those for which it is unknown) in one snapshot;
   * files of which every row goes are dropped without being opened.
   *
   * InvalidExpressionError; CommitConflictError; CommitStateUnknownError; OperationAbortedError.
   */
  async deleteRows<In, Out>(
    table: Table<In, Out>,
    filter: Expression | string,
    options: RowChangeOptions = {},
  ): Promise<RowChangeResult> {
    const handle = handleOf(table)
    const { commitStrategy = this.commitStrategy } = options
    return this.run(
      'deleteRows',
      { table: handle.identifier, arguments: { commitStrategy } },
      async (scope) => {
        checkCommitOptions(handle, options)
        const prepared = prepareDelete(handle, filter, options)
        const result = await once(handle, options, () =>
          commitRows(handle, prepared, { ...options, commitStrategy }),
        )
        scope.record(outcomeOf(result))
        return result
      },
    )
  }

  /** Which data files `deleteRows` would drop, rewrite or give position deletes, and why. Writes nothing. */
  async planDeleteRows<In, Out>(
    table: Table<In, Out>,
    filter: Expression | string,
    options: RowChangeOptions = {},
  ): Promise<RowChangePlan> {
    const handle = handleOf(table)
    return this.run('planDeleteRows', { table: handle.identifier }, async () => {
      checkCommitOptions(handle, options)
      return planRows(handle, prepareDelete(handle, filter, options), options)
    })
  }

  /** Which data files `updateRows` would rewrite or give position deletes, and why. Writes nothing. */
  async planUpdateRows<In, Out>(
    table: Table<In, Out>,
    values: Readonly<Record<string, Value>>,
    filter: Expression | string,
    options: RowChangeOptions = {},
  ): Promise<RowChangePlan> {
    const handle = handleOf(table)
    return this.run('planUpdateRows', { table: handle.identifier }, async () => {
      checkCommitOptions(handle, options)
      return planRows(handle, prepareUpdate(handle, values, filter, options), options)
    })
  }

  /**
   * Which data files `writeData` in mode `overwrite` or `upsert` would drop, rewrite or give position
   * deletes, and why. Commits nothing. The source is read: it is needed to know which rows match, so
   * an iterable is used up by it.
   */
  async planWriteData<In, Out>(
    table: Table<In, Out>,
    data: DataInput<NoInfer<In>>,
    options: ReplacingWriteOptions,
  ): Promise<RowChangePlan> {
    const handle = handleOf(table)
    const source = toRowSource(data)
    const args = { mode: options.mode, data: describeSource(source) }
    return this.run('planWriteData', { table: handle.identifier, arguments: args }, async () => {
      checkWriteOptions(handle, options)
      return planWriteRows(handle, { source, filter: rowFilterOf(data) }, options)
    })
  }

  /**
   * Gives columns new values in the rows for which a filter is true, in one snapshot.
   *
   * InvalidArgumentError and InvalidDataError for columns and values that do not fit;
   * InvalidExpressionError; CommitConflictError; CommitStateUnknownError; OperationAbortedError.
   */
  async updateRows<In, Out>(
    table: Table<In, Out>,
    values: Readonly<Record<string, Value>>,
    filter: Expression | string,
    options: RowChangeOptions = {},
  ): Promise<RowChangeResult> {
    const handle = handleOf(table)
    const { commitStrategy = this.commitStrategy } = options
    const args = { commitStrategy, columns: Object.keys(values) }
    return this.run('updateRows', { table: handle.identifier, arguments: args }, async (scope) => {
      checkCommitOptions(handle, options)
      const prepared = prepareUpdate(handle, values, filter, options)
      const result = await once(handle, options, () =>
        commitRows(handle, prepared, { ...options, commitStrategy }),
      )
      scope.record(outcomeOf(result))
      return result
    })
  }

  /**
   * Joins changes of schema, partitioning, order, properties and rows in one commit: all of them
   * become visible at once, or none. `steps` gets the transaction and calls its methods; each sees
   * what the ones before it did. After a conflict the steps are applied again, as each of them says,
   * without `steps` being called again. A step that fails ends the transaction: nothing is committed.
   *
   * What each step throws, and what `steps` throws; CommitConflictError when retries are used up, or
   * others changed what a step depends on; CommitStateUnknownError; OperationAbortedError.
   */
  transaction<In, Out>(
    table: Table<In, Out>,
    steps: (transaction: Transaction<In, Out>) => Promise<unknown>,
    options: TransactionOptions = {},
  ): Promise<TransactionResult> {
    const handle = handleOf(table)
    const { commitStrategy } = this
    return this.run('transaction', { table: handle.identifier }, async (scope) => {
      checkCommitOptions(handle, options)
      const result = await runTransaction(handle, steps, { ...options, commitStrategy })
      const { snapshotIds, writes, attempts } = result
      const sum = (count: 'rows' | 'files' | 'bytes'): number =>
        writes.reduce((total, write) => total + write[count], 0)
      scope.record({
        snapshotId: snapshotIds.at(-1) ?? null,
        attempts,
        rows: sum('rows'),
        files: sum('files'),
        bytes: sum('bytes'),
      })
      return result
    })
  }

  /** The schema that data would give a table, and the columns whose type it does not decide. */
  inferSchema(data: SchemaSource, options: RunOptions = {}): Promise<InferredSchema> {
    return this.run('inferSchema', {}, async () =>
      inferTableSchema(await this.runtime.dataPlane(), data, options),
    )
  }

  /** Snapshots that the table keeps, newest first. */
  listSnapshots<In, Out>(table: Table<In, Out>): Promise<readonly SnapshotInfo[]> {
    const handle = handleOf(table)
    return this.run('listSnapshots', { table: handle.identifier }, async () =>
      listSnapshotInfos(handle.metadata),
    )
  }
}

/** What may be told about a change of rows: file names hold partition values and are left out. */
function outcomeOf(result: RowChangeResult): OperationFields {
  const { snapshotId, rows, files, bytes, attempts } = result
  return { snapshotId, rows, files, bytes, attempts }
}
