/**
 * Plans of upkeep: what an operation would do, as a plain value that JSON holds, to be looked at,
 * stored, and executed later. Executing touches at most what the plan names.
 */

/** What every plan has; ids are decimal strings, so that `JSON.stringify` keeps them whole. */
export interface MaintenancePlan<Kind extends string = string> {
  readonly version: 1
  /** The operation, in the words of its CLI command and result. */
  readonly kind: Kind
  readonly table: { readonly namespace: readonly string[]; readonly name: string }
  readonly tableUuid: string
  /** The metadata that the plan was made from; null where the catalog does not tell. */
  readonly metadataLocation: string | null
  /** Every ref that was there, and the snapshot it named. */
  readonly refs: Readonly<Record<string, string>>
}

/** How a plan is carried out. */
export interface ExecuteOptions {
  /** Honoured until a commit is sent, between commits, and between batches of deletions. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: MaintenanceProgress) => void) | undefined
}

/** How far an execution is. */
export interface MaintenanceProgress {
  /** What is counted: `files`, `groups`, `snapshots`. */
  readonly unit: string
  readonly done: number
  /** null while it is not known. */
  readonly total: number | null
}
