/** Expiries of one table at the same time: what their snapshots shared is on neither one's list. */
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { snapshotById } from '../format/metadata/views.ts'
import type { TableState } from '../table/table-state.ts'
import { candidatesOf } from './expire-candidates.ts'
import { historyContext } from './reachability.ts'
import type { CandidateSource } from './unreached-files.ts'

/** Candidates, with the snapshots that they are of. */
export interface ListedCandidates extends CandidateSource {
  readonly snapshotIds: ReadonlySet<bigint>
}

/**
 * A list leaves out the manifests that other snapshots had, too. Where others took such a snapshot out
 * before our commit, the files of ours are looked for once more, now that it is known what stays: not
 * durably, but what is missed by that is an orphan file.
 */
export function withOverlap(
  state: TableState,
  after: TableMetadata,
  listed: ListedCandidates,
  signal: AbortSignal | undefined,
): CandidateSource {
  const leaving = [...listed.snapshotIds].flatMap((id) => snapshotById(state.metadata, id) ?? [])
  const isGone = state.metadata.snapshots.some(
    ({ 'snapshot-id': id }) => !listed.snapshotIds.has(id) && snapshotById(after, id) === null,
  )
  if (!isGone || leaving.length === 0) return listed
  const metadata = { ...state.metadata, snapshots: [...leaving, ...after.snapshots] }
  return {
    async *batches() {
      yield* candidatesOf(historyContext(state, metadata, signal), leaving)
      yield* listed.batches()
    },
  }
}
