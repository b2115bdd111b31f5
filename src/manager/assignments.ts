/** New values of columns, as an update takes them. */
import { InvalidArgumentError, InvalidDataError } from '../errors.ts'
import { findFieldByName, type Schema } from '../format/schema.ts'
import { isPrimitive, type Datum } from '../format/types.ts'
import { valueToDatum, type Value } from '../format/values/value.ts'
import type { RowChangeOptions } from './row-change-options.ts'

/** By id of top-level column. InvalidArgumentError, InvalidDataError: unknown, nested or unfit. */
export function assignments(
  schema: Schema,
  values: Readonly<Record<string, Value>>,
  options: RowChangeOptions,
): ReadonlyMap<number, Datum | null> {
  const entries = Object.entries(values)
  if (entries.length === 0) throw new InvalidArgumentError('an update needs at least one column to set')
  return new Map(entries.map(([name, value]) => assignment(schema, name, value, options)))
}

function assignment(
  schema: Schema,
  name: string,
  value: Value,
  options: RowChangeOptions,
): readonly [number, Datum | null] {
  const field = findFieldByName(schema, name, { caseSensitive: options.caseSensitive ?? true })
  if (field === undefined || !schema.fields.includes(field)) {
    throw new InvalidArgumentError(`The table has no top-level column '${name}'`)
  }
  if (!isPrimitive(field.type))
    throw new InvalidArgumentError(`Column '${name}' is nested and cannot be set as a whole`)
  if (value === null && field.required) {
    throw new InvalidDataError(`column '${name}' is required and cannot be set to null`, { column: name })
  }
  return [field.id, value === null ? null : valueToDatum(field.type, value)]
}
