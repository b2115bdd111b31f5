/**
 * Files below a table's folders that nothing reaches: leftovers of writes that were killed, or that
 * could not clean up behind themselves.
 *
 * The listing comes first and reachability after it: a file that a commit made reachable while we
 * listed is then known as such. A file younger than the limit may belong to a write under way that
 * has not committed yet, and is never touched.
 */
import { throwIfAborted } from '../abort.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'
import { parseTime } from '../table/time-travel.ts'
import { LocationForms, type EqualNames, type FormOptions } from './location-forms.ts'
import { LocationKeys } from './location-keys.ts'
import type { OrphanFile, OrphanFilesPlan, PrefixMismatch } from './orphan-plan.ts'
import { removeReachable } from './orphan-reachability.ts'
import { ownFolders, withoutSlash } from './own-folders.ts'
import { planHead } from './plan.ts'
import { StoreProbe } from './store-probe.ts'
import { checkPurgeAllowed } from './purge.ts'

/** Which files count as orphans. */
export interface OrphanFilesOptions extends FormOptions {
  /** Files younger than this stay, by the store's own clock. Default 3. */
  readonly olderThanDays?: number | undefined
  /** Files put later than this stay; a bare date is UTC midnight. Excludes `olderThanDays`. */
  readonly olderThan?: Date | string | undefined
  /**
   * Default false: a limit of less than a day is refused. True allows any, 0 days included: only when
   * it is certain that nobody is writing to the table, since files of writes under way are taken for
   * orphans.
   */
  readonly allowRecentFiles?: boolean | undefined
  /** One folder to look in, within the table's own. Default: its location and its configured paths. */
  readonly location?: string | undefined
  /**
   * What to make of a file whose path is reachable under another scheme or authority than it was
   * listed under: refuse (`error`, default), let it stay (`ignore`), or take it for an orphan.
   */
  readonly prefixMismatch?: PrefixMismatch | undefined
  /**
   * Default true: every other table of the catalog is asked what it reaches, since a table may have
   * taken on files that lie in another's folders. False: only those whose folders overlap with what is
   * listed, for large catalogs in which no table has.
   */
  readonly checkAllTables?: boolean | undefined
  /** Ends the call with OperationAbortedError. */
  readonly signal?: AbortSignal | undefined
}

const DAY_MS = 24 * 60 * 60 * 1000
const DEFAULT_AGE_DAYS = 3

/** Lists, then reads what is reachable. Writes nothing but a probe, which tells the store's time. */
export async function planOrphanFiles(
  state: TableState,
  options: OrphanFilesOptions,
): Promise<OrphanFilesPlan> {
  checkPurgeAllowed(state.metadata)
  const { store } = state.storage
  const { signal } = options
  const locations = foldersOf(state, options.location)
  const request = {
    locations,
    prefixMismatch: options.prefixMismatch ?? 'error',
    equalSchemes: copied(options.equalSchemes),
    equalAuthorities: copied(options.equalAuthorities),
    checkAllTables: options.checkAllTables ?? true,
  }
  const forms = new LocationForms(request)
  const { olderThan, keys } = await oldFiles(state, locations, forms, options)
  const sharing = await removeReachable(state, keys, { ...request, forms, signal })
  const items: OrphanFile[] = []
  for (const folder of locations) {
    for await (const info of objectsIn(store, folder, signal)) {
      if (isOld(info, olderThan) && keys.has(forms.of(info.location))) items.push(item(info, 'unreachable'))
    }
    for await (const info of store.listTemporary?.(`${folder}/`, { signal }) ?? []) {
      if (isOld(info, olderThan)) items.push(item(info, 'unfinished'))
    }
  }
  return {
    ...planHead('orphans', state),
    table: { namespace: [...state.id.namespace], name: state.id.name },
    ...request,
    locations: [...locations],
    olderThan: olderThan.toISOString(),
    items: items.toSorted((a, b) => (a.location < b.location ? -1 : 1)),
    bytes: items.reduce((sum, { size }) => sum + size, 0),
    sharing,
  }
}

