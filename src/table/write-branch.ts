/** Which branch may be written to. */
import { InvalidArgumentError, NoSuchRefError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { refSnapshot } from '../format/metadata/views.ts'
import { MAIN_BRANCH, type Snapshot } from '../format/snapshot.ts'

/**
 * The head of a branch that is about to be written to; null for main before its first snapshot.
 *
 * InvalidArgumentError for a tag; NoSuchRefError for a branch that is not there, or not any more: a
 * write would bring it back with nothing but the new rows.
 */
export function writableHead(metadata: TableMetadata, branch: string): Snapshot | null {
  // A ref may have the name of something that every object inherits.
  const ref = Object.hasOwn(metadata.refs, branch) ? metadata.refs[branch] : undefined
  if (ref?.type === 'tag') {
    throw new InvalidArgumentError(`'${branch}' is a tag, and a tag is never written to`, {
      hint: 'Write to a branch.',
    })
  }
  if (ref === undefined && branch !== MAIN_BRANCH) {
    throw new NoSuchRefError(`The table has no branch '${branch}'`, { hint: 'Create the branch first.' })
  }
  return refSnapshot(metadata, branch)
}
