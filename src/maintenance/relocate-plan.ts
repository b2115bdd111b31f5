/** The plan of a relocation: from where to where, what is copied, and what the catalog is told at the end. */
import { z } from 'zod'
import { planHeadShape } from './plan.ts'

const total = z.object({ count: z.number().int().min(0), bytes: z.number().min(0) })

export const relocatePlanSchema = z.object({
  kind: z.literal('relocate'),
  ...planHeadShape,
  /** The table's location afterwards. */
  to: z.string().min(1),
  /** Every file below a `from` goes to the same place below its `to`. */
  roots: z.array(z.object({ from: z.string().min(1), to: z.string().min(1) })).min(1),
  /** The relocated table's first metadata file. */
  targetMetadataLocation: z.string().min(1),
  /** The relocated table's id: another one, so that nobody takes it for the table that was loaded before. */
  targetUuid: z.string().min(1),
  /**
   * `replace`: the entry is pointed to the new files; `register`: they become a table by the name of
   * `as`; `none`: the catalog is not told.
   */
  registration: z.enum(['replace', 'register', 'none']),
  as: z.object({ namespace: z.array(z.string().min(1)).min(1), name: z.string().min(1) }).nullable(),
  snapshots: z.number().int().min(0),
  /** What there is to copy; the sizes of metadata are told by what is listed, 0 where nothing tells. */
  files: z.object({
    dataFiles: total,
    /** Written anew, since they name data files. */
    positionDeleteFiles: total,
    equalityDeleteFiles: total,
    /** Written anew. */
    manifests: total,
    /** Written anew. */
    manifestLists: total,
    statisticsFiles: total,
  }),
})

/** What a relocation would do, as a value that JSON holds. */
export type RelocatePlan = z.output<typeof relocatePlanSchema>
/** How many files there are to copy, and how many bytes. */
export type RelocationTotals = RelocatePlan['files']
