/** The table manager: every operation on tables and namespaces, over injected plugins. */
import type { Catalog, Namespace, Properties, TableIdentifier } from '../catalog/catalog.ts'
import type { InferredSchema, RunOptions } from '../engine/data-plane.ts'
import { compareSchemas, type SchemaComparison } from '../format/evolution/compare-schemas.ts'
import type { Columns, DeclaredSchema, StructIn, StructOut } from '../format/schema-builder.ts'
import type { FormatVersion } from '../format/metadata/table-metadata.ts'
import type { PurgeResult } from '../maintenance/purge.ts'
import type { CommitOptions } from '../table/commit.ts'
import {
  identifierToString,
  toIdentifier,
  toNamespace,
  type NamespaceReference,
  type TableReference,
} from '../table/identifier.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import { EvolvePartitionSpecChange } from '../table/operations/evolve-partition-spec.ts'
import { ReplaceSortOrderChange } from '../table/operations/replace-sort-order.ts'
import { UpdatePropertiesChange, type PropertyChanges } from '../table/operations/update-properties.ts'
import { UpgradeFormatVersionChange } from '../table/operations/upgrade-format-version.ts'
import type { Runtime } from '../table/runtime.ts'
import { schemaHistory, type SchemaVersion } from '../table/schema-history.ts'
import { handleOf, TableHandle, type Table } from '../table/table.ts'
import { executeCreateTable, planCreateTable, type CreateTableOptions } from './create-table.ts'
import { verifyDeclared } from './declared-schema.ts'
import { dropTable } from './drop-table.ts'
import {
  commitAndAdvance,
  evolveTableSchema,
  lookupOf,
  type EvolveOptions,
  type EvolveSchemaOptions,
} from './evolve.ts'
import { toPartitionEdits, toSortFields, type PartitionChange, type SortField } from './layout-changes.ts'
import type { SchemaInput, SnapshotInfo, TableConfig } from './models.ts'
import type { JsonValue, OperationRequest, OperationRunner } from './operation.ts'
import type { BuiltRuntime } from './runtime.ts'
import { describeSchemaChange, toSchema, type SchemaChange } from './schema-changes.ts'
import { listSnapshotInfos } from './snapshots.ts'
import { describeSource, rowFilterOf, toRowSource, type DataInput } from './sources.ts'
import { checkProperties } from './table-definition.ts'
import { appendData, checkWriteOptions, type WriteDataOptions, type WriteDataResult } from './write-data.ts'
import { inferTableSchema, withSchema, type SchemaSource, type TableConfigFromData } from './infer-schema.ts'

interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Manages Iceberg tables of one catalog.
 *
 * Every method is asynchronous, takes an AbortSignal where it may take long, and throws typed
 * errors with stable codes (docs/errors.md).
 */
export class IcebergTableManager {
  readonly #runtime: Runtime
  readonly #runner: OperationRunner
  readonly #release: () => Promise<void>
  readonly #commitStrategy: CommitStrategy
  #closed: Promise<void> | null = null

  /** @internal */
  protected constructor(built: BuiltRuntime, commitStrategy: CommitStrategy) {
    this.#runtime = built.runtime
    this.#runner = built.runner
    this.#release = built.release
    this.#commitStrategy = commitStrategy
  }

  /** The catalog behind this manager, for what the manager does not offer. */
  get catalog(): Catalog {
    return this.#runtime.catalog
  }

  // --- tables ----------------------------------------------------------------------------------

