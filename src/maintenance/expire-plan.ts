/** The plan of an expiry: which snapshots and refs go, why, and what is deleted with them. */
import { z } from 'zod'
import { planHeadShape, planId } from './plan.ts'

const fileTotal = z.object({ count: z.number().int().min(0), bytes: z.number().min(0) })

const fileTotals = z.object({
  dataFiles: fileTotal,
  positionDeleteFiles: fileTotal,
  equalityDeleteFiles: fileTotal,
  manifests: fileTotal,
  manifestLists: fileTotal,
  statisticsFiles: fileTotal,
})

const plannedFiles = z.object({
  totals: fileTotals,
  /** null: not asked for. */
  names: z.array(z.string()).nullable(),
})

const whole = z.number().int()
const source = z.enum(['call', 'ref', 'table', 'manager'])

export const expirePlanSchema = z.object({
  kind: z.literal('expire'),
  ...planHeadShape,
  /**
   * Where an execution lists the files that may have to go, before the snapshots leave: a second one
   * finds there what the first, interrupted, has left undone.
   */
  fileList: z.string().min(1),
  /** How ages and counts were taken; null: only named snapshots go. */
  rules: z
    .object({
      nowMs: whole,
      cutOffMs: whole.nullable(),
      keepLast: whole.min(1).nullable(),
      maxSnapshotAgeMs: z.number().min(0),
      minSnapshotsToKeep: whole.min(1),
    })
    .nullable(),
  /** What that came to, for each branch; `branch` null: for snapshots that no branch leads to. */
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
      /** `age`: too old, and not among those that are to stay; `named`: the call named it. */
      reason: z.enum(['age', 'named']),
    }),
  ),
  keptSnapshotCount: whole.min(0),
  /** Branches and tags older than their limit. */
  expiredRefs: z.array(z.object({ name: z.string(), type: z.enum(['branch', 'tag']), snapshotId: planId })),
  cleanExpiredFiles: z.boolean(),
  /** Schemas and partition specs that no snapshot uses any more; null: they stay. */
  unusedMetadata: z
    .object({ schemaIds: z.array(whole).readonly(), specIds: z.array(whole).readonly() })
    .nullable(),
  /** What would be deleted if the table stayed as it is; null: not counted. */
  files: plannedFiles.nullable(),
})

/** What an expiry would do, as a value that JSON holds. */
export type ExpirePlan = z.output<typeof expirePlanSchema>

/** How many files, and how many bytes in all; sizes that no metadata tells count as 0. */
export type FileTotal = z.output<typeof fileTotal>
/** Files by what they hold. */
export type FileTotals = z.output<typeof fileTotals>
/** Files that would be deleted. */
export type PlannedFiles = z.output<typeof plannedFiles>
