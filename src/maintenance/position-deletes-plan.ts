/** Planning a rewriting of position delete files: many small ones, or ones about files that are gone. */
import { z } from 'zod'
import type { FileScanTask } from '../engine/data-plane.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { ManifestEntry } from '../format/manifest/entry.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema, specById } from '../format/metadata/views.ts'
import { partitionPath } from '../format/partition-path.ts'
import { intProperty } from '../format/properties.ts'
import { MAIN_BRANCH, type Snapshot } from '../format/snapshot.ts'
import { partitionKey } from '../table/partition-key.ts'
import { refuseUnwritable } from '../table/snapshot-producer.ts'
import type { TableState } from '../table/table-state.ts'
import { writableHead } from '../table/write-branch.ts'
import { contextOf, liveDeletes, liveTasks, DeleteFileUse } from './live-files.ts'
import { planHead, planHeadShape, planId, type MaintenancePlan } from './plan.ts'
import { expectedFiles } from './plan-compaction.ts'

/** Which position delete files are rewritten, and how. Names and defaults are Java's. */
export interface RewritePositionDeletesChoices {
  /** Branch whose files are rewritten. Default: main. */
  readonly branch?: string | undefined
  /** Default: the table's `write.delete.target-file-size-bytes`. */
  readonly targetFileSizeBytes?: number | undefined
  /** Smaller files are rewritten. Default: 75 % of the target. */
  readonly minFileSizeBytes?: number | undefined
  /** Larger files are rewritten. Default: 180 % of the target. */
  readonly maxFileSizeBytes?: number | undefined
  /** A partition with fewer such files waits until it has more. Default: 5. */
  readonly minInputFiles?: number | undefined
  /** Rewrite every file, which drops positions in data files that are gone. Default: false. */
  readonly rewriteAll?: boolean | undefined
  /** Entries for the snapshot's summary. */
  readonly snapshotProperties?: Readonly<Record<string, string>> | undefined
}

/** A position delete file that would be rewritten. */
export interface PlannedDeleteFile {
  readonly location: string
  readonly bytes: number
  /** Positions in it. */
  readonly positions: number
}

/** Position delete files of one partition. */
export interface PositionDeletesGroup {
  readonly specId: number
  /** For people, as in paths; '' for an unpartitioned table. */
  readonly partition: string
  readonly files: readonly PlannedDeleteFile[]
  readonly bytes: number
  /** About how many files will take their place. */
  readonly expectedFiles: number
}

/** Which position delete files would be rewritten. */
export interface RewritePositionDeletesPlan extends MaintenancePlan<'rewrite-position-deletes'> {
  readonly branch: string
  /** Head of the branch; null when it has none. */
  readonly snapshotId: string | null
  readonly snapshotProperties: Readonly<Record<string, string>>
  readonly groups: readonly PositionDeletesGroup[]
  /** Files that no data file needs any more: they leave as they are. */
  readonly removedDeletes: readonly PlannedDeleteFile[]
}

const count = z.int().nonnegative()
const plannedFileSchema = z.object({ location: z.string().min(1), bytes: count, positions: count })

/** The Zod schema of a `RewritePositionDeletesPlan`. */
export const positionDeletesPlanSchema = z.object({
  ...planHeadShape,
  kind: z.literal('rewrite-position-deletes'),
  branch: z.string().min(1),
  snapshotId: planId.nullable(),
  snapshotProperties: z.record(z.string(), z.string()),
  groups: z.array(
    z.object({
      specId: count,
      partition: z.string(),
      files: z.array(plannedFileSchema).min(1),
      bytes: count,
      expectedFiles: count,
    }),
  ),
  removedDeletes: z.array(plannedFileSchema),
})

const choicesSchema = z.strictObject({
  branch: z.string().min(1).default(MAIN_BRANCH),
  targetFileSizeBytes: z.int().positive().optional(),
  minFileSizeBytes: count.optional(),
  maxFileSizeBytes: z.int().positive().optional(),
  minInputFiles: z.int().positive().default(5),
  rewriteAll: z.boolean().default(false),
  snapshotProperties: z.record(z.string(), z.string()).default({}),
})

interface Resolved extends z.output<typeof choicesSchema> {
  readonly targetFileSizeBytes: number
  readonly minFileSizeBytes: number
  readonly maxFileSizeBytes: number
}

