/** Columns and partition fields share names only where the field stands for that very column. */
import { allFields } from '../nested-fields.ts'
import type { PartitionField } from '../partition-spec.ts'
import { fieldName } from '../schema-lookup.ts'
import { refuse, type Staging } from './staging.ts'

/** Refuses columns that were added or renamed to the name of somebody else's partition field. */
export function checkPartitionNames(staging: Staging): void {
  const { base, schema } = staging
  const fieldsByName = new Map(base.defaultSpec.fields.map((field) => [field.name, field]))
  if (fieldsByName.size === 0) return
  for (const column of allFields(schema.fields)) {
    const name = fieldName(schema, column.id) ?? column.name
    const partition = fieldsByName.get(name)
    if (partition === undefined || standsFor(partition, column.id)) continue
    // What was so before is the table's own business.
    if (fieldName(base.schema, column.id) === name) continue
    throw refuse(
      name,
      'a partition field of another column has this name',
      'Choose another name, or rename the partition field first: evolvePartitionSpec.',
    )
  }
}

function standsFor({ transform, sourceId }: PartitionField, columnId: number): boolean {
  return (transform.kind === 'identity' || transform.kind === 'void') && sourceId === columnId
}
