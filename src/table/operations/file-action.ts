/** What becomes of a data file of which some rows have to go. */
import type { FileMatch } from '../../engine/row-changes.ts'
import type { Properties } from '../../catalog/catalog.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import { InvalidArgumentError } from '../../errors.ts'

/**
 * - `drop`: every row goes, so the file leaves the table
 * - `rewrite`: the rows that stay are written to a new file
 * - `delete`: a position delete file names the rows that go
 */
export type FileAction = 'drop' | 'rewrite' | 'delete'

/** What happens to one data file, and why: the plan of a change and part of its result. */
export interface FileDecision {
  readonly file: ContentFile
  readonly action: FileAction
  /** Rows that go. */
  readonly rows: number
  readonly reason: string
}

/** The table's `write.delete.mode` and its kin; 'cost' where the table sets none. */
export type WriteStrategy = 'copy-on-write' | 'merge-on-read' | 'cost'

export type ModeProperty = 'write.delete.mode' | 'write.update.mode' | 'write.merge.mode'

/** Above this share of rows, rewriting once is cheaper than reading dead rows ever after. */
const REWRITE_SHARE = 0.2

/** Below this size a rewrite costs no more than a delete file does. */
const SMALL_FILE_BYTES = 256 * 1024

/** A file that has this many delete files already is cleaned up on this occasion. */
const MANY_DELETE_FILES = 4

/** v1 has no delete files, so it always rewrites. InvalidArgumentError for an unknown mode. */
export function writeStrategy(
  formatVersion: number,
  properties: Properties,
  key: ModeProperty,
): WriteStrategy {
  if (formatVersion === 1) return 'copy-on-write'
  const mode = properties[key]?.toLowerCase()
  if (mode === undefined) return 'cost'
  if (mode === 'copy-on-write' || mode === 'merge-on-read') return mode
  throw new InvalidArgumentError(`${key} is neither copy-on-write nor merge-on-read`)
}

/** Decides for one file of which at least one row goes. */
export function decideFile(match: FileMatch, strategy: WriteStrategy): FileDecision {
  const { file } = match.task.entry
  const rows = match.positions.size
  const decision = (action: FileAction, reason: string): FileDecision => ({ file, action, rows, reason })
  if (rows === match.liveRows) return decision('drop', 'every row goes')
  if (strategy === 'copy-on-write') return decision('rewrite', 'copy-on-write')
  if (strategy === 'merge-on-read') return decision('delete', 'merge-on-read')
  if (file.fileSizeInBytes <= SMALL_FILE_BYTES) return decision('rewrite', 'the file is small')
  if (match.task.deletes.length >= MANY_DELETE_FILES) return decision('rewrite', 'it has many delete files')
  const share = rows / match.liveRows
  const percent = `${(share * 100).toPrecision(2)} % of its rows go`
  return share > REWRITE_SHARE ? decision('rewrite', percent) : decision('delete', percent)
}
