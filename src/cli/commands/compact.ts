/** `floeberg compact`, `rewrite-manifests` and `rewrite-position-deletes`: the same rows in better files. */
import { Command, Option } from 'commander'
import type { IcebergTableManager } from '../../compose.ts'
import type { CompactionResult } from '../../maintenance/compact.ts'
import type {
  CompactionChoices,
  CompactionStrategy,
  RewriteJobOrder,
} from '../../maintenance/compaction-options.ts'
import type { CompactionGroup, CompactionPlan } from '../../maintenance/compaction-plan.ts'
import { bytesText, countText, plural, type OutputColumn } from '../cells.ts'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { parseAssignments, parseSortField } from '../field-syntax.ts'
import { checkAskable, runPlan, withPlanOptions, type PlannedWork, type PlanRunOptions } from '../plan-run.ts'
import type { Runner } from '../runner.ts'
import { listItems, parseBytes, parseNumber, parseWhole } from '../size-syntax.ts'

interface CompactOptions extends PlanRunOptions {
  readonly strategy?: CompactionStrategy
  readonly sortBy?: string
  readonly zOrderBy?: string
  readonly where?: string
  readonly ignoreCase?: boolean
  readonly branch?: string
  readonly targetSize?: number
  readonly minSize?: number
  readonly maxSize?: number
  readonly minInputFiles?: number
  readonly deleteFiles?: number
  readonly deleteRatio?: number
  readonly rewriteAll?: boolean
  readonly maxGroupSize?: number
  readonly concurrency?: number
  readonly partialProgress?: number
  readonly jobOrder?: RewriteJobOrder
  readonly outputSpec?: string
  readonly startingSequenceNumber: boolean
  readonly danglingDeletes: boolean
  readonly snapshotProperty?: readonly string[]
}

export function compactCommand(run: Runner): Command {
  const command = new Command('compact')
    .description('put small data files together, split large ones and leave out deleted rows; or sort them')
    .argument('<table>', 'namespace.table')
    .addOption(
      new Option(
        '--strategy <strategy>',
        'what becomes of the order of rows (default: bin_pack, it stays)',
      ).choices(['bin_pack', 'sort', 'z_order']),
    )
    .option('--sort-by <fields>', "for sort: 'date desc, origin' (default: the table’s own order)")
    .option('--z-order-by <columns>', "for z_order: 'origin, destination'")
    .option('-w, --where <filter>', 'only files that may hold rows for which it is true')
    .option('--ignore-case', 'find columns whatever the case of their names')
    .option('--branch <name>', 'branch whose files are rewritten (default: main)')
    .option('--target-size <size>', '512MiB, or bytes (default: the table’s)', parseBytes)
    .option('--min-size <size>', 'smaller files are rewritten (default: 75 % of the target)', parseBytes)
    .option('--max-size <size>', 'larger files are rewritten (default: 180 % of the target)', parseBytes)
    .option('--min-input-files <n>', 'groups of fewer files wait (default: 5)', parseWhole)
    .option(
      '--delete-files <n>',
      'rewrite files that have so many delete files, whatever their size',
      parseWhole,
    )
    .option(
      '--delete-ratio <share>',
      'and files of which so many rows are deleted (default: 0.3)',
      parseNumber,
    )
    .option('--rewrite-all', 'rewrite every file, whatever its size')
    .option('--max-group-size <size>', 'what is rewritten at a time (default: 100 GB)', parseBytes)
    .option('--concurrency <n>', 'groups rewritten at the same time (default: 2)', parseWhole)
    .option('--partial-progress <commits>', 'commit in up to so many steps instead of one', parseWhole)
    .addOption(
      new Option('--job-order <order>', 'which groups come first').choices([
        'none',
        'bytes-asc',
        'bytes-desc',
        'files-asc',
        'files-desc',
      ]),
    )
    .option(
      '--output-spec <id>',
      'also move files of other partition specs into this one; current: the table’s',
    )
    .option('--no-starting-sequence-number', 'new files count as new, also for equality deletes')
    .option('--no-dangling-deletes', 'leave delete files where no data file needs them any more')
    .option(
      '--snapshot-property <key=value>',
      'an entry for the snapshot’s summary; may be repeated',
      collect,
    )
    .action(run(compact))
  return withCommonOptions(
    withPlanOptions(command),
    "floeberg compact demo.flights --strategy sort --sort-by 'date desc, origin' --where \"date >= '2026-01-01'\" --dry-run",
  )
}

