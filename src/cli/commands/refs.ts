/** `floeberg tag …` and `floeberg branch …` */
import { Command } from 'commander'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { historyOf } from '../../format/refs/ancestry.ts'
import { refSnapshot } from '../../format/metadata/views.ts'
import { MAIN_BRANCH, type SnapshotRef } from '../../format/snapshot.ts'
import type { ManageSnapshots } from '../../manager/manage-snapshots.ts'
import type { Table } from '../../table/table.ts'
import { plural } from '../cells.ts'
import { withCommonOptions, withManager, type Context } from '../command-run.ts'
import { confirm } from '../confirm.ts'
import { PartialFailure, UsageError } from '../failure.ts'
import {
  retentionOf,
  targetOf,
  withBranchRetention,
  withTagRetention,
  withTarget,
  type RetentionOptions,
} from '../ref-options.ts'
import { printRefChanges } from '../ref-report.ts'
import type { Runner } from '../runner.ts'
import type { TimeTravelOptions } from '../time-travel-options.ts'

interface RefOptions extends TimeTravelOptions, RetentionOptions {}

interface RemoveOptions {
  readonly yes?: boolean
}

type Kind = SnapshotRef['type']

/** Name, what it does, and the change that it is. */
interface Action {
  readonly name: string
  readonly about: Readonly<Record<Kind, string>>
  readonly example: Readonly<Record<Kind, string>>
  readonly change: (
    m: ManageSnapshots,
    kind: Kind,
    name: string,
    table: Table,
    options: RefOptions,
  ) => ManageSnapshots
}

const CREATE: Action = {
  name: 'create',
  about: {
    tag: 'give a snapshot a name, by which it is kept and found',
    branch: 'start a branch from a snapshot, which can be written to beside main',
  },
  example: {
    tag: 'floeberg tag create demo.flights q1 --as-of 2026-03-31 --max-ref-age 400d',
    branch: 'floeberg branch create demo.flights audit --min-snapshots 5',
  },
  change: (m, kind, name, table, options) => {
    const settings = { ...targetOf(table, options), ...retentionOf(options) }
    return kind === 'tag' ? m.createTag(name, settings) : m.createBranch(name, settings)
  },
}

const REPLACE: Action = {
  name: 'replace',
  about: {
    tag: 'move a tag to another snapshot',
    branch: 'move a branch to any snapshot, whatever it had',
  },
  example: {
    tag: 'floeberg tag replace demo.flights latest',
    branch: 'floeberg branch replace demo.flights audit --ref main',
  },
  change: (m, kind, name, table, options) => {
    const settings = { ...targetOf(table, options), ...retentionOf(options) }
    return kind === 'tag' ? m.replaceTag(name, settings) : m.replaceBranch(name, settings)
  },
}

const RETAIN: Action = {
  name: 'retain',
  about: {
    tag: 'set how long a tag is kept',
    branch: 'set how long a branch and its snapshots are kept',
  },
  example: {
    tag: 'floeberg tag retain demo.flights q1 --max-ref-age none',
    branch: 'floeberg branch retain demo.flights main --min-snapshots 20 --max-snapshot-age 30d',
  },
  change: (m, _kind, name, _table, options) => {
    if (
      [options.maxRefAge, options.maxSnapshotAge, options.minSnapshots].every((given) => given === undefined)
    ) {
      throw new UsageError(
        'there is nothing to set',
        'Give --max-ref-age, or for branches one of the others.',
      )
    }
    return m.setRetention(name, retentionOf(options))
  },
}

export function tagCommand(run: Runner): Command {
  return new Command('tag')
    .description('create, move, keep and remove tags; floeberg refs lists them')
    .addCommand(actionCommand(run, 'tag', CREATE))
    .addCommand(actionCommand(run, 'tag', REPLACE))
    .addCommand(actionCommand(run, 'tag', RETAIN))
    .addCommand(removeCommand(run, 'tag'))
}

export function branchCommand(run: Runner): Command {
  return new Command('branch')
    .description('create, move, keep, rename and remove branches; floeberg refs lists them')
    .addCommand(actionCommand(run, 'branch', CREATE))
    .addCommand(actionCommand(run, 'branch', REPLACE))
    .addCommand(actionCommand(run, 'branch', RETAIN))
    .addCommand(renameCommand(run))
    .addCommand(removeCommand(run, 'branch'))
}

