/** Random nested columns, evolved at random: what comes out is what the change makes of each value. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { datumSql, fieldIdsSql, quoteName, sqlType } from '../../src/engine/duckdb/sql.ts'
import { isPrimitive, type Datum, type NestedField, type Type } from '../../src/format/types.ts'
import { datumToValue, type Value } from '../../src/format/values/value.ts'
import { allRows, openWorkshop, requestOf, schemaOf, taskOf, type Workshop } from './reading.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

/** A value of any type: members of a struct by field id, so that no name can matter. */
type Model =
  | null
  | Datum
  | { readonly list: readonly Model[] }
  | { readonly pairs: readonly (readonly [Datum, Model])[] }
  | { readonly struct: ReadonlyMap<number, Model> }

const leafType: fc.Arbitrary<Type> = fc.constantFrom<Type>(
  { kind: 'int' },
  { kind: 'float' },
  { kind: 'string' },
  { kind: 'decimal', precision: 6, scale: 2 },
)

/** Types with ids that are all different, given by a counter. */
const typeOf: fc.Arbitrary<(next: () => number) => Type> = fc.letrec<{ type: (next: () => number) => Type }>(
  (tie) => ({
    type: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'type' },
      leafType.map((type) => () => type),
      fc.array(tie('type'), { minLength: 1, maxLength: 3 }).map((members) => (next: () => number): Type => ({
        kind: 'struct',
        fields: members.map((member, at) => ({
          id: next(),
          name: `f${at}`,
          required: false,
          type: member(next),
        })),
      })),
      tie('type').map((element) => (next: () => number): Type => ({
        kind: 'list',
        elementId: next(),
        elementRequired: false,
        element: element(next),
      })),
      tie('type').map((value) => (next: () => number): Type => ({
        kind: 'map',
        keyId: next(),
        key: { kind: 'string' },
        valueId: next(),
        valueRequired: false,
        value: value(next),
      })),
    ),
  }),
).type

function valueOf(type: Type): fc.Arbitrary<Model> {
  return fc.option(presentValueOf(type), { freq: 4 })
}

function presentValueOf(type: Type): fc.Arbitrary<Model> {
  switch (type.kind) {
    case 'int':
      return fc.integer()
    case 'float':
      return fc.float({ noNaN: true }).map((value) => (value === 0 ? 0 : value))
    case 'string':
      return fc.string({ maxLength: 20 })
    case 'decimal':
      return fc.bigInt({ min: -999999n, max: 999999n })
    case 'list':
      return fc.array(valueOf(type.element), { maxLength: 3 }).map((list) => ({ list }))
    case 'map':
      return fc
        .uniqueArray(fc.tuple(fc.string({ maxLength: 3 }), valueOf(type.value)), {
          maxLength: 3,
          selector: ([key]) => key,
        })
        .map((pairs) => ({ pairs }))
    case 'struct':
      return fc
        .tuple(...type.fields.map((field) => valueOf(field.type).map((value) => [field.id, value] as const)))
        .map((members) => ({ struct: new Map(members) }))
    default:
      throw new Error(type.kind)
  }
}

function sqlOf(type: Type, value: Model): string {
  if (value === null) return `CAST(NULL AS ${sqlType(type)})`
  if (isPrimitive(type)) return datumSql(type, value as Datum)
  if (type.kind === 'list' && typeof value === 'object' && 'list' in value) {
    return `CAST([${value.list.map((each) => sqlOf(type.element, each)).join(', ')}] AS ${sqlType(type)})`
  }
  if (type.kind === 'map' && typeof value === 'object' && 'pairs' in value) {
    const entries = value.pairs.map(([key, each]) => `${sqlOf(type.key, key)}: ${sqlOf(type.value, each)}`)
    return `CAST(MAP {${entries.join(', ')}} AS ${sqlType(type)})`
  }
  if (type.kind === 'struct' && typeof value === 'object' && 'struct' in value) {
    const members = type.fields.map(
      ({ id, name, type: member }) => `${quoteName(name)} := ${sqlOf(member, value.struct.get(id) ?? null)}`,
    )
    return `struct_pack(${members.join(', ')})`
  }
  throw new Error('a value of another type')
}

