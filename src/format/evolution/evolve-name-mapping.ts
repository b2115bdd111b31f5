/** Keeping a table's name mapping in step with its schema (Iceberg spec, "Column Projection"). */
import type { MappedField, NameMapping } from '../name-mapping.ts'
import { childFields } from '../nested-fields.ts'
import { findField } from '../schema-lookup.ts'
import type { Schema } from '../schema.ts'
import type { NestedField } from '../types.ts'

/**
 * The mapping after a change of the schema. A column keeps the names it had and gains its new one;
 * a name that moved to another column is taken from the one before, since a name at one level can
 * mean one field only. New columns are added; what nothing changed stays as it is.
 */
export function evolveNameMapping(mapping: NameMapping, before: Schema, after: Schema): NameMapping {
  return evolveLevel(mapping, before, after.fields)
}

function evolveLevel(mapping: NameMapping, before: Schema, fields: readonly NestedField[]): NameMapping {
  const byId = new Map(fields.map((field) => [field.id, field]))
  const claims = claimedNames(before, fields)
  const kept = mapping.map((entry) => {
    const field = entry['field-id'] === undefined ? undefined : byId.get(entry['field-id'])
    return evolveEntry(entry, field, before, claims)
  })
  const known = new Set(mapping.map((entry) => entry['field-id']))
  const added = fields.filter((field) => isNew(before, field) && !known.has(field.id)).map(newEntry)
  return [...kept, ...added]
}

/** Names that this change gave to a field, with the field's id. */
function claimedNames(before: Schema, fields: readonly NestedField[]): ReadonlyMap<string, number> {
  const changed = fields.filter((field) => findField(before, field.id)?.name !== field.name)
  return new Map(changed.map((field) => [field.name, field.id]))
}

function evolveEntry(
  entry: MappedField,
  field: NestedField | undefined,
  before: Schema,
  claims: ReadonlyMap<string, number>,
): MappedField {
  const { fields: inner, ...rest } = entry
  const names = entry.names.filter((name) => (claims.get(name) ?? entry['field-id']) === entry['field-id'])
  if (field !== undefined && claims.get(field.name) === field.id && !names.includes(field.name)) {
    names.push(field.name)
  }
  const children = field === undefined ? [] : childFields(field.type)
  const fields = children.length === 0 ? inner : evolveLevel(inner ?? [], before, children)
  return { ...rest, names, ...(fields === undefined || fields.length === 0 ? {} : { fields }) }
}

function isNew(before: Schema, field: NestedField): boolean {
  return findField(before, field.id) === undefined
}

function newEntry(field: NestedField): MappedField {
  const fields = childFields(field.type).map(newEntry)
  return { 'field-id': field.id, names: [field.name], ...(fields.length === 0 ? {} : { fields }) }
}
