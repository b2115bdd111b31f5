import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundsInEitherOrder } from '../../../src/format/values/uuid-bounds.ts'

/** A uuid of two halves. */
function uuidOf(first: bigint, second: bigint): string {
  const digits = first.toString(16).padStart(16, '0') + second.toString(16).padStart(16, '0')
  return [0, 8, 12, 16, 20].map((start, i) => digits.slice(start, [8, 12, 16, 20, 32][i])).join('-')
}

function halves(uuid: string): readonly [bigint, bigint] {
  const digits = uuid.replaceAll('-', '')
  return [BigInt(`0x${digits.slice(0, 16)}`), BigInt(`0x${digits.slice(16)}`)]
}

function compare(a: string, b: string, asNumber: (half: bigint) => bigint): number {
  const [a1, a2] = halves(a).map(asNumber) as [bigint, bigint]
  const [b1, b2] = halves(b).map(asNumber) as [bigint, bigint]
  if (a1 !== b1) return a1 < b1 ? -1 : 1
  return a2 === b2 ? 0 : a2 < b2 ? -1 : 1
}

/** As the spec has it: 16 bytes, unsigned. */
const byBytes = (a: string, b: string): number => compare(a, b, (half) => half)
/** As java.util.UUID has it: two signed longs. */
const byLongs = (a: string, b: string): number => compare(a, b, (half) => BigInt.asIntN(64, half))

const half = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(0n, 1n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n),
)
const uuid = fc.tuple(half, half).map(([first, second]) => uuidOf(first, second))

describe('bounds of uuids', () => {
  test('hold for every value, in the order of bytes and in the order of signed longs', () => {
    fc.assert(
      fc.property(fc.array(uuid, { minLength: 1, maxLength: 8 }), (values) => {
        const sorted = values.toSorted(byBytes)
        const { lower, upper } = boundsInEitherOrder(sorted[0] ?? '', sorted.at(-1) ?? '')
        for (const order of [byBytes, byLongs]) {
          for (const value of values) {
            if (lower !== null) expect(order(lower, value)).toBeLessThanOrEqual(0)
            if (upper !== null) expect(order(upper, value)).toBeGreaterThanOrEqual(0)
          }
        }
      }),
    )
  })

  test('stay close: uuids of one time still prune', () => {
    const bounds = boundsInEitherOrder(
      '0192f5a0-0000-7000-8000-000000000000',
      '0192f5a0-ffff-7fff-bfff-ffffffffffff',
    )
    expect(bounds).toEqual({
      lower: '0192f5a0-0000-6fff-0000-000000000000',
      upper: '0192f5a0-ffff-8000-0000-000000000000',
    })
  })

  test('are left out where the two orders have none in common', () => {
    const zero = '00000000-0000-0000-0000-000000000000'
    const all = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
    expect(boundsInEitherOrder(zero, all)).toEqual({ lower: null, upper: null })
    expect(boundsInEitherOrder(zero, zero).lower).toBeNull()
    expect(boundsInEitherOrder(all, all).upper).toBeNull()
  })
})