  /**
   * Creates a table.
   *
   * InvalidTableConfigError naming the path of what is wrong, before anything is written;
   * TableAlreadyExistsError; NoSuchNamespaceError; SchemaMismatchError when `ifNotExists` meets a
   * table that is not as declared.
   */
  createTable<C extends Columns>(
    config: TableConfig & { readonly schema: DeclaredSchema<C> },
    options?: CreateTableOptions,
  ): Promise<Table<StructIn<C>, StructOut<C>>>
  createTable(config: TableConfig | TableConfigFromData, options?: CreateTableOptions): Promise<Table>
  async createTable(
    config: TableConfig | TableConfigFromData,
    options: CreateTableOptions = {},
  ): Promise<Table> {
    const id = toIdentifier({ namespace: toNamespace(config.namespace), name: config.name })
    return this.#run(
      'createTable',
      { table: id, arguments: { ifNotExists: options.ifNotExists ?? false } },
      async () => {
        const plan = planCreateTable(await withSchema(this.#runtime, config, options))
        return executeCreateTable(this.#runtime, plan, options)
      },
    )
  }

  /**
   * Loads a table. With a declared `schema` the handle's rows are typed by it, after a check that
   * the table is as declared (SchemaMismatchError).
   *
   * NoSuchTableError; CorruptFileError or MissingFileError when its metadata cannot be read.
   */
  loadTable<C extends Columns>(
    reference: TableReference,
    options: CallOptions & { readonly schema: DeclaredSchema<C> },
  ): Promise<Table<StructIn<C>, StructOut<C>>>
  loadTable(reference: TableReference, options?: CallOptions): Promise<Table>
  async loadTable(
    reference: TableReference,
    options: CallOptions & { readonly schema?: DeclaredSchema } = {},
  ): Promise<Table> {
    const id = toIdentifier(reference)
    return this.#run('loadTable', { table: id }, async () => {
      const loaded = await this.#runtime.catalog.loadTable(id, { signal: options.signal })
      const handle = await TableHandle.open(this.#runtime, id, loaded)
      if (options.schema !== undefined) verifyDeclared(options.schema.schema, handle.schema, handle.name)
      return handle
    })
  }

  /** Whether the catalog has the table; true also when its metadata is broken. */
  tableExists(reference: TableReference, options: CallOptions = {}): Promise<boolean> {
    const id = toIdentifier(reference)
    return this.#run('tableExists', { table: id }, () => this.#runtime.catalog.tableExists(id, options))
  }

  /** Tables directly in a namespace. NoSuchNamespaceError. */
  listTables(namespace: NamespaceReference, options: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    const levels = toNamespace(namespace)
    return this.#run('listTables', { namespace: levels }, () =>
      this.#runtime.catalog.listTables(levels, options),
    )
  }

