/** Tables that come with their rows: created with them, or put in another's place with them, in one commit. */
import type { LoadedTable, TableIdentifier } from '../catalog/catalog.ts'
import {
  CommitStateUnknownError,
  InvalidTableConfigError,
  TableAlreadyExistsError,
  UnsupportedFeatureError,
} from '../errors.ts'
import { bindExpression } from '../format/expressions/bind.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import { currentSchema } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'
import { commitChange } from '../table/commit.ts'
import { identifierToString } from '../table/identifier.ts'
import { AppendChange } from '../table/operations/append.ts'
import { CreateTableChange } from '../table/operations/create-table.ts'
import { ReplaceTableChange } from '../table/operations/replace-table.ts'
import { RowFiles, type WrittenFiles } from '../table/operations/row-files.ts'
import type { Runtime, TableStorage } from '../table/runtime.ts'
import type { SnapshotTarget } from '../table/snapshot-producer.ts'
import { openStorage, TableHandle, type TableCreation } from '../table/table.ts'
import { TransactionChange } from '../table/transaction-change.ts'
import type { CreateTableOptions, CreateTablePlan } from './create-table.ts'
import { definitionDifferences } from './declared-schema.ts'
import type { WriteInput } from './write-data.ts'

/** Rows that have been written for one table, or are still to be read. */
type Rows =
  | { readonly kind: 'source'; readonly input: WriteInput }
  | { readonly kind: 'written'; readonly files: RowFiles; readonly written: WrittenFiles }

/**
 * Creates a table with its first rows. With `orReplace`, a table that others create meanwhile is
 * replaced by the rows that were read already.
 */
export async function createFilled(
  runtime: Runtime,
  plan: CreateTablePlan,
  input: WriteInput,
  options: CreateTableOptions,
): Promise<TableHandle> {
  const { catalog } = runtime
  if (!catalog.capabilities.stageCreate) throw cannotStage(plan.id)
  const { signal } = options
  const staged = await catalog.stageCreateTable(plan.id, plan.definition.request, { signal })
  const storage = await openStorage(runtime, plan.id, staged)
  const rows = rowFiles(runtime, storage, options)
  const { metadata } = staged
  const files = await rows.writeAhead(metadata, input.source, filterOn(metadata, input))
  const append =
    files.length === 0 ? null : appendTo(target(runtime, storage, options), rows, files, metadata)
  const change = new CreateTableChange(staged, append)
  const created = await discardOnFailure(rows, async () => {
    try {
      return await commitChange(runtime, plan.id, staged, change, { ...options.retry, signal })
    } catch (error) {
      if (!(error instanceof TableAlreadyExistsError) || options.orReplace !== true) throw error
      const written = { files, metadata, lastColumnId: 0 }
      const loaded = await catalog.loadTable(plan.id, { signal })
      return replaceTable(runtime, plan, loaded, { kind: 'written', files: rows, written }, options)
    }
  })
  if (created instanceof TableHandle) return created
  return TableHandle.open(runtime, plan.id, created.table, NEW)
}

const NEW: TableCreation = { created: true, replaced: false, differences: [] }

/** Rows of an attempt that failed for certain are removed; of one whose outcome is not known never. */
async function discardOnFailure<T>(rows: RowFiles, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof CommitStateUnknownError)) await rows.discard().catch(() => undefined)
    throw error
  }
}

/** Puts a table in the place of one that is there, with rows or without. */
export async function replaceTable(
  runtime: Runtime,
  plan: CreateTablePlan,
  loaded: LoadedTable,
  rows: Rows | null,
  options: CreateTableOptions,
): Promise<TableHandle> {
  checkReplacement(plan, loaded.metadata)
  const creation = {
    created: false,
    replaced: true,
    differences: definitionDifferences(plan.definition, loaded.metadata),
  }
  const handle = await TableHandle.open(runtime, plan.id, loaded, creation)
  const transaction = new TransactionChange(loaded, runtime.clock, 'replacement of the table')
  try {
    await transaction.stage(new ReplaceTableChange(replacementOf(runtime, plan)))
    if (rows !== null) await stageRows(handle, transaction, rows, options)
  } catch (error) {
    await transaction.discardAll().catch(() => undefined)
    throw error
  }
  const { retry, signal } = options
  const result = await commitChange(runtime, plan.id, loaded, transaction, { ...retry, signal })
  handle.advance(result.table)
  return handle
}

