import { describe, expect, test } from 'vitest'
import { compareSchemas } from '../../../src/format/evolution/compare-schemas.ts'
import { schemaOf } from './support.ts'

describe('a table against a contract', () => {
  const table = schemaOf('b: string, a: long required, s: struct<x: int, z: int>, l: list<int>, e: date')

  test('is equal whatever the order and the ids', () => {
    const contract = schemaOf('a: long required, l: list<int>, e: date, s: struct<z: int, x: int>, b: string')
    expect(compareSchemas(contract, table)).toMatchObject({
      equal: true,
      matches: ['a', 'l', 'l.element', 'e', 's', 's.z', 's.x', 'b'],
    })
  })

  test('shows what does not match, column by column', () => {
    const contract = schemaOf(
      'a: int, s: struct<x: string, y: double>, l: list<int required>, m: uuid required',
    )
    expect(compareSchemas(contract, table)).toEqual({
      equal: false,
      matches: ['s', 'l'],
      typeMismatches: [
        { column: 'a', expected: 'int', actual: 'long' },
        { column: 's.x', expected: 'string', actual: 'int' },
      ],
      optionalityMismatches: [
        { column: 'a', expected: 'optional' },
        { column: 'l.element', expected: 'required' },
      ],
      missing: [
        { column: 's.y', type: 'double', required: false },
        { column: 'm', type: 'uuid', required: true },
      ],
      extra: [
        { column: 's.z', type: 'int', required: false },
        { column: 'b', type: 'string', required: false },
        { column: 'e', type: 'date', required: false },
      ],
    })
  })
})
