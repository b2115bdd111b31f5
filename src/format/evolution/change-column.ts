/** Changing what a column is: its name, type, requiredness, comment and default. */
import { assignFreshIds } from '../schema-ids.ts'
import { sameJson, sameType, typeToString } from '../types-json.ts'
import type { NestedField, Type } from '../types.ts'
import { checkSiblings } from './add-column.ts'
import { defaultToJson } from './default-value.ts'
import { canPromote, promoteDefault, promotionChangesTransform } from './promotion.ts'
import type { ColumnName, SchemaEdit } from './schema-edit.ts'
import {
  fullName,
  parentOf,
  refuse,
  refuseMapKeys,
  resolve,
  withFields,
  withGone,
  withTouched,
  withWitness,
  witnessOf,
  type Staging,
} from './staging.ts'
import { replaceField } from './struct-tree.ts'

type Edit<Kind extends SchemaEdit['type']> = Extract<SchemaEdit, { readonly type: Kind }>

export function renameColumn(staging: Staging, edit: Edit<'rename_column'>): Staging {
  const field = target(staging, edit.name)
  const name = fullName(staging, field.id)
  const parent = parentOf(staging, field.id)
  if (parent !== null && parent.type.kind !== 'struct') {
    throw refuse(name, `parts of a ${parent.type.kind} have fixed names`)
  }
  if (edit.newName === '') throw refuse(name, 'a column needs a name')
  if (edit.newName.includes('.')) {
    throw refuse(
      name,
      'a new name is the last part only, without the structs around it',
      `Columns stay in their struct: give '${edit.newName.split('.').at(-1) ?? ''}'.`,
    )
  }
  const noted = note(staging, field, edit.type)
  if (edit.newName === field.name) return noted
  checkSiblings(staging, parent?.id ?? null, edit.newName, field.id)
  const gone = withGone(noted, field.id, `renamed '${name}' to '${edit.newName}', and so took the name from`)
  return change(gone, field.id, (each) => ({ ...each, name: edit.newName }))
}

export function widenType(staging: Staging, edit: Edit<'widen_type'>): Staging {
  const field = target(staging, edit.name)
  const noted = note(staging, field, edit.type)
  if (sameType(field.type, edit.fieldType)) return noted
  checkPromotion(staging, field, edit.fieldType)
  const { type, lastColumnId } = freshType(edit.fieldType, noted.lastColumnId)
  return change({ ...noted, lastColumnId }, field.id, (each) => promotedField(each, type))
}

/** What was unknown may become nested: whatever is inside is new then, and needs ids. */
function freshType(type: Type, lastColumnId: number): { readonly type: Type; readonly lastColumnId: number } {
  // The field that is made up around it takes an id which is in use, and is thrown away.
  const around = { id: 0, name: '', required: false, type }
  const fresh = assignFreshIds({ schemaId: 0, fields: [around], identifierFieldIds: [] }, lastColumnId)
  return { type: fresh.schema.fields[0]?.type ?? type, lastColumnId: fresh.lastColumnId }
}

/** A field after its type was widened; its defaults keep their values. */
function promotedField(field: NestedField, type: Type): NestedField {
  const { initialDefault, writeDefault, ...rest } = field
  return {
    ...rest,
    type,
    ...(initialDefault === undefined
      ? {}
      : { initialDefault: promoteDefault(field.type, type, initialDefault) }),
    ...(writeDefault === undefined ? {} : { writeDefault: promoteDefault(field.type, type, writeDefault) }),
  }
}

/** IncompatibleChangeError when values, or partitions, written before would not stay what they are. */
export function checkPromotion(staging: Staging, field: NestedField, to: Type): void {
  const name = fullName(staging, field.id)
  const { formatVersion, specs } = staging.base
  const change = `${typeToString(field.type)} cannot become ${typeToString(to)}`
  if (!canPromote(field.type, to, formatVersion)) {
    throw refuse(
      name,
      canPromote(field.type, to, 3) ? `${change} before format version 3` : change,
      'Types may be widened from int to long, float to double, and decimals to more digits at the same scale' +
        ' (format version 3: date to timestamp and unknown to any type, too). Else add a new column.',
    )
  }
  for (const spec of specs) {
    const harmed = spec.fields.find(
      ({ sourceId, sourceIds, transform }) =>
        (sourceIds ?? [sourceId]).includes(field.id) && promotionChangesTransform(field.type, transform),
    )
    if (harmed === undefined) continue
    throw refuse(
      name,
      `${change}: the partition field '${harmed.name}' of spec ${spec.specId} would have other values then`,
      'Add a new column instead.',
    )
  }
}

