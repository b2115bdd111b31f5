/** Operations on whole tables: create, load, list, rename, register, drop, properties. */
import type { TableIdentifier } from '../catalog/catalog.ts'
import type { Columns, DeclaredSchema, StructIn, StructOut } from '../format/schema-builder.ts'
import type { FormatVersion, SchemaJson } from '../format/metadata/table-metadata.ts'
import type { Schema } from '../format/schema.ts'
import type { PurgeResult } from '../maintenance/purge.ts'
import type { CommitOptions } from '../table/commit.ts'
import {
  identifierToString,
  toIdentifier,
  toNamespace,
  type NamespaceReference,
  type TableReference,
} from '../table/identifier.ts'
import { UpdatePropertiesChange, type PropertyChanges } from '../table/operations/update-properties.ts'
import { UpgradeFormatVersionChange } from '../table/operations/upgrade-format-version.ts'
import { handleOf, TableHandle, type Table } from '../table/table.ts'
import { executeCreateTable, planCreateTable, type CreateTableOptions } from './create-table.ts'
import { verifyDeclared } from './declared-schema.ts'
import { dropTable } from './drop-table.ts'
import { commitAndAdvance } from './evolve.ts'
import type { TableConfig } from './models.ts'
import { checkProperties } from './table-definition.ts'
import { withSchema, type TableConfigFromData } from './infer-schema.ts'

import { describeSource, toRowSource } from './sources.ts'
import type { CallOptions } from './manager-base.ts'
import { NamespaceOperations } from './namespace-operations.ts'

export abstract class TableOperations extends NamespaceOperations {
  /**
   * Creates a table; with `data`, together with its first rows; with `orReplace`, in the place of one
   * that is there. Whatever becomes visible does so in one commit.
   *
   * InvalidTableConfigError naming the path of what is wrong, before anything is written;
   * TableAlreadyExistsError; NoSuchNamespaceError; SchemaMismatchError when `ifNotExists` meets a
   * table that is not as declared; with `data` or `orReplace` also what `writeData` throws.
   */
  createTable<C extends Columns>(
    config: TableConfig & { readonly schema: DeclaredSchema<C> },
    options?: CreateTableOptions<StructIn<C>>,
  ): Promise<Table<StructIn<C>, StructOut<C>>>
  createTable(
    config: (TableConfig & { readonly schema: Schema | SchemaJson }) | TableConfigFromData,
    options?: CreateTableOptions,
  ): Promise<Table>
  createTable(
    config: TableConfig | TableConfigFromData,
    options?: CreateTableOptions & { readonly data?: undefined },
  ): Promise<Table>
  async createTable(
    config: TableConfig | TableConfigFromData,
    options: CreateTableOptions = {},
  ): Promise<unknown> {
    const id = toIdentifier({ namespace: toNamespace(config.namespace), name: config.name })
    return this.run(
      'createTable',
      {
        table: id,
        arguments: {
          ifNotExists: options.ifNotExists ?? false,
          orReplace: options.orReplace ?? false,
          data: options.data === undefined ? null : describeSource(toRowSource(options.data)),
        },
      },
      async () => {
        const whole = await withSchema(this.runtime, config, options)
        const plan = planCreateTable(whole, this.runtime.newTableProperties)
        return executeCreateTable(this.runtime, plan, options)
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
  ): Promise<unknown> {
    const id = toIdentifier(reference)
    return this.run('loadTable', { table: id }, async () => {
      const loaded = await this.runtime.catalog.loadTable(id, { signal: options.signal })
      const handle = await TableHandle.open(this.runtime, id, loaded)
      if (options.schema !== undefined) verifyDeclared(options.schema.schema, handle.schema, handle.name)
      return handle
    })
  }

  /** Whether the catalog has the table; true also when its metadata is broken. */
  tableExists(reference: TableReference, options: CallOptions = {}): Promise<boolean> {
    const id = toIdentifier(reference)
    return this.run('tableExists', { table: id }, () => this.runtime.catalog.tableExists(id, options))
  }

  /** Tables directly in a namespace. NoSuchNamespaceError. */
  listTables(namespace: NamespaceReference, options: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    const levels = toNamespace(namespace)
    return this.run('listTables', { namespace: levels }, () =>
      this.runtime.catalog.listTables(levels, options),
    )
  }

  /** NoSuchTableError, TableAlreadyExistsError, NoSuchNamespaceError. Files stay where they are. */
  async renameTable(from: TableReference, to: TableReference, options: CallOptions = {}): Promise<void> {
    const [source, target] = [toIdentifier(from), toIdentifier(to)]
    await this.run('renameTable', { table: source, arguments: { to: identifierToString(target) } }, () =>
      this.runtime.catalog.renameTable(source, target, options),
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
    return this.run('registerTable', { table: id, arguments: { metadataLocation } }, async () => {
      const loaded = await this.runtime.catalog.registerTable(id, metadataLocation, options)
      return TableHandle.open(this.runtime, id, loaded)
    })
  }

  /**
   * Drops a table from the catalog, also one whose metadata is broken. Its files stay, unless
   * `purge` is set: then exactly those that its metadata reaches are deleted, after the drop.
   *
   * NoSuchTableError; with `purge` also CorruptFileError (before anything is dropped) and
   * InvalidArgumentError when the table's `gc.enabled` is false. The result is null without purge,
   * and where the catalog's server deletes the files itself. A store that fails after the drop does
   * not make it fail: the result names the files that stay, and why.
   */
  async dropTable(
    reference: TableReference,
    options: CallOptions & { readonly purge?: boolean } = {},
  ): Promise<PurgeResult | null> {
    const id = toIdentifier(reference)
    const purge = options.purge ?? false
    return this.run('dropTable', { table: id, arguments: { purge } }, () =>
      dropTable(this.runtime, id, { purge, signal: options.signal }),
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
    return this.run('updateProperties', { table: handle.identifier, arguments: names }, async () => {
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
    return this.run('upgradeFormatVersion', { table: handle.identifier, arguments: { version } }, () =>
      commitAndAdvance(handle, new UpgradeFormatVersionChange(version), { retry: options, ...options }),
    )
  }
}
