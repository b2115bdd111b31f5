/** Updates of schemas: ids are never used twice, and no version gets what only a later one has. */
import { UnsupportedFeatureError } from '../../errors.ts'
import { isPrimitive, type NestedField } from '../types.ts'
import { allFields } from '../nested-fields.ts'
import { highestFieldId, schemaFromJson, schemaProblems, sameSchema, type Schema } from '../schema.ts'
import { fieldName, findField } from '../schema-lookup.ts'
import { sameType } from '../types-json.ts'
import { firstV3Feature } from '../v3-features.ts'
import { changed, reject, resolveId, type Draft } from './draft.ts'
import type { FormatVersion, SchemaJson, TableMetadata } from './table-metadata.ts'
import type { TableUpdate } from './updates.ts'

export function addSchema(draft: Draft, update: TableUpdate & { readonly action: 'add-schema' }): Draft {
  const { metadata } = draft
  const schema = schemaFromJson(update.schema)
  checkSchema(schema, metadata['format-version'])
  const before = metadata['last-column-id']
  const lastColumnId = update['last-column-id'] ?? Math.max(before, highestFieldId(schema))
  if (lastColumnId < before) {
    throw reject(
      `last-column-id would go down from ${before} to ${lastColumnId}`,
      'field ids are never used again',
    )
  }
  if (lastColumnId < highestFieldId(schema)) {
    throw reject(`last-column-id ${lastColumnId} is below field id ${highestFieldId(schema)} of the schema`)
  }
  checkFreshIds(draft, schema)
  const same = knownSchemas(metadata).find((each) => sameSchema(each, schema))
  const id = same?.schemaId ?? nextSchemaId(metadata)
  if (same !== undefined && lastColumnId === before) return { ...draft, lastSchemaId: id }
  const added: SchemaJson = { ...update.schema, 'schema-id': id }
  const schemas = same === undefined ? [...metadata.schemas, added] : metadata.schemas
  return { ...changed(draft, { schemas, 'last-column-id': lastColumnId }), lastSchemaId: id }
}

/** Schemas of the table but those with types that we do not know: none of ours can equal them. */
export function knownSchemas(metadata: TableMetadata): readonly Schema[] {
  return metadata.schemas.flatMap((json) => {
    try {
      return [schemaFromJson(json)]
    } catch (error) {
      // An old schema of a later writer must not keep the table from changing.
      if (error instanceof UnsupportedFeatureError) return []
      throw error
    }
  })
}

/** The id that a new schema of the table gets. */
export function nextSchemaId({ schemas }: TableMetadata): number {
  return Math.max(-1, ...schemas.map((schema) => schema['schema-id'])) + 1
}

/** Rejects a schema that breaks the format's rules, or has what its version does not know. */
export function checkSchema(schema: Schema, version: FormatVersion): void {
  const [problem] = schemaProblems(schema)
  if (problem !== undefined) throw reject(`invalid schema: column '${problem.column}' ${problem.reason}`)
  const newer = version < 3 ? firstV3Feature(schema.fields) : null
  if (newer !== null) {
    throw reject(`${newer} needs format version 3, and the table has ${version}`, 'upgrade the table first')
  }
}

/**
 * A field id that the current schema does not have must never have been used; else files written
 * under the old column would be read as the new one. The very same column may come back.
 */
function checkFreshIds(draft: Draft, schema: Schema): void {
  const { metadata } = draft
  const earlier = knownSchemas(metadata)
  const current = earlier.find((each) => each.schemaId === metadata['current-schema-id'])
  for (const field of allFields(schema.fields)) {
    if (field.id > metadata['last-column-id']) continue
    if (current !== undefined && findField(current, field.id) !== undefined) continue
    const restored = earlier.some((each) => isSameColumn(each, schema, field))
    if (!restored) {
      throw reject(
        `field id ${field.id} of column '${fieldName(schema, field.id) ?? field.name}' was used before`,
        `give new columns ids above ${metadata['last-column-id']}`,
      )
    }
  }
}

function isSameColumn(earlier: Schema, schema: Schema, field: NestedField): boolean {
  const before = findField(earlier, field.id)
  if (before === undefined || fieldName(earlier, field.id) !== fieldName(schema, field.id)) return false
  return isPrimitive(field.type) ? sameType(before.type, field.type) : before.type.kind === field.type.kind
}

export function setCurrentSchema(draft: Draft, schemaId: number): Draft {
  const { metadata } = draft
  const id = resolveId(schemaId, draft.lastSchemaId, 'schema')
  if (id === metadata['current-schema-id']) return draft
  if (!metadata.schemas.some((schema) => schema['schema-id'] === id))
    throw reject(`the table has no schema ${id}`)
  return changed(draft, { 'current-schema-id': id })
}

/** Schemas in use stay: the current one, and those that kept snapshots are read with. */
export function removeSchemas(draft: Draft, ids: readonly number[]): Draft {
  const { metadata } = draft
  const gone = new Set(ids)
  if (gone.has(metadata['current-schema-id'])) throw reject('the current schema cannot be removed')
  for (const snapshot of metadata.snapshots) {
    const id = snapshot['schema-id']
    if (id !== undefined && gone.has(id)) {
      throw reject(
        `schema ${id} is in use by snapshot ${snapshot['snapshot-id']}`,
        'expire the snapshot first',
      )
    }
  }
  const schemas = metadata.schemas.filter((schema) => !gone.has(schema['schema-id']))
  return schemas.length === metadata.schemas.length ? draft : changed(draft, { schemas })
}
