/** Types to and from their JSON form (Iceberg spec, Appendix C, "Schemas"). */
import { InvalidArgumentError, UnsupportedFeatureError } from '../errors.ts'
import { asArray, asBoolean, asInt, asObject, asString, isJsonObject } from './json-checks.ts'
import type {
  FieldJson,
  ListTypeJson,
  MapTypeJson,
  StructTypeJson,
  TypeJson,
} from './metadata/table-metadata.ts'
import { isPrimitive } from './types.ts'
import type { NestedField, PrimitiveType, Type } from './types.ts'

/** Types that are written as one bare word. */
const SIMPLE_TYPES: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['boolean', { kind: 'boolean' }],
  ['int', { kind: 'int' }],
  ['long', { kind: 'long' }],
  ['float', { kind: 'float' }],
  ['double', { kind: 'double' }],
  ['date', { kind: 'date' }],
  ['time', { kind: 'time' }],
  ['timestamp', { kind: 'timestamp' }],
  ['timestamptz', { kind: 'timestamptz' }],
  ['timestamp_ns', { kind: 'timestamp_ns' }],
  ['timestamptz_ns', { kind: 'timestamptz_ns' }],
  ['string', { kind: 'string' }],
  ['uuid', { kind: 'uuid' }],
  ['binary', { kind: 'binary' }],
  ['unknown', { kind: 'unknown' }],
  ['variant', { kind: 'variant' }],
  ['geometry', { kind: 'geometry', crs: null }],
  ['geography', { kind: 'geography', crs: null, algorithm: null }],
])

const FIXED = /^fixed\s*\[\s*(\d+)\s*\]$/i
const DECIMAL = /^decimal\s*\(\s*(\d+)\s*,\s*(-?\d+)\s*\)$/i
const GEOMETRY = /^geometry\s*\(\s*([^,()]+?)\s*\)$/i
const GEOGRAPHY = /^geography\s*\(\s*([^,()]+?)\s*(?:,\s*(\w+)\s*)?\)$/i

/** The largest precision that the format allows. */
export const MAX_DECIMAL_PRECISION = 38

/**
 * Parses a type. A type that this version does not know is UnsupportedFeatureError naming it; a
 * malformed document is InvalidArgumentError.
 */
export function typeFromJson(json: TypeJson): Type {
  return readType(json, 'type')
}

function readType(json: unknown, path: string): Type {
  if (typeof json === 'string') return readTypeName(json, path)
  const object = asObject(json, path)
  const kind = asString(object['type'], `${path}.type`)
  switch (kind) {
    case 'struct':
      return { kind, fields: readFields(object['fields'], `${path}.fields`) }
    case 'list':
      return {
        kind,
        elementId: asInt(object['element-id'], `${path}.element-id`),
        elementRequired: asBoolean(object['element-required'], `${path}.element-required`),
        element: readType(object['element'], `${path}.element`),
      }
    case 'map':
      return {
        kind,
        keyId: asInt(object['key-id'], `${path}.key-id`),
        key: readType(object['key'], `${path}.key`),
        valueId: asInt(object['value-id'], `${path}.value-id`),
        valueRequired: asBoolean(object['value-required'], `${path}.value-required`),
        value: readType(object['value'], `${path}.value`),
      }
    default:
      throw unknownType(kind, path)
  }
}

/** The fields of a struct or of a schema. */
export function readFields(json: unknown, path: string): readonly NestedField[] {
  return asArray(json, path).map((field, position) => readField(field, `${path}[${position}]`))
}

function readField(json: unknown, path: string): NestedField {
  const object = asObject(json, path)
  const doc = object['doc']
  // A JSON null default says the same as no default at all.
  const initialDefault = object['initial-default'] ?? undefined
  const writeDefault = object['write-default'] ?? undefined
  return {
    id: asInt(object['id'], `${path}.id`),
    name: asString(object['name'], `${path}.name`),
    required: asBoolean(object['required'], `${path}.required`),
    type: readType(object['type'], `${path}.type`),
    ...(typeof doc === 'string' ? { doc } : {}),
    ...(initialDefault === undefined ? {} : { initialDefault }),
    ...(writeDefault === undefined ? {} : { writeDefault }),
  }
}

