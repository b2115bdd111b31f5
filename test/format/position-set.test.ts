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

  test('comes in runs of any length', () => {
    fc.assert(
      fc.property(positions, fc.integer({ min: 1, max: 70 }), (values, length) => {
        const runs = [...PositionSet.of(values).runs(length)].map((run) => run.length)
        // A run is used again: each is looked at before the next is asked for.
        const joined: number[] = []
        for (const run of PositionSet.of(values).runs(length)) joined.push(...run)
        expect(joined).toStrictEqual(ascending(values))
        expect(runs.every((count) => count > 0 && count <= length)).toBe(true)
        expect(runs).toHaveLength(Math.ceil(values.length / length))
      }),
    )
  })

  test('takes positions as bytes, from a multiple of eight on, beside those it has', () => {
    fc.assert(
      fc.property(positions, positions, fc.nat({ max: 400 }), (before, added, start) => {
        const set = PositionSet.of(before)
        set.addBytes(start * 8, PositionSet.of(added).toBytes(3200))
        const all = new Set([...before, ...added.map((position) => start * 8 + position)])
        expect([...set]).toStrictEqual(ascending(all))
        expect(set.size).toBe(all.size)
      }),
    )
    expect(() => new PositionSet().addBytes(4, new Uint8Array(1))).toThrow(RangeError)
    expect(() => new PositionSet().addBytes(-8, new Uint8Array(1))).toThrow(RangeError)
  })

  test('as bytes has a bit for each position below the count', () => {
    expect(PositionSet.of([0, 9, 10, 300]).toBytes(10)).toStrictEqual(new Uint8Array([1, 2]))
    expect(PositionSet.of([1]).toBytes(5000)).toHaveLength(625)
  })
})