export function makeOptional(staging: Staging, edit: Edit<'make_optional'>): Staging {
  const field = target(staging, edit.name)
  const noted = note(staging, field, edit.type)
  if (!field.required) return noted
  const madeRequired = new Set(noted.madeRequired)
  madeRequired.delete(field.id)
  return change({ ...noted, madeRequired }, field.id, (each) => ({ ...each, required: false }))
}

/** Only on request; that there are no nulls is for the caller to see, who can read the data. */
export function makeRequired(staging: Staging, edit: Edit<'make_required'>): Staging {
  const field = target(staging, edit.name)
  const noted = note(staging, field, edit.type)
  if (field.required) return noted
  const isNew = field.id > staging.base.lastColumnId
  const hasDefault = field.initialDefault !== undefined && field.initialDefault !== null
  if (!staging.options.allowIncompatibleChanges && !(isNew && hasDefault)) {
    throw refuse(
      fullName(staging, field.id),
      'an optional column cannot become required: writers may be about to leave it out',
      'Set allowIncompatibleChanges: then it may, if no row has a null there.',
    )
  }
  const madeRequired = isNew ? noted.madeRequired : new Set([...noted.madeRequired, field.id])
  return change({ ...noted, madeRequired }, field.id, (each) => ({ ...each, required: true }))
}

export function updateDoc(staging: Staging, edit: Edit<'update_doc'>): Staging {
  const field = target(staging, edit.name)
  const before = field.doc ?? null
  const noted = withWitness(note(staging, field, edit.type), `doc ${JSON.stringify(before)}`)
  const parent = parentOf(staging, field.id)
  if (parent !== null && parent.type.kind !== 'struct') {
    throw refuse(fullName(staging, field.id), `parts of a ${parent.type.kind} have no comment of their own`)
  }
  return change(noted, field.id, ({ doc: _doc, ...rest }) =>
    edit.doc === null || edit.doc === '' ? rest : { ...rest, doc: edit.doc },
  )
}

/** The default of new rows; that of rows written before the column was added never changes. */
export function setDefault(staging: Staging, edit: Edit<'set_default'>): Staging {
  const field = target(staging, edit.name)
  const name = fullName(staging, field.id)
  const noted = withWitness(
    note(staging, field, edit.type),
    `default ${JSON.stringify(field.writeDefault ?? null)}`,
  )
  if (staging.base.formatVersion < 3) {
    throw refuse(
      name,
      `defaults need format version 3, and the table has ${staging.base.formatVersion}`,
      'Raise it with upgradeFormatVersion, if all readers of the table know version 3.',
    )
  }
  const json = defaultToJson(name, field.type, edit.defaultValue)
  const isNone = json === null
  if (isNone && field.initialDefault !== undefined && field.initialDefault !== null) {
    throw refuse(
      name,
      'its default for new rows cannot become null while rows from before it was added have another:' +
        ' a default of null is written by leaving it out, and readers would not tell it from none',
      'Write null into new rows explicitly, or set another default.',
    )
  }
  return change(noted, field.id, (each) => {
    const { writeDefault, ...rest } = each
    if (isNone) return writeDefault === undefined ? each : rest
    return sameJson(writeDefault, json) ? each : { ...rest, writeDefault: json }
  })
}

export function setIdentifierFields(staging: Staging, edit: Edit<'set_identifier_fields'>): Staging {
  const ids = [...new Set(edit.columns.map((name) => resolve(staging, name).id))]
  const noted = withWitness(
    staging,
    `identifier ${staging.schema.identifierFieldIds.map((id) => witnessOf(staging, id)).join()}`,
    ...ids.map((id) => witnessOf(staging, id)),
  )
  return { ...noted, schema: { ...noted.schema, identifierFieldIds: ids } }
}

/** The column that a change means, once it is sure that it may be changed at all. */
function target(staging: Staging, name: ColumnName): NestedField {
  const field = resolve(staging, name)
  refuseMapKeys(staging, field)
  return field
}

function note(staging: Staging, field: NestedField, word: SchemaEdit['type']): Staging {
  return withWitness(withTouched(staging, field.id, word), witnessOf(staging, field.id))
}

function change(staging: Staging, id: number, edit: (field: NestedField) => NestedField): Staging {
  return withFields(staging, replaceField(staging.schema.fields, id, edit))
}
