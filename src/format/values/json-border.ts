/**
 * Values at the borders where JSON leaves the process (the command's output, stored plans, calls of
 * other languages). 64-bit and exact numbers are decimal strings, since most readers of JSON would
 * round them:
 *
 * | type | JSON |
 * | --- | --- |
 * | boolean | boolean |
 * | int | number |
 * | float, double | number; `"NaN"`, `"Infinity"`, `"-Infinity"` |
 * | long, decimal | decimal string |
 * | string, uuid, date, time, timestamps | string, as in `Value` |
 * | fixed, binary | hexadecimal string, lower case |
 * | struct, list | object, array |
 * | map | object by the key's text; an array of [key, value] where keys are nested |
 */
import type { NestedField, Type } from '../types.ts'
import { isPrimitive } from '../types.ts'
import { bytesToHex } from './bytes.ts'
import type { Row, Value } from './value.ts'

/** What JSON can hold. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** The JSON of a column's value. */
export function valueToJson(type: Type, value: Value | undefined): Json {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'struct':
      return rowToJson(type.fields, isObject(value) ? value : {})
    case 'list':
      return Array.isArray(value) ? value.map((element: Value) => valueToJson(type.element, element)) : null
    case 'map': {
      const entries = entriesOf(value).map(
        ([key, entry]) => [valueToJson(type.key, key), valueToJson(type.value, entry)] as const,
      )
      // fromEntries: a key `__proto__` is a key like any other.
      return isPrimitive(type.key)
        ? Object.fromEntries(entries.map(([key, entry]) => [String(key), entry]))
        : entries
    }
    default:
      return toJson(value)
  }
}

/** A row, or a struct, by its fields' names. */
export function rowToJson(fields: readonly NestedField[], row: Row): { readonly [key: string]: Json } {
  return Object.fromEntries(fields.map((field) => [field.name, valueToJson(field.type, row[field.name])]))
}

/**
 * The JSON of any plain value whose type nobody knows: models of the manager, plans. `undefined`
 * members are left out; of a Map the keys become text.
 */
export function toJson(value: unknown): Json {
  switch (typeof value) {
    case 'bigint':
      return value.toString()
    case 'number':
      // JSON has no minus zero; adding zero leaves every other number as it is.
      return Number.isFinite(value) ? value + 0 : String(value)
    case 'boolean':
    case 'string':
      return value
    case 'object':
      return value === null ? null : objectToJson(value)
    default:
      return null
  }
}

function objectToJson(value: object): Json {
  if (value instanceof Uint8Array) return bytesToHex(value)
  // As JSON has it: a date that is none is null.
  if (value instanceof Date) return value.toJSON()
  if (Array.isArray(value)) return value.map(toJson)
  const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? value : Object.entries(value)
  return Object.fromEntries(
    [...entries]
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => [keyText(key), toJson(entry)]),
  )
}

function keyText(key: unknown): string {
  const json = toJson(key)
  return typeof json === 'string' ? json : JSON.stringify(json)
}

function entriesOf(value: Value): readonly (readonly [Value, Value])[] {
  if (value instanceof Map) return [...value]
  // Keys that are objects have no place in a Map: they come as pairs.
  return Array.isArray(value) ? value.map((pair: readonly Value[]) => [pair[0] ?? null, pair[1] ?? null]) : []
}

function isObject(value: Value): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
