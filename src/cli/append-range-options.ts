/** `--from-snapshot` and `--to-snapshot`: only rows that were appended in between. */
import type { Command } from 'commander'
import type { AppendRangeOptions } from '../table/append-range.ts'
import { refuseTogether } from './command-run.ts'
import { UsageError } from './failure.ts'
import type { TimeTravelOptions } from './time-travel-options.ts'

export interface RangeOptions extends TimeTravelOptions {
  readonly fromSnapshot?: string
  readonly toSnapshot?: string
  readonly skipChanges?: boolean
}

/** Before the first snapshot. */
const BEGINNING = 'none'

/** Adds the options. */
export function withAppendRange(command: Command): Command {
  return command
    .option(
      '--from-snapshot <id>',
      `only rows appended after this snapshot; '${BEGINNING}': from the first one on`,
    )
    .option('--to-snapshot <id>', 'the last snapshot whose rows are read (default: the newest)')
    .option('--skip-changes', 'pass over snapshots in between that removed or changed rows')
}

/** UsageError when they do not go together, or not with the options of time travel. */
export function appendRangeOf(options: RangeOptions): AppendRangeOptions {
  const { fromSnapshot, toSnapshot, skipChanges, snapshot, asOf, ref } = options
  if (fromSnapshot === undefined) {
    const lone = toSnapshot === undefined ? (skipChanges === true ? '--skip-changes' : null) : '--to-snapshot'
    if (lone !== null) throw new UsageError(`${lone} needs --from-snapshot`)
    return {}
  }
  refuseTogether({ '--from-snapshot': fromSnapshot, '--snapshot': snapshot, '--as-of': asOf })
  refuseTogether({ '--to-snapshot': toSnapshot, '--ref': ref })
  return {
    fromSnapshot: fromSnapshot === BEGINNING ? null : fromSnapshot,
    toSnapshot,
    onChangedRows: skipChanges === true ? 'skip' : 'fail',
  }
}
