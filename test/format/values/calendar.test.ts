import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  civilOfDays,
  daysOfCivil,
  daysOfMicros,
  daysOfNanos,
  floorDiv,
  floorMod,
  hoursOfMicros,
  hoursOfNanos,
  isCivilDate,
  monthsOfDays,
  yearsOfDays,
} from '../../../src/format/values/calendar.ts'

describe('the calendar', () => {
  test('agrees with Date on every day of 1900 to 2100', () => {
    const first = Date.UTC(1900, 0, 1) / 86_400_000
    const last = Date.UTC(2100, 11, 31) / 86_400_000
    for (let days = first; days <= last; days += 1) {
      const date = new Date(days * 86_400_000)
      const civil = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
      expect(civilOfDays(days)).toEqual(civil)
      expect(daysOfCivil(civil)).toBe(days)
    }
  })

  test('turns every day of an int back into itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: -0x80000000, max: 0x7fffffff }), (days) => {
        const civil = civilOfDays(days)
        expect(isCivilDate(civil)).toBe(true)
        expect(daysOfCivil(civil)).toBe(days)
      }),
    )
  })

  test.each([
    [2024, 2, 29, true],
    [2023, 2, 29, false],
    [1900, 2, 29, false],
    [2000, 2, 29, true],
    [2024, 4, 31, false],
    [2024, 0, 1, false],
    [2024, 13, 1, false],
    [2024, 1, 0, false],
  ])('knows whether %i-%i-%i exists', (year, month, day, exists) => {
    expect(isCivilDate({ year, month, day })).toBe(exists)
  })

  test('counts years and months before 1970 downwards', () => {
    const november30 = daysOfCivil({ year: 1969, month: 11, day: 30 })
    expect(monthsOfDays(november30)).toBe(-2)
    expect(monthsOfDays(-1)).toBe(-1)
    expect(monthsOfDays(0)).toBe(0)
    expect(yearsOfDays(-1)).toBe(-1)
    expect(yearsOfDays(-366)).toBe(-2)
    expect(yearsOfDays(-365)).toBe(-1)
  })

  test('divides times with floor over the whole range of a long', () => {
    const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
    fc.assert(
      fc.property(fc.oneof(int64, fc.bigInt({ min: -(1n << 54n), max: 1n << 54n })), (units) => {
        expect(daysOfMicros(units)).toBe(Number(floorDiv(units, 86_400_000_000n)))
        expect(hoursOfMicros(units)).toBe(Number(floorDiv(units, 3_600_000_000n)))
        expect(daysOfNanos(units)).toBe(Number(floorDiv(units, 86_400_000_000_000n)))
        expect(hoursOfNanos(units)).toBe(Number(floorDiv(units, 3_600_000_000_000n)))
      }),
    )
  })

  test('divides exactly at the edges of hours and days where numbers grow coarse', () => {
    for (const hour of [-2_501_999, -2_500_001, -1, 0, 1, 2_500_001, 2_501_998]) {
      const start = BigInt(hour) * 3_600_000_000n
      expect(hoursOfMicros(start - 1n)).toBe(hour - 1)
      expect(hoursOfMicros(start)).toBe(hour)
      expect(hoursOfMicros(start + 3_599_999_999n)).toBe(hour)
    }
  })

  test('floorDiv and floorMod make up the value, with a remainder in [0, divisor)', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt({ min: 1n, max: 1n << 70n }), (value, divisor) => {
        const remainder = floorMod(value, divisor)
        expect(floorDiv(value, divisor) * divisor + remainder).toBe(value)
        expect(remainder >= 0n && remainder < divisor).toBe(true)
      }),
    )
  })
})
