/**
 * Position delete files (Iceberg spec, "Position Delete Files") as one bitmap per data file: a bit
 * per row, so that memory is bounded by the rows of the files and not by the deletes.
 */
import duckdb from '@duckdb/node-bindings'
import { EngineError } from '../../errors.ts'
import type { NameMapping } from '../../format/name-mapping.ts'
import { PositionSet } from '../../format/position-set.ts'
import type { NestedField } from '../../format/schema.ts'
import { corrupt } from './open-parquet.ts'
import type { OpenFile, OpenTask, OpenTasks } from './open-tasks.ts'
import { READ_OPTIONS } from './physical.ts'
import { columnSql, type FileColumns } from './projection.ts'
import { bigint64sOf, int32sOf, wholeVector } from './raw-vector.ts'
import type { RowChoice } from './row-choice.ts'
import type { StreamChunk } from './session.ts'
import { quotePaths, quoteText } from './sql.ts'

/** Columns of position delete files, and the names that go with their reserved ids. */
export const LOCATION: NestedField = {
  id: 2147483546,
  name: 'file_path',
  required: true,
  type: { kind: 'string' },
}
export const POSITION: NestedField = { id: 2147483545, name: 'pos', required: true, type: { kind: 'long' } }
/** For writers that leave the ids out. */
const NAMES: NameMapping = [LOCATION, POSITION].map(({ id, name }) => ({ 'field-id': id, names: [name] }))

/** The deleted rows of each task that has any delete file. */
export async function readPositionDeletes(
  { tasks, session, nameOf }: OpenTasks,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<OpenTask, PositionSet>> {
  const withDeletes = tasks.filter((task) => task.deletes.length > 0)
  const deleted = new Map(withDeletes.map((task) => [task, new PositionSet(task.file.recordCount)]))
  if (withDeletes.length === 0) return deleted
  const deleteFiles = [...new Set(withDeletes.flatMap((task) => task.deletes))]
  // A delete file may name files to which it does not apply: those written after it.
  const applies = withDeletes.map((task) => new Set(task.deletes))
  const locations = withDeletes.map((task, at) => `(${quoteText(task.file.location)}, ${at})`).join(', ')
  for (const group of Map.groupBy(deleteFiles, ({ physical }) => physical.number).values()) {
    const rows = session.stream(
      `WITH wanted(location, task) AS (VALUES ${locations}) ` +
        `SELECT wanted.task, deletes.file, deletes.pos ` +
        `FROM (${positionsSql(group)}) AS deletes JOIN wanted ON deletes.location = wanted.location`,
      {
        doing: 'read position deletes',
        signal,
        reading: group.map(({ localPath }) => localPath),
        nameOf,
      },
    )
    for await (const chunk of rows) {
      for (const { task: at, file, position } of deletesIn(chunk)) {
        const [task, deleteFile] = [withDeletes[at], group[file]]
        if (task === undefined || deleteFile === undefined) continue
        if (position < 0) throw corrupt(deleteFile, 'it deletes a row before the first')
        // Positions past the file's end delete nothing.
        if (position >= task.file.recordCount || applies[at]?.has(deleteFile) !== true) continue
        deleted.get(task)?.add(position)
      }
    }
  }
  return deleted
}

interface Delete {
  /** Number of the task whose file is named. */
  readonly task: number
  /** Number of the delete file that names it. */
  readonly file: number
  readonly position: number
}

function* deletesIn({ chunk, rowCount }: StreamChunk): Generator<Delete, void, undefined> {
  const column = (at: number) => wholeVector(duckdb.data_chunk_get_vector(chunk.chunk, at), rowCount)
  const [tasks, files] = [int32sOf(column(0)), int32sOf(column(1))]
  const positions = bigint64sOf(column(2))
  for (let i = 0; i < rowCount; i++) {
    yield { task: tasks[i] ?? 0, file: files[i] ?? 0, position: Number(positions[i]) }
  }
}

/** The two columns of files of one layout. Whatever else they hold (a copy of each row, perhaps) is not read. */
function positionsSql(files: readonly OpenFile[]): string {
  const [first] = files
  if (first === undefined) throw new EngineError('no delete file is to be read')
  const { name, physical } = first
  const columns = physical.columns.map((_, at) => `p${at}`)
  const file: FileColumns = { name, physical, nameMapping: NAMES, constants: new Map(), columns }
  const paths = quotePaths(files.map(({ localPath }) => localPath))
  return (
    `SELECT ${columnSql(LOCATION, file)} AS location, ${columnSql(POSITION, file)} AS pos, ` +
    `CAST(file_index AS INTEGER) AS file ` +
    `FROM read_parquet(${paths}, ${READ_OPTIONS}) AS f(${columns.join(', ')})`
  )
}

/** The rows that deletes leave, of tasks that have any. */
export function withoutDeleted(
  deleted: ReadonlyMap<OpenTask, PositionSet>,
): ReadonlyMap<OpenTask, RowChoice> {
  return new Map([...deleted].map(([task, positions]) => [task, { take: 'except', positions }]))
}
