/**
 * Bounds of uuids that hold for every reader.
 *
 * The spec has uuids as 16 bytes; Java's readers order them as two signed longs, and with plain
 * bounds skip files that hold matching rows. A bound whose first half is one further out, on the
 * same side of zero, holds in both orders, whatever the second halves are.
 */

export interface UuidBounds {
  /** At most every value, in either order; null when there is no such bound. */
  readonly lower: string | null
  /** At least every value, in either order; null when there is no such bound. */
  readonly upper: string | null
}

const SIGN = 1n << 63n
const LARGEST = (1n << 64n) - 1n

/** Bounds of the values between two uuids (lower-case, dashed; in the order of their bytes). */
export function boundsInEitherOrder(lower: string, upper: string): UuidBounds {
  const first = firstHalf(lower)
  const last = firstHalf(upper)
  // With both signs among them there is no order that both readers could share.
  if ((first & SIGN) !== (last & SIGN)) return { lower: null, upper: null }
  return {
    lower: first === 0n || first === SIGN ? null : withFirstHalf(first - 1n),
    upper: last === LARGEST || last === SIGN - 1n ? null : withFirstHalf(last + 1n),
  }
}

function firstHalf(uuid: string): bigint {
  return BigInt(`0x${uuid.slice(0, 18).replaceAll('-', '')}`)
}

function withFirstHalf(half: bigint): string {
  const digits = half.toString(16).padStart(16, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12)}-0000-000000000000`
}
