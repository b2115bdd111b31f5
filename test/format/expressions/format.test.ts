import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bindExpression } from '../../../src/format/expressions/bind.ts'
import {
  and,
  eq,
  gt,
  isIn,
  isNull,
  lt,
  not,
  notEq,
  notIn,
  notStartsWith,
  or,
  startsWith,
} from '../../../src/format/expressions/expression.ts'
import type { Expression } from '../../../src/format/expressions/expression.ts'
import { boundToString, expressionToString } from '../../../src/format/expressions/format.ts'
import { parseExpression } from '../../../src/format/expressions/parse.ts'
import { anyFilter, anyKind, worldOf } from './generators.ts'

describe('a filter as text', () => {
  test.each<[Expression, string]>([
    [and(eq('a', 1), or(isNull('b'), lt('c', 2))), 'a = 1 and (b is null or c < 2)'],
    [and(eq('a', 1), eq('b', 2), eq('c', 3)), 'a = 1 and b = 2 and c = 3'],
    [not(and(eq('a', 1), notEq('b', true))), 'not (a = 1 and b != true)'],
    [startsWith('s', "it's"), "starts_with(s, 'it''s')"],
    [notStartsWith('s', 'x'), "not starts_with(s, 'x')"],
    [isIn('a b', [1, -2.5]), '"a b" in (1, -2.5)'],
    [notIn('and', ['x']), '"and" not in (\'x\')'],
    [eq('s.x', Uint8Array.of(0, 255)), "s.x = x'00ff'"],
    [gt('x', NaN), 'x > nan'],
    [gt('x', -Infinity), 'x > -infinity'],
    [eq('q"', 0), '"q""" = 0'],
    [eq('t', new Date(0)), "t = timestamp '1970-01-01T00:00:00.000Z'"],
  ])('%#', (expression, text) => {
    expect(expressionToString(expression)).toBe(text)
  })

  test('reads back as a filter of the same meaning', () => {
    const anyWorldAndFilter = fc
      .array(anyKind, { minLength: 1, maxLength: 2 })
      .map(worldOf)
      .chain((world) => fc.tuple(fc.constant(world), anyFilter(world)))
    fc.assert(
      fc.property(anyWorldAndFilter, ([world, filter]) => {
        const again = parseExpression(expressionToString(filter))
        expect(bindExpression(world.schema, again)).toEqual(bindExpression(world.schema, filter))
      }),
      { numRuns: 1000 },
    )
  })

  test('of a bound filter, literals are not told', () => {
    const world = worldOf(['string', 'int'])
    const filter = parseExpression(
      "c0 = 'secret' and (c1 in (4711, 4712) or not starts_with(c0, 'secret')) and s.x is null",
    )
    expect(boundToString(bindExpression(world.schema, filter))).toBe(
      'c0 = ? and (c1 in (?) or not starts_with(c0, ?)) and s.x is null',
    )
  })
})
