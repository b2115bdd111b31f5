import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareStrings, truncateString, truncateStringUp } from '../../../src/format/values/strings.ts'

const text = fc.string({ unit: 'binary', maxLength: 12 })
const utf8 = (value: string) => Buffer.from(value, 'utf8')

describe('strings', () => {
  test('sort as their UTF-8 bytes do', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(compareStrings(a, b)).toBe(Buffer.compare(utf8(a), utf8(b)))
      }),
      { numRuns: 1000 },
    )
    // In UTF-16 units it would be the other way round.
    expect(compareStrings('\ue000', '\u{10000}')).toBe(-1)
    expect(compareStrings('a\uffff', 'a\u{10ffff}')).toBe(-1)
  })

  test('are cut between code points', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 12 }), (value, length) => {
        expect(truncateString(value, length)).toBe([...value].slice(0, length).join(''))
      }),
      { numRuns: 1000 },
    )
    expect(truncateString('\u{1f600}\u{1f600}', 1)).toBe('\u{1f600}')
  })

  test.each([
    ['the last before the surrogates', 'a'.repeat(15) + '\ud7ffz', 'a'.repeat(15) + '\ue000'],
    ['nothing but the greatest', '\u{10ffff}'.repeat(20), null],
    ['the greatest last', 'a'.repeat(15) + '\u{10ffff}z', 'a'.repeat(14) + 'b'],
    ['full width', '\uff21'.repeat(40), '\uff21'.repeat(15) + '\uff22'],
    ['short enough', 'a'.repeat(16), 'a'.repeat(16)],
    ['the last of the basic plane', 'a'.repeat(15) + '\uffffz', 'a'.repeat(15) + '\u{10000}'],
  ])('are raised when cut for an upper bound: %s', (_, value, bound) => {
    expect(truncateStringUp(value, 16)).toBe(bound)
  })

  test('an upper bound is valid UTF-8, no longer than asked and never below the text', () => {
    const edgy = fc.array(fc.constantFrom('a', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          edgy.map((units) => units.join('')),
        ),
        fc.integer({ min: 1, max: 8 }),
        (value, length) => {
          const bound = truncateStringUp(value, length)
          if (bound === null) {
            expect([...value].slice(0, length).every((point) => point === '\u{10ffff}')).toBe(true)
            return
          }
          expect(utf8(bound).toString('utf8')).toBe(bound)
          expect([...bound].length).toBeLessThanOrEqual(length)
          expect(Buffer.compare(utf8(bound), utf8(value))).toBeGreaterThanOrEqual(0)
          // Everything with the kept prefix lies below it too.
          expect(Buffer.compare(utf8(bound), utf8(truncateString(value, length)))).toBeGreaterThanOrEqual(0)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
