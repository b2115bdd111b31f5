/** The deletion of an expiry's files, after its commit. */
import type { LoadedTable } from '../catalog/catalog.ts'
import { FloebergError } from '../errors.ts'
import { boolProperty } from '../format/properties.ts'
import { snapshotById } from '../format/metadata/views.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'
import type { Candidate, Staying } from './expire-candidates.ts'
import { withOverlap, type ListedCandidates } from './expire-overlap.ts'
import type { ExpirePlan, FileTotals } from './expire-plan.ts'
import { countFile, emptyTotals } from './file-totals.ts'
import { hashOf, LocationHashes } from './location-hashes.ts'
import { newestState } from './newest-state.ts'
import type { MaintenanceProgress } from './plan.ts'
import { historyContext, inSlices, metadataFiles, statisticsFiles } from './reachability.ts'
import { unreachedFiles } from './unreached-files.ts'
import { expectEverySnapshot } from './whole-history.ts'

/** What a sweep did. */
export interface SweepResult {
  /** Files that are gone, those that were not there any more included. */
  readonly deletedFiles: FileTotals
  /** Names of files that should be gone and stay, the first thousand. */
  readonly keptFiles: readonly string[]
  readonly keptFileCount: number
  /** The first thing that failed; null when nothing did. */
  readonly failure: Error | null
  /** Why nothing, or not all, was deleted although nothing failed; empty when all was. */
  readonly reasons: readonly string[]
}

export interface SweepOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: MaintenanceProgress) => void) | undefined
}

const FILES_IN_A_CALL = 1000
const NAMES_KEPT = 1000

/**
 * Deletes candidates that nothing reaches any more in the metadata that the commit answered with, nor
 * in what others have committed by the time that they are to go: somebody may add a file again.
 * `state` is what the execution began with. Nothing is thrown but what is a fault of ours: the
 * snapshots are gone, and the caller has to hear that.
 */
export async function sweep(
  state: TableState,
  answer: LoadedTable,
  plan: ExpirePlan,
  listed: ListedCandidates,
  options: SweepOptions,
): Promise<SweepResult> {
  const after = await wholeHistory(state, answer)
  if (after instanceof FloebergError) return { ...NOTHING_SWEPT, failure: after }
  const run = new Sweep(state.storage.store, new AllowedRoots(after.metadata, state.runtime.extraRoots), {
    ...options,
    names: plan.files?.names ?? null,
  })
  if (!boolProperty(after.metadata.properties, 'gc.enabled'))
    return run.stopped('gc.enabled is false: files may be shared and are not deleted')
  const lost = lostRefs(state, after, plan)
  if (lost.unknown.length > 0) {
    return run.stopped(
      `${lost.unknown.join(', ')} went meanwhile, and what it reached cannot be told any more`,
    )
  }
  const staying: readonly Staying[] = [
    {
      context: historyContext(state, after.metadata, options.signal),
      snapshots: after.metadata.snapshots,
      metadataFiles: metadataFiles(after),
    },
    {
      context: historyContext(state, state.metadata, options.signal),
      snapshots: lost.snapshots,
      metadataFiles: metadataFiles(state.loaded),
    },
  ]
  const later = committedSince(state, after, options.signal)
  const source = withOverlap(state, after.metadata, listed, options.signal)
  return run.all(unreachedFiles(source, staying, { later, signal: options.signal }))
}

/** Asks for the snapshots that the table has got since the last time; at first since `start`. */
function committedSince(
  state: TableState,
  start: LoadedTable,
  signal: AbortSignal | undefined,
): () => Promise<readonly Staying[]> {
  let last = start
  return async () => {
    const { loaded: now } = await newestState(state, signal)
    if (now.metadataLocation !== null && now.metadataLocation === last.metadataLocation) return []
    expectEverySnapshot(now, state.id)
    const known = new Set(last.metadata.snapshots.map((snapshot) => snapshot['snapshot-id']))
    const context = historyContext(state, now.metadata, signal)
    last = now
    return [
      {
        context,
        snapshots: now.metadata.snapshots.filter((snapshot) => !known.has(snapshot['snapshot-id'])),
        metadataFiles: [...metadataFiles(now), ...statisticsFiles(now.metadata)],
      },
    ]
  }
}

/** What a sweep did that never began. */
export const NOTHING_SWEPT: SweepResult = {
  deletedFiles: emptyTotals(),
  keptFiles: [],
  keptFileCount: 0,
  failure: null,
  reasons: [],
}

/** A catalog may answer without all snapshots; or why it does not answer with them. */
async function wholeHistory(state: TableState, answer: LoadedTable): Promise<LoadedTable | FloebergError> {
  if (answer.snapshotsComplete) return answer
  try {
    const { loaded } = await newestState(state, undefined)
    expectEverySnapshot(loaded, state.id)
    return loaded
  } catch (error) {
    if (error instanceof FloebergError) return error
    throw error
  }
}

