/** Defaults of columns in their stored form (Iceberg spec, "Default values"). */
import { InvalidDataError } from '../../errors.ts'
import type { Type } from '../types.ts'
import { valueToJson } from '../values/nested-json.ts'
import type { Value } from '../values/value.ts'
import { refuse } from './staging.ts'

/**
 * Single-value JSON of a default; null for none. The default of a struct is the empty struct: its
 * fields have defaults of their own. IncompatibleChangeError when it is no value of the type.
 */
export function defaultToJson(column: string, type: Type, value: Value): unknown {
  if (value === null) return null
  if (type.kind === 'struct' && Object.keys(value).length === 0) return {}
  try {
    return valueToJson(type, value)
  } catch (cause) {
    if (!(cause instanceof InvalidDataError)) throw cause
    throw refuse(column, 'its default is no value of its type', cause.hint, cause)
  }
}
