/** What only format version 3 has: types and column defaults (Iceberg spec, "Version 3"). */
import { childFields } from './nested-fields.ts'
import { typeToString } from './types-json.ts'
import type { NestedField } from './types.ts'

const V3_TYPES: ReadonlySet<string> = new Set([
  'unknown',
  'variant',
  'geometry',
  'geography',
  'timestamp_ns',
  'timestamptz_ns',
])

/** The first type or default that older versions do not have, in words; null when there is none. */
export function firstV3Feature(fields: readonly NestedField[]): string | null {
  for (const field of fields) {
    if (V3_TYPES.has(field.type.kind)) return `type ${typeToString(field.type)} of column '${field.name}'`
    if (given(field.initialDefault) || given(field.writeDefault))
      return `the default of column '${field.name}'`
    const inner = firstV3Feature(childFields(field.type))
    if (inner !== null) return inner
  }
  return null
}

function given(value: unknown): boolean {
  return value !== undefined && value !== null
}
