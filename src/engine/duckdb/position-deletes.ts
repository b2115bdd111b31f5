/**
 * Position delete files (Iceberg spec, "Position Delete Files") as one bitmap per data file: a bit
 * per row, so that memory is bounded by the rows of the files and not by the deletes.
 */
import duckdb from '@duckdb/node-bindings'
import { contentFileKey } from '../../format/manifest/entry.ts'
import type { NameMapping } from '../../format/name-mapping.ts'
import { PositionSet } from '../../format/position-set.ts'
import type { NestedField } from '../../format/schema.ts'
import { corrupt } from './open-parquet.ts'
import type { OpenFile, OpenTask, OpenTasks } from './open-tasks.ts'
import { READ_OPTIONS } from './physical.ts'
import { columnSql, type FileColumns } from './projection.ts'
import { bigint64sOf, int32sOf, wholeVector } from './raw-vector.ts'
import type { RowChoice } from './row-choice.ts'
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
  const deleteFiles = new Map(
    withDeletes.flatMap((task) => task.deletes.map((file) => [contentFileKey(file.file), file])),
  )
  // A delete file may name files to which it does not apply: those written after it.
  const applies = withDeletes.map((task) => new Set(task.deletes.map(({ file }) => contentFileKey(file))))
  const locations = withDeletes.map((task, at) => `(${quoteText(task.file.location)}, ${at})`).join(', ')
  for (const [key, deleteFile] of deleteFiles) {
    const rows = session.stream(
      `WITH wanted(location, task) AS (VALUES ${locations}) ` +
        `SELECT wanted.task, deletes.pos ` +
        `FROM (${positionsSql(deleteFile)}) AS deletes JOIN wanted ON deletes.location = wanted.location`,
      { doing: 'read position deletes', signal, reading: [deleteFile.localPath], nameOf },
    )
    for await (const { chunk, rowCount } of rows) {
      const taskNumbers = int32sOf(wholeVector(duckdb.data_chunk_get_vector(chunk.chunk, 0), rowCount))
      const positions = bigint64sOf(wholeVector(duckdb.data_chunk_get_vector(chunk.chunk, 1), rowCount))
      for (let i = 0; i < rowCount; i++) {
        const at = taskNumbers[i] ?? 0
        const task = withDeletes[at]
        const position = Number(positions[i])
        if (position < 0) throw corrupt(deleteFile, 'it deletes a row before the first')
        // Positions past the file's end delete nothing.
        if (task === undefined || position >= task.file.recordCount) continue
        if (applies[at]?.has(key) === true) deleted.get(task)?.add(position)
      }
    }
  }
  return deleted
}

/** The file's two columns. Whatever else it holds (a copy of each row, perhaps) is not read. */
function positionsSql({ name, physical, localPath }: OpenFile): string {
  const columns = physical.columns.map((_, at) => `p${at}`)
  const file: FileColumns = { name, physical, nameMapping: NAMES, constants: new Map(), columns }
  return (
    `SELECT ${columnSql(LOCATION, file)} AS location, ${columnSql(POSITION, file)} AS pos ` +
    `FROM read_parquet(${quotePaths([localPath])}, ${READ_OPTIONS}) AS f(${columns.join(', ')})`
  )
}

/** The rows that deletes leave, of tasks that have any. */
export function withoutDeleted(
  deleted: ReadonlyMap<OpenTask, PositionSet>,
): ReadonlyMap<OpenTask, RowChoice> {
  return new Map([...deleted].map(([task, positions]) => [task, { take: 'except', positions }]))
}
