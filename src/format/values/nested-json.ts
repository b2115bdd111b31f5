/**
 * Values of any type, nested ones included, between user form and single-value JSON (Iceberg spec,
 * Appendix D): structs are objects by field id, maps are arrays of keys and of values. Defaults of
 * fields are stored this way.
 */
import { InvalidArgumentError, InvalidDataError } from '../../errors.ts'
import { asArray, asObject } from '../json-checks.ts'
import { typeToString } from '../types-json.ts'
import { isPrimitive } from '../types.ts'
import type { MapType, NestedField, StructType, Type } from '../types.ts'
import { datumFromJson, datumToJson } from './json.ts'
import { datumToValue, valueToDatum } from './value.ts'
import type { Value } from './value.ts'

/** Decodes a value; JSON null is null. InvalidArgumentError when it does not fit the type. */
export function valueFromJson(type: Type, json: unknown): Value {
  if (json === null || json === undefined) return null
  if (isPrimitive(type)) return datumToValue(type, datumFromJson(type, json))
  const path = typeToString(type)
  switch (type.kind) {
    case 'struct': {
      const object = asObject(json, path)
      return structOf(type, (field) => valueFromJson(field.type, object[String(field.id)]))
    }
    case 'list':
      return asArray(json, path).map((element) => valueFromJson(type.element, element))
    case 'map':
      return mapFromJson(type, json, path)
    case 'variant':
      throw new InvalidArgumentError('a variant has no single-value JSON')
  }
}

function structOf(type: StructType, valueOf: (field: NestedField) => Value): Value {
  return Object.fromEntries(type.fields.map((field) => [field.name, valueOf(field)]))
}

function mapFromJson(type: MapType, json: unknown, path: string): Value {
  const object = asObject(json, path)
  const keys = asArray(object['keys'], `${path}.keys`)
  const values = asArray(object['values'], `${path}.values`)
  if (keys.length !== values.length)
    throw new InvalidArgumentError(`${path}: as many keys as values are needed`)
  const entries = keys.map(
    (key, i) => [valueFromJson(type.key, key), valueFromJson(type.value, values[i])] as const,
  )
  return isPrimitive(type.key) ? new Map(entries) : entries
}

/** Encodes a value. InvalidDataError when it does not fit the type. */
export function valueToJson(type: Type, value: Value): unknown {
  if (value === null) return null
  if (isPrimitive(type)) return datumToJson(type, valueToDatum(type, value))
  switch (type.kind) {
    case 'struct':
      if (!isStructValue(value)) return refuse(type, 'an object')
      return Object.fromEntries(
        type.fields.map((field) => [String(field.id), valueToJson(field.type, value[field.name] ?? null)]),
      )
    case 'list':
      if (!isListValue(value)) return refuse(type, 'an array')
      return value.map((element) => valueToJson(type.element, element))
    case 'map': {
      const entries = mapEntries(value) ?? refuse(type, 'a Map, or an array of [key, value]')
      return {
        keys: entries.map(([key]) => valueToJson(type.key, key)),
        values: entries.map(([, each]) => valueToJson(type.value, each)),
      }
    }
    case 'variant':
      return refuse(type, 'null')
  }
}

function refuse(type: Type, forms: string): never {
  throw new InvalidDataError(`a value is not one of type ${typeToString(type)}`, { hint: `Give ${forms}.` })
}

function isListValue(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function isMapValue(value: Value): value is ReadonlyMap<Value, Value> {
  return value instanceof Map
}

function isStructValue(value: Value): value is { readonly [field: string]: Value } {
  const isOther =
    value instanceof Map || value instanceof Uint8Array || value instanceof Date || isListValue(value)
  return typeof value === 'object' && value !== null && !isOther
}

/** null when the value is neither a Map nor an array of pairs. */
function mapEntries(value: Value): readonly (readonly [Value, Value])[] | null {
  if (isMapValue(value)) return [...value.entries()]
  if (!isListValue(value)) return null
  const entries: (readonly [Value, Value])[] = []
  for (const entry of value) {
    if (!isListValue(entry) || entry.length !== 2) return null
    entries.push([entry[0] ?? null, entry[1] ?? null])
  }
  return entries
}
