/** Making a schema hold whatever another one holds, matched by name. */
import { childFields } from '../nested-fields.ts'
import type { NestedField, Type } from '../types.ts'
import { typeToString } from '../types-json.ts'
import { addColumn } from './add-column.ts'
import { makeOptional, updateDoc, widenType } from './change-column.ts'
import { canPromote } from './promotion.ts'
import type { SchemaEdit } from './schema-edit.ts'
import { foldName, memberNamed, refuse, type Staging } from './staging.ts'

type Union = Extract<SchemaEdit, { readonly type: 'union_by_name' }>

/**
 * Adds what is missing, as optional, and widens what is too narrow; what is wider here stays as it
 * is. Nothing is renamed or deleted.
 */
export function unionByName(staging: Staging, edit: Union): Staging {
  return unionFields(staging, null, [], edit.schema.fields, edit)
}

function unionFields(
  staging: Staging,
  structId: number | null,
  path: readonly string[],
  incoming: readonly NestedField[],
  edit: Union,
): Staging {
  checkTwins(staging, path, incoming)
  return incoming.reduce((so_far, field) => {
    const existing = memberNamed(so_far, structId, field.name)
    if (existing === undefined) return addMissing(so_far, path, field)
    return unionField(so_far, [...path, existing.name], existing, field, edit)
  }, staging)
}

/** Two incoming columns would become one. */
function checkTwins(staging: Staging, path: readonly string[], incoming: readonly NestedField[]): void {
  const seen = new Set<string>()
  for (const field of incoming) {
    const name = foldName(staging, field.name)
    if (seen.has(name)) {
      throw refuse(
        [...path, field.name].join('.'),
        'the incoming schema has more than one column of this name',
      )
    }
    seen.add(name)
  }
}

function addMissing(staging: Staging, path: readonly string[], field: NestedField): Staging {
  return addColumn(staging, {
    type: 'add_column',
    name: [...path, field.name],
    fieldType: loosened(field.type),
    required: false,
    doc: field.doc ?? null,
    position: null,
    defaultValue: null,
  })
}

/** Rows written before have nothing of it, so nothing inside can be promised either. */
export function loosened(type: Type): Type {
  switch (type.kind) {
    case 'struct':
      return {
        ...type,
        fields: type.fields.map(({ initialDefault: _i, writeDefault: _w, ...field }) => ({
          ...field,
          required: false,
          type: loosened(field.type),
        })),
      }
    case 'list':
      return { ...type, elementRequired: false, element: loosened(type.element) }
    case 'map':
      return { ...type, valueRequired: false, value: loosened(type.value) }
    default:
      return type
  }
}

function unionField(
  staging: Staging,
  path: readonly string[],
  existing: NestedField,
  incoming: NestedField,
  edit: Union,
): Staging {
  let next = unionType(staging, path, existing, incoming, edit)
  if (edit.loosen && existing.required && !incoming.required) {
    next = makeOptional(next, { type: 'make_optional', name: path })
  }
  const { doc } = incoming
  if (doc !== undefined && doc !== existing.doc) {
    next = updateDoc(next, { type: 'update_doc', name: path, doc })
  }
  return next
}

function unionType(
  staging: Staging,
  path: readonly string[],
  existing: NestedField,
  incoming: NestedField,
  edit: Union,
): Staging {
  const [ours, theirs] = [existing.type, incoming.type]
  if (ours.kind === 'struct' && theirs.kind === 'struct') {
    return unionFields(staging, existing.id, path, theirs.fields, edit)
  }
  if ((ours.kind === 'list' && theirs.kind === 'list') || (ours.kind === 'map' && theirs.kind === 'map')) {
    const inner = childFields(theirs)
    return childFields(ours).reduce((so_far, part, i) => {
      const counterpart = inner[i]
      if (counterpart === undefined) return so_far
      return part.name === 'key'
        ? checkKeys(so_far, path, part, counterpart)
        : unionField(so_far, [...path, part.name], part, counterpart, edit)
    }, staging)
  }
  return unionPrimitive(staging, path, ours, theirs)
}

function unionPrimitive(staging: Staging, path: readonly string[], ours: Type, theirs: Type): Staging {
  const { formatVersion } = staging.base
  if (typeToString(ours) === typeToString(theirs) || holds(ours, theirs)) return staging
  if (canPromote(ours, theirs, formatVersion)) {
    return widenType(staging, { type: 'widen_type', name: path, fieldType: theirs })
  }
  throw refuse(
    path.join('.'),
    `it is of type ${typeToString(ours)}, which cannot become ${typeToString(theirs)}`,
    'Convert the incoming column, or give it another name.',
  )
}

function checkKeys(
  staging: Staging,
  path: readonly string[],
  ours: NestedField,
  theirs: NestedField,
): Staging {
  if (typeToString(ours.type) === typeToString(theirs.type) || holds(ours.type, theirs.type)) return staging
  throw refuse(
    [...path, 'key'].join('.'),
    `keys of maps cannot be changed from ${typeToString(ours.type)} to ${typeToString(theirs.type)}`,
  )
}

/** Whether every value of `theirs` is one of `ours` already. */
function holds(ours: Type, theirs: Type): boolean {
  return theirs.kind === 'unknown' || canPromote(theirs, ours, 2)
}
