/** Choosing columns of a schema (Iceberg spec, "Column Projection"). */
import { InvalidExpressionError } from '../errors.ts'
import { columnHint, fieldPath, findField, findFieldByName } from './schema-lookup.ts'
import type { NameLookup, Schema } from './schema.ts'
import type { NestedField, Type } from './types.ts'

/**
 * The schema of the chosen columns, by full name or by id. Choosing `s.x` keeps `s` with nothing
 * but `x`; choosing `s` keeps it whole; a map keeps its whole key. Top-level columns come in the
 * order in which they are first mentioned, nested ones in the schema's. InvalidExpressionError for
 * a column that is not there or ambiguous.
 */
export function selectFields(
  schema: Schema,
  columns: readonly (string | number)[],
  lookup: NameLookup = {},
): Schema {
  const chosen = new Set<number>()
  const above = new Set<number>()
  const topLevel = new Set<NestedField>()
  for (const column of columns) {
    const field = resolve(schema, column, lookup)
    const path = fieldPath(schema, field.id)
    chosen.add(field.id)
    path.slice(0, -1).forEach((parent) => above.add(parent.id))
    topLevel.add(path[0] ?? field)
  }
  const keep: Keep = (id) => (chosen.has(id) ? 'whole' : above.has(id) ? 'part' : 'none')
  const fields = [...topLevel].map((field) => pruneField(field, keep))
  const projected: Schema = { schemaId: schema.schemaId, fields, identifierFieldIds: [] }
  return {
    ...projected,
    identifierFieldIds: schema.identifierFieldIds.filter((id) => findField(projected, id) !== undefined),
  }
}

type Keep = (fieldId: number) => 'whole' | 'part' | 'none'

function resolve(schema: Schema, column: string | number, lookup: NameLookup): NestedField {
  const field =
    typeof column === 'number' ? findField(schema, column) : findFieldByName(schema, column, lookup)
  if (field !== undefined) return field
  const shown = typeof column === 'number' ? `with id ${column}` : `'${column}'`
  throw new InvalidExpressionError(`there is no column ${shown}`, {
    hint: columnHint(schema, String(column)),
  })
}

function pruneField(field: NestedField, keep: Keep): NestedField {
  return keep(field.id) === 'whole' ? field : { ...field, type: pruneType(field.type, keep) }
}

function pruneType(type: Type, keep: Keep): Type {
  switch (type.kind) {
    case 'struct':
      return {
        ...type,
        fields: type.fields
          .filter((field) => keep(field.id) !== 'none')
          .map((field) => pruneField(field, keep)),
      }
    case 'list':
      return keep(type.elementId) === 'part' ? { ...type, element: pruneType(type.element, keep) } : type
    case 'map':
      return keep(type.valueId) === 'part' ? { ...type, value: pruneType(type.value, keep) } : type
    default:
      return type
  }
}
