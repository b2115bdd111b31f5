/** What a manifest holds, held against what others say that it holds. */
import { CorruptFileError } from '../../errors.ts'
import type { EntryDraft } from './entry-draft.ts'
import type { ManifestFile } from './manifest-file.ts'

/**
 * Looks at a manifest's entries while they are read. Manifests have no checksum: nothing in them tells
 * that an entry's status, content or number of rows was damaged, and its rows would be gone, or back.
 */
export class ManifestCheck {
  readonly #manifest: Pick<ManifestFile, 'location' | 'content' | 'vouched'>
  #files = 0
  #rows = 0

  constructor(manifest: Pick<ManifestFile, 'location' | 'content' | 'vouched'>) {
    this.#manifest = manifest
  }

  /** CorruptFileError when the entry does not belong into the manifest. */
  entry({ status, content, recordCount }: Pick<EntryDraft, 'status' | 'content' | 'recordCount'>): void {
    if ((content === 'data') !== (this.#manifest.content === 'data')) throw misplaced(this.#manifest)
    if (status === 'deleted') return
    this.#files += 1
    this.#rows += recordCount
  }

  /** CorruptFileError when somebody vouches for other numbers than came by. */
  end(): void {
    const { location: file, vouched } = this.#manifest
    const { liveFiles = null, liveRows = null } = vouched ?? {}
    if (liveFiles !== null && liveFiles !== this.#files) throw damaged(file, 'files', this.#files, liveFiles)
    if (liveRows !== null && liveRows !== this.#rows) throw damaged(file, 'rows', this.#rows, liveRows)
  }
}

function misplaced({ location, content }: Pick<ManifestFile, 'location' | 'content'>): CorruptFileError {
  const [kind, other] = content === 'data' ? ['data', 'delete'] : ['delete', 'data']
  return new CorruptFileError(
    `the manifest list has the manifest as one of ${kind} files, and it lists ${other} files`,
    {
      file: location,
      hint: 'Restore the manifest and its list, or roll back to an earlier snapshot.',
    },
  )
}

function damaged(file: string, what: string, found: number, vouched: number): CorruptFileError {
  return new CorruptFileError(
    `the manifest lists ${found} live ${what}, and both its snapshot and its manifest list count ${vouched}`,
    { file, hint: 'Restore the manifest, or roll back to an earlier snapshot.' },
  )
}
