/** `rollback`, `set-current`, `fast-forward`, `cherry-pick`, `publish`: which snapshot a branch shows. */
import { Command } from 'commander'
import { snapshotBefore } from '../../manager/find-snapshot.ts'
import type { RollbackResult } from '../../manager/rollback.ts'
import { handleOf, type Table } from '../../table/table.ts'
import { parseTime } from '../../table/time-travel.ts'
import { plural, type OutputColumn } from '../cells.ts'
import { refuseTogether, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { confirm } from '../confirm.ts'
import { PartialFailure, UsageError } from '../failure.ts'
import { targetOf } from '../ref-options.ts'
import type { Runner } from '../runner.ts'
import { partitionTexts, sortTexts } from '../table-summary.ts'
import { differenceText } from './evolve.ts'
import { changeRefs } from './refs.ts'

interface RollbackOptions {
  readonly snapshot?: string
  readonly ref?: string
  readonly before?: string
  readonly branch?: string
  readonly force?: boolean
  readonly plan?: boolean
  readonly yes?: boolean
}

export function rollbackCommand(run: Runner): Command {
  const command = new Command('rollback')
    .description('make an earlier snapshot current again; shows what that means, and asks')
    .argument('<table>', 'namespace.table')
    .option('--snapshot <id>', 'to this one')
    .option('--ref <name>', 'to what this branch or tag names')
    .option('--before <time>', 'to the newest that is older: 2026-01-31, or 2026-01-31T12:00:00Z')
    .option('--branch <name>', 'the branch that goes back (default: main)')
    .option('--force', 'also to a snapshot that is not in the history of the branch')
    .option('--plan', 'only show what would change')
    .option('-y, --yes', 'do not ask')
    .action(run(rollback))
  return withCommonOptions(command, 'floeberg rollback demo.flights --before 2026-01-31T12:00:00Z')
}

async function rollback(context: Context, name: string, options: RollbackOptions): Promise<void> {
  const { terminal, output } = context
  refuseTogether({ '--snapshot': options.snapshot, '--ref': options.ref, '--before': options.before })
  if (options.plan !== true && options.yes !== true && !terminal.isInteractive) {
    throw new UsageError('nobody is there to be asked', 'Pass --yes, or --plan to only look.')
  }
  await withManager(context, options.plan === true ? 'read' : 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal: terminal.signal })
    const settings = { branch: options.branch, force: options.force, signal: terminal.signal }
    const to = rollbackTarget(table, options)
    const plan = await manager.rollbackToSnapshot(table, to, { ...settings, dryRun: true })
    if (options.plan === true || !plan.changed) return printRollback(context, table, plan)
    if (options.yes !== true) await askFor(context, table, plan)
    const result = await manager.rollbackToSnapshot(table, to, settings)
    if (output.format !== 'table' || options.yes === true) return printRollback(context, table, result)
    await output.text(`${table.name}: ${result.branch} is at snapshot ${result.snapshotId}.`)
  })
}

/** UsageError when nothing says where to; NoSuchSnapshotError when no ancestor is that old. */
function rollbackTarget(table: Table, options: RollbackOptions): bigint {
  const { before } = options
  if (before !== undefined) return snapshotBefore(handleOf(table), parseTime(before), options)
  // Whether the snapshot is there is for the rollback to say: it names the nearest ones.
  if (options.snapshot !== undefined && /^\d{1,19}$/.test(options.snapshot)) return BigInt(options.snapshot)
  const { snapshotId } = targetOf(table, options)
  if (snapshotId !== undefined) return snapshotId
  throw new UsageError('it is not said where to go back to', 'Give --snapshot, --ref or --before.')
}

async function askFor({ terminal }: Context, table: Table, plan: RollbackResult): Promise<void> {
  for (const line of planLines(table, plan)) terminal.note(`${line}\n`)
  if (await confirm(terminal, `Roll ${plan.branch} back?`)) return
  terminal.note('Nothing was changed.\n')
  throw new PartialFailure()
}

const ROLLBACK_COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'branch' },
  { name: 'previous_snapshot_id' },
  { name: 'snapshot_id' },
  { name: 'changed' },
  { name: 'abandoned_snapshot_ids' },
  { name: 'schema_differences' },
  { name: 'partition_spec_then' },
  { name: 'sort_order_then' },
  { name: 'attempts' },
]

async function printRollback({ output }: Context, table: Table, result: RollbackResult): Promise<void> {
  if (output.format === 'table') {
    for (const line of planLines(table, result)) await output.text(line)
    return
  }
  const { partitionSpecThen: spec, sortOrderThen: order } = result
  await output.record(ROLLBACK_COLUMNS, {
    table: table.name,
    branch: result.branch,
    previous_snapshot_id: result.previousSnapshotId,
    snapshot_id: result.snapshotId,
    changed: result.changed,
    abandoned_snapshot_ids: result.abandonedSnapshotIds,
    schema_differences: result.schemaDifferences,
    partition_spec_then: spec === null ? null : partitionTexts(spec, table.schema),
    sort_order_then: order === null ? null : sortTexts(order, table.schema),
    attempts: result.attempts,
  })
}