function readTypeName(text: string, path: string): Type {
  const simple = SIMPLE_TYPES.get(text) ?? SIMPLE_TYPES.get(text.toLowerCase())
  if (simple !== undefined) return simple
  const fixed = FIXED.exec(text)
  if (fixed !== null) return fixedType(Number(fixed[1]), path)
  const decimal = DECIMAL.exec(text)
  if (decimal !== null) return decimalType(Number(decimal[1]), Number(decimal[2]), path)
  const geometry = GEOMETRY.exec(text)
  if (geometry !== null) return { kind: 'geometry', crs: geometry[1] ?? null }
  const geography = GEOGRAPHY.exec(text)
  if (geography !== null) {
    return { kind: 'geography', crs: geography[1] ?? null, algorithm: geography[2]?.toLowerCase() ?? null }
  }
  throw unknownType(text, path)
}

function fixedType(length: number, path: string): PrimitiveType {
  if (length < 1 || length > 0x7fffffff) {
    throw new InvalidArgumentError(`${path}: a fixed type needs a length of 1 or more`)
  }
  return { kind: 'fixed', length }
}

function decimalType(precision: number, scale: number, path: string): PrimitiveType {
  if (precision < 1 || precision > MAX_DECIMAL_PRECISION) {
    throw new InvalidArgumentError(`${path}: decimal precision must lie in 1 to ${MAX_DECIMAL_PRECISION}`)
  }
  // Not `scale > precision`: 0.00xx values make such a type meaningful, and others write it.
  if (Math.abs(scale) > 0x7fffffff) throw new InvalidArgumentError(`${path}: decimal scale out of range`)
  return { kind: 'decimal', precision, scale }
}

function unknownType(name: string, path: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(`${path}: unknown type '${name}'`, {
    hint:
      'Types are boolean, int, long, float, double, decimal(P, S), date, time, timestamp, timestamptz, string, ' +
      'uuid, fixed[L], binary, struct, list and map. If a table has it, its format is newer than this version.',
  })
}

/** Writes a type as the reference implementation does (`decimal(9, 2)`, `fixed[16]`). */
export function typeToJson(type: Type): TypeJson {
  switch (type.kind) {
    case 'struct':
      return { type: 'struct', fields: type.fields.map(fieldToJson) } satisfies StructTypeJson
    case 'list':
      return {
        type: 'list',
        'element-id': type.elementId,
        element: typeToJson(type.element),
        'element-required': type.elementRequired,
      } satisfies ListTypeJson
    case 'map':
      return {
        type: 'map',
        'key-id': type.keyId,
        key: typeToJson(type.key),
        'value-id': type.valueId,
        value: typeToJson(type.value),
        'value-required': type.valueRequired,
      } satisfies MapTypeJson
    default:
      return typeToString(type)
  }
}

/** Writes a field; defaults of null are left out. */
export function fieldToJson(field: NestedField): FieldJson {
  const { initialDefault, writeDefault } = field
  return {
    id: field.id,
    name: field.name,
    required: field.required,
    type: typeToJson(field.type),
    ...(field.doc === undefined ? {} : { doc: field.doc }),
    ...(initialDefault === undefined || initialDefault === null ? {} : { 'initial-default': initialDefault }),
    ...(writeDefault === undefined || writeDefault === null ? {} : { 'write-default': writeDefault }),
  }
}

/** A type for people: `decimal(9, 2)`, `list<string>`, `struct<x: double, y: double>`. */
export function typeToString(type: Type): string {
  switch (type.kind) {
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${typeToString(field.type)}`).join(', ')}>`
    case 'list':
      return `list<${typeToString(type.element)}>`
    case 'map':
      return `map<${typeToString(type.key)}, ${typeToString(type.value)}>`
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'fixed':
      return `fixed[${type.length}]`
    case 'geometry':
      return type.crs === null ? 'geometry' : `geometry(${type.crs})`
    case 'geography':
      return geographyToString(type.crs, type.algorithm)
    default:
      return type.kind
  }
}

function geographyToString(crs: string | null, algorithm: string | null): string {
  if (crs === null) return 'geography'
  return algorithm === null ? `geography(${crs})` : `geography(${crs}, ${algorithm})`
}

/** Equality of types with everything inside them: ids, names, docs, defaults. */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true
  if (isPrimitive(a) && isPrimitive(b)) return typeToString(a) === typeToString(b)
  return sameJson(typeToJson(a), typeToJson(b))
}

/** Equality of JSON documents, whatever the order of their keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]))
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  )
}
