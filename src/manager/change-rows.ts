/** Overwrite, delete, update and upsert: from what the caller says to a computation on the table. */
import { InvalidArgumentError } from '../errors.ts'
import { bindExpression } from '../format/expressions/bind.ts'
import type { BoundExpression, Expression } from '../format/expressions/expression.ts'
import { parseExpression } from '../format/expressions/parse.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema } from '../format/metadata/views.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { Value } from '../format/values/value.ts'
import type { ManifestContext } from '../table/manifest-reader.ts'
import { DeleteRows } from '../table/operations/delete-rows.ts'
import type { FileDecision } from '../table/operations/file-action.ts'
import { Overwrite, type OverwriteScope } from '../table/operations/overwrite.ts'
import type { Isolation, RowComputation } from '../table/operations/row-change.ts'
import { RowWriter } from '../table/operations/row-writer.ts'
import { UpdateRows } from '../table/operations/update-rows.ts'
import { Upsert, type UpsertCounts } from '../table/operations/upsert.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import type { TableHandle } from '../table/table.ts'
import { assignments } from './assignments.ts'
import type { OverwriteOptions, RowChangeOptions, UpsertOptions } from './row-change-options.ts'
import { checkKeys, keyColumns } from './row-keys.ts'
import type { WriteInput } from './write-data.ts'

/** A change of rows, ready to be looked at or committed. */
export interface PreparedChange {
  readonly computation: RowComputation
  /** Which files would be hit on a state of the table. */
  plan(base: TableMetadata, head: Snapshot | null): Promise<readonly FileDecision[]>
  /** What the last computation did to which file. */
  decisions(): readonly FileDecision[]
  /** Rows, by the last computation or plan. */
  counts(): UpsertCounts
  /** Frees what it holds; call it when done. */
  close(): Promise<void>
}

const NO_ROWS: UpsertCounts = { rowsInserted: 0, rowsUpdated: 0, rowsDeleted: 0, rowsUnchanged: 0 }

/** Replaces rows by those of a source. */
export function prepareOverwrite<In, Out>(
  table: TableHandle<In, Out>,
  data: WriteInput,
  options: OverwriteOptions,
): PreparedChange {
  const overwrite = new Overwrite(rowWriter(table, options), {
    isolation: options.isolation ?? 'serializable',
    scope: overwriteScope(table, options),
    source: data.source,
    rowFilter: data.filter === undefined ? undefined : bindExpression(table.schema, data.filter),
    validate: options.validate ?? false,
    contextOf: (base) => contextOf(table, base, options.signal),
  })
  return {
    computation: overwrite,
    plan: (base, head) => overwrite.plan(base, head),
    decisions: () => overwrite.decisions,
    counts: () => ({
      ...NO_ROWS,
      rowsInserted: recordsOf(overwrite.newFiles),
      rowsDeleted: rowsIn(overwrite.decisions),
    }),
    close: async () => {},
  }
}

/** Deletes the rows for which a filter is true. */
export function prepareDelete<In, Out>(
  table: TableHandle<In, Out>,
  filter: Expression | string,
  options: RowChangeOptions,
): PreparedChange {
  const deletion = new DeleteRows(rowWriter(table, options), {
    isolation: isolationOf(table, options, 'write.delete.isolation-level'),
    onConflict: options.onConflict ?? 'redo',
    filterOn: bindOn(table, filter, options),
    contextOf: (base) => contextOf(table, base, options.signal),
  })
  return {
    computation: deletion,
    plan: async (base, head) => (await deletion.plan(base, head)).decisions,
    decisions: () => deletion.decisions,
    counts: () => ({ ...NO_ROWS, rowsDeleted: rowsIn(deletion.decisions) }),
    close: async () => {},
  }
}

/** Gives columns new values in the rows for which a filter is true. */
export function prepareUpdate<In, Out>(
  table: TableHandle<In, Out>,
  values: Readonly<Record<string, Value>>,
  filter: Expression | string,
  options: RowChangeOptions,
): PreparedChange {
  const assignOn = (base: TableMetadata) => assignments(currentSchema(base), values, options)
  // Refused before anything is read: unknown columns, values that do not fit.
  assignOn(table.metadata)
  const update = new UpdateRows(rowWriter(table, options), {
    isolation: isolationOf(table, options, 'write.update.isolation-level'),
    onConflict: options.onConflict ?? 'redo',
    filterOn: bindOn(table, filter, options),
    assignOn,
    contextOf: (base) => contextOf(table, base, options.signal),
  })
  return {
    computation: update,
    plan: async (base, head) => (await update.plan(base, head)).decisions,
    decisions: () => update.decisions,
    counts: () => ({ ...NO_ROWS, rowsUpdated: rowsIn(update.decisions) }),
    close: async () => {},
  }
}

