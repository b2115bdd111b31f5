import { describe, expect, test } from 'vitest'
import { evaluatePartition } from '../../../src/format/expressions/evaluate-partition.ts'
import { tupleFilter } from '../../../src/format/expressions/tuple-filter.ts'
import { createSpec } from '../../../src/format/partition-spec.ts'
import { createSchema } from '../../../src/format/schema.ts'

const schema = createSchema({
  fields: [
    { id: 1, name: 'word', required: false, type: { kind: 'string' } },
    { id: 2, name: 'x', required: false, type: { kind: 'double' } },
    { id: 3, name: 'n', required: false, type: { kind: 'long' } },
  ],
})
const spec = createSpec(schema, [
  { source: 'word', transform: 'identity' },
  { source: 'x', transform: 'identity' },
  { source: 'n', transform: 'bucket[4]' },
])

describe('the filter of a partition', () => {
  const tuples = [
    ['a', 0.5, 1],
    ['', 0.5, 1],
    [null, 0.5, 1],
    ['a', Number.NaN, 1],
    ['a', null, 1],
    ['a', 0.5, 0],
    ['a', 0.5, null],
  ]

  test.each(tuples.map((tuple) => [tuple]))('%j passes itself and no other', (tuple) => {
    const filter = tupleFilter(spec, schema, tuple)
    expect(tuples.filter((each) => evaluatePartition(filter, each))).toEqual([tuple])
  })

  test('of an unpartitioned table passes everything', () => {
    expect(tupleFilter(createSpec(schema, []), schema, [])).toEqual({ over: 'partition', op: 'true' })
  })
})
