/** Options of every command that changes rows: where it commits, and how. */
import { Option, type Command } from 'commander'
import type { RowChangeOptions } from '../manager/row-change-options.ts'
import { WAP_ID } from '../format/refs/wap.ts'
import type { Progress } from '../engine/data-plane.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import type { Isolation } from '../table/operations/row-change.ts'
import { collect } from './command-run.ts'
import { parseAssignments } from './field-syntax.ts'
import type { Terminal } from './terminal.ts'

export interface CommitOptions {
  readonly branch?: string
  readonly commitStrategy?: CommitStrategy
  readonly snapshotProperty?: readonly string[]
  readonly commitKey?: string
  readonly isolation?: Isolation
  readonly ignoreCase?: boolean
  readonly stageOnly?: boolean
  readonly wapId?: string
}

/** Adds the options. */
export function withCommitOptions(command: Command): Command {
  return command
    .option('--branch <name>', 'branch to write to (default: main)')
    .addOption(
      new Option('--commit-strategy <strategy>', 'how the new manifests join the old').choices([
        'fast_append',
        'merge_commit',
      ]),
    )
    .option(
      '--snapshot-property <key=value>',
      'an entry for the snapshot’s summary; may be repeated',
      collect,
    )
    .option(
      '--commit-key <key>',
      'do nothing if the branch has a snapshot with this key already: safe to repeat',
    )
    .addOption(
      new Option(
        '--isolation <level>',
        'what others may have done meanwhile: snapshot lets rows be added that match (default: the table’s)',
      ).choices(['serializable', 'snapshot']),
    )
    .option('--ignore-case', 'find columns whatever the case of their names')
    .option('--stage-only', 'add the snapshot and move no branch to it; see cherry-pick')
    .option('--wap-id <id>', 'as --stage-only, under an id for publish')
}

/** What the library is given for them. UsageError. */
export function commitOptionsOf(
  options: CommitOptions,
  terminal: Terminal,
  onProgress: (progress: Progress) => void,
): Omit<RowChangeOptions, 'onConflict'> {
  return {
    branch: options.branch,
    commitStrategy: options.commitStrategy,
    snapshotProperties: {
      ...parseAssignments(options.snapshotProperty ?? []),
      ...(options.wapId === undefined ? {} : { [WAP_ID]: options.wapId }),
    },
    stageOnly: options.stageOnly === true || options.wapId !== undefined,
    commitKey: options.commitKey,
    isolation: options.isolation,
    caseSensitive: options.ignoreCase !== true,
    signal: terminal.signal,
    onProgress,
  }
}
