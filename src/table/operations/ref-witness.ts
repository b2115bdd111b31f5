/** What changes of refs take for granted, whoever commits in between. */
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { refOf } from '../../format/refs/refs.ts'
import type { SnapshotEdit } from './manage-snapshots.ts'

/**
 * Text that is equal on two states exactly where the changes may replace the same on both: a ref that
 * is moved away, or removed, names what its caller knew. What only adds to a branch, or is checked
 * anew on any state, has no part in it.
 */
export function refWitness(edits: readonly SnapshotEdit[], metadata: TableMetadata): string {
  return edits.map((edit) => witnessOf(edit, metadata)).join('\n')
}

function witnessOf(edit: SnapshotEdit, { refs }: TableMetadata): string {
  switch (edit.type) {
    case 'replace_ref':
    case 'remove_ref':
      return headOf(edit.name)
    case 'set_current':
    case 'rollback':
      return headOf(edit.branch)
    case 'set_retention':
      return retentionOf(edit.name)
    case 'create_ref':
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
    return `${name}: ${refOf(refs, name)?.['snapshot-id']}`
  }

  function retentionOf(name: string): string {
    const ref = refOf(refs, name)
    return [
      name,
      ref?.['max-ref-age-ms'],
      ref?.['max-snapshot-age-ms'],
      ref?.['min-snapshots-to-keep'],
    ].join()
  }
}
