import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatDate,
  formatTimeOfDay,
  formatTimestamp,
  parseDate,
  parseTimeOfDay,
  parseTimestamp,
} from '../../../src/format/values/iso.ts'

describe('dates', () => {
  test.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2017-11-16', 17486],
    ['0001-01-01', -719162],
    ['0000-12-31', -719163],
    ['-0001-12-31', -719529],
    ['9999-12-31', 2932896],
    ['+10000-01-01', 2932897],
  ])('%s is day %i', (text, days) => {
    expect(parseDate(text)).toBe(days)
    expect(formatDate(days)).toBe(text)
  })

  test.each([
    '2023-02-29',
    '2023-13-01',
    '2023-00-01',
    '2023-1-1',
    '23-01-01',
    '10000-01-01',
    '-0000-01-01',
    '2023-01-01T',
    '',
    '2023/01/01',
  ])("'%s' is none", (text) => {
    expect(parseDate(text)).toBeNull()
  })
})

describe('times of day', () => {
  test.each([
    ['00:00', 0n],
    ['22:31:08', 81_068_000_000_000n],
    ['22:31:08.1', 81_068_100_000_000n],
    ['23:59:59.999999999', 86_399_999_999_999n],
    ['00:00:00.000000001000', 1n],
  ])('%s', (text, nanos) => {
    expect(parseTimeOfDay(text)).toBe(nanos)
  })

  test.each(['24:00', '23:60', '23:59:60', '1:00', '23:59:59.', '00:00:00.0000000001', '23', ''])(
    "'%s' is none",
    (text) => {
      expect(parseTimeOfDay(text)).toBeNull()
    },
  )

  test('are written with every digit of the type', () => {
    expect(formatTimeOfDay(81_068_000_001n, 6)).toBe('22:31:08.000001')
    expect(formatTimeOfDay(0n, 9)).toBe('00:00:00.000000000')
  })
})

describe('timestamps', () => {
  test.each([
    ['1970-01-01', 0n, 'date'],
    ['1969-12-31T23:59:59.999999', -1_000n, 'none'],
    ['1970-01-01 00:00', 0n, 'none'],
    ['1970-01-01T00:00:00Z', 0n, 'offset'],
    ['1970-01-01T00:00:00.000000001z', 1n, 'offset'],
    ['1970-01-01T01:00+01:00', 0n, 'offset'],
    ['1969-12-31T16:00:00-08', 0n, 'offset'],
    ['1970-01-01T05:30:00+0530', 0n, 'offset'],
    ['-0001-12-31T00:00:00', -719_529n * 86_400_000_000_000n, 'none'],
  ])('%s', (text, nanos, zone) => {
    expect(parseTimestamp(text)).toEqual({ nanos, zone })
  })

  test.each([
    '1970-01-01T',
    '1970-01-01Z',
    '1970-01-01T25:00',
    '1970-02-30T00:00',
    '1970-01-01T00:00:00+19:00',
    '1970-01-01T00:00:00+01:60',
    '1970-01-01T00:00:00 Europe/Berlin',
    '0',
    'now',
    '',
    `${'1970-01-01T00:00:00'.repeat(1000)}`,
  ])("'%s' is none", (text) => {
    expect(parseTimestamp(text)).toBeNull()
  })

  test('come back from their text over the whole range of a long', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (units) => {
        expect(parseTimestamp(formatTimestamp(units, 9))).toEqual({ nanos: units, zone: 'none' })
        expect(parseTimestamp(formatTimestamp(units, 6))).toEqual({ nanos: units * 1000n, zone: 'none' })
      }),
    )
  })

  test('are those of Date', () => {
    fc.assert(
      fc.property(
        fc.date({
          min: new Date('0000-01-01T00:00:00Z'),
          max: new Date('9999-12-31T23:59:59Z'),
          noInvalidDate: true,
        }),
        (date) => {
          const micros = BigInt(date.getTime()) * 1000n
          expect(`${formatTimestamp(micros, 6)}Z`).toBe(date.toISOString().replace(/(\.\d{3})Z/, '$1000Z'))
        },
      ),
    )
  })

  test('do not depend on the zone of the process', () => {
    const before = process.env['TZ']
    try {
      for (const zone of ['America/New_York', 'Asia/Kolkata', 'UTC']) {
        process.env['TZ'] = zone
        expect(parseTimestamp('2026-03-29T02:30:00')?.nanos).toBe(1_774_751_400_000_000_000n)
        expect(formatTimestamp(1_774_751_400_000_000n, 6)).toBe('2026-03-29T02:30:00.000000')
      }
    } finally {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    }
  })
})
