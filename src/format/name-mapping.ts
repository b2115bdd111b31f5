/** Name mapping: field ids for files that carry none (Iceberg spec, "Name Mapping Serialization"). */

export interface MappedField {
  readonly 'field-id'?: number
  readonly names: readonly string[]
  readonly fields?: readonly MappedField[]
}

export type NameMapping = readonly MappedField[]
