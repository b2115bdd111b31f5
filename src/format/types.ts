/**
 * Data types of the Iceberg spec ("Schemas and Data Types"), v1 to v3, as plain immutable values.
 *
 * The JSON form (`"decimal(9,2)"`, `{"type": "struct", …}`) belongs to metadata documents; this is
 * the parsed form that code works with. `types-json.ts` converts.
 */

export type PrimitiveType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int' }
  | { readonly kind: 'long' }
  | { readonly kind: 'float' }
  | { readonly kind: 'double' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'date' }
  | { readonly kind: 'time' }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'timestamptz' }
  | { readonly kind: 'timestamp_ns' }
  | { readonly kind: 'timestamptz_ns' }
  | { readonly kind: 'string' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'fixed'; readonly length: number }
  | { readonly kind: 'binary' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'geometry'; readonly crs: string | null }
  | { readonly kind: 'geography'; readonly crs: string | null; readonly algorithm: string | null }

/** Semi-structured; not primitive for the spec, and without bounds or transforms. */
export interface VariantType {
  readonly kind: 'variant'
}

/** A field of a struct or a column of a table: its id, name and type. */
export interface NestedField {
  /** Unique within the table for ever; never reused. */
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: Type
  readonly doc?: string | undefined
  /** v3: value of rows written before the field existed, in single-value JSON; absent = null. */
  readonly initialDefault?: unknown
  /** v3: value of new rows that do not give one, in single-value JSON; absent = null. */
  readonly writeDefault?: unknown
}

export interface StructType {
  readonly kind: 'struct'
  readonly fields: readonly NestedField[]
}

export interface ListType {
  readonly kind: 'list'
  readonly elementId: number
  readonly elementRequired: boolean
  readonly element: Type
}

export interface MapType {
  readonly kind: 'map'
  readonly keyId: number
  /** Map keys are always required. */
  readonly key: Type
  readonly valueId: number
  readonly valueRequired: boolean
  readonly value: Type
}

export type NestedType = StructType | ListType | MapType
/** Any type of the format. */
export type Type = PrimitiveType | VariantType | NestedType

/** True for every type that holds one value (variant and nested types are not primitive). */
export function isPrimitive(type: Type): type is PrimitiveType {
  return type.kind !== 'struct' && type.kind !== 'list' && type.kind !== 'map' && type.kind !== 'variant'
}

/**
 * One value of a primitive type, in memory, inside floeberg:
 *
 * | type | value |
 * | --- | --- |
 * | boolean | boolean |
 * | int, date (days from 1970-01-01), float, double | number |
 * | long, time (µs), timestamp and timestamptz (µs), timestamp_ns and timestamptz_ns (ns) | bigint |
 * | decimal | bigint, the unscaled value |
 * | string; uuid (lower-case, dashed) | string |
 * | fixed, binary | Uint8Array |
 *
 * What users pass in and get out is `Value` (values/user.ts), which is friendlier.
 */
export type Datum = boolean | number | bigint | string | Uint8Array
