import { describe, expect, test } from 'vitest'
import { bindExpression } from '../../../src/format/expressions/bind.ts'
import { allMatch, mightMatch } from '../../../src/format/expressions/metrics.ts'
import { parseExpression } from '../../../src/format/expressions/parse.ts'
import type { ContentFile } from '../../../src/format/manifest/entry.ts'
import { createSchema } from '../../../src/format/schema.ts'
import type { PrimitiveType, Datum } from '../../../src/format/types.ts'
import { encodeBinary } from '../../../src/format/values/binary.ts'
import { contentFile } from '../../support/content-file.ts'

interface Column {
  readonly type: PrimitiveType
  readonly rows: number
  readonly values?: number
  readonly nulls?: number
  readonly nans?: number
  readonly lower?: Datum | Uint8Array
  readonly upper?: Datum | Uint8Array
}

/** A file whose one column is `x`, id 1, and the answers to filters on it. */
function fileOf(column: Column) {
  const { type, rows, values = rows, nulls, nans, lower, upper } = column
  const schema = createSchema({ fields: [{ id: 1, name: 'x', required: false, type }] })
  const bytesOf = (bound: Datum): Uint8Array =>
    bound instanceof Uint8Array ? bound : encodeBinary(type, bound)
  const only = <T>(value: T | undefined): ReadonlyMap<number, T> =>
    new Map(value === undefined ? [] : [[1, value]])
  const file = contentFile({
    recordCount: rows,
    valueCounts: only(values),
    nullValueCounts: only(nulls),
    nanValueCounts: only(nans),
    lowerBounds: only(lower === undefined ? undefined : bytesOf(lower)),
    upperBounds: only(upper === undefined ? undefined : bytesOf(upper)),
  })
  return {
    file,
    might: (filter: string) => mightMatch(bindExpression(schema, parseExpression(filter)), file),
    all: (filter: string) => allMatch(bindExpression(schema, parseExpression(filter)), file),
  }
}

const int: PrimitiveType = { kind: 'int' }
const double: PrimitiveType = { kind: 'double' }
const string: PrimitiveType = { kind: 'string' }

describe('NaN and bounds', () => {
  const mixed = fileOf({ type: double, rows: 3, nulls: 0, nans: 1, lower: 3, upper: 5 })
  const onlyNaN = fileOf({ type: double, rows: 2, nulls: 0, nans: 2 })
  const uncounted = fileOf({ type: double, rows: 2, nulls: 0 })
  const nanBound = fileOf({ type: double, rows: 3, nulls: 0, nans: 1, lower: NaN, upper: 3 })

  test.each([
    ['x > 4', true, false, true, true],
    ['x is nan', true, true, true, true],
    ['x not in (3.0)', true, true, true, true],
    ['x < 0', false, false, true, true],
    ['x = 4', true, false, true, true],
    ['x != 4', true, true, true, true],
    ['x is not nan', true, false, true, true],
    ['x is not null', true, true, true, true],
    ['x is null', false, false, false, false],
  ])('%s', (filter, ...expected) => {
    expect([mixed, onlyNaN, uncounted, nanBound].map((each) => each.might(filter))).toEqual(expected)
  })

  test('all NaN is known only where the counts agree', () => {
    const mostly = fileOf({ type: double, rows: 2, nulls: 0, nans: 1 })
    expect(mostly.might('x > 4')).toBe(true)
    const nullsAndNaNs = fileOf({ type: double, rows: 3, nulls: 1, nans: 2 })
    expect(nullsAndNaNs.might('x > 4')).toBe(false)
    expect(nullsAndNaNs.might('x is nan')).toBe(true)
    expect(nullsAndNaNs.might('x is not nan')).toBe(true)
  })

  test('NaN rows spoil what bounds prove, unless they match themselves', () => {
    expect(mixed.all('x > 2')).toBe(false)
    expect(mixed.all('x != 7')).toBe(true)
    expect(mixed.all('x not in (7, 8)')).toBe(true)
    expect(onlyNaN.all('x is nan')).toBe(true)
    expect(onlyNaN.all('x != 1')).toBe(true)
    expect(uncounted.all('x is not nan')).toBe(false)
    const clean = fileOf({ type: double, rows: 3, nulls: 0, nans: 0, lower: 3, upper: 5 })
    expect(clean.all('x > 2')).toBe(true)
    expect(clean.all('x is not nan')).toBe(true)
  })

  test('the two zeros are one value to a filter', () => {
    const zero = fileOf({ type: double, rows: 1, nulls: 0, nans: 0, lower: -0, upper: -0 })
    expect(zero.might('x = 0')).toBe(true)
    expect(zero.might('x < 0')).toBe(false)
    expect(zero.all('x = 0')).toBe(true)
    expect(zero.all('x >= 0')).toBe(true)
  })
})

