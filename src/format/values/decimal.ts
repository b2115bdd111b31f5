/** Decimals as exact text and as unscaled whole numbers. */

export interface ParsedDecimal {
  /** The digits as one whole number: 1420 for `14.20`. */
  readonly unscaled: bigint
  /** Digits right of the point; negative for `2E+20`. */
  readonly scale: number
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/

/** The longest text that can be a decimal of 38 digits with any exponent, generously. */
const MAX_LENGTH = 5000

/** Parses `-12.34`, `.5`, `2E+20`; null when the text is no decimal number. */
export function parseDecimal(text: string): ParsedDecimal | null {
  const match = text.length > MAX_LENGTH ? null : DECIMAL.exec(text)
  if (match === null) return null
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return null
  const digits = BigInt(whole + fraction)
  return { unscaled: sign === '-' ? -digits : digits, scale: fraction.length - Number(exponent) }
}

/** The unscaled value at another scale; null when digits other than zeros would be lost. */
export function rescale({ unscaled, scale }: ParsedDecimal, target: number): bigint | null {
  if (unscaled === 0n) return 0n
  if (target >= scale) return unscaled * 10n ** BigInt(target - scale)
  const divisor = 10n ** BigInt(scale - target)
  return unscaled % divisor === 0n ? unscaled / divisor : null
}

/** Exact text with the scale's digits: `14.20`, `-0.05`; `2E+20` for a negative scale. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale < 0) return `${unscaled}E+${-scale}`
  if (scale === 0) return String(unscaled)
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const LIMITS: readonly bigint[] = Array.from({ length: 39 }, (_, precision) => 10n ** BigInt(precision))

/** Whether an unscaled value has no more digits than the precision. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = LIMITS[precision] ?? 10n ** BigInt(precision)
  return unscaled < limit && unscaled > -limit
}

/** Bytes of the shortest fixed-length form that holds every value of a precision (Appendix A). */
export function bytesForPrecision(precision: number): number {
  let length = 1
  while (1n << BigInt(8 * length - 1) <= 10n ** BigInt(precision) - 1n) length += 1
  return length
}
