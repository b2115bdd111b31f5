/**
 * What others committed to a branch since an operation began. Manifests are immutable, so what was
 * read for one attempt is not read again for the next.
 */
import { CommitConflictError } from '../errors.ts'
import type { ManifestEntry } from '../format/manifest/entry.ts'
import { ancestorsOf } from '../format/metadata/views.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { mapConcurrently } from './concurrency.ts'
import { entriesOf, manifestsOf, type ManifestContext } from './manifest-reader.ts'

export interface InterveningChanges {
  /** Data files added, other than by rewrites that leave the rows as they are. */
  readonly addedData: readonly ManifestEntry[]
  /** Data files removed, by whatever operation. */
  readonly removedData: readonly ManifestEntry[]
  /** Those of them that were not removed by a rewrite, which leaves the rows as they are. */
  readonly removedRows: readonly ManifestEntry[]
  /** Delete files added. */
  readonly addedDeletes: readonly ManifestEntry[]
}

/** The history of one branch from where an operation began. */
export class Intervening {
  readonly #start: bigint | null
  readonly #isOwn: (snapshotId: bigint) => boolean
  readonly #seen = new Map<bigint, InterveningChanges>()

  /**
   * `start`: head of the branch when the operation began; null when it had none. Of a transaction:
   * the last that is not its own, since its snapshots go on top of whatever others make.
   */
  constructor(start: Snapshot | null, isOwn: (snapshotId: bigint) => boolean = () => false) {
    this.#start = start?.['snapshot-id'] ?? null
    this.#isOwn = isOwn
  }

  /**
   * Everything committed between the start and `head`. CommitConflictError when the branch's history
   * no longer leads back to the start (it was rolled back, or the start was expired).
   */
  async changes(context: ManifestContext, head: Snapshot | null): Promise<InterveningChanges> {
    const snapshots = this.#since(context, head)
    const unseen = snapshots.filter((snapshot) => !this.#seen.has(snapshot['snapshot-id']))
    await mapConcurrently(unseen, async (snapshot) => {
      this.#seen.set(snapshot['snapshot-id'], await changesOf(context, snapshot))
    })
    return joinChanges(...snapshots.map((snapshot) => this.#seen.get(snapshot['snapshot-id']) ?? NOTHING))
  }

  #since(context: ManifestContext, head: Snapshot | null): readonly Snapshot[] {
    if (head === null) {
      if (this.#start === null) return []
      throw disconnected()
    }
    const ancestors = ancestorsOf(context.metadata, head['snapshot-id']).filter(
      (snapshot) => !this.#isOwn(snapshot['snapshot-id']),
    )
    if (this.#start === null) {
      // From an empty branch on, every snapshot counts: one that was expired cannot be looked at.
      if (ancestors.length > 0 && ancestors.at(-1)?.['parent-snapshot-id'] !== undefined) throw disconnected()
      return ancestors
    }
    const at = ancestors.findIndex((snapshot) => snapshot['snapshot-id'] === this.#start)
    if (at === -1) throw disconnected()
    return ancestors.slice(0, at)
  }
}

/** What several changes came to, one after the other. */
export function joinChanges(...all: readonly InterveningChanges[]): InterveningChanges {
  return {
    addedData: all.flatMap((changes) => changes.addedData),
    removedData: all.flatMap((changes) => changes.removedData),
    removedRows: all.flatMap((changes) => changes.removedRows),
    addedDeletes: all.flatMap((changes) => changes.addedDeletes),
  }
}

const NOTHING: InterveningChanges = { addedData: [], removedData: [], removedRows: [], addedDeletes: [] }

/** What one snapshot itself did: entries of the manifests that it added, with its own id. */
export async function changesOf(context: ManifestContext, snapshot: Snapshot): Promise<InterveningChanges> {
  const id = snapshot['snapshot-id']
  const manifests = (await manifestsOf(context, snapshot)).filter(
    (manifest) => manifest.addedSnapshotId === id,
  )
  const entries = (await mapConcurrently(manifests, (manifest) => entriesOf(context, manifest))).flat()
  const own = entries.filter((entry) => entry.snapshotId === id)
  const data = own.filter((entry) => entry.file.content === 'data')
  const removed = data.filter((entry) => entry.status === 'deleted')
  const isRewrite = snapshot.summary?.operation === 'replace'
  return {
    addedData: isRewrite ? [] : data.filter((entry) => entry.status === 'added'),
    removedData: removed,
    removedRows: isRewrite ? [] : removed,
    addedDeletes: own.filter((entry) => entry.file.content !== 'data' && entry.status === 'added'),
  }
}

function disconnected(): CommitConflictError {
  return new CommitConflictError(
    "The branch's history no longer contains the snapshot that the operation began with",
    {
      hint: 'It was rolled back or expired meanwhile. Repeat the operation on the table as it is now.',
    },
  )
}
