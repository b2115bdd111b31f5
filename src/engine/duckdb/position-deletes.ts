/**
 * Position delete files (Iceberg spec, "Position Delete Files") as one bitmap per data file: a bit
 * per row, so that memory is bounded by the rows of the files and not by the deletes.
 */
import { DuckDBBitValue } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { contentFileKey } from '../../format/manifest/entry.ts'
import { SchemaMismatchError } from '../../errors.ts'
import { corrupt } from './open-parquet.ts'
import type { OpenFile, OpenTask, OpenTasks } from './open-tasks.ts'
import { READ_OPTIONS } from './physical.ts'
import { bigint64sOf, int32sOf, wholeVector } from './raw-vector.ts'
import { quotePaths, quoteText } from './sql.ts'

/** Reserved field ids of position delete files, and the names that go with them. */
const FILE_PATH = { id: 2147483546, name: 'file_path' }
const POSITION = { id: 2147483545, name: 'pos' }

/** Deleted rows of a data file, by position. */
export class DeletedRows {
  /** As a DuckDB BIT: a byte that says how many bits pad it, then rows from the highest bit down. */
  readonly #bits: Uint8Array
  readonly #rowCount: number

  constructor(rowCount: number) {
    this.#rowCount = rowCount
    this.#bits = new Uint8Array(1 + Math.ceil(rowCount / 8))
  }

  /** Positions past the file's end delete nothing. */
  add(position: number): void {
    if (position >= this.#rowCount) return
    const at = 1 + (position >> 3)
    this.#bits[at] = (this.#bits[at] ?? 0) | (128 >> (position & 7))
  }

  toValue(): DuckDBBitValue {
    return new DuckDBBitValue(this.#bits)
  }
}

/** The deleted rows of each task that has any delete file. */
export async function readPositionDeletes(
  { tasks, session, nameOf }: OpenTasks,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<OpenTask, DeletedRows>> {
  const withDeletes = tasks.filter((task) => task.deletes.length > 0)
  const deleted = new Map(withDeletes.map((task) => [task, new DeletedRows(task.file.recordCount)]))
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
        if (task !== undefined && applies[at]?.has(key) === true) deleted.get(task)?.add(position)
      }
    }
  }
  return deleted
}

/** The file's two columns, by field id, or by name where a writer left the ids out. */
function positionsSql(file: OpenFile): string {
  const columns = file.physical.columns
  const find = ({ id, name }: { readonly id: number; readonly name: string }, sqlType: string): number => {
    const byId = columns.findIndex((column) => column.id === id)
    const at = byId === -1 ? columns.findIndex((column) => column.id === null && column.name === name) : byId
    const node = columns[at]?.node
    if (node?.kind === 'leaf' && node.sqlType === sqlType) return at
    throw new SchemaMismatchError(`a position delete file has no column '${name}' of its type`, {
      file: file.name,
      column: name,
    })
  }
  const names = columns.map((_, at) => `p${at}`)
  return (
    `SELECT p${find(FILE_PATH, 'VARCHAR')} AS location, p${find(POSITION, 'BIGINT')} AS pos ` +
    `FROM read_parquet(${quotePaths([file.localPath])}, ${READ_OPTIONS}) AS f(${names.join(', ')})`
  )
}
