/**
 * Whether the partition specs that files were written by are still the table's when they join it.
 * Whoever cleans up metadata (`expireSnapshots` with `cleanExpiredMetadata`, and other clients) removes
 * specs that no manifest uses yet; a manifest of such a spec would make the table unreadable.
 */
import { CommitConflictError } from '../errors.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { specsById } from '../format/metadata/views.ts'
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'

interface JoiningFiles {
  readonly added: readonly ContentFile[]
  readonly removed: readonly ContentFile[]
}

/** What a commit of files says so that it applies only where their specs are. */
export interface SpecGuard {
  readonly requirements: readonly TableRequirement[]
  /** To come before the snapshot; in the end they change nothing. */
  readonly updates: readonly TableUpdate[]
}

/** Whether the table has the spec of every file. */
function hasWrittenSpecs(metadata: TableMetadata, files: readonly ContentFile[]): boolean {
  const specs = specsById(metadata)
  return files.every(({ specId }) => specs.has(specId))
}

/** CommitConflictError when somebody has removed the spec of a file meanwhile. */
export function checkWrittenSpecs(base: TableMetadata, files: readonly ContentFile[]): void {
  if (hasWrittenSpecs(base, files)) return
  throw new CommitConflictError(
    'Another commit removed the partition spec that the rows to be written are laid out by',
    { hint: 'Nothing was written. Load the table again and write the rows by its spec of now.' },
  )
}

/**
 * The default spec cannot be removed: that it is still the default is enough. No requirement can ask
 * for another one; but only a spec that is there can be made the default, and in the end the default
 * is again what it was. Files in place of others of the same spec need neither: those keep it.
 */
export function specGuard(base: TableMetadata, { added, removed }: JoiningFiles): SpecGuard {
  const kept = new Set(removed.map(({ specId }) => specId))
  const specIds = new Set(added.filter(({ content }) => content === 'data').map(({ specId }) => specId))
  const needed = [...specIds].filter((id) => !kept.has(id))
  if (needed.length === 0) return { requirements: [], updates: [] }
  const current = base['default-spec-id']
  const others = needed.filter((id) => id !== current)
  const defaults = others.length === 0 ? [] : [...others, current]
  return {
    requirements: [{ type: 'assert-default-spec-id', 'default-spec-id': current }],
    updates: defaults.map((id) => ({ action: 'set-default-spec', 'spec-id': id })),
  }
}
