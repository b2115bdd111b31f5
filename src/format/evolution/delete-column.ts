/** Deleting a column. Its id is never given out again, and its data stays where it is, unread. */
import type { PartitionSpec } from '../partition-spec.ts'
import type { SortOrder } from '../sort-order.ts'
import type { SchemaEdit } from './schema-edit.ts'
import {
  descendantIds,
  fullName,
  membersOf,
  parentOf,
  refuse,
  refuseMapKeys,
  resolve,
  withFields,
  withGone,
  withWitness,
  witnessOf,
  type Staging,
} from './staging.ts'
import { changeMembers } from './struct-tree.ts'

export function deleteColumn(
  staging: Staging,
  edit: Extract<SchemaEdit, { readonly type: 'delete_column' }>,
): Staging {
  const field = resolve(staging, edit.name)
  const name = fullName(staging, field.id)
  refuseMapKeys(staging, field)
  const parent = parentOf(staging, field.id)
  if (parent !== null && parent.type.kind !== 'struct') {
    throw refuse(
      name,
      `it is part of a ${parent.type.kind} and goes only with it`,
      'Delete the whole column.',
    )
  }
  const ids = [field.id, ...descendantIds(staging.schema, field.id)]
  checkUntouched(staging, name, ids)
  checkUnused(staging, name, ids)
  if (field.required && !staging.options.allowIncompatibleChanges) {
    throw refuse(
      name,
      'a required column cannot be deleted: readers and writers of the old schema count on it',
      'Make it optional first, or set allowIncompatibleChanges.',
    )
  }
  const fields = changeMembers(staging.schema.fields, parent?.id ?? null, (members) =>
    members.filter((member) => member.id !== field.id),
  )
  if (fields.length === 0)
    throw refuse(name, 'a table needs at least one column', 'Add another column first.')
  if (parent !== null && membersOf(staging, parent.id).length === 1) {
    throw refuse(
      name,
      'a struct needs at least one column',
      `Delete '${fullName(staging, parent.id)}' instead.`,
    )
  }
  return withWitness(
    withFields(withGone(staging, field.id, 'deleted'), fields),
    `delete ${witnessOf(staging, field.id)}`,
  )
}

/** What was asked for a column earlier in the call would be lost without a word. */
function checkUntouched(staging: Staging, name: string, ids: readonly number[]): void {
  for (const id of ids) {
    const word = staging.touched.get(id)
    if (word === undefined) continue
    throw refuse(
      name,
      `an earlier change of this call (${word} of '${fullName(staging, id)}') would be lost`,
      'Leave out one of the two changes.',
    )
  }
}

function checkUnused(staging: Staging, name: string, ids: readonly number[]): void {
  const { defaultSpec, sortOrder } = staging.base
  const partition = partitionFieldOf(defaultSpec, ids)
  if (partition !== undefined) {
    throw refuse(
      name,
      `the table is partitioned by it (partition field '${partition}')`,
      'Remove the partition field first: evolvePartitionSpec.',
    )
  }
  if (isSortedBy(sortOrder, ids)) {
    throw refuse(
      name,
      `the table is sorted by it (sort order ${sortOrder.orderId})`,
      'Set another sort order first: replaceSortOrder.',
    )
  }
}

/** Void fields of v1 stand for partitioning that is no longer done. */
function partitionFieldOf(spec: PartitionSpec, ids: readonly number[]): string | undefined {
  return spec.fields.find(
    ({ sourceId, sourceIds, transform }) =>
      transform.kind !== 'void' && (sourceIds ?? [sourceId]).some((id) => ids.includes(id)),
  )?.name
}

function isSortedBy(order: SortOrder, ids: readonly number[]): boolean {
  return order.fields.some(({ sourceId, sourceIds }) =>
    (sourceIds ?? [sourceId]).some((id) => ids.includes(id)),
  )
}