/** What users should get for the value under the evolved type: matched by id, and widened. */
function expectedOf(type: Type, value: Model): Value {
  if (value === null) return null
  if (isPrimitive(type))
    return datumToValue(type, type.kind === 'long' ? BigInt(value as number) : (value as Datum))
  if (type.kind === 'list' && typeof value === 'object' && 'list' in value)
    return value.list.map((each) => expectedOf(type.element, each))
  if (type.kind === 'map' && typeof value === 'object' && 'pairs' in value) {
    return new Map(
      value.pairs.map(([key, each]) => [expectedOf(type.key, key), expectedOf(type.value, each)]),
    )
  }
  if (type.kind === 'struct' && typeof value === 'object' && 'struct' in value) {
    return Object.fromEntries(
      type.fields.map(({ id, name, type: member }) => [
        name,
        expectedOf(member, value.struct.get(id) ?? null),
      ]),
    )
  }
  throw new Error('a value of another type')
}

interface Change {
  readonly widen: boolean
  readonly rename: boolean
  readonly add: boolean
  readonly drop: boolean
  readonly turn: boolean
}

/** One change, made wherever the type allows it. */
function evolve(type: Type, change: Change, next: () => number): Type {
  switch (type.kind) {
    case 'int':
      return change.widen ? { kind: 'long' } : type
    case 'float':
      return change.widen ? { kind: 'double' } : type
    case 'decimal':
      return change.widen ? { ...type, precision: 20 } : type
    case 'list':
      return { ...type, element: evolve(type.element, change, next) }
    case 'map':
      return { ...type, value: evolve(type.value, change, next) }
    case 'struct':
      return { ...type, fields: evolveFields(type.fields, change, next) }
    default:
      return type
  }
}

function evolveFields(
  fields: readonly NestedField[],
  change: Change,
  next: () => number,
): readonly NestedField[] {
  const kept = change.drop && fields.length > 1 ? fields.slice(1) : fields
  const changed = kept.map((field, at): NestedField => ({
    ...field,
    // Every name moves to its neighbour: whoever goes by names gets another field's values.
    name: change.rename ? `f${(at + 1) % kept.length}` : field.name,
    type: evolve(field.type, change, next),
  }))
  const added: NestedField = { id: next(), name: 'added', required: false, type: { kind: 'string' } }
  const all = change.add ? [...changed, added] : changed
  return change.turn ? all.toReversed() : all
}

const scenario = fc.array(typeOf, { minLength: 1, maxLength: 3 }).chain((makers) => {
  let id = 0
  const next = (): number => ++id
  const fields = makers.map((make, at): NestedField => ({
    id: next(),
    name: `f${at}`,
    required: false,
    type: make(next),
  }))
  const row = fc.tuple(
    ...fields.map((field) => valueOf(field.type).map((value) => [field.id, value] as const)),
  )
  return fc.record({
    fields: fc.constant(fields),
    rows: fc.array(
      row.map((members) => new Map(members)),
      { minLength: 1, maxLength: 5 },
    ),
    change: fc.record({
      widen: fc.boolean(),
      rename: fc.boolean(),
      add: fc.boolean(),
      drop: fc.boolean(),
      turn: fc.boolean(),
    }),
    freshId: fc.constant(id + 100),
  })
})

test('nested columns after any change', async () => {
  let files = 0
  await fc.assert(
    fc.asyncProperty(scenario, async ({ fields, rows, change, freshId }) => {
      const whole: Type = { kind: 'struct', fields }
      const selects = rows.map((row) => `SELECT UNNEST(${sqlOf(whole, { struct: row })})`)
      const file = await shop.write(
        `evolved${files++}.parquet`,
        selects.join(' UNION ALL '),
        fieldIdsSql(fields),
      )
      let id = freshId
      const evolved = evolveFields(fields, change, () => ++id)
      const read = await allRows(shop.reader, requestOf(schemaOf(evolved), [taskOf(file)]))
      const target: Type = { kind: 'struct', fields: evolved }
      expect(read).toStrictEqual(rows.map((row) => expectedOf(target, { struct: row })))
    }),
    { numRuns: 250 },
  )
})