describe('counts and bounds', () => {
  const file = fileOf({ type: int, rows: 10, nulls: 0, lower: 5, upper: 9 })
  const nullable = fileOf({ type: int, rows: 10, nulls: 2, lower: 5, upper: 9 })
  const allNull = fileOf({ type: int, rows: 10, nulls: 10 })
  const bare = fileOf({ type: int, rows: 10 })
  const single = fileOf({ type: int, rows: 10, nulls: 0, lower: 5, upper: 5 })

  test.each([
    ['x < 5', false],
    ['x <= 5', true],
    ['x > 9', false],
    ['x >= 9', true],
    ['x = 4', false],
    ['x = 5', true],
    ['x = 10', false],
    ['x in (1, 2, 10)', false],
    ['x in (1, 7)', true],
    ['x != 7', true],
    ['x not in (5, 6, 7, 8, 9)', true],
    ['x is null', false],
    ['x is not null', true],
    ['x = 1 or x = 7', true],
    ['x = 1 and x = 7', false],
    ['not (x >= 5)', false],
  ])('%s opens the file: %s', (filter, expected) => {
    expect(file.might(filter)).toBe(expected)
  })

  test.each([
    ['x < 10', true, false],
    ['x <= 9', true, false],
    ['x < 9', false, false],
    ['x > 4', true, false],
    ['x >= 5', true, false],
    ['x != 4', true, false],
    ['x != 5', false, false],
    ['x not in (1, 2)', true, false],
    ['x not in (1, 7)', false, false],
    ['x is not null', true, false],
    ['x is null', false, false],
    ['x > 4 and x < 10', true, false],
    ['x > 6 or x < 10', true, false],
  ])('%s takes the file whole: %s, with nulls in it: %s', (filter, expected, withNulls) => {
    expect(file.all(filter)).toBe(expected)
    expect(nullable.all(filter)).toBe(withNulls)
  })

  test('one value only', () => {
    expect(single.all('x = 5')).toBe(true)
    expect(single.all('x in (5, 6)')).toBe(true)
    expect(single.might('x != 5')).toBe(false)
    expect(single.might('x not in (4, 5)')).toBe(false)
    expect(file.all('x = 5')).toBe(false)
  })

  test('a list that was not bound here, and so not sorted, is not trusted to be', () => {
    const schema = createSchema({ fields: [{ id: 1, name: 'x', required: false, type: int }] })
    const sorted = bindExpression(schema, parseExpression('x in (1, 7, 20)'))
    if (sorted.op !== 'in') throw new Error('not a list')
    expect(mightMatch({ ...sorted, literals: [20, 7, 1] }, file.file)).toBe(true)
    expect(mightMatch({ ...sorted, literals: [20, 1] }, file.file)).toBe(false)
  })

  test('nothing but nulls', () => {
    for (const filter of ['x = 1', 'x != 1', 'x < 1', 'x in (1, 2)', 'x not in (1, 2)', 'x is not null']) {
      expect(allNull.might(filter)).toBe(false)
      expect(allNull.all(filter)).toBe(false)
    }
    expect(allNull.might('x is null')).toBe(true)
    expect(allNull.all('x is null')).toBe(true)
  })

  test('what is not known keeps the file and proves nothing', () => {
    for (const filter of ['x = 1', 'x != 1', 'x < 1', 'x is null', 'x is not null', 'x in (1, 2)']) {
      expect(bare.might(filter)).toBe(true)
      expect(bare.all(filter)).toBe(false)
    }
    const nothing = contentFile({ recordCount: 3 })
    const schema = createSchema({ fields: [{ id: 1, name: 'x', required: false, type: int }] })
    for (const filter of ['x = 1', 'x is null', 'x is not null']) {
      const bound = bindExpression(schema, parseExpression(filter))
      expect([mightMatch(bound, nothing), allMatch(bound, nothing)]).toEqual([true, false])
    }
  })

  test('counts of -1, as old writers left them, are no counts', () => {
    const old = fileOf({ type: int, rows: -1, values: -1, nulls: -1 })
    expect(old.might('x = 1')).toBe(true)
    expect(old.might('x is null')).toBe(true)
    expect(old.all('x is null')).toBe(false)
    expect(old.all('x is not null')).toBe(false)
  })

  test('a file without rows matches nothing, and vacuously all', () => {
    const empty = fileOf({ type: int, rows: 0, nulls: 0 })
    expect(empty.might('x is null or true')).toBe(false)
    expect(empty.all('x = 1')).toBe(true)
  })

  test('bounds above each other, or of no length that the type has, say nothing', () => {
    const inverted = fileOf({ type: int, rows: 2, nulls: 0, lower: 9, upper: 5 })
    const broken = fileOf({
      type: int,
      rows: 2,
      nulls: 0,
      lower: Uint8Array.of(),
      upper: Uint8Array.of(1, 2, 3),
    })
    for (const { might, all } of [inverted, broken]) {
      expect(might('x = 1')).toBe(true)
      expect(might('x = 100')).toBe(true)
      expect(all('x < 100')).toBe(false)
    }
    const notUtf8 = fileOf({
      type: string,
      rows: 2,
      nulls: 0,
      lower: Uint8Array.of(255),
      upper: Uint8Array.of(255),
    })
    expect(notUtf8.might("x = 'a'")).toBe(true)
  })
})