/** InvalidArgumentError for options that are wrong; UnsupportedFeatureError for tables that cannot be written to. */
export async function planPositionDeletes(
  state: TableState,
  choices: RewritePositionDeletesChoices,
  signal?: AbortSignal,
): Promise<RewritePositionDeletesPlan> {
  const { metadata } = state
  refuseUnwritable(metadata)
  const resolved = resolve(metadata, choices)
  const head = writableHead(metadata, resolved.branch)
  const found = head === null ? NONE : await find(state, head, resolved, signal)
  return {
    ...planHead('rewrite-position-deletes', state),
    branch: resolved.branch,
    snapshotId: head === null ? null : head['snapshot-id'].toString(),
    snapshotProperties: resolved.snapshotProperties,
    ...found,
  }
}

function resolve(metadata: TableMetadata, choices: RewritePositionDeletesChoices): Resolved {
  const parsed = choicesSchema.safeParse(choices)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new InvalidArgumentError(
      `rewriting position deletes: ${(issue?.path ?? []).map(String).join('.')} ${issue?.message ?? ''}`,
    )
  }
  const { data } = parsed
  const target =
    data.targetFileSizeBytes ?? intProperty(metadata.properties, 'write.delete.target-file-size-bytes')
  const min = data.minFileSizeBytes ?? Math.floor(0.75 * target)
  const max = data.maxFileSizeBytes ?? Math.floor(1.8 * target)
  if (min < target && max > target) {
    return { ...data, targetFileSizeBytes: target, minFileSizeBytes: min, maxFileSizeBytes: max }
  }
  throw new InvalidArgumentError(
    'minFileSizeBytes has to be below targetFileSizeBytes, and maxFileSizeBytes above it',
  )
}

type Found = Pick<RewritePositionDeletesPlan, 'groups' | 'removedDeletes'>

const NONE: Found = { groups: [], removedDeletes: [] }

async function find(
  state: TableState,
  head: Snapshot,
  choices: Resolved,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const context = contextOf(state, signal)
  const deletes = (await liveDeletes(context, head)).filter(({ file }) => file.content === 'position-deletes')
  if (deletes.length === 0) return NONE
  const tasks = await liveTasks(context, head)
  const unused = new DeleteFileUse(deletes, tasks).unusedWithout(new Set())
  const unusedLocations = new Set(unused.map(({ location }) => location))
  const used = deletes.filter(({ file }) => !unusedLocations.has(file.location))
  const wanted = used.filter(({ file: { fileSizeInBytes: bytes } }) => {
    return choices.rewriteAll || bytes < choices.minFileSizeBytes || bytes > choices.maxFileSizeBytes
  })
  const groups = Map.groupBy(wanted, ({ file }) => partitionKey(file.specId, file.partition))
  return {
    groups: [...groups.values()].flatMap((group) => {
      const planned = plannedGroup(state.metadata, group, tasks, choices)
      const isWorthIt = group.length >= choices.minInputFiles && planned.expectedFiles < group.length
      return isWorthIt || choices.rewriteAll ? [planned] : []
    }),
    removedDeletes: unused.map(({ location, fileSizeInBytes, recordCount }) => ({
      location,
      bytes: fileSizeInBytes,
      positions: recordCount,
    })),
  }
}

function plannedGroup(
  metadata: TableMetadata,
  group: readonly ManifestEntry[],
  tasks: readonly FileScanTask[],
  choices: Resolved,
): PositionDeletesGroup {
  const [first] = group
  const { specId = 0, partition = [] } = first?.file ?? {}
  const bytes = group.reduce((sum, { file }) => sum + file.fileSizeInBytes, 0)
  const files = new Set(group.map(({ file }) => file.location))
  return {
    specId,
    partition: partitionPath(specById(metadata, specId), currentSchema(metadata), partition),
    files: group.map(({ file }) => ({
      location: file.location,
      bytes: file.fileSizeInBytes,
      positions: file.recordCount,
    })),
    bytes,
    expectedFiles:
      metadata.properties['write.delete.granularity'] === 'partition'
        ? expectedFiles(bytes, choices)
        : tasks.filter(({ deletes }) => deletes.some(({ file }) => files.has(file.location))).length,
  }
}
