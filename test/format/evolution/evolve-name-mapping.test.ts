import { describe, expect, test } from 'vitest'
import type { SchemaEdit } from '../../../src/format/evolution/schema-edit.ts'
import { evolveNameMapping } from '../../../src/format/evolution/evolve-name-mapping.ts'
import { createNameMapping, nameMappingToJson, parseNameMapping } from '../../../src/format/name-mapping.ts'
import type { NameMapping } from '../../../src/format/name-mapping.ts'
import { add, drop, evolve, move, rename, schemaOf, widen } from './support.ts'

const AB = schemaOf('a: int, b: int')

function mapped(
  schema: typeof AB,
  edits: readonly SchemaEdit[],
  mapping: NameMapping = createNameMapping(schema),
) {
  const evolved = evolveNameMapping(mapping, schema, evolve(schema, edits).schema)
  // Whatever comes out must be a mapping that can be read back: no name twice at a level.
  expect(parseNameMapping(nameMappingToJson(evolved))).toEqual(evolved)
  return evolved
}

describe('a name belongs to the one field that carries it now', () => {
  test.each([
    [
      'rename',
      [rename('b', 'c'), add('z', 'int')],
      [
        { 'field-id': 1, names: ['a'] },
        { 'field-id': 2, names: ['b', 'c'] },
        { 'field-id': 3, names: ['z'] },
      ],
    ],
    [
      'drop a, add a',
      [drop('a'), add('a', 'int')],
      [
        { 'field-id': 1, names: [] },
        { 'field-id': 2, names: ['b'] },
        { 'field-id': 3, names: ['a'] },
      ],
    ],
    [
      'drop a, rename b to a',
      [drop('a'), rename('b', 'a')],
      [
        { 'field-id': 1, names: [] },
        { 'field-id': 2, names: ['b', 'a'] },
      ],
    ],
    [
      'rename a to c, add a',
      [rename('a', 'c'), add('a', 'int')],
      [
        { 'field-id': 1, names: ['c'] },
        { 'field-id': 2, names: ['b'] },
        { 'field-id': 3, names: ['a'] },
      ],
    ],
    [
      'rename a to c, rename b to a',
      [rename('a', 'c'), rename('b', 'a')],
      [
        { 'field-id': 1, names: ['c'] },
        { 'field-id': 2, names: ['b', 'a'] },
      ],
    ],
    [
      'exchange',
      [rename('a', 't'), rename('b', 'a'), rename('t', 'b')],
      [
        { 'field-id': 1, names: ['b'] },
        { 'field-id': 2, names: ['a'] },
      ],
    ],
    [
      'widen and move',
      [widen('a', 'long'), move('b', {})],
      [
        { 'field-id': 1, names: ['a'] },
        { 'field-id': 2, names: ['b'] },
      ],
    ],
  ])('%s', (_, edits, expected) => {
    expect(mapped(AB, edits)).toEqual(expected)
  })
})

describe('nested fields', () => {
  test('are followed through structs, lists and maps; new ones come with all inside', () => {
    const schema = schemaOf('s: struct<x: int>, l: list<struct<a: int>>, m: map<string, struct<v: int>>')
    const edits = [
      rename('s.x', 'y'),
      add('s.x', 'int'),
      rename('l.a', 'b'),
      add('m.w', 'list<int>'),
      rename('m.v', 'u'),
    ]
    const mapping = mapped(schema, edits)
    expect(mapping).toEqual([
      {
        'field-id': 1,
        names: ['s'],
        fields: [
          { 'field-id': 4, names: ['y'] },
          { 'field-id': 10, names: ['x'] },
        ],
      },
      {
        'field-id': 2,
        names: ['l'],
        fields: [{ 'field-id': 5, names: ['element'], fields: [{ 'field-id': 6, names: ['a', 'b'] }] }],
      },
      {
        'field-id': 3,
        names: ['m'],
        fields: [
          { 'field-id': 7, names: ['key'] },
          {
            'field-id': 8,
            names: ['value'],
            fields: [
              { 'field-id': 9, names: ['v', 'u'] },
              { 'field-id': 11, names: ['w'], fields: [{ 'field-id': 12, names: ['element'] }] },
            ],
          },
        ],
      },
    ])
  })
})

describe('what the change is not about', () => {
  test('stays: aliases, entries without a field, unmapped fields', () => {
    const mapping: NameMapping = [{ 'field-id': 1, names: ['a', 'old_a', 'A'] }, { names: ['elsewhere'] }]
    expect(mapped(AB, [rename('b', 'c')], mapping)).toEqual([
      { 'field-id': 1, names: ['a', 'old_a', 'A'] },
      { names: ['elsewhere'] },
    ])
    expect(mapped(AB, [rename('a', 'elsewhere')], mapping)).toEqual([
      { 'field-id': 1, names: ['a', 'old_a', 'A', 'elsewhere'] },
      { names: [] },
    ])
  })
})