function actionCommand(run: Runner, kind: Kind, action: Action): Command {
  const command = new Command(action.name)
    .description(action.about[kind])
    .argument('<table>', 'namespace.table')
    .argument(`<${kind}>`)
    .action(
      run((context, table: string, name: string, options: RefOptions) =>
        changeRefs(context, table, (m, loaded) => action.change(m, kind, name, loaded, options)),
      ),
    )
  const targeted = action === RETAIN ? command : withTarget(command)
  const kept = kind === 'tag' ? withTagRetention(targeted) : withBranchRetention(targeted)
  return withCommonOptions(kept, action.example[kind])
}

function renameCommand(run: Runner): Command {
  const command = new Command('rename')
    .description('give a branch another name')
    .argument('<table>', 'namespace.table')
    .argument('<branch>')
    .argument('<new-name>')
    .action(
      run((context, table: string, name: string, newName: string) =>
        changeRefs(context, table, (m) => m.renameBranch(name, newName)),
      ),
    )
  return withCommonOptions(command, 'floeberg branch rename demo.flights audit audited')
}

function removeCommand(run: Runner, kind: Kind): Command {
  const command = new Command('remove')
    .alias('drop')
    .description(`remove a ${kind}; asks first where nothing else keeps its snapshots`)
    .argument('<table>', 'namespace.table')
    .argument(`<${kind}>`)
    .option('-y, --yes', 'do not ask')
    .action(
      run((context, table: string, name: string, options: RemoveOptions) =>
        changeRefs(
          context,
          table,
          (m) => (kind === 'tag' ? m.removeTag(name) : m.removeBranch(name)),
          options.yes === true ? undefined : (loaded) => lossOf(loaded.metadata, kind, name),
        ),
      ),
    )
  return withCommonOptions(command, `floeberg ${kind} remove demo.flights ${kind === 'tag' ? 'q1' : 'audit'}`)
}

/** What the next expiry may take once the ref is gone, as a sentence; null where it is nothing. */
function lossOf(metadata: TableMetadata, kind: Kind, name: string): string | null {
  // It is refused, whatever would be answered.
  if (name === MAIN_BRANCH) return null
  const others = new Set(
    Object.entries(metadata.refs)
      .filter(([each]) => each !== name)
      .flatMap(([each, ref]) => keptBy(metadata, ref.type, each)),
  )
  const own = keptBy(metadata, kind, name).filter((id) => !others.has(id))
  if (own.length === 0) return null
  return `Nothing but ${kind} ${name} keeps ${plural(own.length, 'snapshot')}: the next expiry may remove ${own.length === 1 ? 'it' : 'them'}.`
}

function keptBy(metadata: TableMetadata, kind: Kind, name: string): readonly bigint[] {
  const head = refSnapshot(metadata, name)
  const kept = kind === 'branch' ? historyOf(metadata, name) : head === null ? [] : [head]
  return kept.map((snapshot) => snapshot['snapshot-id'])
}

/** Loads the table, asks if something would be lost, makes the change, and says what it was. */
export async function changeRefs(
  context: Context,
  name: string,
  change: (changes: ManageSnapshots, table: Table) => ManageSnapshots,
  lossOn?: (table: Table) => string | null,
): Promise<void> {
  const { terminal, output } = context
  await withManager(context, 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal: terminal.signal })
    const changes = change(manager.manageSnapshots(table), table)
    const loss = lossOn?.(table) ?? null
    if (loss !== null) await ask(context, loss)
    await printRefChanges(output, table.name, await changes.commit({ signal: terminal.signal }))
  })
}

/** UsageError where nobody is there; PartialFailure for a no. */
async function ask({ terminal }: Context, loss: string): Promise<void> {
  if (!terminal.isInteractive) throw new UsageError('nobody is there to be asked', `${loss} Pass --yes.`)
  if (await confirm(terminal, `${loss} Remove?`)) return
  terminal.note('Nothing was removed.\n')
  throw new PartialFailure()
}
