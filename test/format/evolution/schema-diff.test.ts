import { describe, expect, test } from 'vitest'
import { diffSchemas } from '../../../src/format/evolution/schema-diff.ts'
import {
  add,
  baseOf,
  drop,
  evolve,
  identifier,
  makeOptional,
  makeRequired,
  move,
  rename,
  schemaOf,
  widen,
} from './support.ts'

const schema = schemaOf('id: long required, a: int, s: struct<x: float, y: int>, z: int')

describe('differences of schemas', () => {
  test.each([
    [[add('n', 'struct<p: int>')], [{ kind: 'added', column: 'n', fieldId: 7, type: 'struct<p: int>' }]],
    [[drop('s')], [{ kind: 'deleted', column: 's', fieldId: 3, type: 'struct<x: float, y: int>' }]],
    [[drop('s.x')], [{ kind: 'deleted', column: 's.x', fieldId: 5, type: 'float' }]],
    [[rename('s', 't')], [{ kind: 'renamed', column: 't', fieldId: 3, from: 's' }]],
    [[rename('s.x', 'w')], [{ kind: 'renamed', column: 's.w', fieldId: 5, from: 's.x' }]],
    [[widen('s.x', 'double')], [{ kind: 'retyped', column: 's.x', fieldId: 5, from: 'float', to: 'double' }]],
    [[makeOptional('id')], [{ kind: 'made_optional', column: 'id', fieldId: 1 }]],
    [[makeRequired('a')], [{ kind: 'made_required', column: 'a', fieldId: 2 }]],
    [[move('z', {})], [{ kind: 'moved', column: 'z', fieldId: 4 }]],
    [
      [{ type: 'update_doc', name: 'a', doc: 'why' } as const],
      [{ kind: 'doc_changed', column: 'a', fieldId: 2 }],
    ],
    [[identifier('id')], [{ kind: 'identifier_changed', from: [], to: ['id'] }]],
    [[], []],
  ])('%j', (edits, expected) => {
    expect(diffSchemas(schema, evolve(schema, edits, { allowIncompatibleChanges: true }).schema)).toEqual(
      expected,
    )
  })

  test('a column deleted and added again is two columns', () => {
    const after = evolve(schema, [drop('a'), add('a', 'int')]).schema
    expect(diffSchemas(schema, after).map((each) => each.kind)).toEqual(['added', 'deleted'])
  })

  test('of members that moved, those that make up the fewest are told', () => {
    const nested = schemaOf('s: struct<p: int, q: int, r: int>')
    const after = evolve(nested, [move('s.r', {})]).schema
    expect(diffSchemas(nested, after)).toEqual([{ kind: 'moved', column: 's.r', fieldId: 4 }])
  })

  test('defaults count', () => {
    const base = baseOf(schema, { formatVersion: 3 })
    const after = evolve(base, [{ type: 'set_default', name: 'a', defaultValue: 1 }]).schema
    expect(diffSchemas(schema, after)).toEqual([{ kind: 'default_changed', column: 'a', fieldId: 2 }])
  })
})
