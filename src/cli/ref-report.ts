/** What is said of changes of branches, tags and the current snapshot. */
import type { SnapshotRef } from '../format/snapshot.ts'
import type { ManageSnapshotsResult } from '../manager/manage-snapshots.ts'
import type { RefChange } from '../table/operations/manage-snapshots.ts'
import type { OutputColumn } from './cells.ts'
import { durationText } from './duration-syntax.ts'
import type { Output } from './output.ts'

const COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'refs' },
  { name: 'picks' },
  { name: 'attempts' },
]

/** Prints what was done: a line for each ref for people, all of it for programs. */
export async function printRefChanges(
  output: Output,
  table: string,
  result: ManageSnapshotsResult,
): Promise<void> {
  if (output.format !== 'table') {
    return output.record(COLUMNS, {
      table,
      refs: result.refs.map(({ name, before, after }) => ({ name, before, after })),
      picks: result.picks.map((pick) => ({
        branch: pick.branch,
        source_snapshot_id: pick.sourceSnapshotId,
        snapshot_id: pick.snapshotId,
      })),
      attempts: result.attempts,
    })
  }
  if (result.refs.length === 0) return output.text(`${table}: nothing to do, it is so already.`)
  for (const change of result.refs) await output.text(`${table}: ${refChangeText(change)}`)
}

/** `tag q1 moved from snapshot 1 to 2` */
function refChangeText({ name, before, after }: RefChange): string {
  if (after === null) return `${before?.type ?? 'ref'} ${name} removed; it was snapshot ${idOf(before)}`
  const kind = `${after.type} ${name}`
  if (before === null) return `${kind} is snapshot ${idOf(after)}${keptText(after, ', ')}`
  if (idOf(before) !== idOf(after)) {
    return `${kind} moved from snapshot ${idOf(before)} to ${idOf(after)}${keptText(after, ', ')}`
  }
  return `${kind} ${keptText(after, '') || 'is kept as the table says'}`
}

function idOf(ref: SnapshotRef | null): string {
  return String(ref?.['snapshot-id'] ?? '')
}

/** How long it is kept, in words; empty where nothing is set. */
function keptText(ref: SnapshotRef, before: string): string {
  const { 'max-ref-age-ms': refAge, 'max-snapshot-age-ms': age, 'min-snapshots-to-keep': count } = ref
  const parts = [
    refAge === undefined ? [] : [`goes when it is older than ${durationText(refAge)}`],
    age === undefined ? [] : [`keeps its snapshots for ${durationText(age)}`],
    count === undefined ? [] : [`keeps ${count} of them whatever their age`],
  ].flat()
  return parts.length === 0 ? '' : `${before}${parts.join(', ')}`
}
