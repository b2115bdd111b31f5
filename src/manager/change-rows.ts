/** Overwrite, upsert, delete and update: from what the caller says to a computation and its commit. */
import { InvalidArgumentError, InvalidDataError } from '../errors.ts'
import { bindExpression } from '../format/expressions/bind.ts'
import type { BoundExpression, Expression } from '../format/expressions/expression.ts'
import { parseExpression } from '../format/expressions/parse.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import { currentSchema } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { findFieldByName, fieldName, type Schema } from '../format/schema.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'
import { isPrimitive, type Datum } from '../format/types.ts'
import { valueToDatum, type Value } from '../format/values/value.ts'
import { commitChange } from '../table/commit.ts'
import type { ManifestContext } from '../table/manifest-reader.ts'
import { DeleteRows } from '../table/operations/delete-rows.ts'
import { Overwrite, type OverwriteScope } from '../table/operations/overwrite.ts'
import { RowLevelChange, type Isolation, type RowComputation } from '../table/operations/row-change.ts'
import { RowWriter } from '../table/operations/row-writer.ts'
import { UpdateRows } from '../table/operations/update-rows.ts'
import { Upsert, type UpsertCounts } from '../table/operations/upsert.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import type { FileDecision } from '../table/operations/file-action.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import type { TableHandle } from '../table/table.ts'
import type {
  OverwriteOptions,
  RowChangeOptions,
  RowChangeResult,
  UpsertOptions,
} from './row-change-options.ts'
import type { WriteInput } from './write-data.ts'

type WithStrategy<T> = T & { readonly commitStrategy: CommitStrategy }

/** Replaces rows by those of a source. */
export async function overwriteData<In, Out>(
  table: TableHandle<In, Out>,
  data: WriteInput,
  options: WithStrategy<OverwriteOptions>,
): Promise<RowChangeResult> {
  const scope = overwriteScope(table, options)
  const rowFilter = data.filter === undefined ? undefined : bindExpression(table.schema, data.filter)
  const overwrite = new Overwrite(rowWriter(table, options), {
    isolation: options.isolation ?? 'serializable',
    scope,
    source: data.source,
    rowFilter,
    validate: options.validate ?? false,
    contextOf: (base) => contextOf(table, base, options.signal),
  })
  const { change, attempts, snapshotId } = await commitComputation(table, overwrite, options)
  const rowsInserted = recordsOf(overwrite.newFiles)
  return {
    ...writtenOf(overwrite.newFiles, change),
    snapshotId,
    attempts,
    rowsInserted,
    rowsUpdated: 0,
    rowsDeleted: rowsIn(overwrite.decisions),
    rowsUnchanged: 0,
    fileChanges: overwrite.decisions,
  }
}

/** Deletes the rows for which a filter is true. */
export async function deleteMatching<In, Out>(
  table: TableHandle<In, Out>,
  filter: Expression | string,
  options: WithStrategy<RowChangeOptions>,
): Promise<RowChangeResult> {
  const deletion = new DeleteRows(rowWriter(table, options), {
    isolation: isolationOf(table, options, 'write.delete.isolation-level'),
    onConflict: options.onConflict ?? 'redo',
    filterOn: bindOn(filter, options),
    contextOf: (base) => contextOf(table, base, options.signal),
  })
  const { change, attempts, snapshotId } = await commitComputation(table, deletion, options)
  return {
    ...writtenOf([], change),
    snapshotId,
    attempts,
    rowsInserted: 0,
    rowsUpdated: 0,
    rowsDeleted: rowsIn(deletion.decisions),
    rowsUnchanged: 0,
    fileChanges: deletion.decisions,
  }
}

/** What a delete would do to which file, and why; nothing is written. */
export async function planDelete<In, Out>(
  table: TableHandle<In, Out>,
  filter: Expression | string,
  options: RowChangeOptions,
): Promise<readonly FileDecision[]> {
  const deletion = new DeleteRows(rowWriter(table, options), {
    isolation: 'serializable',
    onConflict: 'fail',
    filterOn: bindOn(filter, options),
    contextOf: (base) => contextOf(table, base, options.signal),
  })
  const { decisions } = await deletion.plan(table.metadata, headOf(table, options))
  return decisions
}

