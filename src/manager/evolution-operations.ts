/** Operations that change a table's layout: schema, partitioning, order. */
import { compareSchemas, type SchemaComparison } from '../format/evolution/compare-schemas.ts'
import type { Columns, DeclaredSchema, StructIn, StructOut } from '../format/schema-builder.ts'
import { EvolvePartitionSpecChange } from '../table/operations/evolve-partition-spec.ts'
import { ReplaceSortOrderChange } from '../table/operations/replace-sort-order.ts'
import { schemaHistory, type SchemaVersion } from '../table/schema-history.ts'
import { handleOf, type Table } from '../table/table.ts'
import {
  commitAndAdvance,
  evolveTableSchema,
  lookupOf,
  planTableSchema,
  type EvolveOptions,
  type EvolveSchemaOptions,
  type SchemaPlan,
} from './evolve.ts'
import { toPartitionEdits, toSortFields, type PartitionChange, type SortField } from './layout-changes.ts'
import type { SchemaInput } from './models.ts'
import { describeSchemaChange, toSchema, type SchemaChange } from './schema-changes.ts'

import { TableOperations } from './table-operations.ts'

export abstract class EvolutionOperations extends TableOperations {
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
  ): Promise<unknown> {
    const handle = handleOf(table)
    const about = { changes: changes.map(describeSchemaChange) }
    return this.run('evolveSchema', { table: handle.identifier, arguments: about }, () =>
      evolveTableSchema(handle, changes, options),
    )
  }

  /**
   * What `evolveSchema` would make of the table: nothing is committed, and the handle stays as it is.
   * Errors as there, but for conflicts.
   */
  planSchemaEvolution<In, Out>(
    table: Table<In, Out>,
    changes: readonly SchemaChange[],
    options: EvolveSchemaOptions = {},
  ): Promise<SchemaPlan> {
    const handle = handleOf(table)
    const about = { changes: changes.map(describeSchemaChange) }
    return this.run('planSchemaEvolution', { table: handle.identifier, arguments: about }, () =>
      planTableSchema(handle, changes, options),
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
    return this.run('evolvePartitionSpec', { table: handle.identifier, arguments: { changes } }, () =>
      commitAndAdvance(
        handle,
        new EvolvePartitionSpecChange(toPartitionEdits(changes), lookupOf(options)),
        options,
      ),
    )
  }

  /** Sets the order that new files are sorted by; no fields: unsorted. Errors as in `evolvePartitionSpec`. */
  async replaceSortOrder<In, Out>(
    table: Table<In, Out>,
    fields: readonly SortField[],
    options: EvolveOptions = {},
  ): Promise<Table<In, Out>> {
    const handle = handleOf(table)
    return this.run('replaceSortOrder', { table: handle.identifier, arguments: { fields } }, () =>
      commitAndAdvance(handle, new ReplaceSortOrderChange(toSortFields(fields), lookupOf(options)), options),
    )
  }

  /** Every schema that the table keeps, oldest first: what it changed, and when it was in use. */
  schemaHistory<In, Out>(table: Table<In, Out>): Promise<readonly SchemaVersion[]> {
    const handle = handleOf(table)
    return this.run('schemaHistory', { table: handle.identifier }, () => schemaHistory(handle.state))
  }

  /** How the table's schema stands against a contract, column by column and by name. */
  compareSchemas<In, Out>(contract: SchemaInput, table: Table<In, Out>): Promise<SchemaComparison> {
    const handle = handleOf(table)
    return this.run('compareSchemas', { table: handle.identifier }, async () =>
      compareSchemas(toSchema(contract), handle.schema),
    )
  }
}
