import { describe, expect, test } from 'vitest'
import { sameSchema } from '../../../src/format/schema.ts'
import { baseOf, evolve, lines, refusal, schemaOf, union } from './support.ts'

const TABLE = schemaOf(
  'id: int required, n: decimal(9, 2), s: struct<x: float>, l: list<struct<a: int>>, m: map<string, int>',
)

describe('union by name', () => {
  test('adds what is missing as optional, whatever the other schema says, at every depth', () => {
    const other = schemaOf(
      'new: struct<r: int required> required, s: struct<y: int required>, l: list<struct<b: int> required>',
    )
    const evolved = evolve(TABLE, [union(other)])
    expect(lines(evolved)).toEqual(
      expect.arrayContaining([
        '11 new: struct<r: int>',
        '12 new.r: int',
        '13 s.y: int',
        '14 l.element.b: int',
      ]),
    )
  })

  test('widens what is too narrow, and leaves what is wider here', () => {
    const other = schemaOf('id: long required, n: decimal(8, 2), s: struct<x: double>, m: map<string, long>')
    const evolved = lines(evolve(TABLE, [union(other)]))
    expect(evolved).toEqual(expect.arrayContaining(['1 id: long required', '2 n: decimal(9, 2)']))
    expect(evolved.filter((line) => / (s\.x|m\.value):/.test(line))).toEqual([
      expect.stringContaining('double'),
      expect.stringContaining('long'),
    ])
  })

  test('loosens what the other schema leaves open, if asked to', () => {
    const other = schemaOf('id: int')
    expect(lines(evolve(TABLE, [union(other)]))).toContain('1 id: int')
    expect(lines(evolve(TABLE, [union(other, false)]))).toContain('1 id: int required')
  })

  test('with an equal schema changes nothing', () => {
    expect(sameSchema(evolve(TABLE, [union(TABLE)]).schema, TABLE)).toBe(true)
  })

  test('deletes and renames nothing', () => {
    const other = schemaOf('another: int')
    expect(lines(evolve(TABLE, [union(other)]))).toHaveLength(lines({ schema: TABLE }).length + 1)
  })

  test.each([
    ['a type that cannot become the other', 'id: string', 'id'],
    ['a decimal of another scale', 'n: decimal(12, 3)', 'n'],
    ['a struct against a primitive', 's: int', 's'],
    ['a primitive against a struct', 'id: struct<x: int>', 'id'],
    ['a list against a map', 'l: map<string, int>', 'l'],
    ['other keys of a map', 'm: map<int, int>', 'm.key'],
  ])('%s is refused', (_, other, column) => {
    expect(refusal(() => evolve(TABLE, [union(schemaOf(other))])).column).toBe(column)
  })

  test('two names that differ in case only are one column when asked to be insensitive', () => {
    const other = schemaOf('ID: long, Id: int')
    const error = refusal(() => evolve(TABLE, [union(other)], { caseSensitive: false }))
    expect(error.column).toBe('Id')
    const fine = evolve(TABLE, [union(schemaOf('ID: long'))], { caseSensitive: false })
    expect(lines(fine)).toContain('1 id: long')
    expect(lines(evolve(baseOf(TABLE), [union(schemaOf('ID: long'))]))).toContain('11 ID: long')
  })
})
