/** Bounds that a Parquet footer has, as values of the table's types. */
import { decodeBinary } from '../../format/values/binary.ts'
import { readBigEndian } from '../../format/values/bytes.ts'
import { floorDiv, NANOS_PER_MICRO } from '../../format/values/calendar.ts'
import { compareDatum } from '../../format/values/literal.ts'
import type { Datum, PrimitiveType } from '../../format/types.ts'
import type { MatchedLeaf } from './adopted-columns.ts'
import type { LeafFacts } from './footer-facts.ts'

/** Least and greatest value of a column. */
export interface KnownBounds {
  readonly lower: Datum
  readonly upper: Datum
  /** Whether they are values of the column for certain. */
  readonly isExact: boolean
}

/** null when the footer does not say, or says what makes no sense. */
export function knownBounds({ type, facts, isRepeated }: MatchedLeaf): KnownBounds | null {
  if (isRepeated || facts.bounds === null) return null
  const groups: KnownBounds[] = []
  for (const { min, max, isExact } of facts.bounds) {
    const lower = datumOf(type, facts, min)
    const upper = datumOf(type, facts, max)
    if (lower === null || upper === null || compareDatum(type, lower, upper) > 0) return null
    groups.push({ lower, upper, isExact })
  }
  const known = joined(type, groups)
  // Both zeros are equal to some writers: the bounds must hold whichever there is.
  if (known === null || (type.kind !== 'float' && type.kind !== 'double')) return known
  const { lower, upper } = known
  return { lower: lower === 0 ? -0 : lower, upper: upper === 0 ? 0 : upper, isExact: false }
}

function joined(type: PrimitiveType, groups: readonly KnownBounds[]): KnownBounds | null {
  const [first, ...rest] = groups
  if (first === undefined) return null
  return rest.reduce(
    (all, group) => ({
      lower: compareDatum(type, group.lower, all.lower) < 0 ? group.lower : all.lower,
      upper: compareDatum(type, group.upper, all.upper) > 0 ? group.upper : all.upper,
      isExact: all.isExact && group.isExact,
    }),
    first,
  )
}

/** A value as Parquet encodes it plainly; null for what it cannot be. */
function datumOf(type: PrimitiveType, facts: LeafFacts, bytes: Uint8Array): Datum | null {
  switch (facts.type) {
    case 'BOOLEAN':
      return type.kind === 'boolean' && bytes.length === 1 ? bytes[0] !== 0 : null
    case 'INT32':
    case 'INT64':
      return wholeNumber(type, facts, bytes)
    case 'FLOAT':
    case 'DOUBLE':
      return floatingNumber(type, bytes)
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return ofBytes(type, bytes)
    case 'INT96':
      return null
  }
}

function wholeNumber(type: PrimitiveType, facts: LeafFacts, bytes: Uint8Array): Datum | null {
  const value = littleEndian(bytes)
  if (value === null) return null
  switch (type.kind) {
    case 'int':
    case 'date':
      return Number(value)
    case 'long':
    case 'decimal':
    case 'timestamp_ns':
      return value
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      if (facts.unit === 'millis') return value * 1000n
      return facts.unit === 'nanos' ? floorDiv(value, NANOS_PER_MICRO) : value
    default:
      return null
  }
}

function littleEndian(bytes: Uint8Array): bigint | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length === 4) return BigInt(view.getInt32(0, true))
  return bytes.length === 8 ? view.getBigInt64(0, true) : null
}

function floatingNumber(type: PrimitiveType, bytes: Uint8Array): Datum | null {
  if (type.kind !== 'float' && type.kind !== 'double') return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length !== 4 && bytes.length !== 8) return null
  const value = bytes.length === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
  // Some writers let NaN into their statistics: then they say nothing.
  return Number.isNaN(value) ? null : value
}

function ofBytes(type: PrimitiveType, bytes: Uint8Array): Datum | null {
  switch (type.kind) {
    case 'decimal':
      return bytes.length === 0 ? null : readBigEndian(bytes)
    case 'string':
      return textOf(bytes)
    case 'binary':
    case 'fixed':
      return bytes.slice()
    case 'uuid':
      return bytes.length === 16 ? decodeBinary(type, bytes) : null
    default:
      return null
  }
}

/** A text that was cut within a character is no text. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // The bound says nothing then; the file itself is as good as it was.
    return null
  }
}
