/** The fields directly inside a type, lists and maps included, each as a field of its own. */
import type { ListType, MapType, NestedField, Type } from './types.ts'

/** The field that a list's element is: `element`. */
export function elementField(list: ListType): NestedField {
  return { id: list.elementId, name: 'element', required: list.elementRequired, type: list.element }
}

/** The fields that a map's key and value are. Keys are always required. */
export function keyField(map: MapType): NestedField {
  return { id: map.keyId, name: 'key', required: true, type: map.key }
}

export function valueField(map: MapType): NestedField {
  return { id: map.valueId, name: 'value', required: map.valueRequired, type: map.value }
}

/** Fields one level down: of a struct its fields, of a list its element, of a map its key and value. */
export function childFields(type: Type): readonly NestedField[] {
  switch (type.kind) {
    case 'struct':
      return type.fields
    case 'list':
      return [elementField(type)]
    case 'map':
      return [keyField(type), valueField(type)]
    default:
      return []
  }
}

/** Fields at every level, each before those inside it. */
export function allFields(fields: readonly NestedField[]): readonly NestedField[] {
  return fields.flatMap((field) => [field, ...allFields(childFields(field.type))])
}
