/** Which types may become which (Iceberg spec, "Schema Evolution"). */
import type { FormatVersion } from '../metadata/table-metadata.ts'
import type { Transform } from '../transforms/transform.ts'
import { sameType } from '../types-json.ts'
import type { PrimitiveType, Type } from '../types.ts'
import { isPrimitive } from '../types.ts'
import { decodeBinary, encodeBinary } from '../values/binary.ts'
import { datumFromJson, datumToJson } from '../values/json.ts'

/** Whether every value of `from` is one of `to`, by the rules of that format version. */
export function canPromote(from: Type, to: Type, version: FormatVersion): boolean {
  if (from.kind === 'unknown') return version >= 3 && to.kind !== 'unknown'
  if (!isPrimitive(from) || !isPrimitive(to)) return false
  switch (from.kind) {
    case 'int':
      return to.kind === 'long'
    case 'float':
      return to.kind === 'double'
    case 'decimal':
      return to.kind === 'decimal' && to.scale === from.scale && to.precision > from.precision
    case 'date':
      return version >= 3 && (to.kind === 'timestamp' || to.kind === 'timestamp_ns')
    default:
      return false
  }
}

/**
 * Whether a value and the same value of the promoted type transform to different results, so that
 * files written before would sit in the wrong partition.
 */
export function promotionChangesTransform(from: Type, transform: Transform): boolean {
  switch (transform.kind) {
    case 'void':
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
      return false
    case 'unknown':
      // Nobody here can tell.
      return true
    default:
      return from.kind === 'date'
  }
}

/** The single-value JSON of a default after its column was promoted; the value stays the same. */
export function promoteDefault(from: Type, to: Type, json: unknown): unknown {
  if (json === undefined || json === null || sameType(from, to)) return json
  if (!isPrimitive(from) || !isPrimitive(to)) return json
  return datumToJson(to, promoted(from, to, json))
}

/** Values of promoted columns are decoded from their bytes of before: the one place that knows how. */
function promoted(from: PrimitiveType, to: PrimitiveType, json: unknown) {
  return decodeBinary(to, encodeBinary(from, datumFromJson(from, json)))
}
