/** Assigning fresh field ids (Iceberg spec, "Schema Evolution"; catalogs do it on create). */
import type { Schema } from './schema.ts'
import type { NestedField, Type } from './types.ts'

export interface FreshIds {
  readonly schema: Schema
  /** The highest id that was given out; what `last-column-id` becomes. */
  readonly lastColumnId: number
  /** Old id to new id. */
  readonly idMap: ReadonlyMap<number, number>
}

/**
 * The same schema with new ids from `nextId` on, given out level by level: all fields of a struct
 * before what is inside the first of them, a map's key and value before what is inside the key.
 * Every catalog assigns in this order, so that equal requests make equal tables.
 */
export function assignFreshIds(schema: Schema, nextId = 1): FreshIds {
  const idMap = new Map<number, number>()
  let lastColumnId = nextId - 1
  const fresh = (oldId: number): number => {
    lastColumnId += 1
    idMap.set(oldId, lastColumnId)
    return lastColumnId
  }
  const freshFields = (fields: readonly NestedField[]): readonly NestedField[] =>
    fields
      .map((field) => ({ ...field, id: fresh(field.id) }))
      .map((field) => ({ ...field, type: freshType(field.type) }))
  const freshType = (type: Type): Type => {
    switch (type.kind) {
      case 'struct':
        return { ...type, fields: freshFields(type.fields) }
      case 'list':
        return { ...type, elementId: fresh(type.elementId), element: freshType(type.element) }
      case 'map': {
        const keyId = fresh(type.keyId)
        const valueId = fresh(type.valueId)
        return { ...type, keyId, valueId, key: freshType(type.key), value: freshType(type.value) }
      }
      default:
        return type
    }
  }
  const fields = freshFields(schema.fields)
  const identifierFieldIds = schema.identifierFieldIds.map((id) => idMap.get(id) ?? id)
  return { schema: { schemaId: schema.schemaId, fields, identifierFieldIds }, lastColumnId, idMap }
}
