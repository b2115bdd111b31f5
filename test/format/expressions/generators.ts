/** Random columns, rows, partition specs and filters, from small domains so that they meet. */
import fc from 'fast-check'
import type { Expression, LiteralValue } from '../../../src/format/expressions/expression.ts'
import { createSchema } from '../../../src/format/schema.ts'
import type { PartitionSpec } from '../../../src/format/partition-spec.ts'
import { parseTransform } from '../../../src/format/transforms/transform.ts'
import type { Datum, PrimitiveType } from '../../../src/format/types.ts'
import type { OracleRow, OracleTypes } from './oracle.ts'

interface ColumnKind {
  readonly type: PrimitiveType
  readonly value: fc.Arbitrary<Datum>
  readonly literal: fc.Arbitrary<LiteralValue>
  readonly transforms: readonly string[]
}

const DAY = 86_400_000_000n
const micros = fc.bigInt(-800n * DAY, 800n * DAY)
/** Near the borders of hours, days and years. */
const instant = fc.oneof(
  micros,
  fc
    .tuple(fc.constantFrom(-365n, -31n, -1n, 0n, 1n, 31n, 365n), fc.bigInt(-2n, 2n))
    .map(([d, m]) => d * DAY + m),
  fc.tuple(fc.bigInt(-30n, 30n), fc.bigInt(-1n, 1n)).map(([h, m]) => h * 3_600_000_000n + m),
)
const text = fc
  .array(fc.constantFrom('a', 'b', 'z', 'é', '\uffff', '😀'), { maxLength: 4 })
  .map((parts) => parts.join(''))
const bytes = fc
  .uint8Array({ maxLength: 4 })
  .map((array) => array.map((byte) => (byte < 85 ? 0 : byte < 170 ? 1 : 255)))
const uuid = fc
  .tuple(fc.constantFrom('0', '1', '7', '8', 'f'), fc.constantFrom('0', '7', '8', 'f'))
  .map(([first, last]) => `${first.repeat(8)}-0000-4000-${last}000-000000000000`)
const dates = fc.integer({ min: -800, max: 800 })
const floats = fc.constantFrom(-Infinity, -1.5, -0, 0, 1.5, 3, 1e30, Infinity, NaN)

/** An instant as text with six digits, by JavaScript's own calendar. */
export function instantText(value: bigint): string {
  const millis = value / 1000n - (value % 1000n < 0n ? 1n : 0n)
  const rest = String(value - millis * 1000n).padStart(3, '0')
  return new Date(Number(millis)).toISOString().replace('Z', rest)
}

export const COLUMNS = {
  int: {
    type: { kind: 'int' },
    value: fc.integer({ min: -25, max: 25 }),
    literal: fc.oneof(fc.integer({ min: -27, max: 27 }), fc.constantFrom(2.5, -2.5, 0, 3_000_000_000, -1e12)),
    transforms: ['identity', 'bucket[3]', 'truncate[1]', 'truncate[10]', 'void', 'zorder'],
  },
  long: {
    type: { kind: 'long' },
    value: fc.bigInt(-25n, 25n),
    literal: fc.oneof(fc.bigInt(-27n, 27n), fc.constantFrom(2.5, -0.5, 2n ** 80n, -(2n ** 63n), -Infinity)),
    transforms: ['identity', 'bucket[4]', 'truncate[10]', 'void'],
  },
  decimal: {
    type: { kind: 'decimal', precision: 5, scale: 2 },
    value: fc.bigInt(-400n, 400n),
    literal: fc.oneof(
      fc.integer({ min: -40, max: 40 }).map((n) => n / 8),
      fc.constantFrom('1.50', 1e9, -1e9, '-0.25'),
    ),
    transforms: ['identity', 'bucket[4]', 'truncate[50]', 'void'],
  },
  double: {
    type: { kind: 'double' },
    value: floats,
    literal: floats,
    transforms: ['identity', 'void'],
  },
  float: {
    type: { kind: 'float' },
    value: floats.map(Math.fround),
    literal: fc.oneof(floats.map(Math.fround), fc.constantFrom(1e39, -1e39)),
    transforms: ['identity'],
  },
  string: {
    type: { kind: 'string' },
    value: text,
    literal: text,
    transforms: ['identity', 'bucket[4]', 'truncate[1]', 'truncate[2]', 'truncate[3]', 'void'],
  },
  binary: {
    type: { kind: 'binary' },
    value: bytes,
    literal: bytes,
    transforms: ['identity', 'bucket[4]', 'truncate[1]', 'truncate[2]'],
  },
  fixed: {
    type: { kind: 'fixed', length: 2 },
    value: fc.constantFrom(0, 1, 255).map((byte) => Uint8Array.of(byte, 7)),
    literal: fc.constantFrom(0, 1, 255).map((byte) => Uint8Array.of(byte, 7)),
    transforms: ['identity', 'bucket[2]'],
  },
  uuid: { type: { kind: 'uuid' }, value: uuid, literal: uuid, transforms: ['identity', 'bucket[3]'] },
  boolean: {
    type: { kind: 'boolean' },
    value: fc.boolean(),
    literal: fc.boolean(),
    transforms: ['identity', 'void'],
  },
  date: {
    type: { kind: 'date' },
    value: dates,
    literal: dates.map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10)),
    transforms: ['identity', 'bucket[4]', 'year', 'month', 'day', 'void'],
  },
  timestamp: {
    type: { kind: 'timestamp' },
    value: instant,
    literal: instant.map(instantText),
    transforms: ['identity', 'bucket[4]', 'year', 'month', 'day', 'hour', 'void'],
  },
  timestamptz: {
    type: { kind: 'timestamptz' },
    value: instant,
    literal: instant.map((value) => `${instantText(value)}Z`),
    transforms: ['year', 'month', 'day', 'hour'],
  },
  timestamp_ns: {
    type: { kind: 'timestamp_ns' },
    value: fc.tuple(instant, fc.bigInt(-1n, 1n)).map(([value, nano]) => value * 1000n + nano),
    literal: instant.map(instantText),
    transforms: ['identity', 'bucket[4]', 'year', 'month', 'day', 'hour'],
  },
  time: {
    type: { kind: 'time' },
    value: fc.bigInt(0n, 3n).map((hours) => hours * 3_600_000_000n + 1n),
    literal: fc.integer({ min: 0, max: 4 }).map((hours) => `0${hours}:00:00.000001`),
    transforms: ['identity', 'bucket[4]'],
  },
} as const satisfies Readonly<Record<string, ColumnKind>>

