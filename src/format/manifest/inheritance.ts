/** What manifest entries inherit from their manifest (Iceberg spec, "Sequence Number Inheritance"). */
import { CorruptFileError } from '../../errors.ts'
import type { EntryDraft } from './entry-draft.ts'
import type { ManifestFile } from './manifest-file.ts'
import { UNASSIGNED_SEQUENCE_NUMBER } from './manifest-file.ts'

/** A function that completes the drafts of one manifest, in file order. */
export function inheritInto(manifest: ManifestFile): (draft: EntryDraft) => void {
  const inherited = manifest.sequenceNumber === UNASSIGNED_SEQUENCE_NUMBER ? null : manifest.sequenceNumber
  const inheritRowId = rowIdInheritance(manifest)
  return (draft) => {
    draft.snapshotId ??= manifest.addedSnapshotId
    inheritSequenceNumbers(draft, inherited, manifest.location)
    inheritRowId(draft)
  }
}

function inheritSequenceNumbers(draft: EntryDraft, inherited: number | null, file: string): void {
  // 0 is a v1 manifest's: all of its files, whatever their status, come before every sequence number.
  if (draft.status === 'added' || inherited === 0) {
    draft.sequenceNumber ??= inherited
    draft.fileSequenceNumber ??= inherited
    return
  }
  if (draft.sequenceNumber === null && draft.status === 'existing') {
    throw new CorruptFileError('an existing file has no sequence number', {
      file,
      hint: 'Which deletes apply to it cannot be told; rewrite the manifests with the engine that made them.',
    })
  }
}

/** v3: files without an id take the next ones after the manifest's first, in file order. */
function rowIdInheritance(manifest: ManifestFile): (draft: EntryDraft) => void {
  const { firstRowId } = manifest
  if (firstRowId === null) {
    return (draft) => {
      draft.firstRowId = null
    }
  }
  let next = firstRowId
  return (draft) => {
    if (draft.firstRowId !== null || draft.status === 'deleted' || draft.content !== 'data') return
    draft.firstRowId = next
    next += BigInt(draft.recordCount)
  }
}
