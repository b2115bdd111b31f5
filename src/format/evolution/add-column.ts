/** Adding a column, at any depth, and moving one among its siblings. */
import { assignFreshIds } from '../schema-ids.ts'
import { fieldPath } from '../schema-lookup.ts'
import { typeToString } from '../types-json.ts'
import type { NestedField } from '../types.ts'
import { firstV3Feature } from '../v3-features.ts'
import { elementField, valueField } from '../nested-fields.ts'
import { columnNameToString, type ColumnName, type ColumnPosition, type SchemaEdit } from './schema-edit.ts'
import {
  fullName,
  lookUp,
  memberNamed,
  parentOf,
  refuse,
  refuseMapKeys,
  resolve,
  withFields,
  withTouched,
  withWitness,
  witnessOf,
  type Staging,
} from './staging.ts'
import { defaultToJson } from './default-value.ts'
import { changeMembers } from './struct-tree.ts'

type AddColumn = Extract<SchemaEdit, { readonly type: 'add_column' }>

/** Ids come after every id that the table ever had: the column's own first, then those inside it. */
export function addColumn(staging: Staging, edit: AddColumn): Staging {
  const { parent, name } = splitName(edit.name)
  const struct = parent === null ? null : structAt(staging, parent)
  const text = columnNameToString(edit.name)
  if (name === '') throw refuse(text, 'a column needs a name')
  checkSiblings(staging, struct?.id ?? null, name, null)
  checkRequired(staging, edit, text)
  const fresh = assignFreshIds(
    { schemaId: 0, fields: [newField(edit, name, text)], identifierFieldIds: [] },
    staging.lastColumnId + 1,
  )
  // One field goes in, one comes out.
  const field = fresh.schema.fields[0]!
  checkVersion(staging, field, text)
  const fields = changeMembers(staging.schema.fields, struct?.id ?? null, (members) => [...members, field])
  const added = withWitness(
    withTouched({ ...withFields(staging, fields), lastColumnId: fresh.lastColumnId }, field.id, edit.type),
    `add to ${struct === null ? 'the table' : witnessOf(staging, struct.id)}`,
  )
  return edit.position === null ? added : place(added, field, edit.position)
}

function newField(edit: AddColumn, name: string, text: string): NestedField {
  const defaultValue = defaultToJson(text, edit.fieldType, edit.defaultValue)
  return {
    id: 0,
    name,
    required: edit.required,
    type: edit.fieldType,
    ...(edit.doc === null ? {} : { doc: edit.doc }),
    ...(defaultValue === null ? {} : { initialDefault: defaultValue, writeDefault: defaultValue }),
  }
}

/** `point.z` is `z` in `point`; a name in parts is taken as it is. */
function splitName(name: ColumnName): { readonly parent: ColumnName | null; readonly name: string } {
  const parts = typeof name === 'string' ? name.split('.') : name
  const parent = parts.slice(0, -1)
  return {
    parent: parent.length === 0 ? null : typeof name === 'string' ? parent.join('.') : parent,
    name: parts.at(-1) ?? '',
  }
}

/** The struct that a name means: of a list its element, of a map its value. */
function structAt(staging: Staging, name: ColumnName): NestedField {
  const field = resolve(staging, name)
  const { type } = field
  const struct = type.kind === 'list' ? elementField(type) : type.kind === 'map' ? valueField(type) : field
  refuseMapKeys(staging, struct)
  if (struct.type.kind === 'struct') return struct
  throw refuse(
    columnNameToString(name),
    `it is of type ${typeToString(type)}, and columns can only be added to structs`,
    'Give the full name of a struct, or add a column of its own.',
  )
}

/** A name may be there once in a struct; `self` is the field that is about to have it. */
export function checkSiblings(
  staging: Staging,
  structId: number | null,
  name: string,
  self: number | null,
): void {
  const namesake = memberNamed(staging, structId, name)
  if (namesake === undefined || namesake.id === self) return
  const differs = namesake.name !== name
  throw refuse(
    fullName(staging, namesake.id),
    differs ? `its name and '${name}' differ in case only` : 'there is a column of that name already',
    differs ? 'Choose another name, or ask for a case-sensitive change.' : 'Choose another name.',
  )
}

function checkRequired(staging: Staging, edit: AddColumn, text: string): void {
  if (!edit.required || staging.options.allowIncompatibleChanges) return
  if (edit.defaultValue !== null) return
  throw refuse(
    text,
    'a required column without a default cannot be added: rows written before have no value for it',
    'Add it as optional, give a default (format version 3), or set allowIncompatibleChanges.',
  )
}

function checkVersion(staging: Staging, field: NestedField, text: string): void {
  const { formatVersion } = staging.base
  const feature = formatVersion < 3 ? firstV3Feature([field]) : null
  if (feature === null) return
  throw refuse(
    text,
    `${feature} needs format version 3, and the table has ${formatVersion}`,
    'Raise it with upgradeFormatVersion, if all readers of the table know version 3.',
  )
}

type MoveColumn = Extract<SchemaEdit, { readonly type: 'move_column' }>

export function moveColumn(staging: Staging, edit: MoveColumn): Staging {
  const field = resolve(staging, edit.name)
  refuseMapKeys(staging, field)
  const moved = place(staging, field, edit.position)
  return withWitness(withTouched(moved, field.id, edit.type), witnessOf(staging, field.id))
}

function place(staging: Staging, field: NestedField, position: ColumnPosition): Staging {
  const parent = parentOf(staging, field.id)
  const name = fullName(staging, field.id)
  if (parent !== null && parent.type.kind !== 'struct') {
    throw refuse(name, `only members of structs have a position, and it is part of a ${parent.type.kind}`)
  }
  const sibling = 'first' in position ? null : siblingAt(staging, field, position)
  const fields = changeMembers(staging.schema.fields, parent?.id ?? null, (members) => {
    const others = members.filter((each) => each.id !== field.id)
    const self = members.filter((each) => each.id === field.id)
    const at = sibling === null ? 0 : others.findIndex((each) => each.id === sibling.id)
    const index = 'after' in position ? at + 1 : at
    return [...others.slice(0, index), ...self, ...others.slice(index)]
  })
  const placed = withFields(staging, fields)
  return sibling === null ? placed : withWitness(placed, witnessOf(staging, sibling.id))
}

/** A sibling is meant by its own name or by its full one. */
function siblingAt(
  staging: Staging,
  field: NestedField,
  position: Exclude<ColumnPosition, { readonly first: true }>,
): NestedField {
  const reference = 'after' in position ? position.after : position.before
  const text = columnNameToString(reference)
  const name = fullName(staging, field.id)
  const parentId = parentOf(staging, field.id)?.id ?? null
  const sibling = memberNamed(staging, parentId, text) ?? lookUp(staging, reference)
  if (sibling === undefined) throw refuse(name, `there is no column '${text}' to place it beside`)
  if (sibling.id === field.id) throw refuse(name, 'a column cannot be placed beside itself')
  if ((fieldPath(staging.schema, sibling.id).at(-2)?.id ?? null) !== parentId) {
    throw refuse(
      name,
      `columns move only within their struct, and '${text}' is part of another one`,
      'Name a sibling.',
    )
  }
  return sibling
}
