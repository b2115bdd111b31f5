/**
 * Where a filter's literal lies among the values of a column's type. A number that the type does not
 * hold still has a place (2.5 between two ints, 10^10 above them all), and the predicate keeps its
 * meaning: it is never rounded to another value. Only floats round, as their columns do.
 */
import { InvalidExpressionError } from '../../errors.ts'
import { typeToString } from '../types-json.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import { INT_MAX, INT_MIN, LONG_MAX, LONG_MIN } from '../values/datum-checks.ts'
import { parseDecimal } from '../values/decimal.ts'
import type { ParsedDecimal } from '../values/decimal.ts'
import { literalToDatum } from '../values/literal.ts'
import type { LiteralValue } from './expression.ts'

export type Place =
  | { readonly at: 'value'; readonly datum: Datum }
  /** Above, below every value of the type. */
  | { readonly at: 'above' | 'below' }
  /** Above this value, and below the next one that the type has. */
  | { readonly at: 'between'; readonly floor: Datum }
  | { readonly at: 'nan' }

const FLOAT_MAX = (2 - 2 ** -23) * 2 ** 127

/** Throws InvalidExpressionError when the literal cannot be compared with the type at all. */
export function placeLiteral(type: PrimitiveType, value: LiteralValue): Place {
  switch (type.kind) {
    case 'int':
      return placeWhole(type, value, { scale: 0, min: BigInt(INT_MIN), max: BigInt(INT_MAX) })
    case 'long':
      return placeWhole(type, value, { scale: 0, min: LONG_MIN, max: LONG_MAX })
    case 'decimal': {
      const max = 10n ** BigInt(type.precision) - 1n
      return placeWhole(type, value, { scale: type.scale, min: -max, max })
    }
    case 'float':
      return placeFloat(type, value, FLOAT_MAX)
    case 'double':
      return placeFloat(type, value, Number.MAX_VALUE)
    default:
      return placeOther(type, value)
  }
}

interface WholeRange {
  readonly scale: number
  readonly min: bigint
  readonly max: bigint
}

function placeWhole(type: PrimitiveType, value: LiteralValue, { scale, min, max }: WholeRange): Place {
  if (value === Infinity) return { at: 'above' }
  if (value === -Infinity) return { at: 'below' }
  const { floor, isExact } = floorAt(decimalOf(type, value), scale)
  if (floor > max) return { at: 'above' }
  if (floor < min) return { at: 'below' }
  // For what a number beyond 2^53 stands (itself, or a neighbour it was rounded from) nobody knows.
  if (type.kind === 'long' && typeof value === 'number' && isExact && !Number.isSafeInteger(value)) {
    return unfit(type, 'Give it as a bigint: numbers are exact up to 2^53 only.')
  }
  const datum = type.kind === 'int' ? Number(floor) : floor
  return isExact ? { at: 'value', datum } : { at: 'between', floor: datum }
}

/** The number times ten to the scale, rounded down. */
function floorAt(
  number: ParsedDecimal,
  scale: number,
): { readonly floor: bigint; readonly isExact: boolean } {
  const shift = scale - number.scale
  if (shift >= 0) return { floor: number.unscaled * 10n ** BigInt(shift), isExact: true }
  const divisor = 10n ** BigInt(-shift)
  const quotient = number.unscaled / divisor
  const isExact = quotient * divisor === number.unscaled
  // BigInt division rounds towards zero.
  return { floor: isExact || number.unscaled >= 0n ? quotient : quotient - 1n, isExact }
}

/** A finite literal beyond the greatest float lies between that and infinity. */
function placeFloat(type: PrimitiveType, value: LiteralValue, greatest: number): Place {
  const number = floatOf(type, value)
  if (Number.isNaN(number)) return { at: 'nan' }
  const datum = type.kind === 'float' ? Math.fround(number) : number
  const isFiniteLiteral = typeof value === 'number' ? Number.isFinite(value) : !isInfinity(value)
  if (!isFiniteLiteral || Number.isFinite(datum)) return { at: 'value', datum }
  return { at: 'between', floor: datum > 0 ? greatest : -Infinity }
}

function floatOf(type: PrimitiveType, value: LiteralValue): number {
  if (typeof value === 'number') return value
  if (isInfinity(value)) return Number(value)
  if (value === 'NaN') return NaN
  decimalOf(type, value)
  return Number(value)
}

function isInfinity(value: LiteralValue): boolean {
  return typeof value === 'string' && /^[+-]?Infinity$/.test(value)
}

/** A number, however it was given. */
function decimalOf(type: PrimitiveType, value: LiteralValue): ParsedDecimal {
  const isNumber = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
  return (isNumber ? parseDecimal(String(value)) : null) ?? unfit(type, 'Give a number.')
}

function placeOther(type: PrimitiveType, value: LiteralValue): Place {
  // Half a surrogate pair is no Unicode: no stored string can equal it or start with it.
  if (type.kind === 'string' && typeof value === 'string' && /\p{Surrogate}/u.test(value)) {
    unfit(type, 'Give text that is valid Unicode.')
  }
  const datum = literalToDatum(type, value)
  // A string column's own values may spell these words.
  return type.kind !== 'string' && (datum === 'above' || datum === 'below')
    ? { at: datum }
    : { at: 'value', datum }
}

function unfit(type: PrimitiveType, hint: string): never {
  throw new InvalidExpressionError(`the literal does not fit a column of type ${typeToString(type)}`, {
    hint,
  })
}