function copied(groups: EqualNames = []): string[][] {
  return groups.map((group) => [...group])
}

function item({ location, size, lastModified }: ObjectInfo, reason: OrphanFile['reason']): OrphanFile {
  return { location, size, lastModified: lastModified.toISOString(), reason }
}

/** Old enough to go. */
export function isOld({ lastModified }: ObjectInfo, olderThan: Date): boolean {
  return lastModified.getTime() <= olderThan.getTime()
}

/**
 * Folders that are listed, without trailing slashes and none within another. InvalidArgumentError
 * for a folder that is not the table's.
 */
function foldersOf(state: TableState, location: string | undefined): readonly string[] {
  const { metadata, runtime } = state
  if (location !== undefined) {
    if (!new AllowedRoots(metadata, runtime.extraRoots).allows(location)) {
      throw new InvalidArgumentError('The folder is not one of the table’s own', {
        file: location,
        hint: 'Name a folder below the location, write.data.path or write.metadata.path of the table.',
      })
    }
    return [withoutSlash(location)]
  }
  return ownFolders(metadata)
}

/** The newest time at which a file may have been put that is to go. */
function cutOff(now: number, options: OrphanFilesOptions): Date {
  const time = limitOf(now, options)
  if (time > now - DAY_MS && options.allowRecentFiles !== true) {
    throw new InvalidArgumentError(
      'Files of less than a day may belong to writes that are under way, and would be lost to them',
      {
        hint: 'Choose a limit of a day or more; or, if nobody writes, set allowRecentFiles (--allow-recent).',
      },
    )
  }
  // Whatever is put from now on is younger than any limit.
  return new Date(Math.min(time, now))
}

function limitOf(now: number, { olderThanDays, olderThan }: OrphanFilesOptions): number {
  if (olderThan !== undefined && olderThanDays !== undefined) {
    throw new InvalidArgumentError('olderThanDays and olderThan exclude each other', {
      hint: 'Give one of them.',
    })
  }
  if (olderThan !== undefined) return parseTime(olderThan)
  const days = olderThanDays ?? DEFAULT_AGE_DAYS
  if (Number.isFinite(days) && days >= 0) return now - days * DAY_MS
  throw new InvalidArgumentError('olderThanDays is a number of days, 0 or more', {
    hint: 'Fractions are allowed: 0.5 is twelve hours.',
  })
}

/** What is listed and old, and how old that is by the store's own clock. */
async function oldFiles(
  state: TableState,
  locations: readonly string[],
  forms: LocationForms,
  options: OrphanFilesOptions,
): Promise<{ readonly olderThan: Date; readonly keys: LocationKeys }> {
  const { store } = state.storage
  const { signal } = options
  const probe = new StoreProbe(store, ownFolders(state.metadata), () => state.runtime.random.uuid())
  try {
    const olderThan = cutOff(await probe.put({ signal }), options)
    const keys = new LocationKeys()
    for (const folder of locations) {
      for await (const info of objectsIn(store, folder, signal)) {
        if (!probe.isProbe(info.location) && isOld(info, olderThan)) keys.add(forms.of(info.location))
      }
    }
    probe.checkSeen(locations)
    return { olderThan, keys }
  } finally {
    await probe.remove()
  }
}

/**
 * Objects below a folder, without those that other systems hide there: names that begin with a dot or
 * an underscore, but for partition folders (`_day=1`).
 */
export async function* objectsIn(
  store: ObjectStore,
  folder: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo> {
  const prefix = `${folder}/`
  for await (const info of store.list(prefix, { signal })) {
    throwIfAborted(signal)
    const below = info.location.slice(prefix.length).split('/')
    if (!below.some(isHidden)) yield info
  }
}

function isHidden(segment: string): boolean {
  if (segment.startsWith('.')) return !segment.startsWith(OWN_HIDDEN)
  return segment.startsWith('_') && !segment.includes('=')
}

/** Marks of ours, where a store lists them. */
const OWN_HIDDEN = '.floeberg-'