function choicesOf(options: CompactOptions): CompactionChoices {
  const { outputSpec, partialProgress } = options
  return {
    strategy: options.strategy ?? strategyOf(options),
    sortBy:
      options.sortBy === undefined
        ? undefined
        : listItems(options.sortBy).map((text) => parseSortField(text, '--sort-by')),
    zOrderBy: options.zOrderBy === undefined ? undefined : listItems(options.zOrderBy),
    where: options.where,
    caseSensitive: options.ignoreCase !== true,
    branch: options.branch,
    targetFileSizeBytes: options.targetSize,
    minFileSizeBytes: options.minSize,
    maxFileSizeBytes: options.maxSize,
    minInputFiles: options.minInputFiles,
    deleteFileThreshold: options.deleteFiles,
    deleteRatioThreshold: options.deleteRatio,
    rewriteAll: options.rewriteAll,
    maxFileGroupSizeBytes: options.maxGroupSize,
    maxConcurrentFileGroupRewrites: options.concurrency,
    partialProgressEnabled: partialProgress !== undefined,
    partialProgressMaxCommits: partialProgress,
    rewriteJobOrder: options.jobOrder,
    outputSpecId: outputSpec === undefined || outputSpec === 'current' ? outputSpec : parseWhole(outputSpec),
    useStartingSequenceNumber: options.startingSequenceNumber,
    removeDanglingDeletes: options.danglingDeletes,
    snapshotProperties: parseAssignments(options.snapshotProperty ?? []),
  }
}

/** Whoever says what to sort by wants it sorted. */
function strategyOf({ sortBy, zOrderBy }: CompactOptions): CompactionStrategy | undefined {
  if (sortBy !== undefined) return 'sort'
  return zOrderBy === undefined ? undefined : 'z_order'
}

async function compact(context: Context, name: string, options: CompactOptions): Promise<void> {
  checkAskable(context, options)
  const { signal } = context.terminal
  await withManager(context, options.dryRun === true ? 'read' : 'write', async (manager) => {
    const table = await manager.loadTable(name, { signal })
    const plan = await manager.planCompaction(table, { ...choicesOf(options), signal })
    const work = compactionWork(context, manager, name, plan)
    await runPlan(context, options, {
      ...work,
      print: async (result) => {
        await work.print(result)
        if (plan.groups.length === 0 && plan.strategy !== 'bin_pack' && options.rewriteAll !== true) {
          await context.output.text(
            'What need not be rewritten for its size is left as it is; --rewrite-all takes it too.',
          )
        }
      },
    })
  })
}

/** A compaction, shown, carried out and reported. */
export function compactionWork(
  context: Context,
  manager: IcebergTableManager,
  name: string,
  plan: CompactionPlan,
): PlannedWork<CompactionResult> {
  const { signal } = context.terminal
  const files = plan.groups.reduce((sum, group) => sum + group.files.length, 0)
  return {
    plan,
    isEmpty: files === 0 && plan.removedDeletes.length === 0,
    show: () => showPlan(context, name, plan),
    question:
      files === 0
        ? `Remove ${plural(plan.removedDeletes.length, 'delete file')}?`
        : `Rewrite ${plural(files, 'file')}?`,
    label: 'compacting',
    execute: (onProgress) => manager.execute(plan, { signal, onProgress }),
    print: (result) => printResult(context, name, result),
  }
}

const GROUP_COLUMNS: readonly OutputColumn[] = [
  { name: 'partition', show: (value) => (value === '' ? '(all)' : String(value)) },
  { name: 'spec', align: 'right' },
  { name: 'files', align: 'right', show: countText },
  { name: 'into', align: 'right', show: (value) => `~${countText(value)}` },
  { name: 'bytes', align: 'right', show: bytesText },
  { name: 'rows', align: 'right', show: countText },
  { name: 'why' },
]

