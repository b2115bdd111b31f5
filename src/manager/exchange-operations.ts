/** Operations that bring files in and data out. */
import { handleOf, type Table } from '../table/table.ts'
import { exportRows, type ExportOptions, type ExportResult } from './export-table.ts'
import { RecoveryOperations } from './recovery-operations.ts'

export abstract class ExchangeOperations extends RecoveryOperations {
  /**
   * Writes the rows of a scan into one local Parquet, CSV, JSON or Arrow file, which appears under its
   * name only when it is whole.
   *
   * InvalidArgumentError when the file is there already and `replace` is not set, or its folder is not
   * there; MissingDependencyError for Arrow without the package `apache-arrow`; errors of a scan.
   */
  async exportTable<In, Out>(
    table: Table<In, Out>,
    path: string,
    options: ExportOptions = {},
  ): Promise<ExportResult> {
    const handle = handleOf(table)
    return this.run('exportTable', { table: handle.identifier }, async (scope) => {
      const result = await exportRows(handle, path, options)
      scope.record({ rows: result.rows, snapshotId: result.snapshotId })
      return result
    })
  }
}
