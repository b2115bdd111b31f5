/**
 * Opening a Parquet file before the engine does: is it there, is it whole, is it the file that the
 * manifest describes, and how are its columns laid out?
 */
import { closeSync, fstatSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { DiskPace } from '../../disk-pace.ts'
import {
  CorruptFileError,
  FloebergError,
  MissingFileError,
  StorageDeniedError,
  StorageUnavailableError,
} from '../../errors.ts'
import { FooterError, outlineFooter, type FooterOutline } from './parquet-footer.ts'

const readFile = promisify(read)
const pace = new DiskPace()

/** A file of which the size is known. */
export interface SizedFile {
  /** As errors call it. */
  readonly name: string
  readonly localPath: string
  readonly sizeInBytes: number
}

/** What the table knows of a file. */
export interface ExpectedFile extends SizedFile {
  readonly recordCount: number
}

/** A footer of usual size comes with the first read. */
const TAIL_BYTES = 16 * 1024
/** Length and magic at the end, magic at the start. */
const TRAILER_BYTES = 8
const MAGIC = 0x31524150 // 'PAR1', little-endian

/**
 * Reads a file's footer.
 *
 * Throws MissingFileError; CorruptFileError for a file that is truncated, no Parquet, or not of the
 * size and row count that its manifest entry says; StorageDeniedError; StorageUnavailableError.
 */
export async function readFooter(file: ExpectedFile): Promise<FooterOutline> {
  const outline = parseOutline(file, await readFooterBytes(file))
  if (outline.rowCount !== file.recordCount) {
    throw corrupt(file, `it has ${outline.rowCount} rows where its manifest entry says ${file.recordCount}`)
  }
  return outline
}

/** The bytes of a file's footer, without magic and length. Errors as `readFooter`. */
export async function readFooterBytes(file: SizedFile): Promise<Uint8Array> {
  let handle: number
  try {
    handle = await pace.open(file.localPath)
  } catch (error) {
    throw readError(error, file)
  }
  try {
    // What follows takes less time than handing it to another thread would.
    const { size } = fstatSync(handle)
    if (size !== file.sizeInBytes) {
      throw corrupt(file, `it has ${size} bytes where its manifest entry says ${file.sizeInBytes}`)
    }
    return await footerBytes(handle, file)
  } catch (error) {
    throw error instanceof FloebergError ? error : readError(error, file)
  } finally {
    closeSync(handle)
  }
}

/** A CorruptFileError about a data or delete file. */
export function corrupt(file: { readonly name: string }, reason: string): CorruptFileError {
  return new CorruptFileError(`a Parquet file is damaged: ${reason}`, {
    file: file.name,
    hint: 'Restore the file, or remove its rows from the table by rewriting or rolling back.',
  })
}

async function footerBytes(handle: number, file: SizedFile): Promise<Uint8Array> {
  const tail = await readAt(handle, file, Math.max(0, file.sizeInBytes - TAIL_BYTES), file.sizeInBytes)
  if (tail.length < TRAILER_BYTES + 4) throw corrupt(file, 'it is too short')
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  if (view.getUint32(tail.length - 4, true) !== MAGIC) throw corrupt(file, 'it does not end as Parquet does')
  const length = view.getUint32(tail.length - TRAILER_BYTES, true)
  const end = file.sizeInBytes - TRAILER_BYTES
  if (length > end - 4) throw corrupt(file, 'its footer is longer than the file')
  if (length <= tail.length - TRAILER_BYTES) {
    return tail.subarray(tail.length - TRAILER_BYTES - length, tail.length - TRAILER_BYTES)
  }
  return readAt(handle, file, end - length, end)
}

async function readAt(handle: number, file: SizedFile, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start)
  let done = 0
  while (done < bytes.length) {
    const place = [bytes, done, bytes.length - done, start + done] as const
    const bytesRead =
      bytes.length <= TAIL_BYTES
        ? pace.timed(() => readSync(handle, ...place))
        : (await readFile(handle, ...place)).bytesRead
    if (bytesRead === 0) throw corrupt(file, 'it ends early')
    done += bytesRead
  }
  return bytes
}

/** The outline of a footer. CorruptFileError. */
export function parseOutline(file: { readonly name: string }, footer: Uint8Array): FooterOutline {
  try {
    return outlineFooter(footer)
  } catch (error) {
    if (error instanceof FooterError) throw corrupt(file, `its footer has ${error.message}`)
    throw error
  }
}

/** What the system's code means; its text goes no further, since paths in it hold partition values. */
export function readError(error: unknown, file: { readonly name: string }): FloebergError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const details = { file: file.name, cause: code === undefined ? error : new Error(code) }
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return missing(file)
    case 'EACCES':
    case 'EPERM':
    case 'ERR_ACCESS_DENIED':
      return new StorageDeniedError('a data file cannot be opened', details)
    default:
      return new StorageUnavailableError('a data file could not be read', details)
  }
}

/** A MissingFileError about a data or delete file. */
export function missing(file: { readonly name: string }): MissingFileError {
  return new MissingFileError('a file of the table is not there', {
    file: file.name,
    hint: 'Its snapshot may have expired meanwhile: refresh the table and read again.',
  })
}
