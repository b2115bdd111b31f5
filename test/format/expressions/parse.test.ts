import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidExpressionError } from '../../../src/errors.ts'
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
  or,
  startsWith,
} from '../../../src/format/expressions/expression.ts'
import type { Expression } from '../../../src/format/expressions/expression.ts'
import { parseExpression } from '../../../src/format/expressions/parse.ts'

function errorOf(text: string): InvalidExpressionError {
  try {
    parseExpression(text)
  } catch (error) {
    if (error instanceof InvalidExpressionError) return error
    throw error
  }
  throw new Error(`parsed: ${text}`)
}

describe('the text language', () => {
  const cases: readonly (readonly [string, Expression])[] = [
    [
      "a >= 1 and (b is null or c in ('x', 'y')) and not starts_with(d, 'z')",
      and(gte('a', 1), or(isNull('b'), isIn('c', ['x', 'y'])), not(startsWith('d', 'z'))),
    ],
    ['a = 1', eq('a', 1)],
    ['a == 1', eq('a', 1)],
    ['a != 1', notEq('a', 1)],
    ['a <> 1', notEq('a', 1)],
    ['a < 1', lt('a', 1)],
    ['a <= 1', lte('a', 1)],
    ['a > 1', gt('a', 1)],
    ['1 < a', gt('a', 1)],
    ['1 >= a', lte('a', 1)],
    ["'x' = a", eq('a', 'x')],
    ['true = a', eq('a', true)],
    ['a=1', eq('a', 1)],
    ['a = -1', eq('a', -1)],
    ['a = +1', eq('a', 1)],
    ['a = 1.5', eq('a', 1.5)],
    ['a = .5', eq('a', 0.5)],
    ['a = 1.50e3', eq('a', 1500)],
    ['a = -2E-3', eq('a', -0.002)],
    ['a = 9007199254740991', eq('a', 9007199254740991)],
    ['a = 9007199254740993', eq('a', 9007199254740993n)],
    ['a = -3051729675574597004', eq('a', -3051729675574597004n)],
    ['a = 0.12345678901234567890', eq('a', '0.12345678901234567890')],
    ['a = -12345678901234567890.5', eq('a', '-12345678901234567890.5')],
    ['a = 1e400', eq('a', '1e400')],
    ['a = nan', eq('a', NaN)],
    ['a = infinity', eq('a', Infinity)],
    ['a > -Infinity', gt('a', -Infinity)],
    ["a = ''", eq('a', '')],
    ["a = 'it''s'", eq('a', "it's")],
    ["a = 'and ''or'' \"not\"'", eq('a', 'and \'or\' "not"')],
    ['a = TRUE', eq('a', true)],
    ["a = x'00fF'", eq('a', Uint8Array.of(0, 255))],
    ["a = X''", eq('a', new Uint8Array())],
    ["a = date '2026-01-31'", eq('a', '2026-01-31')],
    ["a = TIMESTAMP '2026-01-31T00:00:00'", eq('a', '2026-01-31T00:00:00')],
    ["date '2026-01-31' <= date", gte('date', '2026-01-31')],
    ['date >= 5 and timestamp is null', and(gte('date', 5), isNull('timestamp'))],
    ['x = 5 and starts_with = 6', and(eq('x', 5), eq('starts_with', 6))],
    ['a IS NULL', isNull('a')],
    ['a is not null', { op: 'not-null', column: 'a' }],
    ['a is nan', isNaN('a')],
    ['a is not nan', { op: 'not-nan', column: 'a' }],
    ['nan is null', isNull('nan')],
    ['a in (1)', isIn('a', [1])],
    ['a in ()', isIn('a', [])],
    ['a not in (1, -2)', not(isIn('a', [1, -2]))],
    ['a between 1 and 2 and b = 3', and(and(gte('a', 1), lte('a', 2)), eq('b', 3))],
    ['a not between 1 and 2', not(and(gte('a', 1), lte('a', 2)))],
    ["a like 'abc%'", startsWith('a', 'abc')],
    ["a like 'abc'", eq('a', 'abc')],
    ["a like '%'", startsWith('a', '')],
    ["a like '100\\%%'", startsWith('a', '100%')],
    ["a like '\\_x\\\\'", eq('a', '_x\\')],
    ["a not like 'abc%'", not(startsWith('a', 'abc'))],
    ['true', alwaysTrue()],
    ['not false', not(alwaysFalse())],
    ['not a = 1 and b = 2', and(not(eq('a', 1)), eq('b', 2))],
    ['not not a = 1', not(not(eq('a', 1)))],
    ['a = 1 or b = 2 and c = 3', or(eq('a', 1), and(eq('b', 2), eq('c', 3)))],
    ['(a = 1 or b = 2) and c = 3', and(or(eq('a', 1), eq('b', 2)), eq('c', 3))],
    ['"a b" = 1', eq('a b', 1)],
    ['"say ""hi""" = 1', eq('say "hi"', 1)],
    ['"and" = 1', eq('and', 1)],
    ['s.x.y = 1', eq('s.x.y', 1)],
    ['s . "x y" = 1', eq('s.x y', 1)],
    ['größe = 1', eq('größe', 1)],
    ['名前 is null', isNull('名前')],
    ['_a1$ = 1', eq('_a1$', 1)],
    ['\n\ta\n=\r\n1\u00a0', eq('a', 1)],
  ]

  test.each(cases)('%s', (text, expected) => {
    expect(parseExpression(text)).toEqual(expected)
  })

  test('a list of any length, without nesting', () => {
    const values = Array.from({ length: 5000 }, (_, i) => i)
    expect(parseExpression(`a in (${values.join(', ')})`)).toEqual(isIn('a', values))
    const long = parseExpression(values.map((i) => `a = ${i}`).join(' or '))
    expect(depthOf(long)).toBeLessThan(20)
  })
})

