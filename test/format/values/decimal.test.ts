import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bytesForPrecision,
  fitsPrecision,
  formatDecimal,
  parseDecimal,
  rescale,
} from '../../../src/format/values/decimal.ts'

describe('decimal text', () => {
  test.each([
    ['14.20', 1420n, 2],
    ['-0.05', -5n, 2],
    ['+1', 1n, 0],
    ['.5', 5n, 1],
    ['5.', 5n, 0],
    ['2E+20', 2n, -20],
    ['1.5e-3', 15n, 4],
    ['-00.10', -10n, 2],
  ])('%s', (text, unscaled, scale) => {
    expect(parseDecimal(text)).toEqual({ unscaled, scale })
  })

  test.each([
    '',
    '.',
    '-',
    'e5',
    '1e',
    '1.2.3',
    'NaN',
    'Infinity',
    '0x10',
    '1_000',
    ' 1',
    '1 ',
    '1e99999',
    '١',
  ])("'%s' is no decimal", (text) => {
    expect(parseDecimal(text)).toBeNull()
  })

  test.each([
    [1420n, 2, '14.20'],
    [-5n, 2, '-0.05'],
    [0n, 2, '0.00'],
    [0n, 0, '0'],
    [-7n, 0, '-7'],
    [2n, -20, '2E+20'],
    [1n, 38, `0.${'0'.repeat(37)}1`],
  ])('%s at scale %i is %s', (unscaled, scale, text) => {
    expect(formatDecimal(unscaled, scale)).toBe(text)
  })

  test('comes back with its scale', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }),
        fc.integer({ min: -20, max: 38 }),
        (unscaled, scale) => {
          expect(parseDecimal(formatDecimal(unscaled, scale))).toEqual({ unscaled, scale })
        },
      ),
    )
  })
})

test('rescaling loses nothing but zeros', () => {
  expect(rescale({ unscaled: 1420n, scale: 2 }, 1)).toBe(142n)
  expect(rescale({ unscaled: 1421n, scale: 2 }, 1)).toBeNull()
  expect(rescale({ unscaled: -142n, scale: 1 }, 3)).toBe(-14200n)
  expect(rescale({ unscaled: 0n, scale: 9999 }, 0)).toBe(0n)
  expect(rescale({ unscaled: 2n, scale: -20 }, 0)).toBe(2n * 10n ** 20n)
})

test('a precision counts digits', () => {
  expect(fitsPrecision(99n, 2)).toBe(true)
  expect(fitsPrecision(100n, 2)).toBe(false)
  expect(fitsPrecision(-99n, 2)).toBe(true)
  expect(fitsPrecision(-100n, 2)).toBe(false)
})

// The reference implementation's table of minimum lengths, spot-checked at every step.
test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 2],
  [5, 3],
  [6, 3],
  [7, 4],
  [9, 4],
  [10, 5],
  [11, 5],
  [12, 6],
  [14, 6],
  [15, 7],
  [16, 7],
  [17, 8],
  [18, 8],
  [19, 9],
  [20, 9],
  [38, 16],
])('decimals of %i digits are stored in %i bytes', (precision, length) => {
  expect(bytesForPrecision(precision)).toBe(length)
})
