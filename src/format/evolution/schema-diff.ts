/** How one schema of a table differs from another, field by field id. */
import { allFields } from '../nested-fields.ts'
import { fieldName, fieldPath, findField } from '../schema-lookup.ts'
import type { Schema } from '../schema.ts'
import { isPrimitive, type NestedField } from '../types.ts'
import { sameJson, sameType, typeToString } from '../types-json.ts'

/** One way in which the later of two schemas differs. `column` is the full name in the later one, where it has one. */
export type SchemaDifference =
  | { readonly kind: 'added'; readonly column: string; readonly fieldId: number; readonly type: string }
  | { readonly kind: 'deleted'; readonly column: string; readonly fieldId: number; readonly type: string }
  | { readonly kind: 'renamed'; readonly column: string; readonly fieldId: number; readonly from: string }
  | {
      readonly kind: 'retyped'
      readonly column: string
      readonly fieldId: number
      readonly from: string
      readonly to: string
    }
  | { readonly kind: 'made_optional' | 'made_required'; readonly column: string; readonly fieldId: number }
  | {
      readonly kind: 'moved' | 'doc_changed' | 'default_changed'
      readonly column: string
      readonly fieldId: number
    }
  | { readonly kind: 'identifier_changed'; readonly from: readonly string[]; readonly to: readonly string[] }

/** Differences in the order of the later schema's fields; deleted ones come last. */
export function diffSchemas(before: Schema, after: Schema): readonly SchemaDifference[] {
  return [
    ...allFields(after.fields).flatMap((field) => fieldDifferences(before, after, field)),
    ...movedFields(before, after),
    ...allFields(before.fields)
      .filter((field) => findField(after, field.id) === undefined && isTopmost(before, after, field))
      .map((field) => described('deleted', before, field)),
    ...identifierDifferences(before, after),
  ]
}

function fieldDifferences(before: Schema, after: Schema, field: NestedField): readonly SchemaDifference[] {
  const earlier = findField(before, field.id)
  if (earlier === undefined) return isTopmost(after, before, field) ? [described('added', after, field)] : []
  const column = nameOf(after, field)
  const { id: fieldId } = field
  const list: SchemaDifference[] = []
  if (earlier.name !== field.name)
    list.push({ kind: 'renamed', column, fieldId, from: nameOf(before, earlier) })
  if (isPrimitive(earlier.type) && !sameType(earlier.type, field.type)) {
    const [from, to] = [typeToString(earlier.type), typeToString(field.type)]
    list.push({ kind: 'retyped', column, fieldId, from, to })
  }
  if (earlier.required !== field.required) {
    list.push({ kind: field.required ? 'made_required' : 'made_optional', column, fieldId })
  }
  if ((earlier.doc ?? '') !== (field.doc ?? '')) list.push({ kind: 'doc_changed', column, fieldId })
  if (!sameJson(earlier.writeDefault ?? null, field.writeDefault ?? null)) {
    list.push({ kind: 'default_changed', column, fieldId })
  }
  return list
}

/** Of a column that came or went whole, only its outermost field is told. */
function isTopmost(schema: Schema, other: Schema, field: NestedField): boolean {
  const parent = fieldPath(schema, field.id).at(-2)
  return parent === undefined || findField(other, parent.id) !== undefined
}

function described(kind: 'added' | 'deleted', schema: Schema, field: NestedField): SchemaDifference {
  return { kind, column: nameOf(schema, field), fieldId: field.id, type: typeToString(field.type) }
}

/** The fewest fields that have to move for the rest to be in order. */
function movedFields(before: Schema, after: Schema): readonly SchemaDifference[] {
  return structs(after).flatMap((members) => {
    const kept = members.filter((field) => findField(before, field.id) !== undefined)
    const order = new Map(siblingsOf(before, kept[0]).map((field, i) => [field.id, i]))
    const positions = kept.map((field) => order.get(field.id) ?? -1)
    const inOrder = longestIncreasing(positions)
    return kept
      .filter((_, i) => !inOrder.has(i))
      .map((field) => ({ kind: 'moved' as const, column: nameOf(after, field), fieldId: field.id }))
  })
}

function structs(schema: Schema): readonly (readonly NestedField[])[] {
  const inner = allFields(schema.fields).flatMap(({ type }) => (type.kind === 'struct' ? [type.fields] : []))
  return [schema.fields, ...inner]
}

function siblingsOf(schema: Schema, field: NestedField | undefined): readonly NestedField[] {
  if (field === undefined) return []
  const parent = fieldPath(schema, field.id).at(-2)
  if (parent === undefined) return schema.fields
  return parent.type.kind === 'struct' ? parent.type.fields : []
}

/** Indexes of one longest increasing subsequence. */
function longestIncreasing(values: readonly number[]): ReadonlySet<number> {
  const length: number[] = []
  const previous: number[] = []
  values.forEach((value, i) => {
    let best = -1
    for (let j = 0; j < i; j += 1) {
      if ((values[j] ?? 0) < value && (best < 0 || (length[j] ?? 0) > (length[best] ?? 0))) best = j
    }
    length[i] = best < 0 ? 1 : (length[best] ?? 0) + 1
    previous[i] = best
  })
  const chosen = new Set<number>()
  let at = length.indexOf(Math.max(0, ...length))
  for (; at >= 0; at = previous[at] ?? -1) chosen.add(at)
  return chosen
}

function identifierDifferences(before: Schema, after: Schema): readonly SchemaDifference[] {
  const sorted = (schema: Schema) => [...schema.identifierFieldIds].sort((a, b) => a - b)
  if (sorted(before).join() === sorted(after).join()) return []
  const names = (schema: Schema) => sorted(schema).map((id) => fieldName(schema, id) ?? `id ${id}`)
  return [{ kind: 'identifier_changed', from: names(before), to: names(after) }]
}

function nameOf(schema: Schema, field: NestedField): string {
  return fieldName(schema, field.id) ?? field.name
}
