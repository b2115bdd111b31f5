/** What changes of refs take for granted, whoever commits in between. */
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { ancestorsOf } from '../../format/metadata/views.ts'
import { refOf } from '../../format/refs/refs.ts'
import type { RefRetention, RefTarget } from '../../format/refs/ref-edit.ts'
import type { SnapshotEdit } from './manage-snapshots.ts'

/**
 * Text that is equal on two states exactly where the changes may replace the same on both: a ref that
 * is moved away, or removed, names what its caller knew. What only adds to a branch, or is checked
 * anew on any state, has no part in it.
 *
 * Snapshots that are the caller's own, of earlier steps of a transaction, go on top of whatever others
 * commit: what a ref names is the last that is not.
 */
export function refWitness(
  edits: readonly SnapshotEdit[],
  metadata: TableMetadata,
  isOwn: (snapshotId: bigint) => boolean = () => false,
): string {
  return edits.map((edit) => witnessOf(edit, metadata, isOwn)).join('\n')
}

function witnessOf(
  edit: SnapshotEdit,
  metadata: TableMetadata,
  isOwn: (snapshotId: bigint) => boolean,
): string {
  const { refs } = metadata
  switch (edit.type) {
    case 'replace_ref':
    case 'remove_ref':
      return headOf(edit.name)
    case 'set_current':
    case 'rollback':
      return headOf(edit.branch)
    case 'set_retention':
      return settingsOf(edit.name, edit.retention)
    case 'create_ref':
      return originOf(edit.target)
    case 'rename_branch':
    case 'fast_forward':
    case 'cherry_pick':
      return ''
    default: {
      const unknown: { readonly type: string } = edit satisfies never
      return unknown.type
    }
  }

  function headOf(name: string): string {
    const head = refOf(refs, name)?.['snapshot-id']
    if (head === undefined || !isOwn(head)) return `${name}: ${head}`
    const known = ancestorsOf(metadata, head).find((snapshot) => !isOwn(snapshot['snapshot-id']))
    return `${name}: ${known?.['snapshot-id']}`
  }

  /** What starts from nothing must not come to start from others' first rows. */
  function originOf(target: RefTarget): string {
    return typeof target !== 'bigint' && refOf(refs, target.ref) === undefined ? 'nothing' : ''
  }

  /** Of how long a ref is kept only what is to be changed: another setting may have been given meanwhile. */
  function settingsOf(name: string, retention: RefRetention): string {
    const ref = refOf(refs, name)
    const settings = [
      retention.maxRefAgeMs === undefined ? '' : ref?.['max-ref-age-ms'],
      retention.maxSnapshotAgeMs === undefined ? '' : ref?.['max-snapshot-age-ms'],
      retention.minSnapshotsToKeep === undefined ? '' : ref?.['min-snapshots-to-keep'],
    ]
    return [name, ...settings].join()
  }
}
