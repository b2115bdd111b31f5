/** The rules that a schema of our own making must keep (Iceberg spec, "Schemas and Data Types"). */
import { InvalidArgumentError } from '../errors.ts'
import { isJsonObject } from './json-checks.ts'
import { childFields } from './nested-fields.ts'
import { fieldPath, findField } from './schema-lookup.ts'
import type { Schema } from './schema.ts'
import { typeToString } from './types-json.ts'
import { isPrimitive } from './types.ts'
import type { NestedField, Type } from './types.ts'
import { valueFromJson } from './values/nested-json.ts'

/** The highest field id that tables may use; those above belong to metadata columns. */
export const MAX_FIELD_ID = 2147483447

export interface SchemaProblem {
  /** Full name of the column at fault; its id in words where it has no name. */
  readonly column: string
  readonly reason: string
}

/** Everything that makes a schema unfit to be written; empty for a good one. */
export function schemaProblems(
  schema: Schema,
  options: { readonly allowReservedIds?: boolean } = {},
): readonly SchemaProblem[] {
  const problems: SchemaProblem[] = []
  const names = new Set<string>()
  const ids = new Set<number>()
  forEachField(schema.fields, '', (field, name) => {
    const report = (reason: string): void => void problems.push({ column: name, reason })
    if (field.name === '') report('has an empty name')
    if (names.has(name)) report('is there more than once')
    if (ids.has(field.id)) report(`has the field id ${field.id} of another column`)
    if (!Number.isInteger(field.id) || field.id < 0)
      report('has a field id that is not a whole number above 0')
    if (field.id > MAX_FIELD_ID && !options.allowReservedIds) {
      report(`has the field id ${field.id}, which is reserved for metadata columns`)
    }
    if (field.type.kind === 'unknown' && field.required) report('is of type unknown and so must be optional')
    for (const value of [field.initialDefault, field.writeDefault]) {
      const reason = defaultProblem(field.type, value)
      if (reason !== null) report(reason)
    }
    names.add(name)
    ids.add(field.id)
  })
  // Names and paths below are found through an index that needs unique ids.
  if (ids.size < countFields(schema.fields)) return problems
  for (const id of schema.identifierFieldIds) {
    const reason = identifierProblem(schema, id)
    if (reason !== null) problems.push({ column: identifierName(schema, id), reason })
  }
  return problems
}

/** Why a default cannot be one of that type (Iceberg spec, "Default values"); null when it can. */
function defaultProblem(type: Type, value: unknown): string | null {
  if (value === undefined || value === null) return null
  switch (type.kind) {
    case 'unknown':
    case 'variant':
    case 'geometry':
    case 'geography':
      return `has a default, which no ${type.kind} can have`
    case 'struct':
      return isJsonObject(value) && Object.keys(value).length === 0
        ? null
        : 'has a default that is not the empty struct: the fields have defaults of their own'
    default:
      return isValueOf(type, value) ? null : `has a default that is no value of type ${typeToString(type)}`
  }
}

function isValueOf(type: Type, json: unknown): boolean {
  try {
    valueFromJson(type, json)
    return true
  } catch (error) {
    // That it does not decode is the answer.
    if (error instanceof InvalidArgumentError) return false
    throw error
  }
}

/** Ids that several fields have, at any depth. */
export function duplicateIds(fields: readonly NestedField[]): readonly number[] {
  const seen = new Set<number>()
  const twice = new Set<number>()
  forEachField(fields, '', ({ id }) => void (seen.has(id) ? twice.add(id) : seen.add(id)))
  return [...twice]
}

function forEachField(
  fields: readonly NestedField[],
  prefix: string,
  visit: (field: NestedField, name: string) => void,
): void {
  for (const field of fields) {
    const name = prefix + field.name
    visit(field, name)
    forEachField(childFields(field.type), `${name}.`, visit)
  }
}

function countFields(fields: readonly NestedField[]): number {
  return fields.reduce((count, field) => count + 1 + countFields(childFields(field.type)), 0)
}

function identifierName(schema: Schema, id: number): string {
  if (findField(schema, id) === undefined) return `id ${id}`
  return fieldPath(schema, id)
    .map((field) => field.name)
    .join('.')
}

/** Why a field cannot identify rows (Iceberg spec, "Identifier Field IDs"); null when it can. */
export function identifierProblem(schema: Schema, id: number): string | null {
  const field = findField(schema, id)
  if (field === undefined) return 'is named as an identifier but does not exist'
  const { type } = field
  if (!isPrimitive(type)) return 'cannot be an identifier: it is not primitive'
  if (type.kind === 'float' || type.kind === 'double') {
    return `cannot be an identifier: ${type.kind} values have no reliable equality`
  }
  if (!field.required) return 'cannot be an identifier: it is optional'
  for (const parent of fieldPath(schema, id).slice(0, -1)) {
    if (parent.type.kind !== 'struct') return 'cannot be an identifier: it lies within a list or map'
    if (!parent.required) return `cannot be an identifier: it lies within the optional '${parent.name}'`
  }
  return null
}
