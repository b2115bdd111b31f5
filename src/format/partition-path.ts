/** The folder of a partition, `ts_month=2026-01/id_bucket=3`. Values are never read back from it. */
import { partitionType } from './partition-spec.ts'
import type { PartitionSpec } from './partition-spec.ts'
import type { Schema } from './schema.ts'
import { murmur3 } from './transforms/murmur3.ts'
import type { Transform } from './transforms/transform.ts'
import type { Datum, PrimitiveType } from './types.ts'
import { bytesToHex } from './values/bytes.ts'
import { numberOf } from './values/datum-checks.ts'
import { formatDate, formatYear } from './values/iso.ts'
import { datumToValue } from './values/value.ts'

/** File systems allow names of 255 bytes; some room is left for what stores add. */
const MAX_SEGMENT_LENGTH = 240

/**
 * The path below the data folder of one partition tuple; '' for an unpartitioned table. Name and
 * value are form-urlencoded, so that no character of theirs can cut or split the path.
 */
export function partitionPath(spec: PartitionSpec, schema: Schema, tuple: readonly (Datum | null)[]): string {
  const columns = partitionType(spec, schema)
  return spec.fields
    .map((field, position) => {
      const type: PrimitiveType = columns[position]?.type ?? { kind: 'unknown' }
      const text = partitionValueToString(field.transform, type, tuple[position] ?? null)
      return shortened(`${formEncode(field.name)}=${formEncode(text)}`)
    })
    .join('/')
}

/** A partition value for people: `2026`, `2026-01`, `2026-01-31`, `2026-01-31-13`, else the value. */
export function partitionValueToString(
  transform: Transform,
  resultType: PrimitiveType,
  value: Datum | null,
): string {
  if (value === null) return 'null'
  switch (transform.kind) {
    case 'year':
      return formatYear(1970 + numberOf(value, resultType))
    case 'month':
      return monthToString(numberOf(value, resultType))
    case 'day':
      return formatDate(numberOf(value, resultType))
    case 'hour':
      return hourToString(numberOf(value, resultType))
    default:
      return valueToString(resultType, value)
  }
}

function monthToString(months: number): string {
  const year = Math.floor(months / 12)
  return `${formatYear(1970 + year)}-${twoDigits(months - year * 12 + 1)}`
}

function hourToString(hours: number): string {
  const days = Math.floor(hours / 24)
  return `${formatDate(days)}-${twoDigits(hours - days * 24)}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

function valueToString(type: PrimitiveType, value: Datum): string {
  const shown = type.kind === 'unknown' ? value : datumToValue(type, value)
  return shown instanceof Uint8Array ? bytesToHex(shown) : String(shown)
}

/** application/x-www-form-urlencoded: letters, digits and `*-._` stay, a space is `+`. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** Cuts a segment that file systems refuse, keeping different values apart by their hash. */
function shortened(segment: string): string {
  if (segment.length <= MAX_SEGMENT_LENGTH) return segment
  const hash = (murmur3(new TextEncoder().encode(segment)) >>> 0).toString(16).padStart(8, '0')
  // Never within an escape: `%2` at the end would be no text at all.
  const kept = segment.slice(0, MAX_SEGMENT_LENGTH - hash.length - 1).replace(/%[0-9A-F]?$/, '')
  return `${kept}-${hash}`
}

/** A location whose partition values are masked, for errors and logs: `…/ts_month=***\/a.parquet`. */
export function maskedPath(location: string): string {
  return location.replace(/([^/=]+)=[^/]*(?=\/)/g, '$1=***')
}
