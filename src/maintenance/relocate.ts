/**
 * Moving a table to another place: all its files are copied, and every location in them rewritten;
 * what came out is verified; then the catalog is told. Until then nobody sees anything of it, and the
 * source is never touched.
 */
import { createHash } from 'node:crypto'
import type { TableIdentifier } from '../catalog/catalog.ts'
import {
  InvalidArgumentError,
  ObjectNotFoundError,
  TableAlreadyExistsError,
  UnsupportedFeatureError,
} from '../errors.ts'
import { murmur3 } from '../format/transforms/murmur3.ts'
import { isWithin, joinLocation, newLocation } from '../storage/location.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { identifierKey, identifierToString, toIdentifier, type TableReference } from '../table/identifier.ts'
import { metadataLocation } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'
import { tableLocations } from './catalog-tables.ts'
import { hashOf, LocationHashes } from './location-hashes.ts'
import { ownFolders, withoutSlash } from './own-folders.ts'
import { PathMap, type MovedRoot } from './path-map.ts'
import { planHead } from './plan.ts'
import { historyContext, newManifests, statisticsFiles, visitFiles } from './reachability.ts'
import type { RelocatePlan, RelocationTotals } from './relocate-plan.ts'
import { expectWhole } from './whole-history.ts'

/** Where a table goes, and what becomes of its entry in the catalog. */
export interface RelocateOptions {
  /** The table's new location: a folder of its own, empty or from an earlier try. */
  readonly to: string
  /**
   * The new files become another table by this name, with an id of its own, and this table stays
   * where it is. Default: the table's own entry is pointed to them.
   */
  readonly as?: TableReference | undefined
  /**
   * Default true. False: the catalog is not told; the result says which metadata file to register, in
   * whichever catalog.
   */
  readonly register?: boolean | undefined
  /** Ends the call with OperationAbortedError. */
  readonly signal?: AbortSignal | undefined
}

/** Counts what is to be copied. Writes nothing. */
export async function planRelocate(state: TableState, options: RelocateOptions): Promise<RelocatePlan> {
  const { metadata, runtime, id } = state
  const to = newLocation(options.to)
  refuseUnwritable(state)
  expectWhole(state.loaded, id)
  const as = options.as === undefined ? null : toIdentifier(options.as)
  const registration = registrationOf(state, as, options)
  if (as !== null) await checkName(state, as, options.signal)
  await checkFree(state, to, options.signal)
  const roots = movedRoots(state, to)
  const folder = new PathMap(roots).of(metadataLocation(metadata.location, metadata.properties))
  const extension = metadata.properties['write.metadata.compression-codec'] === 'gzip' ? '.gz' : ''
  return {
    ...planHead('relocate', state),
    table: { namespace: [...id.namespace], name: id.name },
    to,
    roots,
    targetMetadataLocation: joinLocation(folder, `00000-${runtime.random.uuid()}${extension}.metadata.json`),
    targetUuid: relocatedUuid(metadata['table-uuid'], to),
    registration,
    as: as === null ? null : { namespace: [...as.namespace], name: as.name },
    snapshots: metadata.snapshots.length,
    files: await totalsOf(state, options.signal),
  }
}

/**
 * Of a table and a place, always the same, so that whoever comes again knows it. Never the table's
 * own: a writer that still works with the old files would commit them to the new table.
 */
function relocatedUuid(tableUuid: string, to: string): string {
  const hex = createHash('sha256').update(`${tableUuid} ${to}`).digest('hex')
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
  return parts.join('-')
}

function registrationOf(
  { runtime, name }: TableState,
  as: TableIdentifier | null,
  { register = true }: RelocateOptions,
): RelocatePlan['registration'] {
  if (!register) return 'none'
  if (as !== null) return 'register'
  if (runtime.catalog.metadataPointers !== undefined) return 'replace'
  throw new UnsupportedFeatureError('This catalog does not let its clients move a table to other files', {
    table: name,
    hint: 'Relocate with register: false (`--no-register`), drop the table without purge, and register the new metadata file.',
  })
}

function refuseUnwritable({ metadata, name }: TableState): void {
  if (metadata['format-version'] === 3 && metadata.snapshots.length > 0) {
    throw new UnsupportedFeatureError('Relocating tables of format version 3 is not supported yet', {
      table: name,
      hint: 'Their manifests cannot be written yet.',
    })
  }
  if (
    metadata.properties['encryption.key-id'] !== undefined ||
    (metadata['encryption-keys'] ?? []).length > 0
  ) {
    throw new UnsupportedFeatureError('Relocating encrypted tables is not supported', { table: name })
  }
}

