/** Creating tables: everything that can be refused is refused before anything is written. */
import type { Catalog, LoadedTable, Namespace, TableIdentifier } from '../catalog/catalog.ts'
import {
  InvalidLocationError,
  InvalidTableConfigError,
  NamespaceAlreadyExistsError,
  NoSuchTableError,
  TableAlreadyExistsError,
} from '../errors.ts'
import { tableLocations } from '../maintenance/catalog-tables.ts'
import { isWithin } from '../storage/location.ts'
import { identifierToString, toNamespace } from '../table/identifier.ts'
import type { Runtime } from '../table/runtime.ts'
import { TableHandle } from '../table/table.ts'
import { definitionDifferences, verifyDeclared } from './declared-schema.ts'
import { parseTableConfig, type ParsedTableConfig } from './models.ts'
import { defineTable, type TableDefinition } from './table-definition.ts'

/** How `createTable` meets what is there already. */
export interface CreateTableOptions {
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
export function planCreateTable(config: unknown): CreateTablePlan {
  const parsed = parseTableConfig(config)
  const definition = defineTable(parsed)
  return { id: { namespace: toNamespace(parsed.namespace), name: parsed.name }, config: parsed, definition }
}

/** Carries a plan out. TableAlreadyExistsError, NoSuchNamespaceError, SchemaMismatchError. */
export async function executeCreateTable(
  runtime: Runtime,
  plan: CreateTablePlan,
  options: CreateTableOptions,
): Promise<TableHandle> {
  if (options.ifNotExists === true) {
    const existing = await loadIfExists(runtime.catalog, plan.id, options.signal)
    if (existing !== null) return existingTable(runtime, plan, existing)
  }
  const { location } = plan.definition.request
  if (location !== undefined && options.allowSharedLocation !== true) {
    await checkLocation(runtime, plan.id, location, options.signal)
  }
  if (options.createNamespace === true)
    await ensureNamespace(runtime.catalog, plan.id.namespace, options.signal)
  try {
    const created = await runtime.catalog.createTable(plan.id, plan.definition.request, {
      signal: options.signal,
    })
    return await TableHandle.open(runtime, plan.id, created, { created: true, differences: [] })
  } catch (error) {
    // Somebody was faster: with ifNotExists that is as good as having found it.
    if (!(error instanceof TableAlreadyExistsError) || options.ifNotExists !== true) throw error
    return existingTable(runtime, plan, await runtime.catalog.loadTable(plan.id))
  }
}

async function existingTable(
  runtime: Runtime,
  plan: CreateTablePlan,
  loaded: LoadedTable,
): Promise<TableHandle> {
  const differences = definitionDifferences(plan.definition, loaded.metadata)
  const handle = await TableHandle.open(runtime, plan.id, loaded, { created: false, differences })
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
      hint: 'Register that table with registerTable, or choose another location.',
    })
  }
}
