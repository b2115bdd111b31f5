/** One change of a schema, with everything that a user may write in several ways already settled. */
import type { Schema } from '../schema.ts'
import type { Type } from '../types.ts'
import type { Value } from '../values/value.ts'

/**
 * A column by its full dotted name (`point.x`, `tags.element`, `props.value`), or by its parts where
 * a name itself has dots.
 */
export type ColumnName = string | readonly string[]

/** Where among its siblings a column goes; the sibling by its own or its full name. */
export type ColumnPosition =
  { readonly first: true } | { readonly after: ColumnName } | { readonly before: ColumnName }

/** A change of a schema. Names are those that earlier changes of the same call leave behind. */
export type SchemaEdit =
  | {
      readonly type: 'add_column'
      readonly name: ColumnName
      /** Ids in it are replaced by fresh ones. */
      readonly fieldType: Type
      readonly required: boolean
      readonly doc: string | null
      /** null: after the last sibling. */
      readonly position: ColumnPosition | null
      /** For rows written before, and new ones that give none (Iceberg spec, "Default values"); null for none. */
      readonly defaultValue: Value
    }
  | { readonly type: 'rename_column'; readonly name: ColumnName; readonly newName: string }
  | { readonly type: 'widen_type'; readonly name: ColumnName; readonly fieldType: Type }
  | { readonly type: 'make_optional'; readonly name: ColumnName }
  | { readonly type: 'make_required'; readonly name: ColumnName }
  | { readonly type: 'delete_column'; readonly name: ColumnName }
  | { readonly type: 'update_doc'; readonly name: ColumnName; readonly doc: string | null }
  | { readonly type: 'set_default'; readonly name: ColumnName; readonly defaultValue: Value }
  | { readonly type: 'move_column'; readonly name: ColumnName; readonly position: ColumnPosition }
  | { readonly type: 'set_identifier_fields'; readonly columns: readonly ColumnName[] }
  | {
      readonly type: 'union_by_name'
      readonly schema: Schema
      /** Whether columns that are optional in `schema` become optional here. */
      readonly loosen: boolean
    }

/** The name as people write it. */
export function columnNameToString(name: ColumnName): string {
  return typeof name === 'string' ? name : name.join('.')
}
