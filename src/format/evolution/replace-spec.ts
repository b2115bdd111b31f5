/** The partition spec of a table that takes another's place. */
import { samePartition, type PartitionField, type PartitionSpec } from '../partition-spec.ts'
import type { FormatVersion } from '../metadata/table-metadata.ts'
import type { NewPartitionFieldJson } from '../metadata/updates.ts'
import { partitionFieldToJson } from '../partition-spec.ts'

/**
 * The fields to be added as a new spec: without ids, which the table gives, a field that it has had
 * before its old one. In format version 1 fields stand by their place for ever: those that are not
 * wanted any more become void.
 */
export function replacingFields(
  wanted: readonly PartitionField[],
  before: PartitionSpec,
  version: FormatVersion,
): readonly NewPartitionFieldJson[] {
  if (version > 1) return wanted.map(withoutId)
  const names = new Set(wanted.map((field) => field.name))
  const carried = before.fields.map((old): PartitionField => {
    const same = wanted.find((field) => samePartition(field, old))
    if (same !== undefined) return same
    const name = names.has(old.name) ? `${old.name}_${old.fieldId}` : old.name
    return { ...old, name, transform: { kind: 'void' } }
  })
  const added = wanted.filter((field) => !before.fields.some((old) => samePartition(field, old)))
  return [...carried, ...added].map(withoutId)
}

function withoutId(field: PartitionField): NewPartitionFieldJson {
  const { 'field-id': _id, ...rest } = partitionFieldToJson(field)
  return rest
}
