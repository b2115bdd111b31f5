import { describe, expect, test } from 'vitest'
import { evolveColumnProperties } from '../../../src/format/evolution/evolve-column-properties.ts'
import { add, drop, evolve, rename, schemaOf } from './support.ts'

const schema = schemaOf('a: int, b: int, s: struct<x: int>')
const METRICS = 'write.metadata.metrics.column.'
const BLOOM = 'write.parquet.bloom-filter-enabled.column.'
const properties = {
  [`${METRICS}a`]: 'full',
  [`${METRICS}s.x`]: 'none',
  [`${BLOOM}b`]: 'true',
  [`${METRICS}nobody`]: 'full',
  owner: 'a',
}

describe('properties of columns', () => {
  test('follow a rename, also of the struct around', () => {
    const after = evolve(schema, [rename('a', 'c'), rename('s', 't')]).schema
    expect(evolveColumnProperties(properties, schema, after)).toEqual({
      set: { [`${METRICS}c`]: 'full', [`${METRICS}t.x`]: 'none' },
      remove: [`${METRICS}a`, `${METRICS}s.x`],
    })
  })

  test('go with their column, and are not taken over by a new one of that name', () => {
    const after = evolve(schema, [drop('b'), add('b', 'int')]).schema
    expect(evolveColumnProperties(properties, schema, after)).toEqual({ set: {}, remove: [`${BLOOM}b`] })
  })

  test('change places with their columns', () => {
    const both = { [`${METRICS}a`]: 'full', [`${METRICS}b`]: 'none' }
    const after = evolve(schema, [rename('a', 't'), rename('b', 'a'), rename('t', 'b')]).schema
    expect(evolveColumnProperties(both, schema, after)).toEqual({
      set: { [`${METRICS}b`]: 'full', [`${METRICS}a`]: 'none' },
      remove: [],
    })
  })

  test('stay where nothing happened to their column', () => {
    const after = evolve(schema, [add('n', 'int')]).schema
    expect(evolveColumnProperties(properties, schema, after)).toEqual({ set: {}, remove: [] })
  })
})
