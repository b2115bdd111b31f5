/** Operations that bring files in and data out. */
import type { Columns, DeclaredSchema, StructIn, StructOut } from '../format/schema-builder.ts'
import { handleOf, type Table } from '../table/table.ts'
import { addDataFiles, type AddFilesOptions, type AddFilesResult } from './add-files.ts'
import { checkCommitOptions } from './check-write-options.ts'
import { verifyDeclared } from './declared-schema.ts'
import { exportRows, type ExportOptions, type ExportResult } from './export-table.ts'
import type { CallOptions } from './manager-base.ts'
import { openTableFiles } from './open-table.ts'
import { RecoveryOperations } from './recovery-operations.ts'
import { runSql, type SqlOptions, type SqlResult } from './run-sql.ts'

export abstract class ExchangeOperations extends RecoveryOperations {
  /**
   * Runs a SQL query (DuckDB's dialect) over tables of the catalog, named `namespace.table`, each as it
   * is now or `AT (VERSION => …)`, `AT (TIMESTAMP => …)`, `FOR VERSION AS OF …`, `FOR TIMESTAMP AS OF …`.
   * Only reads: nothing but tables can be named, no files and no settings. Filters, columns and limits
   * of the query decide which files are opened, as those of a scan do. The tables' states are pinned
   * when this fulfils; rows are read when the result is iterated.
   *
   * InvalidQueryError; NoSuchTableError; NoSuchSnapshotError; NoSuchRefError; UnsupportedFeatureError.
   */
  async sql(query: string, options: SqlOptions = {}): Promise<SqlResult> {
    return this.run('sql', {}, () => runSql(this.runtime, query, options))
  }

  /**
   * Opens a table by its files, without a catalog and read-only: by a metadata file, or by the table's
   * folder, where `version-hint.text` or else the highest version says which file is the newest.
   * `opening` tells which one was chosen, and by what. Paths are relative to the working folder.
   *
   * MissingFileError when no metadata is there; CorruptFileError; SchemaMismatchError when the table is
   * not as declared. Whatever would change the table throws UnsupportedFeatureError.
   */
  openTable<C extends Columns>(
    location: string,
    options: CallOptions & { readonly schema: DeclaredSchema<C> },
  ): Promise<Table<StructIn<C>, StructOut<C>>>
  openTable(location: string, options?: CallOptions): Promise<Table>
  async openTable(
    location: string,
    options: CallOptions & { readonly schema?: DeclaredSchema } = {},
  ): Promise<unknown> {
    return this.run('openTable', {}, async () => {
      const handle = await openTableFiles(this.runtime, location, options)
      if (options.schema !== undefined) verifyDeclared(options.schema.schema, handle.schema, handle.name)
      return handle
    })
  }

  /**
   * Makes Parquet files that are there already data files of the table, as they are, in one snapshot.
   * Metrics, row group offsets and partition values come from their footers; files without field ids
   * are read by the table's name mapping, which is made with them where there is none. A path that
   * ends in `/` means the Parquet files below it.
   *
   * InvalidArgumentError for a file that is in the table already or is given twice, unless
   * `onDuplicate` is `skip`; InvalidLocationError for one outside of the table's own and the configured
   * roots, and for a symbolic link; MissingFileError; SchemaMismatchError naming file and column; InvalidDataError for rows of
   * more than one partition and for nulls in required columns; CorruptFileError;
   * CommitConflictError; CommitStateUnknownError; OperationAbortedError. Whatever fails, the files stay.
   */
  async addFiles<In, Out>(
    table: Table<In, Out>,
    paths: readonly string[],
    options: AddFilesOptions = {},
  ): Promise<AddFilesResult> {
    const handle = handleOf(table)
    const { commitStrategy = this.commitStrategy } = options
    const args = { commitStrategy, paths: [...paths] }
    return this.run('addFiles', { table: handle.identifier, arguments: args }, async (scope) => {
      checkCommitOptions(handle, options)
      const result = await addDataFiles(handle, paths, { ...options, commitStrategy })
      const { snapshotId, rows, files, bytes, attempts } = result
      scope.record({ snapshotId, rows, files, bytes, attempts })
      return result
    })
  }

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