function depthOf(expression: Expression): number {
  if (expression.op !== 'and' && expression.op !== 'or') return 1
  return 1 + Math.max(depthOf(expression.left), depthOf(expression.right))
}

describe('what cannot be read', () => {
  test.each([
    ['', 1],
    ['   ', 4],
    ['a', 2],
    ['a =', 4],
    ['a = b', 5],
    ['a = "b"', 5],
    ['a = null', 5],
    ['a in (1, null)', 10],
    ['a in (1', 8],
    ['a in 1', 6],
    ['a is 1', 6],
    ['a is not 1', 10],
    ['a not', 6],
    ['a between 1', 12],
    ['a between 1 or 2', 13],
    ["a like '%b'", 8],
    ["a like 'a_c'", 8],
    ["a like '%b%'", 8],
    ['a like 5', 8],
    ['and', 1],
    ['a = 1 and', 10],
    ['(a = 1', 7],
    ['a = 1)', 6],
    ['a = 1 b = 2', 7],
    ['5', 2],
    ["'x'", 4],
    ["a = 'x", 5],
    ['"a = 1', 1],
    ['a = 12abc', 5],
    ["a = x'0'", 5],
    ["a = x'0g'", 5],
    ['a ; drop', 3],
    ['a = --1', 6],
    ['a..b = 1', 3],
    ['a. = 1', 4],
    ['in = 1', 1],
    ['starts_with(a)', 14],
    ['a = 1 = 2', 7],
    ['a = \u0000', 5],
  ])('%j fails at character %i', (text, position) => {
    expect(errorOf(text).message).toContain(`at character ${position}:`)
  })

  test('null literals point to `is null`', () => {
    for (const text of [
      'a = null',
      'a in (1, null)',
      'a not in (null)',
      'a between 1 and null',
      'null = a',
    ]) {
      expect(errorOf(text).message + errorOf(text).hint).toContain('is null')
    }
  })

  test('a caret stands under the place', () => {
    const lines = (errorOf('city = 1 and and').hint ?? '').split('\n')
    const [excerpt = '', caret = ''] = lines.slice(-2)
    expect(excerpt.slice(caret.indexOf('^'))).toMatch(/^and/)
  })

  test('literals are not repeated in the error, nor is text that lost its quotes', () => {
    for (const text of [
      "name = 'Kowalski' and and",
      'name = Kowalski',
      'name in (Kowalski)',
      "name = 'Kowalski",
      'name = "Kowalski"',
      "name like '%Kowalski'",
      "starts_with(name, 'Kowalski'",
    ]) {
      const error = errorOf(text)
      expect(`${error.message}\n${error.hint}`).not.toContain('Kowalski')
    }
    const error = errorOf('ssn = 123456789 and and')
    expect(`${error.message}\n${error.hint}`).not.toContain('123456789')
  })

  test('nesting is bounded, whatever nests', () => {
    for (const text of ['('.repeat(100_000), 'not '.repeat(100_000), `${'(not '.repeat(50_000)}a = 1`]) {
      expect(errorOf(text).message).toContain('levels')
    }
  })

  test('any text is a filter or an InvalidExpressionError', () => {
    const words = fc.constantFrom(
      ...'a b "c d" s.x and or not ( ) = < >= <> in is null nan like between starts_with , . - + 1 2.5 1e9'.split(
        ' ',
      ),
      "'x'",
      "'x%'",
      "x'00'",
      'date',
      "date '2020-01-01'",
      'true',
      '"',
      "'",
      '\u0000',
      '\ud800',
      '😀',
    )
    const soup = fc.array(words, { maxLength: 30 }).map((parts) => parts.join(' '))
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' }), fc.string()), (text) => {
        try {
          parseExpression(text)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidExpressionError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
