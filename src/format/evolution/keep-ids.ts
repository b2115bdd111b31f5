/**
 * The schema of a table that takes another's place, history and all: columns keep the ids that they
 * have in the old one, so that old snapshots and other branches are read as before.
 */
import type { FormatVersion } from '../metadata/table-metadata.ts'
import type { Schema } from '../schema.ts'
import { sameType } from '../types-json.ts'
import { isPrimitive, type NestedField, type Type } from '../types.ts'
import type { FreshIds } from '../schema-ids.ts'
import { canPromote } from './promotion.ts'
import type { EvolutionBase } from './staging.ts'

/**
 * Columns of the same place and name keep their id where values of the old type are values of the
 * new one; all others get ids that the table has never used. Given out level by level, as for a new
 * table.
 */
export function keepFieldIds(
  wanted: Schema,
  { schema: before, lastColumnId: last, formatVersion }: EvolutionBase,
): FreshIds {
  const ids = new IdKeeper(last, formatVersion)
  const fields = ids.fields(wanted.fields, before.fields)
  const identifierFieldIds = wanted.identifierFieldIds.map((id) => ids.idMap.get(id) ?? id)
  return {
    schema: { ...wanted, fields, identifierFieldIds },
    lastColumnId: ids.lastColumnId,
    idMap: ids.idMap,
  }
}

class IdKeeper {
  readonly idMap = new Map<number, number>()
  lastColumnId: number
  readonly #version: FormatVersion

  constructor(lastColumnId: number, version: FormatVersion) {
    this.lastColumnId = lastColumnId
    this.#version = version
  }

  fields(wanted: readonly NestedField[], before: readonly NestedField[]): readonly NestedField[] {
    const byName = new Map(before.map((field) => [field.name, field]))
    return wanted
      .map((field) => {
        const old = byName.get(field.name)
        const kept = old !== undefined && this.#isKept(old.type, field.type) ? old : undefined
        return { field: { ...field, id: this.#id(field.id, kept?.id) }, kept }
      })
      .map(({ field, kept }) => ({ ...field, type: this.#type(field.type, kept?.type) }))
  }

  #type(wanted: Type, before: Type | undefined): Type {
    switch (wanted.kind) {
      case 'struct':
        return {
          ...wanted,
          fields: this.fields(wanted.fields, before?.kind === 'struct' ? before.fields : []),
        }
      case 'list': {
        const kept = before?.kind === 'list' && this.#isKept(before.element, wanted.element) ? before : null
        const elementId = this.#id(wanted.elementId, kept?.elementId)
        return { ...wanted, elementId, element: this.#type(wanted.element, kept?.element) }
      }
      case 'map': {
        const old = before?.kind === 'map' ? before : null
        const key = old !== null && this.#isKept(old.key, wanted.key) ? old : null
        const value = old !== null && this.#isKept(old.value, wanted.value) ? old : null
        const keyId = this.#id(wanted.keyId, key?.keyId)
        const valueId = this.#id(wanted.valueId, value?.valueId)
        return {
          ...wanted,
          keyId,
          valueId,
          key: this.#type(wanted.key, key?.key),
          value: this.#type(wanted.value, value?.value),
        }
      }
      default:
        return wanted
    }
  }

  #isKept(before: Type, wanted: Type): boolean {
    if (!isPrimitive(before) || !isPrimitive(wanted)) return before.kind === wanted.kind
    return sameType(before, wanted) || canPromote(before, wanted, this.#version)
  }

  #id(wantedId: number, kept: number | undefined): number {
    const id = kept ?? (this.lastColumnId += 1)
    this.idMap.set(wantedId, id)
    return id
  }
}
