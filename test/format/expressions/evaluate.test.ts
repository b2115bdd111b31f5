import { describe, expect, test } from 'vitest'
import { bindExpression } from '../../../src/format/expressions/bind.ts'
import {
  bothTrue,
  eitherTrue,
  evaluate,
  evaluatePredicate,
} from '../../../src/format/expressions/evaluate.ts'
import type { TypedPredicate } from '../../../src/format/expressions/evaluate.ts'
import { and, eq, isNull, lt, not, or } from '../../../src/format/expressions/expression.ts'
import { createSchema } from '../../../src/format/schema.ts'
import type { Datum, PrimitiveType } from '../../../src/format/types.ts'

const double: PrimitiveType = { kind: 'double' }
const string: PrimitiveType = { kind: 'string' }

function on(
  type: PrimitiveType,
  predicate: { op: string; literal?: Datum; literals?: Datum[] },
): TypedPredicate {
  // Tests name every operator; the table below is the specification.
  return { ...predicate, ref: { type } } as TypedPredicate
}

describe('one predicate on one value', () => {
  // null, NaN, below, equal to, above the literal 1
  const VALUES = [null, NaN, 0, 1, 2] as const
  test.each<[string, readonly (boolean | null)[]]>([
    ['lt', [null, null, true, false, false]],
    ['lt-eq', [null, null, true, true, false]],
    ['gt', [null, null, false, false, true]],
    ['gt-eq', [null, null, false, true, true]],
    ['eq', [null, false, false, true, false]],
    ['not-eq', [null, true, true, false, true]],
  ])('%s', (op, expected) => {
    expect(VALUES.map((value) => evaluatePredicate(on(double, { op, literal: 1 }), value))).toEqual(expected)
  })

  test.each<[string, readonly (boolean | null)[]]>([
    ['is-null', [true, false, false, false, false]],
    ['not-null', [false, true, true, true, true]],
    ['is-nan', [false, true, false, false, false]],
    ['not-nan', [true, false, true, true, true]],
  ])('%s', (op, expected) => {
    expect(VALUES.map((value) => evaluatePredicate(on(double, { op }), value))).toEqual(expected)
  })

  test('lists, short and long', () => {
    for (const extra of [[], Array.from({ length: 100 }, (_, i) => 10 + i)]) {
      const literals = [1, ...extra]
      const isIn = VALUES.map((value) => evaluatePredicate(on(double, { op: 'in', literals }), value))
      const notIn = VALUES.map((value) => evaluatePredicate(on(double, { op: 'not-in', literals }), value))
      expect(isIn).toEqual([null, false, false, true, false])
      expect(notIn).toEqual([null, true, true, false, true])
    }
  })

  test('lists of bytes compare by content', () => {
    const literals = Array.from({ length: 20 }, (_, i) => Uint8Array.of(i, 7))
    const predicate = on({ kind: 'binary' }, { op: 'in', literals })
    expect(evaluatePredicate(predicate, Uint8Array.of(3, 7))).toBe(true)
    expect(evaluatePredicate(predicate, Uint8Array.of(3))).toBe(false)
    expect(evaluatePredicate(predicate, new Uint8Array())).toBe(false)
  })

  test('the two zeros are equal, in lists too', () => {
    expect(evaluatePredicate(on(double, { op: 'eq', literal: 0 }), -0)).toBe(true)
    expect(evaluatePredicate(on(double, { op: 'lt', literal: 0 }), -0)).toBe(false)
    expect(evaluatePredicate(on(double, { op: 'gt-eq', literal: 0 }), -0)).toBe(true)
    const literals = [0, ...Array.from({ length: 20 }, (_, i) => i + 5)]
    expect(evaluatePredicate(on(double, { op: 'in', literals }), -0)).toBe(true)
  })

  test('strings compare and start by code points', () => {
    expect(evaluatePredicate(on(string, { op: 'gt', literal: '\uffff' }), '😀')).toBe(true)
    expect(evaluatePredicate(on(string, { op: 'starts-with', literal: 'é' }), 'éa')).toBe(true)
    expect(evaluatePredicate(on(string, { op: 'starts-with', literal: 'éa' }), 'é')).toBe(false)
    expect(evaluatePredicate(on(string, { op: 'starts-with', literal: 'a' }), null)).toBe(null)
    expect(evaluatePredicate(on(string, { op: 'not-starts-with', literal: 'a' }), null)).toBe(null)
    expect(evaluatePredicate(on(string, { op: 'not-starts-with', literal: 'a' }), 'b')).toBe(true)
  })

  test('bytes compare unsigned, zero and false are values', () => {
    expect(
      evaluatePredicate(on({ kind: 'binary' }, { op: 'gt', literal: Uint8Array.of(1) }), Uint8Array.of(255)),
    ).toBe(true)
    expect(evaluatePredicate(on({ kind: 'boolean' }, { op: 'eq', literal: false }), false)).toBe(true)
    expect(evaluatePredicate(on({ kind: 'long' }, { op: 'not-null' }), 0n)).toBe(true)
    expect(evaluatePredicate(on(string, { op: 'eq', literal: '' }), '')).toBe(true)
  })
})

describe('and, or', () => {
  const TRUTHS = [true, false, null] as const
  test('as SQL has them', () => {
    expect(TRUTHS.map((a) => TRUTHS.map((b) => bothTrue(a, b)))).toEqual([
      [true, false, null],
      [false, false, false],
      [null, false, null],
    ])
    expect(TRUTHS.map((a) => TRUTHS.map((b) => eitherTrue(a, b)))).toEqual([
      [true, true, true],
      [true, false, null],
      [true, null, null],
    ])
  })

  test('evaluate follows them', () => {
    const schema = createSchema({
      fields: [
        { id: 1, name: 'a', required: false, type: { kind: 'int' } },
        { id: 2, name: 'b', required: false, type: { kind: 'int' } },
      ],
    })
    const truth = (filter: Parameters<typeof bindExpression>[1], a: number | null, b: number | null) =>
      evaluate(bindExpression(schema, filter), ({ fieldId }) => (fieldId === 1 ? a : b))
    expect(truth(and(eq('a', 1), eq('b', 1)), 1, null)).toBe(null)
    expect(truth(and(eq('a', 1), eq('b', 1)), 2, null)).toBe(false)
    expect(truth(or(eq('a', 1), eq('b', 1)), 1, null)).toBe(true)
    expect(truth(or(eq('a', 1), eq('b', 1)), 2, null)).toBe(null)
    expect(truth(not(lt('a', 5)), null, null)).toBe(null)
    expect(truth(or(lt('a', 5), not(lt('a', 5))), null, null)).toBe(null)
    expect(truth(and(isNull('a'), not(isNull('b'))), null, 0)).toBe(true)
  })
})
