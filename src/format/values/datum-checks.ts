/**
 * Narrowing a `Datum` to what its type holds. A mismatch is a fault of the calling code, told by
 * type and never by value.
 */
import { InvalidArgumentError } from '../../errors.ts'
import { typeToString } from '../types-json.ts'
import type { Datum, PrimitiveType } from '../types.ts'

export const INT_MIN = -0x80000000
export const INT_MAX = 0x7fffffff
export const LONG_MIN = -(1n << 63n)
export const LONG_MAX = (1n << 63n) - 1n

export function numberOf(datum: Datum, type: PrimitiveType): number {
  if (typeof datum !== 'number') throw mismatch(datum, type)
  return datum
}

export function bigintOf(datum: Datum, type: PrimitiveType): bigint {
  if (typeof datum !== 'bigint') throw mismatch(datum, type)
  return datum
}

export function stringOf(datum: Datum, type: PrimitiveType): string {
  if (typeof datum !== 'string') throw mismatch(datum, type)
  return datum
}

export function bytesOf(datum: Datum, type: PrimitiveType): Uint8Array {
  if (!(datum instanceof Uint8Array)) throw mismatch(datum, type)
  return datum
}

export function booleanOf(datum: Datum, type: PrimitiveType): boolean {
  if (typeof datum !== 'boolean') throw mismatch(datum, type)
  return datum
}

/** An int or date within 32 bits. */
export function int32Of(datum: Datum, type: PrimitiveType): number {
  const value = numberOf(datum, type)
  if ((value | 0) !== value) throw outOfRange(type)
  return value
}

/** A long, time or timestamp within 64 bits. */
export function int64Of(datum: Datum, type: PrimitiveType): bigint {
  const value = bigintOf(datum, type)
  if (value < LONG_MIN || value > LONG_MAX) throw outOfRange(type)
  return value
}

export function mismatch(datum: Datum, type: PrimitiveType): InvalidArgumentError {
  const held = datum instanceof Uint8Array ? 'bytes' : typeof datum
  return new InvalidArgumentError(`a value of type ${typeToString(type)} cannot be held as ${held}`)
}

export function outOfRange(type: PrimitiveType): InvalidArgumentError {
  return new InvalidArgumentError(`a value lies outside the range of ${typeToString(type)}`)
}

/** For types that have no single values of their own. */
export function noSingleValue(type: PrimitiveType): InvalidArgumentError {
  return new InvalidArgumentError(`type ${typeToString(type)} has no single-value form`)
}
