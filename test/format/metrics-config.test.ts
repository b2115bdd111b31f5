import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  metricsConfig,
  parseMetricsMode,
  truncateLowerBound,
  truncateUpperBound,
} from '../../src/format/metrics-config.ts'
import type { MetricsMode } from '../../src/format/metrics-config.ts'
import { createSchema } from '../../src/format/schema.ts'
import { createSortOrder, UNSORTED } from '../../src/format/sort-order.ts'
import { compareDatum } from '../../src/format/values/literal.ts'
import { typedValue } from './values/arbitraries.ts'
import { bytes, primitive } from './values/value-vectors.ts'

const schema = createSchema({
  fields: [
    { id: 1, name: 'a', required: false, type: { kind: 'string' } },
    {
      id: 2,
      name: 's',
      required: false,
      type: { kind: 'struct', fields: [{ id: 3, name: 'x', required: false, type: { kind: 'int' } }] },
    },
    { id: 4, name: 'b', required: false, type: { kind: 'string' } },
  ],
})

const modes = (properties: Readonly<Record<string, string>>, order = UNSORTED) =>
  [1, 3, 4].map((id) => {
    const mode = metricsConfig(schema, order, properties).modeOf(id)
    return mode.kind === 'truncate' ? `truncate(${mode.length})` : mode.kind
  })

describe('metrics modes', () => {
  test.each([
    ['none', { kind: 'none' }],
    ['Counts', { kind: 'counts' }],
    ['FULL', { kind: 'full' }],
    ['truncate(16)', { kind: 'truncate', length: 16 }],
    ['truncate(0)', null],
    ['truncate', null],
    ['', null],
  ])("'%s'", (text, mode) => {
    expect(parseMetricsMode(text)).toEqual(mode)
  })

  test('are truncate(16) by default', () => {
    expect(modes({})).toEqual(['truncate(16)', 'truncate(16)', 'truncate(16)'])
  })

  test('come from the default, then the column', () => {
    const properties = {
      'write.metadata.metrics.default': 'counts',
      'write.metadata.metrics.column.s.x': 'full',
      'write.metadata.metrics.column.gone': 'full',
    }
    expect(modes(properties)).toEqual(['counts', 'full', 'counts'])
  })

  test('of columns beyond the inferred limit are none, unless set', () => {
    const limit = { 'write.metadata.metrics.max-inferred-column-defaults': '2' }
    // Of each struct its own leaves come first: a and b before s.x.
    expect(modes(limit)).toEqual(['truncate(16)', 'none', 'truncate(16)'])
    expect(modes({ ...limit, 'write.metadata.metrics.column.s.x': 'counts' })).toEqual([
      'truncate(16)',
      'counts',
      'truncate(16)',
    ])
    expect(modes({ ...limit, 'write.metadata.metrics.default': 'full' })).toEqual(['full', 'full', 'full'])
    expect(modes({ 'write.metadata.metrics.max-inferred-column-defaults': '0' })).toEqual([
      'none',
      'none',
      'none',
    ])
    const wide = createSchema({
      fields: Array.from({ length: 101 }, (_, i) => ({
        id: i + 1,
        name: `c${i}`,
        required: false,
        type: { kind: 'int' } as const,
      })),
    })
    const config = metricsConfig(wide, UNSORTED, {})
    expect([config.modeOf(100).kind, config.modeOf(101).kind]).toEqual(['truncate', 'none'])
  })

  test('of sort columns keep bounds, unless set', () => {
    const order = createSortOrder(schema, [{ source: 'b' }, { source: 'a', transform: 'bucket[4]' }])
    expect(modes({ 'write.metadata.metrics.default': 'none' }, order)).toEqual([
      'none',
      'none',
      'truncate(16)',
    ])
    expect(modes({ 'write.metadata.metrics.default': 'full' }, order)).toEqual(['full', 'full', 'full'])
    const column = { 'write.metadata.metrics.default': 'none', 'write.metadata.metrics.column.b': 'counts' }
    expect(modes(column, order)).toEqual(['none', 'none', 'counts'])
  })

  test('that cannot be read count as not set', () => {
    expect(
      modes({ 'write.metadata.metrics.default': 'some', 'write.metadata.metrics.column.a': 'x' }),
    ).toEqual(['truncate(16)', 'truncate(16)', 'truncate(16)'])
  })

  test('of what is no leaf column are none', () => {
    expect(metricsConfig(schema, UNSORTED, {}).modeOf(2).kind).toBe('none')
  })
})

const three: MetricsMode = { kind: 'truncate', length: 3 }

describe('bounds', () => {
  test.each([
    ['string', 'abcdef', 'abc', 'abd'],
    ['string', 'abc', 'abc', 'abc'],
    ['string', '', '', ''],
    ['string', '\u{10ffff}'.repeat(4), '\u{10ffff}'.repeat(3), null],
    ['string', 'aa\ud7ffz', 'aa\ud7ff', 'aa\ue000'],
    ['binary', bytes('01020304'), bytes('010203'), bytes('010204')],
    ['binary', bytes('01ffff04'), bytes('01ffff'), bytes('02')],
    ['binary', bytes('ffffffff'), bytes('ffffff'), null],
    ['binary', bytes('ffffff'), bytes('ffffff'), bytes('ffffff')],
    ['fixed[4]', bytes('01020304'), bytes('010203'), bytes('010204')],
    ['long', 123456n, 123456n, 123456n],
    [
      'uuid',
      'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    ],
    ['double', Number.NaN, null, null],
    ['double', -0, -0, -0],
  ])('of %s %s, cut to three', (type, value, lower, upper) => {
    expect(truncateLowerBound(primitive(type), value, three)).toEqual(lower)
    expect(truncateUpperBound(primitive(type), value, three)).toEqual(upper)
  })

  test('are whole, or none, as the mode says', () => {
    for (const cut of [truncateLowerBound, truncateUpperBound]) {
      expect(cut({ kind: 'string' }, 'abcdef', { kind: 'full' })).toBe('abcdef')
      expect(cut({ kind: 'string' }, 'abcdef', { kind: 'none' })).toBeNull()
      expect(cut({ kind: 'string' }, 'abcdef', { kind: 'counts' })).toBeNull()
      expect(cut({ kind: 'geometry', crs: null }, bytes('00'), { kind: 'full' })).toBeNull()
    }
  })

  test('enclose the value, whatever it is', () => {
    fc.assert(
      fc.property(typedValue, fc.integer({ min: 1, max: 6 }), ({ type, value }, length) => {
        const mode: MetricsMode = { kind: 'truncate', length }
        const lower = truncateLowerBound(type, value, mode)
        const upper = truncateUpperBound(type, value, mode)
        if (lower !== null) expect(compareDatum(type, lower, value)).toBeLessThanOrEqual(0)
        if (upper !== null) expect(compareDatum(type, upper, value)).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 1000 },
    )
  })
})