/** Gives columns new values in the rows for which a filter is true. */
export async function updateMatching<In, Out>(
  table: TableHandle<In, Out>,
  values: Readonly<Record<string, Value>>,
  filter: Expression | string,
  options: WithStrategy<RowChangeOptions>,
): Promise<RowChangeResult> {
  const update = new UpdateRows(rowWriter(table, options), {
    isolation: isolationOf(table, options, 'write.update.isolation-level'),
    onConflict: options.onConflict ?? 'redo',
    filterOn: bindOn(filter, options),
    assignOn: (base) => assignments(currentSchema(base), values, options),
    contextOf: (base) => contextOf(table, base, options.signal),
  })
  // Refused before anything is read: unknown columns, values that do not fit.
  assignments(table.schema, values, options)
  const { change, attempts, snapshotId } = await commitComputation(table, update, options)
  return {
    ...writtenOf([], change),
    snapshotId,
    attempts,
    rowsInserted: 0,
    rowsUpdated: rowsIn(update.decisions),
    rowsDeleted: 0,
    rowsUnchanged: 0,
    fileChanges: update.decisions,
  }
}

/** Updates rows whose keys match, inserts the others. */
export async function upsertData<In, Out>(
  table: TableHandle<In, Out>,
  data: WriteInput,
  options: WithStrategy<UpsertOptions>,
): Promise<RowChangeResult> {
  const { runtime, storage } = table.state
  const keys = keyColumns(table.schema, options)
  const deleteWhenOn = bindOnOrNull(options.deleteWhen, options)
  const notMatchedBySourceOn = bindOnOrNull(options.whenNotMatchedBySource?.scope, options)
  // Bound once before anything is read, so that a wrong expression costs nothing.
  deleteWhenOn(table.metadata)
  notMatchedBySourceOn(table.metadata)
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
    checkKeys(table.schema, await plane.checkKeys(source, keys, { signal: options.signal }))
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
    const { change, attempts, snapshotId } = await commitComputation(table, upsert, options)
    const counts: UpsertCounts = upsert.counts
    return { ...writtenOf([], change), snapshotId, attempts, ...counts, fileChanges: upsert.decisions }
  } finally {
    await source.close()
  }
}

async function commitComputation<In, Out>(
  table: TableHandle<In, Out>,
  computation: RowComputation,
  options: WithStrategy<RowChangeOptions>,
): Promise<{ change: RowLevelChange; attempts: number; snapshotId: bigint | null }> {
  const { runtime, storage, id, loaded } = table.state
  const target = {
    runtime,
    storage,
    branch: options.branch ?? MAIN_BRANCH,
    snapshotProperties: options.snapshotProperties ?? {},
  }
  const change = new RowLevelChange(target, computation, { strategy: options.commitStrategy })
  const result = await commitChange(runtime, id, loaded, change, { ...options.retry, signal: options.signal })
  table.advance(result.table)
  return { change, attempts: result.attempts, snapshotId: result.attempts === 0 ? null : change.snapshotId }
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

function headOf<In, Out>(table: TableHandle<In, Out>, options: RowChangeOptions) {
  const branch = options.branch ?? MAIN_BRANCH
  const id = table.metadata.refs[branch]?.['snapshot-id']
  return table.metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id) ?? null
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
  const filterOn = bindOn(overwriteFilter ?? { op: 'true' }, options)
  filterOn(table.metadata)
  return { kind: 'filter', filterOn }
}

type ExpressionOn = (base: TableMetadata) => BoundExpression

/** Binds to the schema of whatever state the computation runs on; parsed once. */
function bindOn(filter: Expression | string, options: RowChangeOptions): ExpressionOn {
  const expression = typeof filter === 'string' ? parseExpression(filter) : filter
  const lookup = { caseSensitive: options.caseSensitive ?? true }
  return (base) => bindExpression(currentSchema(base), expression, lookup)
}

