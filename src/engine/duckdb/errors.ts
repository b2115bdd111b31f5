/**
 * DuckDB's failures as typed errors.
 *
 * The binding rejects with a plain Error whose only distinction is its text: a class of error
 * (`Out of Memory Error: `), then prose that may quote rows, paths and SQL. This is the one place
 * that looks at that text, and it looks at DuckDB's own fixed words only. The text goes no further:
 * it becomes neither message nor cause.
 */
import {
  CorruptFileError,
  EngineError,
  EngineMemoryError,
  FloebergError,
  MissingFileError,
  OperationAbortedError,
  StorageDeniedError,
  StorageQuotaError,
} from '../../errors.ts'

export { throwIfAborted } from '../../abort.ts'

/** What was going on when DuckDB failed. */
export interface FailureContext {
  /** What the statement was to do, to follow "could not": `write data files`. */
  readonly doing: string
  readonly signal?: AbortSignal | undefined
  /** The files that the statement reads, as DuckDB was given them. */
  readonly reading?: readonly string[] | undefined
  /** For statements that others wrote: what the engine's text means; null where it is nothing special. */
  readonly explain?: ((text: string) => FloebergError | null) | undefined
  /** How a file is called in errors, where it is not its local path (a masked location, say). */
  readonly nameOf?: ((localPath: string) => string) | undefined
}

/** The typed error for whatever a DuckDB call rejected with. Errors of ours pass as they are. */
export function engineError(thrown: unknown, context: FailureContext): FloebergError {
  if (thrown instanceof FloebergError) return thrown
  if (context.signal?.aborted === true) return abortedError()
  const text = thrown instanceof Error ? thrown.message : ''
  if (text.startsWith('INTERRUPT Error')) return abortedError()
  // What does not fit into memory goes to the scratch folder: when that is full, DuckDB says so thus.
  if (text.startsWith('Out of Memory Error: failed to offload data block')) return diskFull(context)
  if (text.startsWith('Out of Memory Error')) {
    return new EngineMemoryError(`could not ${context.doing} within the engine's memory limit`, {
      hint: 'Raise the memory limit of the engine, or lower its number of threads.',
    })
  }
  const own = context.explain?.(text) ?? null
  return own ?? fileError(text, context) ?? new EngineError(`the engine could not ${context.doing}`)
}

/** Whether a statement failed because its connection is closed. */
export function isDisconnected(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.endsWith('connection disconnected')
}

function abortedError(): OperationAbortedError {
  return new OperationAbortedError('the operation was aborted')
}

function diskFull(context: FailureContext): StorageQuotaError {
  return new StorageQuotaError(`could not ${context.doing}: the disk is full`, {
    hint: 'Free some space, or point the scratch folder and the warehouse at a larger disk.',
  })
}

function fileError(text: string, context: FailureContext): FloebergError | null {
  const file = fileOf(text, context)
  if (/No space left on device|Disk quota exceeded|File too large/.test(text)) {
    return diskFull(context)
  }
  if (/^IO Error.*(No files found|No such file or directory)/s.test(text)) {
    return new MissingFileError(`could not ${context.doing}: a file is not there`, { file })
  }
  if (/^IO Error.*(Permission denied|Read-only file system)/s.test(text)) {
    return new StorageDeniedError(`could not ${context.doing}: the file system denies access`, { file })
  }
  const reading = context.reading ?? []
  const named = text.startsWith('Invalid Input Error') && reading.some((path) => text.includes(path))
  if (reading.length > 0 && (named || DAMAGED.test(text))) {
    return new CorruptFileError(`could not ${context.doing}: a file is damaged or not what it claims`, {
      file,
    })
  }
  return null
}

/** How DuckDB begins when bytes of a file make no sense; a failing cast or `error()` is not among them. */
const DAMAGED = /^(IO Error|Invalid Error|Serialization Error)|^\W*TProtocolException/

function fileOf(text: string, context: FailureContext): string | undefined {
  const files = context.reading ?? []
  const found = files.length === 1 ? files[0] : files.find((path) => text.includes(path))
  return found === undefined ? undefined : (context.nameOf?.(found) ?? found)
}
