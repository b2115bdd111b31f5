/**
 * Shape checks for JSON documents that others wrote. A document of the wrong shape is
 * InvalidArgumentError naming the path; whoever knows the file wraps it in CorruptFileError.
 */
import { InvalidArgumentError } from '../errors.ts'

export type JsonObject = { readonly [key: string]: unknown }

/** True for objects that are neither null nor arrays. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A member of the document is missing or of another type than the format says. */
export function malformed(path: string, expected: string): InvalidArgumentError {
  return new InvalidArgumentError(`${path}: expected ${expected}`)
}

export function asObject(value: unknown, path: string): JsonObject {
  if (!isJsonObject(value)) throw malformed(path, 'a JSON object')
  return value
}

export function asArray(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(path, 'a JSON array')
  return value
}

export function asString(value: unknown, path: string): string {
  if (typeof value !== 'string') throw malformed(path, 'a string')
  return value
}

export function asBoolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw malformed(path, 'true or false')
  return value
}

/** A 32-bit signed integer: every id of the format but those of snapshots and rows. */
export function asInt(value: unknown, path: string): number {
  if (typeof value !== 'number' || (value | 0) !== value) throw malformed(path, 'a 32-bit integer')
  return value
}
