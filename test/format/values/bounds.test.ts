import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../../src/errors.ts'
import { decodeBound, rangeOf } from '../../../src/format/values/bounds.ts'
import { bytes, primitive } from './value-vectors.ts'

describe('stored bounds', () => {
  test.each([
    ['float', '0000c07f'],
    ['double', '000000000000f87f'],
    ['double', '000000000000f8ff'],
    // A float's NaN, read after promotion to double.
    ['double', '0000c07f'],
  ])('of %s that are NaN tell nothing', (type, hex) => {
    expect(decodeBound(primitive(type), bytes(hex))).toBeNull()
  })

  test.each([
    ['long', '220000'],
    ['string', 'c3'],
    ['decimal(9, 2)', ''],
    ['geometry', '00'],
    ['unknown', ''],
  ])('of %s that are no values tell nothing', (type, hex) => {
    expect(decodeBound(primitive(type), bytes(hex))).toBeNull()
  })

  test('that are absent tell nothing, and zero and empty are values', () => {
    expect(decodeBound({ kind: 'int' }, null)).toBeNull()
    expect(decodeBound({ kind: 'int' }, undefined)).toBeNull()
    expect(decodeBound({ kind: 'int' }, bytes('00000000'))).toBe(0)
    expect(decodeBound({ kind: 'string' }, bytes(''))).toBe('')
    expect(decodeBound({ kind: 'boolean' }, bytes('00'))).toBe(false)
  })
})

describe('the range of values', () => {
  const double = primitive('double')

  test('has no NaN in its bounds, and counts them', () => {
    expect(rangeOf(double, [3, Number.NaN, 5, null])).toEqual({
      lower: 3,
      upper: 5,
      nullCount: 1,
      nanCount: 1,
    })
    expect(rangeOf(double, [Number.NaN])).toEqual({ lower: null, upper: null, nullCount: 0, nanCount: 1 })
    expect(rangeOf(double, [])).toEqual({ lower: null, upper: null, nullCount: 0, nanCount: 0 })
  })

  test('has -0.0 below 0.0, whichever comes first', () => {
    for (const values of [
      [0, -0],
      [-0, 0],
    ]) {
      const { lower, upper } = rangeOf(double, values)
      expect(lower).toBe(-0)
      expect(upper).toBe(0)
    }
  })

  test('takes falsy values for values', () => {
    expect(rangeOf({ kind: 'string' }, ['', 'a', null])).toMatchObject({
      lower: '',
      upper: 'a',
      nullCount: 1,
    })
    expect(rangeOf({ kind: 'boolean' }, [true, false])).toMatchObject({ lower: false, upper: true })
    expect(rangeOf({ kind: 'long' }, [0n, 1n])).toMatchObject({ lower: 0n, upper: 1n })
  })

  test('refuses values of another type', () => {
    expect(() => rangeOf({ kind: 'string' }, ['a', 1])).toThrow(InvalidArgumentError)
  })
})
