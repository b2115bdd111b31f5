/** Primitive vectors as the values that users get. */
import { isAscii } from 'node:buffer'
import { UnsupportedFeatureError } from '../../errors.ts'
import type { PrimitiveType } from '../../format/types.ts'
import { uuidOfBytes } from '../../format/values/bytes.ts'
import { datumToValue, type Value } from '../../format/values/value.ts'
import { unscaledReader } from './unscaled.ts'
import {
  bigint64sOf,
  bytesOf,
  countOf,
  int32sOf,
  isValid,
  validityOf,
  type VectorRows,
} from './raw-vector.ts'
import { packBytes } from './string-vector.ts'

/** Reads the values of a vector of this type. */
export function leafReader(type: PrimitiveType): (from: VectorRows) => Value[] {
  switch (type.kind) {
    case 'boolean':
      return each((from) => {
        const bytes = bytesOf(from, 1)
        return (row) => bytes[row] === 1
      })
    case 'int':
      return each((from) => {
        const values = int32sOf(from)
        return (row) => values[row] ?? 0
      })
    case 'long':
      return each((from) => {
        const values = bigint64sOf(from)
        return (row) => values[row] ?? 0n
      })
    case 'float':
      return each((from) => {
        const bytes = bytesOf(from, 4)
        const values = new Float32Array(bytes.buffer, bytes.byteOffset, from.size)
        return (row) => values[row] ?? 0
      })
    case 'double':
      return each((from) => {
        const bytes = bytesOf(from, 8)
        const values = new Float64Array(bytes.buffer, bytes.byteOffset, from.size)
        return (row) => values[row] ?? 0
      })
    case 'decimal':
      return each((from) => {
        const unscaledAt = unscaledReader(from, type.precision)
        return (row) => datumToValue(type, unscaledAt(row))
      })
    case 'date':
      return each((from) => {
        const values = int32sOf(from)
        return lastKept(
          (row) => values[row] ?? 0,
          (days) => datumToValue(type, days),
        )
      })
    case 'time':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return each((from) => {
        const values = bigint64sOf(from)
        return (row) => datumToValue(type, values[row] ?? 0n)
      })
    case 'timestamp':
    case 'timestamptz':
      return each((from) => timestampTexts(from, type))
    case 'uuid':
      return each((from) => {
        const bytes = bytesOf(from, 16)
        return (row) => uuidOfBytes(uuidBytes(bytes, row))
      })
    case 'string':
      return texts
    case 'fixed':
    case 'binary':
      return byteStrings
    case 'unknown':
      return (from) => Array.from({ length: countOf(from) }, () => null)
    case 'geometry':
    case 'geography':
      throw new UnsupportedFeatureError(`columns of type ${type.kind} cannot be read yet`)
  }
}

/** Row by row of the vector, with nulls. */
function each(open: (from: VectorRows) => (row: number) => Value): (from: VectorRows) => Value[] {
  return (from) => {
    const count = countOf(from)
    if (count === 0) return []
    const valueAt = open(from)
    const validity = validityOf(from)
    const values: Value[] = []
    for (let i = 0; i < count; i++) {
      const row = from.rows === null ? i : (from.rows[i] ?? 0)
      values.push(validity === null || isValid(validity, row) ? valueAt(row) : null)
    }
    return values
  }
}

/** The 16 bytes of a UUID: DuckDB keeps them as a little-endian number with its sign turned round. */
function uuidBytes(bytes: Uint8Array, row: number): Uint8Array {
  const uuid = bytes.slice(row * 16, row * 16 + 16).reverse()
  uuid[0] = (uuid[0] ?? 0) ^ 0x80
  return uuid
}

/** Neighbouring rows often have the same date: its text is made once. */
function lastKept(read: (row: number) => number, text: (value: number) => Value): (row: number) => Value {
  let last: number | null = null
  let kept: Value = null
  return (row) => {
    const value = read(row)
    if (value !== last) {
      last = value
      kept = text(value)
    }
    return kept
  }
}

const MICROS_PER_SECOND = 1_000_000
const MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))

/** Microseconds in the range that numbers hold are split without BigInt. */
function timestampTexts(
  from: VectorRows,
  type: PrimitiveType & { readonly kind: 'timestamp' | 'timestamptz' },
): (row: number) => Value {
  const values = bigint64sOf(from)
  const halves = new Int32Array(values.buffer, values.byteOffset, from.size * 2)
  const zone = type.kind === 'timestamptz' ? 'Z' : ''
  let lastDay = Number.NaN
  let dayText = ''
  return (row) => {
    const micros = (halves[row * 2 + 1] ?? 0) * 2 ** 32 + ((halves[row * 2] ?? 0) >>> 0)
    if (!Number.isSafeInteger(micros)) return datumToValue(type, values[row] ?? 0n)
    const day = Math.floor(micros / MICROS_PER_DAY)
    if (day !== lastDay) {
      lastDay = day
      dayText = String(datumToValue({ kind: 'date' }, day))
    }
    const inDay = micros - day * MICROS_PER_DAY
    const seconds = Math.floor(inDay / MICROS_PER_SECOND)
    const clock = `${TWO_DIGITS[Math.floor(seconds / 3600)]}:${TWO_DIGITS[Math.floor(seconds / 60) % 60]}:${TWO_DIGITS[seconds % 60]}`
    const fraction = String(inDay - seconds * MICROS_PER_SECOND).padStart(6, '0')
    return `${dayText}T${clock}.${fraction}${zone}`
  }
}

/** Longer parts of a string keep the whole of it alive; shorter ones are copied by the engine anyway. */
const COPIED_LENGTH = 12

function texts(from: VectorRows): Value[] {
  const validity = validityOf(from)
  const { bytes, offsets } = packBytes(from, validity)
  const ascii = isAscii(bytes)
  const all = ascii ? bytes.toString('latin1') : ''
  const values: Value[] = []
  for (let i = 0; i < offsets.length - 1; i++) {
    const start = offsets[i] ?? 0
    const end = offsets[i + 1] ?? 0
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    if (validity !== null && !isValid(validity, row)) values.push(null)
    else if (!ascii) values.push(bytes.toString('utf8', start, end))
    else if (end - start <= COPIED_LENGTH) values.push(all.slice(start, end))
    else values.push(bytes.toString('latin1', start, end))
  }
  return values
}

function byteStrings(from: VectorRows): Value[] {
  const validity = validityOf(from)
  const { bytes, offsets } = packBytes(from, validity)
  const values: Value[] = []
  for (let i = 0; i < offsets.length - 1; i++) {
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    const isNull = validity !== null && !isValid(validity, row)
    // Copied: a view would keep the bytes of the whole chunk, and would be a Buffer.
    values.push(isNull ? null : Uint8Array.from(bytes.subarray(offsets[i], offsets[i + 1])))
  }
  return values
}
