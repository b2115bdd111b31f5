/** Options of commands about branches and tags: which snapshot, and how long they are kept. */
import type { Command } from 'commander'
import type { BranchRetention } from '../manager/ref-options.ts'
import type { Table } from '../table/table.ts'
import { resolveReadPoint } from '../table/time-travel.ts'
import { parseDuration } from './duration-syntax.ts'
import { UsageError } from './failure.ts'
import { timeTravelOf, type TimeTravelOptions } from './time-travel-options.ts'

export interface RetentionOptions {
  readonly maxRefAge?: string
  readonly maxSnapshotAge?: string
  readonly minSnapshots?: string
}

/** Adds `--snapshot`, `--ref` and `--as-of`: what a ref is to name. */
export function withTarget(command: Command): Command {
  return command
    .option('--snapshot <id>', 'of this snapshot (default: the current one)')
    .option('--ref <name>', 'of what another branch or tag names')
    .option('--as-of <time>', 'of what was current then: 2026-01-31, or 2026-01-31T12:00:00Z')
}

/** The snapshot that the options name; nothing where they leave it to the library. UsageError. */
export function targetOf(table: Table, options: TimeTravelOptions): { readonly snapshotId?: bigint } {
  const travel = timeTravelOf(options)
  if (Object.values(travel).every((value) => value === undefined)) return {}
  const { snapshot } = resolveReadPoint(table.metadata, travel)
  if (snapshot === null) throw new UsageError(`${options.ref ?? 'the table'} has no snapshot yet`)
  return { snapshotId: snapshot['snapshot-id'] }
}

/** Adds the retention that tags can have. */
export function withTagRetention(command: Command): Command {
  return command.option(
    '--max-ref-age <time>',
    'it goes by itself when it is older: 90d, 12h; none for never',
  )
}

/** Adds the retention that branches can have. */
export function withBranchRetention(command: Command): Command {
  return withTagRetention(command)
    .option(
      '--max-snapshot-age <time>',
      'its snapshots are kept so long: 5d, 12h; none for as the table says',
    )
    .option('--min-snapshots <count>', 'so many of its snapshots are kept whatever their age; none likewise')
}

/** UsageError for what is neither a length of time, or a count, nor `none`. */
export function retentionOf({ maxRefAge, maxSnapshotAge, minSnapshots }: RetentionOptions): BranchRetention {
  return {
    maxRefAgeMs: settingOf(maxRefAge, (text) => parseDuration(text, '--max-ref-age')),
    maxSnapshotAgeMs: settingOf(maxSnapshotAge, (text) => parseDuration(text, '--max-snapshot-age')),
    minSnapshotsToKeep: settingOf(minSnapshots, parseCount),
  }
}

function settingOf(text: string | undefined, parse: (text: string) => number): number | null | undefined {
  if (text === undefined) return undefined
  return text === 'none' ? null : parse(text)
}

function parseCount(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new UsageError(`--min-snapshots '${text}' is no count`, 'Write a whole number, or none.')
}
