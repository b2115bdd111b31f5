/** What an error about a broken table says to those who want to have it back. */
import { CorruptFileError, MissingFileError } from '../errors.ts'
import type { CallOptions } from '../storage/object-store.ts'
import type { TableIdentifier } from './catalog.ts'
import type { TablePointer } from './pointers.ts'
import type { TableFiles } from './table-files.ts'

/**
 * The error, with the newest version that can be read: the one that the pointer named before. An
 * older one is known only from that one's metadata log. Other errors come back as they are.
 */
export async function namingReadable(
  files: TableFiles,
  { id, pointer }: { readonly id: TableIdentifier; readonly pointer: TablePointer },
  error: unknown,
  options: CallOptions,
): Promise<unknown> {
  if (!(error instanceof MissingFileError || error instanceof CorruptFileError)) return error
  const readable = await readableBefore(files, id, pointer, options)
  const hint =
    readable === null
      ? 'Restore the file. planRepair (floeberg repair) shows which other versions there are.'
      : `The newest version that can be read is ${readable}: restore the file, or go back to that version by repairTable (floeberg repair).`
  const { message, table, file } = error
  const details = { table, file: file ?? pointer.metadataLocation, hint, cause: error.cause ?? error }
  return error instanceof MissingFileError
    ? new MissingFileError(message, details)
    : new CorruptFileError(message, details)
}

async function readableBefore(
  files: TableFiles,
  id: TableIdentifier,
  { previousLocation }: TablePointer,
  options: CallOptions,
): Promise<string | null> {
  if (previousLocation === null) return null
  try {
    await files.read(id, previousLocation, options)
    return previousLocation
  } catch {
    // Whatever it is: what the caller must hear is the error that led here.
    return null
  }
}
