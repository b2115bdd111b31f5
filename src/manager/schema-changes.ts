/** Changes of a schema as users write them, and what they come to in the format's terms. */
import { z } from 'zod'
import { InvalidArgumentError } from '../errors.ts'
import type { ColumnPosition, SchemaEdit } from '../format/evolution/schema-edit.ts'
import type { SchemaJson, TypeJson } from '../format/metadata/table-metadata.ts'
import type { Column } from '../format/schema-builder.ts'
import { schemaFromJson, type Schema } from '../format/schema.ts'
import { parseType } from '../format/type-text.ts'
import { typeFromJson } from '../format/types-json.ts'
import type { Type } from '../format/types.ts'
import type { Value } from '../format/values/value.ts'
import type { JsonValue } from './operation.ts'
import { pathToString, type SchemaInput } from './models.ts'

/** A type: `t.long()`, as text (`'decimal(9, 2)'`, `'list<string>'`), or as the format has it. */
export type TypeInput = Column<unknown, unknown, boolean> | Type | TypeJson

const columnName = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])

const position = z.union([
  z.strictObject({ first: z.literal(true) }),
  z.strictObject({ after: columnName }),
  z.strictObject({ before: columnName }),
])

const typeInput = z.custom<TypeInput>(
  (value) => (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null),
  { error: "a type is written as 'long', 'decimal(9, 2)', 'list<string>', or made with t.long()" },
)

const schemaInput = z.custom<SchemaInput>((value) => typeof value === 'object' && value !== null, {
  error: 'a schema is made with table({ … }), or is an Iceberg schema document',
})

/** The Zod schema of a `SchemaChange`. */
export const schemaChangeSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('add_column'),
    /** Full dotted name; where a name itself has dots, its parts. */
    name: columnName,
    fieldType: typeInput,
    /** Default false, or what `t.long().required()` says. */
    required: z.boolean().optional(),
    doc: z.string().optional(),
    /** Default: after the last column of its struct. */
    position: position.optional(),
    /** Format version 3: the value of rows written before, and of new rows that give none. */
    defaultValue: z.custom<Value>().optional(),
  }),
  z.strictObject({
    type: z.literal('rename_column'),
    name: columnName,
    /** The last part only: columns stay in their struct. */
    newName: z.string().min(1),
  }),
  z.strictObject({ type: z.literal('widen_type'), name: columnName, fieldType: typeInput }),
  z.strictObject({ type: z.literal('make_optional'), name: columnName }),
  z.strictObject({ type: z.literal('make_required'), name: columnName }),
  z.strictObject({ type: z.literal('delete_column'), name: columnName }),
  z.strictObject({
    type: z.literal('update_doc'),
    name: columnName,
    /** null removes the comment. */
    doc: z.string().nullable(),
  }),
  z.strictObject({
    type: z.literal('set_default'),
    name: columnName,
    /** Of new rows only; null for none. */
    defaultValue: z.custom<Value>(),
  }),
  z.strictObject({ type: z.literal('move_column'), name: columnName, position }),
  z.strictObject({
    type: z.literal('set_identifier_fields'),
    /** Empty: none. */
    columns: z.array(columnName),
  }),
  z.strictObject({
    type: z.literal('union_by_name'),
    /** New columns are added as optional, types widened; nothing is deleted. */
    schema: schemaInput,
  }),
])

/** One change of a table's schema. */
export type SchemaChange = z.input<typeof schemaChangeSchema>
type ParsedChange = z.output<typeof schemaChangeSchema>

/**
 * What users wrote, checked and in the format's terms. InvalidArgumentError names the change and
 * the part of it that is wrong; UnsupportedFeatureError a type of a later format version.
 */
export function toSchemaEdits(changes: readonly SchemaChange[]): readonly SchemaEdit[] {
  const parsed = z.array(schemaChangeSchema).safeParse(changes)
  if (!parsed.success) throw invalid(parsed.error)
  if (parsed.data.length === 0) {
    throw new InvalidArgumentError('No change was given', { hint: 'Give at least one.' })
  }
  return parsed.data.map(toEdit)
}

function toEdit(change: ParsedChange): SchemaEdit {
  switch (change.type) {
    case 'add_column':
      return addedColumn(change)
    case 'widen_type':
      return { ...change, fieldType: toType(change.fieldType) }
    case 'move_column':
      return { ...change, position: change.position satisfies ColumnPosition }
    case 'union_by_name':
      return { type: change.type, schema: toSchema(change.schema), loosen: true }
    default:
      return change
  }
}

function addedColumn(change: Extract<ParsedChange, { readonly type: 'add_column' }>): SchemaEdit {
  const { name, fieldType, position: at } = change
  const declared = isColumn(fieldType) ? fieldType.definition : undefined
  return {
    type: 'add_column',
    name,
    fieldType: toType(fieldType),
    required: change.required ?? declared?.required ?? false,
    doc: change.doc ?? declared?.doc ?? null,
    position: at ?? null,
    defaultValue: change.defaultValue ?? null,
  }
}

/** InvalidArgumentError, UnsupportedFeatureError. */
export function toType(input: TypeInput): Type {
  if (typeof input === 'string') return parseType(input)
  if (isColumn(input)) return input.definition.type
  return 'kind' in input ? input : typeFromJson(input)
}

function isColumn(input: TypeInput): input is Column<unknown, unknown, boolean> {
  return typeof input === 'object' && 'definition' in input
}

/** A schema in any of the forms that users have one in; its ids are the input's own. */
export function toSchema(input: SchemaInput): Schema {
  if ('columns' in input) return input.schema as Schema
  if ('schemaId' in input) return input as Schema
  return schemaFromJson(input as SchemaJson)
}

function invalid(error: z.ZodError): InvalidArgumentError {
  const [issue] = error.issues
  const path = pathToString(issue?.path ?? [])
  return new InvalidArgumentError(`Invalid change: ${path || 'the whole'}: ${issue?.message ?? ''}`, {
    hint: 'Changes are listed in docs/evolution.md.',
  })
}

/** A change for logs and stored requests: what kind, and of which column. */
export function describeSchemaChange(change: SchemaChange): JsonValue {
  return 'name' in change ? { type: change.type, name: change.name } : { type: change.type }
}
