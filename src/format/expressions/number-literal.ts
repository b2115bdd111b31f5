/** Number literals of the filter language, without losing a digit. */
import type { LiteralValue } from './expression.ts'

/**
 * A number where that is exact, else a bigint (whole) or the digits as text (fraction: the column's
 * type reads them, so a decimal(38, 20) keeps all of them).
 */
export function numberLiteral(digits: string, negative: boolean): LiteralValue {
  const text = negative ? `-${digits}` : digits
  const number = Number(text)
  if (/^\d+$/.test(digits)) return Number.isSafeInteger(number) ? number : BigInt(text)
  return significant(digits) === significant(String(Math.abs(number))) ? number : text
}

/** The digits that count, and the power of ten: equal for equal decimal numbers. */
function significant(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const all = (whole + fraction).replace(/^0+/, '')
  const kept = all.replace(/0+$/, '')
  if (kept === '') return '0'
  return `${kept}e${Number(exponent) - fraction.length + all.length - kept.length}`
}
