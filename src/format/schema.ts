/** A table schema with its look-ups (Iceberg spec, "Schemas"). */
import type { NestedField, Type } from './types.ts'

export interface NameLookup {
  /** Default true. Insensitive look-up of a name that two fields share is an error, never a pick. */
  readonly caseSensitive?: boolean
}

/**
 * An immutable schema. Full names join levels by dots: `point.x`, `tags.element`, `props.key`,
 * `props.value`.
 */
export interface Schema {
  readonly schemaId: number
  readonly fields: readonly NestedField[]
  readonly identifierFieldIds: readonly number[]
}

export type { NestedField, Type }
