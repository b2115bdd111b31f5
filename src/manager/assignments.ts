/** New values of columns, as an update takes them. */
import { InvalidArgumentError, InvalidDataError } from '../errors.ts'
import { findFieldByName, type Schema } from '../format/schema.ts'
import { isPrimitive, type Datum, type PrimitiveType } from '../format/types.ts'
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
  return [field.id, value === null ? null : datumFor(name, field.type, value)]
}

/** The error of a value that does not fit names its column. */
function datumFor(column: string, type: PrimitiveType, value: Value): Datum {
  try {
    return valueToDatum(type, value)
  } catch (error) {
    if (!(error instanceof InvalidDataError)) throw error
    throw new InvalidDataError(`column '${column}': ${error.message}`, {
      column,
      hint: error.hint,
      cause: error,
    })
  }
}
