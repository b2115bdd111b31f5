/** The snapshots between two points of a table's history, for reading what was appended in between. */
import { InvalidArgumentError, NoSuchSnapshotError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { ancestorsOf, snapshotById } from '../format/metadata/views.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { parseSnapshotId, resolveReadPoint, type ReadPoint } from './time-travel.ts'

/** From where to where rows are read that were appended in between. */
export interface AppendRangeOptions {
  /**
   * Only rows appended after this snapshot, itself excluded: what was read up to it last time. null: from
   * the table's first snapshot on.
   */
  readonly fromSnapshot?: bigint | string | null | undefined
  /** With `fromSnapshot`: the last snapshot that is read, itself included. Default: the head of `ref`, or of main. */
  readonly toSnapshot?: bigint | string | undefined
  /**
   * With `fromSnapshot`: what becomes of snapshots in between that removed or changed rows. `fail`
   * (default): UnsupportedFeatureError. `skip`: they are passed over, the rows that they added too.
   */
  readonly onChangedRows?: 'fail' | 'skip' | undefined
}

/** What `fromSnapshot` and `toSnapshot` come to. */
export interface AppendRange extends ReadPoint {
  /** Those after the start, up to and with the end, oldest first. */
  readonly snapshots: readonly Snapshot[]
  readonly onChangedRows: 'fail' | 'skip'
}

/**
 * null when no range is asked for. The end is read with the schema that `snapshotId` would be, or, where
 * it is the head of a branch, with the current one.
 *
 * InvalidArgumentError for options that exclude each other, and for a start that is no ancestor of the
 * end; NoSuchSnapshotError when either is not kept, or a snapshot in between is not.
 */
export function resolveAppendRange(
  metadata: TableMetadata,
  options: AppendRangeOptions & Parameters<typeof resolveReadPoint>[1],
): AppendRange | null {
  const { fromSnapshot, toSnapshot, onChangedRows = 'fail', ref } = options
  if (fromSnapshot === undefined) {
    if (toSnapshot === undefined && options.onChangedRows === undefined) return null
    throw new InvalidArgumentError('toSnapshot and onChangedRows need a fromSnapshot', {
      hint: 'To read all rows of a snapshot pass snapshotId; fromSnapshot: null begins with the first snapshot.',
    })
  }
  if (
    options.snapshotId !== undefined ||
    options.asOf !== undefined ||
    (ref !== undefined && toSnapshot !== undefined)
  ) {
    throw new InvalidArgumentError('A range of snapshots ends at toSnapshot, or at the head of ref', {
      hint: 'Give fromSnapshot with one of toSnapshot and ref, without snapshotId and asOf.',
    })
  }
  if (onChangedRows !== 'fail' && onChangedRows !== 'skip') {
    throw new InvalidArgumentError("onChangedRows is one of 'fail', 'skip'")
  }
  const end = resolveReadPoint(metadata, toSnapshot === undefined ? { ref } : { snapshotId: toSnapshot })
  const start = fromSnapshot === null ? null : parseSnapshotId(fromSnapshot)
  return { ...end, onChangedRows, snapshots: snapshotsAfter(metadata, start, end.snapshot) }
}

function snapshotsAfter(
  metadata: TableMetadata,
  start: bigint | null,
  end: Snapshot | null,
): readonly Snapshot[] {
  const ancestors = end === null ? [] : ancestorsOf(metadata, end['snapshot-id'])
  if (start === null) {
    // Nothing can be told of the rows of a snapshot that was expired.
    if (ancestors.at(-1)?.['parent-snapshot-id'] !== undefined) throw expired('first snapshot')
    return ancestors.toReversed()
  }
  const at = ancestors.findIndex((snapshot) => snapshot['snapshot-id'] === start)
  if (at !== -1) return ancestors.slice(0, at).reverse()
  // The start itself may be gone: all that came after it is there.
  if (ancestors.at(-1)?.['parent-snapshot-id'] === start) return ancestors.toReversed()
  if (snapshotById(metadata, start) === null) throw expired(`snapshot ${start}`)
  throw new InvalidArgumentError(`Snapshot ${start} is not in the history of the snapshot to read up to`, {
    hint: 'The branch was rolled back, or the two belong to different branches. Read the whole table once, and go on from there.',
  })
}

function expired(what: string): NoSuchSnapshotError {
  return new NoSuchSnapshotError(`The table's history no longer reaches back to ${what}`, {
    hint: 'It was expired, or never was the table’s: rows may have been appended since that cannot be told. Read the whole table once, and go on from its current snapshot.',
  })
}
