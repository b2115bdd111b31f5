/** How a table is compacted: what users ask for, and what of it a plan keeps. Names and defaults are Java's. */
import { z } from 'zod'
import { InvalidArgumentError } from '../errors.ts'
import type { Expression } from '../format/expressions/expression.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { specsById } from '../format/metadata/views.ts'
import { intProperty } from '../format/properties.ts'
import type { SortFieldRequest } from '../format/sort-order.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'

/**
 * - `bin_pack`: small files are put together, large ones split; rows keep their places, or get the
 *   table's sort order if it has one
 * - `sort`: the rows of each group are sorted, by the table's order or by given columns
 * - `z_order`: the rows of each group lie so that near in each of several columns is near in the files
 */
export type CompactionStrategy = 'bin_pack' | 'sort' | 'z_order'

/** In which order groups are rewritten. */
export type RewriteJobOrder = 'none' | 'bytes-asc' | 'bytes-desc' | 'files-asc' | 'files-desc'

/** Which files are rewritten, and how. Sizes in bytes. */
export interface CompactionChoices {
  /** Default `bin_pack`. */
  readonly strategy?: CompactionStrategy | undefined
  /** For `sort`: what rows are sorted by. Default: the table's sort order. */
  readonly sortBy?: readonly SortFieldRequest[] | undefined
  /** For `z_order`: full names of two or more columns. */
  readonly zOrderBy?: readonly string[] | undefined
  /**
   * Only files that may hold rows for which this is true, by partitions and metrics; they are
   * rewritten whole. On partition columns it chooses partitions.
   */
  readonly where?: Expression | string | undefined
  /** How column names are matched. Default: true. */
  readonly caseSensitive?: boolean | undefined
  /** Branch whose files are rewritten. Default: main. */
  readonly branch?: string | undefined
  /** Default: the table's `write.target-file-size-bytes`. */
  readonly targetFileSizeBytes?: number | undefined
  /** Smaller files are rewritten. Default: 75 % of the target. */
  readonly minFileSizeBytes?: number | undefined
  /** Larger files are rewritten. Default: 180 % of the target. */
  readonly maxFileSizeBytes?: number | undefined
  /** A group of fewer files waits until it has more, or a file's worth of bytes. Default: 5. */
  readonly minInputFiles?: number | undefined
  /** Files with so many delete files are rewritten whatever their size. Default: no number. */
  readonly deleteFileThreshold?: number | undefined
  /** Files of which so large a share of rows is deleted are rewritten whatever their size. Default: 0.3. */
  readonly deleteRatioThreshold?: number | undefined
  /** Rewrite every file, whatever its size. Default: false. */
  readonly rewriteAll?: boolean | undefined
  /** What is rewritten, and sorted, at a time. Default: 100 GB. */
  readonly maxFileGroupSizeBytes?: number | undefined
  /** Groups rewritten at the same time. Default: 2: each uses all threads of the engine. */
  readonly maxConcurrentFileGroupRewrites?: number | undefined
  /**
   * Commit finished groups while others are still to be done; a conflict then costs only the groups
   * of its commit. Default: false: all groups in one commit.
   */
  readonly partialProgressEnabled?: boolean | undefined
  /** Default: 10. */
  readonly partialProgressMaxCommits?: number | undefined
  /** Default `none`: in the order of the table's own lists. */
  readonly rewriteJobOrder?: RewriteJobOrder | undefined
  /**
   * New files count as old as the snapshot that they were made from, so that equality deletes which
   * come meanwhile apply to them. Default: true.
   */
  readonly useStartingSequenceNumber?: boolean | undefined
  /** Take delete files out of the table that no data file needs any more. Default: true. */
  readonly removeDanglingDeletes?: boolean | undefined
  /**
   * Write files in this partition spec (`current`: the table's), and rewrite those that are in
   * others. Default: every file stays in the spec it has.
   */
  readonly outputSpecId?: number | 'current' | undefined
  /** Entries for the snapshots' summaries. */
  readonly snapshotProperties?: Readonly<Record<string, string>> | undefined
}

const size = z.int().positive()

const choicesSchema = z.object({
  strategy: z.enum(['bin_pack', 'sort', 'z_order']).default('bin_pack'),
  targetFileSizeBytes: size.optional(),
  minFileSizeBytes: z.int().nonnegative().optional(),
  maxFileSizeBytes: size.optional(),
  minInputFiles: z.int().positive().default(5),
  deleteFileThreshold: z.int().positive().optional(),
  deleteRatioThreshold: z.number().gt(0).lte(1).default(0.3),
  rewriteAll: z.boolean().default(false),
  maxFileGroupSizeBytes: size.default(100 * 1024 ** 3),
  maxConcurrentFileGroupRewrites: z.int().positive().max(64).default(2),
  partialProgressEnabled: z.boolean().default(false),
  partialProgressMaxCommits: z.int().positive().default(10),
  rewriteJobOrder: z.enum(['none', 'bytes-asc', 'bytes-desc', 'files-asc', 'files-desc']).default('none'),
  useStartingSequenceNumber: z.boolean().default(true),
  removeDanglingDeletes: z.boolean().default(true),
  snapshotProperties: z.record(z.string(), z.string()).default({}),
})

/** What was asked for, with everything filled in that the table and Java's defaults say. */
export interface ResolvedChoices extends z.output<typeof choicesSchema> {
  readonly branch: string
  readonly targetFileSizeBytes: number
  readonly minFileSizeBytes: number
  readonly maxFileSizeBytes: number
  /** null: files stay in the spec they have. */
  readonly outputSpecId: number | null
}

const OTHERS: ReadonlySet<string> = new Set([
  'sortBy',
  'zOrderBy',
  'where',
  'caseSensitive',
  'branch',
  'outputSpecId',
  'signal',
  'onProgress',
  'retry',
])

/** InvalidArgumentError names the option that is wrong, or that there is none of its name. */
export function resolveChoices(metadata: TableMetadata, choices: CompactionChoices): ResolvedChoices {
  const unknown = Object.keys(choices).find((key) => !OTHERS.has(key) && !(key in choicesSchema.shape))
  if (unknown !== undefined) throw new InvalidArgumentError(`compaction has no option '${unknown}'`)
  const parsed = choicesSchema.safeParse(choices)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new InvalidArgumentError(`${(issue?.path ?? []).map(String).join('.')}: ${issue?.message ?? ''}`)
  }
  const { data } = parsed
  const target = data.targetFileSizeBytes ?? intProperty(metadata.properties, 'write.target-file-size-bytes')
  const min = data.minFileSizeBytes ?? Math.floor(0.75 * target)
  const max = data.maxFileSizeBytes ?? Math.floor(1.8 * target)
  if (min >= target || max <= target) {
    throw new InvalidArgumentError(
      'minFileSizeBytes has to be below targetFileSizeBytes, and maxFileSizeBytes above it',
    )
  }
  return {
    ...data,
    branch: choices.branch ?? MAIN_BRANCH,
    targetFileSizeBytes: target,
    minFileSizeBytes: min,
    maxFileSizeBytes: max,
    outputSpecId: outputSpec(metadata, choices.outputSpecId),
  }
}

function outputSpec(metadata: TableMetadata, wanted: CompactionChoices['outputSpecId']): number | null {
  if (wanted === undefined) return null
  const id = wanted === 'current' ? metadata['default-spec-id'] : wanted
  if (specsById(metadata).has(id)) return id
  throw new InvalidArgumentError(`outputSpecId: the table has no partition spec ${String(wanted)}`)
}