describe('bounds of a type that was promoted since', () => {
  test.each<[string, PrimitiveType, PrimitiveType, Datum, Datum, string, string]>([
    ['int to long', int, { kind: 'long' }, 5, 9, 'x = 7', 'x = 10'],
    ['float to double', { kind: 'float' }, double, 1.5, 2.5, 'x = 2', 'x > 2.5'],
    [
      'decimal precision',
      { kind: 'decimal', precision: 4, scale: 2 },
      { kind: 'decimal', precision: 20, scale: 2 },
      -128n,
      128n,
      'x = 1.28',
      'x < -1.28',
    ],
  ])('%s', (_name, from, to, lower, upper, hit, miss) => {
    const promoted = fileOf({
      type: to,
      rows: 3,
      nulls: 0,
      nans: 0,
      lower: encodeBinary(from, lower),
      upper: encodeBinary(from, upper),
    })
    expect(promoted.might(hit)).toBe(true)
    expect(promoted.might(miss)).toBe(false)
  })
})

describe('strings', () => {
  // Values 'abcde…' to 'abcz…' with bounds cut to four characters.
  const cut = fileOf({ type: string, rows: 5, nulls: 0, lower: 'abcd', upper: 'abd' })
  test.each([
    ["x = 'abcde'", true],
    ["x = 'abc'", false],
    ["x < 'abcd'", false],
    ["x < 'abcd0'", true],
    ["x > 'abd'", false],
    ["x > 'abc~'", true],
    ["starts_with(x, 'abc')", true],
    ["starts_with(x, 'ab')", true],
    ["starts_with(x, 'abe')", false],
    ["starts_with(x, 'abb')", false],
    ["starts_with(x, 'abcd0')", true],
    ["starts_with(x, 'b')", false],
    ["not starts_with(x, 'ab')", false],
    ["not starts_with(x, 'abc')", true],
    ["not starts_with(x, 'b')", true],
  ])('%s opens the file: %s', (filter, expected) => {
    expect(cut.might(filter)).toBe(expected)
  })

  test.each([
    ["starts_with(x, 'ab')", true],
    ["starts_with(x, 'abc')", false],
    ["not starts_with(x, 'b')", true],
    ["not starts_with(x, 'abb')", true],
    ["not starts_with(x, 'abc')", false],
    ["not starts_with(x, 'abd')", false],
    ["not starts_with(x, 'abcd')", false],
    ["x >= 'abcd'", true],
    ["x < 'abe'", true],
    ["x != 'abc'", true],
  ])('%s takes the file whole: %s', (filter, expected) => {
    expect(cut.all(filter)).toBe(expected)
  })

  test('bounds that are equal may have been cut without raising the upper one', () => {
    const doubtful = fileOf({ type: string, rows: 5, nulls: 0, lower: 'abcd', upper: 'abcd' })
    expect(doubtful.might("x != 'abcd'")).toBe(true)
  })

  test('code points above U+FFFF come last', () => {
    const emoji = fileOf({ type: string, rows: 2, nulls: 0, lower: 'a', upper: '😀' })
    expect(emoji.might("x = '\uffff'")).toBe(true)
    expect(emoji.might("starts_with(x, '\uffff')")).toBe(true)
  })
})

describe('fields of an optional struct', () => {
  const schema = createSchema({
    fields: [
      {
        id: 1,
        name: 's',
        required: false,
        type: { kind: 'struct', fields: [{ id: 2, name: 'x', required: true, type: int }] },
      },
    ],
  })
  const ask = (filter: string, parts: Partial<ContentFile>) => {
    const bound = bindExpression(schema, parseExpression(filter))
    const file = contentFile({ recordCount: 10, ...parts })
    return [mightMatch(bound, file), allMatch(bound, file)]
  }

  test('a writer that counts null structs as null values', () => {
    const counts = { valueCounts: new Map([[2, 10]]), nullValueCounts: new Map([[2, 0]]) }
    expect(ask('s.x is null', counts)).toEqual([false, false])
    expect(ask('s.x is not null', counts)).toEqual([true, true])
  })

  test('a writer that leaves null structs out of the counts', () => {
    const counts = { valueCounts: new Map([[2, 4]]), nullValueCounts: new Map([[2, 0]]) }
    expect(ask('s.x is null', counts)).toEqual([true, false])
    expect(ask('s.x is not null', counts)).toEqual([true, false])
    expect(ask('s.x is null', { nullValueCounts: new Map([[2, 0]]) })).toEqual([true, false])
  })
})
