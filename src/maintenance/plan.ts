/**
 * Plans of upkeep: what an operation would do, as a plain value that JSON holds, to be looked at,
 * stored, and executed later. Executing touches at most what the plan names.
 */
import { z } from 'zod'
import { CommitRejectedError, InvalidArgumentError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { TableState } from '../table/table-state.ts'

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

/** A 64-bit id as plans have it. */
export const planId = z.string().regex(/^-?\d{1,19}$/, { error: 'expected an id as a decimal string' })

/** The members of every plan, for the Zod schema of a kind: `z.object({ kind: z.literal('…'), ...planHeadShape, … })`. */
export const planHeadShape = {
  version: z.literal(1),
  table: z.object({ namespace: z.array(z.string().min(1)).min(1).readonly(), name: z.string().min(1) }),
  tableUuid: z.string().min(1),
  metadataLocation: z.string().nullable(),
  refs: z.record(z.string(), planId).readonly(),
}

const planHeadSchema = z.object({ kind: z.string(), ...planHeadShape })

/** The head of a plan made from a table as it is. */
export function planHead<Kind extends string>(kind: Kind, state: TableState): MaintenancePlan<Kind> {
  const { metadata, loaded, id } = state
  return {
    version: 1,
    kind,
    table: { namespace: id.namespace, name: id.name },
    tableUuid: metadata['table-uuid'],
    metadataLocation: loaded.metadataLocation,
    refs: refHeads(metadata),
  }
}

/** Every ref and the snapshot that it names, as plans have them. */
export function refHeads(metadata: TableMetadata): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(metadata.refs).map(([name, ref]) => [name, ref['snapshot-id'].toString()]),
  )
}

/** A plan that may have been stored meanwhile. InvalidArgumentError naming the member at fault. */
export function parsePlan<S extends z.ZodType>(schema: S, plan: unknown): z.output<S> {
  const parsed = schema.safeParse(plan)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = (issue?.path ?? []).map(String).join('.')
  throw new InvalidArgumentError(
    `This is no plan that can be executed: ${path || 'the whole'}: ${issue?.message}`,
    {
      hint: 'Pass what a plan… method answered, as it was, or make the plan anew.',
    },
  )
}

/** The head of any plan. InvalidArgumentError as in `parsePlan`. */
export function parsePlanHead(plan: unknown): MaintenancePlan {
  return parsePlan(planHeadSchema, plan)
}

/** CommitRejectedError when the plan was made for another table, or for one that stood there before. */
export function checkPlannedTable(plan: MaintenancePlan, metadata: TableMetadata): void {
  if (plan.tableUuid.toLowerCase() === metadata['table-uuid'].toLowerCase()) return
  throw new CommitRejectedError('The plan was made for another table than the one that has its name now', {
    table: [...plan.table.namespace, plan.table.name].join('.'),
    hint: 'Look at the table and make a new plan.',
  })
}