interface LostRefs {
  /** Snapshots that a ref names, or named when the plan was made, and that are not there any more. */
  readonly snapshots: readonly Snapshot[]
  /** Refs that named a snapshot of which nothing is known. */
  readonly unknown: readonly string[]
}

/**
 * Refs that others removed since the plan was made, and refs that a catalog let appear on a snapshot
 * that leaves: whoever made them may still count on the files.
 */
function lostRefs(state: TableState, after: LoadedTable, plan: ExpirePlan): LostRefs {
  const planned = new Set(plan.expiredRefs.map((ref) => ref.name))
  const vanished = Object.entries(plan.refs)
    .filter(([name]) => !planned.has(name) && !Object.hasOwn(after.metadata.refs, name))
    .map(([name, id]) => [name, BigInt(id)] as const)
  const present = Object.entries(after.metadata.refs).map(
    ([name, ref]) => [name, ref['snapshot-id']] as const,
  )
  const missing = [...vanished, ...present].filter(([, id]) => snapshotById(after.metadata, id) === null)
  const snapshots = missing.flatMap(([, id]) => snapshotById(state.metadata, id) ?? [])
  const unknown = missing.filter(([, id]) => snapshotById(state.metadata, id) === null).map(([name]) => name)
  return { snapshots, unknown }
}

interface RunOptions extends SweepOptions {
  /** All that may be deleted; null: the plan has no list of them. */
  readonly names: readonly string[] | null
}

class Sweep {
  readonly #store: ObjectStore
  readonly #roots: AllowedRoots
  readonly #options: RunOptions
  readonly #named: LocationHashes | null
  readonly #deleted = emptyTotals()
  readonly #kept: string[] = []
  #keptCount = 0
  #outside = 0
  #unnamed = 0
  #done = 0
  #failure: Error | null = null

  constructor(store: ObjectStore, roots: AllowedRoots, options: RunOptions) {
    this.#store = store
    this.#roots = roots
    this.#options = options
    this.#named = options.names === null ? null : hashesOf(options.names)
  }

  async all(unreached: AsyncIterable<readonly Candidate[]>): Promise<SweepResult> {
    try {
      for await (const batch of unreached)
        for (const some of inSlices(batch, FILES_IN_A_CALL)) await this.#delete(some)
    } catch (error) {
      if (!(error instanceof FloebergError)) throw error
      this.#failure ??= error
    }
    const left = [
      [this.#outside, `${this.#outside} files lie outside of the table's own locations`],
      [this.#unnamed, `${this.#unnamed} files are not among those that the plan lists`],
    ] as const
    return this.#result(left.flatMap(([count, reason]) => (count === 0 ? [] : [reason])))
  }

  stopped(reason: string): SweepResult {
    return this.#result([reason])
  }

  async #delete(candidates: readonly Candidate[]): Promise<void> {
    const named = candidates.filter(({ location }) => this.#named?.has(hashOf(location)) ?? true)
    this.#unnamed += candidates.length - named.length
    const allowed = named.filter(({ location }) => this.#roots.allows(location))
    const outside = named.filter(({ location }) => !this.#roots.allows(location))
    this.#outside += outside.length
    for (const { location } of outside) this.#keep(location)
    if (allowed.length === 0) return
    const report = await this.#call(allowed.map(({ location }) => location))
    const failed = new Set(report.failed.map(({ location }) => location))
    for (const { location, error } of report.failed) {
      this.#keep(location)
      this.#failure ??= error
    }
    for (const { kind, location, bytes } of allowed)
      if (!failed.has(location)) countFile(this.#deleted, kind, bytes)
    this.#done += allowed.length
    this.#options.onProgress?.({ unit: 'files', done: this.#done, total: null })
  }

  async #call(locations: readonly string[]) {
    try {
      return await this.#store.delete(locations, { signal: this.#options.signal })
    } catch (error) {
      for (const location of locations) this.#keep(location)
      throw error
    }
  }

  #keep(location: string): void {
    this.#keptCount += 1
    if (this.#kept.length < NAMES_KEPT) this.#kept.push(location)
  }

  #result(reasons: readonly string[]): SweepResult {
    return {
      deletedFiles: this.#deleted,
      keptFiles: this.#kept,
      keptFileCount: this.#keptCount,
      failure: this.#failure,
      reasons,
    }
  }
}

function hashesOf(locations: readonly string[]): LocationHashes {
  const hashes = new LocationHashes()
  for (const location of locations) hashes.add(hashOf(location))
  return hashes
}
