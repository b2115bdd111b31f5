/** What a table's schema lacks for incoming data: new columns, and types that are too narrow. */
import { allFields, childFields } from '../nested-fields.ts'
import type { NestedField, Type } from '../types.ts'
import { typeToString } from '../types-json.ts'
import type { FormatVersion } from '../metadata/table-metadata.ts'
import { fieldName, type Schema } from '../schema.ts'
import { canPromote } from './promotion.ts'
import type { SchemaEdit } from './schema-edit.ts'
import { evolveSchema } from './evolve-schema.ts'
import { lookUpColumn, refuse, type EvolutionBase } from './staging.ts'
import { loosened } from './union-by-name.ts'

/** A schema read off data. */
export interface IncomingSchema {
  readonly fields: readonly NestedField[]
  /** Columns, by full name, whose type the data does not decide, with the reason. */
  readonly unsure: ReadonlyMap<string, string>
  /** Whether types were declared by the source; else they are guesses from its values, and widen nothing. */
  readonly isTyped: boolean
}

/**
 * New columns come as optional; declared types that are legally wider widen the table's. Whatever
 * else does not fit is for the write itself to refuse. IncompatibleChangeError for a new column whose
 * type the data does not decide.
 */
export function mergeEdits(
  fields: readonly NestedField[],
  incoming: IncomingSchema,
  version: FormatVersion,
): readonly SchemaEdit[] {
  return fieldEdits(fields, incoming.fields, [], { ...incoming, version })
}

interface Context extends IncomingSchema {
  readonly version: FormatVersion
}

function fieldEdits(
  ours: readonly NestedField[],
  theirs: readonly NestedField[],
  path: readonly string[],
  context: Context,
): readonly SchemaEdit[] {
  const byName = new Map(ours.map((field) => [field.name, field]))
  return theirs.flatMap((field) => {
    const existing = byName.get(field.name)
    const name = [...path, field.name]
    return existing === undefined
      ? [newColumn(field, name, context)]
      : typeEdits(existing.type, field.type, name, context)
  })
}

function newColumn(field: NestedField, name: readonly string[], context: Context): SchemaEdit {
  const full = name.join('.')
  for (const [column, reason] of context.unsure) {
    if (column !== full && !column.startsWith(`${full}.`)) continue
    throw refuse(
      column,
      `the table does not have it, and the data does not decide its type: ${reason}`,
      'Add the column with evolveSchema first.',
    )
  }
  return {
    type: 'add_column',
    name,
    fieldType: loosened(field.type),
    required: false,
    doc: null,
    position: null,
    defaultValue: null,
  }
}

function typeEdits(
  ours: Type,
  theirs: Type,
  name: readonly string[],
  context: Context,
): readonly SchemaEdit[] {
  if (ours.kind === 'struct' && theirs.kind === 'struct') {
    return fieldEdits(ours.fields, theirs.fields, name, context)
  }
  if ((ours.kind === 'list' && theirs.kind === 'list') || (ours.kind === 'map' && theirs.kind === 'map')) {
    const inner = childFields(theirs).filter((field) => field.name !== 'key')
    return fieldEdits(childFields(ours), inner, name, context)
  }
  const isGuess = !context.isTyped || context.unsure.has(name.join('.'))
  if (isGuess || !canPromote(ours, theirs, context.version)) return []
  return [{ type: 'widen_type', name, fieldType: theirs }]
}

/** A schema that has come to hold what data needs. */
export interface MergedSchema {
  readonly schema: Schema
  readonly lastColumnId: number
}

/**
 * Applies what a merge needs to a table, which may have come to have some of it: a column of the same
 * name and type, or a type wide enough, is as good. IncompatibleChangeError for anything in the way.
 */
export function applyMerge(base: EvolutionBase, edits: readonly SchemaEdit[]): MergedSchema {
  return edits.reduce<MergedSchema>(
    (merged, edit) => {
      const now: EvolutionBase = { ...base, ...merged }
      return isSatisfied(now, edit) ? merged : evolveSchema(now, [edit])
    },
    { schema: base.schema, lastColumnId: base.lastColumnId },
  )
}

function isSatisfied(base: EvolutionBase, edit: SchemaEdit): boolean {
  if (edit.type !== 'add_column' && edit.type !== 'widen_type') return false
  const existing = lookUpColumn(base, edit.name)
  if (existing === undefined) return false
  const [ours, theirs] = [existing.type, edit.fieldType]
  return typeToString(ours) === typeToString(theirs) || canPromote(theirs, ours, base.formatVersion)
}

/**
 * Whether files that were written by one schema are right under another: every column that was new in
 * `written`, with an id above `lastColumnId`, must be there under its id and name.
 */
export function keepsNewColumns(written: Schema, now: Schema, lastColumnId: number): boolean {
  return allFields(written.fields)
    .filter(({ id }) => id > lastColumnId)
    .every(({ id }) => fieldName(now, id) === fieldName(written, id))
}

/**
 * The fields of `written` as rows of the table `now` would be given: columns that both tables had
 * bear their new names, those that are gone are left out, new ones keep theirs.
 */
export function renamedFor(
  written: readonly NestedField[],
  now: Schema,
  lastColumnId: number,
): readonly NestedField[] {
  const ids = new Map(allFields(now.fields).map((field) => [field.id, field]))
  return written.flatMap((field) => {
    const isNew = field.id > lastColumnId
    const current = ids.get(field.id)
    if (!isNew && current === undefined) return []
    const name = isNew || current === undefined ? field.name : current.name
    return [{ ...field, name, type: renamedWithin(field.type, now, lastColumnId) }]
  })
}

function renamedWithin(type: Type, now: Schema, lastColumnId: number): Type {
  switch (type.kind) {
    case 'struct':
      return { ...type, fields: renamedFor(type.fields, now, lastColumnId) }
    case 'list':
      return { ...type, element: renamedWithin(type.element, now, lastColumnId) }
    case 'map':
      return { ...type, value: renamedWithin(type.value, now, lastColumnId) }
    default:
      return type
  }
}
