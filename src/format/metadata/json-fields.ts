/** Checks of metadata's JSON values, which say where the document is wrong (never what it holds). */
import { malformed } from '../json-checks.ts'
import { NumberToken } from './number-token.ts'

/** An object that we parsed ourselves, and may therefore still change. */
export type JsonRecord = Record<string, unknown>

export function isRecord(value: unknown): value is JsonRecord {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberToken)
  )
}

export function asRecord(value: unknown, path: string): JsonRecord {
  if (!isRecord(value)) throw malformed(path, 'a JSON object')
  return value
}

/** A list; missing and null are an empty one. */
export function listOrEmpty(value: unknown, path: string): unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw malformed(path, 'a JSON array')
  return value
}

const MIN_LONG = -(2n ** 63n)
const MAX_LONG = 2n ** 63n - 1n

/** A 64-bit signed integer; null = it is none. */
export function longOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value >= MIN_LONG && value <= MAX_LONG ? value : null
  return Number.isSafeInteger(value) && typeof value === 'number' ? BigInt(value) : null
}

export function asLong(value: unknown, path: string): bigint {
  const long = longOf(value)
  if (long === null) throw malformed(path, 'a 64-bit integer')
  return long
}

/** Times, sequence numbers and counts: 64 bits in the spec, refused by us beyond 2^53. */
export function isSafeCount(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

export function asCount(value: unknown, path: string): number {
  if (!isSafeCount(value)) throw malformed(path, 'an integer within 2^53')
  return value
}

/**
 * The record, or a copy without those of the named members that are null: for the format a member
 * that is null and one that is missing are the same.
 */
export function withoutNulls(record: JsonRecord, members: readonly string[]): JsonRecord {
  if (!members.some((member) => record[member] === null)) return record
  const dropped = new Set(members.filter((member) => record[member] === null))
  return Object.fromEntries(Object.entries(record).filter(([key]) => !dropped.has(key)))
}

/**
 * Makes a string map of it, in place. Some writers put numbers and booleans into properties and
 * summaries: they become their text.
 */
export function asStringMap(value: unknown, path: string): Record<string, string> {
  const record = asRecord(value, path)
  for (const key of Object.keys(record)) {
    const member = record[key]
    if (typeof member !== 'string') record[key] = scalarText(member, `${path}.${key}`)
  }
  assertStrings(record)
  return record
}

function scalarText(value: unknown, path: string): string {
  if (value instanceof NumberToken) return value.text
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean') {
    throw malformed(path, 'a string')
  }
  return String(value)
}

/** Tells the compiler what the loop above has made true. */
function assertStrings(_record: JsonRecord): asserts _record is Record<string, string> {}