export type KindName = keyof typeof COLUMNS

function columnOf(kind: KindName): ColumnKind {
  return COLUMNS[kind]
}

/** Top-level columns `c0` … of random kinds; the last also as `s.x` inside an optional struct. */
export interface World {
  readonly schema: ReturnType<typeof createSchema>
  readonly types: OracleTypes
  readonly names: readonly string[]
  readonly kinds: readonly KindName[]
  readonly ids: Readonly<Record<string, number>>
}

export function worldOf(kinds: readonly KindName[]): World {
  const last = kinds.at(-1) ?? 'int'
  const names = [...kinds.map((_, i) => `c${i}`), 's.x']
  const all = [...kinds, last]
  const schema = createSchema({
    fields: [
      ...kinds.map((kind, i) => ({ id: i + 1, name: `c${i}`, required: false, type: columnOf(kind).type })),
      {
        id: 50,
        name: 's',
        required: false,
        type: { kind: 'struct', fields: [{ id: 51, name: 'x', required: true, type: columnOf(last).type }] },
      },
    ],
  })
  return {
    schema,
    names,
    kinds: all,
    types: Object.fromEntries(all.map((kind, i) => [names[i] ?? '', columnOf(kind).type])),
    ids: Object.fromEntries(names.map((name, i) => [name, name === 's.x' ? 51 : i + 1])),
  }
}

export const anyKind: fc.Arbitrary<KindName> = fc.constantFrom(
  ...(Object.keys(COLUMNS) as KindName[]), // the keys of a constant
)

export function anyRow(world: World): fc.Arbitrary<OracleRow> {
  return fc.record(
    Object.fromEntries(
      world.names.map((name, i) => [
        name,
        fc.oneof(
          { weight: 1, arbitrary: fc.constant(null) },
          { weight: 5, arbitrary: columnOf(world.kinds[i] ?? 'int').value },
        ),
      ]),
    ),
  )
}

/** One to three fields; one column may be the source of several. */
export function anySpec(world: World): fc.Arbitrary<PartitionSpec> {
  const field = fc.nat(world.names.length - 1).chain((i) =>
    fc.constantFrom(...columnOf(world.kinds[i] ?? 'int').transforms).map((transform) => ({
      sourceId: world.ids[world.names[i] ?? ''] ?? 0,
      transform: parseTransform(transform),
    })),
  )
  return fc.array(field, { minLength: 1, maxLength: 3 }).map((fields) => ({
    specId: 7,
    fields: fields.map((each, i) => ({ ...each, fieldId: 1000 + i, name: `p${i}` })),
  }))
}

export function anyPredicate(world: World): fc.Arbitrary<Expression> {
  return fc.nat(world.names.length - 1).chain((i) => {
    const { type, literal } = columnOf(world.kinds[i] ?? 'int')
    const column = world.names[i] ?? ''
    const comparisons = ['lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq'] as const
    const prefixes = type.kind === 'string' ? (['starts-with', 'not-starts-with'] as const) : []
    const nans = type.kind === 'float' || type.kind === 'double' ? (['is-nan', 'not-nan'] as const) : []
    return fc.oneof(
      fc.constantFrom('is-null' as const, 'not-null' as const, ...nans).map((op) => ({ op, column })),
      {
        weight: 5,
        arbitrary: fc
          .tuple(fc.constantFrom(...comparisons, ...prefixes), literal)
          .map(([op, value]) => ({ op, column, value })),
      },
      fc
        .tuple(fc.constantFrom('in' as const, 'not-in' as const), fc.array(literal, { maxLength: 12 }))
        .map(([op, values]) => ({ op, column, values })),
    )
  })
}

export function anyFilter(world: World): fc.Arbitrary<Expression> {
  return fc.letrec<{ filter: Expression; leaf: Expression }>((tie) => ({
    leaf: anyPredicate(world),
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      fc.record({
        op: fc.constantFrom('and' as const, 'or' as const),
        left: tie('filter'),
        right: tie('filter'),
      }),
      fc.record({ op: fc.constant('not' as const), child: tie('filter') }),
    ),
  })).filter
}
