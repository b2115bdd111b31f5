/** Whether a table is what a declaration says, so that rows typed at compile time are true at run time. */
import { SchemaMismatchError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '../format/metadata/views.ts'
import { fieldName, type Schema } from '../format/schema.ts'
import { transformToString } from '../format/transforms/transform.ts'
import { typeToString } from '../format/types-json.ts'
import type { NestedField, Type } from '../format/types.ts'
import type { TableDefinition } from './table-definition.ts'

/**
 * SchemaMismatchError naming the first column that a declared row could not have: missing, of
 * another type, or nullable where the declaration says it is not.
 *
 * Columns that only the table has are fine as long as rows may leave them out.
 */
export function verifyDeclared(declared: Schema, actual: Schema, table: string): void {
  const [difference] = structDifferences(declared.fields, actual.fields, '').filter((d) => d.breaks)
  if (difference === undefined) return
  throw new SchemaMismatchError(`The table is not as declared: ${difference.text}`, {
    table,
    column: difference.column,
    hint: 'Change the declaration, or evolve the table.',
  })
}

/** How an existing table differs from what was asked for, in words. */
export function definitionDifferences(wanted: TableDefinition, metadata: TableMetadata): readonly string[] {
  const actual = currentSchema(metadata)
  const spec = defaultSpec(metadata)
  const order = defaultSortOrder(metadata)
  return [
    ...structDifferences(wanted.schema.fields, actual.fields, '').map((difference) => difference.text),
    ...differs(
      'partition spec',
      fieldsText(wanted.spec.fields, wanted.schema),
      fieldsText(spec.fields, actual),
    ),
    ...differs(
      'sort order',
      fieldsText(wanted.sortOrder.fields, wanted.schema),
      fieldsText(order.fields, actual),
    ),
  ]
}

interface Difference {
  readonly column: string
  readonly text: string
  /** Whether rows as declared would be untrue of the table. */
  readonly breaks: boolean
}

function structDifferences(
  declared: readonly NestedField[],
  actual: readonly NestedField[],
  prefix: string,
): Difference[] {
  const byName = new Map(actual.map((field) => [field.name, field]))
  const names = new Set(declared.map((field) => field.name))
  return [
    ...declared.flatMap((field) => fieldDifferences(field, byName.get(field.name), prefix)),
    ...actual.filter((field) => !names.has(field.name)).map((field) => extraColumn(field, prefix)),
  ]
}

function fieldDifferences(
  declared: NestedField,
  actual: NestedField | undefined,
  prefix: string,
): Difference[] {
  const column = prefix + declared.name
  if (actual === undefined) return [{ column, text: `column '${column}' is missing`, breaks: true }]
  const optionality: Difference[] =
    declared.required === actual.required
      ? []
      : [
          {
            column,
            text: `column '${column}' is ${actual.required ? 'required' : 'optional'}, not ${declared.required ? 'required' : 'optional'}`,
            breaks: true,
          },
        ]
  return [...optionality, ...typeDifferences(declared.type, actual.type, column)]
}

function typeDifferences(declared: Type, actual: Type, column: string): Difference[] {
  if (declared.kind === 'struct' && actual.kind === 'struct') {
    return structDifferences(declared.fields, actual.fields, `${column}.`)
  }
  if (declared.kind === 'list' && actual.kind === 'list') {
    const element = (type: typeof declared) => ({
      id: 0,
      name: 'element',
      required: type.elementRequired,
      type: type.element,
    })
    return fieldDifferences(element(declared), element(actual), `${column}.`)
  }
  if (declared.kind === 'map' && actual.kind === 'map') {
    const key = (type: typeof declared) => ({ id: 0, name: 'key', required: true, type: type.key })
    const value = (type: typeof declared) => ({
      id: 0,
      name: 'value',
      required: type.valueRequired,
      type: type.value,
    })
    return [
      ...fieldDifferences(key(declared), key(actual), `${column}.`),
      ...fieldDifferences(value(declared), value(actual), `${column}.`),
    ]
  }
  const [wanted, found] = [typeToString(declared), typeToString(actual)]
  return wanted === found
    ? []
    : [{ column, text: `column '${column}' is ${found}, not ${wanted}`, breaks: true }]
}

function extraColumn(field: NestedField, prefix: string): Difference {
  const column = prefix + field.name
  return { column, text: `column '${column}' is there and was not asked for`, breaks: field.required }
}

function differs(what: string, wanted: string, found: string): string[] {
  return wanted === found ? [] : [`${what} is ${found}, not ${wanted}`]
}

interface OrderedField {
  readonly sourceId: number
  readonly transform: Parameters<typeof transformToString>[0]
  readonly direction?: string
  readonly nullOrder?: string
}

function fieldsText(fields: readonly OrderedField[], schema: Schema): string {
  const parts = fields.map((field) =>
    [
      `${transformToString(field.transform)}(${fieldName(schema, field.sourceId) ?? field.sourceId})`,
      field.direction,
      field.nullOrder,
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  )
  return `[${parts.join(', ')}]`
}
