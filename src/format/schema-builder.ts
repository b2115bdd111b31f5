/**
 * Schemas declared in TypeScript: from one declaration come the Iceberg schema and the types of the
 * rows that go in and come out.
 *
 * Ids are assigned in order of declaration and replaced by the catalog's when a table is created.
 */
import { assignFreshIds, createSchema, type Schema } from './schema.ts'
import type { NestedField, Type } from './types.ts'
import type { Value } from './values/value.ts'

/** Timestamps without a bare number: milliseconds or microseconds would be a guess. */
export type TimestampIn = string | Date | { readonly micros: bigint } | { readonly nanos: bigint }

/** A column: what goes in, what comes out, and whether null is allowed. Optional until `required()`. */
export interface Column<In, Out, Required extends boolean = false> {
  /** Never null; a row without it does not compile. */
  required(): Column<In, Out, true>
  /** A comment that other engines show. */
  doc(text: string): Column<In, Out, Required>
  /** @internal */
  readonly definition: ColumnDefinition
  /** Only for the type checker. */
  readonly in?: In
  /** Only for the type checker. */
  readonly out?: Out
  /** Only for the type checker. */
  readonly isRequired?: Required
}

interface ColumnDefinition {
  readonly type: Type
  readonly required: boolean
  readonly doc: string | undefined
}

/** Columns by name, in order. */
export type Columns = Readonly<Record<string, Column<unknown, unknown, boolean>>>

type Simplify<T> = { readonly [K in keyof T]: T[K] }
type InOf<C> = C extends Column<infer In, unknown, infer R> ? (R extends true ? In : In | null) : never
type OutOf<C> = C extends Column<unknown, infer Out, infer R> ? (R extends true ? Out : Out | null) : never
type RequiredKeys<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<unknown, unknown, true> ? K : never
}[keyof C]
type OptionalKeys<C extends Columns> = Exclude<keyof C, RequiredKeys<C>>

/** The type of a struct going in: optional columns may be left out. */
export type StructIn<C extends Columns> = Simplify<
  { readonly [K in RequiredKeys<C>]: InOf<C[K]> } & {
    readonly [K in OptionalKeys<C>]?: InOf<C[K]> | undefined
  }
>
/** The type of a struct coming out: every column is there, optional ones may be null. */
export type StructOut<C extends Columns> = Simplify<{ readonly [K in keyof C]: OutOf<C[K]> }>

/** A declared schema. Pass it to `createTable` or `loadTable`. */
export interface DeclaredSchema<C extends Columns = Columns> {
  readonly columns: C
  /** The schema as the format has it, with provisional ids. */
  readonly schema: Schema
}

/** The type of rows to write to a declared schema's table. */
export type RowIn<S> = S extends DeclaredSchema<infer C> ? StructIn<C> : never
/** The type of rows read from a declared schema's table. */
export type RowOut<S> = S extends DeclaredSchema<infer C> ? StructOut<C> : never

function column<In, Out>(type: Type): Column<In, Out> {
  return new ColumnBuilder<In, Out, false>({ type, required: false, doc: undefined })
}

class ColumnBuilder<In, Out, Required extends boolean> implements Column<In, Out, Required> {
  readonly definition: ColumnDefinition

  constructor(definition: ColumnDefinition) {
    this.definition = definition
  }

  required(): Column<In, Out, true> {
    return new ColumnBuilder<In, Out, true>({ ...this.definition, required: true })
  }

  doc(text: string): Column<In, Out, Required> {
    return new ColumnBuilder<In, Out, Required>({ ...this.definition, doc: text })
  }
}

/** The column types. `t.long().required()`, `t.list(t.string())`, `t.struct({ x: t.double() })`. */
export const t = {
  boolean: () => column<boolean, boolean>({ kind: 'boolean' }),
  int: () => column<number, number>({ kind: 'int' }),
  long: () => column<number | bigint, bigint>({ kind: 'long' }),
  float: () => column<number, number>({ kind: 'float' }),
  double: () => column<number, number>({ kind: 'double' }),
  /** `precision` digits in all (at most 38), `scale` of them behind the point. */
  decimal: (precision: number, scale: number) =>
    column<string | number | bigint, string>({ kind: 'decimal', precision, scale }),
  date: () => column<string | Date, string>({ kind: 'date' }),
  time: () => column<string | { readonly micros: bigint }, string>({ kind: 'time' }),
  timestamp: () => column<TimestampIn, string>({ kind: 'timestamp' }),
  timestamptz: () => column<TimestampIn, string>({ kind: 'timestamptz' }),
  /** Format version 3. */
  timestampNs: () => column<TimestampIn, string>({ kind: 'timestamp_ns' }),
  /** Format version 3. */
  timestamptzNs: () => column<TimestampIn, string>({ kind: 'timestamptz_ns' }),
  string: () => column<string, string>({ kind: 'string' }),
  uuid: () => column<string, string>({ kind: 'uuid' }),
  /** Exactly `length` bytes. */
  fixed: (length: number) => column<Uint8Array, Uint8Array>({ kind: 'fixed', length }),
  binary: () => column<Uint8Array, Uint8Array>({ kind: 'binary' }),
  struct: <const C extends Columns>(columns: C) =>
    column<StructIn<C>, StructOut<C>>({ kind: 'struct', fields: fieldsOf(columns) }),
  list: <In, Out, R extends boolean>(element: Column<In, Out, R>) =>
    column<readonly InOf<Column<In, Out, R>>[], readonly OutOf<Column<In, Out, R>>[]>({
      kind: 'list',
      elementId: PROVISIONAL_ID,
      elementRequired: element.definition.required,
      element: element.definition.type,
    }),
  map: <KeyIn extends Value, KeyOut extends Value, In, Out, R extends boolean>(
    key: Column<KeyIn, KeyOut, boolean>,
    value: Column<In, Out, R>,
  ) =>
    column<ReadonlyMap<KeyIn, InOf<Column<In, Out, R>>>, ReadonlyMap<KeyOut, OutOf<Column<In, Out, R>>>>({
      kind: 'map',
      keyId: PROVISIONAL_ID,
      key: key.definition.type,
      valueId: PROVISIONAL_ID,
      valueRequired: value.definition.required,
      value: value.definition.type,
    }),
} as const

/** Stands in until all ids are assigned together. */
const PROVISIONAL_ID = 0

/** Declares a table's schema. `identifier` names the columns that tell rows apart (upsert's keys). */
export function table<const C extends Columns>(
  columns: C,
  options: { readonly identifier?: readonly (keyof C & string)[] } = {},
): DeclaredSchema<C> {
  const { schema } = assignFreshIds({ schemaId: 0, fields: fieldsOf(columns), identifierFieldIds: [] })
  const wanted = new Set<string>(options.identifier ?? [])
  const identifierFieldIds = schema.fields.filter((field) => wanted.has(field.name)).map((field) => field.id)
  return { columns, schema: createSchema({ schemaId: 0, fields: schema.fields, identifierFieldIds }) }
}

function fieldsOf(columns: Columns): readonly NestedField[] {
  return Object.entries(columns).map(([name, { definition }]) => ({
    id: PROVISIONAL_ID,
    name,
    required: definition.required,
    type: definition.type,
    ...(definition.doc === undefined ? {} : { doc: definition.doc }),
  }))
}