/** More ids than this fill a screen and say nothing. */
const SHOWN = 5

function planLines(table: Table, result: RollbackResult): readonly string[] {
  const { branch, snapshotId, previousSnapshotId, abandonedSnapshotIds: left } = result
  if (!result.changed)
    return [`${table.name}: ${branch} is at snapshot ${snapshotId} already: nothing to do.`]
  const more = left.length > SHOWN ? ', …' : ''
  return [
    `${table.name}: ${branch} goes back from snapshot ${previousSnapshotId ?? 'none'} to ${snapshotId}`,
    ...(left.length === 0
      ? []
      : [
          `  leaves ${plural(left.length, 'snapshot')} behind, until they are expired: ${left.slice(0, SHOWN).join(', ')}${more}`,
        ]),
    ...layoutLines(table, result),
  ]
}

/** What stays as it is now. */
function layoutLines(table: Table, result: RollbackResult): readonly string[] {
  const { schemaDifferences: differences, partitionSpecThen: spec, sortOrderThen: order } = result
  const orNone = (texts: readonly string[]): string => texts.join(', ') || 'none'
  return [
    ...(differences.length === 0 ? [] : ['  the schema stays as it has become since then:']),
    ...differences.map((difference) => `    ${differenceText(difference)}`),
    ...(spec === null
      ? []
      : [
          `  new files stay partitioned by ${orNone(partitionTexts(table.partitionSpec, table.schema))}; then: ${orNone(partitionTexts(spec, table.schema))}`,
        ]),
    ...(order === null
      ? []
      : [
          `  new files stay sorted by ${orNone(sortTexts(table.sortOrder, table.schema))}; then: ${orNone(sortTexts(order, table.schema))}`,
        ]),
  ]
}

interface CurrentOptions {
  readonly snapshot?: string
  readonly ref?: string
}

export function setCurrentCommand(run: Runner): Command {
  const command = new Command('set-current')
    .description('make any snapshot that is kept the current one, whatever the history')
    .argument('<table>', 'namespace.table')
    .option('--snapshot <id>', 'this one')
    .option('--ref <name>', 'what this branch or tag names')
    .action(
      run((context, table: string, options: CurrentOptions) => {
        refuseTogether({ '--snapshot': options.snapshot, '--ref': options.ref })
        if (options.snapshot === undefined && options.ref === undefined) {
          throw new UsageError('it is not said what is to be current', 'Give --snapshot or --ref.')
        }
        return changeRefs(context, table, (m) =>
          m.setCurrentSnapshot({ snapshotId: options.snapshot, ref: options.ref }),
        )
      }),
    )
  return withCommonOptions(command, 'floeberg set-current demo.flights --ref audited')
}

export function fastForwardCommand(run: Runner): Command {
  const command = new Command('fast-forward')
    .description('move a branch on to another that is ahead of it')
    .argument('<table>', 'namespace.table')
    .argument('<branch>', 'the branch that moves: main')
    .argument('<to>', 'the branch or tag that it follows')
    .action(
      run((context, table: string, branch: string, to: string) =>
        changeRefs(context, table, (m) => m.fastForward(branch, to)),
      ),
    )
  return withCommonOptions(command, 'floeberg fast-forward demo.flights main audit')
}

interface PickOptions {
  readonly branch?: string
}

export function cherryPickCommand(run: Runner): Command {
  const command = new Command('cherry-pick')
    .description('bring what one snapshot did to a branch that does not have it')
    .argument('<table>', 'namespace.table')
    .argument('<snapshot-id>')
    .option('--branch <name>', 'the branch that gets it (default: main)')
    .action(
      run((context, table: string, id: string, options: PickOptions) =>
        changeRefs(context, table, (m) => m.cherryPick(id, { branch: options.branch })),
      ),
    )
  return withCommonOptions(command, 'floeberg cherry-pick demo.flights 3051729675574597004')
}

export function publishCommand(run: Runner): Command {
  const command = new Command('publish')
    .description('bring what was staged under a wap.id to a branch')
    .argument('<table>', 'namespace.table')
    .argument('<wap-id>')
    .option('--branch <name>', 'the branch that gets it (default: main)')
    .action(
      run((context, table: string, wapId: string, options: PickOptions) =>
        changeRefs(context, table, (m) => m.publish(wapId, { branch: options.branch })),
      ),
    )
  return withCommonOptions(command, 'floeberg publish demo.flights nightly-2026-01-31')
}
