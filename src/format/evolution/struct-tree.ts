/** Rebuilding a schema's fields with one place changed, at any depth. */
import type { NestedField, Type } from '../types.ts'
import { elementField, valueField } from '../nested-fields.ts'

type Fields = readonly NestedField[]

/**
 * The fields with the one of that id replaced. Lists' elements and maps' values are fields too, of
 * which only type and requiredness can change; map keys are never touched.
 */
export function replaceField(
  fields: Fields,
  id: number,
  change: (field: NestedField) => NestedField,
): Fields {
  return fields.map((field) =>
    field.id === id ? change(field) : withType(field, inType(field.type, id, change)),
  )
}

function inType(type: Type, id: number, change: (field: NestedField) => NestedField): Type {
  switch (type.kind) {
    case 'struct': {
      const fields = replaceField(type.fields, id, change)
      return fields.every((field, i) => field === type.fields[i]) ? type : { ...type, fields }
    }
    case 'list': {
      const before = elementField(type)
      const [after = before] = replaceField([before], id, change)
      if (after.type === type.element && after.required === type.elementRequired) return type
      return { ...type, element: after.type, elementRequired: after.required }
    }
    case 'map': {
      const before = valueField(type)
      const [after = before] = replaceField([before], id, change)
      if (after.type === type.value && after.required === type.valueRequired) return type
      return { ...type, value: after.type, valueRequired: after.required }
    }
    default:
      return type
  }
}

/** The same field, the very object where its type has not changed. */
function withType(field: NestedField, type: Type): NestedField {
  return type === field.type ? field : { ...field, type }
}

/** The fields with the members of one struct changed; `structId` null is the schema itself. */
export function changeMembers(
  fields: Fields,
  structId: number | null,
  change: (members: Fields) => Fields,
): Fields {
  if (structId === null) return change(fields)
  return replaceField(fields, structId, (field) =>
    field.type.kind === 'struct'
      ? { ...field, type: { ...field.type, fields: change(field.type.fields) } }
      : field,
  )
}
