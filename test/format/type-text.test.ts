import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, UnsupportedFeatureError } from '../../src/errors.ts'
import { parseType } from '../../src/format/type-text.ts'
import { typeToString } from '../../src/format/types-json.ts'

const leaf = fc.constantFrom(
  'int',
  'string',
  'decimal(9, 2)',
  'fixed[16]',
  'timestamptz',
  'geography(srid:4326, vincenty)',
)
const name = fc.stringMatching(/^[a-zé_][a-z0-9_]{0,6}$/)

const { type } = fc.letrec<{ type: string }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('type').map((element) => `list<${element}>`),
    fc.tuple(tie('type'), tie('type')).map(([key, value]) => `map<${key}, ${value}>`),
    fc
      .uniqueArray(fc.tuple(name, tie('type')), { selector: ([each]) => each, minLength: 1, maxLength: 3 })
      .map((fields) => `struct<${fields.map(([each, text]) => `${each}: ${text}`).join(', ')}>`),
  ),
}))

describe('types as text', () => {
  test('are read as they are written', () => {
    fc.assert(
      fc.property(type, (text) => {
        expect(typeToString(parseType(text))).toBe(text)
      }),
    )
  })

  test('may be written with any space, in any case, with required parts and quoted names', () => {
    expect(parseType(' LIST< struct<`a b.c`:INT required,x : decimal( 9,2 )> required > ')).toEqual({
      kind: 'list',
      elementId: 0,
      elementRequired: true,
      element: {
        kind: 'struct',
        fields: [
          { id: 0, name: 'a b.c', required: true, type: { kind: 'int' } },
          { id: 0, name: 'x', required: false, type: { kind: 'decimal', precision: 9, scale: 2 } },
        ],
      },
    })
  })

  test.each([
    '',
    'list<int',
    'list<int>>',
    'map<int>',
    'struct<>',
    'struct<int>',
    'struct<a: int,>',
    'int long',
    'decimal(50, 2)',
  ])("'%s' is refused", (text) => {
    expect(() => parseType(text)).toThrow(InvalidArgumentError)
  })

  test('a type of a later format is refused by its name', () => {
    expect(() => parseType('list<money>')).toThrow(UnsupportedFeatureError)
    expect(() => parseType('list<money>')).toThrow(/money/)
  })
})
