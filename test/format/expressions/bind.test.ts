import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { InvalidExpressionError } from '../../../src/errors.ts'
import { bindExpression } from '../../../src/format/expressions/bind.ts'
import {
  alwaysFalse,
  alwaysTrue,
  and,
  eq,
  gt,
  gte,
  isIn,
  isNaN,
  isNull,
  lt,
  lte,
  not,
  notEq,
  notIn,
  notNaN,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from '../../../src/format/expressions/expression.ts'
import type { BoundExpression, Expression } from '../../../src/format/expressions/expression.ts'
import { parseExpression } from '../../../src/format/expressions/parse.ts'
import { createSchema } from '../../../src/format/schema.ts'
import type { NestedField, PrimitiveType } from '../../../src/format/types.ts'

function optional(id: number, name: string, type: NestedField['type']): NestedField {
  return { id, name, required: false, type }
}

const schema = createSchema({
  fields: [
    optional(1, 'i', { kind: 'int' }),
    optional(2, 'l', { kind: 'long' }),
    optional(3, 'd', { kind: 'decimal', precision: 5, scale: 2 }),
    optional(4, 'f', { kind: 'float' }),
    optional(5, 'x', { kind: 'double' }),
    optional(6, 's', { kind: 'string' }),
    optional(7, 'u', { kind: 'uuid' }),
    optional(8, 'b', { kind: 'binary' }),
    optional(9, 'day', { kind: 'date' }),
    optional(10, 'ts', { kind: 'timestamp' }),
    optional(11, 'tz', { kind: 'timestamptz' }),
    optional(12, 'flag', { kind: 'boolean' }),
    optional(13, 'nothing', { kind: 'unknown' }),
    { id: 14, name: 'r', required: true, type: { kind: 'int' } },
    optional(20, 'st', {
      kind: 'struct',
      fields: [{ id: 21, name: 'leaf', required: true, type: { kind: 'int' } }],
    }),
    {
      id: 22,
      name: 'whole',
      required: true,
      type: { kind: 'struct', fields: [{ id: 23, name: 'leaf', required: true, type: { kind: 'int' } }] },
    },
    optional(30, 'tags', {
      kind: 'list',
      elementId: 31,
      elementRequired: false,
      element: { kind: 'string' },
    }),
    optional(40, 'props', {
      kind: 'map',
      keyId: 41,
      key: { kind: 'string' },
      valueId: 42,
      valueRequired: false,
      value: { kind: 'struct', fields: [optional(43, 'deep', { kind: 'int' })] },
    }),
  ],
})

/** A bound filter in short: operators, names and literals. */
function short(bound: BoundExpression): unknown {
  switch (bound.op) {
    case 'true':
    case 'false':
      return bound.op
    case 'and':
    case 'or':
      return [short(bound.left), bound.op, short(bound.right)]
    default:
      if ('literal' in bound) return [bound.ref.name, bound.op, bound.literal]
      return 'literals' in bound ? [bound.ref.name, bound.op, ...bound.literals] : [bound.ref.name, bound.op]
  }
}

function bound(expression: Expression): unknown {
  return short(bindExpression(schema, expression))
}

/** Cases with their text as title; JSON has no bigints. */
function named<T>(
  cases: readonly (readonly [Expression, T])[],
): readonly (readonly [string, Expression, T])[] {
  return cases.map(([expression, expected]) => [
    inspect(expression, { breakLength: Infinity }),
    expression,
    expected,
  ])
}

function errorOf(action: () => unknown): InvalidExpressionError {
  try {
    action()
  } catch (error) {
    if (error instanceof InvalidExpressionError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('literals in the column’s type', () => {
  test.each(
    named([
      [eq('i', 5), ['i', 'eq', 5]],
      [eq('i', 5n), ['i', 'eq', 5]],
      [eq('i', 0), ['i', 'eq', 0]],
      [eq('l', 5), ['l', 'eq', 5n]],
      [eq('l', 0), ['l', 'eq', 0n]],
      [eq('l', 3051729675574597004n), ['l', 'eq', 3051729675574597004n]],
      [eq('d', 1.5), ['d', 'eq', 150n]],
      [eq('d', '1.50'), ['d', 'eq', 150n]],
      [eq('d', '1.5000'), ['d', 'eq', 150n]],
      [eq('d', -2n), ['d', 'eq', -200n]],
      [eq('x', 1), ['x', 'eq', 1]],
      [eq('x', 2n ** 60n), ['x', 'eq', 2 ** 60]],
      [eq('f', 0.1), ['f', 'eq', Math.fround(0.1)]],
      [eq('s', ''), ['s', 'eq', '']],
      [eq('s', 'above'), ['s', 'eq', 'above']],
      [eq('u', 'F79C3E09-677C-4BBD-A479-3F349CB785E7'), ['u', 'eq', 'f79c3e09-677c-4bbd-a479-3f349cb785e7']],
      [eq('b', new Uint8Array()), ['b', 'eq', new Uint8Array()]],
      [eq('day', '1970-01-02'), ['day', 'eq', 1]],
      [eq('day', '1969-12-31'), ['day', 'eq', -1]],
      [eq('ts', '1970-01-01T00:00:00.000001'), ['ts', 'eq', 1n]],
      [eq('tz', '1970-01-01T01:00:00+01:00'), ['tz', 'eq', 0n]],
      [eq('tz', new Date(5)), ['tz', 'eq', 5000n]],
      [eq('flag', false), ['flag', 'eq', false]],
    ]),
  )('%s', (_, expression, expected) => {
    expect(bound(expression)).toEqual(expected)
  })

  test('above and below every value of the type: every row that is not null lies on one side', () => {
    for (const [column, above] of [
      ['i', 2 ** 31],
      ['l', 2n ** 63n],
      ['d', '1000.00'],
      ['d', 999.995 + 0.1],
    ] as const) {
      for (const filter of [lt, lte, notEq])
        expect(bound(filter(column, above))).toEqual([column, 'not-null'])
      for (const filter of [gt, gte, eq]) expect(bound(filter(column, above))).toBe('false')
    }
    for (const [column, below] of [
      ['i', -(2 ** 31) - 1],
      ['l', -Infinity],
      ['d', -1000],
    ] as const) {
      for (const filter of [gt, gte, notEq])
        expect(bound(filter(column, below))).toEqual([column, 'not-null'])
      for (const filter of [lt, lte, eq]) expect(bound(filter(column, below))).toBe('false')
    }
    expect(bound(lt('r', 2n ** 40n))).toBe('true')
    expect(bound(not(lt('i', 2n ** 40n)))).toBe('false')
  })

  test('between two values of the type: the neighbours decide', () => {
    expect(bound(lt('i', 2.5))).toEqual(['i', 'lt-eq', 2])
    expect(bound(lte('i', -2.5))).toEqual(['i', 'lt-eq', -3])
    expect(bound(gt('d', '1.005'))).toEqual(['d', 'gt', 100n])
    expect(bound(gte('d', '-1.005'))).toEqual(['d', 'gt', -101n])
    expect(bound(gte('l', '1e-9'))).toEqual(['l', 'gt', 0n])
    expect(bound(eq('d', 1.001))).toBe('false')
    expect(bound(notEq('d', 1.001))).toEqual(['d', 'not-null'])
    expect(bound(isIn('d', [1.001, 2]))).toEqual(['d', 'eq', 200n])
    expect(bound(notIn('i', [0.5]))).toEqual(['i', 'not-null'])
    expect(bound(lt('d', '999.999'))).toEqual(['d', 'lt-eq', 99999n])
  })

  test('a finite literal above all floats is still below infinity', () => {
    const greatest = 3.4028234663852886e38
    expect(bound(lt('f', 1e39))).toEqual(['f', 'lt-eq', greatest])
    expect(bound(gt('f', 1e39))).toEqual(['f', 'gt', greatest])
    expect(bound(gt('f', -1e39))).toEqual(['f', 'gt', -Infinity])
    expect(bound(lt('f', Infinity))).toEqual(['f', 'lt', Infinity])
    expect(bound(parseExpression('x < 1e400'))).toEqual(['x', 'lt-eq', Number.MAX_VALUE])
  })

  test('NaN has no order and equals itself', () => {
    expect(bound(eq('x', NaN))).toEqual(['x', 'is-nan'])
    expect(bound(notEq('x', NaN))).toEqual([['x', 'not-nan'], 'and', ['x', 'not-null']])
    expect(bound(not(eq('x', NaN)))).toEqual([['x', 'not-nan'], 'and', ['x', 'not-null']])
    for (const filter of [lt, lte, gt, gte]) expect(bound(filter('x', NaN))).toBe('false')
    expect(bound(isIn('x', [NaN, 1]))).toEqual([['x', 'eq', 1], 'or', ['x', 'is-nan']])
    expect(bound(isIn('x', [NaN]))).toEqual(['x', 'is-nan'])
    expect(bound(notIn('x', [1, NaN, 2]))).toEqual([['x', 'not-in', 1, 2], 'and', ['x', 'not-nan']])
    expect(bound(notIn('x', [NaN]))).toEqual([['x', 'not-null'], 'and', ['x', 'not-nan']])
  })

  test('lists are sorted, without duplicates; short ones are comparisons; empty ones decided', () => {
    expect(bound(isIn('i', [3, 1, 2, 3, 1]))).toEqual(['i', 'in', 1, 2, 3])
    expect(bound(isIn('s', ['😀', '\uffff', 'a']))).toEqual(['s', 'in', 'a', '\uffff', '😀'])
    expect(bound(isIn('x', [0, -0]))).toEqual(['x', 'eq', 0])
    expect(bound(isIn('i', [1]))).toEqual(['i', 'eq', 1])
    expect(bound(notIn('i', [1]))).toEqual(['i', 'not-eq', 1])
    expect(bound(isIn('i', []))).toBe('false')
    expect(bound(notIn('i', []))).toBe('true')
    expect(bound(not(isIn('i', [])))).toBe('true')
    expect(bound(isIn('i', [2 ** 40]))).toBe('false')
    expect(
      bound(
        isIn(
          'l',
          Array.from({ length: 5000 }, (_, i) => i),
        ),
      ),
    ).toHaveLength(5002)
  })

  test('null literals are refused, pointing to `is null`', () => {
    const fromJson: { value: never } = JSON.parse('{"value": null}')
    for (const make of [
      () => eq('i', fromJson.value),
      () => isIn('i', [1, fromJson.value]),
      () => notIn('i', [fromJson.value]),
      () => bindExpression(schema, { op: 'eq', column: 'i', value: fromJson.value }),
      () => bindExpression(schema, { op: 'not-in', column: 'i', values: [fromJson.value] }),
    ]) {
      const error = errorOf(make)
      expect(error.message).toContain('null')
      expect(error.hint).toContain('is null')
    }
  })

  test.each(
    named([
      [eq('i', 'five'), 'int'],
      [eq('i', ''), 'int'],
      [eq('i', true), 'int'],
      [eq('i', NaN), 'int'],
      [eq('i', new Date(0)), 'int'],
      [eq('l', 2 ** 60), 'long'],
      [eq('d', 'NaN'), 'decimal(5, 2)'],
      [eq('x', 'abc'), 'double'],
      [eq('x', '0x10'), 'double'],
      [eq('x', ''), 'double'],
      [eq('s', 5), 'string'],
      [eq('s', '\ud83d'), 'string'],
      [eq('u', 'not-a-uuid'), 'uuid'],
      [eq('b', 'text'), 'binary'],
      [eq('day', 5), 'date'],
      [eq('day', '2026-02-30'), 'date'],
      [eq('ts', 1_700_000_000), 'timestamp'],
      [eq('ts', '2026-01-01T00:00:00Z'), 'timestamp'],
      [eq('tz', '2026-01-01T00:00:00'), 'timestamptz'],
      [eq('ts', new Date(NaN)), 'timestamp'],
      [eq('flag', 1), 'boolean'],
      [eq('nothing', 1), 'unknown'],
      [startsWith('i', '1'), 'int'],
      [startsWith('b', 'a'), 'binary'],
      [startsWith('s', 5), 'string'],
      [isNaN('i'), 'int'],
      [notNaN('s'), 'string'],
      [isIn('i', [1, 'two']), 'int'],
    ]),
  )('%s is refused, naming column and type', (_, expression, type) => {
    const error = errorOf(() => bindExpression(schema, expression))
    expect(error.message).toContain(type)
    expect(error.message).toContain('column' in expression ? expression.column : '')
    for (const value of ['five', 'abc', 'not-a-uuid', 'text', '1700000000', 'two']) {
      expect(`${error.message} ${error.hint}`).not.toContain(`'${value}'`)
    }
  })
})

describe('columns', () => {
  test('struct fields are found by dotted name, required only if every struct is', () => {
    const leaf = bindExpression(schema, eq('st.leaf', 1))
    expect(leaf).toMatchObject({ ref: { fieldId: 21, name: 'st.leaf', required: false } })
    expect(bound(isNull('st.leaf'))).toEqual(['st.leaf', 'is-null'])
    expect(bound(isNull('whole.leaf'))).toBe('false')
    expect(bound(notNull('whole.leaf'))).toBe('true')
    expect(bound(isNull('r'))).toBe('false')
    expect(bound(notNull('r'))).toBe('true')
    expect(bound(isNull('nothing'))).toBe('true')
    expect(bound(notNull('nothing'))).toBe('false')
  })

  test.each([
    'tags',
    'tags.element',
    'props',
    'props.key',
    'props.value.deep',
    'st',
    'whole',
    'nope',
    'st.nope',
    '',
  ])('%j cannot be filtered by', (column) => {
    for (const filter of [isNull(column), eq(column, 1)]) {
      expect(errorOf(() => bindExpression(schema, filter)).message).toContain(column)
    }
  })

  test('errors in a part that cannot matter are still errors', () => {
    expect(() => bindExpression(schema, or(alwaysTrue(), eq('nope', 1)))).toThrow(InvalidExpressionError)
    expect(() => bindExpression(schema, and(alwaysFalse(), eq('i', 'x')))).toThrow(InvalidExpressionError)
  })

  test('an insensitive look-up finds any spelling, and refuses to choose between two', () => {
    const business = createSchema({ fields: [optional(1, 'business_hour', { kind: 'int' })] })
    const filter = parseExpression('Business_Hour = 5')
    expect(() => bindExpression(business, filter)).toThrow(/Business_Hour/)
    const found = bindExpression(business, filter, { caseSensitive: false })
    expect(found).toMatchObject({ op: 'eq', ref: { fieldId: 1, name: 'business_hour' } })

    const both = createSchema({
      fields: [optional(1, 'data', { kind: 'int' }), optional(2, 'DATA', { kind: 'int' })],
    })
    expect(errorOf(() => bindExpression(both, eq('Data', 1), { caseSensitive: false })).message).toMatch(
      /ambiguous/,
    )
    expect(bindExpression(both, eq('DATA', 1))).toMatchObject({ ref: { fieldId: 2 } })
    expect(() => bindExpression(both, eq('data', 1), { caseSensitive: false })).toThrow(/ambiguous/)
  })
})

describe('negation', () => {
  test.each(
    named<unknown>([
      [not(lt('i', 5)), ['i', 'gt-eq', 5]],
      [not(lte('i', 5)), ['i', 'gt', 5]],
      [not(gt('i', 5)), ['i', 'lt-eq', 5]],
      [not(gte('i', 5)), ['i', 'lt', 5]],
      [not(eq('i', 5)), ['i', 'not-eq', 5]],
      [not(notEq('i', 5)), ['i', 'eq', 5]],
      [not(isNull('i')), ['i', 'not-null']],
      [not(notNull('i')), ['i', 'is-null']],
      [not(isNaN('x')), ['x', 'not-nan']],
      [not(notNaN('x')), ['x', 'is-nan']],
      [not(isIn('i', [1, 2])), ['i', 'not-in', 1, 2]],
      [not(notIn('i', [1, 2])), ['i', 'in', 1, 2]],
      [not(startsWith('s', 'a')), ['s', 'not-starts-with', 'a']],
      [not(notStartsWith('s', 'a')), ['s', 'starts-with', 'a']],
      [not(not(eq('i', 5))), ['i', 'eq', 5]],
      [not(alwaysTrue()), 'false'],
      [not(and(eq('i', 1), isNull('s'))), [['i', 'not-eq', 1], 'or', ['s', 'not-null']]],
      [not(or(eq('i', 1), not(isNull('s')))), [['i', 'not-eq', 1], 'and', ['s', 'is-null']]],
      [startsWith('s', ''), ['s', 'not-null']],
      [not(startsWith('s', '')), 'false'],
      [and(), 'true'],
      [or(), 'false'],
    ]),
  )('%s', (_, expression, expected) => {
    expect(bound(expression)).toEqual(expected)
  })

  test('long lists leaning one way need no stack, and deep alternation is refused', () => {
    const leaning = Array.from({ length: 50_000 }, (_, i) => eq('i', i)).reduce<Expression>(
      (left, right) => ({ op: 'or', left, right }),
      alwaysFalse(),
    )
    expect(bindExpression(schema, leaning).op).toBe('or')
    const nots = Array.from({ length: 50_001 }).reduce<Expression>((child) => not(child), eq('i', 1))
    expect(bound(nots)).toEqual(['i', 'not-eq', 1])
    const alternating = Array.from({ length: 50_000 }).reduce<Expression>(
      (child, _, i) => (i % 2 === 0 ? and(child, eq('i', 1)) : or(child, eq('i', 1))),
      eq('i', 1),
    )
    expect(errorOf(() => bindExpression(schema, alternating)).message).toContain('nested')
  })
})

test('every primitive type can be asked for null', () => {
  const types: readonly PrimitiveType[] = [
    { kind: 'time' },
    { kind: 'timestamp_ns' },
    { kind: 'timestamptz_ns' },
    { kind: 'fixed', length: 3 },
    { kind: 'geometry', crs: null },
    { kind: 'geography', crs: null, algorithm: null },
  ]
  for (const type of types) {
    const one = createSchema({ fields: [optional(1, 'c', type)] })
    expect(short(bindExpression(one, isNull('c')))).toEqual(['c', 'is-null'])
    expect(short(bindExpression(one, notNull('c')))).toEqual(['c', 'not-null'])
  }
})
