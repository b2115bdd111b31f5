/** Filter expressions over the rows of a table, before and after binding to a schema. */
import type { Datum, NestedField, PrimitiveType } from '../types.ts'

export type UnaryOp = 'is-null' | 'not-null' | 'is-nan' | 'not-nan'
export type LiteralOp = 'lt' | 'lt-eq' | 'gt' | 'gt-eq' | 'eq' | 'not-eq' | 'starts-with' | 'not-starts-with'
export type SetOp = 'in' | 'not-in'

/** What a user may write as a literal; converted to the column's type when bound. */
export type LiteralValue = boolean | number | bigint | string | Uint8Array | Date

/** An unbound filter: columns by name, literals as the user gave them. JSON-safe but for its literals. */
export type Expression =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'not'; readonly child: Expression }
  | { readonly op: UnaryOp; readonly column: string }
  | { readonly op: LiteralOp; readonly column: string; readonly value: LiteralValue }
  | { readonly op: SetOp; readonly column: string; readonly values: readonly LiteralValue[] }

/** A column of a schema, found by name once. */
export interface BoundReference {
  readonly fieldId: number
  /** Full dotted name in the schema it was bound to. */
  readonly name: string
  readonly type: PrimitiveType
  /** True when the column and every struct above it are required. */
  readonly required: boolean
  /** From the top-level column down to the field; length 1 for a top-level column. */
  readonly path: readonly NestedField[]
}

/**
 * A filter bound to a schema: negations pushed into the predicates, literals in the column's own
 * type (see `Datum`), literals out of the type's range folded to true or false. Under SQL's
 * three-valued logic: a comparison with null is unknown, and unknown rows do not match.
 */
export type BoundExpression =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'and' | 'or'; readonly left: BoundExpression; readonly right: BoundExpression }
  | BoundPredicate

export type BoundPredicate =
  | { readonly op: UnaryOp; readonly ref: BoundReference }
  | { readonly op: LiteralOp; readonly ref: BoundReference; readonly literal: Datum }
  | { readonly op: SetOp; readonly ref: BoundReference; readonly literals: readonly Datum[] }

/** A column of a partition tuple: its position in the spec's fields, and its (result) type. */
export interface PartitionReference {
  /** Position in the spec's fields, and so in every tuple of that spec. */
  readonly position: number
  readonly fieldId: number
  readonly type: PrimitiveType
}

/**
 * A filter over partition tuples. A type of its own: stored partition values are already
 * transformed and must never meet a predicate over source columns, or the reverse.
 */
export type PartitionExpression =
  | { readonly over: 'partition'; readonly op: 'true' | 'false' }
  | {
      readonly over: 'partition'
      readonly op: 'and' | 'or'
      readonly left: PartitionExpression
      readonly right: PartitionExpression
    }
  | { readonly over: 'partition'; readonly op: UnaryOp; readonly ref: PartitionReference }
  | {
      readonly over: 'partition'
      readonly op: LiteralOp
      readonly ref: PartitionReference
      readonly literal: Datum
    }
  | {
      readonly over: 'partition'
      readonly op: SetOp
      readonly ref: PartitionReference
      readonly literals: readonly Datum[]
    }
