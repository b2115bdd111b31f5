/**
 * Which file made a read fail? The engine often cannot say, and where a stream breaks off it says
 * nothing at all; so after a failure, and only then, the files are looked at one by one.
 */
import { CorruptFileError, EngineError, FloebergError, MissingFileError } from '../../errors.ts'
import { engineError } from './errors.ts'
import { corrupt, readFooter } from './open-parquet.ts'
import type { OpenFile, OpenTasks, Reader } from './open-tasks.ts'
import { READ_OPTIONS } from './physical.ts'
import { quotePaths } from './sql.ts'

/** Runs a read; what it throws names the file at fault, where one is. */
export async function diagnosed<T>(reader: Reader, open: OpenTasks, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw await failureOf(reader, open, error)
  }
}

/** The error to throw for a read that failed: the same, or one that names the file at fault. */
export async function failureOf(reader: Reader, open: OpenTasks, error: unknown): Promise<unknown> {
  const mayBeAFile =
    error instanceof EngineError || error instanceof CorruptFileError || error instanceof MissingFileError
  if (!mayBeAFile || error.file !== undefined) return error
  for (const file of filesOf(open)) {
    const failure = (await footerFailure(file)) ?? (await dataFailure(reader, file))
    if (failure !== null) return failure
  }
  return error
}

function filesOf(open: OpenTasks): readonly OpenFile[] {
  return open.tasks.flatMap((task): readonly OpenFile[] => [task, ...task.deletes])
}

/** Missing, truncated or replaced since it was opened. */
async function footerFailure({ file, name, localPath }: OpenFile): Promise<FloebergError | null> {
  try {
    await readFooter({
      name,
      localPath,
      sizeInBytes: file.fileSizeInBytes,
      recordCount: file.recordCount,
    })
    return null
  } catch (error) {
    if (error instanceof FloebergError) return error
    throw error
  }
}

/** Pages that cannot be decoded: the whole file is read, every column of it. */
async function dataFailure(reader: Reader, file: OpenFile): Promise<FloebergError | null> {
  // Of a file that is only partly at hand the rest would look damaged.
  if (file.rowRanges !== undefined) return null
  const sql = `SELECT bit_xor(hash(f)) FROM read_parquet(${quotePaths([file.localPath])}, ${READ_OPTIONS}) AS f`
  const context = { doing: 'read a data file', reading: [file.localPath], nameOf: () => file.name }
  try {
    await reader.engine.withSession({ paths: [file.localPath] }, (session) => session.run(sql, context))
    return null
  } catch (thrown) {
    const error = engineError(thrown, context)
    if (error instanceof CorruptFileError || error instanceof MissingFileError) return error
    return error instanceof EngineError ? corrupt(file, 'its pages cannot be read') : null
  }
}
