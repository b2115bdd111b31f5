/** Random tables: nested schemas of all types of v2, rows for them, and how those go in and come out. */
import fc from 'fast-check'
import { createSchema, type Schema } from '../../src/format/schema.ts'
import {
  isPrimitive,
  type Datum,
  type NestedField,
  type PrimitiveType,
  type Type,
} from '../../src/format/types.ts'
import type { Row, Value } from '../../src/format/values/value.ts'
import { COLUMNS, instantText } from '../format/expressions/generators.ts'
import { KINDS, typeOf, valueOf, type ColumnKind } from './columns.ts'
import { decimalText } from './judge-values.ts'

/** A value as the model keeps it: primitives as datums, structs by field, maps as entries. */
export type ModelValue = Datum | null | readonly ModelValue[] | { readonly [field: string]: ModelValue }
export type ModelRow = { readonly [column: string]: ModelValue }

/** Ids are made unique when a schema is put together. */
export const anyType: fc.Arbitrary<Type> = fc.letrec<{ type: Type; primitive: Type }>((tie) => ({
  primitive: fc.constantFrom(...KINDS).map(typeOf),
  type: fc.oneof(
    { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
    tie('primitive'),
    fc.array(fc.tuple(tie('type'), fc.boolean()), { minLength: 1, maxLength: 3 }).map((members): Type => ({
      kind: 'struct',
      fields: members.map(([type, required], i) => ({ id: 0, name: `f${i}`, required, type })),
    })),
    fc
      .tuple(tie('type'), fc.boolean())
      .map(([element, elementRequired]): Type => ({ kind: 'list', elementId: 0, elementRequired, element })),
    fc
      .tuple(fc.constantFrom('string', 'int', 'long', 'date', 'uuid'), tie('type'), fc.boolean())
      .map(([key, value, valueRequired]): Type => ({
        kind: 'map',
        keyId: 0,
        key: { kind: key } as PrimitiveType, // one of the kinds listed
        valueId: 0,
        valueRequired,
        value,
      })),
  ),
})).type

/** `id`, and columns `c0` … */
export const anySchema: fc.Arbitrary<Schema> = fc
  .array(fc.tuple(anyType, fc.boolean()), { minLength: 1, maxLength: 4 })
  .map((columns) => {
    let id = 0
    const next = (): number => (id += 1)
    const fields = columns.map(([type, required], i) => ({
      id: next(),
      name: `c${i}`,
      required,
      type: numbered(type, next),
    }))
    return createSchema({
      fields: [{ id: next(), name: 'id', required: true, type: { kind: 'int' } }, ...fields],
    })
  })

function numbered(type: Type, next: () => number): Type {
  switch (type.kind) {
    case 'struct':
      return {
        ...type,
        fields: type.fields.map((each) => ({ ...each, id: next(), type: numbered(each.type, next) })),
      }
    case 'list':
      return { ...type, elementId: next(), element: numbered(type.element, next) }
    case 'map':
      return { ...type, keyId: next(), valueId: next(), value: numbered(type.value, next) }
    default:
      return type
  }
}

/** Rows of a schema, without their `id`. */
export function anyRow(schema: Schema): fc.Arbitrary<ModelRow> {
  return recordOf(schema.fields.filter(({ name }) => name !== 'id'))
}

function recordOf(fields: readonly NestedField[]): fc.Arbitrary<ModelRow> {
  return fc.record(
    Object.fromEntries(fields.map((each) => [each.name, valueArbitrary(each.type, each.required)])),
  )
}

function valueArbitrary(type: Type, required: boolean): fc.Arbitrary<ModelValue> {
  const present = presentArbitrary(type)
  return required ? present : fc.option(present, { freq: 4 })
}

function presentArbitrary(type: Type): fc.Arbitrary<ModelValue> {
  switch (type.kind) {
    case 'struct':
      return recordOf(type.fields)
    case 'list':
      return fc.array(valueArbitrary(type.element, type.elementRequired), { maxLength: 3 })
    case 'map':
      return fc.uniqueArray(
        fc.tuple(presentArbitrary(type.key), valueArbitrary(type.value, type.valueRequired)),
        { maxLength: 3, selector: ([key]) => String(key) },
      )
    default:
      // DuckDB's dictionaries take -0.0 and 0.0 for one value, and keep whichever came first.
      return anyDatum(kindOf(type)).map((datum) => (datum === 0 ? 0 : datum))
  }
}

function anyDatum(kind: ColumnKind): fc.Arbitrary<Datum> {
  return COLUMNS[kind].value
}

/** The sample columns have one kind for each type. */
export function kindOf(type: Type): ColumnKind {
  const kind = KINDS.find((each) => each === type.kind)
  if (kind === undefined) throw new Error(`no sample column of type ${type.kind}`)
  return kind
}

/** A row to hand to the library. */
export function rowIn(schema: Schema, row: ModelRow): Row {
  return objectOf(schema.fields, row, goingIn) as Row
}

/** The row as it has to come out. */
export function rowOut(schema: Schema, row: ModelRow): Row {
  return objectOf(schema.fields, row, comingOut) as Row
}

type Form = (type: PrimitiveType, datum: Datum) => unknown

function goingIn(type: PrimitiveType, datum: Datum): unknown {
  return valueOf(type, datum)
}

function comingOut(type: PrimitiveType, datum: Datum): Value {
  switch (type.kind) {
    case 'decimal':
      return decimalText(BigInt(String(datum)), type.scale)
    case 'date':
      return new Date(Number(datum) * 86_400_000).toISOString().slice(0, 10)
    case 'time':
      return instantText(BigInt(String(datum))).slice(11)
    case 'timestamp':
      return instantText(BigInt(String(datum)))
    case 'timestamptz':
      return `${instantText(BigInt(String(datum)))}Z`
    default:
      return datum
  }
}

function objectOf(fields: readonly NestedField[], row: ModelRow, form: Form): Record<string, unknown> {
  return Object.fromEntries(
    fields.map((each) => [each.name, shaped(each.type, row[each.name] ?? null, form)]),
  )
}

function shaped(type: Type, value: ModelValue, form: Form): unknown {
  if (value === null) return null
  switch (type.kind) {
    case 'struct':
      return objectOf(type.fields, value as ModelRow, form)
    case 'list':
      return (value as readonly ModelValue[]).map((element) => shaped(type.element, element, form))
    case 'map': {
      const entries = value as readonly (readonly [ModelValue, ModelValue])[]
      return new Map(
        entries.map(([key, item]) => [shaped(type.key, key, form), shaped(type.value, item, form)]),
      )
    }
    default:
      return isPrimitive(type) ? form(type, value as Datum) : value
  }
}

/** A primitive column that a filter can name: not inside a list or map. */
export interface Leaf {
  readonly name: string
  readonly type: PrimitiveType
  readonly id: number
}

export function leavesOf(fields: readonly NestedField[], prefix = ''): readonly Leaf[] {
  return fields.flatMap(({ name, type, id }): readonly Leaf[] => {
    if (type.kind === 'struct') return leavesOf(type.fields, `${prefix}${name}.`)
    return isPrimitive(type) ? [{ name: prefix + name, type, id }] : []
  })
}

/** Leaves by full name; null where a struct above is. */
export function flat(leaves: readonly Leaf[], row: ModelRow): Readonly<Record<string, Datum | null>> {
  return Object.fromEntries(
    leaves.map(({ name }) => [
      name,
      name
        .split('.')
        .reduce<ModelValue>(
          (at, part) => (at === null ? null : ((at as ModelRow)[part] ?? null)),
          row,
        ) as Datum | null,
    ]),
  )
}
