/** Metadata in the middle of a commit: what the updates so far have made of it. */
import { CommitRejectedError } from '../../errors.ts'
import type { TableMetadata } from './table-metadata.ts'

export interface Draft {
  readonly metadata: TableMetadata
  /** Time of the commit, ms since 1970. */
  readonly nowMs: number
  /** Ids that -1 (`LAST_ADDED`) stands for. */
  readonly lastSchemaId?: number
  readonly lastSpecId?: number
  readonly lastOrderId?: number
  /** Snapshots that this commit adds. */
  readonly added: ReadonlySet<bigint>
}

/** The draft with some members of its metadata replaced. */
export function changed(draft: Draft, members: Partial<TableMetadata>): Draft {
  return { ...draft, metadata: { ...draft.metadata, ...members } }
}

/** The update can never be applied to this table. */
export function reject(text: string, hint?: string): CommitRejectedError {
  return new CommitRejectedError(text, { hint })
}

/** The id itself, or the one that was added last where it is -1. */
export function resolveId(id: number, last: number | undefined, kind: string): number {
  if (id !== -1) return id
  if (last === undefined) throw reject(`no ${kind} was added in this commit, so -1 names none`)
  return last
}
