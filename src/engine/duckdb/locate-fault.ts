/**
 * Finding the row that made a write fail. Writing checks all rows at once and learns only that one
 * of them does not fit; sources that can be read again are then read once more, to say which.
 */
import { EngineError, InvalidDataError } from '../../errors.ts'
import { isPrimitive } from '../../format/types.ts'
import type { RunOptions } from '../data-plane.ts'
import type { DuckDbEngine } from './connection.ts'
import type { OutgoingColumn } from './convert.ts'
import { FAR_TIME, farTimeSql } from './far-times.ts'
import type { OpenSource } from './sources.ts'

/** The error to throw for a write that failed: naming the row, where a row is to blame. */
export async function locateFault(
  engine: DuckDbEngine,
  error: unknown,
  source: OpenSource,
  columns: readonly OutgoingColumn[],
  request: RunOptions,
): Promise<unknown> {
  const isAboutRows = error instanceof EngineError || error instanceof InvalidDataError
  const faults = faultsOf(source, columns)
  if (!isAboutRows || source.position === null || faults.length === 0) return error
  if (error instanceof InvalidDataError && error.row !== undefined) return error
  const { from, file, row } = source.position
  const which = faults.map(({ sql }, at) => `WHEN ${sql} THEN ${at}`).join(' ')
  const query =
    `SELECT * FROM (SELECT CASE ${which} END AS fault, ${file} AS file, ${row} AS row FROM ${from}) ` +
    `WHERE fault IS NOT NULL LIMIT 1`
  const [found] = await engine
    .withSession({ paths: source.paths }, (session) =>
      session.rows(query, {
        doing: 'find the row at fault',
        signal: request.signal,
        reading: source.paths,
      }),
    )
    .catch((again: unknown) => {
      // What cannot even be read is no row's fault, and the first error says more.
      if (again instanceof EngineError) return []
      throw again
    })
  const fault = faults[Number(found?.['fault'] ?? -1)]
  if (found === undefined || fault === undefined) return error
  const where = { source: String(found['file']), row: Number(found['row']) }
  return new InvalidDataError(`${fault.message} (row ${where.row} of ${where.source})`, {
    column: fault.column,
    hint: fault.hint,
    ...where,
  })
}

interface Fault {
  /** True for rows that have it. */
  readonly sql: string
  readonly message: string
  readonly column?: string
  readonly hint: string
}

function faultsOf(source: OpenSource, columns: readonly OutgoingColumn[]): readonly Fault[] {
  const whole: Fault[] =
    source.rowCheck === null
      ? []
      : [
          {
            sql: `NOT coalesce(${source.rowCheck}, false)`,
            message: 'a row is no object, or has a key that is no column of the table',
            hint: "Give one object per row, with the table's columns as keys.",
          },
        ]
  return [...whole, ...columns.flatMap(columnFaults)]
}

function columnFaults(column: OutgoingColumn): readonly Fault[] {
  const { isMissing, checked, field } = column
  if (isMissing === null) return []
  const faults: Fault[] = []
  if (field.required) {
    faults.push({
      sql: isMissing,
      message: `column ${field.name} is required, and a row has no value for it`,
      column: field.name,
      hint: 'Give the row a value, or make the column optional.',
    })
  }
  // A checked column's SQL fails for what does not fit, and says nothing else of it.
  const isFar = !checked && isPrimitive(field.type) ? farTimeSql(field.type, column.sql) : null
  if (isFar !== null) {
    const message = `column ${field.name}: ${FAR_TIME.message}`
    faults.push({ sql: isFar, message, column: field.name, hint: FAR_TIME.hint })
  }
  if (checked) {
    faults.push({
      sql: `(NOT (${isMissing}) AND TRY(${column.sql}) IS NULL)`,
      message: `column ${field.name}: a value does not fit its type, or lacks a required part`,
      column: field.name,
      hint: 'Correct the value in the source; nothing was written.',
    })
  }
  return faults
}
