/** `--snapshot`, `--as-of` and `--ref`: which state of a table is meant. */
import type { Command } from 'commander'
import type { TimeTravel } from '../table/time-travel.ts'
import { refuseTogether } from './command-run.ts'

export interface TimeTravelOptions {
  readonly snapshot?: string
  readonly asOf?: string
  readonly ref?: string
}

/** Adds the options. */
export function withTimeTravel(command: Command): Command {
  return command
    .option(
      '--as-of <time>',
      'as the table was then: 2026-01-31, or 2026-01-31T12:00:00Z; UTC without a zone',
    )
    .option('--snapshot <id>', 'as the table was in this snapshot')
    .option('--ref <name>', 'a branch or tag')
}

/** UsageError when more than one is given. */
export function timeTravelOf({ snapshot, asOf, ref }: TimeTravelOptions): TimeTravel {
  refuseTogether({ '--snapshot': snapshot, '--as-of': asOf, '--ref': ref })
  return { snapshotId: snapshot, asOf, ref }
}
