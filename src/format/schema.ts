/** A table schema with its look-ups (Iceberg spec, "Schemas"). */
import { InvalidArgumentError } from '../errors.ts'
import { asArray, asInt, asObject } from './json-checks.ts'
import type { SchemaJson } from './metadata/table-metadata.ts'
import { duplicateIds, schemaProblems } from './schema-validation.ts'
import { fieldToJson, readFields, sameJson } from './types-json.ts'
import type { NestedField, Type } from './types.ts'

export interface NameLookup {
  /** Default true. Insensitive look-up of a name that two fields share is an error, never a pick. */
  readonly caseSensitive?: boolean
}

/**
 * An immutable schema. Full names join levels by dots: `point.x`, `tags.element`, `props.key`,
 * `props.value`.
 */
export interface Schema {
  readonly schemaId: number
  readonly fields: readonly NestedField[]
  readonly identifierFieldIds: readonly number[]
}

export type { NestedField, Type }

export interface SchemaParts {
  /** Default 0. */
  readonly schemaId?: number
  readonly fields: readonly NestedField[]
  /** Default none. */
  readonly identifierFieldIds?: readonly number[]
  /** For schemas of metadata columns, such as those of position delete files. */
  readonly allowReservedIds?: boolean
}

/**
 * A schema of our own making, checked by every rule of the format: InvalidArgumentError names the
 * first field at fault (`schemaProblems` lists all).
 */
export function createSchema(parts: SchemaParts): Schema {
  const schema: Schema = {
    schemaId: parts.schemaId ?? 0,
    fields: parts.fields,
    identifierFieldIds: parts.identifierFieldIds ?? [],
  }
  const [problem] = schemaProblems(schema, { allowReservedIds: parts.allowReservedIds ?? false })
  if (problem !== undefined) {
    throw new InvalidArgumentError(`invalid schema: column '${problem.column}' ${problem.reason}`)
  }
  return schema
}

const parsed = new WeakMap<SchemaJson, Schema>()

/**
 * Parses a schema that somebody wrote: lenient but for its shape and for ids that are there twice,
 * which nobody could read rightly. The same JSON object gives the same schema.
 */
export function schemaFromJson(json: SchemaJson): Schema {
  const known = parsed.get(json)
  if (known !== undefined) return known
  const object = asObject(json, 'schema')
  const schema: Schema = {
    // v1 documents have a schema without an id.
    schemaId: asInt(object['schema-id'] ?? 0, 'schema.schema-id'),
    fields: readFields(object['fields'], 'schema.fields'),
    identifierFieldIds: asArray(object['identifier-field-ids'] ?? [], 'schema.identifier-field-ids').map(
      (id, position) => asInt(id, `schema.identifier-field-ids[${position}]`),
    ),
  }
  const [twice] = duplicateIds(schema.fields)
  if (twice !== undefined) throw new InvalidArgumentError(`schema: field id ${twice} is used more than once`)
  parsed.set(json, schema)
  return schema
}

export function schemaToJson(schema: Schema): SchemaJson {
  return {
    type: 'struct',
    'schema-id': schema.schemaId,
    fields: schema.fields.map(fieldToJson),
    ...(schema.identifierFieldIds.length === 0
      ? {}
      : { 'identifier-field-ids': [...schema.identifierFieldIds] }),
  }
}

/** Equality but for the schema id: fields with ids, names, docs and defaults; identifiers as a set. */
export function sameSchema(a: Schema, b: Schema): boolean {
  if (a === b) return true
  const identifiers = (schema: Schema) => [...new Set(schema.identifierFieldIds)].toSorted((x, y) => x - y)
  return (
    sameJson(identifiers(a), identifiers(b)) && sameJson(a.fields.map(fieldToJson), b.fields.map(fieldToJson))
  )
}

export {
  columnHint,
  fieldName,
  fieldPath,
  findField,
  findFieldByName,
  highestFieldId,
  leafFields,
  parentFieldIds,
} from './schema-lookup.ts'
export { assignFreshIds } from './schema-ids.ts'
export type { FreshIds } from './schema-ids.ts'
export { selectFields } from './schema-projection.ts'
export { MAX_FIELD_ID, schemaProblems } from './schema-validation.ts'
export type { SchemaProblem } from './schema-validation.ts'
