/**
 * main is never dropped. The protocol knows its removal only as part of replacing a table, which
 * brings a schema, spec or order with it, or at least properties: a commit about refs and snapshots
 * alone that leaves the table without main is a mistake that would hide every row.
 */
import { CommitRejectedError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'

/** CommitRejectedError. */
export function refuseDroppedMain(
  before: TableMetadata,
  after: TableMetadata,
  updates: readonly TableUpdate[],
): void {
  const isDropped = Object.hasOwn(before.refs, MAIN_BRANCH) && !Object.hasOwn(after.refs, MAIN_BRANCH)
  if (!isDropped || !updates.every(isAboutHistory)) return
  throw new CommitRejectedError('main is the branch that every table has, and is never dropped', {
    hint: 'To empty the table, delete its rows; to begin anew, replace it.',
  })
}

function isAboutHistory({ action }: TableUpdate): boolean {
  return (
    action === 'remove-snapshot-ref' ||
    action === 'set-snapshot-ref' ||
    action === 'add-snapshot' ||
    action === 'remove-snapshots'
  )
}
