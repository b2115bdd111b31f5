import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PositionSet } from '../../src/format/position-set.ts'

const positions = fc.uniqueArray(fc.nat({ max: 3000 }), { maxLength: 200 })

function ascending(values: Iterable<number>): readonly number[] {
  return [...values].sort((a, b) => a - b)
}

describe('a set of positions', () => {
  test('holds what was added, once, in order', () => {
    const set = PositionSet.of([9, 0, 7, 8, 9, 5000])
    expect([...set]).toStrictEqual([0, 7, 8, 9, 5000])
    expect(set.size).toBe(5)
    expect([set.has(8), set.has(6), set.has(70_000)]).toStrictEqual([true, false, false])
    expect([set.first, set.last]).toStrictEqual([0, 5000])
  })

  test('of a range has all of it, and nothing above', () => {
    for (const count of [0, 1, 7, 8, 9, 1024, 1025]) {
      const set = PositionSet.upTo(count)
      expect([...set]).toStrictEqual(Array.from({ length: count }, (_, at) => at))
      expect(set.size).toBe(count)
      expect(set.has(count)).toBe(false)
    }
  })

  test('without positions has no first and no last', () => {
    const set = new PositionSet()
    expect([set.first, set.last, set.size]).toStrictEqual([null, null, 0])
  })

  test('joins and differs as a set of numbers does', () => {
    fc.assert(
      fc.property(positions, positions, (left, right) => {
        const joined = PositionSet.of(left)
        joined.addAll(PositionSet.of(right))
        expect([...joined]).toStrictEqual(ascending(new Set([...left, ...right])))
        expect(joined.size).toBe(new Set([...left, ...right]).size)
        const differing = PositionSet.of(left)
        differing.removeAll(PositionSet.of(right))
        const without = left.filter((position) => !right.includes(position))
        expect([...differing]).toStrictEqual(ascending(without))
        expect(differing.size).toBe(without.length)
        expect(differing.first).toBe(ascending(without)[0] ?? null)
        expect(differing.last).toBe(ascending(without).at(-1) ?? null)
      }),
    )
  })

  test('as bytes has a bit for each position below the count', () => {
    expect(PositionSet.of([0, 9, 10, 300]).toBytes(10)).toStrictEqual(new Uint8Array([1, 2]))
    expect(PositionSet.of([1]).toBytes(5000)).toHaveLength(625)
  })
})
