/** The types of a spec's partition fields, also of those whose source column has been dropped. */
import type { PartitionSpec } from '../partition-spec.ts'
import { partitionType } from '../partition-spec.ts'
import type { Schema } from '../schema.ts'
import type { PrimitiveType } from '../types.ts'

export interface PartitionFieldType {
  readonly fieldId: number
  readonly name: string
  readonly type: PrimitiveType
}

/**
 * The fields of a spec with the types of their values. `earlier` are schemas to ask when `schema`
 * has lost a source column; a type that nobody knows any more is `unknown`.
 */
export function partitionFieldTypes(
  spec: PartitionSpec,
  schema: Schema,
  earlier: readonly Schema[] = [],
): readonly PartitionFieldType[] {
  const fields = partitionType(spec, schema)
  if (fields.every((field) => field.type.kind !== 'unknown')) return fields
  const older = earlier.map((candidate) => partitionType(spec, candidate))
  return fields.map((field, index) => {
    if (field.type.kind !== 'unknown') return field
    const known = older.map((types) => types[index]).find((other) => other && other.type.kind !== 'unknown')
    return known ?? field
  })
}
