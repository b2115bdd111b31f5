/** Columns of a source as those of the table, with all that is to be refused in their rows. */
import { InvalidDataError, UnsupportedFeatureError } from '../../errors.ts'
import { childFields } from '../../format/nested-fields.ts'
import type { Schema } from '../../format/schema.ts'
import { typeToString } from '../../format/types-json.ts'
import { isPrimitive, type NestedField } from '../../format/types.ts'
import { convertColumns, type OutgoingColumn } from './convert.ts'
import { guarded } from './converted.ts'
import type { OpenSource } from './sources.ts'
import { leavesOf, type FileReport } from './write-stats.ts'

/** Every column of the data files, with the check of whole rows in the first of them. */
export function checkedColumns(source: OpenSource, schema: Schema): readonly OutgoingColumn[] {
  const columns = convertColumns(source.columns, schema.fields, source)
  const { rowCheck } = source
  if (rowCheck === null) return columns
  return columns.map((column, at) =>
    at === 0 ? { ...column, sql: guarded(rowCheck, column.sql), checked: true } : column,
  )
}

/** UnsupportedFeatureError for a schema with a type that is not built yet. */
export function refuseUnwritable(schema: Schema): void {
  const visit = (field: NestedField, path: string): void => {
    const { type } = field
    switch (type.kind) {
      case 'fixed':
      case 'variant':
      case 'geometry':
      case 'geography':
      case 'timestamptz_ns':
        throw new UnsupportedFeatureError(
          `column ${path} of type ${typeToString(type)} cannot be written yet`,
          { hint: 'Write the table with another engine, or leave the column out of its schema.' },
        )
      default:
        for (const child of childFields(type)) visit(child, `${path}.${child.name}`)
    }
  }
  for (const field of schema.fields) visit(field, field.name)
}

/** DuckDB counts the nulls of every column as it writes, so that no row is looked at twice. */
export function refuseNulls(
  written: readonly { readonly report: FileReport }[],
  columns: readonly OutgoingColumn[],
  source: OpenSource,
): void {
  if (source.nullsChecked) return
  for (const leaf of leavesOf(columns)) {
    const column = columns.find(({ field }) => field.id === leaf.id)
    if (column === undefined || !column.field.required || !isPrimitive(column.field.type)) continue
    const hasNull = written.some(({ report }) => {
      const nulls = report.columns.get(leaf.key)?.get('null_count')
      return nulls === undefined || nulls !== '0'
    })
    if (hasNull) throw nullFound(column, source)
  }
}

function nullFound(column: OutgoingColumn, source: OpenSource): InvalidDataError {
  return new InvalidDataError(
    `column ${column.field.name} is required, and ${source.name} has a null in it`,
    {
      column: column.field.name,
      source: source.name,
    },
  )
}