/** NoSuchNamespaceError and TableAlreadyExistsError, before anything is copied for nothing. */
async function checkName(
  { runtime: { catalog } }: TableState,
  as: TableIdentifier,
  signal: AbortSignal | undefined,
): Promise<void> {
  await catalog.loadNamespace(as.namespace, { signal })
  if (await catalog.tableExists(as, { signal })) throw exists(as)
}

export function exists(id: TableIdentifier): TableAlreadyExistsError {
  return new TableAlreadyExistsError('There is a table by that name already', {
    table: identifierToString(id),
    hint: 'Choose another name, or drop that table.',
  })
}

/**
 * The table's folders, the outermost to `to` itself; others into folders of their own below it, so
 * that no two files meet in one place.
 */
function movedRoots({ metadata, runtime }: TableState, to: string): MovedRoot[] {
  const location = withoutSlash(metadata.location)
  const others = [...ownFolders(metadata), ...runtime.extraRoots.map(withoutSlash)]
    .filter((folder) => !isWithin(folder, location))
    .filter((folder, at, all) => all.indexOf(folder) === at)
  return [
    { from: location, to },
    ...others.map((from) => ({ from, to: joinLocation(to, 'data', `from-${hash(from)}`) })),
  ]
}

/**
 * InvalidArgumentError for a plan that would write elsewhere than below its new location, or would
 * give the moved table an id that others may know it by.
 */
export function checkTarget(state: TableState, plan: RelocatePlan): void {
  const same = JSON.stringify(plan.roots) === JSON.stringify(movedRoots(state, plan.to))
  const isOwnUuid = plan.targetUuid === relocatedUuid(state.metadata['table-uuid'], plan.to)
  if (same && isOwnUuid && isWithin(plan.targetMetadataLocation, plan.to)) return
  throw new InvalidArgumentError(
    'The plan moves other folders than the table has, or makes another table of it',
    {
      table: state.name,
      hint: 'Plan again, with the settings that it is carried out with.',
    },
  )
}

function hash(text: string): string {
  return (murmur3(new TextEncoder().encode(text)) >>> 0).toString(16).padStart(8, '0')
}

/** What stands in the target from an earlier try says so by this object; its name holds the table's id. */
export function markerOf(to: string, tableUuid: string): string {
  return joinLocation(to, `.floeberg-relocation-${tableUuid}`)
}

/** InvalidLocationError for a target that is another table's, the source's own, or somebody else's. */
export async function checkFree(
  state: TableState,
  to: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { metadata, runtime, id } = state
  for (const folder of ownFolders(metadata)) {
    if (overlap(folder, to)) throw taken(to, 'it overlaps with the table’s own folders')
  }
  for await (const other of tableLocations(runtime.catalog, signal)) {
    if (identifierKey(other.id) === identifierKey(id) || !overlap(other.location, to)) continue
    throw taken(to, `it overlaps with the location of ${identifierToString(other.id)}`)
  }
  const { store } = await runtime.openStorage({ identifier: id, location: to, config: {}, credentials: [] })
  if (await isThere(store, markerOf(to, metadata['table-uuid']), signal)) return
  for await (const _ of store.list(`${to}/`, { signal })) throw taken(to, 'there are files already')
}

async function isThere(
  store: ObjectStore,
  location: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await store.head(location, { signal })
    return true
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return false
    throw error
  }
}

function overlap(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a)
}

function taken(file: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`The table cannot move there: ${why}`, {
    file,
    hint: 'Choose an empty folder.',
  })
}

async function totalsOf(state: TableState, signal: AbortSignal | undefined): Promise<RelocationTotals> {
  const { metadata } = state
  const context = historyContext(state, metadata, signal)
  const counts = {
    dataFiles: { count: 0, bytes: 0 },
    positionDeleteFiles: { count: 0, bytes: 0 },
    equalityDeleteFiles: { count: 0, bytes: 0 },
    manifests: { count: 0, bytes: 0 },
    manifestLists: { count: 0, bytes: 0 },
    statisticsFiles: { count: statisticsFiles(metadata).length, bytes: 0 },
  }
  const kinds = {
    data: counts.dataFiles,
    'position-deletes': counts.positionDeleteFiles,
    'equality-deletes': counts.equalityDeleteFiles,
  }
  counts.manifestLists.count = metadata.snapshots.filter((each) => each['manifest-list'] !== undefined).length
  const seen = new LocationHashes()
  for await (const manifests of newManifests(context, metadata.snapshots, new Set())) {
    for (const { length } of manifests) add(counts.manifests, length)
    await visitFiles(context, manifests, ({ location, content, fileSizeInBytes }) => {
      if (seen.add(hashOf(location)) === 'new') add(kinds[content], fileSizeInBytes)
    })
  }
  return counts
}

function add(total: { count: number; bytes: number }, bytes: number): void {
  total.count += 1
  total.bytes += bytes
}