const FILE_COLUMNS: readonly OutputColumn[] = [
  'partition',
  'spec',
  'file',
  'bytes',
  'rows',
  'delete_files',
  'why',
].map((name) => ({ name }))

async function showPlan({ output }: Context, name: string, plan: CompactionPlan): Promise<void> {
  if (output.format === 'csv') return output.list(FILE_COLUMNS, plan.groups.flatMap(fileRows))
  const { groups, removedDeletes } = plan
  if (groups.length === 0) await output.text(`No data file of ${name} needs to be rewritten.`)
  else await output.list(GROUP_COLUMNS, groups.map(groupRow))
  const files = groups.reduce((sum, group) => sum + group.files.length, 0)
  const bytes = groups.reduce((sum, group) => sum + group.bytes, 0)
  const after = groups.reduce((sum, group) => sum + group.expectedFiles, 0)
  if (groups.length > 0) {
    await output.text(
      `\n${plural(files, 'file')} of ${name}, ${bytesText(bytes)}, would become about ${countText(after)}.`,
    )
  }
  if (removedDeletes.length > 0) {
    await output.text(
      `${plural(removedDeletes.length, 'delete file')} would be of no use any more, and leave.`,
    )
  }
}

function groupRow(group: CompactionGroup) {
  return {
    partition: group.partition,
    spec: specText(group),
    files: group.files.length,
    into: group.expectedFiles,
    bytes: group.bytes,
    rows: group.rows,
    why: reasonsOf(group),
  }
}

function specText({ specId, outputSpecId }: CompactionGroup): string {
  return specId === outputSpecId ? String(specId) : `${specId} → ${outputSpecId}`
}

/** The most frequent reason, with how many others there are. */
function reasonsOf({ files }: CompactionGroup): string {
  const counts = [...Map.groupBy(files, ({ reason }) => reason)]
    .map(([reason, of]) => ({ reason, count: of.length }))
    .toSorted((a, b) => b.count - a.count)
  const [first, ...others] = counts
  if (first === undefined) return ''
  return others.length === 0 ? first.reason : `${first.reason} (${countText(first.count)}), and others`
}

function fileRows(group: CompactionGroup) {
  return group.files.map(({ location, bytes, rows, deleteFiles, reason }) => ({
    partition: group.partition,
    spec: group.specId,
    file: location,
    bytes,
    rows,
    delete_files: deleteFiles,
    why: reason,
  }))
}

async function printResult({ output }: Context, name: string, result: CompactionResult): Promise<void> {
  if (output.format !== 'table') {
    const record = {
      table: name,
      snapshot_ids: result.snapshotIds,
      groups: result.groups,
      rewritten_data_files: result.rewrittenDataFiles,
      rewritten_bytes: result.rewrittenBytes,
      added_data_files: result.addedDataFiles,
      added_bytes: result.addedBytes,
      rows: result.rows,
      removed_delete_files: result.removedDeleteFiles,
      skipped_files: result.skippedFiles,
      failed_groups: result.failedGroups,
      attempts: result.attempts,
    }
    await output.record(
      Object.keys(record).map((column) => ({ name: column })),
      record,
    )
  } else if (result.snapshotIds.length === 0) {
    await output.text(`Nothing to do: nothing was committed to ${name}.`)
  } else {
    await output.text(sentence(name, result))
    if (result.skippedFiles.length > 0) {
      await output.text(`${plural(result.skippedFiles.length, 'file')} of the plan had gone meanwhile.`)
    }
  }
  if (result.failure !== null) throw result.failure
}

function sentence(name: string, result: CompactionResult): string {
  const before = `${plural(result.rewrittenDataFiles, 'file')} (${bytesText(result.rewrittenBytes)})`
  const after = `${countText(result.addedDataFiles)} (${bytesText(result.addedBytes)})`
  const deletes =
    result.removedDeleteFiles > 0 ? `; ${plural(result.removedDeleteFiles, 'delete file')} removed` : ''
  const snapshots = `snapshot${result.snapshotIds.length === 1 ? '' : 's'} ${result.snapshotIds.join(', ')}`
  return `${name}: ${before} became ${after}${deletes}: ${snapshots}`
}
