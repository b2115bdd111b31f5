/**
 * Ids that a transaction gave out before it was committed. Files carry the ids of columns, specs and
 * orders; another commit in between may have given the same ids to other things.
 */
import { CommitConflictError } from '../errors.ts'
import { keepsNewColumns } from '../format/evolution/merge-edits.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema, specsById } from '../format/metadata/views.ts'
import { sameFields } from '../format/partition-spec.ts'
import { sameSortFields, sortOrderFromJson } from '../format/sort-order.ts'

/** The table as files were written for it. */
export interface WrittenLayout {
  readonly metadata: TableMetadata
  /** Ids of columns above it were new, and known to nobody else. */
  readonly lastColumnId: number
}

/** Whether every id that files carry still means what it meant when they were written. */
export function isSameLayout(
  now: TableMetadata,
  layout: WrittenLayout,
  files: readonly ContentFile[],
): boolean {
  return movedIds(now, layout, files) === null
}

/** CommitConflictError where an id that files carry means something else by now. */
export function checkWrittenLayout(
  now: TableMetadata,
  layout: WrittenLayout,
  files: readonly ContentFile[],
): void {
  const ids = movedIds(now, layout, files)
  if (ids === null) return
  throw new CommitConflictError(
    `Another commit gave the table ${ids} with the ids that the transaction's rows were written with`,
    { hint: 'Nothing was changed. Repeat the transaction on the table as it is now.' },
  )
}

/** What kind of ids means something else; null: none. */
function movedIds(
  now: TableMetadata,
  { metadata, lastColumnId }: WrittenLayout,
  files: readonly ContentFile[],
): string | null {
  if (!keepsNewColumns(currentSchema(metadata), currentSchema(now), lastColumnId)) return 'columns'
  const specs = new Set(files.map((file) => file.specId))
  if (![...specs].every((id) => isSameSpec(metadata, now, id))) return 'partition fields'
  const orders = new Set(files.flatMap((file) => file.sortOrderId ?? []))
  return [...orders].every((id) => isSameOrder(metadata, now, id)) ? null : 'sort orders'
}

function isSameSpec(then: TableMetadata, now: TableMetadata, id: number): boolean {
  const [before, after] = [specsById(then).get(id), specsById(now).get(id)]
  return (
    before !== undefined &&
    after !== undefined &&
    sameFields(before, after) &&
    before.fields.every((field, at) => field.fieldId === after.fields[at]?.fieldId)
  )
}

function isSameOrder(then: TableMetadata, now: TableMetadata, id: number): boolean {
  const [before, after] = [then, now].map((metadata) =>
    metadata['sort-orders'].find((order) => order['order-id'] === id),
  )
  if (before === undefined || after === undefined) return before === after
  return sameSortFields(sortOrderFromJson(before), sortOrderFromJson(after))
}
