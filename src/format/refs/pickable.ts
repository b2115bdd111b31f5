/**
 * What may be cherry-picked, by Java's rules: appends, and overwrites of whole partitions; any other
 * snapshot only where the branch simply moves on to it.
 */
import { CherryPickError } from '../../errors.ts'
import type { TableMetadata } from '../metadata/table-metadata.ts'
import { refSnapshot } from '../metadata/views.ts'
import type { Snapshot } from '../snapshot.ts'
import { historyOf } from './ancestry.ts'
import { publishedWapIdOf, replacesPartitions, sourceSnapshotIdOf, wapIdOf } from './wap.ts'

/** How a snapshot gets to a branch. */
export type PickWay =
  /** The branch moves on to it. */
  | 'fast_forward'
  /** Its data files are added once more. */
  | 'append'
  /** As `append`, and the files that it replaced go. */
  | 'replace_partitions'

/** CherryPickError, whose reason says why not. */
export function pickWay(metadata: TableMetadata, branch: string, picked: Snapshot): PickWay {
  const history = historyOf(metadata, branch)
  const way = wayByOperation(picked)
  if (way !== null) refusePublished(picked, branch, history)
  if (follows(picked, refSnapshot(metadata, branch))) return 'fast_forward'
  refusePicked(picked, branch, history)
  if (way === null) {
    throw new CherryPickError(
      `${named(picked)} neither appends nor replaces whole partitions, and is no child of the head of '${branch}'`,
      { reason: 'not_pickable', hint: 'Repeat the operation on the branch.' },
    )
  }
  if (way === 'replace_partitions') refuseStranger(picked, branch, history)
  return way
}

function wayByOperation(picked: Snapshot): 'append' | 'replace_partitions' | null {
  if (replacesPartitions(picked)) return 'replace_partitions'
  return picked.summary?.operation === 'append' ? 'append' : null
}

/** Whether the snapshot was made on the head; on nothing, where there is none. */
function follows(picked: Snapshot, head: Snapshot | null): boolean {
  return picked['parent-snapshot-id'] === head?.['snapshot-id']
}

function refusePublished(picked: Snapshot, branch: string, history: readonly Snapshot[]): void {
  const wapId = wapIdOf(picked)
  if (wapId === null) return
  const by = history.find((each) => wapIdOf(each) === wapId || publishedWapIdOf(each) === wapId)
  if (by === undefined) return
  throw new CherryPickError(
    `${named(picked)} is published already: '${branch}' has its wap.id in snapshot ${by['snapshot-id']}`,
    { reason: 'already_published', hint: 'There is nothing left to do.' },
  )
}

function refusePicked(picked: Snapshot, branch: string, history: readonly Snapshot[]): void {
  const id = picked['snapshot-id']
  const by = history.find((each) => each['snapshot-id'] === id || sourceSnapshotIdOf(each) === id.toString())
  if (by === undefined) return
  const how = by['snapshot-id'] === id ? 'itself' : `as snapshot ${by['snapshot-id']}`
  throw new CherryPickError(`'${branch}' has ${named(picked, false)} already, ${how}`, {
    reason: 'already_picked',
    hint: 'There is nothing left to do.',
  })
}

function refuseStranger(picked: Snapshot, branch: string, history: readonly Snapshot[]): void {
  const parent = picked['parent-snapshot-id']
  if (parent === undefined || history.some((each) => each['snapshot-id'] === parent)) return
  throw new CherryPickError(
    `${named(picked)} replaces partitions of snapshot ${parent}, which is not in the history of '${branch}'`,
    { reason: 'not_based_on_branch', hint: 'Write the rows on the branch again.' },
  )
}

function named(picked: Snapshot, isFirst = true): string {
  return `${isFirst ? 'S' : 's'}napshot ${picked['snapshot-id']}`
}
