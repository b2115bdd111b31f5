/** The plan of a repair: to which version a broken table goes back, and which others there are. */
import { z } from 'zod'
import { planHeadShape, planId } from './plan.ts'

const version = z.object({
  /** Full location of the metadata file. */
  location: z.string().min(1),
  /**
   * How it is known: `previous-pointer`: the catalog named it before the broken one; `metadata-log`: that
   * version's log names it; `listing`: it was only found in the metadata folder.
   */
  source: z.enum(['previous-pointer', 'metadata-log', 'listing', 'given']),
  /** Whether it was the table at some time; a file that is merely there may be of a commit that failed. */
  standing: z.enum(['committed', 'uncommitted or unknown']),
  /** null: can be read, or was not looked into. */
  problem: z.enum(['missing', 'corrupt', 'unsupported', 'of another table']).nullable(),
  /** ISO 8601; null: not known. */
  updatedAt: z.iso.datetime().nullable(),
  /** Its current snapshot; null: none, or not known. */
  snapshotId: planId.nullable(),
  /** Rows as its current snapshot's summary counts them; null: not known. */
  totalRecords: z.string().nullable(),
})

export const repairPlanSchema = z.object({
  kind: z.literal('repair'),
  ...planHeadShape,
  /** The file that the catalog points to, which is also `metadataLocation`. */
  broken: z.object({ location: z.string().min(1), problem: z.enum(['missing', 'corrupt']) }),
  /** Where the catalog would point; null: no version is certain, name one by `metadataLocation`. */
  target: version.nullable(),
  /** Files that the target's branches and tags need and that are not there, or cannot be read. */
  targetProblems: z.array(z.string()),
  /** Every version that was found, the newest first. */
  versions: z.array(version),
})

/** What a repair would do, as a value that JSON holds. */
export type RepairPlan = z.output<typeof repairPlanSchema>
/** A metadata file that a broken table might go back to. */
export type TableVersion = RepairPlan['versions'][number]
