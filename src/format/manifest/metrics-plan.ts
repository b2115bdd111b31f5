/** Metrics of columns: maps from field id, written as arrays of key and value. */
import type { Read, Skip } from './avro-plan.ts'
import { minimumSize, planInt, planNullable, planPresent, planSkip } from './avro-plan.ts'
import type { AvroField, AvroType } from './avro-schema.ts'
import { unexpectedType } from './avro-schema.ts'

interface MetricsPlan<T> {
  readonly file: string
  /** Field ids to decode; null = all. */
  readonly ids: ReadonlySet<number> | null
  readonly planValue: (type: AvroType, field: string, file: string) => Read<T>
}

/** Reads a map from field id; values of fields that are not wanted are skipped, not decoded. */
export function planMetricsMap<T>(
  type: AvroType,
  field: string,
  plan: MetricsPlan<T>,
): Read<ReadonlyMap<number, T>> {
  if (type.kind !== 'array') throw unexpectedType(plan.file, field, type)
  const { key, value } = keyAndValue(type.items, field, plan.file)
  const readKey = planPresent(key.type, field, (inner) => planInt(inner, field, plan.file))
  const readValue = planNullable(value.type, (inner) => plan.planValue(inner, field, plan.file))
  const skipValue = planSkip(value.type)
  return readMap(readKey, readValue, { skipValue, ids: plan.ids, minSize: minimumSize(type.items) })
}

interface MapReading {
  readonly skipValue: Skip
  readonly ids: ReadonlySet<number> | null
  readonly minSize: number
}

function readMap<T>(
  readKey: Read<number>,
  readValue: Read<T | null>,
  { skipValue, ids, minSize }: MapReading,
): Read<ReadonlyMap<number, T>> {
  return (cursor) => {
    const map = new Map<number, T>()
    for (let count = cursor.blockCount(minSize); count !== 0; count = cursor.blockCount(minSize)) {
      for (let index = 0; index < count; index += 1) {
        const key = readKey(cursor)
        if (ids !== null && !ids.has(key)) {
          skipValue(cursor)
          continue
        }
        const value = readValue(cursor)
        if (value !== null) map.set(key, value)
      }
    }
    return map
  }
}

function keyAndValue(items: AvroType, field: string, file: string): { key: AvroField; value: AvroField } {
  const [key, value, more] = items.kind === 'record' ? items.fields : []
  // The order is what every writer has: the spec's map type is a record of key, then value.
  if (key?.name !== 'key' || value?.name !== 'value' || more !== undefined) {
    throw unexpectedType(file, field, items)
  }
  return { key, value }
}