function bindOnOrNull(
  filter: Expression | string | undefined,
  options: RowChangeOptions,
): (base: TableMetadata) => BoundExpression | null {
  return filter === undefined ? () => null : bindOn(filter, options)
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

function assignments(
  schema: Schema,
  values: Readonly<Record<string, Value>>,
  options: RowChangeOptions,
): ReadonlyMap<number, Datum | null> {
  const entries = Object.entries(values)
  if (entries.length === 0) throw new InvalidArgumentError('an update needs at least one column to set')
  return new Map(entries.map(([name, value]) => assignment(schema, name, value, options)))
}

function assignment(
  schema: Schema,
  name: string,
  value: Value,
  options: RowChangeOptions,
): readonly [number, Datum | null] {
  const field = findFieldByName(schema, name, { caseSensitive: options.caseSensitive ?? true })
  if (field === undefined || !schema.fields.includes(field)) {
    throw new InvalidArgumentError(`The table has no top-level column '${name}'`)
  }
  if (!isPrimitive(field.type))
    throw new InvalidArgumentError(`Column '${name}' is nested and cannot be set as a whole`)
  if (value === null && field.required) {
    throw new InvalidDataError(`column '${name}' is required and cannot be set to null`, { column: name })
  }
  return [field.id, value === null ? null : valueToDatum(field.type, value)]
}

const UNFIT_KEYS: ReadonlySet<string> = new Set([
  'float',
  'double',
  'struct',
  'list',
  'map',
  'variant',
  'unknown',
])

/** Ids of the key columns: those named, else the schema's identifier fields. InvalidArgumentError. */
function keyColumns(schema: Schema, options: UpsertOptions): readonly number[] {
  const names =
    options.joinColumns ?? schema.identifierFieldIds.map((id) => fieldName(schema, id) ?? String(id))
  if (names.length === 0) {
    throw new InvalidArgumentError('An upsert needs joinColumns, or identifier fields in the schema')
  }
  const ids = names.map((name) => keyColumn(schema, name, options))
  if (new Set(ids).size < ids.length) throw new InvalidArgumentError('joinColumns names a column twice')
  return ids
}

function keyColumn(schema: Schema, name: string, options: UpsertOptions): number {
  const field = findFieldByName(schema, name, { caseSensitive: options.caseSensitive ?? true })
  if (field === undefined) throw new InvalidArgumentError(`joinColumns: the table has no column '${name}'`)
  if (!schema.fields.includes(field))
    throw new InvalidArgumentError(`joinColumns: '${name}' is not a top-level column`)
  if (UNFIT_KEYS.has(field.type.kind)) {
    throw new InvalidArgumentError(
      `joinColumns: '${name}' is of type ${field.type.kind}, whose values make no keys`,
    )
  }
  return field.id
}

function checkKeys(
  schema: Schema,
  problems: { readonly nulls: ReadonlyMap<number, number>; readonly duplicateRows: number },
): void {
  for (const [id, count] of problems.nulls) {
    if (count === 0) continue
    const column = fieldName(schema, id)
    throw new InvalidDataError(
      `${count} rows of the source have a null in the key column '${column ?? id}'`,
      {
        column,
        hint: 'A null key matches nothing. Nothing was changed.',
      },
    )
  }
  if (problems.duplicateRows > 0) {
    throw new InvalidDataError(
      `${problems.duplicateRows} rows of the source share their key with another row`,
      {
        hint: 'Which of them should win is not known. Nothing was changed.',
      },
    )
  }
}

function writtenOf(newFiles: readonly ContentFile[], change: RowLevelChange) {
  const data = (change.change?.added ?? newFiles).filter((file) => file.content === 'data')
  return {
    rows: recordsOf(data),
    files: data.length,
    bytes: data.reduce((sum, file) => sum + file.fileSizeInBytes, 0),
  }
}

function recordsOf(files: readonly ContentFile[]): number {
  return files.reduce((rows, file) => rows + file.recordCount, 0)
}

function rowsIn(decisions: readonly FileDecision[]): number {
  return decisions.reduce((rows, decision) => rows + decision.rows, 0)
}
