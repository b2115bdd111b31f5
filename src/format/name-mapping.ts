/** Name mapping: field ids for files that carry none (Iceberg spec, "Name Mapping Serialization"). */
import { InvalidConfigError } from '../errors.ts'
import { asArray, asInt, asObject, asString, malformed } from './json-checks.ts'
import { childFields } from './nested-fields.ts'
import type { Schema } from './schema.ts'
import type { NestedField } from './types.ts'

export interface MappedField {
  readonly 'field-id'?: number
  readonly names: readonly string[]
  readonly fields?: readonly MappedField[]
}

export type NameMapping = readonly MappedField[]

/** The table property that holds a mapping. */
export const NAME_MAPPING_KEY = 'schema.name-mapping.default'

/**
 * Parses the property's text. InvalidConfigError when it is no mapping, or when a name stands twice
 * at one level: it would send a file's column to two fields.
 */
export function parseNameMapping(json: string): NameMapping {
  try {
    return readFields(JSON.parse(json), 'mapping')
  } catch (cause) {
    if (cause instanceof InvalidConfigError) throw cause
    throw new InvalidConfigError('the name mapping is not a JSON list of mapped fields', {
      path: NAME_MAPPING_KEY,
      cause,
    })
  }
}

function readFields(json: unknown, path: string): NameMapping {
  const fields = asArray(json, path).map((field, position) => readField(field, `${path}[${position}]`))
  checkNames(fields, path)
  return fields
}

function readField(json: unknown, path: string): MappedField {
  const object = asObject(json, path)
  const id = object['field-id'] ?? undefined
  const fields = object['fields'] ?? undefined
  if (object['names'] === undefined) throw malformed(`${path}.names`, 'a list of names')
  return {
    ...(id === undefined ? {} : { 'field-id': asInt(id, `${path}.field-id`) }),
    names: asArray(object['names'], `${path}.names`).map((name, i) => asString(name, `${path}.names[${i}]`)),
    ...(fields === undefined ? {} : { fields: readFields(fields, `${path}.fields`) }),
  }
}

function checkNames(fields: NameMapping, path: string): void {
  const seen = new Set<string>()
  for (const name of fields.flatMap((field) => [...new Set(field.names)])) {
    if (seen.has(name)) {
      throw new InvalidConfigError(`${path}: the name '${name}' is mapped to more than one field`, {
        path: NAME_MAPPING_KEY,
        hint: 'Keep the name with the field that carries it now.',
      })
    }
    seen.add(name)
  }
}

/** The property's text for a mapping. */
export function nameMappingToJson(mapping: NameMapping): string {
  return JSON.stringify(mapping)
}

/** A mapping of every field's current name to its id. */
export function createNameMapping(schema: Schema): NameMapping {
  return schema.fields.map(mappedField)
}

function mappedField(field: NestedField): MappedField {
  const children = childFields(field.type).map(mappedField)
  return {
    'field-id': field.id,
    names: [field.name],
    ...(children.length === 0 ? {} : { fields: children }),
  }
}

/** The field that answers to a name at one level. */
export function mappedFieldByName(mapping: NameMapping, name: string): MappedField | undefined {
  return mapping.find((field) => field.names.includes(name))
}

/**
 * The field at a path of physical names from the file's top level down (`['tags', 'element']`). A
 * dot within a name is part of that name.
 */
export function mappedFieldByPath(mapping: NameMapping, path: readonly string[]): MappedField | undefined {
  let found: MappedField | undefined
  let level: NameMapping = mapping
  for (const name of path) {
    found = mappedFieldByName(level, name)
    if (found === undefined) return undefined
    level = found.fields ?? []
  }
  return found
}

/** The field with that id, at any depth. */
export function mappedFieldById(mapping: NameMapping, id: number): MappedField | undefined {
  for (const field of mapping) {
    const found = field['field-id'] === id ? field : mappedFieldById(field.fields ?? [], id)
    if (found !== undefined) return found
  }
  return undefined
}
