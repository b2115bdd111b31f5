import { describe, expect, test } from 'vitest'
import {
  canTransform,
  parseTransform,
  transformResultType,
  transformToString,
} from '../../../src/format/transforms/transform.ts'
import { primitive } from '../values/value-vectors.ts'

describe('the text of a transform', () => {
  test.each([
    ['identity', { kind: 'identity' }],
    ['bucket[16]', { kind: 'bucket', buckets: 16 }],
    ['truncate[2147483647]', { kind: 'truncate', width: 2147483647 }],
    ['year', { kind: 'year' }],
    ['month', { kind: 'month' }],
    ['day', { kind: 'day' }],
    ['hour', { kind: 'hour' }],
    ['void', { kind: 'void' }],
  ])('%s', (text, transform) => {
    expect(parseTransform(text)).toEqual(transform)
    expect(transformToString(parseTransform(text))).toBe(text)
    expect(parseTransform(text.toUpperCase())).toEqual(transform)
  })

  test.each([
    'zorder',
    'Bucket',
    'bucket',
    'bucket[0]',
    'bucket[-1]',
    'bucket[2147483648]',
    'truncate[x]',
    '',
    'years',
  ])("'%s' is carried as it is", (text) => {
    expect(parseTransform(text)).toEqual({ kind: 'unknown', text })
    expect(transformToString(parseTransform(text))).toBe(text)
  })
})

// Iceberg spec, "Partition Transforms": the table of source types.
const ALL = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'decimal(9, 2)',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'fixed[4]',
  'binary',
  'unknown',
  'geometry',
  'geography',
]
const TIMES = ['timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns']
const ALLOWED: readonly (readonly [string, readonly string[]])[] = [
  ['identity', ALL.filter((type) => !type.startsWith('geo'))],
  [
    'bucket[4]',
    ALL.filter((type) => !['boolean', 'float', 'double', 'unknown', 'geometry', 'geography'].includes(type)),
  ],
  ['truncate[4]', ['int', 'long', 'decimal(9, 2)', 'string', 'binary']],
  ['year', ['date', ...TIMES]],
  ['month', ['date', ...TIMES]],
  ['day', ['date', ...TIMES]],
  ['hour', TIMES],
  ['void', ALL],
  ['zorder', []],
]

describe('the source types of a transform', () => {
  test.each(ALLOWED)('%s', (transform, allowed) => {
    expect(ALL.filter((type) => canTransform(parseTransform(transform), primitive(type)))).toEqual(
      ALL.filter((type) => allowed.includes(type)),
    )
  })

  test('are never nested', () => {
    for (const text of ['identity', 'bucket[4]', 'truncate[4]', 'year', 'hour']) {
      expect(canTransform(parseTransform(text), { kind: 'struct', fields: [] })).toBe(false)
      expect(canTransform(parseTransform(text), { kind: 'variant' })).toBe(false)
    }
  })
})

test.each([
  ['identity', 'uuid', 'uuid'],
  ['truncate[4]', 'decimal(9, 2)', 'decimal(9, 2)'],
  ['void', 'string', 'string'],
  ['bucket[4]', 'string', 'int'],
  ['year', 'date', 'int'],
  ['month', 'timestamp', 'int'],
  ['day', 'timestamp', 'date'],
  ['hour', 'timestamptz_ns', 'int'],
  ['zorder', 'int', 'unknown'],
])('%s of %s gives %s', (transform, source, result) => {
  expect(transformResultType(parseTransform(transform), primitive(source))).toEqual(primitive(result))
})
