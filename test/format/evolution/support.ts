/** Tables to evolve, and a short way to say what comes out. */
import { evolveSchema, type SchemaEvolution } from '../../../src/format/evolution/evolve-schema.ts'
import type { SchemaEdit } from '../../../src/format/evolution/schema-edit.ts'
import type { EvolutionBase, EvolutionOptions } from '../../../src/format/evolution/staging.ts'
import { IncompatibleChangeError } from '../../../src/errors.ts'
import { createSpec, UNPARTITIONED } from '../../../src/format/partition-spec.ts'
import { createSchema, fieldName, highestFieldId, type Schema } from '../../../src/format/schema.ts'
import { childFields } from '../../../src/format/nested-fields.ts'
import { UNSORTED } from '../../../src/format/sort-order.ts'
import { parseType } from '../../../src/format/type-text.ts'
import { assignFreshIds } from '../../../src/format/schema-ids.ts'
import { typeToString } from '../../../src/format/types-json.ts'
import type { NestedField } from '../../../src/format/types.ts'

/** A schema from text: `id: long required, point: struct<x: double>`; ids level by level. */
export function schemaOf(text: string, identifiers: readonly string[] = []): Schema {
  const type = parseType(`struct<${text}>`)
  const { schema } = assignFreshIds({
    schemaId: 0,
    fields: type.kind === 'struct' ? type.fields : [],
    identifierFieldIds: [],
  })
  const ids = allFields(schema.fields)
    .filter((field) => identifiers.includes(fieldName(schema, field.id) ?? ''))
    .map((field) => field.id)
  return createSchema({ schemaId: 0, fields: schema.fields, identifierFieldIds: ids })
}

export function baseOf(schema: Schema, parts: Partial<EvolutionBase> = {}): EvolutionBase {
  return {
    schema,
    lastColumnId: highestFieldId(schema),
    formatVersion: 2,
    specs: parts.defaultSpec === undefined ? [UNPARTITIONED] : [parts.defaultSpec],
    defaultSpec: UNPARTITIONED,
    sortOrder: UNSORTED,
    ...parts,
  }
}

export { createSpec }

export function add(name: string | string[], fieldType: string, more: Partial<AddColumn> = {}): SchemaEdit {
  return {
    type: 'add_column',
    name,
    fieldType: parseType(fieldType),
    required: false,
    doc: null,
    position: null,
    defaultValue: null,
    ...more,
  }
}
type AddColumn = Extract<SchemaEdit, { readonly type: 'add_column' }>

export const rename = (name: string, newName: string): SchemaEdit => ({
  type: 'rename_column',
  name,
  newName,
})
export const widen = (name: string, type: string): SchemaEdit => ({
  type: 'widen_type',
  name,
  fieldType: parseType(type),
})
export const drop = (name: string): SchemaEdit => ({ type: 'delete_column', name })
export const makeOptional = (name: string): SchemaEdit => ({ type: 'make_optional', name })
export const makeRequired = (name: string): SchemaEdit => ({ type: 'make_required', name })
export const identifier = (...columns: string[]): SchemaEdit => ({ type: 'set_identifier_fields', columns })
export const union = (schema: Schema, loosen = true): SchemaEdit => ({
  type: 'union_by_name',
  schema,
  loosen,
})
export const move = (name: string, position: { after?: string; before?: string }): SchemaEdit => ({
  type: 'move_column',
  name,
  position:
    position.after !== undefined
      ? { after: position.after }
      : position.before !== undefined
        ? { before: position.before }
        : { first: true },
})

export function evolve(
  base: EvolutionBase | Schema,
  edits: readonly SchemaEdit[],
  options?: EvolutionOptions,
): SchemaEvolution {
  return evolveSchema('schema' in base ? base : baseOf(base), edits, options)
}

/** `1 id: long required`, one line for each field, nested ones with their full names. */
export function lines({ schema }: { readonly schema: Schema }): readonly string[] {
  return allFields(schema.fields).map(
    (field) =>
      `${field.id} ${fieldName(schema, field.id) ?? ''}: ${typeToString(field.type)}${field.required ? ' required' : ''}`,
  )
}

export function allFields(fields: readonly NestedField[]): readonly NestedField[] {
  return fields.flatMap((field) => [field, ...allFields(childFields(field.type))])
}

/** The refusal of a change: its column and its words. */
export function refusal(run: () => unknown): IncompatibleChangeError {
  try {
    run()
  } catch (error) {
    if (error instanceof IncompatibleChangeError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
