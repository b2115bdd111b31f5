/** Creating tables: everything that can be refused is refused before anything is written. */
import type { Catalog, LoadedTable, Namespace, Properties, TableIdentifier } from '../catalog/catalog.ts'
import type { Progress } from '../engine/data-plane.ts'
import {
  InvalidArgumentError,
  InvalidLocationError,
  InvalidTableConfigError,
  NamespaceAlreadyExistsError,
  NoSuchTableError,
  TableAlreadyExistsError,
} from '../errors.ts'
import { tableLocations } from '../maintenance/catalog-tables.ts'
import { isWithin } from '../storage/location.ts'
import { identifierToString, toNamespace } from '../table/identifier.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import type { Runtime } from '../table/runtime.ts'
import { TableHandle } from '../table/table.ts'
import { checkSummaryEntries } from './check-write-options.ts'
import { definitionDifferences, verifyDeclared } from './declared-schema.ts'
import { createFilled, replaceTable } from './fill-table.ts'
import { parseTableConfig, type ParsedTableConfig } from './models.ts'
import { rowFilterOf, toRowSource, type DataInput } from './sources.ts'
import { defineTable, type TableDefinition } from './table-definition.ts'
import type { WriteInput } from './write-data.ts'

/** How `createTable` meets what is there already, and what the table begins with. */
export interface CreateTableOptions<RowIn = object> {
  /**
   * First rows: table and rows become visible in one commit, or neither. A table that `ifNotExists`
   * finds is left as it is. Iterables are read once, whatever happens.
   */
  readonly data?: DataInput<NoInfer<RowIn>> | undefined
  /**
   * Puts the table in the place of one that is there, in one commit: schema, partitioning and order
   * are the new ones, and nothing is on main but `data`. The uuid, the location, all snapshots, other
   * branches and tags stay, and so do properties that `config` does not name; columns of the same name
   * keep their ids where values of the old type are values of the new one.
   */
  readonly orReplace?: boolean | undefined
  /** Entries for the summary of the snapshot that `data` makes. */
  readonly snapshotProperties?: Readonly<Record<string, string>> | undefined
  /** Overrides of the table's `commit.retry.*` for this call. */
  readonly retry?: CommitRetryOptions | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /**
   * Return a table that is already there as it is; `creation` on the handle says how it differs.
   * SchemaMismatchError when rows of the declared schema would not fit it.
   */
  readonly ifNotExists?: boolean | undefined
  /** Create the namespace, and its parents, if they are not there. */
  readonly createNamespace?: boolean | undefined
  /** Allow an explicit location that another table uses, or that holds metadata already. */
  readonly allowSharedLocation?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** A validated configuration and the identifier it is for. */
export interface CreateTablePlan {
  readonly id: TableIdentifier
  readonly config: ParsedTableConfig
  readonly definition: TableDefinition
}

/** InvalidTableConfigError, InvalidLocationError. */
export function planCreateTable(config: unknown, defaults: Properties): CreateTablePlan {
  const parsed = parseTableConfig(config)
  const definition = defineTable(parsed, defaults)
  return { id: { namespace: toNamespace(parsed.namespace), name: parsed.name }, config: parsed, definition }
}

/** Carries a plan out. TableAlreadyExistsError, NoSuchNamespaceError, SchemaMismatchError. */
export async function executeCreateTable(
  runtime: Runtime,
  plan: CreateTablePlan,
  options: CreateTableOptions,
): Promise<TableHandle> {
  const input = inputOf(options)
  const meet = (existing: LoadedTable): Promise<TableHandle> =>
    options.orReplace === true
      ? replaceTable(runtime, plan, existing, input && { kind: 'source', input }, options)
      : existingTable(runtime, plan, existing)
  const meets = options.ifNotExists === true || options.orReplace === true
  if (meets) {
    const existing = await loadIfExists(runtime.catalog, plan.id, options.signal)
    if (existing !== null) return meet(existing)
  }
  const { location } = plan.definition.request
  if (location !== undefined && options.allowSharedLocation !== true) {
    await checkLocation(runtime, plan.id, location, options.signal)
  }
  if (options.createNamespace === true)
    await ensureNamespace(runtime.catalog, plan.id.namespace, options.signal)
  try {
    if (input !== null) return await createFilled(runtime, plan, input, options)
    const created = await runtime.catalog.createTable(plan.id, plan.definition.request, {
      signal: options.signal,
    })
    return await TableHandle.open(runtime, plan.id, created, {
      created: true,
      replaced: false,
      differences: [],
    })
  } catch (error) {
    // Somebody was faster: that is as good as having found it.
    if (!(error instanceof TableAlreadyExistsError) || !meets) throw error
    return meet(await runtime.catalog.loadTable(plan.id))
  }
}

/** The rows that the table begins with; null: none. Checked before anything is written. */
function inputOf(options: CreateTableOptions): WriteInput | null {
  if (options.ifNotExists === true && options.orReplace === true) {
    throw new InvalidArgumentError('ifNotExists and orReplace exclude each other')
  }
  checkSummaryEntries(options.snapshotProperties)
  const { data } = options
  return data === undefined ? null : { source: toRowSource(data), filter: rowFilterOf(data) }
}

async function existingTable(
  runtime: Runtime,
  plan: CreateTablePlan,
  loaded: LoadedTable,
): Promise<TableHandle> {
  const differences = definitionDifferences(plan.definition, loaded.metadata)
  const handle = await TableHandle.open(runtime, plan.id, loaded, {
    created: false,
    replaced: false,
    differences,
  })
  verifyDeclared(plan.definition.schema, handle.schema, handle.name)
  return handle
}

/** Only a definite "no such table" counts as absent. */
async function loadIfExists(
  catalog: Catalog,
  id: TableIdentifier,
  signal?: AbortSignal,
): Promise<LoadedTable | null> {
  try {
    return await catalog.loadTable(id, { signal })
  } catch (error) {
    if (error instanceof NoSuchTableError) return null
    throw error
  }
}

async function ensureNamespace(catalog: Catalog, namespace: Namespace, signal?: AbortSignal): Promise<void> {
  if (await catalog.namespaceExists(namespace, { signal })) return
  try {
    await catalog.createNamespace(namespace, {}, { signal })
  } catch (error) {
    // Another process created it in between, which is what was wanted.
    if (!(error instanceof NamespaceAlreadyExistsError)) throw error
  }
}

/** Two tables in one folder would delete each other's files. */
async function checkLocation(
  runtime: Runtime,
  id: TableIdentifier,
  location: string,
  signal?: AbortSignal,
): Promise<void> {
  for await (const other of tableLocations(runtime.catalog, signal)) {
    if (!isWithin(location, other.location) && !isWithin(other.location, location)) continue
    throw new InvalidTableConfigError(`location: it overlaps that of ${identifierToString(other.id)}`, {
      path: 'location',
      table: identifierToString(id),
      hint: 'Choose another location, or pass allowSharedLocation if the tables never write at once.',
    })
  }
  const { store } = await runtime.openStorage({ identifier: id, location, config: {}, credentials: [] })
  const prefix = `${location.replace(/\/+$/, '')}/metadata/`
  for await (const object of store.list(prefix, { signal })) {
    throw new InvalidLocationError('The location already holds metadata of a table', {
      table: identifierToString(id),
      file: object.location,
      hint: 'Register that table (registerTable, `floeberg register`), or choose another location.',
    })
  }
}
