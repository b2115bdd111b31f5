/** Rows of the table's own data files, chosen by position, as the source of a write. */
import { EngineError, InvalidArgumentError, InvalidDataError } from '../../errors.ts'
import { PositionSet } from '../../format/position-set.ts'
import type { Schema } from '../../format/schema.ts'
import { isPrimitive, type Datum, type NestedField } from '../../format/types.ts'
import type { FileScanTask } from '../data-plane.ts'
import type { ScannedRows } from '../row-changes.ts'
import type { IncomingColumn } from './convert.ts'
import { duckType } from './duck-types.ts'
import { openTasks, refuseUnsupported, type OpenTask, type OpenTasks, type Reader } from './open-tasks.ts'
import { readPositionDeletes } from './position-deletes.ts'
import { diagnosed, failureOf } from './read-failure.ts'
import { chosenRows, type RowChoice } from './row-choice.ts'
import { numberedNames, scanQuery } from './scan-sql.ts'
import type { OpenSource } from './sources.ts'
import { datumSql, quoteName, sqlType } from './sql.ts'

const NAME = "the table's own rows"

/** Opens the data files, all of them at once: one statement reads them. */
export async function openScanned(reader: Reader, source: ScannedRows, schema: Schema): Promise<OpenSource> {
  const { read } = source
  const tasks = wantedTasks(source)
  refuseUnsupported(tasks)
  const assigned = assignedColumns(source, schema)
  const open = await openTasks(reader, read, tasks)
  try {
    refuseParts(open)
    const rows = await diagnosed(reader, open, () => rowChoices(open, source))
    const kept = { ...read.projection, fields: read.projection.fields.filter(({ id }) => !assigned.has(id)) }
    const names = numberedNames(kept)
    const query = scanQuery(open.tasks, { projection: kept, nameMapping: read.nameMapping, names, rows })
    const scanned = kept.fields.map((field, at): IncomingColumn => ({
      name: field.name,
      type: duckType(field.type),
      sql: quoteName(names[at] ?? ''),
    }))
    return {
      name: NAME,
      columns: [...scanned, ...assigned.values()],
      from: `(${query.sql})`,
      paths: open.tasks.map((task) => task.localPath),
      // They were checked when they were written.
      nullsChecked: true,
      rowCount: sum(open, (task) => chosenRows(task.file.recordCount, rows.get(task))),
      sizeBytes: sum(open, (task) => {
        const { recordCount, fileSizeInBytes } = task.file
        return recordCount === 0
          ? 0
          : (fileSizeInBytes * chosenRows(recordCount, rows.get(task))) / recordCount
      }),
      failure: () => null,
      rowCheck: null,
      position: null,
      stored: {
        values: query.values,
        nameOf: open.nameOf,
        diagnose: (error) => failureOf(reader, open, error),
      },
      close: () => open.close(),
    }
  } catch (error) {
    await open.close()
    throw error
  }
}

/** Without their filters, and without files of which no row is meant. */
function wantedTasks({ read, rows }: ScannedRows): readonly FileScanTask[] {
  return read.tasks
    .filter(({ entry }) => {
      const named = rows.positions.get(entry.file.location)?.size ?? 0
      return rows.take === 'only' ? named > 0 : named < entry.file.recordCount
    })
    .map((task) => ({ ...task, residual: { op: 'true' } }))
}

function refuseParts({ tasks }: OpenTasks): void {
  const part = tasks.find(({ rowRanges }) => rowRanges !== undefined)
  if (part === undefined) return
  throw new EngineError('only a part of a data file is at hand, and all of it is wanted', { file: part.name })
}

/** Position deletes and the positions asked for, in one. */
async function rowChoices(
  open: OpenTasks,
  { read, rows }: ScannedRows,
): Promise<ReadonlyMap<OpenTask, RowChoice>> {
  const deleted = await readPositionDeletes(open, read.signal)
  const choices = new Map<OpenTask, RowChoice>()
  for (const task of open.tasks) {
    const named = rows.positions.get(task.file.location)
    const gone = deleted.get(task)
    if (named === undefined && gone === undefined) continue
    const positions = new PositionSet(task.file.recordCount)
    if (named !== undefined) positions.addAll(named)
    if (gone !== undefined && rows.take === 'only') positions.removeAll(gone)
    if (gone !== undefined && rows.take === 'except') positions.addAll(gone)
    choices.set(task, { take: rows.take, positions })
  }
  return choices
}

/** Columns with a new value, the same in every row, by id. */
function assignedColumns(
  { assign = new Map<number, Datum | null>() }: ScannedRows,
  schema: Schema,
): ReadonlyMap<number, IncomingColumn> {
  const columns = new Map<number, IncomingColumn>()
  for (const [id, datum] of assign) {
    const field = schema.fields.find((other) => other.id === id)
    if (field === undefined) throw new InvalidArgumentError(`no top-level column has the field id ${id}`)
    columns.set(id, { name: field.name, type: duckType(field.type), sql: valueSql(field, datum) })
  }
  return columns
}

function valueSql({ name, required, type }: NestedField, datum: Datum | null): string {
  if (datum === null && required) {
    throw new InvalidDataError(`column ${name} is required, and cannot be set to null`, { column: name })
  }
  if (datum === null) return `CAST(NULL AS ${sqlType(type)})`
  if (isPrimitive(type)) return datumSql(type, datum)
  throw new InvalidArgumentError(`column ${name} is nested, and can be set to null only`)
}

function sum({ tasks }: OpenTasks, of: (task: OpenTask) => number): number {
  return tasks.reduce((total, task) => total + of(task), 0)
}
