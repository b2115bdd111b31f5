import { describe, expect, test } from 'vitest'
import { canPromote } from '../../../src/format/evolution/promotion.ts'
import { parseType } from '../../../src/format/type-text.ts'

const TYPES = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'decimal(9, 2)',
  'decimal(10, 2)',
  'decimal(10, 3)',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'fixed[4]',
  'fixed[8]',
  'binary',
  'unknown',
  'variant',
  'list<int>',
  'list<long>',
  'struct<x: int>',
]

/** The whole table of the Iceberg spec, "Schema Evolution". */
const V1_AND_V2 = ['int > long', 'float > double', 'decimal(9, 2) > decimal(10, 2)']
const V3 = [
  ...V1_AND_V2,
  'date > timestamp',
  'date > timestamp_ns',
  ...TYPES.filter((type) => type !== 'unknown').map((type) => `unknown > ${type}`),
]

describe.each([
  [1, V1_AND_V2],
  [2, V1_AND_V2],
  [3, V3],
] as const)('format version %i', (version, allowed) => {
  test('allows exactly these promotions', () => {
    const found = TYPES.flatMap((from) =>
      TYPES.filter((to) => canPromote(parseType(from), parseType(to), version)).map(
        (to) => `${from} > ${to}`,
      ),
    )
    expect(found.sort()).toEqual([...allowed].sort())
  })
})
