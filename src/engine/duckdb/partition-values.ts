/** Which partition values there can be. */
import { InvalidDataError } from '../../errors.ts'
import { decimalBytes } from '../../format/manifest/fixed-values.ts'
import type { PartitionField } from '../../format/partition-spec.ts'
import { fieldName, findField, type Schema } from '../../format/schema.ts'
import { isPrimitive, type Datum, type PrimitiveType } from '../../format/types.ts'
import { INT_MIN, LONG_MIN } from '../../format/values/datum-checks.ts'

/** Truncating rounds down, which takes the least numbers of a type to where it has none. */
export function checkHolds(
  schema: Schema,
  { sourceId, transform, name }: PartitionField,
  value: Datum,
): void {
  const type = findField(schema, sourceId)?.type
  if (transform.kind !== 'truncate' || type === undefined || !isPrimitive(type) || holds(type, value)) return
  throw new InvalidDataError(`A row's value is too small to be truncated for partition field ${name}`, {
    column: fieldName(schema, sourceId),
    hint: 'Partition by a wider type, or by another transform.',
  })
}

function holds(type: PrimitiveType, value: Datum): boolean {
  if (typeof value === 'number') return value >= INT_MIN
  if (typeof value !== 'bigint') return true
  if (type.kind !== 'decimal') return value >= LONG_MIN
  return BigInt.asIntN(8 * decimalBytes(type.precision), value) === value
}
