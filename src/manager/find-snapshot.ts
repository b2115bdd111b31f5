/** Which snapshot is meant by a `wap.id`, or by a time. */
import { InvalidArgumentError, NoSuchSnapshotError } from '../errors.ts'
import { snapshotAsOf } from '../format/metadata/views.ts'
import { historyOf, latestAncestorBefore } from '../format/refs/ancestry.ts'
import { publishedWapIdOf, wapIdOf } from '../format/refs/wap.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'
import type { TableHandle } from '../table/table.ts'

/**
 * The snapshot that was staged under a `wap.id`. NoSuchSnapshotError; InvalidArgumentError when several
 * wait to be published on the branch.
 */
export function stagedUnder(table: TableHandle<never, unknown>, wapId: string, branch: string): bigint {
  const { metadata } = table
  const staged = metadata.snapshots.filter((snapshot) => wapIdOf(snapshot) === wapId)
  const [first, second] = staged
  if (first === undefined) {
    throw new NoSuchSnapshotError(`No snapshot was staged under the wap.id '${wapId}'`, {
      table: table.name,
      hint: 'It may have been expired, or be newer than this handle, which refresh() would bring up to date.',
    })
  }
  const isPublished = historyOf(metadata, branch).some(
    (each) => wapIdOf(each) === wapId || publishedWapIdOf(each) === wapId,
  )
  // The pick itself says that it is published; which of several it was no longer matters.
  if (second === undefined || isPublished) return first['snapshot-id']
  throw new InvalidArgumentError(`${staged.length} snapshots wait under the wap.id '${wapId}'`, {
    table: table.name,
    hint: `Cherry-pick the right one: ${staged.map((each) => each['snapshot-id']).join(', ')}.`,
  })
}

/**
 * The newest ancestor of a branch's head that is older than a time; with `force`, what was current on
 * main then. NoSuchSnapshotError.
 */
export function snapshotBefore(
  { metadata, name }: TableHandle<never, unknown>,
  timeMs: number,
  {
    force,
    branch = MAIN_BRANCH,
  }: { readonly force?: boolean | undefined; readonly branch?: string | undefined },
): bigint {
  const snapshot =
    force === true ? snapshotAsOf(metadata, timeMs) : latestAncestorBefore(metadata, branch, timeMs)
  if (snapshot !== null) return snapshot['snapshot-id']
  const oldest = historyOf(metadata, branch).at(-1)
  throw new NoSuchSnapshotError(`'${branch}' has no snapshot from before ${new Date(timeMs).toISOString()}`, {
    table: name,
    nearest: oldest === undefined ? [] : [oldest['snapshot-id']],
    hint: oldest === undefined ? 'It is empty.' : `Its oldest one is ${oldest['snapshot-id']}.`,
  })
}
