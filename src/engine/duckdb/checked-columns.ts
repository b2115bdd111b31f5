/** Columns of a source as those of the table, with all that is to be refused in their rows. */
import { InvalidDataError } from '../../errors.ts'
import type { Schema } from '../../format/schema.ts'
import { isPrimitive } from '../../format/types.ts'
import { convertColumns, type OutgoingColumn } from './convert.ts'
import { guarded } from './converted.ts'
import { farTime, hasFarTime } from './far-times.ts'
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

interface Reported {
  readonly report: FileReport
}

/** Refuses what the reports of written files give away: nothing of them is committed yet. */
export function refuseReported(
  written: readonly Reported[],
  columns: readonly OutgoingColumn[],
  source: OpenSource,
): void {
  refuseNulls(written, columns, source)
  refuseFarTimes(written, columns, source)
}

/** What is in the table already stays in it. */
function refuseFarTimes(
  written: readonly Reported[],
  columns: readonly OutgoingColumn[],
  source: OpenSource,
): void {
  if (source.stored !== undefined) return
  for (const column of columns) {
    const isFar = leavesOf([column]).some((leaf) => written.some(({ report }) => hasFarTime(report, leaf)))
    if (isFar) throw farTime(column.field.name, { source: source.name })
  }
}

/** DuckDB counts the nulls of every column as it writes, so that no row is looked at twice. */
function refuseNulls(
  written: readonly Reported[],
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
