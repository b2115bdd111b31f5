/** What a snapshot's files are, for upkeep: every data file with its deletes, and every delete file. */
import type { FileScanTask } from '../engine/data-plane.ts'
import type { BoundExpression } from '../format/expressions/expression.ts'
import { contentFileKey, type ContentFile, type ManifestEntry } from '../format/manifest/entry.ts'
import { currentSchema } from '../format/metadata/views.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import type { ManifestBytes } from '../table/manifest-bytes.ts'
import { entriesOf, hasLiveFiles, manifestsOf, type ManifestContext } from '../table/manifest-reader.ts'
import { planScan } from '../table/plan.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'

const EVERYTHING: BoundExpression = { op: 'true' }

/** For reading the manifests of a state. */
export function contextOf(
  state: TableState,
  signal: AbortSignal | undefined,
  kept?: ManifestBytes,
): ManifestContext {
  const { runtime, storage, metadata } = state
  return {
    runtime,
    store: storage.store,
    metadata,
    roots: new AllowedRoots(metadata, runtime.extraRoots),
    signal,
    kept,
  }
}

/** The data files of a snapshot that may hold rows of a filter, in the order of its lists. */
export async function liveTasks(
  context: ManifestContext,
  snapshot: Snapshot,
  filter: BoundExpression = EVERYTHING,
): Promise<readonly FileScanTask[]> {
  const schema = currentSchema(context.metadata)
  return (await planScan({ context, snapshot, schema, filter })).tasks
}

/** Every delete file of a snapshot. */
export async function liveDeletes(
  context: ManifestContext,
  snapshot: Snapshot,
): Promise<readonly ManifestEntry[]> {
  const manifests = (await manifestsOf(context, snapshot)).filter(
    (manifest) => manifest.content === 'deletes' && hasLiveFiles(manifest),
  )
  const entries = await mapConcurrently(manifests, (manifest) =>
    entriesOf(context, manifest, { liveOnly: true }),
  )
  return entries.flat()
}

/** Which data files a delete file applies to, by `contentFileKey`; those that apply to none are not in it. */
function usersOf(tasks: readonly FileScanTask[]): ReadonlyMap<string, Set<string>> {
  const users = new Map<string, Set<string>>()
  for (const { entry, deletes } of tasks) {
    for (const { file } of deletes) {
      const key = contentFileKey(file)
      const locations = users.get(key) ?? new Set()
      users.set(key, locations.add(entry.file.location))
    }
  }
  return users
}

/**
 * Delete files, and the data files that each is needed for. Without any it is about nothing, and
 * never will be again: data files that are yet to come are newer than it.
 */
export class DeleteFileUse {
  #files: ReadonlyMap<string, ContentFile>
  readonly #users: ReadonlyMap<string, Set<string>>

  constructor(deletes: readonly ManifestEntry[], tasks: readonly FileScanTask[]) {
    this.#files = new Map(deletes.map(({ file }) => [contentFileKey(file), file]))
    this.#users = usersOf(tasks)
  }

  /** Those that no data file needs once these are gone. */
  unusedWithout(leaving: ReadonlySet<string>): readonly ContentFile[] {
    return [...this.#files].flatMap(([key, file]) => {
      const users = this.#users.get(key)
      const isNeeded = users !== undefined && [...users].some((location) => !leaving.has(location))
      return isNeeded ? [] : [file]
    })
  }

  /** Data files that are gone, with the deletes that only they needed. */
  forget(gone: ReadonlySet<string>): void {
    const unused = new Set(this.unusedWithout(gone).map(contentFileKey))
    this.#files = new Map([...this.#files].filter(([key]) => !unused.has(key)))
    for (const users of this.#users.values()) for (const location of gone) users.delete(location)
  }
}
