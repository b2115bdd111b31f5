/** Avro schemas as they stand in a file's header, parsed and checked. */
import { CorruptFileError, UnsupportedFeatureError } from '../../errors.ts'

export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export type AvroType =
  | { readonly kind: AvroPrimitive; readonly logical: string | null }
  | { readonly kind: 'fixed'; readonly size: number; readonly logical: string | null }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord

export interface AvroRecord {
  readonly kind: 'record'
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  /** The Iceberg field id; null where the writer gave none. */
  readonly id: number | null
  readonly type: AvroType
}

const PRIMITIVES: readonly AvroPrimitive[] = [
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]

/** Deeper than any manifest's schema; keeps a hostile one from exhausting the stack. */
const MAX_DEPTH = 32

interface Parsing {
  readonly file: string
  readonly named: Map<string, AvroType>
}

/** Parses the schema of a file's records; CorruptFileError naming the file when it is not one. */
export function parseAvroSchema(json: unknown, file: string): AvroRecord {
  const type = parseType(json, { file, named: new Map() }, '', 0)
  if (type.kind !== 'record') throw badSchema(file, 'its records are not records')
  return type
}

function parseType(json: unknown, parsing: Parsing, namespace: string, depth: number): AvroType {
  if (depth > MAX_DEPTH) throw badSchema(parsing.file, 'it is nested too deeply')
  if (typeof json === 'string') return parseName(json, parsing, namespace)
  if (Array.isArray(json)) {
    const branches = json.map((branch) => parseType(branch, parsing, namespace, depth + 1))
    if (branches.length === 0) throw badSchema(parsing.file, 'a union has no branches')
    return { kind: 'union', branches }
  }
  if (!isObject(json)) throw badSchema(parsing.file, 'a type is neither a name nor an object')
  return parseObject(json, parsing, namespace, depth)
}

function parseName(name: string, parsing: Parsing, namespace: string): AvroType {
  const primitive = PRIMITIVES.find((candidate) => candidate === name)
  if (primitive !== undefined) return { kind: primitive, logical: null }
  const known = parsing.named.get(qualified(name, namespace)) ?? parsing.named.get(name)
  // A record that refers to itself is not registered yet when its fields are parsed.
  if (known === undefined) throw badSchema(parsing.file, 'it refers to a type that it does not define')
  return known
}

function parseObject(
  json: Readonly<Record<string, unknown>>,
  parsing: Parsing,
  namespace: string,
  depth: number,
): AvroType {
  const type = json['type']
  switch (type) {
    case 'record':
    case 'error':
      return register(json, parsing, namespace, (inner) => parseRecord(json, parsing, inner, depth))
    case 'fixed':
      return register(json, parsing, namespace, () => parseFixed(json, parsing))
    case 'enum':
      return register(json, parsing, namespace, () => parseEnum(json, parsing))
    case 'array':
      return { kind: 'array', items: parseType(json['items'], parsing, namespace, depth + 1) }
    case 'map':
      return { kind: 'map', values: parseType(json['values'], parsing, namespace, depth + 1) }
    default: {
      const inner = parseType(type, parsing, namespace, depth + 1)
      const logical = json['logicalType']
      if (typeof logical !== 'string' || !('logical' in inner)) return inner
      return { ...inner, logical }
    }
  }
}

function register(
  json: Readonly<Record<string, unknown>>,
  parsing: Parsing,
  namespace: string,
  parse: (namespace: string) => AvroType,
): AvroType {
  const name = json['name']
  if (typeof name !== 'string') throw badSchema(parsing.file, 'a named type has no name')
  const own = json['namespace']
  const full = qualified(name, typeof own === 'string' ? own : namespace)
  const type = parse(full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : '')
  parsing.named.set(full, type)
  return type
}

function parseRecord(
  json: Readonly<Record<string, unknown>>,
  parsing: Parsing,
  namespace: string,
  depth: number,
): AvroRecord {
  const fields = json['fields']
  if (!Array.isArray(fields)) throw badSchema(parsing.file, 'a record has no fields')
  return { kind: 'record', fields: fields.map((field) => parseField(field, parsing, namespace, depth)) }
}

function parseField(json: unknown, parsing: Parsing, namespace: string, depth: number): AvroField {
  if (!isObject(json) || typeof json['name'] !== 'string') {
    throw badSchema(parsing.file, 'a field has no name')
  }
  return {
    name: json['name'],
    id: fieldId(json['field-id']),
    type: parseType(json['type'], parsing, namespace, depth + 1),
  }
}

/** Some writers give the id as text. */
function fieldId(json: unknown): number | null {
  const id = typeof json === 'string' && /^\d{1,10}$/.test(json) ? Number(json) : json
  return typeof id === 'number' && Number.isSafeInteger(id) ? id : null
}

function parseFixed(json: Readonly<Record<string, unknown>>, parsing: Parsing): AvroType {
  const size = json['size']
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw badSchema(parsing.file, 'a fixed type has no size')
  }
  const logical = json['logicalType']
  return { kind: 'fixed', size, logical: typeof logical === 'string' ? logical : null }
}

function parseEnum(json: Readonly<Record<string, unknown>>, parsing: Parsing): AvroType {
  const symbols = json['symbols']
  if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === 'string')) {
    throw badSchema(parsing.file, 'an enumeration has no symbols')
  }
  return { kind: 'enum', symbols }
}

function qualified(name: string, namespace: string): string {
  return namespace === '' || name.includes('.') ? name : `${namespace}.${name}`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function badSchema(file: string, what: string): CorruptFileError {
  return new CorruptFileError(`the Avro schema is not valid: ${what}`, { file })
}

/** For a type that stands where the Iceberg spec has another one. */
export function unexpectedType(file: string, field: string, type: AvroType): UnsupportedFeatureError {
  return new UnsupportedFeatureError(`the field ${field} is written as Avro ${type.kind}`, {
    file,
    hint: 'The Iceberg spec gives this field another type; rewrite the file with the engine that made it.',
  })
}
