/** Finding fields of a schema by id and by name. Each schema is indexed once, on first use. */
import { InvalidArgumentError, InvalidExpressionError } from '../errors.ts'
import { didYouMean } from './did-you-mean.ts'
import { childFields } from './nested-fields.ts'
import type { NameLookup, Schema } from './schema.ts'
import type { NestedField, Type } from './types.ts'

interface IndexedField {
  readonly field: NestedField
  readonly name: string
  readonly parent: IndexedField | null
}

interface SchemaIndex {
  readonly byId: ReadonlyMap<number, IndexedField>
  readonly byName: ReadonlyMap<string, readonly NestedField[]>
  /** By name in lower case. */
  readonly byFoldedName: ReadonlyMap<string, readonly NestedField[]>
  /** `points.x` for `points.element.x`: accepted where no field has that as its own name. */
  readonly byShortName: ReadonlyMap<string, readonly NestedField[]>
  readonly byFoldedShortName: ReadonlyMap<string, readonly NestedField[]>
}

const indexes = new WeakMap<Schema, SchemaIndex>()

function indexOf(schema: Schema): SchemaIndex {
  const known = indexes.get(schema)
  if (known !== undefined) return known
  const index = buildIndex(schema)
  indexes.set(schema, index)
  return index
}

function buildIndex(schema: Schema): SchemaIndex {
  const byId = new Map<number, IndexedField>()
  const byName = new Map<string, NestedField[]>()
  const byFoldedName = new Map<string, NestedField[]>()
  const byShortName = new Map<string, NestedField[]>()
  const byFoldedShortName = new Map<string, NestedField[]>()
  const visit = (
    fields: readonly NestedField[],
    parent: IndexedField | null,
    short: string,
    within: Type | null,
  ) => {
    for (const field of fields) {
      const name = parent === null ? field.name : `${parent.name}.${field.name}`
      const entry: IndexedField = { field, name, parent }
      byId.set(field.id, entry)
      add(byName, name, field)
      add(byFoldedName, name.toLowerCase(), field)
      const shortName = shortNameOf(field, short, within)
      if (shortName !== name && shortName !== short) {
        add(byShortName, shortName, field)
        add(byFoldedShortName, shortName.toLowerCase(), field)
      }
      visit(childFields(field.type), entry, shortName, field.type)
    }
  }
  visit(schema.fields, null, '', null)
  return { byId, byName, byFoldedName, byShortName, byFoldedShortName }
}

/** A struct that is a list's element or a map's value lends its place to its fields. */
function shortNameOf(field: NestedField, short: string, within: Type | null): string {
  const passedThrough =
    field.type.kind === 'struct' &&
    ((within?.kind === 'list' && field.name === 'element') ||
      (within?.kind === 'map' && field.name === 'value'))
  if (passedThrough) return short
  return short === '' ? field.name : `${short}.${field.name}`
}

function add(map: Map<string, NestedField[]>, name: string, field: NestedField): void {
  const fields = map.get(name)
  if (fields === undefined) map.set(name, [field])
  else fields.push(field)
}

/** The field with that id, at any depth. */
export function findField(schema: Schema, id: number): NestedField | undefined {
  return indexOf(schema).byId.get(id)?.field
}

/**
 * The field with that full dotted name, at any depth. InvalidExpressionError when several fields
 * answer to it: `a.b` beside a struct `a` with `b`, or names that differ in case only under an
 * insensitive look-up.
 */
export function findFieldByName(
  schema: Schema,
  name: string,
  lookup: NameLookup = {},
): NestedField | undefined {
  const index = indexOf(schema)
  const sensitive = lookup.caseSensitive ?? true
  const fields = sensitive
    ? (index.byName.get(name) ?? index.byShortName.get(name))
    : (index.byFoldedName.get(name.toLowerCase()) ?? index.byFoldedShortName.get(name.toLowerCase()))
  if (fields !== undefined && fields.length > 1) {
    throw new InvalidExpressionError(
      `column name '${name}' is ambiguous: ${fields.length} columns answer to it`,
      {
        hint: sensitive
          ? 'Rename one of the columns.'
          : 'Use a case-sensitive look-up, or rename one of them.',
      },
    )
  }
  return fields?.[0]
}

/** How many columns a hint names. */
const LISTED = 20

/** A hint for a name that no field has: the one that was probably meant, else which there are. */
export function columnHint(schema: Schema, name: string): string {
  const meant = didYouMean(name, [...indexOf(schema).byName.keys()])
  if (meant !== undefined) return meant
  const names = schema.fields.slice(0, LISTED).map((field) => field.name)
  return `Columns: ${names.join(', ')}${schema.fields.length > LISTED ? ', …' : '.'}`
}

/** Full dotted name of a field. */
export function fieldName(schema: Schema, id: number): string | undefined {
  return indexOf(schema).byId.get(id)?.name
}

/** From the top-level column down to the field. InvalidArgumentError when the schema has no such id. */
export function fieldPath(schema: Schema, id: number): readonly NestedField[] {
  let entry: IndexedField | null | undefined = indexOf(schema).byId.get(id)
  if (entry === undefined)
    throw new InvalidArgumentError(`schema ${schema.schemaId} has no field with id ${id}`)
  const path: NestedField[] = []
  for (; entry !== null; entry = entry.parent) path.unshift(entry.field)
  return path
}

/** Ids of the fields that hold a field, from the top-level column down; empty for a top-level one. */
export function parentFieldIds(schema: Schema, id: number): readonly number[] {
  return fieldPath(schema, id)
    .slice(0, -1)
    .map((field) => field.id)
}

/** The highest id in use at any depth; 0 for a schema without fields. */
export function highestFieldId(schema: Schema): number {
  let highest = 0
  for (const id of indexOf(schema).byId.keys()) highest = Math.max(highest, id)
  return highest
}

/** Every field that has no fields inside, in the order they are stored in a data file. */
export function leafFields(schema: Schema): readonly NestedField[] {
  const leaves: NestedField[] = []
  for (const { field } of indexOf(schema).byId.values()) {
    const { kind } = field.type
    if (kind !== 'struct' && kind !== 'list' && kind !== 'map') leaves.push(field)
  }
  return leaves
}