/** Updates rows whose keys match, inserts the others. Reads the source, once. */
export async function prepareUpsert<In, Out>(
  table: TableHandle<In, Out>,
  data: WriteInput,
  options: UpsertOptions,
): Promise<PreparedChange> {
  const { runtime, storage } = table.state
  const keys = keyColumns(table.schema, options)
  const deleteWhenOn = bindOnOrNull(table, options.deleteWhen, options)
  const notMatchedBySourceOn = bindOnOrNull(table, options.whenNotMatchedBySource?.scope, options)
  const plane = await runtime.dataPlane()
  const source = await plane.spool({
    source: data.source,
    filter: data.filter === undefined ? undefined : bindExpression(table.schema, data.filter),
    schema: table.schema,
    files: storage.files,
    signal: options.signal,
    onProgress: options.onProgress,
  })
  try {
    checkKeys(table.schema, keys, await plane.checkKeys(source, keys, { signal: options.signal }))
    const upsert = new Upsert(rowWriter(table, options), {
      isolation: isolationOf(table, options, 'write.merge.isolation-level'),
      onConflict: options.onConflict ?? 'redo',
      schemaId: table.schema.schemaId,
      source,
      keys,
      bounds: await plane.keyBounds(source, keys, { signal: options.signal }),
      whenMatchedUpdateAll: options.whenMatchedUpdateAll ?? true,
      whenNotMatchedInsertAll: options.whenNotMatchedInsertAll ?? true,
      deleteWhenOn,
      notMatchedBySourceOn,
      contextOf: (base) => contextOf(table, base, options.signal),
    })
    return {
      computation: upsert,
      plan: (base, head) => upsert.plan(base, head),
      decisions: () => upsert.decisions,
      counts: () => upsert.counts,
      close: () => source.close(),
    }
  } catch (error) {
    await source.close()
    throw error
  }
}

function rowWriter<In, Out>(table: TableHandle<In, Out>, options: RowChangeOptions): RowWriter {
  const { runtime, storage } = table.state
  return new RowWriter({ runtime, storage, signal: options.signal, onProgress: options.onProgress })
}

function contextOf<In, Out>(
  table: TableHandle<In, Out>,
  base: TableMetadata,
  signal: AbortSignal | undefined,
): ManifestContext {
  const { runtime, storage } = table.state
  return {
    runtime,
    store: storage.store,
    metadata: base,
    roots: new AllowedRoots(base, runtime.extraRoots),
    signal,
  }
}

function overwriteScope<In, Out>(table: TableHandle<In, Out>, options: OverwriteOptions): OverwriteScope {
  // A filter that came out undefined by accident must not overwrite the whole table.
  if ('overwriteFilter' in options && options.overwriteFilter === undefined) {
    throw new InvalidArgumentError('overwriteFilter is undefined: leave it out to replace the whole table')
  }
  const { overwriteFilter, overwriteScope: scope } = options
  if (overwriteFilter !== undefined && scope !== undefined) {
    throw new InvalidArgumentError('overwriteFilter and overwriteScope exclude each other')
  }
  if (options.validate === true && overwriteFilter === undefined) {
    throw new InvalidArgumentError('validate checks new rows against overwriteFilter, which is not given')
  }
  if (scope === 'partitions') return { kind: 'partitions' }
  const filterOn = bindOn(table, overwriteFilter ?? { op: 'true' }, options)
  return { kind: 'filter', filterOn }
}

type ExpressionOn = (base: TableMetadata) => BoundExpression

/**
 * Binds to the schema of whatever state the computation runs on; parsed once, and bound once at
 * once, so that a wrong expression costs nothing.
 */
function bindOn<In, Out>(
  table: TableHandle<In, Out>,
  filter: Expression | string,
  options: RowChangeOptions,
): ExpressionOn {
  const expression = typeof filter === 'string' ? parseExpression(filter) : filter
  const lookup = { caseSensitive: options.caseSensitive ?? true }
  bindExpression(table.schema, expression, lookup)
  return (base) => bindExpression(currentSchema(base), expression, lookup)
}

function bindOnOrNull<In, Out>(
  table: TableHandle<In, Out>,
  filter: Expression | string | undefined,
  options: RowChangeOptions,
): (base: TableMetadata) => BoundExpression | null {
  return filter === undefined ? () => null : bindOn(table, filter, options)
}

function isolationOf<In, Out>(
  table: TableHandle<In, Out>,
  options: RowChangeOptions,
  property: string,
): Isolation {
  const level = options.isolation ?? table.properties[property]?.toLowerCase() ?? 'serializable'
  if (level === 'serializable' || level === 'snapshot') return level
  throw new InvalidArgumentError(`${property} is neither serializable nor snapshot`)
}

function recordsOf(files: readonly ContentFile[]): number {
  return files.reduce((rows, file) => rows + file.recordCount, 0)
}

function rowsIn(decisions: readonly FileDecision[]): number {
  return decisions.reduce((rows, decision) => rows + decision.rows, 0)
}
