/** Random types and values for property tests. */
import fc from 'fast-check'
import type { Datum, PrimitiveType } from '../../../src/format/types.ts'
import { fitsPrecision } from '../../../src/format/values/decimal.ts'
import { uuidOfBytes } from '../../../src/format/values/bytes.ts'

export interface TypedValue {
  readonly type: PrimitiveType
  readonly value: Datum
}

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff })
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
const text = fc.string({ unit: 'binary', maxLength: 24 })
const bytes = fc.uint8Array({ maxLength: 24 })

const decimal = fc
  .record({ precision: fc.integer({ min: 1, max: 38 }), scale: fc.integer({ min: 0, max: 38 }) })
  .chain(({ precision, scale }) =>
    fc
      .bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n })
      .filter((unscaled) => fitsPrecision(unscaled, precision))
      .map((value): TypedValue => ({ type: { kind: 'decimal', precision, scale }, value })),
  )

function of(type: PrimitiveType, values: fc.Arbitrary<Datum>): fc.Arbitrary<TypedValue> {
  return values.map((value) => ({ type, value }))
}

const times = ['timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns'] as const

export const typedValue: fc.Arbitrary<TypedValue> = fc.oneof(
  of({ kind: 'boolean' }, fc.boolean()),
  of({ kind: 'int' }, int32),
  of({ kind: 'long' }, int64),
  of({ kind: 'float' }, fc.float()),
  of({ kind: 'double' }, fc.double()),
  of({ kind: 'date' }, int32),
  of({ kind: 'time' }, fc.bigInt({ min: 0n, max: 86_399_999_999n })),
  ...times.map((kind) => of({ kind }, int64)),
  of({ kind: 'string' }, text),
  of(
    { kind: 'uuid' },
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((raw) => uuidOfBytes(raw)),
  ),
  of({ kind: 'fixed', length: 5 }, fc.uint8Array({ minLength: 5, maxLength: 5 })),
  of({ kind: 'binary' }, bytes),
  decimal,
)

/** Two values of one type. */
export const typedPair: fc.Arbitrary<{ readonly type: PrimitiveType; readonly a: Datum; readonly b: Datum }> =
  fc
    .tuple(typedValue, typedValue)
    .filter(([first, second]) => JSON.stringify(first.type) === JSON.stringify(second.type))
    .map(([first, second]) => ({ type: first.type, a: first.value, b: second.value }))
