/** Pieces of SQL that convert a value, and the checks within them. */
import { SchemaMismatchError, UnsupportedFeatureError } from '../../errors.ts'
import { isPrimitive, type NestedField } from '../../format/types.ts'
import { datumFromJson } from '../../format/values/json.ts'
import { datumSql, sqlType } from './sql.ts'

/** A converted value. */
export interface Converted {
  readonly sql: string
  /** Whether some values make the SQL fail. */
  readonly checked: boolean
}

/** Raises an error unless `ok` is true. A function that raises would be volatile, which `TRY` refuses. */
export function guarded(ok: string, value: string): string {
  return `CASE WHEN CAST(CASE WHEN ${ok} THEN 'true' ELSE 'refused' END AS BOOLEAN) THEN ${value} END`
}

export function unknownColumn(path: string, sourceName: string): SchemaMismatchError {
  return new SchemaMismatchError(`${sourceName} has a column that the table has not: ${path}`, {
    column: path,
    hint: 'Add the column to the table first, or leave it out of the data.',
  })
}

/** What stands for a column or member that the source has not. */
export function missing(field: NestedField, path: string, sourceName: string): Converted {
  const type = sqlType(field.type)
  if (field.writeDefault !== undefined && field.writeDefault !== null) {
    if (!isPrimitive(field.type)) {
      throw new UnsupportedFeatureError(
        `the default of column ${path} is of a nested type, which is not built yet`,
      )
    }
    return { sql: datumSql(field.type, datumFromJson(field.type, field.writeDefault)), checked: false }
  }
  if (field.required) {
    throw new SchemaMismatchError(`${sourceName} lacks the required column ${path}`, {
      column: path,
      hint: 'Give the column, or make it optional.',
    })
  }
  return { sql: `CAST(NULL AS ${type})`, checked: false }
}

/** Adds the check of a required member. Top-level columns are checked by their null count instead. */
export function required(field: NestedField, incoming: string, value: Converted): Converted {
  if (!field.required) return value
  return { sql: guarded(`(${incoming}) IS NOT NULL`, value.sql), checked: true }
}
