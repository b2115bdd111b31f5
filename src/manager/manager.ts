/** The table manager: every operation on tables and namespaces, over injected plugins. */
import type { InferredSchema, RunOptions } from '../engine/data-plane.ts'
import { handleOf, type Table } from '../table/table.ts'
import type { SnapshotInfo } from './models.ts'
import { listSnapshotInfos } from './snapshots.ts'
import { describeSource, rowFilterOf, toRowSource, type DataInput } from './sources.ts'
import { appendData, checkWriteOptions, type WriteDataOptions, type WriteDataResult } from './write-data.ts'
import { inferTableSchema, type SchemaSource } from './infer-schema.ts'

import { EvolutionOperations } from './evolution-operations.ts'

/**
 * Manages Iceberg tables of one catalog.
 *
 * Every method is asynchronous, takes an AbortSignal where it may take long, and throws typed
 * errors with stable codes (docs/errors.md).
 */
export class IcebergTableManager extends EvolutionOperations {
  /**
   * Writes rows in one snapshot: all of them become visible at once, or none.
   *
   * SchemaMismatchError and InvalidDataError name the column, the source and the row;
   * CommitConflictError when retries are used up; CommitStateUnknownError when the outcome is not
   * known (all files are kept); StorageQuotaError on a full disk; OperationAbortedError.
   */
  async writeData<In, Out>(
    table: Table<In, Out>,
    data: DataInput<NoInfer<In>>,
    options: WriteDataOptions = {},
  ): Promise<WriteDataResult> {
    const handle = handleOf(table)
    const source = toRowSource(data)
    const { commitStrategy = this.commitStrategy } = options
    const args = { mode: options.mode ?? 'append', commitStrategy, data: describeSource(source) }
    return this.run('writeData', { table: handle.identifier, arguments: args }, async (scope) => {
      checkWriteOptions(handle, options)
      const result = await appendData(
        handle,
        { source, filter: rowFilterOf(data) },
        { ...options, commitStrategy },
      )
      scope.record({ ...result })
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
