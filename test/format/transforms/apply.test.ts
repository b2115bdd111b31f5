import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, UnsupportedFeatureError } from '../../../src/errors.ts'
import { applyTransform } from '../../../src/format/transforms/apply.ts'
import { canTransform, parseTransform, preservesOrder } from '../../../src/format/transforms/transform.ts'
import type { Datum, PrimitiveType } from '../../../src/format/types.ts'
import { compareDatum } from '../../../src/format/values/literal.ts'
import { valueToDatum } from '../../../src/format/values/value.ts'
import type { Value } from '../../../src/format/values/value.ts'
import { typedPair, typedValue } from '../values/arbitraries.ts'
import { bytes, primitive, valueVectors } from '../values/value-vectors.ts'

function apply(transform: string, type: string, value: Value): Datum | null {
  const parsed = primitive(type)
  return applyTransform(
    parseTransform(transform),
    parsed,
    value === null ? null : valueToDatum(parsed, value),
  )
}

describe('transforms', () => {
  test('are those of PyIceberg', () => {
    let count = 0
    for (const { type, value, transforms } of valueVectors) {
      for (const { transform, result } of transforms) {
        count += 1
        expect([transform, type, value, applyTransform(parseTransform(transform), type, value)]).toEqual([
          transform,
          type,
          value,
          result,
        ])
      }
    }
    expect(count).toBeGreaterThan(500)
  })

  // Iceberg spec, "Truncate Transform Details".
  test.each([
    ['truncate[10]', 'int', 1, 0],
    ['truncate[10]', 'int', -1, -10],
    ['truncate[10]', 'long', 1n, 0n],
    ['truncate[10]', 'long', -1n, -10n],
    ['truncate[50]', 'decimal(9, 2)', '10.65', 1050n],
    ['truncate[50]', 'decimal(9, 2)', '-0.01', -50n],
    ['truncate[3]', 'string', 'iceberg', 'ice'],
    ['truncate[3]', 'string', '\u{1f600}\u{1f600}\u{1f600}\u{1f600}', '\u{1f600}\u{1f600}\u{1f600}'],
    ['truncate[3]', 'binary', bytes('0102030405'), bytes('010203')],
  ])('%s of %s %s', (transform, type, value, result) => {
    expect(apply(transform, type, value)).toEqual(result)
  })

  describe('of times before 1970 go down', () => {
    test.each(['timestamp', 'timestamp_ns'])('%s', (type) => {
      const last = '1969-12-31T23:59:59'
      const before = '1969-12-31T22:59:59.999999'
      const epoch = '1970-01-01T00:00:00'
      expect([last, before, epoch].map((value) => apply('hour', type, value))).toEqual([-1, -2, 0])
      expect([last, before, epoch].map((value) => apply('day', type, value))).toEqual([-1, -1, 0])
      expect([last, before, epoch].map((value) => apply('month', type, value))).toEqual([-1, -1, 0])
      expect([last, before, epoch].map((value) => apply('year', type, value))).toEqual([-1, -1, 0])
      expect(apply('month', type, '1969-11-30T23:59:59.999999')).toBe(-2)
    })

    test('date', () => {
      expect(apply('day', 'date', '1969-12-31')).toBe(-1)
      expect(apply('month', 'date', '1969-11-30')).toBe(-2)
      expect(apply('year', 'date', '1968-12-31')).toBe(-2)
    })

    test('zoned times by their UTC', () => {
      expect(apply('day', 'timestamptz', '1970-01-01T00:30:00+01:00')).toBe(-1)
      expect(apply('hour', 'timestamptz_ns', '1970-01-01T00:30:00+01:00')).toBe(-1)
    })
  })

  // 1.28 hashes the two bytes 00 80, -1.28 the one byte 80.
  test.each([
    ['-1.28', 13],
    ['-327.68', 3],
    ['1.28', 5],
    ['-1.29', 1],
  ])('a decimal of %s is in bucket %i', (value, bucket) => {
    expect(apply('bucket[16]', 'decimal(7, 2)', value)).toBe(bucket)
  })

  test('a uuid is bucketed by its bytes', () => {
    expect(apply('bucket[16]', 'uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7')).toBe(12)
    expect(apply('bucket[16]', 'uuid', 'F79C3E09-677C-4BBD-A479-3F349CB785E7')).toBe(12)
  })

  describe('give null for null only', () => {
    test('bucket[16] of the integer zero is 12', () => {
      expect(apply('bucket[16]', 'int', 0)).toBe(12)
      expect(apply('bucket[16]', 'int', 1)).toBe(4)
      expect(apply('bucket[16]', 'int', null)).toBeNull()
    })

    test.each<readonly [string, Value]>([
      ['int', 0],
      ['long', 0n],
      ['string', ''],
      ['binary', new Uint8Array(0)],
      ['date', '1970-01-01'],
      ['timestamp', '1970-01-01T00:00:00'],
      ['decimal(9, 2)', '0.00'],
      ['boolean', false],
      ['float', 0],
    ])('%s %s is a value', (type, value) => {
      const parsed = primitive(type)
      for (const text of ['identity', 'bucket[16]', 'truncate[10]', 'year', 'month', 'day', 'hour']) {
        const transform = parseTransform(text)
        if (!canTransform(transform, parsed)) continue
        expect(applyTransform(transform, parsed, valueToDatum(parsed, value))).not.toBeNull()
        expect(applyTransform(transform, parsed, null)).toBeNull()
      }
    })

    test('but void, for everything', () => {
      expect(apply('void', 'int', 1)).toBeNull()
      expect(applyTransform(parseTransform('void'), { kind: 'geometry', crs: null }, bytes('00'))).toBeNull()
    })
  })

  test('bucket is in [0, N), and the same for an int and the long it may become', () => {
    fc.assert(
      fc.property(typedValue, fc.integer({ min: 1, max: 0x7fffffff }), ({ type, value }, buckets) => {
        const transform = { kind: 'bucket', buckets } as const
        if (!canTransform(transform, type)) return
        const bucket = Number(applyTransform(transform, type, value))
        expect(Number.isInteger(bucket) && bucket >= 0 && bucket < buckets).toBe(true)
        if (type.kind === 'int') {
          expect(applyTransform(transform, { kind: 'long' }, BigInt(Number(value)))).toBe(bucket)
        }
      }),
    )
  })

  test('truncate is idempotent, never above its value and less than one width below', () => {
    fc.assert(
      fc.property(typedValue, fc.integer({ min: 1, max: 1000 }), ({ type, value }, width) => {
        const transform = { kind: 'truncate', width } as const
        if (!canTransform(transform, type)) return
        const cut = applyTransform(transform, type, value)
        if (cut === null) throw new Error('null for a value')
        expect(applyTransform(transform, type, cut)).toEqual(cut)
        expect(compareDatum(type, cut, value)).toBeLessThanOrEqual(0)
        if (typeof cut === 'bigint' || typeof cut === 'number') {
          expect(BigInt(Number(value) === value ? value : String(value)) - BigInt(cut) < BigInt(width)).toBe(
            true,
          )
        }
      }),
    )
  })

  test('that keep order keep it', () => {
    const order = ['identity', 'truncate[3]', 'year', 'month', 'day', 'hour'].map(parseTransform)
    fc.assert(
      fc.property(typedPair, fc.constantFrom(...order), ({ type, a, b }, transform) => {
        if (!canTransform(transform, type)) return
        expect(preservesOrder(transform)).toBe(true)
        const [low, high] = compareDatum(type, a, b) <= 0 ? [a, b] : [b, a]
        const [first, second] = [applyTransform(transform, type, low), applyTransform(transform, type, high)]
        if (first === null || second === null) throw new Error('null for a value')
        const resultType: PrimitiveType =
          typeof first === 'number' && type.kind !== 'float' && type.kind !== 'double'
            ? { kind: 'int' }
            : type
        expect(compareDatum(resultType, first, second)).toBeLessThanOrEqual(0)
      }),
      { numRuns: 500 },
    )
  })

  test('one after another of the same transform on two types do not mix', () => {
    const transform = parseTransform('day')
    expect(applyTransform(transform, { kind: 'date' }, 5)).toBe(5)
    expect(applyTransform(transform, { kind: 'timestamp' }, 86_400_000_000n)).toBe(1)
    expect(applyTransform(transform, { kind: 'timestamp_ns' }, 86_400_000_000n)).toBe(0)
    expect(applyTransform(transform, { kind: 'date' }, 6)).toBe(6)
  })

  test('that are not known are never applied', () => {
    expect(() => apply('zorder[3]', 'int', 1)).toThrow(UnsupportedFeatureError)
    expect(() => apply('bucket[0]', 'int', 1)).toThrow(UnsupportedFeatureError)
  })

  test('that the type does not allow are refused', () => {
    expect(() => apply('bucket[4]', 'double', 1)).toThrow(InvalidArgumentError)
    expect(() => apply('hour', 'date', '2020-01-01')).toThrow(InvalidArgumentError)
    expect(() => apply('truncate[4]', 'uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7')).toThrow(
      InvalidArgumentError,
    )
  })
})