  /** NoSuchTableError, TableAlreadyExistsError, NoSuchNamespaceError. Files stay where they are. */
  async renameTable(from: TableReference, to: TableReference, options: CallOptions = {}): Promise<void> {
    const [source, target] = [toIdentifier(from), toIdentifier(to)]
    await this.#run('renameTable', { table: source, arguments: { to: identifierToString(target) } }, () =>
      this.#runtime.catalog.renameTable(source, target, options),
    )
  }

  /**
   * Adopts an existing table by the location of its newest metadata file, as it is.
   *
   * TableAlreadyExistsError, NoSuchNamespaceError, CorruptFileError, MissingFileError.
   */
  registerTable(
    reference: TableReference,
    metadataLocation: string,
    options: CallOptions = {},
  ): Promise<Table> {
    const id = toIdentifier(reference)
    return this.#run('registerTable', { table: id, arguments: { metadataLocation } }, async () => {
      const loaded = await this.#runtime.catalog.registerTable(id, metadataLocation, options)
      return TableHandle.open(this.#runtime, id, loaded)
    })
  }

  /**
   * Drops a table from the catalog, also one whose metadata is broken. Its files stay, unless
   * `purge` is set: then exactly those that its metadata reaches are deleted, after the drop.
   *
   * NoSuchTableError; with `purge` also CorruptFileError (before anything is dropped) and
   * InvalidArgumentError when the table's `gc.enabled` is false. The result is null without purge,
   * and where the catalog's server deletes the files itself.
   */
  async dropTable(
    reference: TableReference,
    options: CallOptions & { readonly purge?: boolean } = {},
  ): Promise<PurgeResult | null> {
    const id = toIdentifier(reference)
    const purge = options.purge ?? false
    return this.#run('dropTable', { table: id, arguments: { purge } }, () =>
      dropTable(this.#runtime, id, { purge, signal: options.signal }),
    )
  }

  /** Sets and removes table properties in one commit. InvalidTableConfigError for a value that is not allowed. */
  async updateProperties<In, Out>(
    table: Table<In, Out>,
    changes: PropertyChanges,
    options: CommitOptions = {},
  ): Promise<Table<In, Out>> {
    const handle = handleOf(table)
    const names = { set: Object.keys(changes.set ?? {}), remove: changes.remove ?? [] }
    return this.#run('updateProperties', { table: handle.identifier, arguments: names }, async () => {
      checkProperties(changes.set ?? {})
      return commitAndAdvance(handle, new UpdatePropertiesChange(changes), { retry: options, ...options })
    })
  }

  /** Raises the format version, one way. InvalidArgumentError when the table's is higher already. */
  async upgradeFormatVersion<In, Out>(
    table: Table<In, Out>,
    version: FormatVersion,
    options: CommitOptions = {},
  ): Promise<Table<In, Out>> {
    const handle = handleOf(table)
    return this.#run('upgradeFormatVersion', { table: handle.identifier, arguments: { version } }, () =>
      commitAndAdvance(handle, new UpgradeFormatVersionChange(version), { retry: options, ...options }),
    )
  }

  // --- evolution ---------------------------------------------------------------------------------

  /**
   * Changes the schema: all changes in one commit, in order, without touching a data file. With a
   * declared `schema` the handle comes back typed by it, after a check that the table is as declared.
   *
   * IncompatibleChangeError names the change, the column and the rule, before anything is sent;
   * CommitConflictError when others' changes came first and these clash with them;
   * SchemaMismatchError when the result is not as declared.
   */
  evolveSchema<C extends Columns, In, Out>(
    table: Table<In, Out>,
    changes: readonly SchemaChange[],
    options: EvolveSchemaOptions & { readonly schema: DeclaredSchema<C> },
  ): Promise<Table<StructIn<C>, StructOut<C>>>
  evolveSchema<In, Out>(
    table: Table<In, Out>,
    changes: readonly SchemaChange[],
    options?: EvolveSchemaOptions,
  ): Promise<Table>
  async evolveSchema<In, Out>(
    table: Table<In, Out>,
    changes: readonly SchemaChange[],
    options: EvolveSchemaOptions & { readonly schema?: DeclaredSchema } = {},
  ): Promise<Table> {
    const handle = handleOf(table)
    const about = { changes: changes.map(describeSchemaChange) }
    return this.#run('evolveSchema', { table: handle.identifier, arguments: about }, () =>
      evolveTableSchema(handle, changes, options),
    )
  }

  /**
   * Changes how new files are partitioned; files that are there stay as they are, and every scan
   * prunes each by its own spec. Fields that no change names stay.
   *
   * IncompatibleChangeError names the field and the rule; CommitConflictError as in `evolveSchema`.
   */
  async evolvePartitionSpec<In, Out>(
    table: Table<In, Out>,
    changes: readonly PartitionChange[],
    options: EvolveOptions = {},
  ): Promise<Table<In, Out>> {
    const handle = handleOf(table)
    const change = new EvolvePartitionSpecChange(toPartitionEdits(changes), lookupOf(options))
    return this.#run('evolvePartitionSpec', { table: handle.identifier, arguments: { changes } }, () =>
      commitAndAdvance(handle, change, options),
    )
  }

  /** Sets the order that new files are sorted by; no fields: unsorted. Errors as in `evolvePartitionSpec`. */
  async replaceSortOrder<In, Out>(
    table: Table<In, Out>,
    fields: readonly SortField[],
    options: EvolveOptions = {},
  ): Promise<Table<In, Out>> {
    const handle = handleOf(table)
    const change = new ReplaceSortOrderChange(toSortFields(fields), lookupOf(options))
    return this.#run('replaceSortOrder', { table: handle.identifier, arguments: { fields } }, () =>
      commitAndAdvance(handle, change, options),
    )
  }

  /** Every schema that the table keeps, oldest first: what it changed, and when it was in use. */
  schemaHistory<In, Out>(table: Table<In, Out>): Promise<readonly SchemaVersion[]> {
    const handle = handleOf(table)
    return this.#run('schemaHistory', { table: handle.identifier }, () => schemaHistory(handle.state))
  }

  /** How the table's schema stands against a contract, column by column and by name. */
  compareSchemas<In, Out>(contract: SchemaInput, table: Table<In, Out>): Promise<SchemaComparison> {
    const handle = handleOf(table)
    return this.#run('compareSchemas', { table: handle.identifier }, async () =>
      compareSchemas(toSchema(contract), handle.schema),
    )
  }

  // --- rows ------------------------------------------------------------------------------------

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
    const { commitStrategy = this.#commitStrategy } = options
    const args = { mode: options.mode ?? 'append', commitStrategy, data: describeSource(source) }
    return this.#run('writeData', { table: handle.identifier, arguments: args }, async (scope) => {
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
    return this.#run('inferSchema', {}, async () =>
      inferTableSchema(await this.#runtime.dataPlane(), data, options),
    )
  }

  /** Snapshots that the table keeps, newest first. */
  listSnapshots<In, Out>(table: Table<In, Out>): Promise<readonly SnapshotInfo[]> {
    const handle = handleOf(table)
    return this.#run('listSnapshots', { table: handle.identifier }, async () =>
      listSnapshotInfos(handle.metadata),
    )
  }

  // --- namespaces ------------------------------------------------------------------------------

  /** NamespaceAlreadyExistsError. Missing parents are created. */
  async createNamespace(
    namespace: NamespaceReference,
    properties: Properties = {},
    options: CallOptions = {},
  ): Promise<void> {
    const levels = toNamespace(namespace)
    await this.#run('createNamespace', { namespace: levels }, () =>
      this.#runtime.catalog.createNamespace(levels, properties, options),
    )
  }

  /** Direct children of `parent`, by default of the root, as full namespaces. NoSuchNamespaceError. */
  listNamespaces(parent?: NamespaceReference, options: CallOptions = {}): Promise<readonly Namespace[]> {
    const levels = parent === undefined ? undefined : toNamespace(parent)
    return this.#run('listNamespaces', levels === undefined ? {} : { namespace: levels }, () =>
      this.#runtime.catalog.listNamespaces(levels, options),
    )
  }

  namespaceExists(namespace: NamespaceReference, options: CallOptions = {}): Promise<boolean> {
    const levels = toNamespace(namespace)
    return this.#run('namespaceExists', { namespace: levels }, () =>
      this.#runtime.catalog.namespaceExists(levels, options),
    )
  }

  /** A namespace's properties. NoSuchNamespaceError. */
  loadNamespace(namespace: NamespaceReference, options: CallOptions = {}): Promise<Properties> {
    const levels = toNamespace(namespace)
    return this.#run('loadNamespace', { namespace: levels }, () =>
      this.#runtime.catalog.loadNamespace(levels, options),
    )
  }

  /** NoSuchNamespaceError. */
  async updateNamespace(
    namespace: NamespaceReference,
    changes: PropertyChanges,
    options: CallOptions = {},
  ): Promise<void> {
    const levels = toNamespace(namespace)
    await this.#run('updateNamespace', { namespace: levels }, () =>
      this.#runtime.catalog.updateNamespace(levels, changes, options),
    )
  }

  /** NoSuchNamespaceError; NamespaceNotEmptyError while it holds tables or namespaces. */
  async dropNamespace(namespace: NamespaceReference, options: CallOptions = {}): Promise<void> {
    const levels = toNamespace(namespace)
    await this.#run('dropNamespace', { namespace: levels }, () =>
      this.#runtime.catalog.dropNamespace(levels, options),
    )
  }

  // --- end -------------------------------------------------------------------------------------

  /** Refuses new work, aborts scans, waits for commits under way, and frees everything. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#runner.close()
    await this.#release()
  }

  #run<T>(
    operation: string,
    about: {
      readonly table?: TableIdentifier
      readonly namespace?: Namespace
      readonly arguments?: JsonValue
    },
    body: Parameters<OperationRunner['run']>[1] extends (scope: infer S) => unknown
      ? (scope: S) => Promise<T>
      : never,
  ): Promise<T> {
    const request: OperationRequest = { version: 1, operation, arguments: {}, ...about }
    return this.#runner.run(request, body)
  }
}
