/** Takes out of a listing whatever a table of the catalog reaches. */
import type { Catalog, LoadedTable, TableIdentifier } from '../catalog/catalog.ts'
import {
  CorruptFileError,
  type FloebergError,
  InvalidLocationError,
  MissingFileError,
  NoSuchTableError,
} from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { identifierKey, identifierToString } from '../table/identifier.ts'
import type { Runtime } from '../table/runtime.ts'
import { TableHandle } from '../table/table.ts'
import type { TableState } from '../table/table-state.ts'
import { catalogTables, folderOfBroken } from './catalog-tables.ts'
import type { LocationForms } from './location-forms.ts'
import type { LocationKeys } from './location-keys.ts'
import type { OrphanSharing, PrefixMismatch } from './orphan-plan.ts'
import { ownFolders } from './own-folders.ts'
import { checkPurgeAllowed } from './purge.ts'
import { historyContext } from './reachability.ts'
import { newestState } from './newest-state.ts'
import { newVisited, visitReachable, type Visited } from './reachable.ts'
import { expectWhole } from './whole-history.ts'

const NOTE =
  'Tables of other catalogs cannot be seen from here: if one has files below these folders, they are among the items.'

interface ReachabilityRequest {
  readonly locations: readonly string[]
  readonly forms: LocationForms
  readonly prefixMismatch: PrefixMismatch
  readonly checkAllTables: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * What stays in `keys` is reached by no table. The state of every table is the catalog's newest one:
 * this is called when the listing is complete.
 */
export async function removeReachable(
  state: TableState,
  keys: LocationKeys,
  request: ReachabilityRequest,
): Promise<OrphanSharing> {
  const { runtime, id } = state
  const mismatches = new Mismatches(keys, request)
  const visited = newVisited()
  const removeOwn = async (): Promise<void> => {
    const { loaded } = await newestState(state, request.signal)
    checkPurgeAllowed(loaded.metadata)
    await removeReachableOf(runtime, id, loaded, mismatches, request, visited)
  }
  await removeOwn()
  const tablesRead: string[] = []
  const tablesUnreadable: string[] = []
  for await (const other of otherTables(runtime.catalog, id, request.signal)) {
    const found = await loadOther(runtime, other.id, request)
    if (found === null) other.isGone()
    if (found === 'unreadable') tablesUnreadable.push(identifierToString(other.id))
    if (found === null || found === 'unreadable') continue
    const isNear = isNearby(runtime, found.metadata, request)
    if (!isNear && !request.checkAllTables) continue
    try {
      await removeReachableOf(runtime, other.id, found, mismatches, request)
      tablesRead.push(identifierToString(other.id))
    } catch (error) {
      // Of damage far away this removal need not know more than that it is there.
      if (isNear || !isBroken(error)) throw error
      tablesUnreadable.push(identifierToString(other.id))
    }
  }
  // All of that takes its time, and somebody may have added a file that was nobody's.
  await removeOwn()
  mismatches.check()
  return { tablesRead, tablesUnreadable, note: NOTE }
}

interface OtherTable {
  readonly id: TableIdentifier
  /** To be said of one that is not there any more: it may have got another name. */
  isGone(): void
}

/**
 * Every table but one. The catalog is listed until it shows no name that is new: a table that is
 * renamed meanwhile would be missed where its new name had its turn already.
 */
async function* otherTables(
  catalog: Catalog,
  id: TableIdentifier,
  signal: AbortSignal | undefined,
): AsyncGenerator<OtherTable> {
  const seen = new Set([identifierKey(id)])
  const gone = new Set<string>()
  // What was missed in the first look can only be told by a second.
  for (let looks = 0, isNew = true; isNew || looks < 2; looks += 1) {
    isNew = false
    for await (const other of catalogTables(catalog, signal)) {
      const key = identifierKey(other)
      if (seen.has(key)) continue
      isNew = true
      seen.add(key)
      yield {
        id: other,
        isGone: () => {
          // It may come back by its old name; what is listed and twice not there, is not there.
          if (!gone.has(key)) seen.delete(key)
          gone.add(key)
        },
      }
    }
  }
}

async function removeReachableOf(
  runtime: Runtime,
  id: TableIdentifier,
  loaded: LoadedTable,
  mismatches: Mismatches,
  { signal }: ReachabilityRequest,
  visited?: Visited,
): Promise<void> {
  expectWhole(loaded, id)
  const { state } = await TableHandle.open(runtime, id, loaded)
  const context = historyContext(state, loaded.metadata, signal)
  await visitReachable(context, loaded, (location) => mismatches.reached(location), visited)
}

/** null for a table that is gone by now. */
async function loadOther(
  runtime: Runtime,
  id: TableIdentifier,
  request: ReachabilityRequest,
): Promise<LoadedTable | 'unreadable' | null> {
  try {
    return await runtime.catalog.loadTable(id, { snapshots: 'all', signal: request.signal })
  } catch (error) {
    if (error instanceof NoSuchTableError) return null
    if (!isBroken(error)) throw error
    if (isElsewhere(error, request)) return 'unreadable'
    throw new CorruptFileError(
      `What the table ${identifierToString(id)} reaches cannot be told, since its metadata cannot be read`,
      {
        table: identifierToString(id),
        file: error.file,
        hint: 'Repair that table (repairTable, `floeberg repair`), or drop it, first: its files may lie in the same folders.',
        cause: error,
      },
    )
  }
}

function isBroken(error: unknown): error is FloebergError {
  return error instanceof MissingFileError || error instanceof CorruptFileError
}

/** Of a broken table nothing is known but where its metadata file should be: in a folder of its own. */
function isElsewhere({ file }: FloebergError, request: ReachabilityRequest): boolean {
  if (file === undefined) return false
  return !isListed(folderOfBroken(file), request)
}

function isNearby({ extraRoots }: Runtime, metadata: TableMetadata, request: ReachabilityRequest): boolean {
  // Whatever may point into a root that all tables are allowed, may point here.
  return [...ownFolders(metadata), ...extraRoots].some((folder) => isListed(folder, request))
}

/**
 * Whether files of a folder may be among those that were listed: by its path alone, since the store
 * may be known by another scheme or authority, which only shows once the table is read.
 */
function isListed(folder: string, { locations, forms }: ReachabilityRequest): boolean {
  const path = pathOf(folder, forms)
  // What is no location may be anywhere.
  if (path === null) return true
  return locations.some((listed) => {
    const other = pathOf(listed, forms) ?? ''
    return path.startsWith(other) || other.startsWith(path)
  })
}

/** With a slash at its end. */
function pathOf(location: string, forms: LocationForms): string | null {
  try {
    return `${forms.of(location).path}/`.replace(/\/+$/, '/')
  } catch (error) {
    if (error instanceof InvalidLocationError) return null
    throw error
  }
}

/** Tells what was listed and is reachable from what only seems to be it. */
class Mismatches {
  readonly #keys: LocationKeys
  readonly #request: ReachabilityRequest
  readonly #pairs = new Set<string>()

  constructor(keys: LocationKeys, request: ReachabilityRequest) {
    this.#keys = keys
    this.#request = request
  }

  reached(location: string): void {
    const form = this.#request.forms.of(location)
    this.#keys.delete(form)
    for (const prefix of this.#keys.prefixes) {
      const listed = { prefix, path: form.path }
      if (prefix === form.prefix || !this.#keys.has(listed)) continue
      this.#pairs.add(`${prefix} and ${form.prefix}`)
      if (this.#request.prefixMismatch === 'ignore') this.#keys.delete(listed)
    }
  }

  /** InvalidLocationError for mismatches that nobody has said how to take. */
  check(): void {
    if (this.#pairs.size === 0 || this.#request.prefixMismatch !== 'error') return
    throw new InvalidLocationError(
      `Files are listed under one scheme or authority and reachable under another: ${[...this.#pairs].sort().join('; ')}`,
      {
        hint: 'If both are the same store, say so by equalSchemes or equalAuthorities (`--equal-schemes`, `--equal-authorities`); if not, set prefixMismatch (`--prefix-mismatch`) to delete; ignore lets them stay.',
      },
    )
  }
}
