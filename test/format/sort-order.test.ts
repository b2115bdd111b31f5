import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import type { SortOrderJson } from '../../src/format/metadata/table-metadata.ts'
import { createSchema } from '../../src/format/schema.ts'
import {
  createSortOrder,
  sameSortFields,
  sortOrderFromJson,
  sortOrderProblems,
  sortOrderToJson,
  UNSORTED,
} from '../../src/format/sort-order.ts'

const schema = createSchema({
  fields: [
    { id: 1, name: 'id', required: true, type: { kind: 'long' } },
    { id: 2, name: 'ratio', required: false, type: { kind: 'double' } },
    {
      id: 3,
      name: 'tags',
      required: false,
      type: { kind: 'list', elementId: 4, elementRequired: false, element: { kind: 'string' } },
    },
  ],
})

// Iceberg spec, Appendix C, "Sort Orders".
const json: SortOrderJson = {
  'order-id': 1,
  fields: [
    { transform: 'identity', 'source-id': 2, direction: 'asc', 'null-order': 'nulls-first' },
    { transform: 'bucket[4]', 'source-id': 3, direction: 'desc', 'null-order': 'nulls-last' },
  ],
}

describe('JSON', () => {
  test('comes back as it was', () => {
    expect(sortOrderToJson(sortOrderFromJson(json))).toEqual(json)
    expect(sortOrderFromJson(json)).toBe(sortOrderFromJson(json))
    expect(sortOrderToJson(UNSORTED)).toEqual({ 'order-id': 0, fields: [] })
  })

  test('with a transform or column that is not known is carried', () => {
    const odd: SortOrderJson = {
      'order-id': 2,
      fields: [{ transform: 'zorder[3]', 'source-id': 99, direction: 'asc', 'null-order': 'nulls-last' }],
    }
    expect(sortOrderToJson(sortOrderFromJson(odd))).toEqual(odd)
  })

  test.each([
    ['direction', 'up'],
    ['null-order', 'nulls-middle'],
    ['source-id', '1'],
  ])('of a wrong %s is malformed', (key, value) => {
    const [first] = json.fields
    const broken: unknown = { 'order-id': 1, fields: [{ ...first, [key]: value }] }
    expect(() => sortOrderFromJson(broken as SortOrderJson)).toThrow(`sort-order.fields[0].${key}: expected`)
  })
})

describe('an order of our own', () => {
  test('has nulls first when ascending and last when descending', () => {
    expect(createSortOrder(schema, [{ source: 'id' }, { source: 'ratio', direction: 'desc' }])).toEqual({
      orderId: 1,
      fields: [
        { sourceId: 1, transform: { kind: 'identity' }, direction: 'asc', nullOrder: 'nulls-first' },
        { sourceId: 2, transform: { kind: 'identity' }, direction: 'desc', nullOrder: 'nulls-last' },
      ],
    })
  })

  test('without fields is the unsorted one', () => {
    expect(createSortOrder(schema, [], { orderId: 5 })).toBe(UNSORTED)
  })

  test.each([
    ['nope', 'identity'],
    ['tags', 'identity'],
    ['tags.element', 'identity'],
    ['ratio', 'bucket[4]'],
    ['id', 'zorder'],
  ])('cannot sort by %s under %s', (source, transform) => {
    expect(sortOrderProblems(schema, [{ source, transform }])).toHaveLength(1)
    expect(() => createSortOrder(schema, [{ source, transform }])).toThrow(InvalidArgumentError)
  })

  test('is the same as another whatever the ids of the two', () => {
    const a = createSortOrder(schema, [{ source: 'id' }])
    expect(sameSortFields(a, createSortOrder(schema, [{ source: 'id' }], { orderId: 9 }))).toBe(true)
    expect(sameSortFields(a, createSortOrder(schema, [{ source: 'id', direction: 'desc' }]))).toBe(false)
    expect(sameSortFields(a, createSortOrder(schema, [{ source: 'id', nullOrder: 'nulls-last' }]))).toBe(
      false,
    )
    expect(sameSortFields(a, createSortOrder(schema, [{ source: 'id', transform: 'bucket[2]' }]))).toBe(false)
    expect(sameSortFields(a, UNSORTED)).toBe(false)
  })
})
