/** `floeberg rewrite-manifests` and `floeberg rewrite-position-deletes`: fewer files to look at for a scan. */
import { Command } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import type { RewriteManifestsPlan, RewriteManifestsResult } from '../../maintenance/manifests-plan.ts'
import type { RewritePositionDeletesPlan } from '../../maintenance/position-deletes-plan.ts'
import type { RewritePositionDeletesResult } from '../../maintenance/rewrite-position-deletes.ts'
import { bytesText, countText, plural, type OutputColumn } from '../cells.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { parseAssignments } from '../field-syntax.ts'
import { checkAskable, runPlan, withPlanOptions, type PlannedWork, type PlanRunOptions } from '../plan-run.ts'
import type { Runner } from '../runner.ts'
import { listItems, parseBytes, parseWhole } from '../size-syntax.ts'

interface RewriteOptions extends PlanRunOptions {
  readonly branch?: string
  readonly snapshotProperty?: readonly string[]
}

interface ManifestsOptions extends RewriteOptions {
  readonly spec?: number
  readonly clusterBy?: string
}

interface PositionDeletesOptions extends RewriteOptions {
  readonly targetSize?: number
  readonly minSize?: number
  readonly maxSize?: number
  readonly minInputFiles?: number
  readonly rewriteAll?: boolean
}

export function rewriteManifestsCommand(run: Runner): Command {
  const command = rewriting('rewrite-manifests')
    .description('put small manifests together, with what they list in the order of partitions')
    .option('--spec <id>', 'only manifests of this partition spec', parseWhole)
    .option('--cluster-by <fields>', 'partition fields to order by (default: all, in their order)')
    .action(run(rewriteManifests))
  return withCommonOptions(
    command,
    'floeberg rewrite-manifests demo.flights --cluster-by date_month --dry-run',
  )
}

export function rewritePositionDeletesCommand(run: Runner): Command {
  const command = rewriting('rewrite-position-deletes')
    .description('put small position delete files together, and drop those about files that are gone')
    .option('--target-size <size>', '64MiB, or bytes (default: the table’s)', parseBytes)
    .option('--min-size <size>', 'smaller files are rewritten (default: 75 % of the target)', parseBytes)
    .option('--max-size <size>', 'larger files are rewritten (default: 180 % of the target)', parseBytes)
    .option('--min-input-files <n>', 'partitions with fewer of them wait (default: 5)', parseWhole)
    .option('--rewrite-all', 'rewrite every file')
    .action(run(rewritePositionDeletes))
  return withCommonOptions(
    command,
    'floeberg rewrite-position-deletes demo.flights --min-input-files 2 --yes',
  )
}

function rewriting(name: string): Command {
  const command = new Command(name)
    .argument('<table>', 'namespace.table')
    .option('--branch <name>', 'branch whose files are rewritten (default: main)')
    .option(
      '--snapshot-property <key=value>',
      'an entry for the snapshot’s summary; may be repeated',
      collect,
    )
  return withPlanOptions(command)
}

async function rewriteManifests(context: Context, name: string, options: ManifestsOptions): Promise<void> {
  checkAskable(context, options)
  const { signal } = context.terminal
  await withManager(context, options.dryRun === true ? 'read' : 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal })
    const plan = await manager.planRewriteManifests(table, {
      specId: options.spec,
      clusterBy: options.clusterBy === undefined ? undefined : listItems(options.clusterBy),
      branch: options.branch,
      snapshotProperties: parseAssignments(options.snapshotProperty ?? []),
      signal,
    })
    await runPlan(context, options, manifestsWork(context, manager, name, plan))
  })
}

/** A rewriting of manifests, shown, carried out and reported. */
export function manifestsWork(
  context: Context,
  manager: IcebergTableManager,
  name: string,
  plan: RewriteManifestsPlan,
): PlannedWork<RewriteManifestsResult> {
  const { signal } = context.terminal
  const count = plan.groups.reduce((sum, { manifests }) => sum + manifests.length, 0)
  return {
    plan,
    isEmpty: count === 0,
    show: () => showManifests(context, name, plan),
    question: `Rewrite ${plural(count, 'manifest')}?`,
    label: 'rewriting manifests',
    execute: (onProgress) => manager.execute(plan, { signal, onProgress }),
    print: (result) => printManifests(context, name, result),
  }
}

const MANIFEST_COLUMNS: readonly OutputColumn[] = [
  { name: 'spec', align: 'right' },
  { name: 'content' },
  { name: 'manifests', align: 'right', show: countText },
  { name: 'bytes', align: 'right', show: bytesText },
  { name: 'cluster_by', show: (value) => (value === '' ? '(not partitioned)' : String(value)) },
]

async function showManifests(
  { output }: Context,
  name: string,
  { groups }: RewriteManifestsPlan,
): Promise<void> {
  if (groups.length === 0 && output.format === 'table') {
    return output.text(`The manifests of ${name} are as they should be.`)
  }
  await output.list(
    MANIFEST_COLUMNS,
    groups.map(({ specId, content, manifests, bytes, clusterBy }) => ({
      spec: specId,
      content,
      manifests: manifests.length,
      bytes,
      cluster_by: clusterBy.join(', '),
    })),
  )
}

