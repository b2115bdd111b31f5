/** What a compaction would rewrite, as a plain value. */
import { z } from 'zod'
import { planHeadShape, planId, type MaintenancePlan } from './plan.ts'
import type { CompactionStrategy } from './compaction-options.ts'

/** A data file that would be rewritten. */
export interface CompactionFile {
  readonly location: string
  readonly bytes: number
  /** Rows that its deletes removed are among them. */
  readonly rows: number
  /** Delete files that apply to it. */
  readonly deleteFiles: number
  readonly reason: string
}

/** Files that are rewritten together: of one partition, or all of a spec that is to be left. */
export interface CompactionGroup {
  readonly specId: number
  readonly outputSpecId: number
  /** For people, as in paths; '' for an unpartitioned table and where files of several partitions meet. */
  readonly partition: string
  readonly files: readonly CompactionFile[]
  readonly bytes: number
  readonly rows: number
  /** About how many files will take their place. */
  readonly expectedFiles: number
}

/** A sort field with everything said. */
export interface PlannedSortField {
  readonly source: string
  readonly transform: string
  readonly direction: 'asc' | 'desc'
  readonly nullOrder: 'nulls-first' | 'nulls-last'
}

/** What is kept of the options for the execution. */
export interface CompactionSettings {
  readonly targetFileSizeBytes: number
  readonly minFileSizeBytes: number
  readonly maxConcurrentFileGroupRewrites: number
  readonly partialProgressEnabled: boolean
  readonly partialProgressMaxCommits: number
  readonly useStartingSequenceNumber: boolean
  readonly removeDanglingDeletes: boolean
  readonly snapshotProperties: Readonly<Record<string, string>>
}

/** What a compaction would do to one branch. */
export interface CompactionPlan extends MaintenancePlan<'compact'> {
  readonly branch: string
  /** Head of the branch; null when it has none. */
  readonly snapshotId: string | null
  readonly strategy: CompactionStrategy
  /** For `sort`: what rows are sorted by. Empty otherwise: rows are in the table's own order, if it has one. */
  readonly sortBy: readonly PlannedSortField[]
  /** For `z_order`: full names of columns. Empty otherwise. */
  readonly zOrderBy: readonly string[]
  readonly settings: CompactionSettings
  readonly groups: readonly CompactionGroup[]
  /** Delete files that no data file needs any more, then or even now: they leave too. */
  readonly removedDeletes: readonly { readonly location: string; readonly bytes: number }[]
}

const count = z.int().nonnegative()

/** The Zod schema of a `CompactionPlan`. */
export const compactionPlanSchema = z.object({
  ...planHeadShape,
  kind: z.literal('compact'),
  branch: z.string().min(1),
  snapshotId: planId.nullable(),
  strategy: z.enum(['bin_pack', 'sort', 'z_order']),
  sortBy: z.array(
    z.object({
      source: z.string(),
      transform: z.string(),
      direction: z.enum(['asc', 'desc']),
      nullOrder: z.enum(['nulls-first', 'nulls-last']),
    }),
  ),
  zOrderBy: z.array(z.string()),
  settings: z.object({
    targetFileSizeBytes: z.int().positive(),
    minFileSizeBytes: count,
    maxConcurrentFileGroupRewrites: z.int().positive(),
    partialProgressEnabled: z.boolean(),
    partialProgressMaxCommits: z.int().positive(),
    useStartingSequenceNumber: z.boolean(),
    removeDanglingDeletes: z.boolean(),
    snapshotProperties: z.record(z.string(), z.string()),
  }),
  groups: z.array(
    z.object({
      specId: count,
      outputSpecId: count,
      partition: z.string(),
      files: z
        .array(
          z.object({
            location: z.string().min(1),
            bytes: count,
            rows: count,
            deleteFiles: count,
            reason: z.string(),
          }),
        )
        .min(1),
      bytes: count,
      rows: count,
      expectedFiles: count,
    }),
  ),
  removedDeletes: z.array(z.object({ location: z.string().min(1), bytes: count })),
})
