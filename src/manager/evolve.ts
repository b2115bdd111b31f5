/** Evolution of a table: the same handle, moved on to what was committed. */
import type { CommitChange } from '../table/commit.ts'
import { commitTable } from '../table/commit-table.ts'
import { evolutionBase, EvolveSchemaChange } from '../table/operations/evolve-schema.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import { evolveSchema } from '../format/evolution/evolve-schema.ts'
import { diffSchemas, type SchemaDifference } from '../format/evolution/schema-diff.ts'
import type { Schema } from '../format/schema.ts'
import { refuseNulls } from '../table/refuse-nulls.ts'
import type { DeclaredSchema } from '../format/schema-builder.ts'
import type { TableHandle } from '../table/table.ts'
import { verifyDeclared } from './declared-schema.ts'
import { toSchemaEdits, type SchemaChange } from './schema-changes.ts'

/** How an evolution is committed. */
export interface EvolveOptions {
  /** Default true. False: names are looked up in any case, and two that differ in case only clash. */
  readonly caseSensitive?: boolean | undefined
  /** Overrides of the table's `commit.retry.*` for this call. */
  readonly retry?: CommitRetryOptions | undefined
  /** Honoured until the commit is sent, and between attempts. */
  readonly signal?: AbortSignal | undefined
}

/** How a schema is evolved. */
export interface EvolveSchemaOptions extends EvolveOptions {
  /**
   * Default false. True allows what readers and writers of the old schema could trip over: adding a
   * required column without a default, deleting a required column, making a column required (which
   * still needs that no row of any branch has a null there).
   */
  readonly allowIncompatibleChanges?: boolean | undefined
}

/** Carries `evolveSchema` out. */
export async function evolveTableSchema<In, Out>(
  table: TableHandle<In, Out>,
  changes: readonly SchemaChange[],
  options: EvolveSchemaOptions & { readonly schema?: DeclaredSchema },
): Promise<TableHandle<In, Out>> {
  const change = new EvolveSchemaChange(table.state, toSchemaEdits(changes), {
    allowIncompatibleChanges: options.allowIncompatibleChanges ?? false,
    signal: options.signal,
    ...lookupOf(options),
  })
  const evolved = await commitAndAdvance(table, change, options)
  if (options.schema !== undefined) verifyDeclared(options.schema.schema, evolved.schema, evolved.name)
  return evolved
}

/** What an evolution of a schema would come to. */
export interface SchemaPlan {
  /** The schema as it would be; its id is the present one's. */
  readonly schema: Schema
  /** Against the present schema; empty when there is nothing to do. */
  readonly differences: readonly SchemaDifference[]
}

/** Carries `planSchemaEvolution` out. */
export async function planTableSchema<In, Out>(
  table: TableHandle<In, Out>,
  changes: readonly SchemaChange[],
  options: EvolveSchemaOptions,
): Promise<SchemaPlan> {
  const evolution = evolveSchema(evolutionBase(table.metadata), toSchemaEdits(changes), {
    allowIncompatibleChanges: options.allowIncompatibleChanges ?? false,
    ...lookupOf(options),
  })
  for (const id of evolution.madeRequired) await refuseNulls(table.state, id, options.signal)
  return { schema: evolution.schema, differences: diffSchemas(table.schema, evolution.schema) }
}

/** Commits a change and moves the handle on. */
export async function commitAndAdvance<In, Out>(
  table: TableHandle<In, Out>,
  change: CommitChange,
  { retry, signal }: EvolveOptions,
): Promise<TableHandle<In, Out>> {
  return commitTable(table, change, { ...retry, signal }, () => table)
}

/** How names are matched; case counts unless said otherwise. */
export function lookupOf({ caseSensitive }: EvolveOptions): { readonly caseSensitive: boolean } {
  return { caseSensitive: caseSensitive ?? true }
}