async function printManifests(
  { output }: Context,
  name: string,
  result: RewriteManifestsResult,
): Promise<void> {
  const { snapshotId, replacedManifests, createdManifests, keptManifests, entries, attempts } = result
  if (output.format !== 'table') {
    return output.record(
      [
        'table',
        'snapshot_id',
        'replaced_manifests',
        'created_manifests',
        'kept_manifests',
        'entries',
        'attempts',
      ].map((column) => ({ name: column })),
      {
        table: name,
        snapshot_id: snapshotId,
        replaced_manifests: replacedManifests,
        created_manifests: createdManifests,
        kept_manifests: keptManifests,
        entries,
        attempts,
      },
    )
  }
  if (snapshotId === null) return output.text(`Nothing to do: nothing was committed to ${name}.`)
  await output.text(
    `${name}: ${plural(replacedManifests, 'manifest')} became ${countText(createdManifests)}, of ${plural(entries, 'file')}: snapshot ${snapshotId}`,
  )
}

async function rewritePositionDeletes(
  context: Context,
  name: string,
  options: PositionDeletesOptions,
): Promise<void> {
  checkAskable(context, options)
  const { signal } = context.terminal
  await withManager(context, options.dryRun === true ? 'read' : 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal })
    const plan = await manager.planRewritePositionDeletes(table, {
      branch: options.branch,
      targetFileSizeBytes: options.targetSize,
      minFileSizeBytes: options.minSize,
      maxFileSizeBytes: options.maxSize,
      minInputFiles: options.minInputFiles,
      rewriteAll: options.rewriteAll,
      snapshotProperties: parseAssignments(options.snapshotProperty ?? []),
      signal,
    })
    await runPlan(context, options, positionDeletesWork(context, manager, name, plan))
  })
}

/** A rewriting of position deletes, shown, carried out and reported. */
export function positionDeletesWork(
  context: Context,
  manager: IcebergTableManager,
  name: string,
  plan: RewritePositionDeletesPlan,
): PlannedWork<RewritePositionDeletesResult> {
  const { signal } = context.terminal
  const count = plan.groups.reduce((sum, { files }) => sum + files.length, plan.removedDeletes.length)
  return {
    plan,
    isEmpty: count === 0,
    show: () => showPositionDeletes(context, name, plan),
    question: `Replace ${plural(count, 'delete file')}?`,
    label: 'rewriting position deletes',
    execute: (onProgress) => manager.execute(plan, { signal, onProgress }),
    print: (result) => printPositionDeletes(context, name, result),
  }
}

const DELETE_COLUMNS: readonly OutputColumn[] = [
  { name: 'partition', show: (value) => (value === '' ? '(all)' : String(value)) },
  { name: 'spec', align: 'right' },
  { name: 'files', align: 'right', show: countText },
  { name: 'into', align: 'right', show: (value) => `~${countText(value)}` },
  { name: 'bytes', align: 'right', show: bytesText },
]

async function showPositionDeletes(
  { output }: Context,
  name: string,
  { groups, removedDeletes }: RewritePositionDeletesPlan,
): Promise<void> {
  if (groups.length > 0 || output.format === 'csv') {
    await output.list(
      DELETE_COLUMNS,
      groups.map(({ partition, specId, files, expectedFiles, bytes }) => ({
        partition,
        spec: specId,
        files: files.length,
        into: expectedFiles,
        bytes,
      })),
    )
  } else {
    await output.text(`No position delete file of ${name} needs to be rewritten.`)
  }
  if (removedDeletes.length === 0) return
  await output.text(`${plural(removedDeletes.length, 'delete file')} of no data file would leave.`)
}

async function printPositionDeletes(
  { output }: Context,
  name: string,
  result: RewritePositionDeletesResult,
): Promise<void> {
  const { snapshotId, removedDeleteFiles, addedDeleteFiles, addedBytes, positions } = result
  if (output.format !== 'table') {
    const record = {
      table: name,
      snapshot_id: snapshotId,
      removed_delete_files: removedDeleteFiles,
      removed_bytes: result.removedBytes,
      added_delete_files: addedDeleteFiles,
      added_bytes: addedBytes,
      positions,
      skipped_files: result.skippedFiles,
      attempts: result.attempts,
    }
    return output.record(
      Object.keys(record).map((column) => ({ name: column })),
      record,
    )
  }
  if (snapshotId === null) return output.text(`Nothing to do: nothing was committed to ${name}.`)
  await output.text(
    `${name}: ${plural(removedDeleteFiles, 'delete file')} became ${countText(addedDeleteFiles)} (${bytesText(addedBytes)}), of ${plural(positions, 'row')}: snapshot ${snapshotId}`,
  )
}
