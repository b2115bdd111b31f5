/** The plan of a removal of orphan files: which files, how old, and who else was asked. */
import { z } from 'zod'
import { planHeadShape } from './plan.ts'

const names = z.array(z.array(z.string().min(1)))

export const orphanFilesPlanSchema = z.object({
  kind: z.literal('orphans'),
  ...planHeadShape,
  /** Folders that were listed, without a trailing slash. */
  locations: z.array(z.string().min(1)).min(1),
  /** By the store's clock: no file put later is among the items. */
  olderThan: z.iso.datetime(),
  /** What to make of a path that is listed under one scheme or authority and reachable under another. */
  prefixMismatch: z.enum(['error', 'ignore', 'delete']),
  equalSchemes: names,
  equalAuthorities: names,
  checkAllTables: z.boolean(),
  items: z.array(
    z.object({
      location: z.string().min(1),
      /** Bytes. */
      size: z.number().int().min(0),
      /** By the store's clock. */
      lastModified: z.iso.datetime(),
      /** `unreachable`: an object that no table reaches; `unfinished`: what a killed process left of a write. */
      reason: z.enum(['unreachable', 'unfinished']),
    }),
  ),
  /** Of all items. */
  bytes: z.number().min(0),
  sharing: z.object({
    /** Other tables of the catalog that were asked what they reach. */
    tablesRead: z.array(z.string()),
    /** Broken tables elsewhere, of which nobody can tell what they reach. */
    tablesUnreadable: z.array(z.string()),
    /** What cannot be checked from here. */
    note: z.string(),
  }),
})

/** What removing orphan files would delete, as a value that JSON holds. */
export type OrphanFilesPlan = z.output<typeof orphanFilesPlanSchema>
/** A file that nothing reaches. */
export type OrphanFile = OrphanFilesPlan['items'][number]
/** What to make of a path that is reachable under another scheme or authority. */
export type PrefixMismatch = OrphanFilesPlan['prefixMismatch']
/** Whose files were looked at besides the table's own. */
export type OrphanSharing = OrphanFilesPlan['sharing']
