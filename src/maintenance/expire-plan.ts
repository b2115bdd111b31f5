/** The plan of an expiry: which snapshots and refs go, why, and what is deleted with them. */
import { z } from 'zod'
import type { RetentionLimits, RetentionRules } from '../format/metadata/snapshot-retention.ts'
import { planHeadShape, planId, type MaintenancePlan } from './plan.ts'

/** How many files, and how many bytes in all; sizes that no metadata tells count as 0. */
export interface FileTotal {
  readonly count: number
  readonly bytes: number
}

/** Files by what they hold. */
export interface FileTotals {
  readonly dataFiles: FileTotal
  readonly positionDeleteFiles: FileTotal
  readonly equalityDeleteFiles: FileTotal
  readonly manifests: FileTotal
  readonly manifestLists: FileTotal
  readonly statisticsFiles: FileTotal
}

/** Files that would be deleted. */
export interface PlannedFiles {
  readonly totals: FileTotals
  /** All that may be deleted; null: not asked for, and all goes that only these snapshots reach. */
  readonly names: readonly string[] | null
}

/** A snapshot that goes. */
export interface PlannedSnapshot {
  readonly snapshotId: string
  readonly timestampMs: number
  readonly operation: string | null
  /** `age`: too old, and not among those that are to stay; `named`: the call named it. */
  readonly reason: 'age' | 'named'
}

/** What an expiry would do, as a value that JSON holds. */
export interface ExpirePlan extends MaintenancePlan<'expire'> {
  /**
   * Where an execution lists the files that may have to go, before the snapshots leave: a second one
   * finds there what the first, interrupted, has left undone.
   */
  readonly fileList: string
  /** How ages and counts are taken, also when it is executed; null: only named snapshots go. */
  readonly rules: RetentionRules | null
  /** What that came to, for each branch; `branch` null: for snapshots that no branch leads to. */
  readonly limits: readonly (RetentionLimits & { readonly branch: string | null })[]
  readonly snapshots: readonly PlannedSnapshot[]
  readonly keptSnapshotCount: number
  /** Branches and tags older than their limit. */
  readonly expiredRefs: readonly {
    readonly name: string
    readonly type: 'branch' | 'tag'
    readonly snapshotId: string
  }[]
  readonly cleanExpiredFiles: boolean
  /** Schemas and partition specs that no snapshot would use any more; null: they stay. */
  readonly unusedMetadata: {
    readonly schemaIds: readonly number[]
    readonly specIds: readonly number[]
  } | null
  /** What would be deleted if the table stayed as it is; null: not counted. */
  readonly files: PlannedFiles | null
}

const whole = z.number().int()
const source = z.enum(['call', 'ref', 'table', 'manager'])
const fileTotal = z.object({ count: whole.min(0), bytes: z.number().min(0) })

export const expirePlanSchema: z.ZodType<ExpirePlan> = z.object({
  kind: z.literal('expire'),
  ...planHeadShape,
  fileList: z.string().min(1),
  rules: z
    .object({
      nowMs: whole,
      cutOffMs: whole.nullable(),
      keepLast: whole.min(1).nullable(),
      maxSnapshotAgeMs: z.number().min(0),
      minSnapshotsToKeep: whole.min(1),
    })
    .nullable(),
  limits: z.array(
    z.object({
      branch: z.string().nullable(),
      cutOffMs: z.number(),
      ageFrom: source,
      keep: whole,
      keepFrom: source,
    }),
  ),
  snapshots: z.array(
    z.object({
      snapshotId: planId,
      timestampMs: whole,
      operation: z.string().nullable(),
      reason: z.enum(['age', 'named']),
    }),
  ),
  keptSnapshotCount: whole.min(0),
  expiredRefs: z.array(z.object({ name: z.string(), type: z.enum(['branch', 'tag']), snapshotId: planId })),
  cleanExpiredFiles: z.boolean(),
  unusedMetadata: z.object({ schemaIds: z.array(whole), specIds: z.array(whole) }).nullable(),
  files: z
    .object({
      totals: z.object({
        dataFiles: fileTotal,
        positionDeleteFiles: fileTotal,
        equalityDeleteFiles: fileTotal,
        manifests: fileTotal,
        manifestLists: fileTotal,
        statisticsFiles: fileTotal,
      }),
      names: z.array(z.string()).nullable(),
    })
    .nullable(),
})