/** Rows as a step of the replacement: every column's id may be another one by the time of the commit. */
async function stageRows(
  handle: TableHandle,
  transaction: TransactionChange,
  rows: Rows,
  options: CreateTableOptions,
): Promise<void> {
  const { runtime, storage } = handle.state
  const { metadata } = transaction.staged
  const own = rows.kind === 'written' ? rows.files : rowFiles(runtime, storage, options)
  const files =
    rows.kind === 'written'
      ? await own.copy(rows.written, metadata, true)
      : await own.writeAhead(metadata, rows.input.source, filterOn(metadata, rows.input))
  if (files.length === 0) return
  const change = new AppendChange({ ...target(runtime, storage, options), transaction }, files, {
    strategy: 'fast_append',
    schema: currentSchema(metadata),
    discardData: () => own.discard(),
    placed: () => own.placed(),
    rewrite: {
      layout: { metadata, lastColumnId: 0 },
      copy: (from, to, removeOld) => own.copy(from, to, removeOld),
      lastColumnId: () => 0,
    },
  })
  await transaction.stage(change)
}

function replacementOf({ newTableProperties }: Runtime, { config, definition }: CreateTablePlan) {
  const { schema, spec, sortOrder } = definition
  return {
    schema,
    spec,
    sortOrder,
    properties: config.properties ?? {},
    defaults: newTableProperties,
    formatVersion: config.formatVersion ?? null,
  }
}

/** InvalidTableConfigError: what lies elsewhere could not be read any more, and versions do not go back. */
function checkReplacement({ id, definition, config }: CreateTablePlan, metadata: TableMetadata): void {
  const table = identifierToString(id)
  const { location } = definition.request
  if (location !== undefined && withoutSlash(location) !== withoutSlash(metadata.location)) {
    throw new InvalidTableConfigError('location: a table that is replaced stays where its history is', {
      path: 'location',
      table,
      hint: 'Leave the location out.',
    })
  }
  const { formatVersion = 3 } = config
  if (formatVersion < metadata['format-version']) {
    throw new InvalidTableConfigError(
      `formatVersion: the table has format version ${metadata['format-version']}, and there is no way back`,
      { path: 'formatVersion', table },
    )
  }
}

function appendTo(
  where: SnapshotTarget,
  rows: RowFiles,
  files: readonly ContentFile[],
  metadata: TableMetadata,
): AppendChange {
  // The rows outlive a creation that loses its race: whoever calls removes them.
  const discardData = async (): Promise<void> => {}
  return new AppendChange(where, files, {
    strategy: 'fast_append',
    schema: currentSchema(metadata),
    discardData,
    placed: () => rows.placed(),
  })
}

function target(runtime: Runtime, storage: TableStorage, options: CreateTableOptions): SnapshotTarget {
  return { runtime, storage, branch: MAIN_BRANCH, snapshotProperties: options.snapshotProperties ?? {} }
}

function rowFiles(runtime: Runtime, storage: TableStorage, options: CreateTableOptions): RowFiles {
  const { signal, onProgress } = options
  return new RowFiles({ runtime, storage, signal, onProgress })
}

function filterOn(metadata: TableMetadata, { filter }: WriteInput) {
  return filter === undefined ? undefined : bindExpression(currentSchema(metadata), filter)
}

function withoutSlash(location: string): string {
  return location.replace(/\/+$/, '')
}

function cannotStage(id: TableIdentifier): UnsupportedFeatureError {
  return new UnsupportedFeatureError('The catalog cannot create a table together with its rows', {
    table: identifierToString(id),
    hint: 'Create the table first, and write the rows into it.',
  })
}
