/** Fields that a reader wants, from the pieces that make them. */
import type { Read, Wanted } from './avro-plan.ts'
import { planLong, planNullable, planPresent } from './avro-plan.ts'
import type { AvroType } from './avro-schema.ts'

export type PlanRead<T> = (type: AvroType, field: string, file: string) => Read<T>

/** A field that must be there and have a value. */
export function requiredField<T, Target>(
  id: number,
  name: string,
  file: string,
  plan: PlanRead<T>,
  assign: (target: Target, value: T) => void,
): Wanted<Target> {
  return {
    id,
    name,
    required: true,
    plan(type, field) {
      const read = planPresent(type, field, (inner) => plan(inner, field, file))
      return (cursor, target) => assign(target, read(cursor))
    },
  }
}

/** A field that may be missing from the file, or from one of its records. */
export function optionalField<T, Target>(
  id: number,
  name: string,
  file: string,
  plan: PlanRead<T>,
  assign: (target: Target, value: T | null) => void,
): Wanted<Target> {
  return {
    id,
    name,
    plan(type, field) {
      const read = planNullable(type, (inner) => plan(inner, field, file))
      return (cursor, target) => assign(target, read(cursor))
    },
  }
}

/** A count or a size: a long that is a safe integer and not negative. */
export function planCount(type: AvroType, field: string, file: string): Read<number> {
  const read = planLong(type, field, file)
  return (cursor) => {
    const count = read(cursor)
    return count >= 0 ? count : cursor.fail(`the field ${field} is negative`)
  }
}
