/**
 * Carries a removal of orphan files out: of the plan's items, those that are still as they were
 * listed and that still nothing reaches.
 */
import { throwIfAborted } from '../abort.ts'
import { FloebergError } from '../errors.ts'
import { isWithin } from '../storage/location.ts'
import type { ObjectInfo } from '../storage/object-store.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'
import { LocationForms } from './location-forms.ts'
import { LocationKeys } from './location-keys.ts'
import { isOld, objectsIn } from './orphan-files.ts'
import { orphanFilesPlanSchema, type OrphanFile, type OrphanFilesPlan } from './orphan-plan.ts'
import { removeReachable } from './orphan-reachability.ts'
import { parsePlan, type ExecuteOptions } from './plan.ts'
import { checkPurgeAllowed } from './purge.ts'

/** What a removal of orphan files did. */
export interface OrphanFilesResult {
  readonly deletedFiles: number
  /** Of the files that were deleted. */
  readonly deletedBytes: number
  /** Items of the plan that were not deleted, and why. */
  readonly skipped: readonly SkippedOrphan[]
  /** The first failure of a deletion; null when there was none. The others were made all the same. */
  readonly failure: Error | null
}

/** An item that stays, or is gone without us. */
export interface SkippedOrphan {
  readonly location: string
  /**
   * `reachable`: some table has it by now; `changed`: it was put again; `gone`: it is not there any
   * more; `outside`: it is not below the folders of the plan and of the table; `failed`: the store
   * could not delete it.
   */
  readonly reason: 'reachable' | 'changed' | 'gone' | 'outside' | 'failed'
}

const BATCH = 500

/** Lists again, then reads what is reachable again, then deletes. OperationAbortedError between batches. */
export async function executeOrphanFiles(
  state: TableState,
  given: OrphanFilesPlan,
  options: ExecuteOptions,
): Promise<OrphanFilesResult> {
  const plan = parsePlan(orphanFilesPlanSchema, given)
  checkPurgeAllowed(state.metadata)
  const removal = new Removal(state, plan, options)
  await removal.look()
  return removal.deleteAll()
}

class Removal {
  readonly #state: TableState
  readonly #plan: OrphanFilesPlan
  readonly #options: ExecuteOptions
  readonly #forms: LocationForms
  readonly #skipped: SkippedOrphan[] = []
  #items: readonly OrphanFile[]
  #deletedFiles = 0
  #deletedBytes = 0
  #failure: Error | null = null

  constructor(state: TableState, plan: OrphanFilesPlan, options: ExecuteOptions) {
    this.#state = state
    this.#plan = plan
    this.#options = options
    this.#forms = new LocationForms(plan)
    const roots = new AllowedRoots(state.metadata, state.runtime.extraRoots)
    this.#items = plan.items.filter(({ location }) => {
      const inside = roots.allows(location) && plan.locations.some((folder) => isWithin(location, folder))
      return inside || this.#skip(location, 'outside')
    })
  }

  /** Leaves out what is not to be deleted any more. */
  async look(): Promise<void> {
    const found = await this.#listed()
    const olderThan = new Date(this.#plan.olderThan)
    const keys = new LocationKeys()
    this.#items = this.#items.filter((item) => {
      const info = found.get(item.location)
      if (info === undefined) return this.#skip(item.location, 'gone')
      const isSame = info.size === item.size && info.lastModified.toISOString() === item.lastModified
      if (!isSame || !isOld(info, olderThan)) return this.#skip(item.location, 'changed')
      if (item.reason === 'unreachable') keys.add(this.#forms.of(item.location))
      return true
    })
    const { signal } = this.#options
    await removeReachable(this.#state, keys, { ...this.#plan, forms: this.#forms, signal })
    this.#items = this.#items.filter(({ location, reason }) => {
      const stays = reason === 'unreachable' && !keys.has(this.#forms.of(location))
      return !stays || this.#skip(location, 'reachable')
    })
  }

  /** The plan's items as the store has them now. */
  async #listed(): Promise<ReadonlyMap<string, ObjectInfo>> {
    const { store } = this.#state.storage
    const { signal } = this.#options
    const wanted = new Map(this.#items.map((item) => [item.location, item.reason]))
    const found = new Map<string, ObjectInfo>()
    for (const folder of this.#plan.locations) {
      for await (const info of objectsIn(store, folder, signal)) {
        if (wanted.get(info.location) === 'unreachable') found.set(info.location, info)
      }
      for await (const info of store.listTemporary?.(`${folder}/`, { signal }) ?? []) {
        if (wanted.get(info.location) === 'unfinished') found.set(info.location, info)
      }
    }
    return found
  }

  async deleteAll(): Promise<OrphanFilesResult> {
    const { signal, onProgress } = this.#options
    const total = this.#items.length
    for (let done = 0; done < total; done += BATCH) {
      throwIfAborted(signal)
      await this.#deleteBatch(this.#items.slice(done, done + BATCH))
      onProgress?.({ unit: 'files', done: Math.min(total, done + BATCH), total })
    }
    return {
      deletedFiles: this.#deletedFiles,
      deletedBytes: this.#deletedBytes,
      skipped: this.#skipped,
      failure: this.#failure,
    }
  }

  async #deleteBatch(items: readonly OrphanFile[]): Promise<void> {
    const sizes = new Map(items.map(({ location, size }) => [location, size]))
    try {
      const { deleted, failed } = await this.#state.storage.store.delete([...sizes.keys()])
      this.#deletedFiles += deleted.length
      for (const location of deleted) this.#deletedBytes += sizes.get(location) ?? 0
      for (const { location, error } of failed) this.#failed([location], error)
    } catch (error) {
      this.#failed([...sizes.keys()], error)
    }
  }

  /** Anything but an error of storage is a fault of ours, and must not be swallowed. */
  #failed(locations: readonly string[], error: unknown): void {
    if (!(error instanceof FloebergError)) throw error
    this.#failure ??= error
    for (const location of locations) this.#skip(location, 'failed')
  }

  #skip(location: string, reason: SkippedOrphan['reason']): false {
    this.#skipped.push({ location, reason })
    return false
  }
}
